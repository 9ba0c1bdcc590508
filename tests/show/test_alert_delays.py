"""Every rule is driven with a trouble whose begin and end are known: told within twice its delay, and over after it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from livestack.events import (
    AlertCleared,
    AlertRaised,
    Event,
    Held,
    MastersMatched,
    MeridianFlip,
    Record,
    Resumed,
    SourceBack,
    SourceLost,
)
from livestack.show.advice import DEW, FOCUS, HAZE, SKY, TRACKING
from livestack.show.alarm import alarm
from livestack.show.monitor.alerts import CLEARED, RULES
from livestack.show.monitor.lookout import events_of
from livestack.show.monitor.scene import Disk
from livestack.show.state import advance
from livestack.show.status import status
from livestack.show.words import clock
from tests.show.overnight import BEGIN, LOOKED_S, QUIET, STACK, Told, Weather, at, subs, watched

FROM, TO = at("23:30"), at("00:30")
"""When the trouble begins, and when it is over."""
JUDGED = timedelta(seconds=123)
"""How long after its begin a sub is known."""
SLOW = FROM - timedelta(minutes=20)
"""From when on work takes too long for subs not to wait."""
CLOCK_SHOWN = timedelta(minutes=30)
STEADY = Weather(focuses=False, said=((at("21:30"), MeridianFlip(STACK, 13, 180.0)),))
"""A camera that never pauses, on a mount that has flipped."""
NO_DARK = "no dark of 120 s: the nearest is of 60 s"


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in a night. ``begun``, ``over``: the truth; None = it is not to be over."""

    rule: str
    weather: Weather
    begun: datetime = FROM
    over: datetime | None = TO


def lasts(bad: float, good: float) -> Callable[[datetime], float]:
    """Return a figure that is bad while the trouble lasts."""
    return lambda time: bad if FROM <= time < TO else good


def wait(time: datetime) -> int:
    """Return how many subs wait in line."""
    return 5 * (FROM <= time < TO)


def says(begin: Event, end: Event) -> Weather:
    """Return a night in which the engine says that something is so, and that it is over."""
    return Weather(said=((FROM, begin), (TO, end)))


def masters(missing: list[str]) -> MastersMatched:
    """Return what a stack is calibrated with."""
    return MastersMatched(STACK, [], [], [], missing, [])


def filling(time: datetime) -> tuple[Disk, ...]:
    """A disk with 60 GB that 40 GB are written to in an hour; then room is made."""
    seen = [BEGIN + timedelta(minutes=m) for m in range(int((time - BEGIN).total_seconds() / 60) + 1)][-31:]

    def free_gb(moment: datetime) -> float:
        written = 40 * max(0.0, (min(moment, TO) - FROM).total_seconds()) / 3600
        return 60 - written if moment < TO else 500.0

    return (Disk("the captures", tuple((moment, int(1e9 * free_gb(moment))) for moment in seen)),)


def reason(word: str) -> Weather:
    """Return a night in which subs are left out."""
    return Weather(reason=lambda time: word if FROM <= time < TO else None)


