"""Rules on subs that do not come any more: one is late, something has stopped, or the capture has ended as it should.

What is late is shown, and calls nobody: a camera that focuses is late, too. What stays away for longer than that calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median

from livestack.counted import count
from livestack.show.advice import SKY
from livestack.show.monitor.scene import Delay, Finding, Rule, Scene
from livestack.show.state import NightState, SubRow
from livestack.show.status import quiet_since
from livestack.show.words import about, clock, span

_RECENT, _FEWEST = 9, 4
_RESTS = 1.5  # times the work on a sub that lies between two of them where livestack waits for the camera
SILENT, LEAST_S = 2.0, 30.0
"""Times the cadence, and seconds: so long no sub is strange where the capture does not pause to focus."""
_FOCUS_RUN_S, _FOCUS_MOST = 270.0, 4.0
"""A focus run with a dither beside it, or a flip that nobody told of; at most so many times the cadence."""
_PAUSE_S = 45.0  # more than a dither and a download take
_HABITS = timedelta(minutes=75)
"""By then a capture that focuses each hour has."""
_USUAL_PAUSE, _ONCE_S, _LONGEST_PAUSE_S = 1.2, 300.0, 1200.0
"""Times as long as pauses were; so long ones are usual at once, longer ones when they come again; none so long."""
_FLIP_TAKES_S, _NEAR_MERIDIAN_H = 600.0, 0.5
_DAWN_DEG, _RISEN_DEG, _NIGHT = -20.0, 1.0, timedelta(hours=12)
"""The sun when captures may end; how far it has come up by then from its lowest of the night."""
_LOW_AIRMASS = 1.9


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


def late_after_s(state: NightState) -> float | None:
    """Return from how many s after the last sub on the next is late: twice the cadence of the longest exposures."""
    cadence = _longest_cadence_s(state)
    return None if cadence is None else max(SILENT * cadence, LEAST_S)


def silent_after_s(state: NightState) -> float | None:
    """Return from how many s after the last sub on silence is strange: when it is late, where nothing says otherwise.

    A capture may pause to focus until it is known whether it does; pauses that healed are usual, and a flip is due near
    the meridian.
    """
    cadence, patience = _longest_cadence_s(state), late_after_s(state)
    if cadence is None or patience is None:
        return None
    pauses = sorted(
        step
        for early, late in pairwise(state.subs)
        if cadence + _PAUSE_S < (step := _step_s(early, late)) < _LONGEST_PAUSE_S
    )
    if pauses or state.subs[-1].judged - state.subs[0].judged < _HABITS:
        patience = max(patience, min(cadence + _FOCUS_RUN_S, _FOCUS_MOST * cadence))
    usual = [pause for pause in pauses if pause <= cadence + _ONCE_S] + pauses[:-1]
    hour = state.subs[-1].gear.get("hour_angle_h")
    due = hour is not None and abs(hour) < _NEAR_MERIDIAN_H and state.flip is None
    return max(patience, _USUAL_PAUSE * max(usual, default=0.0), _FLIP_TAKES_S + cadence if due else 0.0)


def _longest_cadence_s(state: NightState) -> float | None:
    """Return the time between subs of the longest of the exposures that come now."""
    cadence = cadence_of(state)
    exposures = [row.exposure_s for row in state.subs[-_RECENT:] if row.exposure_s] or [1.0]
    return None if cadence is None else cadence * max(exposures) / median(exposures)


def _step_s(early: SubRow, late: SubRow) -> float:
    """Return for how long the camera paused: neither stacking that took long nor a clock that jumped is a pause."""
    judged = (late.judged - early.judged).total_seconds()
    return min(judged, (late.time - early.time).total_seconds()) if early.time and late.time else judged


def _late_by_s(scene: Scene) -> float | None:
    """Return for how long no sub has come, where one is late."""
    state, last = scene.state, scene.state.last
    late = late_after_s(state)
    if last is None or late is None or state.stopped or state.held or state.lost or state.n_waiting:
        return None
    quiet_s = (scene.now - quiet_since(state)).total_seconds()
    return quiet_s if quiet_s >= late else None


def _silent_for_s(scene: Scene, up: bool) -> float | None:
    """Return for how long no sub has come, where that is strange; what was told is over with the next sub."""
    quiet_s = _late_by_s(scene)
    return quiet_s if quiet_s is not None and (up or quiet_s >= (silent_after_s(scene.state) or 0.0)) else None


def _late(scene: Scene, up: bool) -> Finding | None:
    """Whether a sub is late, and may be so: as long as pauses take."""
    quiet_s = _late_by_s(scene)
    patience = 0.0 if quiet_s is None else silent_after_s(scene.state) or 0.0
    if quiet_s is None or quiet_s >= patience:
        return None
    since, why = quiet_since(scene.state), _why_over(scene)
    then = f"or it has ended: {why}" if why else f"alert at {clock(since + timedelta(seconds=patience))}"
    return Finding(f"{_no_sub_for(scene, quiet_s)} Focusing takes as long; {then}.", since)


def _no_new_sub(scene: Scene, up: bool) -> Finding | None:
    quiet_s = _silent_for_s(scene, up)
    if quiet_s is None or (not up and _why_over(scene)):
        return None
    said = f"{_no_sub_for(scene, quiet_s)} Look at the capture program and the mount."
    return Finding(said, quiet_since(scene.state))


def _no_sub_for(scene: Scene, quiet_s: float) -> str:
    usual = span(max(1, round(cadence_of(scene.state) or 0.0)))
    return f"No new sub for {about(quiet_s)}: usually one comes every {usual}."


def _over(scene: Scene, up: bool) -> Finding | None:
    """Whether the capture has ended as captures end: at dawn, or when its target is low."""
    quiet_s = _silent_for_s(scene, up)
    why = "" if quiet_s is None else _why_over(scene)
    if quiet_s is None or not why:
        return None
    n = sum(row.state == "accepted" for row in scene.state.subs)
    said = f"No new sub for {about(quiet_s)}, and {why}: the capture has ended, it seems. {count(n, 'sub')} stacked."
    return Finding(said, quiet_since(scene.state))


def _why_over(scene: Scene) -> str:
    """Say why a capture may well have ended with the last sub; empty = nothing says so."""
    rows = scene.state.subs
    if _dawned(rows) or any(trend.name == SKY and trend.is_dawn for trend in scene.trends.at(1.0)):
        return "dawn has come"
    gear = rows[-1].gear
    sinks = gear.get("hour_angle_h", 0.0) > 0.0 and gear.get("airmass", 1.0) >= _LOW_AIRMASS
    return "the target is low" if sinks else ""


def _dawned(rows: Sequence[SubRow]) -> bool:
    """Whether the sun was coming up at the last sub."""
    since = rows[-1].judged - _NIGHT
    suns = [row.gear["sun_deg"] for row in rows if "sun_deg" in row.gear and row.judged > since]
    return bool(suns) and suns[-1] > _DAWN_DEG and suns[-1] > min(suns) + _RISEN_DEG


SILENCE_RULES = (
    Rule("late", "A sub is late", Delay(subs=2), _late, sent=False, passing=True),
    Rule("no new sub", "No new sub", Delay(subs=2), _no_new_sub, urgent=True),
    Rule("over", "The capture has ended", Delay(subs=2), _over, passing=True),
)
