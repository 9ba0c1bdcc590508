"""Who watches over a night finds what happens in it, soon, and says nothing of a night in which nothing does."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from livestack.events import AlertCleared, AlertRaised, Record, SessionStarted, SessionStopped, SourceBack, SourceLost
from livestack.show.advice import TRACKING
from livestack.show.monitor.alerts import CLEARED, REMIND, RULES, Standing, standing_of, step
from livestack.show.monitor.lookout import events_of
from livestack.show.monitor.scene import Delay, Disk, Finding, Rule, Scene, Trends
from livestack.show.monitor.silence_rules import silent_after_s
from livestack.show.monitor.write import write_report
from livestack.show.state import NightState, Word, advance
from livestack.show.status import status
from tests.show.night import Night
from tests.show.overnight import BEGIN, QUIET, Told, Weather, at, records, subs, watched

SOON = 3  # subs
GROWN = 1.25**1.75
"""Times its best that the size of stars has grown when it is sure."""


def _eventful() -> Weather:
    def focus(time: datetime) -> float:
        hours = (time - at("22:30")).total_seconds() / 3600
        return 1.0 + 1.6 * min(1.0, max(0.0, hours)) if time < at("00:10") else 1.0

    def glow(time: datetime) -> float:
        return 2.0 ** (max(0.0, (time - at("03:55")).total_seconds()) / 480)

    return Weather(
        focus=focus,
        clear=lambda time: 0.1 if at("01:10") <= time <= at("02:00") else 1.0,
        glow=glow,
        flips=at("00:20"),
        gap=(at("02:15"), at("03:45")),
    )


_EVENTFUL = _eventful()


@pytest.mark.parametrize("seed", range(10))
def test_a_clean_night_is_silent(seed: int) -> None:
    told = watched(QUIET, seed)
    assert len(told.state.subs) > 190
    assert not [change.sentence for change in told.sent]
    n_pauses = sum((late.at - early.at).total_seconds() > 240 for early, late in pairwise(subs(QUIET, seed)))
    assert len(told.of("late")) <= n_pauses <= 7


@pytest.mark.parametrize(("exposure_s", "seed"), [(60.0, 20), (300.0, 21)])
def test_so_is_one_of_shorter_or_longer_subs(exposure_s: float, seed: int) -> None:
    told = watched(QUIET, seed, exposure_s=exposure_s, hours=4)
    assert not [change.sentence for change in told.sent]
    assert len(told.of("late")) <= 4


@lru_cache
def _told(seed: int) -> Told:
    return watched(_EVENTFUL, seed)


@pytest.mark.parametrize("seed", range(3))
def test_every_event_of_a_night_is_found_soon_and_is_over_after_it(seed: int) -> None:
    told, taken = _told(seed), list(subs(_EVENTFUL, seed))
    assert {change.alert.rule.name for change in told.sent} == {
        "focus", "flip", "clouds", "no new sub", "sky"
    }  # fmt: skip

    def first(when: str) -> int:
        return next(no for no, sub in enumerate(taken, 1) if sub.at >= at(when))

    ((_, cloudy, said),) = told.of("clouds")
    assert first("01:10") <= cloudy < first("01:10") + SOON and "3 subs left out" in said
    ((cleared, _, _),) = told.of("clouds", CLEARED)
    assert at("02:00") < cleared < at("02:15")
    ((flipped, after, said),) = told.of("flip")
    assert taken[after - 1].turned or (taken[after].turned and "before sub" in said), after
    assert at("00:20") < flipped < at("00:32")
    ((silent, _, said),) = told.of("no new sub")
    begun = max(sub.at for sub in taken if sub.at < at("02:16")) + timedelta(seconds=123)
    cadence = statistics.median((b.at - a.at).total_seconds() for a, b in pairwise(taken))
    assert 2 * cadence <= (silent - begun).total_seconds() <= 3.8 * cadence and "usually one comes every" in said
    ((back, _, _),) = told.of("no new sub", CLEARED)
    assert at("03:45") < back < at("03:50")
    ((_, drifted, said),) = told.of("focus")
    slight, sure = (next(no for no, sub in enumerate(taken, 1) if _EVENTFUL.focus(sub.at) > by) for by in (1.25, GROWN))
    assert slight <= drifted <= sure + SOON and "Refocus." in said, (slight, sure, drifted)
    ((over, _, _),) = told.of("focus", CLEARED)
    assert at("00:10") < over < at("00:32")
    ((_, bright, said),) = told.of("sky")
    levels = [sub.background_adu for sub in taken]
    darkest = np.quantile(np.median(np.lib.stride_tricks.sliding_window_view(np.array(levels), 5), axis=1), 0.1)
    shown = next(no for no, sub in enumerate(taken, 1) if sub.at > at("03:50") and sub.background_adu > GROWN * darkest)
    assert shown - 1 <= bright <= shown + SOON and "dawn" in said, (shown, bright)


def test_a_snagged_cable_is_told_within_three_subs_and_over_when_it_is_free() -> None:
    snag = Weather(eccentricity=lambda time: 0.85 if at("23:30") <= time < at("00:30") else None)
    told = watched(snag, 5, hours=4)
    ((time, _, said),) = told.of(TRACKING)
    assert at("23:30") < time <= at("23:30") + timedelta(seconds=SOON * 160) and "longer than wide" in said
    ((over, _, _),) = told.of(TRACKING, CLEARED)
    assert at("00:30") < over < at("00:45")
    assert [change.kind for change in told.sent] == ["raised", "reminded", "cleared"]


def test_a_cooler_that_gives_up_and_a_field_that_creeps_are_told() -> None:
    warm = Weather(sensor_c=lambda time: -10.0 if time < at("00:00") else -6.0)
    ((time, _, said),) = watched(warm, 6, hours=4).of("cooling")
    assert at("00:00") < time < at("00:08") and "instead of −10.0" in said
    creep = Weather(drift_px=lambda time: max(0.0, (time - at("23:00")).total_seconds() / 130 * 6.0))
    ((time, _, said),) = watched(creep, 7, hours=4).of("drift")
    assert at("23:10") < time < at("23:50") and "px a sub" in said


@pytest.mark.parametrize(("jump_s", "way"), [(-3600.0, "back"), (900.0, "ahead")])
def test_a_clock_that_jumps_is_told_within_two_subs(jump_s: float, way: str) -> None:
    told = watched(Weather(clock_s=lambda time: 0.0 if time < at("23:40") else jump_s), 8, hours=4)
    ((time, _, said),) = told.of("clock")
    assert at("23:40") < time < at("23:48") and way in said
    assert told.of("clock", CLEARED)


def test_subs_of_other_lengths_and_those_that_waited_are_no_jump_of_the_clock() -> None:
    rows = list(watched(QUIET, 8, hours=2).state.subs)
    long = [
        replace(row, exposure_s=20.0, time=row.time + timedelta(seconds=50)) if row.no % 2 and row.time else row
        for row in rows
    ]
    now = rows[-1].judged
    state = watched(QUIET, 8, hours=2).state
    assert _found("clock", _scene(replace(state, subs=tuple(long)), now)) is None
    # subs 20 to 39 waited for an engine that was away, and were stacked in a row
    back = rows[39].judged
    waited = [
        replace(row, judged=back + timedelta(seconds=0.5 * row.no)) if 20 <= row.no <= 39 else row for row in rows
    ]
    for seen in range(41, len(rows) + 1):
        scene = _scene(replace(state, subs=tuple(waited[:seen])), waited[seen - 1].judged)
        assert _found("clock", scene) is None, seen


def test_dew_is_no_focus() -> None:
    def share(time: datetime) -> float:
        return min(1.0, max(0.0, (time - at("23:00")).total_seconds() / 5400))

    told = watched(Weather(focus=lambda t: 1 + 0.7 * share(t), clear=lambda t: 1 - 0.5 * share(t)), 9, hours=5)
    assert told.of("dew")[0][2].endswith("Dew? Look at the front lens.")


def test_subs_that_do_not_fit_are_one_line_with_a_count() -> None:
    told = watched(Weather(reason=lambda time: "not_registered" if time >= at("23:00") else None), 3, hours=3)
    ((_, _, said),) = told.of("left out")
    assert said.startswith("3 subs left out since ") and "Keep other targets in folders of their own." in said
    (alert,) = told.standing.alerts
    assert int(alert.finding.sentence.split()[0]) > 25


def test_a_focus_run_each_hour_becomes_usual_and_a_flip_may_take_its_time() -> None:
    state = watched(QUIET, 4, exposure_s=60.0, hours=2.2).state
    cadence = state.cadence_s or 0.0
    patience = silent_after_s(state) or 0.0
    assert 3.5 * cadence < patience
    early = replace(state, subs=state.subs[:20])
    assert 2 * cadence < (silent_after_s(early) or 0.0) <= 4.3 * cadence
    near = replace(early, subs=(*early.subs[:-1], replace(early.subs[-1], gear={"hour_angle_h": 0.1})))
    assert (silent_after_s(near) or 0.0) > 600


def test_frames_of_another_night_are_no_camera_that_fell_silent() -> None:
    state = NightState()
    for k, record in enumerate(records(QUIET, 1, hours=1)):
        quick = (BEGIN + timedelta(seconds=0.4 * k)).isoformat()
        state = advance(state, replace(record, time_utc=quick))
    assert silent_after_s(state) is None


def test_silence_is_not_counted_while_livestack_was_away() -> None:
    """Who goes on in the next evening, or plugs the folder in again, is given the time that a sub takes."""
    state = watched(QUIET, 1, hours=1).state
    last = state.subs[-1].judged
    started = SessionStarted("M 27", "0.1.0", {}, True, 1, "here")
    for away, *events in (
        (timedelta(hours=20), SessionStopped(130, "Stopped.", len(state.subs), 0), started),
        (timedelta(minutes=50), SourceLost("M 27", "gone"), SourceBack("M 27")),
    ):
        again, later = last + away, state
        for k, event in enumerate(events):
            time = last + timedelta(seconds=1) if k == 0 else again
            later = advance(later, Record(later.seq + 1, time.isoformat(), event))
        soon = _scene(later, again + timedelta(seconds=30))
        assert _found("no new sub", soon) is None and _found("late", soon) is None
        patience = timedelta(seconds=silent_after_s(later) or 0.0)
        found = _found("no new sub", _scene(later, again + patience + timedelta(minutes=1)))
        assert found is not None and found.since == again and "No new sub for 8" in found.sentence
        silent = replace(later, silent=Word(found.since, found.sentence))
        assert status(silent, again + timedelta(minutes=28)).detail == "for 28\u202fmin"


def _scene(state: NightState, now: datetime, **more: object) -> Scene:
    return Scene(state, now, Trends(state), **more)  # type: ignore[arg-type]


def _found(rule: str, scene: Scene, *, up: bool = False) -> Finding | None:
    return next(each for each in RULES if each.name == rule).look(scene, up)


def test_a_disk_is_told_two_hours_before_it_is_full_and_is_fine_again_with_three() -> None:
    def disk(gb: float, hourly_gb: float) -> Disk:
        rooms = [(BEGIN + timedelta(minutes=m), int((gb + hourly_gb * (10 - m) / 60) * 1e9)) for m in range(11)]
        return Disk("the captures", tuple(rooms))

    now = BEGIN + timedelta(minutes=10)
    assert _found("disk full", _scene(NightState(), now, disks=(disk(40, 10),))) is None
    found = _found("disk full", _scene(NightState(), now, disks=(disk(500, 10), disk(19, 10))))
    assert found is not None and "is full at" in found.sentence and "19.0" in found.sentence
    assert _found("disk full", _scene(NightState(), now, disks=(disk(25, 10),)), up=True) is not None
    assert _found("disk full", _scene(NightState(), now, disks=(disk(31, 10),)), up=True) is None
    assert _found("disk full", _scene(NightState(), now, disks=(disk(0.5, 0),))) is not None
    saving = disk(10, 0)
    dips = replace(saving, rooms=(*saving.rooms[:-1], (saving.rooms[-1][0], int(9e9))))
    assert _found("disk full", _scene(NightState(), now, disks=(dips,))) is None


def test_a_pause_that_was_forgotten_is_told_when_subs_wait() -> None:
    state = watched(QUIET, 1, hours=1).state
    paused = replace(state, held=Word(at("22:00"), "the window"), n_found=len(state.subs) + 7)
    assert _found("paused", _scene(paused, at("22:10"))) is None
    found = _found("paused", _scene(paused, at("22:16")))
    assert found is not None and "7 subs in line" in found.sentence
    assert _found("paused", _scene(replace(paused, n_found=len(state.subs)), at("22:16"))) is None


def test_a_mount_that_stays_on_its_side_after_the_meridian_is_told() -> None:
    rows = watched(QUIET, 2, hours=3).state.subs

    def state(side: str, hour: float) -> NightState:
        told = [replace(row, gear={"hour_angle_h": -1.0, "pier": "East"}) for row in rows[:-1]]
        return NightState(subs=(*told, replace(rows[-1], gear={"hour_angle_h": hour, "pier": side})))

    now = rows[-1].judged
    found = _found("flip missed", _scene(state("East", 0.6), now))
    assert found is not None and "36" in found.sentence
    assert _found("flip missed", _scene(state("West", 0.6), now)) is None
    assert _found("flip missed", _scene(state("East", 0.2), now)) is None


def test_an_engine_that_died_and_what_it_said_itself_are_told() -> None:
    state = advance(watched(QUIET, 1, hours=1).state, Record(999, BEGIN.isoformat(), AlertRaised("disk", "No room.")))
    now = BEGIN + timedelta(hours=2)
    dead = _found("stopped", _scene(state, now, alive=False, last_word=at("22:14")))
    assert dead is not None and "without a word" in dead.sentence and "22:14" in dead.sentence.replace("00:14", "22:14")
    assert _found("stopped", _scene(state, now)) is None
    found = _found("disk", _scene(state, now))
    assert found is not None and found.sentence == "No room."


def test_an_alert_is_raised_reminded_seldom_cleared_and_counted_when_it_comes_again() -> None:
    holds = {"is": True}

    def look(scene: Scene, up: bool) -> Finding | None:
        return Finding("Look here.", BEGIN) if holds["is"] else None

    rule = Rule("it", "It", Delay(30), look)
    standing, kinds = Standing(), []
    for minute in range(0, 241):
        holds["is"] = minute < 220
        standing, changes = step(standing, _scene(NightState(), BEGIN + timedelta(minutes=minute)), [rule])
        kinds += [(minute, change.kind) for change in changes]
    assert kinds == [(0, "raised"), (30, REMIND), (90, REMIND), (210, REMIND), (220, CLEARED)]
    holds["is"] = True
    standing, (change,) = step(standing, _scene(NightState(), BEGIN + timedelta(minutes=245)), [rule])
    assert change.alert.times == 2 and "2 times since" in change.sentence


def test_what_the_journal_left_standing_is_not_raised_again() -> None:
    told = watched(Weather(reason=lambda time: "clouded" if time >= at("23:00") else None), 3, hours=3)
    resumed = standing_of((Word(at("23:06"), "Cloud since 23:00.", "clouds"), Word(BEGIN, "x", "drizzle M_27")))
    assert [alert.rule.name for alert in resumed.alerts] == ["clouds"]
    _, changes = step(resumed, _scene(told.state, BEGIN + timedelta(hours=3)), RULES)
    assert [change.kind for change in changes if change.alert.rule.name == "clouds"] in ([], [REMIND])


def test_sentences_are_short_and_say_what_to_do() -> None:
    for _, _, change in _told(2).changes:
        assert len(change.alert.finding.sentence) <= 150 and change.alert.finding.sentence.count(". ") <= 1
        assert any(sign.isdigit() for sign in change.sentence)


def test_the_report_has_a_line_for_each_kind_of_alert(night: Night) -> None:
    night.found("M_27", "M 27")
    night.add_many(4)
    for n in range(3):
        night.say(AlertRaised("clouds", f"Cloud since 01:{n}0: 3 subs left out."), AlertCleared("clouds"))
    night.say(AlertRaised("focus", "Focus drifted <b>: 2.9 → 4.1 px. Refocus."))
    text = write_report(night.session).read_text(encoding="utf-8")
    lines = text.split("What needed a look")[1].split("</table>")[0]
    assert lines.count("<tr>") == 2 and "3 times, the last at" in lines
    assert "Focus drifted &lt;b&gt;" in lines and "<td>–</td>" in lines


@pytest.mark.parametrize(
    ("rule", "tone", "is_said"),
    [("disk full", "hold", True), ("focus", "hold", False), ("sky", "good", False), ("clouds", "good", False)],
)
def test_the_pill_turns_amber_for_what_needs_hands_and_says_nothing_twice(rule: str, tone: str, is_said: bool) -> None:
    state = watched(QUIET, 1, hours=1).state
    shown = status(replace(state, alerts=(Word(at("21:50"), "As it was.", rule),)), state.subs[-1].judged)
    assert (shown.word, shown.tone, shown.advice == "As it was.") == ("Stacking", tone, is_said)


def test_silence_is_said_with_how_long_it_lasts_now() -> None:
    told = watched(QUIET, 1, hours=1)
    now = told.state.subs[-1].judged + timedelta(minutes=8)
    told.look(now)
    (change,) = (change for _, _, change in told.changes)
    state = told.state
    for k, event in enumerate(events_of(change, now)):
        state = advance(state, Record(state.seq + 1 + k, now.isoformat(), event))
    shown = status(state, now + timedelta(minutes=20))
    assert (shown.word, shown.detail) == ("No new sub", "for 28\u202fmin")
    assert shown.advice.startswith("Usually one comes every 2\u202fmin")