_TURNS = timedelta(hours=1)
TROUBLES = [
    Trouble("stopped", Weather(alive=lambda time: not FROM <= time < TO)),
    Trouble("folder", says(SourceLost("/captures", "It is gone."), SourceBack("/captures"))),
    Trouble("disk full", Weather(disks=filling)),
    Trouble("no new sub", replace(STEADY, gap=(FROM, TO)), FROM + JUDGED, TO + JUDGED),
    Trouble("clock", Weather(clock_s=lambda time: -1800.0 * (time >= FROM)), over=FROM + CLOCK_SHOWN),
    Trouble("left out", reason("trailed")),
    Trouble("clouds", reason("clouded")),
    Trouble("paused", replace(says(Held("the window"), Resumed("the window")), waiting=wait)),
    Trouble("behind", Weather(work_s=lambda time: 300.0 if SLOW <= time < TO else 0.4, waiting=wait)),
    Trouble(FOCUS, Weather(focus=lasts(2.0, 1.0))),
    Trouble(DEW, Weather(focus=lasts(1.6, 1.0), clear=lasts(0.5, 1.0))),
    Trouble(TRACKING, Weather(eccentricity=lambda time: 0.85 if FROM <= time < TO else None)),
    Trouble(HAZE, Weather(clear=lasts(0.45, 1.0))),
    Trouble(SKY, Weather(glow=lasts(2.5, 1.0))),
    Trouble("cooling", Weather(sensor_c=lasts(-6.0, -10.0))),
    Trouble("drift", Weather(drift_px=lambda time: 6.0 * max(0.0, (min(time, TO) - FROM).total_seconds()) / 130)),
    Trouble("flip", Weather(said=((FROM, MeridianFlip(STACK, 60, 180.0)),)), over=None),
    Trouble("calibration", Weather(said=((at("21:04"), masters([NO_DARK])), (TO, masters([])))), at("21:04")),
    Trouble("rejection", says(AlertRaised(f"rejection {STACK}", "Much."), AlertCleared(f"rejection {STACK}"))),
    Trouble("drizzle", says(AlertRaised(f"drizzle {STACK}", "Little."), AlertCleared(f"drizzle {STACK}"))),
    Trouble("disk", says(AlertRaised("disk", "No room."), AlertCleared("disk"))),
]  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.rule)
def test_it_is_told_within_twice_its_delay_and_over_after_it(trouble: Trouble) -> None:
    told = watched(trouble.weather, 13, hours=5)
    _is_in_time(told, trouble)


def test_a_flip_that_is_missed_is_told_within_half_an_hour_and_over_when_it_is_made() -> None:
    weather = Weather(pier=lambda hour: "East")
    crossed = next(sub.at for sub in subs(weather, 13) if (sub.hour_angle_h or 0.0) > 0)
    flipped = crossed + _TURNS
    weather = replace(weather, said=((flipped, MeridianFlip(STACK, 99, 180.0)),))
    _is_in_time(watched(weather, 13), Trouble("flip missed", weather, crossed, flipped))


def test_every_rule_is_among_these() -> None:
    assert {trouble.rule for trouble in TROUBLES} | {"flip missed", "late", "over"} == {rule.name for rule in RULES}


def _is_in_time(told: Told, trouble: Trouble) -> None:
    rule = next(rule for rule in RULES if rule.name == trouble.rule)
    cadence_s = statistics.median((b.judged - a.judged).total_seconds() for a, b in pairwise(told.state.subs))
    delay = timedelta(seconds=2 * rule.delay.at(cadence_s))
    ((raised, _, said), *_) = told.of(rule.name)
    assert trouble.begun <= raised <= trouble.begun + delay, (raised, said)
    if trouble.over is not None:
        (*_, (cleared, _, _)) = told.of(rule.name, CLEARED)
        assert trouble.over <= cleared <= trouble.over + delay, (cleared, said)
    assert not [alert.rule.name for alert in told.standing.alerts if not alert.rule.passing]


# ---- silence ---------------------------------------------------------------------------------------------------------


def _silent(weather: Weather, seed: int, hours: float, minutes: int, exposure_s: float = 120.0) -> Told:
    """A night after whose last sub nothing comes."""
    told = watched(weather, seed, exposure_s=exposure_s, hours=hours)
    last = told.state.subs[-1].judged
    for second in range(0, 60 * minutes, 20):
        told.look(last + timedelta(seconds=second))
    return told


@pytest.mark.parametrize("exposure_s", [60.0, 120.0, 300.0])
def test_silence_is_told_after_twice_the_cadence_where_no_focus_run_was_ever_made(exposure_s: float) -> None:
    told = _silent(STEADY, 14, 3, 30, exposure_s)
    ((raised, _, _),) = told.of("no new sub")
    rows = told.state.subs
    cadence_s = statistics.median((b.judged - a.judged).total_seconds() for a, b in pairwise(rows[-9:]))
    assert 2 * cadence_s <= (raised - rows[-1].judged).total_seconds() <= 2 * cadence_s + 40


