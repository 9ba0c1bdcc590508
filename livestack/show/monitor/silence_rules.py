"""Rules on subs that do not come any more: something has stopped, or the capture has ended as it should."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median

from livestack.counted import count
from livestack.show.advice import SKY
from livestack.show.monitor.scene import Delay, Finding, Rule, Scene
from livestack.show.state import NightState, SubRow
from livestack.show.words import about, span

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


def silent_after_s(state: NightState) -> float | None:
    """Return from how many s after the last sub on silence is strange: twice the cadence, where nothing says otherwise.

    A capture may pause to focus until it is known whether it does; pauses that healed are usual, other filters may take
    longer, and a flip is due near the meridian.
    """
    cadence = cadence_of(state)
    if cadence is None:
        return None
    exposures = [row.exposure_s for row in state.subs[-_RECENT:] if row.exposure_s] or [1.0]
    cadence *= max(exposures) / median(exposures)
    patience = max(SILENT * cadence, LEAST_S)
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


def _step_s(early: SubRow, late: SubRow) -> float:
    """Return for how long the camera paused: neither stacking that took long nor a clock that jumped is a pause."""
    judged = (late.judged - early.judged).total_seconds()
    return min(judged, (late.time - early.time).total_seconds()) if early.time and late.time else judged


def _quiet_s(scene: Scene, up: bool) -> float | None:
    """Return for how long no sub has come, where that is strange."""
    state, last = scene.state, scene.state.last
    patience = silent_after_s(state)
    if last is None or patience is None or state.stopped or state.held or state.lost or state.n_waiting:
        return None
    quiet_s, cadence = (scene.now - last.judged).total_seconds(), cadence_of(state) or 0.0
    return quiet_s if quiet_s >= (min(patience, SILENT * cadence) if up else patience) else None


def _no_new_sub(scene: Scene, up: bool) -> Finding | None:
    quiet_s = _quiet_s(scene, up)
    if quiet_s is None or (not up and _why_over(scene)):
        return None
    usual = span(max(1, round(cadence_of(scene.state) or 0.0)))
    return Finding(
        f"No new sub for {about(quiet_s)}: usually one comes every {usual}. Look at the capture program and the mount.",
        scene.state.subs[-1].judged,
    )


def _over(scene: Scene, up: bool) -> Finding | None:
    """Whether the capture has ended as captures end: at dawn, or when its target is low."""
    quiet_s = _quiet_s(scene, up)
    why = "" if quiet_s is None else _why_over(scene)
    if quiet_s is None or not why:
        return None
    n = sum(row.state == "accepted" for row in scene.state.subs)
    said = f"No new sub for {about(quiet_s)}, and {why}: the capture has ended, it seems. {count(n, 'sub')} stacked."
    return Finding(said, scene.state.subs[-1].judged)


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
    Rule(
        "no new sub",
        "No new sub",
        Delay(subs=2),
        _no_new_sub,
        urgent=True,
    ),
    Rule("over", "The capture has ended", Delay(subs=2), _over, passing=True),
)
