"""Rules on what is measured of the subs: focus, dew, tracking, the sky, cooling, where the telescope points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from livestack.show import advice
from livestack.show.courses import drift_of
from livestack.show.figures import ROUNDNESS, SKY, STAR_SIZE, TRANSPARENCY, Figure
from livestack.show.monitor.scene import Delay, Finding, Look, Rule, Scene
from livestack.show.sky import NOT_KNOWN
from livestack.show.state import NightState, SubRow
from livestack.show.words import THIN, as_sentence, clock, fixed

SURE, OVER = 1.75, 1.0
"""Share of the way to the advice's limits from which on an alert is raised, and below which it is over."""
DEW_OVER = 0.6
_WARM_C, _COOL_C = 2.0, 1.0
_DRIFT_SUBS, _DRIFTED, _STRAIGHT = 15, 0.03, 6.0
"""Subs in a row; share of the picture's short side that they drifted; times the error of the slope."""
_FLIP_TOLD = timedelta(minutes=10)
_MISSED_H, _SET_H = 0.5, 6.0
_YOUNG = 12

TEMPERATURE = Figure("Sensor", lambda row: row.gear.get("sensor_c"), lambda value: (fixed(value, 1), "°C"))


def _trend(name: str, figure: Figure) -> Look:
    """Return the look at a trend that the advice line knows: an alert is surer, and over when that is silent."""

    def look(scene: Scene, up: bool) -> Finding | None:
        share = SURE if not up else DEW_OVER if name == advice.DEW else OVER
        trend = next((trend for trend in scene.trends.at(share) if trend.name == name), None)
        return None if trend is None else Finding(trend.sentence, trend.since, figure)

    return look


def _saying(rows: Sequence[SubRow], *names: str) -> list[SubRow]:
    """Return the subs whose header said all of these."""
    return [row for row in rows if all(name in row.gear for name in names)]


def _cooling(scene: Scene, up: bool) -> Finding | None:
    told = _saying(scene.state.subs[-200:], "sensor_c", "set_c")
    off = [abs(row.gear["sensor_c"] - row.gear["set_c"]) > (_COOL_C if up else _WARM_C) for row in told]
    if sum(off[-3:]) < 2:
        return None
    begun = len(off) - 1
    while begun > 0 and any(off[begun - 1 : begun + 1]):
        begun -= 1
    gear, since = told[-1].gear, told[begun].time or told[begun].judged
    now, asked = (f"{fixed(gear[name], 1)}{THIN}°C" for name in ("sensor_c", "set_c"))
    said = f"The sensor has {now} instead of {asked} since {clock(since)}."
    return Finding(f"{said} Look at the cooler's power, or choose a warmer point.", since, TEMPERATURE)


def _drift(scene: Scene, up: bool) -> Finding | None:
    """Whether the field creeps one way, straighter than dither ever does."""
    state = scene.state
    rows = [row for row in state.subs[-4 * _DRIFT_SUBS :] if row.stack == state.stack and row.state == "accepted"]
    rows = rows[-_DRIFT_SUBS:]
    size = state.grids.get(state.stack or "", NOT_KNOWN).size
    if len(rows) < _DRIFT_SUBS or not min(size):
        return None
    course = drift_of(rows, {state.stack or "": size})
    at = np.arange(len(rows)) - (len(rows) - 1) / 2
    slope = at @ course / (at @ at)
    rest = course - course.mean(axis=0) - np.outer(at, slope)
    speed = float(np.hypot(*slope))
    error = float(np.sqrt((rest**2).sum() / (2 * (len(rows) - 2)) / (at @ at)))
    moved = speed * (len(rows) - 1)
    ease = 0.5 if up else 1.0
    if not np.isfinite(speed) or moved < ease * _DRIFTED * min(size) or speed < ease * _STRAIGHT * error:
        return None
    since = rows[0].time or rows[0].judged
    return Finding(
        f"The field drifts {fixed(speed, 1)}{THIN}px a sub, {fixed(moved, 0)}{THIN}px since {clock(since)}. "
        "Look at guiding and polar alignment.",
        since,
    )


