"""The table of subs in a real window: what it says, how it is sorted and chosen from, and what it asks for."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.events import SessionStopped, StackRestacked, SubDropped, SubRestored
from livestack.show.qt.subs_model import COLUMNS, FILTER, FWHM, NO, REASON, ROUNDNESS, STARS, TARGET, VERDICT
from livestack.show.qt.window import Window
from livestack.show.wishes import Wishes
from tests.show.grab import hover, pixels
from tests.show.night import STACK, Night

Key = QtCore.Qt.Key
Modifier = QtCore.Qt.KeyboardModifier


def _grow(night: Night, window: Window, *reasons: str | None) -> None:
    for reason in reasons:
        night.add(reason)
    window.live.tick()


def _column(window: Window, column: int) -> list[str]:
    model = window.subs.table.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def _numbers(window: Window) -> list[int]:
    return [int(text) for text in _column(window, NO)]


def _asked(night: Night) -> list[tuple[str, object]]:
    return [(request.kind, request.body["no"]) for request in night.journal.requests()]


def _choose(window: Window, *numbers: int) -> None:
    table, model = window.subs.table, window.subs.model
    table.clearSelection()
    for no in numbers:
        at = model.index(model.place_of(no), 0)
        flags = QtCore.QItemSelectionModel.SelectionFlag
        table.selectionModel().setCurrentIndex(at, flags.Select | flags.Rows)


def _head(window: Window, column: int) -> QtCore.QPoint:
    head = window.subs.table.horizontalHeader()
    return QtCore.QPoint(head.sectionViewportPosition(column) + 20, head.height() // 2)


class Desktop(QtCore.QObject):
    """Is asked to open folders, and takes note."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @QtCore.Slot(QtCore.QUrl)
    def open(self, url: QtCore.QUrl) -> None:
        self.opened.append(url.toLocalFile())


def test_a_click_on_a_head_sorts_and_keeps_the_choice(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 9, "trailed")
    window.set_list(True)
    assert _numbers(window) == list(range(10, 0, -1)), "the newest first"
    _choose(window, 3, 7)
    head = window.subs.table.horizontalHeader().viewport()
    qtbot.mouseClick(head, QtCore.Qt.MouseButton.LeftButton, pos=_head(window, STARS))
    stars = [int(text) for text in _column(window, STARS)]
    assert stars == sorted(stars, reverse=True)
    assert [row.no for row in window.subs.chosen()] == [3, 7]
    seen = {window.subs.model.shown[i.row()].no for i in window.subs.table.selectionModel().selectedRows()}
    assert seen == {3, 7}, "the choice is seen where its rows are now"
    qtbot.mouseClick(head, QtCore.Qt.MouseButton.LeftButton, pos=_head(window, STARS))
    assert [int(text) for text in _column(window, STARS)] == sorted(stars)
    qtbot.keyClick(window, Key.Key_L, Modifier.ControlModifier)
    assert window.subs.model.sorted_by == ROUNDNESS, "the keyboard sorts too"


def test_target_and_filter_are_told_where_there_are_several(window: Window, night: Night) -> None:
    _grow(night, window, None, None)
    window.set_list(True)
    hidden = window.subs.table.isColumnHidden
    assert hidden(TARGET) and hidden(FILTER)
    night.found("M_57", "M 57")
    _grow(night, window, None)
    assert not hidden(TARGET)
    assert hidden(FILTER)
    assert _column(window, TARGET)[0] == "M 57"


def test_what_is_seen_stays_where_it_is_when_a_sub_comes(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 60)
    window.set_list(True)
    bar = window.subs.table.verticalScrollBar()
    bar.setValue(20)
    top = window.subs.model.shown[window.subs.table.rowAt(0)].no
    _grow(night, window, None, None)
    _grow(night, window, None)
    assert window.subs.model.shown[window.subs.table.rowAt(0)].no == top
    bar.setValue(0)
    _grow(night, window, None)
    assert window.subs.model.shown[window.subs.table.rowAt(0)].no == 64, "who looks at the newest sees the newest"


