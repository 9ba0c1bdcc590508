"""Subs are dropped and put back while others come: nobody waits, and killed at any moment it comes to the same."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from livestack.journal import Journal
from tests.night import sessions
from tests.nights import take

N_BEFORE, N_LIVE, KILLS = 14, 6, 6


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Lights large enough that to fold them again takes longer than a sub."""
    folder = tmp_path_factory.mktemp("night")
    return take(folder, size=(600, 800), n_lights=N_BEFORE + N_LIVE, n_satellites=3)


@pytest.mark.slow
def test_subs_are_stacked_while_a_stack_is_folded_again(night: list[Path], tmp_path: Path) -> None:
    """The word on a sub that comes right after a drop is there before the stack is folded again."""
    captures, session = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    for light in night[:N_BEFORE]:
        shutil.copy2(light, captures)
    process = sessions.start("watch", captures, "--session", session, "--viewer", "none", "--settle", 0.2)
    sessions.wait_for(session, _accepted(N_BEFORE))
    journal = Journal(session / "journal.sqlite")
    shutil.copy2(night[N_BEFORE], captures)
    journal.ask("drop", {"no": [2, 5]})
    sessions.wait_for(session, "EXISTS (SELECT 1 FROM event WHERE kind = 'StackRestacked')")
    journal.ask("restore", {"no": [5]})
    journal.ask("drop", {"no": [7]})
    for light in night[N_BEFORE + 1 :]:
        shutil.copy2(light, captures)
    sessions.wait_for(session, _accepted(N_BEFORE + N_LIVE))
    journal.close()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    kinds = [row["kind"] for row in sessions.rows(session, "SELECT kind FROM event ORDER BY seq")]
    dropped, folded = kinds.index("SubDropped"), kinds.index("StackRestacked")
    assert "SubAccepted" in kinds[dropped:folded]
    assert [sub["no"] for sub in sessions.subs(session) if sub["state"] == "dropped"] == [2, 7]
    _assert_is_what_the_journal_says(captures, session)


@pytest.mark.slow
def test_killed_while_a_stack_is_folded_again(night: list[Path], tmp_path: Path) -> None:
    captures, session = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    for light in night[:N_BEFORE]:
        shutil.copy2(light, captures)
    sessions.run("watch", captures, "--session", session, "--viewer", "none", "--until-idle", 1)
    draw = random.Random(20261129)
    for kill in range(KILLS):
        process = sessions.start("watch", captures, "--session", session, "--viewer", "none", "--settle", 0.2)
        sessions.wait_for(session, f"(SELECT count(*) FROM event WHERE kind = 'SessionStarted') = {kill + 2}")
        journal = Journal(session / "journal.sqlite")
        shutil.copy2(night[N_BEFORE + kill], captures)
        journal.ask("drop" if kill % 3 < 2 else "restore", {"no": draw.sample(range(1, N_BEFORE + 1), 2)})
        n_asked = len(journal.rows("SELECT id FROM request"))
        sessions.wait_for(session, f"(SELECT count(*) FROM request WHERE done_seq IS NOT NULL) = {n_asked}")
        journal.close()
        time.sleep(draw.uniform(0.0, 1.5))
        assert process.poll() is None, process.communicate()[0]
        process.kill()
        process.communicate()
    sessions.run("watch", captures, "--session", session, "--viewer", "none", "--until-idle", 1)
    assert len(sessions.subs(session)) == N_BEFORE + KILLS
    _assert_is_what_the_journal_says(captures, session)


def _accepted(n: int) -> str:
    return f"(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= {n}"


def _assert_is_what_the_journal_says(captures: Path, session: Path) -> None:
    """Without its checkpoint and its file the stack is folded from nothing but the journal: to the same bits."""
    (product,) = sessions.products(session)
    before = sessions.planes(product)
    shutil.rmtree(session / "cache")
    product.unlink()
    sessions.run("watch", captures, "--session", session, "--viewer", "none", "--until-idle", 1)
    after = sessions.planes(product)
    assert list(before) == list(after)
    for name in before:
        assert before[name].tobytes() == after[name].tobytes(), name
