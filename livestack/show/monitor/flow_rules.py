"""Rules on what comes and goes: subs, the folder, the disk, the camera's clock, livestack itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from livestack.counted import count
from livestack.show.monitor.scene import Delay, Disk, Finding, Rule, Scene
from livestack.show.monitor.verdict import ADVICE
from livestack.show.reasons import cause
from livestack.show.state import SubRow
from livestack.show.status import BEHIND, falls_behind
from livestack.show.words import THIN, about, clock, fixed, place, sentence_case, span

_RECENT = 9
_LIVE = 0.5  # share of the cadence by their headers at which subs are judged when they are stacked as they are taken
_FULL_H, _ROOM_H, _LEAST_GB = 2.0, 3.0, 1.0
_PAUSED = timedelta(minutes=15)
_WATCHED_S, _SEEN = 240.0, 3
_OUT, _OF, _BACK = 3, 5, 3
_NO_FAULT = ("clouded", "duplicate", "wrong_kind", "vanished")
_CLOUDED = "clouded"
_JUMP_S = 60.0
_JUMP_SHOWN = timedelta(minutes=30)


def _folder_gone(scene: Scene, up: bool) -> Finding | None:
    lost = scene.state.lost
    if lost is None or scene.state.stopped:
        return None
    said = lost.sentence or f"The folder {place(scene.state.folder)} is gone. Look at cable and network."
    return Finding(said, lost.time)


def _stopped(scene: Scene, up: bool) -> Finding | None:
    stopped, code = scene.state.stopped, scene.state.exit_code
    if stopped is not None:
        return None if code in (0, 130) else Finding(f"livestack stopped: {stopped.sentence}", stopped.time)
    if scene.alive or scene.last_word is None:
        return None
    at = scene.last_word
    safe = count(sum(row.state == "accepted" for row in scene.state.subs), "sub")
    return Finding(
        f"livestack stopped at {clock(at)} without a word; {safe} safe in the session. "
        "Watch the same folder again: it goes on where it was.",
        at,
    )


def _disk_full(scene: Scene, up: bool) -> Finding | None:
    found = [finding for disk in scene.disks if (finding := _full(disk, scene.now, up))]
    return min(found, key=lambda finding: finding[0])[1] if found else None


def _full(disk: Disk, now: datetime, up: bool) -> tuple[float, Finding] | None:
    """Return in how many hours a disk is full, and the words on it; None where there is room for hours."""
    if not disk.rooms:
        return None
    (begun, _), (last, free) = disk.rooms[0], disk.rooms[-1]
    lasted_s, gb = (last - begun).total_seconds(), free / 1e9
    # a file that is being written anew is there twice for a moment
    at_first, at_last = (max(free for _, free in rooms) for rooms in (disk.rooms[:_SEEN], disk.rooms[-_SEEN:]))
    between_s = (disk.rooms[-_SEEN:][0][0] - begun).total_seconds()
    hourly = (at_first - at_last) / 1e9 / between_s * 3600 if lasted_s >= _WATCHED_S else 0.0
    hours = gb / hourly if hourly > 0 else float("inf")
    name = f"The disk with {disk.holds}"
    if hours < (_ROOM_H if up else _FULL_H):
        full = clock(now + timedelta(hours=hours))
        said = f"{name} is full at {full} at this rate: {fixed(gb, 1)}{THIN}GB free, {fixed(hourly, 1)} an hour."
        return hours, Finding(f"{said} Make room.", begun)
    if gb < (2 * _LEAST_GB if up else _LEAST_GB):
        return 0.0, Finding(f"{name} has {fixed(gb, 1)}{THIN}GB free. Make room.", last)
    return None


def _behind(scene: Scene, up: bool) -> Finding | None:
    state = scene.state
    waiting, pace, cadence = state.n_waiting, state.seconds_per_sub, state.cadence_s
    if not falls_behind(state, 1 if up else BEHIND) or pace is None or cadence is None or state.held:
        return None
    return Finding(
        f"{count(waiting, 'sub')} behind: stacking takes {fixed(pace, 1)}{THIN}s, {60 / pace:.0f} a minute; "
        f"a sub comes every {span(cadence)}. None is lost; longer subs or fewer programs help.",
        state.subs[-1].judged,
    )


def _forgotten_pause(scene: Scene, up: bool) -> Finding | None:
    held, waiting = scene.state.held, scene.state.n_waiting
    if held is None or scene.state.stopped or scene.now - held.time < _PAUSED or waiting < (1 if up else BEHIND):
        return None
    return Finding(
        f"Paused since {clock(held.time)}: {count(waiting, 'sub')} in line. R in the window goes on.", held.time
    )


def _clock_jumped(scene: Scene, up: bool) -> Finding | None:
    """Whether the camera's clock went back, or ahead of the time at which subs came; and stayed there for two subs."""
    rows = [row for row in scene.state.subs[-3 * _RECENT :] if row.time]
    cadence = scene.state.cadence_s
    if cadence is None or scene.state.stopped:
        return None
    least = max(_JUMP_S, 0.5 * cadence)
    for k in range(len(rows) - 2, 3, -1):
        jump = _jump_s(rows[:k], rows[k : k + 2]) if _in_time(rows[k - 4 : k + 2], cadence) else 0.0
        if scene.now - rows[k].judged > _JUMP_SHOWN:
            break
        if abs(jump) > least:
            way = "ahead" if jump > 0 else "back"
            said = f"The camera's clock went {about(abs(jump))} {way} at sub {rows[k].no}."
            return Finding(f"{said} Set it: times and masters go by it.", rows[k].judged)
    return None


