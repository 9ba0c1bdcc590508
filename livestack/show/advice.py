"""What a night asks for, in a sentence: its focus drifts, stars trail, dew, haze, a sky that brightens.

Each is told by the running median of a few subs against the best that the same stack has seen, so that neither a gust
nor a sub of rare sharpness says anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from livestack.frame import Array
from livestack.show.sky import NOT_KNOWN, Grid
from livestack.show.state import NightState, SubRow
from livestack.show.words import THIN, about, clock, fixed, percent

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
_SIZE_OF_AIRMASS = 0.6  # star size goes with this power of it
_UNSURE, _SETS_SLOWLY = 4 / 3, timedelta(minutes=90)
"""How much surer of the focus one has to be where nobody says how low the target is, but for what came lately."""
_DAWN_DOUBLES_S = 3600.0  # a sky that doubles sooner is no Moon

FOCUS, DEW, TRACKING, HAZE, SKY = "focus", "dew", "tracking", "haze", "sky"
HANDS = (FOCUS, DEW, TRACKING)
TRENDS = (*HANDS, HAZE, SKY)
"""What trends are called; those that need hands."""


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


@dataclass(frozen=True, slots=True)
class Trend:
    """What goes wrong slowly, by its name, in a sentence; `is_dawn`: it is the night that ends."""

    name: str
    sentence: str
    since: datetime
    is_dawn: bool = False


def asked_for(state: NightState) -> str | None:
    """Return the most useful sentence on how the subs of the present stack have changed; None where they have not.

    Focus comes before tracking, and both before the sky, of which nobody can change anything.
    """
    found = trends(state, state.stack)
    return found[0].sentence if found else None


def trends(state: NightState, stack: str | None, share: float = 1.0) -> list[Trend]:
    """Return how the subs of a stack have changed for the worse, the most useful first.

    Parameters
    ----------
    share : float
        Of the way to the limits, as logarithms, from which on it is told: 1 as the advice line does, more for what is
        to be sure, less for what is to be over.
    """
    rows = [row for row in state.subs[-_LOOKED_BACK:] if row.stack == stack and row.time and _tells(row)]
    if len(rows) < FEWEST:
        return []
    grid = state.grids.get(stack or "", NOT_KNOWN)
    found = (_focus(rows, grid, share), _trailing(rows, share), _faded(rows, share), _brighter(rows, share))
    return [trend for trend in found if trend is not None]


def worsening(
    rows: Sequence[SubRow],
    value: Callable[[SubRow], float | None],
    limit: float,
    share: float = 1.0,
    *,
    falls: bool = False,
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
    share : float
        Of the way to the limit, and of what stands out of the scatter.
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
    if now - best < share * max(abs(math.log(limit)), _SCATTER * scatter):
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


def _focus(rows: Sequence[SubRow], grid: Grid, share: float) -> Trend | None:
    # both together are rarer than either: that is sure as soon as it is seen
    slight = min(share, 1.0)
    change = worsening(rows, _in_zenith_px, _FOCUS, slight)
    if change is None:
        return None
    fades = worsening(rows, lambda row: row.transparency, _FADED, slight, falls=True) is not None
    if not fades and share > slight and not _is_sure(rows, share):
        return None
    scale, unit = (grid.arcsec_per_px, "″") if grid.arcsec_per_px else (1.0, f"{THIN}px")
    here = scale * (rows[-1].gear.get("airmass") or 1.0) ** _SIZE_OF_AIRMASS
    sizes = f"star size {fixed(change.best * here, 1)} → {fixed(change.now * here, 1)}{unit}"
    since = clock(change.since)
    if fades:
        said = f"Stars grow and fade: {sizes} since {since}. Dew? Look at the front lens."
        return Trend(DEW, said, change.since)
    return Trend(FOCUS, f"Focus drifted: {sizes} since {since}{_colder(rows, change)}. Refocus.", change.since)


def _is_sure(rows: Sequence[SubRow], share: float) -> bool:
    """Whether stars grew so much: where nobody says how low the target is, faster than by its setting, or by more."""
    sure, last = share, rows[-1].time
    if not rows[-1].gear.get("airmass") and last is not None:
        lately = [row for row in rows if row.time and last - row.time < _SETS_SLOWLY]
        if worsening(lately, _in_zenith_px, _FOCUS, share) is not None:
            return True
        sure *= _UNSURE
    return worsening(rows, _in_zenith_px, _FOCUS, sure) is not None


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


def _trailing(rows: Sequence[SubRow], share: float) -> Trend | None:
    change = worsening(rows, elongation, _TRAILING, share)
    if change is None:
        return None
    longer = f"Stars are {fixed(change.now, 1)}× longer than wide since {clock(change.since)}."
    return Trend(TRACKING, f"{longer} Look at guiding, balance and cables.", change.since)


def _faded(rows: Sequence[SubRow], share: float) -> Trend | None:
    change = worsening(rows, lambda row: row.transparency, _FADED, share, falls=True)
    if change is None:
        return None
    dimmer = f"Stars are {percent(1.0 - change.times)} dimmer since {clock(change.since)}"
    return Trend(HAZE, f"{dimmer}: haze, or low in the sky. Nothing to do.", change.since)


def _brighter(rows: Sequence[SubRow], share: float) -> Trend | None:
    change = worsening(rows, lambda row: row.background_adu, _BRIGHTER, share)
    if change is None:
        return None
    more = percent(change.times - 1.0) if change.times < 2 else f"{fixed(change.times, 1)}×"
    how = f"{more} brighter" if change.times < 2 else f"{more} as bright"
    doubles_s = _doubles_s(rows)
    why = "Moon, dawn or haze. Subs count for less; nothing to do."
    is_dawn = doubles_s is not None and doubles_s < _DAWN_DOUBLES_S
    if doubles_s is not None and is_dawn:
        why = f"dawn, it doubles every {about(doubles_s)}. Time for flats."
    return Trend(SKY, f"The sky is {how} since {clock(change.since)}: {why}", change.since, is_dawn)


def _doubles_s(rows: Sequence[SubRow]) -> float | None:
    """Return in which time the sky doubles now; None where it does not brighten."""
    lit = [row for row in rows[-2 * SMOOTHED :] if row.time and row.background_adu]
    if len(lit) < 2 * SMOOTHED:
        return None
    seconds = np.array([row.time.timestamp() for row in lit if row.time])
    logs = np.log2([row.background_adu or 1.0 for row in lit])
    slope = float(np.median(logs[SMOOTHED:] - logs[:SMOOTHED]) / np.median(seconds[SMOOTHED:] - seconds[:SMOOTHED]))
    return 1.0 / slope if slope > 0.0 else None


def _in_zenith_px(row: SubRow) -> float | None:
    """Return the star size as it were in the zenith, where it is known how low the target is."""
    airmass: float = row.gear.get("airmass") or 1.0
    return None if row.fwhm_px is None else row.fwhm_px / airmass**_SIZE_OF_AIRMASS


def elongation(row: SubRow) -> float | None:
    """Return how many times longer than wide the stars of a sub are."""
    if row.eccentricity is None or row.eccentricity >= 1.0:
        return None
    return 1.0 / math.sqrt(1.0 - row.eccentricity**2)