@pytest.mark.parametrize(
    ("weather", "hours"),
    [(STEADY, 0.4), (Weather(focuses=False), 2.2), (QUIET, 3), (replace(STEADY, focuses=True), 5)],
    ids=["young", "before a flip", "focuses", "focuses and has flipped"],
)
@pytest.mark.parametrize("exposure_s", [60.0, 120.0, 300.0])
def test_where_a_pause_may_be_a_late_sub_is_shown_after_twice_the_cadence_and_calls_nobody(
    weather: Weather, hours: float, exposure_s: float
) -> None:
    told = _silent(weather, 14, hours, 30, exposure_s)
    rows = told.state.subs
    cadence_s = statistics.median((b.judged - a.judged).total_seconds() for a, b in pairwise(rows[-9:]))
    shown, _, said = next(each for each in told.of("late") + told.of("no new sub") if each[0] > rows[-1].judged)
    assert 2 * cadence_s <= (shown - rows[-1].judged).total_seconds() <= 2 * cadence_s + LOOKED_S
    called, _, _ = told.of("no new sub")[-1]
    assert shown <= called and (shown == called or f"{clock(called)[:-1]}" in said)
    for time, _, change in told.changes:
        if change.alert.rule.name == "late":
            assert not change.alert.rule.sent and not change.alert.rule.urgent
            assert [event.__class__.__name__ for event in events_of(change, time)] == ["SourceSilent"]


def test_a_late_sub_is_on_the_pill_without_a_frame_until_it_comes_or_is_an_alert() -> None:
    told = watched(QUIET, 14, hours=1)
    last, state = told.state.subs[-1].judged, told.state
    words = {}
    for minutes in (5, 8):
        now = last + timedelta(minutes=minutes)
        before = len(told.changes)
        told.look(now)
        for _, _, change in told.changes[before:]:
            for event in events_of(change, now):
                state = advance(state, Record(state.seq + 1, now.isoformat(), event))
        words[minutes] = status(state, now)
        assert bool(alarm(state, words[minutes], now)) is (minutes == 8)
    assert [(shown.word, shown.tone, shown.framed) for shown in words.values()] == [
        ("No new sub", "plain", False), ("No new sub", "hold", True)
    ]  # fmt: skip
    assert "Focusing takes as long; alert at" in words[5].advice and "Look at the capture program" in words[8].advice


def test_a_capture_that_focuses_is_given_time_for_it_and_no_more() -> None:
    told = _silent(replace(STEADY, focuses=True), 14, 3, 30)
    ((raised, _, _),) = told.of("no new sub")
    pause = timedelta(seconds=120 + 9 + 180)  # of the longest focus run
    assert pause < raised - told.state.subs[-1].judged < 1.5 * pause


def test_one_long_pause_is_no_habit() -> None:
    told = _silent(replace(STEADY, gap=(at("22:30"), at("22:46"))), 14, 3, 30)
    assert len(told.of("no new sub")) == 2
    again, _, _ = told.of("no new sub")[-1]
    assert again - told.state.subs[-1].judged < timedelta(minutes=8)


@pytest.mark.parametrize(
    "ends",
    [
        Weather(glow=lambda time: 2.0 ** (max(0.0, (time - at("03:45")).total_seconds()) / 600)),
        Weather(sun_deg=lambda time: -40.0 + 15 * abs((time - at("01:00")).total_seconds()) / 3600 * 0.5),
    ],
    ids=["the sky brightens", "the sun comes up"],
)
def test_a_capture_that_ends_at_dawn_is_told_once_and_calmly(ends: Weather) -> None:
    told = _silent(ends, 15, 7.5, 180)
    assert not told.of("no new sub") and "or it has ended: dawn has come" in told.of("late")[-1][2]
    ((time, _, said),) = told.of("over")
    (change,) = (change for _, _, change in told.changes if change.alert.rule.name == "over")
    assert not change.alert.rule.urgent and "dawn has come" in said and "stacked" in said
    assert [event.__class__.__name__ for event in events_of(change, time)] == ["SourceSilent"]


def test_in_the_evening_twilight_silence_is_an_alert() -> None:
    dusk = Weather(sun_deg=lambda time: -14.0 - 6 * (time - BEGIN).total_seconds() / 3600)
    told = _silent(dusk, 16, 0.5, 30)
    assert told.of("no new sub") and not told.of("over")