def _in_time(rows: Sequence[SubRow], cadence_s: float) -> bool:
    """Whether subs were judged about as fast as they were exposed."""
    step = median((late.judged - early.judged).total_seconds() for early, late in pairwise(rows))
    return _LIVE * cadence_s <= step <= cadence_s / _LIVE


def _jump_s(before: Sequence[SubRow], after: Sequence[SubRow]) -> float:
    """Return by how many s the camera's clock is ahead of what it was; subs that only came late tell nothing."""
    late, now = [_delay_s(row) for row in before[-_RECENT:]], [_delay_s(row) for row in after]
    if max(now) < min(late):  # sooner after their exposure than ever
        return min(late) - max(now)
    last = before[-1].time
    if last is not None and all(row.time is not None and row.time < last for row in after):
        return -(min(now) - max(late))
    return 0.0


def _delay_s(row: SubRow) -> float:
    """Return how long after its exposure a sub was judged."""
    assert row.time is not None
    return (row.judged - row.time).total_seconds() - (row.exposure_s or 0.0) / 2


def _clouds(scene: Scene, up: bool) -> Finding | None:
    rows = [row for row in scene.state.subs[-600:] if row.reason not in ("duplicate", "wrong_kind")]
    run = _run(rows, up, lambda row: row.reason == _CLOUDED)
    if not run:
        return None
    since = run[0].time or run[0].judged
    n = sum(row.reason == _CLOUDED for row in run)
    return Finding(f"Cloud since {clock(since)}: {count(n, 'sub')} left out. Stacking resumes by itself.", since)


def _left_out(scene: Scene, up: bool) -> Finding | None:
    rows = scene.state.subs[-600:]
    run = _run(rows, up, lambda row: row.reason is not None and row.reason not in _NO_FAULT)
    if not run:
        return None
    since = run[0].time or run[0].judged
    out = [row for row in run if row.reason is not None and row.reason not in _NO_FAULT]
    what_to_do = sentence_case(ADVICE.get(out[-1].reason or "", "look at the last sub"))
    said = f"{count(len(out), 'sub')} left out since {clock(since)}: {cause(out[-1]).lower()}. {what_to_do}."
    return Finding(said, since)


def _run(rows: Sequence[SubRow], up: bool, is_out: Callable[[SubRow], bool]) -> Sequence[SubRow]:
    """Return the subs since the first of a run of those that are out, with gaps; none where there is no run."""
    out = [is_out(row) for row in rows]
    if sum(out[-_OF:]) < _OUT and not (up and any(out[-_BACK:])):
        return ()
    begun = len(out) - 1
    while begun >= 0 and any(out[max(0, begun - _BACK + 1) : begun + 1]):
        begun -= 1
    return rows[out.index(True, begun + 1) :]


FLOW_RULES = (
    Rule("stopped", "livestack stopped", Delay(30), _stopped, urgent=True, written=False),
    Rule("folder", "Folder gone", Delay(30), _folder_gone, urgent=True, written=False),
    Rule("disk full", "Disk soon full", Delay(1800), _disk_full, urgent=True),
    Rule("clock", "The camera's clock jumped", Delay(subs=2), _clock_jumped),
    Rule("left out", "Subs are left out", Delay(subs=3), _left_out),
    Rule("clouds", "Clouds", Delay(subs=3), _clouds),
    Rule("paused", "Still paused", Delay(900), _forgotten_pause),
    Rule("behind", "Falling behind", Delay(subs=3), _behind),
)
