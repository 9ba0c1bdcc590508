"""The pill says the most serious thing that holds, in words a guest understands."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from livestack.counted import count
from livestack.events import (
    AlertCleared,
    AlertRaised,
    Held,
    SessionStarted,
    SessionStopped,
    SourceLost,
    SourceSilent,
    StackRestacked,
    SubDropped,
    SubRestored,
    TrailFound,
)
from livestack.frame import Picture
from livestack.show.icons import ICONS
from livestack.show.numbers import numbers
from livestack.show.state import NightState, catch_up
from livestack.show.status import status
from livestack.show.trails import brightness, direction, length_px, tag
from livestack.show.words import about, clock, fixed, span
from livestack.stacks.replay import START_OVER
from livestack.stacks.room import NO_ROOM
from tests.show.night import STACK, Night, sky

FORBIDDEN = ("reject", "fail", "invalid", "exception", "!", "please", "...")


def _at(night: Night, later_s: float = 1.0, **changes: object) -> tuple[str, str, str]:
    state = replace(catch_up(night.journal, NightState()), **changes)  # type: ignore[arg-type]
    said = status(state, datetime.now(UTC) + timedelta(seconds=later_s))
    assert said.icon in ICONS
    words = f"{said.word} {said.detail} {said.advice}".lower()
    assert not [word for word in FORBIDDEN if word in words]
    return said.word, said.detail, said.advice


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def test_from_the_first_sub_to_a_stack(night: Night) -> None:
    assert _at(night)[:2] == ("Waiting for the first sub", "watching Captures / M 27")
    assert _at(night, n_found=1)[0] == "Getting ready"
    night.add()
    assert _at(night)[0] == "First sub in"
    for _ in range(4):
        night.add()
    word, detail, advice = _at(night)
    assert word == "Stacking"
    assert detail.startswith("next sub in 2")
    assert "10\u202f% cleaner" in advice
    assert _at(night, later_s=60)[1] == "next sub any moment"


def test_no_sub_is_foretold_from_those_of_another_night(tmp_path: Path) -> None:
    night = Night(tmp_path, start=datetime.now(UTC) - timedelta(days=40))
    night.add_many(5)
    assert _at(night)[:2] == ("Stacking", "watching Captures / M 27")
    night.close()


def test_a_sub_left_out_is_said_for_eight_seconds(night: Night) -> None:
    for reason in (None, None, None, "trailed"):
        night.add(reason)
    word, detail, advice = _at(night)
    assert (word, detail) == ("Sub 4 left out", "trailed")
    assert "1.9×" in advice
    assert _at(night, later_s=9)[0] == "Stacking"


def test_cloud_holds_until_a_sub_is_stacked_again(night: Night) -> None:
    for reason in (None, None, "clouded", "clouded", "clouded"):
        night.add(reason)
    word, _, advice = _at(night, later_s=100)
    assert word == "Holding"
    assert "3 subs left out" in advice
    night.add()
    assert _at(night)[0] == "Stacking"


def test_updating_until_the_stack_is_folded_again(night: Night) -> None:
    for _ in range(5):
        night.add()
    night.say(SubDropped(2, STACK, "2.fits"))
    word, detail, advice = _at(night)
    assert (word, detail) == ("Updating", "without sub 2")
    assert advice == "The picture changes when it is ready, in about 17\u202fs."
    night.say(AlertRaised(f"{NO_ROOM} {STACK}", "Subs that come wait meanwhile."))
    assert _at(night)[2] == f"{advice} Subs that come wait meanwhile."
    night.say(AlertCleared(f"{NO_ROOM} {STACK}"))
    assert _at(night)[2] == advice
    night.say(SubDropped(3, STACK, "3.fits"), SubRestored(2, STACK, "2.fits"))
    assert _at(night)[1] == "without sub 3, with sub 2"
    night.say(StackRestacked(STACK, 4, "restore 2"))
    assert _at(night)[0] == "Stacking"
    night.say(
        SubDropped(4, STACK, "4.fits"), SessionStarted("/c", "0.1.0", {}, True, os.getpid(), socket.gethostname())
    )
    assert _at(night, later_s=60)[0] == "Stacking", "an engine that begins anew folds what it finds"
    night.say(StackRestacked(STACK, 3, START_OVER), SubDropped(1, STACK, "1.fits"))
    assert _at(night, later_s=60)[0] == "Stacking", "a stack that is closed is not folded again"


def test_an_alert_is_said_of_the_stack_that_subs_go_into(night: Night) -> None:
    for _ in range(5):
        night.add()
    night.say(AlertRaised(f"rejection {STACK}", "Frost?"), AlertRaised("disk", "No room."))
    assert _at(night)[2] == "No room."
    night.say(AlertCleared("disk"))
    assert _at(night)[2] == "Frost?"
    night.found("M_57", "M 57")
    night.add_many(5)
    assert "Frost" not in _at(night)[2]
    night.found(STACK, "M 27")
    night.add_many(1)
    assert _at(night)[2] == "Frost?", "it holds there still"


def test_another_target_is_told_for_a_minute(night: Night) -> None:
    for _ in range(3):
        night.add()
    night.found("M_57", "M 57")
    night.add()
    assert _at(night) == ("Stacking", "now M 57", "New target. The stack of M 27 is saved.")
    night.add()
    night.add("trailed")
    assert _at(night)[0] == "Sub 6 left out"
    assert _at(night, later_s=20)[1] == "now M 57"
    assert _at(night, later_s=70)[1] == "next sub any moment"
    night.found(STACK, "M 27")
    night.add()
    assert _at(night)[2] == "M 27 goes on where it was. The stack of M 57 is saved."
    night.say(AlertRaised("disk", "No room."))
    assert _at(night)[2] == "No room."


def test_what_needs_hands_wins(night: Night) -> None:
    for _ in range(3):
        night.add()
    night.say(SourceSilent(200.0, "Subs came every 22 s. Is the sequence finished?"))
    assert _at(night)[0] == "No new sub"
    night.say(Held("viewer"))
    assert _at(night, n_found=9)[:2] == ("Paused", "6 subs wait")
    night.say(SourceLost(night.folder, ""))
    assert _at(night)[0] == "Folder gone"
    night.say(SessionStopped(130, "", 3, 0))
    assert _at(night)[0] == "Stopped"
    night.say(SessionStopped(0, "The night's report is ready.", 3, 0))
    assert _at(night) == ("Finished", "3 subs, 1\u202fmin", "The night's report is ready.")


def test_catching_up_is_not_being_behind(night: Night) -> None:
    for _ in range(6):
        night.add()
    assert _at(night, n_found=40)[:2] == ("Stacking 6 of 40", "17\u202fs left")
    word, _, advice = _at(night, n_found=10, seconds_per_sub=30.0)
    assert word == "Behind by 4 subs"
    assert "None is dropped" in advice


def test_an_engine_that_vanished(night: Night) -> None:
    night.add()
    said = status(catch_up(night.journal, NightState()), datetime.now(UTC), alive=False)
    assert (said.word, said.tone) == ("Stopped", "bad")


def test_grain_is_measured_on_the_two_pictures(night: Night) -> None:
    for _ in range(16):
        night.add()
    state = catch_up(night.journal, NightState())
    stack = Picture(sky(16), 1.0, 1, "s", 16, 320.0, noise_adu=10.0)
    last = Picture(sky(1), 1.0, 1, "s", 1, 20.0, noise_adu=38.0)
    assert numbers(state, stack, last).grain == ((("3.8×", "finer"),), "than one sub")
    (value, _), below = numbers(state, None, None).grain[0][0], numbers(state, None, None).grain[1]
    assert value == "4.0×", "without pictures √Σw is what is known"
    assert below == "than one sub"


def test_numbers_are_written_as_people_write_them() -> None:
    assert span(48) == "48\u202fs"
    assert span(2240) == "37\u202fmin 20\u202fs"
    assert span(8220) == "2\u202fh 17\u202fmin"
    assert span(60) == "1\u202fmin"
    assert about(119) == "2\u202fmin"
    assert count(1, "sub") == "1 sub"
    assert count(1200, "sub") == "1,200 subs"
    assert fixed(-1.25, 1) == "−1.2"
    assert fixed(float("nan"), 1) == "–"
    assert clock(None) == "–"


def test_a_satellite_is_news_for_half_a_minute_and_counted_at_the_end(night: Night) -> None:
    for _ in range(4):
        night.add()
    night.cross(2, (0.0, 0.0, 9.0, 9.0))
    assert "satellite" not in _at(night)[2]
    night.cross(4, (0.0, 5.0, 9.0, 5.0))
    assert _at(night)[2] == "A satellite crossed sub 4 and was taken out. 2 trails removed so far."
    assert "cleaner" in _at(night, later_s=40)[2]
    night.say(SessionStopped(0, "Done.", 4, 0))
    assert _at(night)[2] == "Done. 2 trails removed."


def test_a_trail_is_told_in_words() -> None:
    def trail(x1: float, y1: float, angle_deg: float | None = None) -> TrailFound:
        return TrailFound("M_27", 12, "/x", 0.0, 0.0, x1, y1, 9.0, 6.04, None, angle_deg)

    assert tag(trail(3, 4)) == "satellite, sub 12"
    assert length_px(trail(3, 4)) == 5
    assert brightness(trail(3, 4)) == "6.0\u202fσ"
    assert direction(trail(3, 4, 21.4), None) == "21° from north"
    assert direction(trail(3, -3), None) == "45° from level", "rows run down: up is less y"
    assert direction(trail(3, -3), "BOTTOM-UP") == "135° from level"
    assert direction(trail(-1000, 1), None) == "0° from level", "never 180"
