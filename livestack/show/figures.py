"""What is measured of each sub, as figures with a course over the night: numbers that every drawing shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import numpy as np

from livestack.frame import Array
from livestack.show.state import SubRow
from livestack.show.words import fixed

FEWEST = 3
"""A course is told by so many subs."""
SMOOTHED = 15
"""Subs that a point of a course is the median of."""
_LEAST_RANGE = 0.15  # of the middle, up and down: small changes are not blown up
_STAYS = 0.1  # an axis moves when its ends would by more than this share of it

Value = Callable[[SubRow], float | None]
Write = Callable[[float], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, how it is taken from a sub, and how it is written, as number and unit."""

    name: str
    value: Value
    write: Write


STAR_SIZE = Figure("Star size (FWHM)", lambda row: row.fwhm_px, lambda value: (fixed(value, 1), "px"))
STARS = Figure("Stars", lambda row: row.n_stars, lambda value: (f"{value:,.0f}", ""))
ROUNDNESS = Figure("Roundness", lambda row: row.eccentricity, lambda value: (fixed(value, 2), ""))
SKY = Figure("Sky brightness", lambda row: row.background_adu, lambda value: (fixed(value, 0), "ADU"))
TRANSPARENCY = Figure("Transparency", lambda row: row.transparency, lambda value: (f"{100 * value:.0f}", "%"))


def arcsec(arcsec_per_px: float) -> Figure:
    """Return the star size on the sky."""
    return Figure(
        STAR_SIZE.name,
        lambda row: None if row.fwhm_px is None else row.fwhm_px * arcsec_per_px,
        lambda value: (fixed(value, 1), "″"),
    )


def running_median(values: Sequence[float]) -> Array:
    """Return the median of the values about each one; fewer at both ends."""
    half, n = SMOOTHED // 2, len(values)
    out = np.array([median(values[max(0, k - half) : k + half + 1]) for k in range(n) if k < half or k >= n - half])
    if n < SMOOTHED:
        return out
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(values, np.float64), SMOOTHED)
    return np.concatenate([out[:half], np.median(windows, axis=1), out[half:]])


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis: 98 % of the values, however far out the others are."""
    middle = median(values)
    cuts = quantiles(values, n=100, method="inclusive")
    room = max(_LEAST_RANGE * abs(middle), 0.1 * (cuts[-1] - cuts[0]), 1e-6)
    return max(0.0, min(cuts[0] - 0.3 * room, middle - room)), max(cuts[-1] + 0.3 * room, middle + room)


def steadied(before: tuple[float, float] | None, now: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis that had others before: it moves only when it must."""
    if before is None:
        return now
    most = _STAYS * (before[1] - before[0])
    return before if all(abs(new - old) <= most for new, old in zip(now, before, strict=True)) else now
