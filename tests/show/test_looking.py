"""One sub in the place of the stack: a window on a session of real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.engine.drawing import stack_picture
from livestack.picture import write_picture
from livestack.show.qt.window import Window
from livestack.show.source import open_source
from tests.nights import Told, take
from tests.show.grab import drawn, rendition

Key = QtCore.Qt.Key


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("night")
    told = Told(folder / "told").see(*take(folder / "captures", n_lights=5, size=(144, 160), n_stars=130))
    write_picture(told.home / "cache" / "picture.npy", stack_picture(told.stack(), None, 1))
    return told


@pytest.fixture
def window(told: Told, qtbot: QtBot) -> Iterator[Window]:
    source = open_source(told.home)
    window = Window(source)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    window.live.tick()
    drawn(window.canvas, qtbot)
    yield window
    source.journal.close()


def _look(window: Window, qtbot: QtBot, no: int) -> None:
    window.choice.choose(no)
    qtbot.keyClick(window, Key.Key_Return)
    qtbot.waitUntil(lambda: window.live.looking.no == no, timeout=120_000)
    drawn(window.canvas, qtbot)


def test_a_sub_is_looked_at_and_left(window: Window, qtbot: QtBot) -> None:
    stack = rendition(window.canvas, qtbot)
    window.canvas.zoom_to(6.0, QtCore.QPointF(60.0, 50.0))
    look = window.canvas.look.x, window.canvas.look.y, window.canvas.look.zoom
    awake: list[int] = []
    timer = QtCore.QTimer(interval=10)
    timer.timeout.connect(lambda: awake.append(1))
    timer.start()
    _look(window, qtbot, 3)
    assert awake, "the window went on"
    assert window.top.pill.accessibleDescription() == "Looking at sub 3 Esc goes back"
    assert window.tag.accessibleName().startswith("Sub 3, ")
    one = rendition(window.canvas, qtbot)
    assert one.shape == stack.shape, "on the grid of the stack"
    assert (window.canvas.look.x, window.canvas.look.y, window.canvas.look.zoom) == look, "and in the same place"
    assert not np.array_equal(one, stack)
    sky = np.s_[20:60, 20:60]
    levels = [np.median(image[sky]) for image in (one, stack)]
    assert abs(levels[0] - levels[1]) <= 8, "one stretch"
    qtbot.keyClick(window, Key.Key_Period)
    qtbot.waitUntil(lambda: window.live.looking.no == 4, timeout=10_000)
    drawn(window.canvas, qtbot)
    assert not np.array_equal(rendition(window.canvas, qtbot), one), "the next sub is looked at in its turn"
    qtbot.keyClick(window, Key.Key_Escape)
    drawn(window.canvas, qtbot)
    assert np.array_equal(rendition(window.canvas, qtbot), stack)
    assert not window.tag.isVisible()


def test_the_sub_is_wiped_beside_the_stack(window: Window, qtbot: QtBot) -> None:
    stack = rendition(window.canvas, qtbot)
    _look(window, qtbot, 2)
    qtbot.keyClick(window, Key.Key_W)
    drawn(window.canvas, qtbot)
    assert window.live.compare == "wipe"
    assert window.live.looking.no == 2
    assert np.array_equal(rendition(window.canvas, qtbot), stack), "on its right"
    qtbot.keyClick(window, Key.Key_Escape)
    drawn(window.canvas, qtbot)
    assert window.tag.accessibleName().startswith("Sub 2, "), "the wipe is closed first"
    qtbot.keyClick(window, Key.Key_Escape)
    assert window.live.looking.no is None


def test_a_click_on_the_ribbon_looks_at_its_sub(window: Window, qtbot: QtBot) -> None:
    ribbon = window.glance.ribbon
    bins, pitch = ribbon._laid_out()
    assert len(bins) == 5
    qtbot.mouseClick(ribbon, QtCore.Qt.MouseButton.LeftButton, pos=QtCore.QPoint(round(1.3 * pitch), 10))
    qtbot.waitUntil(lambda: window.live.looking.no == 2, timeout=120_000)
    assert window.choice.chosen == 2
    ribbon.setFocus()
    qtbot.keyClick(ribbon, Key.Key_Right)
    qtbot.waitUntil(lambda: window.live.looking.no == 3, timeout=10_000)
    qtbot.keyClick(window, Key.Key_A)
    assert window.live.looking.no is None, "another view leaves it"


def test_of_many_that_are_asked_for_the_last_one_is_shown(window: Window, qtbot: QtBot) -> None:
    shown: list[int | None] = []
    window.live.looking.changed.connect(lambda: shown.append(window.live.looking.no))
    for no in (1, 2, 3, 4, 5):
        window.live.looking.at(no)
    qtbot.waitUntil(lambda: window.live.looking.no == 5, timeout=120_000)
    assert shown == [5]
    window.live.looking.at(1)
    window.live.looking.leave()
    qtbot.waitUntil(lambda: not window.live.looking.is_busy, timeout=10_000)
    assert window.live.looking.no is None, "what was left does not come back"


def test_a_file_that_is_gone_is_told(window: Window, told: Told, qtbot: QtBot) -> None:
    path = Path(told.stack().subs[1].path)
    kept = path.read_bytes()
    path.unlink()
    try:
        window.choice.choose(2)
        qtbot.keyClick(window, Key.Key_Return)
        said = window.glance.advice
        qtbot.waitUntil(lambda: "is gone" in said.text() + said.toolTip(), timeout=60_000)
        assert window.live.looking.no is None
    finally:
        path.write_bytes(kept)