def test_a_dropped_row_changes_at_once(window: Window, night: Night, qtbot: QtBot) -> None:
    """Del, the pill, the session's answer, Ins, and Ctrl+Z."""
    _grow(night, window, *[None] * 5)
    window.set_list(True)
    _choose(window, 2, 4)
    qtbot.keyClick(window, Key.Key_Delete)
    assert _asked(night) == [("drop", [2, 4])]
    said = dict(zip(_numbers(window), _column(window, VERDICT), strict=True))
    assert (said[2], said[3], said[4]) == ("Dropped", "Stacked", "Dropped")
    assert window.top.pill.accessibleDescription() == "Updating without 2 subs"
    assert not window.subs.drop.isVisible()
    assert window.subs.restore.isEnabled()
    path = f"{night.folder}/M27_0002.fits"
    night.journal.answer(night.journal.requests()[0], SubDropped(2, STACK, path), SubDropped(4, STACK, path))
    window.live.tick()
    assert not window.live.wishes.waiting
    assert window.top.pill.accessibleDescription() == "Updating without 2 subs", "until it is folded again"
    night.say(StackRestacked(STACK, 3, "drop 2, 4"))
    window.live.tick()
    assert window.top.pill.accessibleDescription().startswith("Stacking")
    qtbot.keyClick(window, Key.Key_Z, Modifier.ControlModifier)
    assert _asked(night) == [("restore", [2, 4])]
    assert set(_column(window, VERDICT)) == {"Stacked"}
    night.journal.answer(night.journal.requests()[0], SubRestored(2, STACK, path), SubRestored(4, STACK, path))
    night.say(StackRestacked(STACK, 5, "restore 2, 4"))
    window.live.tick()
    assert "Updating" not in window.top.pill.accessibleDescription()
    qtbot.keyClick(window, Key.Key_Z, Modifier.ControlModifier)
    assert _asked(night) == [], "there is nothing more to take back"
    assert "nothing to take back" in window.glance.advice.text()


def test_a_verdict_is_overruled_and_the_session_may_say_no(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, None, None, "trailed", "too_few_stars")
    window.set_list(True)
    _choose(window, 3, 4)
    qtbot.keyClick(window, Key.Key_Insert)
    assert _asked(night) == [("restore", [3])], "too few stars cannot be overruled"
    assert _column(window, VERDICT)[1] == "Stacked"
    night.journal.answer(night.journal.requests()[0])
    again = night._rejected(f"{night.folder}/M27_0003.fits", "trailed")
    night.say(replace(again, no=3, sentence="It fits no stack."))
    window.live.tick()
    assert _column(window, VERDICT)[1] == "Left out"
    assert _column(window, REASON)[1] == "It fits no stack."


def test_nothing_changes_where_no_engine_runs(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, None, None)
    night.say(SessionStopped(0, "", 2, 0))
    window.live.tick()
    window.set_list(True)
    _choose(window, 1)
    qtbot.keyClick(window, Key.Key_Delete)
    assert _asked(night) == []
    assert set(_column(window, VERDICT)) == {"Stacked"}


def test_comma_and_full_stop_go_from_sub_to_sub(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, None, "trailed", None, None, "clouded", None)
    qtbot.keyClick(window, Key.Key_Comma)
    assert window.choice.chosen == 6, "the newest first, also with the table closed"
    window.set_list(True)
    qtbot.keyClick(window, Key.Key_Comma)
    assert [row.no for row in window.subs.chosen()] == [5]
    qtbot.keyClick(window, Key.Key_L, Modifier.ShiftModifier)
    assert window.subs.left_out.isChecked()
    assert _numbers(window) == [5, 2]
    qtbot.keyClick(window, Key.Key_Comma)
    assert window.choice.chosen == 2, "of those in the list"
    qtbot.keyClick(window, Key.Key_Comma)
    assert window.choice.chosen == 2
    qtbot.keyClick(window, Key.Key_Period)
    assert window.choice.chosen == 5


def test_the_table_is_used_without_a_mouse(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 6)
    window.activateWindow()
    qtbot.keyClick(window, Key.Key_L)
    table = window.subs.table
    assert window.focusWidget() is table
    qtbot.keyClick(table, Key.Key_Down)
    qtbot.keyClick(table, Key.Key_Down)
    qtbot.keyClick(table, Key.Key_Down, Modifier.ShiftModifier)
    assert [row.no for row in window.subs.chosen()] == [3, 4]
    qtbot.keyClick(table, Key.Key_Delete)
    assert _asked(night) == [("drop", [3, 4])]


def test_the_row_under_the_pointer_is_marked_everywhere(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 6)
    window.set_plots(True)
    window.set_list(True)
    qtbot.wait(20)
    view = window.subs.table.viewport()
    before = pixels(window.plots.star_size)
    hover(view, QtCore.QPoint(60, window.subs.table.rowViewportPosition(2) + 10))
    assert window.choice.pointed == 4
    assert (pixels(window.plots.star_size) != before).any()
    QtWidgets.QApplication.sendEvent(window.subs.table, QtCore.QEvent(QtCore.QEvent.Type.Leave))
    assert window.choice.pointed is None


