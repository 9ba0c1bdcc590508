"""A night in a sentence or two: when it was, how good it was, what to do next time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import PurePath

from livestack.counted import count
from livestack.events import MastersMatched
from livestack.sessions import night_of
from livestack.show.monitor.left_out import Cloud, clouds
from livestack.show.monitor.plots import STEADY, grew
from livestack.show.state import NightState, SubRow
from livestack.show.status import next_gain
from livestack.show.words import clock, fixed, joined, place, sentence_case, spelled

GOOD, FAIR = 0.9, 0.6
_SHORT_CLOUD_S = 300.0
_NO_FAULT = ("duplicate", "wrong_kind")
"""Reasons that say nothing of the night."""
ADVICE = {
    "trailed": "check wind, cables and guiding",
    "blurred": "refocus when it gets colder, and look for dew",
    "too_few_stars": "look for dew, cloud or a lost focus",
    "not_registered": "keep other targets in folders of their own",
    "truncated": "check the camera's disk and cable",
    "unreadable": "check the camera's disk and cable",
    "mismatched": "keep size and binning all night",
    "vanished": "keep subs where they are until the night is over",
}
"""What to do about subs that are left out; nothing about clouds."""


def title(state: NightState, targets: Sequence[str]) -> str:
    """Return what a night is called: its targets, or else the folder it was captured in."""
    if targets:
        return joined(targets)
    folder = PurePath(state.folder)
    if state.subs and folder not in PurePath(state.subs[0].path).parents:
        folder = PurePath(state.subs[0].path).parent
    return folder.name or "A night"


def night(state: NightState) -> str:
    """Return which night it was, and from when to when; when it was stacked, where no sub tells."""
    times = [row.time for row in state.subs if row.time]
    if not times:
        moments = [row.judged for row in state.subs] or ([state.started] if state.started else [])
        return f"Stacked on {_day(min(moments).astimezone())}" if moments else ""
    first, last = min(times).astimezone(), max(times).astimezone()
    begin, end = (date.fromisoformat(night_of(time)) for time in (first, last))
    if begin != end:
        return f"Nights of {_day(begin)} to {_day(end)}"
    return f"Night of {_day(begin)}, {clock(first)} to {clock(last)}"


def _day(day: date | datetime) -> str:
    return f"{day.day} {day:%B %Y}"


def verdict(state: NightState, stacks: int, *, finer: float | None, running: bool) -> str:
    """Say how the night went."""
    rows = state.subs
    n = sum(row.state == "accepted" for row in rows)
    if not n:
        return "No sub is stacked yet." if running else "No sub could be stacked."
    told = [f"{n:,} of {count(len(rows), 'sub')} {'was' if len(rows) == 1 else 'were'} stacked"]
    told[0] += f" in {spelled(stacks)} stacks" if stacks > 1 else ""
    passed, trails = clouds(rows), _trails_out(state)
    told += [_passed(passed)] if passed else []
    if trails:
        told.append(
            f"{spelled(trails)} satellite{' was' if trails == 1 else 's were'} taken out",
        )
    text = f"{_grade(rows, running=running)} {_row(told)}."
    if finer is not None and finer > 1:
        text += f" The grain is {fixed(finer, 0 if finer >= 99.95 else 1)} times finer than in one sub."
    return text


def _row(told: list[str]) -> str:
    return joined(told) if len(told) < 3 else f"{', '.join(told[:-1])}, and {told[-1]}"


def _trails_out(state: NightState) -> int:
    stacked = {(row.no, row.stack) for row in state.subs if row.state == "accepted"}
    return sum((trail.no, trail.stack) in stacked for trail in state.found)


def _grade(rows: Sequence[SubRow], *, running: bool) -> str:
    if running:
        return "So far"
    asked = [row for row in rows if row.reason not in _NO_FAULT]
    share = sum(row.state == "accepted" for row in asked) / max(1, len(asked))
    return "A good night." if share >= GOOD else "A fair night." if share >= FAIR else "A hard night."


def _passed(passed: list[Cloud]) -> str:
    if len(passed) > 1:
        return f"{spelled(len(passed))} clouds passed"
    lasted_s = (passed[0].last - passed[0].first).total_seconds()
    return f"one {'short ' if lasted_s < _SHORT_CLOUD_S else ''}cloud passed"


def next_time(state: NightState, calibrations: Sequence[MastersMatched]) -> list[str]:
    """Say what would make the next night better."""
    if not state.subs:
        return [f"No picture came: does the camera software write into {place(state.folder)}?"]
    stacked = [row for row in state.subs if row.state == "accepted"]
    said = [next_gain(state)] if state.n_stacked else []
    sizes = [row.fwhm_px for row in stacked if row.fwhm_px and row.stack == state.stack]
    if grew(sizes) > STEADY:
        said.append("The stars grew over the night: refocus when it gets colder, and look for dew.")
    counts = Counter(row.reason for row in state.subs if row.state == "rejected")
    said += [
        f"{sentence_case(spelled(n))} {_kind(reason)} sub{'' if n == 1 else 's'}: {ADVICE[reason]}."
        for reason, n in counts.most_common()
        if reason in ADVICE
    ]
    missing = {kind for one in calibrations for kind in ("dark", "flat") if _lacks(one, kind)}
    if "dark" in missing:
        said.append("Take darks of the same exposure, gain and temperature: hot pixels go.")
    if "flat" in missing:
        said.append("Take flats before the camera is moved: the corners get even.")
    return said or ["Nothing to do."]


def _lacks(matched: MastersMatched, kind: str) -> bool:
    return any(words.startswith(f"no {kind}") for words in matched.missing)


def _kind(reason: str | None) -> str:
    return {"too_few_stars": "almost starless", "not_registered": "unaligned", "mismatched": "odd"}.get(
        reason or "", reason or ""
    )