def _flipped(scene: Scene, up: bool) -> Finding | None:
    flip = scene.state.flip
    if flip is None or scene.now - flip.time > _FLIP_TOLD:
        return None
    said = (
        f"Meridian flip at {clock(flip.time)}, before sub {_first_after(scene.state)}. The picture keeps its direction."
    )
    return Finding(said, flip.time)


def _first_after(state: NightState) -> int:
    at = state.flip.time if state.flip else None
    return next((row.no for row in state.subs if at is not None and row.judged >= at), state.subs[-1].no)


def _flip_missed(scene: Scene, up: bool) -> Finding | None:
    """Whether a mount that has two sides stayed on one long after the meridian."""
    told = _saying(scene.state.subs[-600:], "hour_angle_h", "pier")
    if not told or scene.state.flip is not None:
        return None
    hour, side = told[-1].gear["hour_angle_h"], told[-1].gear["pier"]
    before = [row.gear["pier"] for row in told if row.gear["hour_angle_h"] < 0]
    if not _MISSED_H < hour < _SET_H or before[-1:] != [side]:
        return None
    crossed = (told[-1].time or told[-1].judged) - timedelta(hours=hour)
    return Finding(
        f"The target crossed the meridian at {clock(crossed)}, {round(60 * hour)}{THIN}min ago, and nothing flipped. "
        "Look at the mount before it stops or hits the pier.",
        crossed,
    )


def _calibration(scene: Scene, up: bool) -> Finding | None:
    """Whether calibration frames are there and do not fit."""
    unfit = [words for words in scene.state.masters_missing or () if ": the nearest is" in words]
    if not unfit or not scene.state.subs or (not up and scene.state.n_stacked > _YOUNG):
        return None
    first = scene.state.subs[0]
    return Finding(f"{as_sentence(unfit[0])} Take one that fits, and stack the night again with it.", first.judged)


def _named(name: str) -> Look:
    """Return the look at alerts that the engine itself raises, whose names begin so."""

    def look(scene: Scene, up: bool) -> Finding | None:
        for alert in reversed(scene.state.alerts):
            if alert.rule == name or alert.rule.startswith(f"{name} "):
                return Finding(alert.sentence, alert.time)
        return None

    return look


COURSE_RULES = (
    Rule(advice.FOCUS, "Focus drifted", Delay(subs=3), _trend(advice.FOCUS, STAR_SIZE)),
    Rule(advice.DEW, "Dew", Delay(subs=3), _trend(advice.DEW, STAR_SIZE)),
    Rule(advice.TRACKING, "Stars trail", Delay(subs=3), _trend(advice.TRACKING, ROUNDNESS)),
    Rule(advice.HAZE, "Stars fade", Delay(subs=3), _trend(advice.HAZE, TRANSPARENCY)),
    Rule(advice.SKY, "The sky brightens", Delay(subs=3), _trend(advice.SKY, SKY)),
    Rule("cooling", "Cooling off its set point", Delay(subs=2), _cooling),
    Rule("drift", "The field drifts", Delay(subs=15), _drift),
    Rule("flip", "Meridian flip", Delay(subs=1), _flipped, written=False, passing=True),
    Rule("flip missed", "No meridian flip", Delay(1800), _flip_missed, urgent=True),
    Rule("calibration", "Calibration does not fit", Delay(subs=1), _calibration),
    Rule("rejection", "Much of a sub was left out", Delay(subs=1), _named("rejection"), written=False),
    Rule("drizzle", "Too little dither", Delay(subs=25), _named("drizzle"), written=False),
    Rule("disk", "The stack cannot be saved", Delay(60), _named("disk"), urgent=True, written=False),
)
