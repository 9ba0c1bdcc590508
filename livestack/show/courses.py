"""The courses of a night in arrays, sub by sub, for whoever draws them while it lasts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from livestack.frame import Array
from livestack.show.figures import FEWEST, Figure, Write, running_median, spread, steadied
from livestack.show.state import SubRow
from livestack.show.words import UNKNOWN

_NOTHING: Array = np.zeros(0)


@dataclass(frozen=True, eq=False, slots=True)
class Course:
    """One figure over the night.

    Attributes
    ----------
    values : (n,) float64
        Of each sub; NaN = not known.
    lines : tuple of ((k,), (k,)) float64
        Times and values of a running median, of each stack one.
    ideal : ((k,), (k,)) float64
        What it should be, where that is known.
    ends : (float, float)
        Of the axis; equal where there is nothing to draw yet.
    now : (number, unit)
    """

    name: str
    values: Array
    lines: tuple[tuple[Array, Array], ...]
    ideal: tuple[Array, Array]
    ends: tuple[float, float]
    now: tuple[str, str]
    write: Write


def times_of(rows: Sequence[SubRow]) -> Array:
    """Return when each sub was exposed, s since the first; when it was judged only where no sub of the night tells.

    A sub that does not tell its time has that of the one before.
    """
    told = any(row.time for row in rows)
    times = np.array(
        [math.nan if (time := row.time if told else row.judged) is None else time.timestamp() for row in rows]
    )
    known = np.flatnonzero(np.isfinite(times))
    if not known.size:
        return times
    before = np.maximum(np.searchsorted(known, np.arange(times.size), side="right") - 1, 0)
    out: Array = times[known[before]] - times[known].min()
    return out


def course_of(rows: Sequence[SubRow], times: Array, figure: Figure, before: Course | None = None) -> Course:
    """Return a figure over the night; its axis stays as it was before as far as it can."""
    values = np.array([math.nan if (value := figure.value(row)) is None else value for row in rows], np.float64)
    stacked = np.array([row.state == "accepted" for row in rows], np.bool_) & np.isfinite(values)
    if np.count_nonzero(stacked) < FEWEST:
        return Course(figure.name, values, (), (_NOTHING, _NOTHING), (0.0, 0.0), (UNKNOWN, ""), figure.write)
    lines = []
    for stack in dict.fromkeys(row.stack for row in rows):
        of_it = np.flatnonzero(stacked & np.array([row.stack == stack for row in rows]))
        of_it = of_it[np.argsort(times[of_it], kind="stable")]
        if of_it.size:
            lines.append((times[of_it], running_median(values[of_it].tolist())))
    was = before.ends if before is not None and before.now[1] == figure.write(1.0)[1] and before.ends[1] else None
    last = max(lines, key=lambda line: line[0][-1])
    ends = steadied(was, spread(values[stacked].tolist()))
    return Course(
        figure.name, values, tuple(lines), (_NOTHING, _NOTHING), ends, figure.write(last[1][-1]), figure.write
    )


def grain_of(rows: Sequence[SubRow], times: Array, stack: str | None, now: float | None) -> Course:
    """Return how the grain of a stack falls, as log₁₀ of its share of a usual sub's: by weight and noise of its subs.

    Beside it what it would be were all subs as good: 1/√N.

    Parameters
    ----------
    now : float, optional
        How many times finer it was measured to be.
    """
    of_it = [k for k, row in enumerate(rows) if row.stack == stack and row.state == "accepted" and row.weight]
    values = np.full(len(rows), math.nan)
    said = (UNKNOWN, "") if now is None else _finer(-math.log10(now))
    if len(of_it) < FEWEST:
        return Course("Grain", values, (), (_NOTHING, _NOTHING), (0.0, 0.0), said, _finer)
    weights = np.array([rows[k].weight or 0.0 for k in of_it])
    noise = np.array([(rows[k].noise_adu or math.nan) / (rows[k].scale or 1.0) for k in of_it])
    noise = np.where(np.isfinite(noise), noise, np.nanmedian(noise) if np.isfinite(noise).any() else 1.0)
    usual = math.sqrt(float(np.median(noise**2 * weights)))  # of a sub of weight 1
    grain = np.sqrt(np.cumsum((weights * noise) ** 2)) / np.cumsum(weights) / usual
    ideal = -0.5 * np.log10(np.arange(1, len(of_it) + 1))
    values[of_it] = np.log10(grain)
    least = min(float(values[of_it].min()), float(ideal[-1]), -math.log10(now) if now else 0.0)
    ends = least * 1.08, max(0.0, float(values[of_it].max()))
    at = times[of_it]
    return Course("Grain", values, ((at, values[of_it]),), (at, ideal), ends, said, _finer)


def _finer(log_share: float) -> tuple[str, str]:
    ratio = 10.0**-log_share
    return f"{ratio:.{0 if ratio >= 99.95 else 1}f}×", "finer"


def drift_of(rows: Sequence[SubRow], sizes: Mapping[str, tuple[int, int]]) -> Array:
    """Return where the middle of each sub lies on the grid of its stack, (n, 2) px from that of the first.

    NaN where a sub is left out.

    Parameters
    ----------
    sizes : mapping
        (H, W) of the subs of a stack.
    """
    out = np.full((len(rows), 2), math.nan)
    for k, row in enumerate(rows):
        height, width = sizes.get(row.stack or "", (0, 0))
        if row.matrix and height and row.state == "accepted":
            middle = np.array([(width - 1) / 2, (height - 1) / 2, 1.0])
            x, y, w = np.array(row.matrix) @ middle
            out[k] = x / w - middle[0], y / w - middle[1]
    return out
