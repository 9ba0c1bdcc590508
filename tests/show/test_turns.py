"""What a new sub changes is shown part by part: hands are served between the parts, and nothing is left out."""

from __future__ import annotations

import time

from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.show.qt.turns import Turns
from livestack.show.qt.window import Window
from tests.show.night import Night, sky


def test_the_loop_goes_round_between_two_things(qtbot: QtBot) -> None:
    done: list[str] = []
    turns = Turns(QtCore.QCoreApplication.instance())
    hand = QtCore.QTimer(interval=0)
    hand.timeout.connect(lambda: done.append("hand"))
    hand.start()
    turns.begin([lambda name=name: done.append(name) for name in "abc"])  # type: ignore[misc]
    qtbot.waitUntil(lambda: turns.is_over)
    hand.stop()
    assert [name for name in done if name != "hand"] == ["a", "b", "c"]
    for one, next_one in ("ab", "bc"):
        assert "hand" in done[done.index(one) : done.index(next_one)]


def test_what_is_begun_anew_is_not_begun_twice(qtbot: QtBot) -> None:
    done: list[str] = []
    turns = Turns(QtCore.QCoreApplication.instance())
    turns.begin([lambda: done.append("old"), lambda: done.append("old")])
    turns.begin([lambda: done.append("new"), lambda: done.append("newer")])
    turns.finish()
    assert done == ["new", "newer"]
    qtbot.wait(20)
    assert done == ["new", "newer"] and turns.is_over


def test_every_part_of_the_window_hears_of_a_sub(window: Window, night: Night, qtbot: QtBot) -> None:
    night.add()
    night.add()
    qtbot.waitUntil(lambda: len(window.live.state.subs) == 2, timeout=30_000)
    window.live.tick()  # in the midst of its turns, and with nothing new in the journal
    assert len(window.live.rows) == 2
    assert window.subs.model.rowCount() == 2
    assert window.glance.ribbon.accessibleDescription()


def test_a_closed_window_waits_for_nothing(window: Window, night: Night, qtbot: QtBot) -> None:
    """Python may let go of it before Qt does: a timer that ran on would call what is no more, and end the process."""
    _grow(night)
    window.live.tick()
    window.audience.toggle_stage()
    stage = window.audience.stage
    assert stage is not None
    told: list[object] = []
    window.canvas.aside(lambda _: time.sleep(0.05), told.append)
    window.close()
    running = [timer for one in (window, stage) for timer in one.findChildren(QtCore.QTimer) if timer.isActive()]
    assert not running, [timer.parent() for timer in running]
    qtbot.wait(100)
    assert not told


def _grow(night: Night) -> None:
    for n in (1, 2):
        night.add()
        night.show(sky(n), sky(1), n)
