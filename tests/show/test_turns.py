"""What a new sub changes is shown part by part: hands are served between the parts, and nothing is left out."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.show.qt.turns import Turns
from livestack.show.qt.window import Window
from tests.show.night import Night


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
