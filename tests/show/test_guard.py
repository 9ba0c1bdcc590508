"""A page in a network with strangers in it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from livestack.events import AlertRaised, SessionStopped
from livestack.show.source import Source
from livestack.show.web import Page, serve
from livestack.show.web.patience import Limits
from livestack.show.web.server import How
from livestack.show.wifi import parse_wifi
from tests.show.asker import OPERATED, Asker, chat, fuzz, raw
from tests.show.night import Night, sky

HEADER_S = 1.0


@pytest.fixture
def page(source: Source) -> Iterator[Page]:
    how = How(parse_wifi("field:correct horse"), Limits(header_s=HEADER_S, sockets_per_address=8))
    page = serve(source, "127.0.0.1", 0, threading.Event(), how=how)
    yield page
    page.close()


def _with_photos(page: Page, night: Night, n: int = 4) -> Asker:
    for _ in range(n):
        night.add()
    night.show(sky(n), sky(1), n)
    asker = Asker(page)
    asker.photos(n)
    return asker


def test_without_the_token_nothing_is_operated(page: Page, night: Night) -> None:
    stranger = _with_photos(page, night)
    before = stranger.state()
    assert stranger.get("operator")[0] == 401
    for path in ("operator/state.json", "operator/draft.jpg"):
        assert stranger.get(path)[0] == 401
    for what in OPERATED:
        assert stranger.post(what, held=True, no=[1], last=True)[0] == 401
        stranger.cookie = "livestack_operator=guessed"
        assert stranger.post(what, held=True, no=[1], last=True)[0] == 401
    assert night.journal.requests() == []
    after = stranger.state()
    assert {**after, "coming": 0, "next_s": 0} == {**before, "coming": 0, "next_s": 0}


def test_a_token_is_not_guessed_and_what_it_opens_is_for_its_browser_alone(page: Page) -> None:
    stranger = Asker(page)
    for _ in range(5):
        assert stranger.post("login", token="guess")[0] == 401
    assert stranger.post("login", token=page.token)[0] == 429, "who guesses is not told when it was right"
    assert stranger.get(f"operator?token={page.token}")[0] == 429
    status, _, headers = _from(page, "127.0.0.2", f"GET /operator?token={page.token} HTTP/1.1")
    assert status == 200
    assert all(word in headers.lower() for word in ("httponly", "samesite=strict", "path=/operator"))
    assert "no-store" in headers


def test_who_signs_out_is_out(page: Page) -> None:
    asker = Asker(page).sign_in()
    assert asker.operated()["guests"] >= 0
    assert asker.post("logout")[0] == 200
    assert asker.get("operator/state.json")[0] == 401


def test_a_page_elsewhere_cannot_use_a_guest_s_browser(page: Page) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    assert Asker(page).get("", Host="evil.example")[0] == 421, "a name that was pointed here"
    assert raw(page, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")
    for host in ("localhost", f"127.0.0.1:{page.port}", "192.168.1.23", socket.gethostname()):
        assert Asker(page).get("health", Host=host)[0] == 200
    where = page.url.replace("http", "ws") + "ws"
    with pytest.raises(InvalidStatus, match="403"):
        connect(where, origin="http://evil.example")  # type: ignore[arg-type]
    with connect(where, origin=page.url.rstrip("/")) as line:  # type: ignore[arg-type]
        assert json.loads(line.recv(timeout=5))["photos"] == 0
    asker = Asker(page).sign_in()
    for headers in ("Origin: http://evil.example", "Sec-Fetch-Site: cross-site"):
        lines = f"POST /operator/hold HTTP/1.1\r\n{headers}\r\nCookie: {asker.cookie}\r\nContent-Length: 13"
        assert _from(page, "127.0.0.1", lines, b'{"held":true}')[0] == 403
    assert not asker.operated()["held"]
    policy = asker.get("")[2]
    assert "unsafe" not in policy["content-security-policy"]
    assert policy["x-content-type-options"] == "nosniff"
    assert policy["referrer-policy"] == "no-referrer"
    assert "server" not in policy


def test_what_is_too_much_is_refused(page: Page) -> None:
    asker = Asker(page).sign_in()
    assert asker.post("words", caption="x" * 20_000)[0] == 413
    assert asker.post("words", caption="x" * 500)[0] == 422
    assert asker.post("words", path="/etc")[0] == 422
    for body in (b"[" * 9000, b"7", b"\xff\xfe"):
        lines = f"POST /operator/words HTTP/1.1\r\nCookie: {asker.cookie}\r\nContent-Length: {len(body)}"
        assert _from(page, "127.0.0.1", lines, body)[0] == 400


def test_two_hundred_who_never_finish_their_question_keep_nobody_out(page: Page, night: Night) -> None:
    asker = _with_photos(page, night)
    lines = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(200)]
    try:
        for line in lines:
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        version = asker.state()["version"]
        assert asker.get(f"picture/480.jpg?v={version}")[0] == 200
        ended = 0
        for line in lines:
            line.settimeout(10 * HEADER_S)
            try:
                ended += line.recv(100) == b""
            except ConnectionResetError:
                ended += 1
        assert ended == 200, "each was sent away"
        assert asker.get("health")[0] == 200
    finally:
        for line in lines:
            line.close()


def test_of_one_address_only_so_many_listen_and_who_talks_too_much_is_sent_away(page: Page) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    where = page.url.replace("http", "ws") + "ws"
    with ExitStack() as all_of_them:
        lines = [all_of_them.enter_context(connect(where)) for _ in range(8)]
        for line in lines:
            assert json.loads(line.recv(timeout=5))["photos"] == 0
        with connect(where) as line, pytest.raises(ConnectionClosed):
            line.recv(timeout=5)
        with pytest.raises(ConnectionClosed):
            for _ in range(200):
                lines[0].send("{}")
                time.sleep(0.005)
        with pytest.raises(ConnectionClosed):
            lines[1].send("x" * 5000)
            while True:
                lines[1].recv(timeout=5)
    for _ in range(100):
        with connect(where) as line:
            try:
                assert json.loads(line.recv(timeout=5))["photos"] == 0
                break
            except ConnectionClosed:
                time.sleep(0.05)
    else:
        raise AssertionError("there is room again")


def test_guests_are_told_nothing_of_where_and_who(page: Page, night: Night) -> None:
    night.header = {"size": [300, 480], "site": 48.123, "observer": "Jane", "focal_mm": 600.0, "pixel_um": 3.75}
    asker = _with_photos(page, night)
    night.say(AlertRaised("focus", f"Sub {night.folder}/M27_0003.fits is blurred."))
    night.say(SessionStopped(0, f"{night.folder} is done.", 4, 0))
    asker.state(lambda state: bool(state["ended"]))
    paths = ["", "present", "state.json", "health", "words.js", "page.js", "nowhere", "operator", "qr/page.svg"]
    for path in paths:
        answer = asker.get(path)
        told = answer[1].decode() + str(answer[2])
        for secret in (
            night.folder,
            "Captures",
            ".fits",
            str(night.session),
            "48.1",
            "Jane",
            page.token,
            "correct horse",
        ):
            assert secret not in told, (path, secret)
    assert socket.gethostname() not in asker.get("state.json")[1].decode()
    assert asker.get("qr/wifi.svg")[0] == 200, "the password is told to those who are there, as a code"
    asker.sign_in().post("present", wifi=False)
    assert asker.get("qr/wifi.svg")[0] == 404


def test_nothing_that_is_asked_breaks_it(page: Page, night: Night) -> None:
    asker = _with_photos(page, night)
    secrets = night.folder.encode(), str(night.session).encode()
    statuses = fuzz(page, 400, 1, secrets)
    assert {200, 401, 404, 405, 421} <= set(statuses), statuses
    chat(page, 60, 2)
    assert asker.get("health")[0] == 200


def _from(page: Page, address: str, lines: str, body: bytes = b"") -> tuple[int, bytes, str]:
    """Ask from one of this computer's own addresses; returns status, body and headers."""
    with socket.create_connection(("127.0.0.1", page.port), timeout=10, source_address=(address, 0)) as line:
        line.sendall(f"{lines}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode() + body)
        got = b""
        while chunk := line.recv(65536):
            got += chunk
    head, _, rest = got.partition(b"\r\n\r\n")
    return int(head[9:12]), rest, head.decode("latin-1")
