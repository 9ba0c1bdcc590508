"""The stars that one sees without a telescope, and the figures that people see in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from livestack.frame import Array
from livestack.sky.data import rows


@dataclass(frozen=True, slots=True)
class BrightStars:
    """Stars down to magnitude 4.5, the brightest first.

    Attributes
    ----------
    places : ndarray of float64
        (N, 2), RA and Dec, J2000, degrees.
    magnitudes : ndarray of float64
        (N,)
    names : tuple of str
        "" = it has none that is worth telling.
    """

    places: Array
    magnitudes: Array
    names: tuple[str, ...]


@cache
def bright_stars() -> BrightStars:
    """Return the stars of the whole sky."""
    ra, dec, magnitudes, names = zip(*rows("stars.csv"), strict=True)
    places = np.array([ra, dec], np.float64).T
    places.flags.writeable = False
    return BrightStars(places, np.array(magnitudes, np.float64), names)


@cache
def figures() -> dict[str, tuple[Array, ...]]:
    """Return the figure of each constellation, by its abbreviation: lines of (n, 2) RA and Dec, degrees."""
    return {
        short: tuple(np.array([point.split(",") for point in line.split(" ")], np.float64) for line in lines.split("|"))
        for short, lines in rows("figures.csv")
    }
