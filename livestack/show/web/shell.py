"""What a guest's browser is given before any picture: pages, styles, scripts, words and icons, ready to be sent."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from string import Template

from livestack.events import Json
from livestack.show import fonts
from livestack.show.icons import ICONS, svg
from livestack.show.tokens import CODE_GROUND, DARK, css

LANGUAGE = "en"
_STATIC = Path(__file__).with_name("static")
_DRAWN = ("mark", "wipe", "play", "pause", "open", "share", "satellite", "cross", "save", "copy", "code")
_SCRIPTS = (
    "page.js",
    "present.js",
    "lost.js",
    "link.js",
    "picture.js",
    "tiles.js",
    "ribbon.js",
    "card.js",
    "share.js",
    "dom.js",
)
_COMMENT = re.compile(r"(^|\s)//\s.*")
_ICONS = ("icon-192.png", "icon-512.png")


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """Return all that does not change while a session runs: by path, what is sent and its media type.

    Every path that a page asks for is relative: the same files make a site in any folder of a web host.
    """
    said = words()
    icon = svg("mark", DARK.acc).encode()
    return {
        "/": (_page("index.html", said), "text/html"),
        "/present": (_page("present.html", said), "text/html"),
        "/page.css": (_style("page.css"), "text/css"),
        "/present.css": (_style("present.css"), "text/css"),
        "/words.js": (f"export default {json.dumps(said, ensure_ascii=False)};\n".encode(), "text/javascript"),
        **{f"/{name}": (_script(name), "text/javascript") for name in _SCRIPTS},
        "/manifest.json": (_filled("manifest.json", bg0=DARK.bg0), "application/manifest+json"),
        "/icon.svg": (icon, "image/svg+xml"),
        "/favicon.ico": (icon, "image/svg+xml"),
        **{f"/{name}": ((_STATIC / name).read_bytes(), "image/png") for name in _ICONS},
        **{_font(name): (fonts.woff2(name), "font/woff2") for name in fonts.WEIGHTS.values()},
    }


@cache
def lost() -> bytes:
    """Return the page of an address where nothing is."""
    return _page("lost.html", words())


def words() -> Json:
    """Return all that the pages say by themselves, by what it is for; what has a number in it, by its plural form."""
    return dict(json.loads((_STATIC / f"words.{LANGUAGE}.json").read_text(encoding="utf-8")))


def _page(name: str, said: Json) -> bytes:
    plain = {key: text for key, text in said.items() if isinstance(text, str)}
    return _filled(name, bg0=DARK.bg0, lang=LANGUAGE, icons=_sprite(), **plain)


def _filled(name: str, **values: str) -> bytes:
    return Template((_STATIC / name).read_text(encoding="utf-8")).substitute(values).encode()


def _style(name: str) -> bytes:
    """Return a style sheet. The ground comes first: not one white frame is drawn before the rest is read."""
    ground = f"html{{background:{DARK.bg0};color-scheme:dark}}"
    colours = f"{css(DARK)}:root{{--code:{CODE_GROUND}}}"
    return (
        ground + colours + fonts.faces(lambda weight: _font(weight)[1:]) + (_STATIC / name).read_text("utf-8")
    ).encode()


def _script(name: str) -> bytes:
    """Without comments and indentation, which browsers of guests have no use for."""
    lines = (_COMMENT.sub("", line).strip() for line in (_STATIC / name).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line).encode()


def _sprite() -> str:
    return "".join(f'<symbol id="i-{name}" viewBox="0 0 24 24">{ICONS[name]}</symbol>' for name in _DRAWN)


def _font(name: str) -> str:
    return f"/fonts/{name}.woff2"
