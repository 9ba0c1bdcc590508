"""Who asks a page for things, as any program may: by HTTP, with a session or without."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from livestack.show.web import Page

OPERATED = ("draft", "words", "publish", "undo", "hold", "approve", "present", "drop", "restore", "quiet", "logout")
_PIECES = (
    *("", "..", ".", "%2e%2e", "%2f", "etc", "passwd", "picture", "one", "tile", "buildup", "grain", "past", "qr"),
    *("state.json", "operator", "operator/state.json", "operator/draft.jpg", "events", "ws", "health", "save.png"),
    *("480.jpg", "640.jpg", "0_0.jpg", "-1.jpg", "9999999999999999999999.jpg", "page.svg", "wifi.svg", "sky.svg"),
    *("login", *OPERATED, "present", "0", "1", "nul", "%00", "%ff", "é", "\\", "journal.sqlite", "settings.toml"),
    *("fonts", "static", "{size}", "?v=1", "?token=", "?token=" + "x" * 500, ";", "%25", "%0d%0aX:1", "a" * 3000),
)
_METHODS = ("GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO", "get")
_VALUES = (
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, "", "x" * 500, "\ud800", "\x00", [], {}, [1], [[[]]], {"a": 1}),
    *([1, 2, 3], ["1"], [True], [10**25], "auto", "nowhere", 0.5),
)
_NAMES = (
    *("brightness", "glow", "colour", "grain", "preset", "name", "also", "meaning", "caption", "held", "asks", "show"),
    *("no", "last", "zoom", "fade", "slideshow", "wifi", "token", "", "__class__", "look"),
)


@dataclass
class Asker:
    """Asks a page; with a cookie once it signed in."""

    page: Page
    cookie: str = ""

    def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        return self._ask(Request(self.page.url + path, headers=headers))

    def post(self, what: str, /, **body: Any) -> tuple[int, Any]:
        data = json.dumps(body).encode()
        status, answer, _ = self._ask(Request(f"{self.page.url}operator/{what}", data, method="POST"))
        return status, json.loads(answer) if answer.startswith(b"{") else answer

    def sign_in(self, address: str = "127.0.0.1") -> Asker:
        """Sign in, from one of this computer's own addresses."""
        lines = f"GET /operator?token={self.page.token} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = raw(self.page, lines.encode(), address=address)
        assert answer.startswith(b"HTTP/1.1 200")
        self.cookie = answer.partition(b"set-cookie: ")[2].partition(b";")[0].decode()
        return self

    def state(self, until: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The public state, once it is as a test wants it."""
        return self._until("state.json", until)

    def operated(self, until: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The operator's state, once it is as a test wants it."""
        return self._until("operator/state.json", until)

    def photos(self, n: int) -> dict[str, Any]:
        """The state once so many photos are seen."""
        return self.state(lambda state: state["version"] > 0 and state["photos"] == n)

    def _until(self, path: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(400):
            status, data, _ = self.get(path)
            assert status == 200
            state = dict(json.loads(data))
            if until(state):
                return state
            time.sleep(0.05)
        raise AssertionError(f"it never came to that: {state}")

    def _ask(self, request: Request) -> tuple[int, bytes, dict[str, str]]:
        if self.cookie:
            request.add_header("Cookie", self.cookie)
        try:
            with urlopen(request, timeout=20) as answer:
                return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
        except HTTPError as error:
            with error:
                return error.code, error.read(), {name.lower(): value for name, value in error.headers.items()}


def raw(page: Page, request: bytes, timeout_s: float = 20.0, address: str = "127.0.0.1") -> bytes:
    """Send bytes and return all that comes until the other side is done."""
    with socket.create_connection(("127.0.0.1", page.port), timeout_s, (address, 0)) as line:
        line.sendall(request)
        line.settimeout(timeout_s)
        got = b""
        while chunk := line.recv(65536):
            got += chunk
            if got.startswith(b"HTTP/1.1 200") and b"text/event-stream" in got:
                break  # it has no end
        return got


def fuzzed(rng: random.Random, page: Page, cookie: str) -> bytes:
    """A request that nobody meant: one of many that are nearly right."""
    path = "/" + "/".join(rng.choice(_PIECES) for _ in range(rng.choice((1, 1, 2, 2, 3, 5))))
    if rng.random() < 0.3:
        path = "/operator/" + rng.choice((*OPERATED, "login"))
    body, kind = b"", rng.random()
    method = rng.choice(_METHODS) if kind < 0.6 else "POST"
    if method == "POST":
        what = {rng.choice(_NAMES): rng.choice(_VALUES) for _ in range(rng.choice((0, 1, 1, 2, 3)))}
        body = json.dumps(what).encode() if kind < 0.9 else rng.randbytes(rng.choice((0, 1, 40, 17_000)))
        body = b"[" * 5000 if kind > 0.98 else body
    host = (
        f"127.0.0.1:{page.port}" if rng.random() < 0.9 else rng.choice(("", "x", "evil.example", "[::1]", "a b", "@"))
    )
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if body:
        lines.append(f"Content-Length: {rng.choice((len(body),) * 12 + (10**25, 0))}")
    if rng.random() < 0.5:
        lines.append(f"Cookie: {cookie}" if rng.random() < 0.7 else "Cookie: livestack_operator=\xff; =; a")
    if rng.random() < 0.1:
        lines.append(
            rng.choice(("Origin: null", "Origin: http://[", "X" * 20_000 + ": 1", "Upgrade: websocket", "Range: x"))
        )
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def chatter(rng: random.Random) -> str | bytes:
    """A message that nobody meant."""
    text = rng.choice(("", "{}", "[" * 900, '{"version":1}', "\x00", "é" * 100, "x" * 1000))
    return text if rng.random() < 0.6 else rng.randbytes(rng.choice((0, 1, 200, 1024)))


def fuzz(page: Page, n: int, seed: int, secrets: tuple[bytes, ...]) -> dict[int, int]:
    """Send so many requests that nobody meant; returns how many were answered how, 0 = not at all."""
    rng, statuses = random.Random(seed), dict[int, int]()
    cookie = Asker(page).sign_in().cookie
    for _ in range(n):
        if rng.random() < 0.05:
            cookie = Asker(page).sign_in("127.0.0.9").cookie
        request = fuzzed(rng, page, cookie)
        try:
            answer = raw(page, request)
        except (ConnectionError, TimeoutError):
            answer = b""
        status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500, (request[:300], answer[:300])
        for secret in (b"Traceback", b"root:", b"SQLite format", *secrets):
            assert secret not in answer, (secret, request[:300])
    return statuses


def chat(page: Page, n: int, seed: int) -> None:
    """Say things that nobody meant to a socket."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    rng = random.Random(seed)
    said = 0
    while said < n:
        with connect(page.url.replace("http", "ws") + "ws", close_timeout=1) as line:
            try:
                for _ in range(30):
                    line.send(chatter(rng))
                    said += 1
            except ConnectionClosed:
                pass


def main() -> None:
    """Fuzz a page of a session with pictures: python -m tests.show.asker 10000."""
    import sys
    import tempfile
    from pathlib import Path

    from livestack.show.source import open_source
    from livestack.show.web import serve
    from tests.show.night import Night, sky

    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder) / "session")
        for _ in range(4):
            night.add()
        night.show(sky(4), sky(1), 4)
        page = serve(open_source(night.session), "127.0.0.1", 0, threading.Event())
        Asker(page).photos(4)
        begun = time.monotonic()
        secrets = (night.folder.encode(), str(night.session).encode())
        statuses = fuzz(page, n, 1, secrets)
        chat(page, n // 10, 2)
        print(f"{n} requests in {time.monotonic() - begun:.0f} s: {dict(sorted(statuses.items()))}")
        print(f"it answers: {Asker(page).get('health')[:2]}")
        page.close()


if __name__ == "__main__":
    main()
