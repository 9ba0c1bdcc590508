"""The settings in the window: every option with its words, kept as it is changed, taken back, and never in the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.own import keep_settings, own_settings, settings_file, with_option
from livestack.settings import Settings
from livestack.show.option_words import GROUPS, NOW, Words, usual, value_words
from livestack.show.qt.option_rows import Number, Pick, Places, Switch, Text
from livestack.show.qt.settings import SettingsSheet
from livestack.show.qt.theme import dress
from livestack.show.qt.window import Window
from livestack.show.tokens import DARK, NIGHT
from tests.show.grab import pixels

Key, Left = QtCore.Qt.Key, QtCore.Qt.MouseButton.LeftButton
OPTIONS = [(group.name, words) for group in GROUPS for words in group.options]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def sheet(qtbot: QtBot) -> Iterator[SettingsSheet]:
    page = QtWidgets.QWidget()
    qtbot.addWidget(page)
    dress(DARK)
    sheet = SettingsSheet(page, DARK)
    page.resize(1280, 800)
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    sheet.set_open(True)
    yield sheet
    dress(DARK)


def test_every_option_is_there_once_with_its_words() -> None:
    told = [(group, words.name) for group, words in OPTIONS]
    there = [
        (group.name, option.name)
        for group in dataclasses.fields(Settings)
        for option in dataclasses.fields(getattr(Settings(), group.name))
    ]
    assert sorted(told) == sorted(there)
    assert all(words.label and words.text.endswith(".") for _, words in OPTIONS)


@pytest.mark.parametrize(("group", "words"), OPTIONS, ids=lambda value: getattr(value, "name", None))
def test_what_an_option_usually_is_can_be_said_and_chosen(group: str, words: Words) -> None:
    value = usual(group, words)
    assert value_words(words, value).strip()
    if words.choices:
        for choice, _ in words.choices:
            with_option(Settings(), group, words.name, choice)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        assert words.least <= value * words.per <= words.most
        for end in (words.least, words.most):
            own = end / words.per
            with_option(Settings(), group, words.name, round(own) if isinstance(value, int) else own)


def test_each_kind_of_control_keeps_what_is_chosen(sheet: SettingsSheet, tmp_path: Path, qtbot: QtBot) -> None:
    controls = {name: row.control for name, row in sheet.rows.items()}
    drizzle, reject, jobs, bind, masters = (controls[n] for n in ("drizzle", "reject", "jobs", "bind", "masters"))
    assert isinstance(drizzle, Switch) and isinstance(reject, Pick) and isinstance(jobs, Number)
    assert isinstance(bind, Text) and isinstance(masters, Places)
    drizzle.click()
    reject.setCurrentIndex(1)
    reject.activated.emit(1)
    jobs.setValue(3)
    bind.setFocus()
    bind.selectAll()
    qtbot.keyClicks(bind, "lan")
    qtbot.keyClick(bind, Key.Key_Return)
    masters.add_path(tmp_path / "darks")
    masters.add_path(tmp_path / "flats")
    controls["least_transparency"].setValue(40)
    controls["bias"].add_path(tmp_path / "bias.fits")
    kept = own_settings()
    assert (kept.processing.drizzle, kept.processing.reject, kept.running.jobs) == (True, "sigma", 3)
    assert (kept.showing.bind, kept.processing.least_transparency) == ("lan", 0.4)
    assert kept.processing.masters == (str(tmp_path / "darks"), str(tmp_path / "flats"))
    assert kept.processing.bias == str(tmp_path / "bias.fits")
    assert sheet.tabs.tabText(0) == "Stacking · 5"


def test_what_is_changed_is_marked_and_goes_back(sheet: SettingsSheet, qtbot: QtBot) -> None:
    row = sheet.rows["reject"]
    assert not row.mark.isVisible() and not row.back.isVisible()
    assert row.state.text() == "Usually Deferred · With the next start"
    row.take("none")
    assert row.mark.isVisible() and row.state.text() == "Changed, usually Deferred · With the next start"
    qtbot.mouseClick(row.back, Left)
    assert own_settings() == Settings() and not row.mark.isVisible()
    row.take("none")
    sheet.rows["jobs"].take(2)
    assert sheet.state.text().startswith("2 options changed. Kept in ")
    qtbot.mouseClick(sheet.reset, Left)
    assert own_settings() == Settings() and not sheet.reset.isEnabled()


def test_what_cannot_be_used_is_told_at_its_place_and_nothing_is_kept(sheet: SettingsSheet) -> None:
    row = sheet.rows["drizzle"]
    sheet.rows["reject"].take("winsorised")
    row.take(True)
    assert row.wrong.isVisible() and "winsorised would change them" in row.wrong.text()
    assert own_settings().processing.drizzle is False


def test_the_wheel_scrolls_the_page_and_changes_nothing(sheet: SettingsSheet) -> None:
    for name in ("reject", "most_blur"):
        control = sheet.rows[name].control
        before = own_settings()
        QtWidgets.QApplication.sendEvent(control, _wheel(control))
        assert own_settings() == before


def _wheel(widget: QtWidgets.QWidget) -> QtGui.QWheelEvent:
    middle = widget.rect().center()
    places = QtCore.QPointF(middle), QtCore.QPointF(widget.mapToGlobal(middle))
    turned = QtCore.QPoint(), QtCore.QPoint(0, -120)
    button, none = QtCore.Qt.MouseButton.NoButton, QtCore.Qt.KeyboardModifier.NoModifier
    return QtGui.QWheelEvent(*places, *turned, button, none, QtCore.Qt.ScrollPhase.NoScrollPhase, False)


def test_a_settings_file_that_cannot_be_read_is_told(sheet: SettingsSheet) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text("[nothing\n")
    sheet.set_open(False)
    sheet.set_open(True)
    assert "cannot be read" in sheet.state.text()


def test_all_of_it_is_reached_with_tab(sheet: SettingsSheet, qtbot: QtBot) -> None:
    wanted = {row.control for row in sheet.rows.values() if row.control.isVisible() and row.control.isEnabled()}
    reached = set()
    for _ in range(60):
        focused = QtWidgets.QApplication.focusWidget()
        for control in wanted:
            if focused is control or control.isAncestorOf(focused):
                reached.add(control)
        qtbot.keyClick(focused, Key.Key_Tab)
    assert reached == wanted and sheet.tabs.focusPolicy() & QtCore.Qt.FocusPolicy.TabFocus
    names = [row.control.accessibleName() for row in sheet.rows.values()]
    assert all(names) and len(set(names)) == len(names)


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_nothing_is_cut_off_and_at_night_all_is_red(sheet: SettingsSheet, group: int, qtbot: QtBot) -> None:
    sheet.tabs.setCurrentIndex(group)
    sheet.rows["masters"].take(("/a/very/long/name/of/a/folder/with/the/masters/of/last/year",))
    qtbot.wait(50)
    scroll = sheet.pages.currentWidget()
    assert isinstance(scroll, QtWidgets.QScrollArea)
    assert scroll.widget().width() <= scroll.viewport().width()
    dress(NIGHT)
    sheet.set_palette(NIGHT)
    for row in sheet.rows.values():
        if row.isVisible() and isinstance(row.control, Text):
            row.control.setFocus()
    seen = pixels(sheet)
    assert seen[..., 1:].max() == 0 and seen[..., 0].max() > 200


def test_in_the_viewer_it_opens_with_its_keys_and_develops_at_once(window: Window, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Key.Key_Comma, QtCore.Qt.KeyboardModifier.ControlModifier)
    sheet = window.sheet
    assert sheet is not None and window.settings_are_open and not sheet.isModal()
    assert sheet.rows["preset"].words.applies == NOW
    before = window.live.recipe
    sheet.rows["preset"].take("nebula")
    assert window.live.recipe != before, "the picture is developed anew"
    assert own_settings().showing.preset == "nebula"
    window.resize(1000, 700)
    assert sheet.geometry().right() == window.centralWidget().rect().right()
    qtbot.keyClick(sheet, Key.Key_Escape)
    assert not window.settings_are_open
    window.set_settings(True)
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Key.Key_Escape)
    assert not window.settings_are_open, "wherever the focus is"


def test_letters_are_written_and_no_keys_of_the_viewer(window: Window, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.set_settings(True)
    assert window.sheet is not None
    window.sheet.tabs.setCurrentIndex(3)
    field = window.sheet.rows["bind"].control
    field.setFocus()
    field.clear()
    qtbot.keyClicks(field, "lan")
    assert field.text() == "lan" and not window.night and not window.subs.isVisible()


def test_other_settings_than_the_sheet_had_are_read_when_it_opens(sheet: SettingsSheet) -> None:
    sheet.set_open(False)
    keep_settings(with_option(Settings(), "running", "jobs", 5))
    sheet.set_open(True)
    assert sheet.rows["jobs"].control.value() == 5
