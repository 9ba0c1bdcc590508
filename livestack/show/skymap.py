"""Where in the sky an object is: a small map of bright stars, figures of constellations, and a ring around it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from PIL import ImageFont

from livestack.frame import Array
from livestack.show.card_words import MAP_OF, MAP_OF_PLACE
from livestack.show.fonts import faces, truetype
from livestack.show.tokens import DARK, FONTS
from livestack.sky.catalogue import Dso, named
from livestack.sky.figures import bright_stars, figures
from livestack.sky.objects import constellations

WIDTH, HEIGHT = 208, 156
"""px; a page does not show it smaller, so that no letter is below 12."""
FONT_PX = 12
_RING_PX, _MARGIN_PX = 7.0, 16.0
_REACH_DEG, _LEAST_DEG = 30.0, 8.0
"""Stars so near lead to an object; the map is at least so far from its middle to its rim."""
_LEADERS = 3
_DEG_PER_MAG = 15.0
"""A star so much farther off must be a magnitude brighter to lead as well."""
_FAINTEST = 4.5


@dataclass(frozen=True, slots=True)
class _View:
    """A stereographic map: a place on the sky in the middle, north up, east left."""

    ra_deg: float
    dec_deg: float
    px_per_deg: float

    def px(self, places: Array) -> Array:
        """Return x and y, px, of places (n, 2), RA and Dec in degrees; NaN where they are behind one."""
        ra, dec = np.radians(places[:, 0] - self.ra_deg), np.radians(places[:, 1])
        middle = math.radians(self.dec_deg)
        ahead = math.sin(middle) * np.sin(dec) + math.cos(middle) * np.cos(dec) * np.cos(ra)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(ahead > -0.5, np.degrees(2 / (1 + ahead)) * self.px_per_deg, np.nan)
        east = np.cos(dec) * np.sin(ra)
        north = math.cos(middle) * np.sin(dec) - math.sin(middle) * np.cos(dec) * np.cos(ra)
        return np.stack([WIDTH / 2 - share * east, HEIGHT / 2 - share * north], axis=1)


@dataclass(frozen=True, slots=True)
class _Box:
    """What a text or a ring covers, px."""

    x0: float
    y0: float
    x1: float
    y1: float

    def is_clear_of(self, other: _Box) -> bool:
        return self.x1 < other.x0 or other.x1 < self.x0 or self.y1 < other.y0 or other.y1 < self.y0

    @property
    def is_on_map(self) -> bool:
        return self.x0 >= 2 and self.y0 >= 2 and self.x1 <= WIDTH - 2 and self.y1 <= HEIGHT - 2


@lru_cache(maxsize=16)
def sky_svg(target: str) -> str | None:
    """Return the map of a target as SVG that needs nothing else; None where the catalogue does not know it."""
    dso = named(target)
    if dso is None:
        return None
    view, leaders = _view(dso)
    name, _ = constellations().get(dso.constellation, ("", ""))
    said = MAP_OF_PLACE.format(name=dso.name, place=name) if name else MAP_OF.format(name=dso.name)
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img"})
    svg.attrib |= {"width": str(WIDTH), "height": str(HEIGHT), "aria-label": said}
    families = ", ".join(f"'{one}'" for one in FONTS)
    # a rim of the card's ground keeps letters clear of lines and stars
    rim = f"stroke:{DARK.bg2};stroke-width:3px;stroke-linejoin:round;paint-order:stroke"
    letters = f"text{{font:500 {FONT_PX}px {families};fill:{DARK.t2};{rim}}}"
    SubElement(svg, "style").text = faces(weights={500: "Medium"}) + letters
    for short, lines in figures().items():
        _draw_figure(svg, view, lines, own=short == dso.constellation)
    stars = bright_stars()
    places = view.px(stars.places)
    for (x, y), magnitude in zip(places, stars.magnitudes, strict=True):
        if -3 < x < WIDTH + 3 and -3 < y < HEIGHT + 3:
            radius = max(0.7, 2.7 - 0.5 * magnitude)
            SubElement(svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{radius:.1f}", fill=DARK.t1)
    (x, y), *_ = view.px(np.array([[dso.ra_deg, dso.dec_deg]]))
    ring = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{_RING_PX:g}", "fill": "none", "stroke": DARK.acc}
    SubElement(svg, "circle", ring | {"stroke-width": "1.8"})
    dots = [(float(places[k, 0]), float(places[k, 1])) for k in leaders]
    taken = [_around(x, y, _RING_PX + 1), *(_around(at_x, at_y, 3) for at_x, at_y in dots)]
    _write(svg, dso.name, (x, y), _RING_PX + 5, taken, DARK.acc)
    for k, dot in zip(leaders, dots, strict=True):
        _write(svg, stars.names[k], dot, 6.0, taken)
    return tostring(svg, encoding="unicode")


def _view(dso: Dso) -> tuple[_View, list[int]]:
    """Return a map that has an object and the stars that lead to it, and which these are, the best first."""
    stars, place = bright_stars(), np.array([[dso.ra_deg, dso.dec_deg]])
    around = _View(dso.ra_deg, dso.dec_deg, 1.0)
    offsets = around.px(stars.places) - around.px(place)
    apart = np.hypot(*offsets.T)
    rank = stars.magnitudes + apart / _DEG_PER_MAG
    near = [k for k in np.argsort(rank) if stars.names[k] and apart[k] < _REACH_DEG]
    leaders = [int(k) for k in near[:_LEADERS]]
    shown = np.vstack([[[0.0, 0.0]], offsets[leaders]])
    middle = (shown.min(axis=0) + shown.max(axis=0)) / 2
    half = np.maximum(np.ptp(shown, axis=0) / 2, _LEAST_DEG)
    room = np.array([WIDTH / 2 - 2 * _MARGIN_PX, HEIGHT / 2 - _MARGIN_PX])
    dec = dso.dec_deg - float(middle[1])
    turned = float(middle[0]) / max(math.cos(math.radians(dec)), 0.05)
    if abs(dec) > 80 or abs(turned) > 60:  # about a pole the object stays in the middle
        dec, turned, half = dso.dec_deg, 0.0, np.abs(shown).max(axis=0).clip(_LEAST_DEG)
    return _View((dso.ra_deg - turned) % 360.0, dec, float((room / half).min())), leaders


def _draw_figure(svg: Element, view: _View, lines: tuple[Array, ...], *, own: bool) -> None:
    for line in lines:
        points = view.px(line)
        for one, other in itertools.pairwise(points):
            ends = np.stack([one, other])
            if np.isnan(ends).any() or (ends.max(axis=0) < 0).any() or (ends.min(axis=0) > (WIDTH, HEIGHT)).any():
                continue
            (x1, y1), (x2, y2) = ends
            stroke = {"stroke": DARK.track if own else DARK.line2, "stroke-width": "1"}
            SubElement(svg, "line", stroke, x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}")


def _write(
    svg: Element, text: str, dot: tuple[float, float], gap: float, taken: list[_Box], fill: str | None = None
) -> None:
    """Write a name beside its dot where nothing else stands; where there is no room it is left out."""
    for anchor, x, y, box in _places(text, dot, gap):
        if box.is_on_map and all(box.is_clear_of(other) for other in taken):
            taken.append(box)
            label = SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor})
            label.text = text
            if fill is not None:
                label.set("style", f"fill:{fill}")
            return


def _places(text: str, dot: tuple[float, float], gap: float) -> Iterator[tuple[str, float, float, _Box]]:
    """Return where a name may stand: anchor, x and y of its base line, and what it covers."""
    x, y = dot
    wide, up, down = _width_px(text), 0.78 * FONT_PX, 0.24 * FONT_PX
    beside = y + 0.36 * FONT_PX
    for anchor, left, base in (
        ("start", x + gap, beside),
        ("end", x - gap - wide, beside),
        ("middle", x - wide / 2, y + gap + up),
        ("middle", x - wide / 2, y - gap - down),
        ("start", x + 0.7 * gap, beside + gap),
        ("end", x - 0.7 * gap - wide, beside - gap),
    ):
        shift = {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        yield anchor, left + shift, base, _Box(left, base - up, left + wide, base + down)


def _around(x: float, y: float, radius: float) -> _Box:
    return _Box(x - radius, y - radius, x + radius, y + radius)


def _width_px(text: str) -> float:
    return float(_font().getlength(text))


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(truetype("Medium")), FONT_PX)