def test_an_empty_list_says_so(window: Window, night: Night) -> None:
    window.set_list(True)
    assert (window.subs.empty.isVisible(), window.subs.empty.text()) == (True, "No subs yet.")
    _grow(night, window, None)
    assert not window.subs.empty.isVisible()
    window.subs.left_out.click()
    assert (window.subs.empty.isVisible(), window.subs.empty.text()) == (True, "None left out.")


def test_the_folder_of_a_sub_is_opened(window: Window, night: Night, qtbot: QtBot, tmp_path: Path) -> None:
    night.folder = str(tmp_path / "there")
    _grow(night, window, None)
    (tmp_path / "there").mkdir()
    desktop = Desktop()
    QtGui.QDesktopServices.setUrlHandler("file", desktop, "open")
    try:
        window.set_list(True)
        _choose(window, 1)
        window.subs.show_folder.click()
        assert desktop.opened == [str(tmp_path / "there")]
        (tmp_path / "there").rmdir()
        qtbot.keyClick(window, Key.Key_Return, Modifier.ControlModifier)
        assert len(desktop.opened) == 1
        assert "is not there" in window.glance.advice.text() + window.glance.advice.toolTip()
    finally:
        QtGui.QDesktopServices.unsetUrlHandler("file")


def test_five_thousand_subs_stay_fluid(window: Window, night: Night, qtbot: QtBot) -> None:
    """Sorting, filtering, a new sub and a drop each ask for little more than what is seen."""
    night.add()
    night.add_many(5000)
    qtbot.waitUntil(lambda: window.live.tick() is None and len(window.live.state.subs) == 5001, timeout=30_000)
    window.set_list(True)
    model, cells = window.subs.model, [0]
    plain = model.data

    def counted(index: QtCore.QModelIndex, role: int) -> object:
        cells[0] += 1
        return plain(index, role)

    model.data = counted
    _choose(window, 17)
    for act in (
        lambda: window.subs.sort_by(FWHM),
        window.subs.left_out.click,
        window.subs.all.click,
        lambda: _grow(night, window, None),
        lambda: window.live.ask_subs("drop", [17]),
    ):
        cells[0] = 0
        started = time.process_time()
        act()
        QtWidgets.QApplication.processEvents()
        assert cells[0] < 5000, "the cells of a screen, not of a night"
        print(f"{1000 * (time.process_time() - started):.0f} ms, {cells[0]} cells")
    assert [row.no for row in window.subs.chosen()] == [17]


@pytest.mark.parametrize("width", [364, 684, 1280])
def test_no_word_is_cut(window: Window, night: Night, qtbot: QtBot, width: int) -> None:
    """Heads and buttons at the widths that the drawer gives; of a reason only the end may go."""
    _grow(night, window, *[None] * 90, "trailed", "clouded")
    window.set_list(True)
    panel = window.subs
    panel.setFixedWidth(width)
    qtbot.wait(20)
    for button in panel.findChildren(QtWidgets.QPushButton):
        if button.isVisible() and button.text():
            room = button.width() - 14
            assert button.fontMetrics().horizontalAdvance(button.text()) <= room, button.text()
            assert panel.rect().contains(QtCore.QRect(button.mapTo(panel, QtCore.QPoint()), button.size()))
    for column in range(len(COLUMNS)):
        if not panel.table.isColumnHidden(column) and column != REASON:
            wide = max(panel.table.fontMetrics().horizontalAdvance(text) for text in _column(window, column))
            assert wide + 16 <= panel.table.columnWidth(column), COLUMNS[column].name
    assert panel.table.columnWidth(REASON) >= 110


def test_at_night_a_chosen_row_is_outlined_in_red_alone(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 4)
    window.set_list(True)
    window.set_night(True)
    _choose(window, 3)
    qtbot.wait(20)
    seen = pixels(window.subs.table.viewport())
    assert seen[..., 1:].max() == 0
    row = window.subs.model.place_of(3)
    top = window.subs.table.rowViewportPosition(row)
    scale = seen.shape[0] / window.subs.table.viewport().height()
    band = seen[round(top * scale) : round((top + 4) * scale), :, 0]
    assert (band == 191).all(axis=1).any(), "a line as wide as the table"


def test_wishes_give_way_to_any_news_of_their_sub(window: Window, night: Night) -> None:
    _grow(night, window, None, None)
    wishes, subs = Wishes(), window.live.state.subs
    wishes.ask("drop", [2], subs)
    assert [row.state for row in wishes.over(subs)] == ["accepted", "dropped"]
    assert wishes.over(subs)[0] is subs[0]
    news = (subs[0], replace(subs[1], weight=0.5))
    assert wishes.over(news) is news
    assert wishes.waiting == {}
