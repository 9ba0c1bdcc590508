"""Whatever was dropped and put back, and in whatever order: the stack is a fresh fold of the subs that are in it."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np
import pytest

from livestack.engine.resume import drop, put_back, take_in
from livestack.events import AlertCleared, AlertRaised, Looked, StackRestacked, SubAccepted, SubRejected
from livestack.stacks.growth import Growth
from livestack.stacks.refold import refold
from livestack.stacks.replay import replay
from livestack.stacks.room import needs_beside
from tests.nights import QUIET, Told, bits, cloud, take

N_SUBS, N_HISTORIES, BROUGHT_BACK, N_NIGHTS = 14, 100, 25, 12
TINY = {"size": (112, 120), "n_stars": 110}


@pytest.mark.slow
def test_any_history_is_a_fresh_fold_of_what_remains(tmp_path: Path) -> None:
    """A hundred of them, each longer by a request: for some subs, in vain for some of these; some are resumed, too."""
    told = Told(tmp_path / "told").see(*take(tmp_path / "captures", n_lights=N_SUBS, n_satellites=3, **TINY))
    all_subs = list(told.stack().subs)
    numbers = [sub.no for sub in all_subs]
    assert len(numbers) > 12, "all looks, and a sub after them"
    fresh_of: dict[tuple[int, ...], bytes] = {tuple(numbers): bits(told.stack())}
    out: set[int] = set()
    for history in range(N_HISTORIES):
        draw = np.random.default_rng(history)
        wanted = draw.choice(numbers, int(draw.integers(1, 6)), replace=False).tolist()
        drops = draw.random() < 0.5
        told.session.append(*(drop if drops else put_back)(told.session, wanted))
        told.restack()
        out = out | set(wanted) if drops else out - set(wanted)
        rest = tuple(no for no in numbers if no not in out)
        assert tuple(sub.no for sub in told.stack().subs) == rest
        if rest not in fresh_of:
            fresh_of[rest] = bits(refold(told.stack(), [sub for sub in all_subs if sub.no in rest])[0])
        assert bits(told.stack()) == fresh_of[rest], f"history {history}: {sorted(out)} are out"
        if rest and history % BROUGHT_BACK == 0:
            again = Told(tmp_path / f"again-{history}", told.home / "journal.sqlite")
            assert bits(again.stack()) == fresh_of[rest], "brought back from its journal"


def test_who_asks_for_a_sub_that_cannot_be_had_gets_a_word(tmp_path: Path) -> None:
    """A clouded sub is put back; once its file is gone it is not, and that is told again."""
    lights = take(tmp_path / "captures", n_lights=5, size=(144, 160), n_stars=130)
    for path in lights[2:4]:
        cloud(path)
    told = Told(tmp_path / "told", least_transparency=0.8).see(*lights)
    assert told.reasons() == ["", "", "clouded", "clouded", ""]
    take_in(told.session, [3], told.restacks.look_if_due)
    assert [sub.no for sub in told.stack().subs] == [1, 2, 5, 3]
    lights[3].unlink()
    n_words = len(told.events(SubRejected))
    take_in(told.session, [4], told.restacks.look_if_due)
    assert len(told.events(SubRejected)) == n_words + 1
    word = told.events(SubRejected)[-1]
    assert isinstance(word, SubRejected)
    assert (word.no, word.reason) == (4, "clouded"), "it may be asked for again"
    assert "could not be put back" in word.sentence
    assert told.session.tally.n_rejected[QUIET.target] == 1


@pytest.mark.slow
def test_subs_that_come_while_a_stack_is_folded_again_are_in_it(tmp_path: Path) -> None:
    """Random nights: subs come, are dropped and put back at any time; killed at any time it comes to the same."""
    lights = take(tmp_path / "captures", n_lights=N_SUBS + 6, n_satellites=3, **TINY)
    n_meanwhile = 0
    for night in range(N_NIGHTS):
        draw = np.random.default_rng(night)
        told = Told(tmp_path / f"told-{night}").see(*lights[: int(draw.integers(2, N_SUBS))])
        coming = lights[told.n_arrived :]
        for step in range(12):
            numbers = [sub.no for sub in replay(told.journal.follow()).words.values()]
            match draw.choice(["sub", "sub", "drop", "restore", "heed"]):
                case "sub" if coming:
                    n_meanwhile += told.restacks.are_under_way
                    told.see(coming.pop(0))
                case "drop":
                    told.ask(drop, draw.choice(numbers, min(len(numbers), 2), replace=False).tolist())
                case "restore":
                    told.ask(put_back, draw.choice(numbers, min(len(numbers), 4), replace=False).tolist())
                case _:
                    told.restacks.heed()
            if step % 6 == 5:
                killed = Told(tmp_path / f"killed-{night}-{step}", told.home / "journal.sqlite")
                assert bits(killed.stack()) == bits(_anew(killed)), f"night {night}, killed at step {step}"
                assert [s.no for s in killed.stack().subs] == [s.no for s in _in_it(told)]
        told.restacks.finish()
        assert [sub.no for sub in told.stack().subs] == [sub.no for sub in _in_it(told)]
        assert bits(told.stack()) == bits(_anew(told)), f"night {night}"
    assert n_meanwhile > N_NIGHTS, "else nothing was tried"


def _in_it(told: Told) -> list[SubAccepted]:
    return replay(told.journal.follow()).subs_of(QUIET.target)


def _anew(told: Told) -> Growth:
    """What the journal says is in the stack, folded by nothing but that."""
    return refold(told.stack(), _in_it(told))[0]


def test_what_is_shown_goes_on_until_the_stack_is_folded_again(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=5, size=(144, 160), n_stars=130)
    told = Told(tmp_path / "told").see(*lights[:4])
    shown = told.stack()
    told.ask(drop, [2])
    assert told.stack() is shown
    told.see(lights[4])
    assert told.stack() is shown
    assert [sub.no for sub in shown.subs] == [1, 2, 3, 4, 5]
    assert told.events(StackRestacked) == []
    told.ask(drop, [3])
    told.restacks.finish()
    assert [sub.no for sub in told.stack().subs] == [1, 4, 5]
    (word,) = told.events(StackRestacked)
    assert isinstance(word, StackRestacked)
    assert (word.n_subs, word.why) == (3, "drop 2; drop 3"), "one stack, folded once for both"


def test_a_look_that_comes_due_meanwhile_is_the_fresh_stacks(tmp_path: Path) -> None:
    """With sub 6 of those shown, the fifth of those that stay: no look at what is to go."""
    lights = take(tmp_path / "captures", n_lights=7, size=(144, 160), n_stars=130)
    told = Told(tmp_path / "told").see(*lights[:5])
    told.ask(drop, [2])
    told.see(lights[5])
    assert not told.restacks.are_under_way
    assert [sub.no for sub in told.stack().subs] == [1, 3, 4, 5, 6]
    told.see(lights[6])
    assert [event.n_subs for event in told.events(Looked) if isinstance(event, Looked)] == [4, 4, 6]
    assert bits(told.stack()) == bits(_anew(told))
    again = Told(tmp_path / "again", told.home / "journal.sqlite")
    assert again.state()["bits"] == told.state()["bits"]
    assert len(again.events(Looked)) == 3, "nothing is looked at twice"


def test_files_that_go_meanwhile_are_left_out(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=5, size=(144, 160), n_stars=130)
    told = Told(tmp_path / "told").see(*lights)
    told.session.append(*drop(told.session, [2]))
    changed = lights[3].read_bytes()
    lights[3].write_bytes(bytes(len(changed)))
    os.utime(lights[3], ns=(0, told.stack().subs[3].mtime_ns))
    told.restack()
    assert [sub.no for sub in told.stack().subs] == [1, 3, 5]
    assert told.reasons() == ["", "", "", "vanished", ""]
    assert bits(told.stack()) == bits(_anew(told))


def test_without_room_for_two_stacks_the_new_one_takes_the_place_of_the_old(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=5, size=(144, 160), n_stars=130)
    told = Told(tmp_path / "told").see(*lights)
    founding = told.stack().founding
    beside = needs_beside(founding.shape, looks=True, jobs=told.session.running.workers, drizzled=False)
    with_both = beside + told.session.bytes_of_stacks()
    tight = Told(tmp_path / "tight", told.home / "journal.sqlite", memory_mb=with_both // 1_000_000)
    before = weakref.ref(tight.stack().core.stack.mean)
    tight.ask(drop, [2])
    assert before() is None
    assert [sub.no for sub in tight.stack().subs] == [1, 3, 4, 5], "done at once"
    raised, cleared = tight.events(AlertRaised, AlertCleared)
    assert isinstance(raised, AlertRaised) and isinstance(cleared, AlertCleared)
    assert raised.rule == cleared.rule
    assert "two stacks at once need about 0.3 GB" in raised.sentence and "wait" in raised.sentence
    told.ask(drop, [2])
    told.restacks.finish()
    assert told.events(AlertRaised) == []
    assert bits(tight.stack()) == bits(told.stack())
