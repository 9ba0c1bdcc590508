"""Rules on what comes and goes: subs, the folder, the disk, the camera's clock, livestack itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from livestack.counted import count
from livestack.show.monitor.scene import Disk, Finding, Rule, Scene
from livestack.show.monitor.verdict import ADVICE
from livestack.show.reasons import cause
from livestack.show.state import NightState, SubRow
from livestack.show.status import BEHIND, falls_behind
from livestack.show.words import THIN, about, clock, fixed, place, sentence_case, span

_RECENT = 9
_SILENT, _FOR_FOCUS, _FOCUS_RUN_S = 2.0, 1.9, 150.0
"""Times the cadence; besides, for a focus run, that again, and at most so many seconds."""
_USUAL_PAUSE, _LONGEST_PAUSE_S = 1.2, 1200.0
_FLIP_TAKES_S, _NEAR_MERIDIAN_H = 600.0, 0.5
_FEWEST = 4
_RESTS = 1.5  # times the work on a sub that lies between two of them where livestack waits for the camera
_LIVE = 0.5  # share of the cadence by their headers at which subs are judged when they are stacked as they are taken
_FULL_H, _ROOM_H, _LEAST_GB = 2.0, 3.0, 1.0
_PAUSED = timedelta(minutes=15)
_WATCHED_S, _SEEN = 240.0, 3
_OUT, _OF, _BACK = 3, 5, 3
_NO_FAULT = ("clouded", "duplicate", "wrong_kind", "vanished")
_CLOUDED = "clouded"
_JUMP_S = 60.0
_JUMP_SHOWN = timedelta(minutes=30)


def cadence_of(state: NightState) -> float | None:
    """Return the usual time between subs as they come now, s; None where they were there before and wait in line.

    Then livestack works on one after the other without a pause.
    """
    rows, pace = state.subs[-_RECENT:], state.seconds_per_sub
    if len(rows) < _FEWEST or pace is None:
        return None
    steps = [(late.judged - early.judged).total_seconds() for early, late in pairwise(rows)]
    usual = median(steps)
    return usual if usual > _RESTS * pace else None


def silent_after_s(state: NightState) -> float | None:
    """Return from how many s after the last sub on silence is strange: twice the cadence, and time for a focus run.

    Pauses that were followed by subs are usual, other filters may take longer, and a flip is due near the meridian.
    """
    cadence = cadence_of(state)
    if cadence is None:
        return None
    exposures = [row.exposure_s for row in state.subs[-_RECENT:] if row.exposure_s] or [1.0]
    cadence *= max(exposures) / median(exposures)
    steps = (_step_s(early, late) for early, late in pairwise(state.subs))
    pauses = [step for step in steps if _SILENT * cadence < step < _LONGEST_PAUSE_S]
    hour = state.subs[-1].gear.get("hour_angle_h")
    due = _FLIP_TAKES_S if hour is not None and abs(hour) < _NEAR_MERIDIAN_H and state.flip is None else 0.0
    patience = _SILENT * cadence + min(_FOR_FOCUS * cadence, _FOCUS_RUN_S)
    return max(patience, _USUAL_PAUSE * max(pauses, default=0.0), due + cadence if due else 0.0)


def _step_s(early: SubRow, late: SubRow) -> float:
    """Return for how long the camera paused: neither stacking that took long nor a clock that jumped is a pause."""
    judged = (late.judged - early.judged).total_seconds()
    return min(judged, (late.time - early.time).total_seconds()) if early.time and late.time else judged


def _no_new_sub(scene: Scene, up: bool) -> Finding | None:
    state, last = scene.state, scene.state.last
    patience = silent_after_s(state)
    if last is None or patience is None or state.stopped or state.held or state.lost or state.n_waiting:
        return None
    quiet_s, cadence = (scene.now - last.judged).total_seconds(), cadence_of(state) or 0.0
    if quiet_s < (_SILENT * cadence if up else patience):
        return None
    usual = span(max(1, round(cadence)))
    return Finding(
        f"No new sub for {about(quiet_s)}: usually one comes every {usual}. Look at the capture program and the mount.",
        last.judged,
    )


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
    Rule("stopped", "livestack stopped", "half a minute", _stopped, urgent=True, written=False),
    Rule("folder", "Folder gone", "at once", _folder_gone, urgent=True, written=False),
    Rule("disk full", "Disk soon full", "five minutes", _disk_full, urgent=True),
    Rule("no new sub", "No new sub", "twice the time between subs, and time for a focus run", _no_new_sub, urgent=True),
    Rule("clock", "The camera's clock jumped", "two subs", _clock_jumped),
    Rule("left out", "Subs are left out", "three subs", _left_out),
    Rule("clouds", "Clouds", "three subs", _clouds),
    Rule("paused", "Still paused", "a quarter of an hour", _forgotten_pause),
    Rule("behind", "Falling behind", "three subs", _behind),
)
