"""How the px of a stack lie on the sky: how large they are, where north is, what is where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from livestack.frame import SkyMatrix
from livestack.show.words import THIN

ARCSEC = 3600.0 * math.degrees(1.0)
_LEAST_PX, _MOST_PX = 64.0, 160.0  # from 1-2-5 to the next is 2.5 at most
_STEPS_ARCSEC = (
    *(k * 10.0**n for n in (-2, -1, 0, 1) for k in (1, 2, 5)),
    *(60.0 * k * 10.0**n for n in (0, 1) for k in (1, 2, 5)),
    *(3600.0 * k for k in (1, 2, 5, 10, 20)),
)


@dataclass(frozen=True, slots=True)
class Grid:
    """What the founding sub of a stack said of its px.

    Attributes
    ----------
    arcsec_per_px : float, optional
        None = neither solved nor known by focal length and size of px.
    matrix : SkyMatrix, optional
        None = not solved.
    wcs : dict
        Its world coordinates, where they are complete.
    size : (int, int)
        (H, W).
    """

    arcsec_per_px: float | None = None
    matrix: SkyMatrix | None = None
    wcs: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)


NOT_KNOWN = Grid()


def grid_of(facts: Mapping[str, Any]) -> Grid:
    """Read it from the facts of a header as the journal has them."""
    height, width = facts.get("size") or (0, 0)
    size, matrix = (int(height), int(width)), facts.get("sky_matrix")
    if matrix and len(matrix) == 4:
        a, b, c, d = (float(value) for value in matrix)
        scale = 3600.0 * math.sqrt(abs(a * d - b * c))
        return Grid(scale or None, (a, b, c, d) if scale else None, facts.get("wcs") or {}, size)
    focal_mm, pixel_um = facts.get("focal_mm"), facts.get("pixel_um")
    return Grid(ARCSEC * pixel_um / (1000.0 * focal_mm) if focal_mm and pixel_um else None, size=size)


def upright(matrix: SkyMatrix, row_order: str | None) -> SkyMatrix:
    """Return the matrix of a picture whose top row is row 0."""
    a, b, c, d = matrix
    return (a, -b, c, -d) if row_order == "BOTTOM-UP" else matrix


def ways(matrix: SkyMatrix) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return which way in px, x and y, north is, and east; of length 1."""
    a, b, c, d = matrix
    sign = math.copysign(1.0, a * d - b * c)
    return _unit(-b * sign, a * sign), _unit(d * sign, -c * sign)


def north_up(matrix: SkyMatrix) -> tuple[float, bool]:
    """Return by how many degrees, clockwise, a picture is turned so that north is up, and whether it is mirrored first.

    Mirrored it is where east were on the right else. y runs downwards.
    """
    (north_x, north_y), (east_x, east_y) = ways(matrix)
    mirrored = north_x * east_y - north_y * east_x > 0
    return math.degrees(math.atan2(-north_x if mirrored else north_x, -north_y)) * -1.0, mirrored


def position(grid: Grid, x: float, y: float) -> tuple[float, float] | None:
    """Return right ascension and declination, degrees, of a px of the array; None where it is not known.

    On the tangent plane: distortion that the file may state besides is a matter of px.
    """
    tangent = _tangent(grid)
    if grid.matrix is None or tangent is None:
        return None
    at_x, at_y, ra, dec = tangent
    a, b, c, d = grid.matrix
    dx, dy = x + 1.0 - at_x, y + 1.0 - at_y
    east, north = math.radians(a * dx + b * dy), math.radians(c * dx + d * dy)
    ahead = math.cos(dec) - north * math.sin(dec)
    right = ra + math.atan2(east, ahead)
    up = math.atan2(math.sin(dec) + north * math.cos(dec), math.hypot(east, ahead))
    return math.degrees(right) % 360.0, math.degrees(up)


def place_on(grid: Grid, ra_deg: float, dec_deg: float) -> tuple[float, float] | None:
    """Return which px of the array, x and y, shows a place on the sky: what `position` undoes."""
    tangent = _tangent(grid)
    if grid.matrix is None or tangent is None:
        return None
    at_x, at_y, ra, dec = tangent
    aside, up = math.radians(ra_deg) - ra, math.radians(dec_deg)
    ahead = math.sin(dec) * math.sin(up) + math.cos(dec) * math.cos(up) * math.cos(aside)
    if ahead <= 0.0:
        return None  # on the other half of the sky
    east = math.degrees(math.cos(up) * math.sin(aside) / ahead)
    north = math.degrees((math.cos(dec) * math.sin(up) - math.sin(dec) * math.cos(up) * math.cos(aside)) / ahead)
    a, b, c, d = grid.matrix
    area = a * d - b * c
    return at_x - 1.0 + (d * east - b * north) / area, at_y - 1.0 + (a * north - c * east) / area


def _tangent(grid: Grid) -> tuple[float, float, float, float] | None:
    """Return where the tangent plane touches the sky: px of FITS, and right ascension and declination, rad."""
    values = [grid.wcs.get(name) for name in ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2")]
    if not all(isinstance(value, int | float) for value in values):
        return None
    at_x, at_y, first, second = (float(value) for value in values if value is not None)
    if str(grid.wcs.get("CTYPE1", "")).upper().startswith("DEC"):
        first, second = second, first
    return at_x, at_y, math.radians(first), math.radians(second)


def sexagesimal(ra_deg: float, dec_deg: float) -> str:
    """Return a place on the sky in hours and degrees: 19h 59m 36.3s +22° 43′ 16″."""
    tenths = round(ra_deg / 15.0 * 36_000) % 864_000
    minutes, left = divmod(tenths, 600)
    arcsec = round(abs(dec_deg) * 3600)
    sign = "−" if dec_deg < 0 and arcsec else "+"
    degrees, rest = divmod(arcsec, 3600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}h {minutes:02}m {left / 10:04.1f}s {sign}{degrees:02}° {rest // 60:02}′ {rest % 60:02}″"


def scale_bar(arcsec_per_px: float) -> tuple[float, str]:
    """Return the length, in px so large, of a bar for a 1-2-5 step of angle, and its label."""
    best = max((step for step in _STEPS_ARCSEC if step <= _MOST_PX * arcsec_per_px), default=_STEPS_ARCSEC[0])
    for unit, size in (("°", 3600.0), ("′", 60.0)):
        if best >= size:
            return best / arcsec_per_px, f"{best / size:g}{unit}"
    return best / arcsec_per_px, f"{best:g}″"


def size_of(fwhm_px: float, grid: Grid) -> str:
    """Return a star size in ″, where px are known on the sky, else in px."""
    if grid.arcsec_per_px is None:
        return f"{fwhm_px:.1f}{THIN}px"
    return f"{fwhm_px * grid.arcsec_per_px:.1f}″"


def _unit(x: float, y: float) -> tuple[float, float]:
    length = math.hypot(x, y)
    return x / length, y / length
