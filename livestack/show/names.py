"""What a solved picture shows: which objects are where in it, and how large."""

from __future__ import annotations

import math
from dataclasses import dataclass

from livestack.show.sky import Grid, place_on, position
from livestack.sky.catalogue import within

MOST = 12
"""Names that a picture bears without being covered by them."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object in a picture: px of its array, and how large it is there."""

    x: float
    y: float
    radius_px: float
    label: str


def objects_in(grid: Grid, height: int, width: int) -> tuple[Named, ...]:
    """Return the most prominent objects whose middle is in a picture; none where it is not solved."""
    middle = position(grid, (width - 1) / 2, (height - 1) / 2)
    if middle is None or not grid.arcsec_per_px:
        return ()
    radius_deg = grid.arcsec_per_px * math.hypot(height, width) / 2 / 3600.0
    named = []
    for one in within(*middle, radius_deg):
        place = place_on(grid, one.ra_deg, one.dec_deg)
        if place is not None and 0 <= place[0] < width and 0 <= place[1] < height:
            radius_px = 30.0 * (one.size_arcmin or 0.0) / grid.arcsec_per_px
            named.append(Named(*place, radius_px, f"{one.name}  {one.called}".strip()))
    return tuple(named[:MOST])
