"""The fold tells the same story as the journal's own views, whatever happened in whatever order."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livestack.events import (
    AlertCleared,
    AlertRaised,
    Held,
    Resumed,
    SessionStarted,
    SessionStopped,
    SourceBack,
    SourceLost,
    StackFounded,
    SubDropped,
    SubRestored,
)
from livestack.show.source import engine_alive, open_source
from livestack.show.state import NightState, catch_up, fold
from tests.show.night import CADENCE_S, EXPOSURE_S, STACK, Night, sky

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "leave_out", "again", "again_out", "drop", "restore"]), st.integers(1, 12)),
    max_size=25,
)


def _do(night: Night, what: str, no: int) -> None:
    if what == "add":
        night.add()
    elif what == "leave_out":
        night.add("trailed")
    elif night.no:
        no, last = 1 + no % night.no, night.no
        path = f"{night.folder}/M27_{no:04}.fits"
        if what == "drop":
            night.say(SubDropped(no, STACK, path))
        elif what == "restore":
            night.say(SubRestored(no, STACK, path))
        else:  # a look judges a sub once more
            night.no = no
            night.say(night._accepted(path) if what == "again" else night._rejected(path, "clouded"))
            night.no = last


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_fold_agrees_with_the_views(tmp_path_factory: object, steps: list[tuple[str, int]]) -> None:
    night = Night(tmp_path_factory.mktemp("session"))  # type: ignore[attr-defined]
    for what, no in steps:
        _do(night, what, no)
    state = fold(night.journal.follow())
    rows = night.journal.rows("SELECT no, state, reason, weight, fwhm_px FROM sub")
    assert [(s.no, s.state, s.reason, s.weight, s.fwhm_px) for s in state.subs] == [tuple(row.values()) for row in rows]
    n_accepted = sum(row["state"] == "accepted" for row in rows)
    assert state.n_stacked == n_accepted
    assert state.n_left_out == len(rows) - n_accepted
    assert abs(state.exposure_s - n_accepted * EXPOSURE_S) < 1e-6
    assert abs(state.weight_sum - sum(row["weight"] for row in rows if row["state"] == "accepted")) < 1e-9
    night.close()


def test_following_in_small_bites_ends_at_the_same_state(tmp_path: Path) -> None:
    night = Night(tmp_path)
    for no in range(1, 21):
        night.add("clouded" if no in (5, 6) else None)
    whole = catch_up(night.journal, NightState())
    bites = NightState()
    for _ in range(100):
        bites = catch_up(night.journal, bites, limit=3)
    assert bites == whole
    assert whole.n_found == 20
    assert whole.n_waiting == 0
    assert whole.cadence_s == CADENCE_S
    assert whole.seconds_per_sub == 0.5
    night.close()


def test_a_state_lasts_as_long_as_it_holds(tmp_path: Path) -> None:
    night = Night(tmp_path)

    def now() -> NightState:
        return fold(night.journal.follow())

    night.say(Held("viewer"), SourceLost(night.folder, "gone"), AlertRaised("disk", "Nearly full."))
    assert now().held is not None
    assert now().lost is not None
    assert [alert.rule for alert in now().alerts] == ["disk"]
    night.say(Resumed("viewer"), SourceBack(night.folder), AlertCleared("disk"))
    assert (now().held, now().lost, now().alerts) == (None, None, ())
    night.say(SessionStopped(0, "Done.", 0, 0))
    assert now().exit_code == 0
    night.say(SessionStarted(night.folder, "0.1.0", {}, True, 1, "here"))
    assert now().stopped is None
    night.close()


def test_an_engine_that_was_killed_is_noticed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    started = fold([], NightState(pid=dead.pid, host=host))
    assert not engine_alive(started)
    assert engine_alive(NightState(pid=os.getpid(), host=host))
    assert engine_alive(NightState(pid=dead.pid, host="another computer"))


def test_a_session_is_seen_from_another_process(tmp_path: Path) -> None:
    night = Night(tmp_path)
    source = open_source(tmp_path)
    assert source.picture() is None
    night.add()
    night.show(sky(1), sky(1), 1)
    first = source.picture()
    assert first is not None
    assert source.picture() is first, "the same picture is not read twice"
    night.show(sky(2), sky(1), 2)
    second = source.picture()
    assert second is not None
    assert (second.n_subs, second.version) == (2, 2)
    state = catch_up(source.journal, NightState())
    assert state.n_stacked == 1
    assert state.last is not None
    assert state.last.judged <= datetime.now(UTC)
    source.journal.close()
    night.close()


def test_a_trail_counts_once_and_as_its_sub_was_judged_last(tmp_path: Path) -> None:
    night = Night(tmp_path)

    def crossed() -> list[tuple[int, float]]:
        return [(trail.no, trail.x0) for trail in fold(night.journal.follow()).trails]

    for _ in range(5):
        night.add()
    night.cross(5, (7.0, 0.0, 7.0, 90.0))
    night.cross(2, (3.0, 0.0, 3.0, 90.0))
    assert crossed() == [(2, 3.0), (5, 7.0)]
    night.look()
    assert crossed() == [], "all are judged again"
    night.cross(2, (4.0, 0.0, 4.0, 90.0), (9.0, 0.0, 9.0, 90.0))
    night.cross(5, (7.0, 0.0, 7.0, 90.0))
    assert crossed() == [(2, 4.0), (2, 9.0), (5, 7.0)]
    night.say(SubDropped(2, STACK, "/x"))
    assert crossed() == [(5, 7.0)], "what was in a sub that is not in the stack was not taken out of it"
    night.say(SubRestored(2, STACK, "/x"))
    assert len(crossed()) == 3
    _do(night, "again_out", 4)  # sub 5 is left out after all
    assert crossed() == [(2, 4.0), (2, 9.0)]
    _do(night, "again", 4)
    assert crossed() == [(2, 4.0), (2, 9.0)], "a new word on a sub is a new judgement"
    night.say(StackFounded("M_31", "M 31", None, "ASI", [9, 9], None, 6, "/x", "0"))
    assert crossed() == [], "of the stack that subs go into now"
    night.close()
