"""The page's own files, with the colour tokens filled in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from string import Template

from livestack.show import fonts
from livestack.show.icons import svg
from livestack.show.tokens import DARK, NIGHT, Palette, css

_STATIC = Path(__file__).with_name("static")
_SAID = {
    401: "That is not the token. It stands where livestack was started.",
    429: "Too many wrong tokens. Wait a minute.",
}


def files() -> dict[str, tuple[bytes, str]]:
    """Return them by path, with what they are."""
    html = Template((_STATIC / "index.html").read_text(encoding="utf-8")).substitute(
        bg0=DARK.bg0, mark=svg("mark", "currentColor"), wipe=svg("wipe", "currentColor")
    )
    manifest = Template((_STATIC / "manifest.json").read_text(encoding="utf-8")).substitute(bg0=DARK.bg0)
    icon = svg("mark", DARK.acc)
    return {
        "/": (html.encode(), "text/html"),
        "/page.css": (style_of(DARK, "page.css"), "text/css"),
        "/page.js": ((_STATIC / "page.js").read_bytes(), "text/javascript"),
        "/manifest.json": (manifest.encode(), "application/manifest+json"),
        "/icon.svg": (icon.encode(), "image/svg+xml"),
        "/favicon.ico": (icon.encode(), "image/svg+xml"),
        "/operator.css": (style_of(NIGHT, "operator.css"), "text/css"),
        "/operator.js": ((_STATIC / "operator.js").read_bytes(), "text/javascript"),
        "/login.js": ((_STATIC / "login.js").read_bytes(), "text/javascript"),
        **{_font_path(name): (fonts.woff2(name), "font/woff2") for name in fonts.WEIGHTS.values()},
    }


def style_of(palette: Palette, name: str) -> bytes:
    """Return a style sheet with the typeface and the colours of a palette before it."""
    return (fonts.faces(_font_path) + css(palette) + (_STATIC / name).read_text(encoding="utf-8")).encode()


def operator_files() -> tuple[bytes, Callable[[int], bytes]]:
    """Return the operator's page, and what makes that on which one signs in, by what was answered to a token."""
    page, login = (Template((_STATIC / f"{name}.html").read_text(encoding="utf-8")) for name in ("operator", "login"))

    def made(status: int) -> bytes:
        return login.substitute(said=_SAID.get(status, "This page needs the operator's link."), bg0=NIGHT.bg0).encode()

    return page.substitute(bg0=NIGHT.bg0).encode(), made


def _font_path(name: str) -> str:
    return f"/fonts/{name}.woff2"
