"""The three plots of a night: what was measured sub by sub, its course, and what it means in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from livestack.counted import count
from livestack.show.courses import grain_of, times_of
from livestack.show.figures import FEWEST, SKY, STAR_SIZE, STARS, TRANSPARENCY, Figure, running_median, spread
from livestack.show.monitor.left_out import clouds
from livestack.show.state import SubRow
from livestack.show.words import THIN, UNKNOWN, clock, fixed, percent, sentence_case, spelled

_THIRDS, _EVEN = 9, 0.9
STEADY = 0.1
"""A change below this is none."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure over the night.

    Attributes
    ----------
    now : (number, unit)
        Its last value, smoothed.
    points : tuple of (place 0…1, value)
        Subs that are stacked.
    crosses : tuple of (place, value or None)
        Subs left out; None = it was not measured.
    course : tuple of (place, value)
        Running median.
    low, high : float
        Of the axis.
    ends : (str, str)
        The axis' ends in words.
    times : (str, str)
        Of the first and the last sub; empty where they are not known.
    ideal : tuple of (place, value)
        What the course would be at its best.
    """

    name: str
    now: tuple[str, str]
    points: tuple[tuple[float, float], ...]
    crosses: tuple[tuple[float, float | None], ...]
    course: tuple[tuple[float, float], ...]
    low: float
    high: float
    ends: tuple[str, str]
    times: tuple[str, str]
    sentence: str
    ideal: tuple[tuple[float, float], ...] = ()


def plots_of(rows: Sequence[SubRow]) -> list[Plot]:
    """Return star size, transparency (the number of stars where that is unknown) and the brightness of the sky."""
    known = sum(row.transparency is not None for row in rows if row.state == "accepted") >= FEWEST
    light = TRANSPARENCY if known else STARS
    return [_plot(rows, STAR_SIZE, _of_star_size), _plot(rows, light, _of_light), _plot(rows, SKY, _of_sky)]


def growth_of(rows: Sequence[SubRow], stack: str | None, finer: float | None) -> Plot | None:
    """Return how signal over noise of a stack grew with time, against that of a usual sub; None before it can be told.

    Parameters
    ----------
    finer : float, optional
        How many times finer the grain of the stack was measured to be than a sub's.
    """
    times = times_of(rows)
    grain = grain_of(rows, times, stack, finer)
    if not grain.lines:
        return None
    last_s = max(float(times.max()), 1.0)
    course, ideal = (
        tuple((float(at / last_s), float(10.0**-value)) for at, value in zip(*line, strict=True))
        for line in (grain.lines[0], grain.ideal)
    )
    high = max(course[-1][1], ideal[-1][1])
    timed = [row.time for row in rows if row.time]
    ends = (clock(timed[0]), clock(timed[-1])) if timed else ("", "")
    return Plot(
        "Signal to noise",
        (percent(min(course[-1][1] / ideal[-1][1], 1.0)), "of equal subs"),
        (),
        (),
        course,
        0.0,
        high * 1.05,
        ("0", f"{fixed(high * 1.05, 0 if high >= 10 else 1)}×"),
        ends,
        _of_growth([value for _, value in course]),
        ideal,
    )


def _of_growth(course: list[float]) -> str:
    """Say what the night was worth, and whether its last third still was."""
    n = len(course)
    share = course[-1] / math.sqrt(n)
    said = f"{percent(min(share, 1.0))} of what {n:,} equal subs would give."
    third = course[(2 * n) // 3 - 1]
    gained, usual = course[-1] / third - 1.0, math.sqrt(n / ((2 * n) // 3)) - 1.0
    if n >= _THIRDS and gained < 0.5 * usual:
        return f"{said} The last third added {percent(max(gained, 0.0))}, not {percent(usual)}: its subs are poorer."
    return f"{said} {'It grew to the end.' if share >= _EVEN else 'Subs are uneven: the good ones carry it.'}"


def change(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last third."""
    third = max(1, len(values) // 3)
    return median(values[:third]), median(values[-third:])


def grew(values: Sequence[float]) -> float:
    """Return by how much a figure grew over the night, as a share: 0 = not at all."""
    if len(values) < FEWEST:
        return 0.0
    early, late = change(values)
    return late / early - 1.0 if early > 0 else 0.0


def _plot(rows: Sequence[SubRow], figure: Figure, say: Callable[[Sequence[SubRow], list[float]], str]) -> Plot:
    name, value, write = figure.name, figure.value, figure.write
    last = max(1, len(rows) - 1)
    stacked = [(no / last, value(row)) for no, row in enumerate(rows) if row.state == "accepted"]
    points = tuple((place, float(y)) for place, y in stacked if y is not None)
    crosses = tuple((no / last, value(row)) for no, row in enumerate(rows) if row.state != "accepted")
    values = [y for _, y in points]
    if len(values) < FEWEST:
        return Plot(name, (UNKNOWN, ""), (), (), (), 0.0, 1.0, ("", ""), ("", ""), "From the third sub.")
    course = tuple((place, float(y)) for (place, _), y in zip(points, running_median(values), strict=True))
    low, high = spread(values)
    ends = (f"{THIN}".join(filter(None, write(low))), f"{THIN}".join(filter(None, write(high))))
    timed = [row.time for row in rows if row.time]
    times = (clock(timed[0]), clock(timed[-1])) if timed else ("", "")
    return Plot(name, write(course[-1][1]), points, crosses, course, low, high, ends, times, say(rows, values))


def _of_star_size(rows: Sequence[SubRow], values: list[float]) -> str:
    early, late = (fixed(value, 1) for value in change(values))
    if grew(values) > STEADY:
        return f"Stars grew from {early} to {late}{THIN}px. Refocus when it gets colder, and look for dew."
    if grew(values) < -STEADY:
        return f"Stars shrank from {early} to {late}{THIN}px: the picture got sharper."
    return "Steady. No refocus needed."


def _of_light(rows: Sequence[SubRow], values: list[float]) -> str:
    passed = clouds(rows)
    if passed:
        n = sum(cloud.n_subs for cloud in passed)
        first, last = clock(passed[0].first), clock(passed[-1].last)
        times = first if first == last else f"{first} to {last}"
        return (
            f"{sentence_case(spelled(len(passed)))} cloud{'' if len(passed) == 1 else 's'}, {times}: {count(n, 'sub')}."
        )
    if grew(values) < -STEADY:
        return f"Fell by {percent(-grew(values))}: haze, dew, or the target went down."
    if grew(values) > STEADY:
        return f"Rose by {percent(grew(values))}: haze went, or the target came up."
    return "Clear all the time."


def _of_sky(rows: Sequence[SubRow], values: list[float]) -> str:
    if abs(grew(values)) < STEADY / 2:
        return "Even all the time."
    early, late = (fixed(value, 0) for value in change(values))
    if grew(values) < 0:
        return f"It darkened from {early} to {late}{THIN}ADU: normal."
    return f"It brightened from {early} to {late}{THIN}ADU: Moon, twilight or haze."
