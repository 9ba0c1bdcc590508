"""What guests are told, without a window: from the records of a night."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from livestack.events import AlertRaised, Held, SessionStopped, SourceSilent, TrailFound
from livestack.show.alarm import AGAIN, CLOUD_FOR, Bell, alarm
from livestack.show.code import modules, only_here
from livestack.show.guests import told
from livestack.show.source import Source
from livestack.show.state import NightState, catch_up
from livestack.show.status import status
from livestack.sky.catalogue import named
from tests.show.night import STACK, Night, sky


def _state(source: Source) -> NightState:
    state = NightState()
    while (after := catch_up(source.journal, state)).seq != state.seq:
        state = after
    return state


def _told(source: Source, after_s: float = 0.0) -> tuple[str, str, str]:
    state = _state(source)
    now = (state.last.judged if state.last else datetime.now(UTC)) + timedelta(seconds=after_s)
    said = told(state, source.picture(), source.last(), now)
    return said.name, said.meaning, ", ".join(f"{number} {what}" for number, what in said.facts)


def test_before_the_first_photo_it_is_starting_soon(source: Source) -> None:
    assert _told(source) == ("Starting soon", "The first photo is on its way.", "")


def test_photos_minutes_and_grain_are_told_in_plain_words(source: Source, night: Night) -> None:
    for _ in range(9):
        night.add()
    night.show(sky(9), sky(1), 9)
    name, meaning, facts = _told(source)
    assert name == "Dumbbell Nebula"
    assert meaning == "The shell of gas that a dying star has blown into space"
    assert facts.startswith("9 photos, 3 minutes of light, 3.")
    assert facts.endswith("× finer grain")
    night.say(TrailFound(STACK, 4, "", 0.0, 0.0, 100.0, 100.0, 4.0, 9.0))
    assert "1 satellite taken out" in _told(source)[2]


def test_of_what_no_catalogue_has_the_light_is_told(source: Source, night: Night) -> None:
    night.target = "Our backyard"
    for _ in range(9):
        night.add()
    night.show(sky(9), sky(1), 9)
    name, meaning, facts = _told(source)
    assert (name, facts) == ("Our backyard", "9 photos, 3 minutes of light")
    begun = night.start.astimezone().strftime("%H:%M")
    assert meaning.startswith(f"Light gathered since {begun}: 3.")
    assert meaning.endswith("× finer grain than a single photo")


def test_a_target_is_known_by_how_people_write_it() -> None:
    for written in ("M 27", "m27", "M027", "NGC6853", "ngc_6853", "M 27 Dumbbell"):
        found = named(written)
        assert found is not None
        assert found.called == "Dumbbell Nebula"
    for written in ("", "Light", "M 270000", "Mel 999", "M", "NGC 9999", "Comet M1"):
        assert named(written) is None


def test_a_break_and_the_end_are_told(source: Source, night: Night) -> None:
    night.add()
    assert _told(source)[1] == "This is a single photo. Each new one makes the picture clearer."
    night.add()
    night.say(Held("user"))
    assert _told(source)[1] == "A short break at the telescope."
    night.say(SessionStopped(0, "The stack is saved.", 2, 0))
    assert _told(source)[1] == "This night has ended. The picture stays."
    assert told(_state(source), None, None, datetime.now(UTC)).coming is None


def test_nothing_of_where_it_is_gets_to_guests(source: Source, night: Night) -> None:
    for _ in range(3):
        night.add()
    assert night.folder not in " ".join(_told(source))


def test_the_next_photo_comes_nearer_and_never_overdue(source: Source, night: Night) -> None:
    for _ in range(4):
        night.add()
    state = _state(source)
    assert state.last is not None
    assert state.cadence_s
    shares = [
        told(state, None, None, state.last.judged + timedelta(seconds=share * state.cadence_s)).coming
        for share in (-1.0, 0.25, 0.5, 3.0)
    ]
    assert shares == [0.0, 0.25, 0.5, 1.0]


def test_only_what_needs_hands_is_heard(source: Source, night: Night) -> None:
    for _ in range(4):
        night.add()
    now = datetime.now(UTC)
    state = _state(source)
    assert alarm(state, status(state, now), now) == ""
    night.add("trailed")
    state = _state(source)
    assert alarm(state, status(state, now), now) == ""
    for _ in range(3):
        night.add("clouded")
    state = _state(source)
    assert alarm(state, status(state, now), now) == "", "a cloud heals itself"
    later = datetime.now(UTC) + CLOUD_FOR
    assert alarm(state, status(state, later), later) == "Holding"
    night.add()
    night.say(SourceSilent(200.0, "The capture has ended, it seems."))
    state = _state(source)
    assert alarm(state, status(state, now), now) == "", "it may end"
    night.say(AlertRaised("no new sub", "No new sub for 3 min."))
    state = _state(source)
    assert alarm(state, status(state, now), now) == "No new sub"
    gone = status(state, now, alive=False)
    assert alarm(replace(state, silent=None), gone, now) == "Stopped"


def test_a_bell_rings_twice_and_can_be_quieted() -> None:
    now, minute = datetime.now(UTC), timedelta(minutes=1)
    bell = Bell()
    assert not bell.rings("", now)
    assert bell.rings("Folder gone", now)
    assert not bell.rings("Folder gone", now + minute)
    assert bell.rings("Folder gone", now + AGAIN)
    assert not bell.rings("Folder gone", now + 3 * AGAIN)
    assert bell.rings("Stopped", now + 4 * AGAIN), "something else"
    bell.quiet()
    assert not bell.rings("Stopped", now + 6 * AGAIN)
    assert not bell.rings("", now + 6 * AGAIN)
    assert bell.rings("Stopped", now + 7 * AGAIN), "it was over, and came again"


def test_a_code_is_square_and_an_address_of_this_computer_is_known() -> None:
    code = modules("http://192.168.178.23:8577/")
    assert code.shape[0] == code.shape[1] >= 21
    assert code[:7, :7].sum() == 33, "the finder in its corner"
    assert [only_here(f"http://{host}:8577/") for host in ("127.0.0.1", "[::1]", "localhost", "192.168.1.2")] == [
        True,
        True,
        True,
        False,
    ]
