"""The drawer: which panels it shows at which size, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.show.qt.commands import COMMANDS
from livestack.show.qt.drawer import HEIGHT, LEAST
from livestack.show.qt.plots import PLOTS_PX
from livestack.show.qt.subs_model import REASON, VERDICT
from livestack.show.qt.window import Window
from livestack.show.source import Source
from tests.show.grab import drawn
from tests.show.night import Night, sky

Key = QtCore.Qt.Key
_ICON_PX = 24  # with what is around it


def _stack(night: Night, window: Window, qtbot: QtBot, n: int = 20) -> None:
    for _ in range(n):
        night.add()
    night.show(sky(n), sky(1), n)
    window.live.tick()
    drawn(window.canvas, qtbot)


def _resized(window: Window, qtbot: QtBot, width: int, height: int) -> None:
    window.resize(width, height)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == (width, height), timeout=30_000)
    qtbot.wait(20)


def _drag(handle: QtWidgets.QWidget, by: int) -> None:
    """Take a handle with the left button and let it go so many px further down."""
    kind, left, none = QtCore.QEvent.Type, QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.MouseButton.NoButton
    at, no_key = QtCore.QPointF(handle.rect().center()), QtCore.Qt.KeyboardModifier.NoModifier
    here = QtCore.QPointF(handle.mapToGlobal(handle.rect().center()))
    way = QtCore.QPointF(0, by)
    for event in (
        QtGui.QMouseEvent(kind.MouseButtonPress, at, at, here, left, left, no_key),
        QtGui.QMouseEvent(kind.MouseMove, at + way, at + way, here + way, none, left, no_key),
        QtGui.QMouseEvent(kind.MouseButtonRelease, at, at, here + way, left, none, no_key),
    ):
        QtWidgets.QApplication.sendEvent(handle, event)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_panels_dock_side_by_side_and_the_picture_stays_largest(
    window: Window, night: Night, qtbot: QtBot, size: tuple[int, int]
) -> None:
    _resized(window, qtbot, *size)
    _stack(night, window, qtbot)
    for key in (Key.Key_D, Key.Key_P, Key.Key_L):
        qtbot.keyClick(window, key)
    qtbot.wait(20)
    assert window.plots.width() == PLOTS_PX
    assert window.plots.isVisible() and window.subs.isVisible() and window.develop.isVisible()
    assert abs(window.drawer.height() - HEIGHT) <= 2
    assert window.subs.x() == PLOTS_PX + 1
    assert window.subs.geometry().right() == window.drawer.width() - 1
    areas = [part.width() * part.height() for part in (window.canvas, window.plots, window.subs, window.develop)]
    assert max(areas) == areas[0]
    qtbot.keyClick(window, Key.Key_L)
    qtbot.wait(20)
    assert window.plots.width() == window.drawer.width(), "alone, the plots take its width"
    assert all(cell.isVisible() for cell in window.plots.cells)
    qtbot.keyClick(window, Key.Key_P)
    qtbot.wait(20)
    assert not window.drawer.isVisible()


def test_where_there_is_no_room_for_both_there_are_tabs(window: Window, qtbot: QtBot) -> None:
    _resized(window, qtbot, 800, 600)
    qtbot.keyClick(window, Key.Key_P)
    assert not window.drawer.tabs.isVisible()
    qtbot.keyClick(window, Key.Key_L)
    qtbot.wait(20)
    assert window.drawer.tabs.isVisible()
    assert (window.plots.isVisible(), window.subs.isVisible()) == (False, True), "the one that was opened last"
    window.drawer.tabs.setCurrentIndex(0)
    assert (window.plots.isVisible(), window.subs.isVisible()) == (True, False)
    qtbot.keyClick(window, Key.Key_L)
    qtbot.wait(20)
    assert not window.drawer.tabs.isVisible()
    assert window.plots.isVisible()
    qtbot.keyClick(window, Key.Key_L)
    _resized(window, qtbot, 1280, 800)
    assert window.plots.isVisible() and window.subs.isVisible()


def test_opening_it_keeps_the_centre_of_the_picture(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, window, qtbot)
    canvas = window.canvas
    for zoom in (None, 5.0):
        if zoom:
            canvas.zoom_to(zoom, QtCore.QPointF(120.0, 80.0))
        before = replace(canvas.look)
        for key in (Key.Key_P, Key.Key_L, Key.Key_P, Key.Key_L):
            qtbot.keyClick(window, key)
            qtbot.wait(20)
            assert canvas.look == before
            middle = canvas.place_of(before.x - 0.5, before.y - 0.5)
            assert (middle - QtCore.QPointF(canvas.width() / 2, canvas.height() / 2)).manhattanLength() < 2


def test_its_height_is_kept(window: Window, source: Source, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Key.Key_L)
    qtbot.wait(20)
    _drag(window.middle.handle(1), -10)
    high = window.drawer.height()
    assert HEIGHT < high <= window.middle.height() // 2
    qtbot.keyClick(window, Key.Key_L)
    qtbot.keyClick(window, Key.Key_P)
    qtbot.wait(20)
    assert abs(window.drawer.height() - high) <= 1
    other = Window(source)
    qtbot.addWidget(other)
    other.resize(1280, 800)
    other.show()
    qtbot.waitExposed(other)
    other.set_list(True)
    qtbot.wait(20)
    assert abs(other.drawer.height() - high) <= 1, "and for the next night"
    _drag(window.middle.handle(1), 400)
    assert window.drawer.height() >= LEAST


def test_picture_only_and_back(window: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Key.Key_P)
    qtbot.keyClick(window, Key.Key_L)
    qtbot.keyClick(window, Key.Key_I)
    assert not window.drawer.isVisible()
    qtbot.keyClick(window, Key.Key_I)
    assert window.plots.isVisible() and window.subs.isVisible()
    qtbot.keyClick(window, Key.Key_V, QtCore.Qt.KeyboardModifier.ShiftModifier)
    assert window.noise.isVisible()
    assert not window.plots.isVisible() and not window.subs.isVisible()
    assert not window.icons["chart"].isChecked()
    qtbot.keyClick(window, Key.Key_P)
    assert not window.noise.isVisible()
    qtbot.keyClick(window, Key.Key_Escape)
    assert not window.plots.isVisible()


def test_focus_goes_with_the_table_and_comes_back(window: Window, qtbot: QtBot) -> None:
    ribbon = window.glance.ribbon
    qtbot.keyClick(window, Key.Key_L)
    assert window.focusWidget() is window.subs.table
    qtbot.keyClick(window, Key.Key_L)
    assert window.focusWidget() is window.canvas
    ribbon.setFocus(QtCore.Qt.FocusReason.OtherFocusReason)
    assert not ribbon._is_ringed
    window.canvas.setFocus()
    ribbon.setFocus(QtCore.Qt.FocusReason.TabFocusReason)
    if ribbon.hasFocus():  # a window that is active
        assert ribbon._is_ringed


def test_every_key_is_told_and_none_is_told_twice(window: Window) -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    told = " ".join(label.text() for label in window.help.findChildren(QtWidgets.QLabel))
    for text in ("Night plots", "Previous sub", "Next sub", "Look at the chosen sub", "Take the last of these back"):
        assert text in told


@pytest.mark.parametrize(("size", "over"), [((800, 600), True), ((1280, 700), True), ((1280, 800), False)])
def test_where_there_is_no_room_develop_lies_over_the_picture(
    window: Window, night: Night, qtbot: QtBot, size: tuple[int, int], over: bool
) -> None:
    window.resize(*size)
    for _ in range(3):
        night.add()
    night.show(sky(3), sky(1), 3)
    window.live.tick()
    drawn(window.canvas, qtbot)
    window.canvas.look_at(QtCore.QPointF(200, 150))
    before = window.canvas.width(), window.canvas.look.x, window.canvas.look.zoom
    for key in "DPL":
        qtbot.keyClick(window, key)
    panel, canvas = window.develop, window.canvas
    assert panel.height() == window.height() - window.top.height() - window.glance.height()
    assert panel.mapTo(window, QtCore.QPoint()).x() == window.width() - panel.width()
    assert canvas.width() == (before[0] if over else before[0] - panel.width())
    assert (canvas.look.x, canvas.look.zoom) == before[1:]
    assert window.drawer.has_tabs == over
    window.switcher.appear()
    free = window.width() - panel.width()
    for part in (window.switcher, window.marks, window.subs if over else window.plots):
        assert part.mapTo(window, QtCore.QPoint(part.width(), 0)).x() <= free, "nothing is written below the panel"
    qtbot.keyClick(window, "D")
    assert canvas.width() == before[0] and window.marks.width() == canvas.width()


def test_in_big_text_with_all_panels_the_verdict_is_whole(window: Window, night: Night, qtbot: QtBot) -> None:
    for reason in (None, "too_few_stars", None, None):
        night.add(reason)
    window.live.tick()
    for key in "DPL":
        qtbot.keyClick(window, key)
    window.set_big_text(True)
    try:
        table, model = window.subs.table, window.subs.model
        column = REASON if model.short_reasons else VERDICT
        words = [model.data(model.index(row, column), QtCore.Qt.ItemDataRole.DisplayRole) for row in range(4)]
        assert not table.isColumnHidden(column)
        assert table.columnWidth(column) >= max(map(table.fontMetrics().horizontalAdvance, words)) + _ICON_PX
        assert table.horizontalScrollBar().maximum() == 0
    finally:
        window.set_big_text(False)
