"""The morning report as facts in words: all that the page shows, and nothing of how it looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from livestack.counted import count
from livestack.events import Looked, MastersMatched, Record, TrailFound
from livestack.frame import Picture
from livestack.show.calibrated import proof, used
from livestack.show.monitor.left_out import LeftOut, causes, left_out
from livestack.show.monitor.plots import Plot, growth_of, plots_of
from livestack.show.monitor.told import AlertLine, alert_lines
from livestack.show.monitor.verdict import next_time, night, title, verdict
from livestack.show.noise import budget, noise_words
from livestack.show.noise_words import NoiseWords
from livestack.show.numbers import filter_of, finer, numbers
from livestack.show.state import NightState, SubRow, of_stack, when
from livestack.show.status import status
from livestack.show.trails import length_px
from livestack.show.words import THIN, as_sentence, clock, fixed, percent, sentence_case, span, with_units
from livestack.stacks.replay import Past, replay

Parts = tuple[tuple[str, str], ...]
_AS_USUAL = (0, 3, 130)
"""Exit codes that need no word; that nothing was stacked is the verdict."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the four numbers: its name, numbers with units, and the line below."""

    name: str
    parts: Parts
    below: str


@dataclass(frozen=True, slots=True)
class Section:
    """One stack. ``summary`` describes its picture to who cannot see it."""

    stack: str
    name: str
    summary: str
    cells: tuple[Cell, ...]
    plots: tuple[Plot, ...]
    left_out: tuple[LeftOut, ...]
    n_left_out: int
    causes: tuple[tuple[str, int], ...]
    satellites: tuple[str, ...]
    calibration: tuple[str, ...]
    noise: NoiseWords | None = None
    growth: Plot | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A night.

    Attributes
    ----------
    note : str
        What is to be known first, such as that it still runs; empty in the usual case.
    subs : tuple of SubRow
        All of the night, for the ribbon.
    sections : tuple of Section
        Stacks, the one with the most light first; for a night without a stack one that tells what was left out.
    empty : bool
        Nothing is stacked.
    alerts : tuple of AlertLine
        What needed hands.
    """

    title: str
    night: str
    verdict: str
    note: str
    subs: tuple[SubRow, ...]
    sections: tuple[Section, ...]
    advice: tuple[str, ...]
    empty: bool
    alerts: tuple[AlertLine, ...] = ()


def report_of(
    state: NightState,
    records: Sequence[Record],
    pictures: Mapping[str, tuple[Picture | None, Picture | None]],
    now: datetime,
    *,
    alive: bool,
) -> Report:
    """Put a night into words.

    Parameters
    ----------
    state : NightState
        After `records`, which are all of its journal.
    pictures : mapping
        Stack → its newest picture and its last sub, where they are known: the grain is measured from them.
    alive : bool
        Whether the engine still runs.
    """
    past = replay(records)
    stacks = sorted((of_stack(state, founded) for founded in past.founded.values()), key=lambda one: -one.exposure_s)
    stacks = [one for one in stacks if one.n_stacked]
    whole = stacks[0] if stacks else state
    shared = len(stacks) > 1
    defects = {event.stack: event.defects for event in (r.event for r in records) if isinstance(event, Looked)}
    names = {one.stack or "" for one in stacks}
    sections = []
    for one in stacks or [state]:
        # what belongs to no stack that is shown is told with the first
        rows = [row for row in state.subs if row.stack == one.stack or (one is whole and row.stack not in names)]
        seen = pictures.get(one.stack or "", (None, None))
        sections.append(_section(one, rows, seen, past, defects.get(one.stack or "", 0)))
    running = state.stopped is None and alive
    ratio = None if shared or not stacks else finer(whole, *pictures.get(whole.stack or "", (None, None)))
    targets = list(dict.fromkeys(one.target for one in stacks or [state] if one.target))
    return Report(
        title=title(state, targets),
        night=night(state),
        verdict=verdict(state, len(stacks), finer=ratio, running=running),
        note=_note(state, now, alive=alive),
        subs=state.subs,
        sections=tuple(sections),
        advice=tuple(next_time(whole, [past.matched[one.stack] for one in stacks if one.stack in past.matched])),
        empty=not stacks,
        alerts=tuple(alert_lines(records)),
    )


def _note(state: NightState, now: datetime, *, alive: bool) -> str:
    """Say how the session ended, where that is not as usual."""
    if state.stopped is None and alive:
        return f"The night still goes on: this is how it stood at {clock(now)}."
    if state.exit_code in _AS_USUAL:
        return ""
    said = status(state, now, alive=alive)
    return as_sentence(said.advice)


def _section(
    state: NightState,
    rows: list[SubRow],
    seen: tuple[Picture | None, Picture | None],
    past: Past,
    defects: int,
) -> Section:
    stacked = [row for row in rows if row.state == "accepted"]
    name = ", ".join(filter(None, (state.target, filter_of(state)))) or state.stack or ""
    matched = past.matched.get(state.stack or "")
    lines = left_out(rows)
    return Section(
        stack=state.stack or "",
        name=name,
        summary=f"{name}: {count(state.n_stacked, 'sub')}, {span(state.exposure_s)}",
        cells=_cells(state, rows, stacked, seen) if stacked else (),
        plots=tuple(plots_of(rows)) if stacked else (),
        left_out=tuple(lines),
        n_left_out=len(rows) - len(stacked),
        causes=tuple(causes(rows)),
        satellites=tuple(_satellite(trail) for trail in state.trails),
        calibration=tuple(_calibration(matched, defects)) if stacked else (),
        noise=noise_words(budget(state, seen[0])) if stacked else None,
        growth=growth_of(rows, state.stack, finer(state, *seen)) if stacked else None,
    )


def _cells(
    state: NightState,
    rows: list[SubRow],
    stacked: list[SubRow],
    seen: tuple[Picture | None, Picture | None],
) -> tuple[Cell, ...]:
    shown = numbers(state, *seen)
    exposures = {round(row.exposure_s or 0.0, 1) for row in stacked}
    each = exposures.pop() if len(exposures) == 1 else None
    sizes = [row for row in stacked if row.fwhm_px]
    best = min(sizes, key=lambda row: row.fwhm_px or math.inf, default=None)
    at = f" at {clock(best.time)}" if best is not None and best.time else ""
    ratio = finer(state, *seen)
    ideal = ratio / math.sqrt(len(stacked)) if ratio else math.inf
    return (
        Cell("Stacked", ((f"{len(stacked):,}", f"of {count(len(rows), 'sub')}"),), percent(len(stacked) / len(rows))),
        Cell("Light gathered", shown.light[0], f"{span(each)} per sub" if each else shown.light[1]),
        Cell("Grain", shown.grain[0], f"{percent(ideal)} of ideal" if ideal <= 1.0 else shown.grain[1]),
        Cell("Star size", shown.stars[0], f"best {fixed(best.fwhm_px, 1)}{THIN}px{at}" if best else shown.stars[1]),
    )


def _satellite(trail: TrailFound) -> str:
    time = when(trail.time_utc)
    return f"{f'{clock(time, seconds=True)}, ' if time else ''}sub {trail.no:,}, {length_px(trail):,.0f}{THIN}px long"


def _calibration(matched: MastersMatched | None, defects: int) -> list[str]:
    """Return which masters were used, what they did, what was missing, and what was found without them."""
    found = [f"{count(defects, 'hot or cold pixel')} found from sub to sub, and mended."] if defects else []
    if matched is None:
        return ["Not calibrated.", *found]
    masters = [_master(matched, kind) for kind in used(matched)] or ["Not calibrated."]
    said = (*proof(matched.figures), *matched.missing, *matched.notes)
    return [with_units(line) for line in (*masters, *map(as_sentence, said), *found)]


def _master(matched: MastersMatched, kind: str) -> str:
    """Return a master: of how many frames it is, and how near it comes."""
    files: list[str] = getattr(matched, kind)
    fit = next((words for words in matched.fits if words.startswith(f"{kind}: ")), "")
    if len(files) == 1 and fit:
        return as_sentence(fit)
    near = f" ({fit.rpartition(' (')[2]}" if fit.endswith(")") else ""
    return f"{sentence_case(kind)}: {count(len(files), 'frame')}{near}."
