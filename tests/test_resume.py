"""A session brought back from its journal is the session that wrote it, after any event, with or without a cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from livestack.engine.resume import checkpoint_of, checkpoint_path, drop, put_back, start_over
from livestack.events import Looked, SubRejected
from livestack.stacks.checkpoint import save_checkpoint
from livestack.stacks.refold import refold
from tests.nights import QUIET, Told, bits, copy_journal, expose, take

NAME = QUIET.target
SMALL = {"size": (144, 160), "n_stars": 130}


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Copies, torn files, another field and another filter, in the midst of fourteen lights."""
    folder = tmp_path_factory.mktemp("night")
    good = take(folder / "captures", n_lights=14, **SMALL)
    other = take(folder / "other", n_lights=3, seed=77, **SMALL)
    copy = Path(shutil.copy2(good[2], folder / "copy.fits"))
    torn = folder / "torn.fits"
    torn.write_bytes(good[4].read_bytes()[:20_000])
    ha = [expose(folder / f"ha{k}.fits", k, keywords={"FILTER": "Ha"}, n_lights=3, **SMALL) for k in (0, 1)]
    return [*good[:3], copy, other[0], *good[3:5], torn, ha[0], *good[5:9], other[1], *good[9:13], ha[1], *good[13:]]


@pytest.fixture(scope="module")
def live(eventful: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The session of that night, to its end, its checkpoints saved."""
    told = Told(tmp_path_factory.mktemp("live")).see(*eventful)
    for growth in told.session.growths():
        kept = checkpoint_of(growth)
        if kept is not None:
            save_checkpoint(checkpoint_path(told.session, growth.name), kept)
    return told


@pytest.fixture(scope="module")
def bad_start(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A sub of another field, then three good ones, then two more of the other field."""
    folder = tmp_path_factory.mktemp("bad")
    good = take(folder / "captures", n_lights=3, **SMALL)
    other = take(folder / "other", n_lights=3, seed=77, **SMALL)
    return [other[0], *good, *other[1:]]


SAME = ("bits", "subs", "knowledge", "first", "lanes", "waiting", "accepted", "rejected", "names")


def _again(told: Told, home: Path, *, cache: bool = False, after_seq: int | None = None) -> Told:
    """Bring a session back from a copy of its journal, cut after an event."""
    home.mkdir()
    if cache:
        shutil.copytree(told.home / "cache", home / "cache")
    journal = told.home / "journal.sqlite"
    if after_seq is not None:
        journal = copy_journal(journal, home / "part.sqlite", after_seq)
    return Told(home, journal)


def test_restored_after_any_event_the_night_ends_the_same(live: Told, eventful: list[Path], tmp_path: Path) -> None:
    """The journal as it was after a transaction; the rest of the night then gives the same bits and figures."""
    state = live.state()
    assert live.session.tally.n_accepted == 16
    for seq in sorted(set(live.transactions))[1::7]:
        told = _again(live, tmp_path / f"cut-{seq}", after_seq=seq)
        told.see(*eventful[told.n_arrived :])
        found = told.state()
        for what in SAME:
            assert found[what] == state[what], f"{what} differs after event {seq}"


def test_restored_state_is_the_live_state(eventful: list[Path], tmp_path: Path) -> None:
    """After a file: before, in and after the looks, and with subs that wait."""
    told = Told(tmp_path / "told")
    for n, path in enumerate(eventful, 1):
        told.see(path)
        if n in (1, 6, 9, 18):
            mine, yours = told.state(), (again := _again(told, tmp_path / f"again-{n}")).state()
            for what in SAME:
                assert mine[what] == yours[what], f"{what} differs after file {n}"
            assert len(again.journal.follow()) == len(told.journal.follow()), "nothing new happened"


@pytest.mark.parametrize("cache", [False, True])
def test_restored_at_the_end(cache: bool, live: Told, tmp_path: Path) -> None:
    mine, yours = live.state(), _again(live, tmp_path / "again", cache=cache).state()
    for what in SAME:
        assert mine[what] == yours[what], f"{what} differs"


def test_the_original_stays_the_original(eventful: list[Path], tmp_path: Path) -> None:
    """A file touched after a resume is nothing new."""
    told = Told(tmp_path / "told").see(*eventful[:4])
    again = _again(told, tmp_path / "again")
    assert again.session.seen == told.session.seen
    again.see(eventful[2])
    assert again.reasons() == told.reasons()


def test_a_sub_that_gave_way_does_not_wait_again(bad_start: list[Path], tmp_path: Path) -> None:
    told = Told(tmp_path / "told").see(*bad_start[:4])
    again = _again(told, tmp_path / "again").see(*bad_start[4:])
    told.see(*bad_start[4:])
    assert again.state()["subs"] == told.state()["subs"]


def test_killed_while_a_stack_gives_way(bad_start: list[Path], tmp_path: Path) -> None:
    told = Told(tmp_path / "told").see(*bad_start[:4])
    for seq in sorted(set(told.transactions)):
        again = _again(told, tmp_path / f"cut-{seq}", after_seq=seq)
        again.see(*bad_start[again.n_arrived : 4])
        assert again.state()["bits"] == told.state()["bits"], f"after event {seq}"


def test_counts_of_left_out_subs_are_restored(bad_start: list[Path], tmp_path: Path) -> None:
    told = Told(tmp_path / "told").see(*bad_start[:4])
    assert _again(told, tmp_path / "again").state()["rejected"] == told.state()["rejected"]


def test_a_checkpoint_is_used_and_goes_on(eventful: list[Path], tmp_path: Path) -> None:
    """Its subs may be gone by then: what is in it stays, and the next subs are folded onto it."""
    good = [path for path in eventful if path.parent.name == "LIGHT" and path.parent.parent.name == "captures"]
    files = [Path(shutil.copy2(path, tmp_path / path.name)) for path in good]
    told = Told(tmp_path / "told").see(*files[:12])
    growth = told.stack()
    assert growth.first is None
    kept = checkpoint_of(growth)
    assert kept is not None
    save_checkpoint(checkpoint_path(told.session, NAME), kept)
    for path in files[1:12]:
        path.unlink()
    again = _again(told, tmp_path / "again", cache=True)
    assert bits(again.stack()) == bits(growth)
    assert bits(again.see(*files[12:]).stack()) == bits(told.see(*files[12:]).stack())


def test_a_checkpoint_of_another_past_is_not_used(live: Told, tmp_path: Path) -> None:
    """After a drop the kept sums are not those of the subs: they are folded again."""
    told = _again(live, tmp_path / "dropped")
    told.session.append(*drop(told.session, [2]))
    shutil.rmtree(told.home / "cache")
    shutil.copytree(live.home / "cache", told.home / "cache")
    again = _again(told, tmp_path / "again", cache=True)
    assert [sub.no for sub in again.stack().subs][:2] == [1, 3]
    fresh, _ = refold(live.stack(), again.stack().subs)
    assert bits(again.stack()) == bits(fresh)


@pytest.mark.parametrize("damage", ["truncated", "text", "other"])
def test_a_damaged_checkpoint_is_passed_over(damage: str, live: Told, tmp_path: Path) -> None:
    content = checkpoint_path(live.session, NAME).read_bytes()
    (tmp_path / "again" / "cache").mkdir(parents=True)
    damaged = {"truncated": content[:-200], "text": b"nothing", "other": content[:4000] * 3}[damage]
    (tmp_path / "again" / "cache" / f"{NAME}.checkpoint").write_bytes(damaged)
    assert bits(Told(tmp_path / "again", live.home / "journal.sqlite").stack()) == bits(live.stack())


def test_subs_gone_by_then_are_left_out(eventful: list[Path], tmp_path: Path) -> None:
    """Without a checkpoint, what cannot be read again is not in the stack, in words; the rest is."""
    files = [Path(shutil.copy2(path, tmp_path / path.name)) for path in eventful[:3]]
    live = Told(tmp_path / "live").see(*files)
    files[0].unlink()
    told = _again(live, tmp_path / "again")
    assert [sub.no for sub in told.stack().subs] == [2, 3]
    word = told.events(SubRejected)[-1]
    assert isinstance(word, SubRejected)
    assert (word.no, word.reason) == (1, "vanished")
    assert told.session.tally.n_accepted == 2
    again = _again(told, tmp_path / "third")
    assert bits(again.stack()) == bits(told.stack())
    again.see(eventful[5], eventful[6])
    assert [sub.no for sub in again.stack().subs] == [2, 3, 4, 5]


def test_dropping_and_putting_back(live: Told, tmp_path: Path) -> None:
    """Out: as the rest folded with the figures they have. Back, in its old place: as if nothing had been."""
    told = _again(live, tmp_path / "told", cache=True)
    n = told.session.tally.n_accepted
    told.session.append(*drop(told.session, [3, 3]))
    told.restack()
    assert 3 not in [sub.no for sub in told.stack().subs]
    assert told.session.tally.n_accepted == n - 1
    fresh, _ = refold(live.stack(), [sub for sub in live.stack().subs if sub.no != 3])
    assert bits(fresh) == bits(told.stack())
    assert [row["no"] for row in told.journal.rows("SELECT no FROM sub WHERE state = 'dropped'")] == [3]
    told.session.append(*put_back(told.session, [3]))
    told.restack()
    assert told.session.tally.n_accepted == n
    assert told.state()["bits"] == live.state()["bits"]
    assert drop(told.session, [999]) == []
    assert put_back(told.session, [1]) == []


def test_starting_over_keeps_the_old_stack_and_founds_a_new_one(eventful: list[Path], tmp_path: Path) -> None:
    live = Told(tmp_path / "live").see(*eventful[:3])
    start_over(live.session)
    live.see(*eventful[5:7])
    assert [growth.name for growth in live.session.growths()] == [f"{NAME}_2"]
    told = _again(live, tmp_path / "again")
    assert [growth.name for growth in told.session.growths()] == [f"{NAME}_2"]
    assert told.state()["bits"] == live.state()["bits"]


def test_masters_are_the_same_bits_with_and_without_their_cache(tmp_path: Path) -> None:
    take(tmp_path / "captures", n_lights=3, n_darks=3, n_flats=3, n_bias=3, **SMALL)
    frames = sorted((tmp_path / "captures").rglob("*.fits"), key=lambda p: ("LIGHT" in p.parts, p.name))
    live = Told(tmp_path / "live").see(*frames)
    shutil.copytree(live.home / "cache", tmp_path / "kept" / "cache")
    for home in (tmp_path / "kept", tmp_path / "rebuilt"):
        told = Told(home, live.home / "journal.sqlite")
        assert bits(told.stack()) == bits(live.stack())
        mine, yours = told.stack().founding.masters, live.stack().founding.masters
        np.testing.assert_array_equal(mine.gain, yours.gain)
        np.testing.assert_array_equal(mine.pedestal, yours.pedestal)
        np.testing.assert_array_equal(mine.hot, yours.hot)
        assert mine.provenance == yours.provenance


def test_a_look_is_journaled_once(live: Told, tmp_path: Path) -> None:
    """Killed between a sub and its look: the look comes at the resume, and not again at the next."""
    looked = next(record.seq for record in live.journal.follow() if isinstance(record.event, Looked))
    told = _again(live, tmp_path / "cut", after_seq=looked - 1)
    assert len(told.events(Looked)) == 1
    again = _again(told, tmp_path / "again")
    assert len(again.events(Looked)) == 1
    assert bits(again.stack()) == bits(told.stack())
    assert bits(again.stack()) == bits(_again(live, tmp_path / "whole", after_seq=looked).stack())
