"""What a night asks for, in a sentence: its focus drifts, stars trail, dew, haze, a sky that brightens.

Each is told by the running median of a few subs against the best that the same stack has seen, so that neither a gust
nor a sub of rare sharpness says anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from livestack.frame import Array
from livestack.show.sky import NOT_KNOWN, Grid
from livestack.show.state import NightState, SubRow
from livestack.show.words import THIN, clock, fixed, percent

SMOOTHED = 5
"""Subs of a running median."""
FEWEST = 3 * SMOOTHED
"""A trend is told by so many subs."""
_LOOKED_BACK = 600
_BEST = 0.1  # share of the night that was as good or better
_SCATTER = 3.0  # a trend stands out of the scatter from one sub to the next by so much
_STAYED = 0.5  # it began where it last was less than this share of the way
_FOCUS, _TRAILING, _FADED, _BRIGHTER = 1.25, 1.3, 0.75, 1.25
_FELT_C = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure went from good to bad.

    Attributes
    ----------
    best, now : float
    since : datetime
        When it left its best for good.
    begun : int
        Index of the sub from which on it has.
    """

    best: float
    now: float
    since: datetime
    begun: int

    @property
    def times(self) -> float:
        """How many times what it was at its best."""
        return self.now / self.best


def asked_for(state: NightState) -> str | None:
    """Return the most useful sentence on how the subs of the present stack have changed; None where they have not.

    Focus comes before tracking, and both before the sky, of which nobody can change anything.
    """
    rows = [row for row in state.subs[-_LOOKED_BACK:] if row.stack == state.stack and row.time and _tells(row)]
    if len(rows) < FEWEST:
        return None
    grid = state.grids.get(state.stack or "", NOT_KNOWN)
    return _focus(rows, grid) or _trailing(rows) or _faded(rows) or _brighter(rows)


def worsening(
    rows: Sequence[SubRow], value: Callable[[SubRow], float | None], limit: float, *, falls: bool = False
) -> Change | None:
    """Return how far a figure is from its best, where that is beyond a limit and beyond its scatter.

    Parameters
    ----------
    rows : sequence of SubRow
        Of one stack, with times.
    value : callable
        Of a sub; None = not known.
    limit : float
        now / best, from which on it is told.
    falls : bool
        Whether large is good.
    """
    known = [k for k, row in enumerate(rows) if (value(row) or 0.0) > 0.0]
    if len(known) < FEWEST:
        return None
    logs = np.log([value(rows[k]) or 1.0 for k in known])
    course = _running_median(-logs if falls else logs)
    best, now = float(np.quantile(course, _BEST)), float(course[-1])
    scatter = 1.4826 * float(np.median(np.abs(np.diff(logs)))) / math.sqrt(2)
    if now - best < max(abs(math.log(limit)), _SCATTER * scatter):
        return None
    near = np.flatnonzero(course < best + _STAYED * (now - best))
    begun = known[min(int(near[-1]) + SMOOTHED // 2 + 1, len(known) - 1)]
    sign = -1.0 if falls else 1.0
    time = rows[begun].time
    assert time is not None
    return Change(math.exp(sign * best), math.exp(sign * now), time, begun)


def _tells(row: SubRow) -> bool:
    """Whether what is measured in a sub is of the telescope: a cloud's stars say nothing of the focus."""
    return row.accepted or row.reason in ("blurred", "trailed")


def _running_median(values: Array) -> Array:
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(values, SMOOTHED), axis=1))


def _focus(rows: Sequence[SubRow], grid: Grid) -> str | None:
    change = worsening(rows, lambda row: row.fwhm_px, _FOCUS)
    if change is None:
        return None
    scale, unit = (grid.arcsec_per_px, "″") if grid.arcsec_per_px else (1.0, f"{THIN}px")
    sizes = f"star size {fixed(change.best * scale, 1)} → {fixed(change.now * scale, 1)}{unit}"
    since = clock(change.since)
    if worsening(rows, lambda row: row.transparency, _FADED, falls=True) is not None:
        return f"Stars grow and fade: {sizes} since {since}. Dew? Look at the front lens."
    return f"Focus drifted: {sizes} since {since}{_colder(rows, change)}. Refocus."


def _colder(rows: Sequence[SubRow], change: Change) -> str:
    """Say by how much the air changed meanwhile, where a probe tells."""
    before = [row.air_c for row in rows[: change.begun] if row.air_c is not None]
    after = [row.air_c for row in rows[-SMOOTHED:] if row.air_c is not None]
    if not before or not after:
        return ""
    sizes = np.array([row.fwhm_px or math.inf for row in rows[: change.begun] if row.air_c is not None])
    sharp = np.array(before)[sizes <= np.quantile(sizes, 0.5)]
    warmer = float(np.median(after)) - float(np.median(sharp))
    if abs(warmer) < _FELT_C:
        return ""
    return f", {abs(warmer):.0f}{THIN}°C {'warmer' if warmer > 0 else 'colder'}"


def _trailing(rows: Sequence[SubRow]) -> str | None:
    change = worsening(rows, _elongation, _TRAILING)
    if change is None:
        return None
    return (
        f"Stars are {fixed(change.now, 1)}× longer than wide since {clock(change.since)}. "
        "Look at guiding, balance and cables."
    )


def _faded(rows: Sequence[SubRow]) -> str | None:
    change = worsening(rows, lambda row: row.transparency, _FADED, falls=True)
    if change is None:
        return None
    dimmer = percent(1.0 - change.times)
    return f"Stars are {dimmer} dimmer since {clock(change.since)}: haze, or low in the sky. Nothing to do."


def _brighter(rows: Sequence[SubRow]) -> str | None:
    change = worsening(rows, lambda row: row.background_adu, _BRIGHTER)
    if change is None:
        return None
    more = percent(change.times - 1.0) if change.times < 2 else f"{fixed(change.times, 1)}×"
    how = f"{more} brighter" if change.times < 2 else f"{more} as bright"
    return f"The sky is {how} since {clock(change.since)}: Moon, dawn or haze. Subs count for less; nothing to do."


def _elongation(row: SubRow) -> float | None:
    if row.eccentricity is None or row.eccentricity >= 1.0:
        return None
    return 1.0 / math.sqrt(1.0 - row.eccentricity**2)
