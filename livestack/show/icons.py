"""The icons of every face: outlines on a 24×24 grid, drawn with whatever colour the place gives them."""

from __future__ import annotations

from typing import Final

ICONS: Final[dict[str, str]] = {
    "play": '<path d="M8 5.5v13l10.5-6.5z"/>',
    "ring": '<circle cx="12" cy="12" r="5" stroke-width="2"/>',
    "dot": '<circle cx="12" cy="12" r="5" fill="currentColor" stroke="none"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.2 2"/>',
    "cross": '<path d="M6 6l12 12M18 6L6 18" stroke-width="2"/>',
    "cloud": '<path d="M7 18.5a4.3 4.3 0 0 1-.4-8.6 5.6 5.6 0 0 1 10.8 1.1 3.8 3.8 0 0 1 .1 7.5z"/>',
    "plug": '<path d="M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4"/>',
    "check": '<path d="M5 12.5l4.6 4.6L19 7.5" stroke-width="2"/>',
    "pause": '<path d="M9 6v12M15 6v12" stroke-width="2"/>',
    "triangle": '<path d="M12 4l9 15.5H3zM12 10v4.5M12 17v.2"/>',
    "up": '<path d="M4 16l8-8 8 8" stroke-width="3"/>',
    "down": '<path d="M4 8l8 8 8-8" stroke-width="3"/>',
    "chart": '<path d="M4 4v16h16M7 14.5l4-4.5 3.5 3L20 6.5"/>',
    "eye": '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/>'
    '<circle cx="12" cy="12" r="2.8"/>',
    "list": '<path d="M9 6h11M9 12h11M9 18h11M4.5 6h.2M4.5 12h.2M4.5 18h.2" stroke-width="1.8"/>',
    "sliders": '<path d="M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3"/>'
    '<circle cx="15" cy="7" r="2"/><circle cx="9" cy="12" r="2"/><circle cx="15" cy="17" r="2"/>',
    "moon": '<path d="M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z"/>',
    "full": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    "screen": '<rect x="3" y="4.5" width="18" height="12" rx="1.5"/><path d="M8.5 20h7M12 16.5V20"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "advice": '<path d="M12 3v4M12 17v4M3 12h4M17 12h4M5.6 5.6l2.9 2.9'
    'M15.5 15.5l2.9 2.9M18.4 5.6l-2.9 2.9M8.5 15.5l-2.9 2.9"/>',
    "wipe": '<path d="M9 7l-5 5 5 5M15 7l5 5-5 5"/>',
    "folder": '<path d="M3.5 18.5v-13h6l2.2 2.6h8.8v10.4z"/>',
    "star": '<path d="M12 4l2.4 5.4 5.8.6-4.3 3.9 1.2 5.7L12 16.7l-5.1 2.9 1.2-5.7L3.8 10l5.8-.6z"/>',
    "next": '<path d="M9.5 6.5L15 12l-5.5 5.5"/>',
    "back": '<path d="M14.5 6.5L9 12l5.5 5.5"/>',
    "open": '<path d="M6.5 9.5L12 15l5.5-5.5"/>',
    "above": '<path d="M6.5 11L12 5.5l5.5 5.5M12 5.5v13"/>',
    "plus": '<path d="M12 5.5v13M5.5 12h13"/>',
    "file": '<path d="M6 3.5h8l4 4v13H6zM14 3.5v4h4"/>',
    "share": '<path d="M12 15V4M8 7.5L12 3.5l4 4M5 12.5v7h14v-7"/>',
    "save": '<path d="M12 4v11M8 11.5l4 4 4-4M5 19.5h14"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 5.5v-1h-11v11h1"/>',
    "code": '<path d="M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5M20 14v2M14 20h2M20 20v-.2"/>',
    "satellite": '<path d="M4 20L20 4" /><path d="M5 5.5l3 3M10.5 11l3 3M16 16.5l2.5 2.5" opacity=".75"/>',
    "person": '<circle cx="12" cy="8" r="3.6"/><path d="M5 20v-1.5a5 5 0 0 1 5-5h4a5 5 0 0 1 5 5V20"/>',
    "ban": '<circle cx="12" cy="12" r="8"/><path d="M6.5 6.5l11 11"/>',
    "mark": '<path d="M8.2 4.8h9.3a2 2 0 0 1 2 2v9.3" opacity=".75"/>'
    '<path d="M11 2h9a2 2 0 0 1 2 2v9" opacity=".45"/>'
    '<rect x="3" y="8" width="13" height="13" rx="2"/>'
    '<path d="M9.5 11l1 2.5 2.5 1-2.5 1-1 2.5-1-2.5-2.5-1 2.5-1z" fill="currentColor" stroke="none"/>',
}
"""Bodies by name."""


def svg(name: str, colour: str) -> str:
    """Return an icon as an SVG document in one colour."""
    body = ICONS[name].replace("currentColor", colour)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour}" '
        f'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">{body}</svg>'
    )
