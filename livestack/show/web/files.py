"""The operator's own files, with the colours of the night filled in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template

from livestack.show import fonts
from livestack.show.icons import ICONS
from livestack.show.tokens import DARK, NIGHT, css

_STATIC = Path(__file__).with_name("static")
_DRAWN = ("menu", "triangle", "pause", "play", "cross", "check", "person", "ban")
_SAID = {
    401: "That is not the token. It stands where livestack was started.",
    429: "Too many wrong tokens. Wait a minute.",
}
_NEEDED = "This page needs the operator's link."


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """Return what the operator's page needs beside itself: by path, what is sent and its media type."""
    style = fonts.faces(lambda name: f"fonts/{name}.woff2") + css(NIGHT) + css(DARK).replace(":root", ":root.day")
    return {
        "/operator.css": ((style + _text("operator.css")).encode(), "text/css"),
        "/operator.js": (_text("operator.js").encode(), "text/javascript"),
        "/login.js": (_text("login.js").encode(), "text/javascript"),
    }


@cache
def page() -> bytes:
    """Return the operator's page."""
    icons = "".join(f'<symbol id="i-{name}" viewBox="0 0 24 24">{ICONS[name]}</symbol>' for name in _DRAWN)
    return Template(_text("operator.html")).substitute(bg0=NIGHT.bg0, icons=icons).encode()


def login(status: int = 0) -> bytes:
    """Return the page on which one signs in, by what was answered to a token."""
    return Template(_text("login.html")).substitute(bg0=NIGHT.bg0, said=_SAID.get(status, _NEEDED)).encode()


@cache
def _text(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
