"""What stands before every route: which hosts and origins may ask, and what an answer may be used for."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 16_384
"""Bytes of a request."""
_POLICY = (
    "default-src 'self'; connect-src 'self' ws://{host} wss://{host}; img-src 'self' data: blob:; style-src 'self'; "
    "script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_AT_HOME = ("local", "lan", "home", "home.arpa", "internal", "fritz.box")
"""How names end that routers give, and nobody elsewhere can have."""
_SAFE = ("GET", "HEAD", "OPTIONS")


def own_names(bound: str) -> frozenset[str]:
    """Return the names under which this computer is asked: a page elsewhere that points its name here is not."""
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    return frozenset({bound.lower(), "localhost", name, first, *(f"{first}.{end}" for end in _AT_HOME)})


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets through what asks for this computer by one of its names or by an address, from a page of its own."""

    app: ASGIApp
    names: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application do it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        refused = self._why_not(scope, headers, host)
        if refused is None:
            await self.app(scope, receive, _dressed(send, host))
            return
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008})  # before it was accepted: 403
            return
        await PlainTextResponse(refused[1], status_code=refused[0])(scope, receive, _dressed(send, ""))

    def _why_not(self, scope: Scope, headers: Headers, host: str) -> tuple[int, str] | None:
        if len(headers.getlist("host")) != 1 or not self._is_own(host):
            return 421, "This address is not livestack's."
        origin = headers.get("origin")
        is_reading = scope["type"] == "http" and scope["method"] in _SAFE
        if not is_reading:
            if origin is not None and urlsplit_safe(origin) != host.lower():
                return 403, "Only livestack's own pages may ask for this."
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "Only livestack's own pages may ask for this."
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length[:12]) > MOST_BODY:
            return 413, "That is too much."
        return None

    def _is_own(self, host: str) -> bool:
        name = name_in(host)
        return name in self.names or is_address(name)


def name_in(host: str) -> str:
    """Return the name of a Host header, without its port and brackets; "" where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return ""
    if parts.netloc != host or parts.username is not None or (port is not None and not 0 < port < 65536):
        return ""
    return (parts.hostname or "").rstrip(".")


def is_address(name: str) -> bool:
    """Whether it is an address of the network: no name server can point that elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def urlsplit_safe(origin: str) -> str:
    """Return the host and port of an origin, lower case; "" where it has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _dressed(send: Send, host: str) -> Send:
    """Return `send`, which puts on what holds for every answer."""
    policy = _POLICY.format(host=host) if host else _POLICY.replace(" ws://{host} wss://{host}", "")

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            _fill(headers, [*_ALWAYS.items(), ("Content-Security-Policy", policy)])
        await send(message)

    return dressed


def _fill(headers: MutableHeaders, values: Iterable[tuple[str, str]]) -> None:
    for name, value in values:
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-cache")
