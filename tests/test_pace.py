"""Subs that come faster than they are stacked: pictures are made less often, and all are stacked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from livestack.engine import publish
from livestack.engine.pace import SHOW_S, Pace
from livestack.engine.plan import Plan
from livestack.engine.runner import Engine
from livestack.events import StackSaved, SubAccepted
from livestack.frame import Identity
from livestack.journal import Journal
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.simulate import write_night
from livestack.stacks.prepare import identity_of
from livestack.watch import Arrival
from tests.night.small import NIGHT

MANY = 4


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def night(pace: Pace, clock: Clock, waiting: list[int], took_s: float) -> list[bool]:
    """Stack subs, while so many wait after each; returns of which a picture was made."""
    shown = []
    for left in waiting:
        clock.now_s += took_s
        pace.stacked(left, changed=True)
        shown.append(pace.may_show())
    return shown


def test_a_picture_of_each_sub_while_few_wait_and_of_some_while_many_do() -> None:
    clock = Clock()
    pace = Pace(MANY, clock)
    assert night(pace, clock, [0, 1, 3, 2, 0], 0.5) == [True] * 5
    assert pace.save_every_s(60) == 60
    shown = night(pace, clock, [20] * 16, SHOW_S / 4)
    assert shown.count(True) == 4
    assert pace.save_every_s(60) > 60
    assert night(pace, clock, [3, 2, 1, 0], SHOW_S / 4) == [True] * 4
    assert pace.save_every_s(60) == 60
    clock.now_s += 0.01
    pace.stacked(9, changed=True)
    assert not pace.may_show()
    assert pace.is_owed, "the last picture is made, whatever comes after it"
    clock.now_s += 0.01
    pace.stacked(0, changed=False)
    assert pace.may_show()


def _engine(folder: Path, n: int, until: Callable[[int], int], pause_s: Callable[[int], float]) -> Engine:
    """Return an engine for a camera whose sub k comes when `until` (k) are stacked, and a pause is over."""
    subs = write_night(folder / "subs", replace(NIGHT, n_lights=n))
    home = Home(folder / "session")
    home.make()

    def camera(known: list[Identity], stop: threading.Event) -> Iterator[list[Arrival]]:
        with closing(Journal(home.journal, create=True)) as journal:
            for k, sub in enumerate(subs):
                while len(journal.rows("SELECT no FROM sub")) < until(k) and not stop.wait(0.01):
                    pass
                stop.wait(pause_s(k))
                yield [Arrival(identity_of(sub), True)]

    return Engine(home, Plan("a camera", camera, idle_s=0.0), Settings().changed({"jobs": 1}))


def test_all_are_stacked_and_the_last_picture_holds_them(tmp_path: Path) -> None:
    """Subs come twice as fast as they are stacked, however fast this computer is."""
    n = 24
    engine = _engine(tmp_path, n, lambda k: k // 2, lambda _: 0.0)
    assert engine.run() == 0
    records, lost = engine.mailbox.take()
    assert not lost
    assert sum(isinstance(record.event, SubAccepted) for record in records) == n
    picture = engine.pictures.stack.get()
    assert picture is not None
    assert picture.n_subs == n
    assert picture.version < n


@pytest.mark.parametrize("rate", [1e12, 10.0])
def test_a_large_stack_is_written_now_and_then_and_always_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float
) -> None:
    """Each sub of this camera comes when the engine was idle for long enough to save; the disk decides how often."""
    monkeypatch.setattr(publish, "WRITTEN_BYTES_PER_S", rate)
    monkeypatch.setattr(publish, "IDLE_SAVE_S", 0.05)
    n, last_look = 17, 12
    engine = _engine(tmp_path, n, lambda k: k, lambda k: 0.6 if k > last_look else 0.0)
    assert engine.run() == 0
    saved = [record.event.n_subs for record in engine.mailbox.take()[0] if isinstance(record.event, StackSaved)]
    late = [n_subs for n_subs in saved if n_subs > last_look]
    assert late[-1] == n
    assert len(late) <= 2 if rate < 100 else len(late) >= 4
