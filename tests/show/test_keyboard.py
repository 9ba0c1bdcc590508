"""Whoever has no mouse: every face of the window is walked by keys, and all that can be pressed on it can be worked."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyqtgraph.Qt import QtCore, QtTest, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.show.qt.compare import WIPE
from livestack.show.qt.drawer import Middle
from livestack.show.qt.knob import Grip
from livestack.show.qt.look import FREE
from livestack.show.qt.option_rows import Switch
from livestack.show.qt.overlays import Switcher
from livestack.show.qt.plot_cell import Cell as Plot
from livestack.show.qt.window import Window
from livestack.show.views import LAST, STACK
from tests.show.grab import drawn, press
from tests.show.keys import focused, is_among, pressable, shows_focus, walked
from tests.show.night import Night, sky

Key = QtCore.Qt.Key
N = 12
FACES = {
    "rest": ((), ()),
    "develop": (("D",), ("D",)),
    "plots": (("P",), ("P",)),
    "subs": (("L",), ("L",)),
    "trails": (("L", "Shift+L", "Shift+L"), ("Shift+L", "L")),
    "all panels": (("D", "P", "L"), ("D", "P", "L")),
    "noise budget": (("Shift+V",), ("Shift+V",)),
    "settings": (("Ctrl+Comma",), ("Escape",)),
}
"""What is pressed to see each, and to leave it."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set here is nobody else's setting."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def full(window: Window, night: Night, qtbot: QtBot) -> Window:
    """A night of twelve subs, two left out, one crossed by a trail."""
    while night.no < N:
        night.add("trailed" if night.no % 5 == 3 else None)
    night.cross(3, (10.0, 10.0, 200.0, 150.0))
    night.show(sky(N), sky(1), N)
    qtbot.waitUntil(lambda: window.live.tick() is None and len(window.live.state.subs) == N)
    drawn(window.canvas, qtbot)
    QtWidgets.QApplication.setActiveWindow(window)
    window.canvas.setFocus()
    return window


def served_otherwise(part: QtWidgets.QWidget, window: Window, way: list[QtWidgets.QWidget]) -> bool:
    """Whether keys do what it is for: of its group, of the field it lies in, or of the window."""
    holder = part.parentWidget()
    if isinstance(part, Plot):
        return window.plots.field in way
    by_key = isinstance(part, Grip) or isinstance(holder, Switcher | Middle)  # Ctrl+arrows; A, E, V, C, M
    return is_among(part, way) or by_key or part in window.glance.cells  # Shift+V


def test_tab_comes_to_all_that_can_be_worked_and_is_seen_there(full: Window, qtbot: QtBot) -> None:
    full.live.clock.stop()
    for face, (there, back) in FACES.items():
        for key in there:
            press(full, key)
        qtbot.wait(20)
        sheet = full.sheet if full.settings_are_open else None
        for tab in range(1 if sheet is None else sheet.tabs.count()):
            if sheet is not None:
                sheet.tabs.setCurrentIndex(tab)
            way = walked(full, Key.Key_Tab)
            assert set(walked(full, Key.Key_Backtab)) == set(way), f"{face}: back as there"
            missed = [part for part in pressable(full) - set(way) if not served_otherwise(part, full, way)]
            assert not missed, (face, [(type(part).__name__, part.accessibleName()) for part in missed])
            for part in way:
                told = f"{face}: {type(part).__name__} {part.accessibleName()}"
                other = full.canvas if part is not full.canvas else full.icons["moon"]
                assert shows_focus(part, other), f"{told} does not show that it has the keys"
        for key in back:
            press(full, key)


def test_space_and_return_press_what_has_the_keys_and_else_do_what_they_are_for(full: Window, qtbot: QtBot) -> None:
    moon = full.icons["moon"]
    for key in (Key.Key_Space, Key.Key_Return):
        was = full.night
        moon.setFocus()
        qtbot.keyClick(moon, key)
        assert full.night is not was and full.live.view == STACK
    press(full, "Ctrl+Comma")
    assert full.sheet is not None
    switch = next(row.control for row in full.sheet.rows.values() if isinstance(row.control, Switch))
    was = switch.isChecked()
    switch.setFocus()
    qtbot.keyClick(switch, Key.Key_Space)
    assert switch.isChecked() is not was and full.live.view == STACK
    press(full, "Escape")
    press(full, "D")
    for key in (Key.Key_Space, Key.Key_Return):
        full.develop.presets.setFocus()
        qtbot.keyClick(full.develop.presets, key)
        assert full.develop.presets.view().isVisible() and full.live.view == STACK
        full.develop.presets.hidePopup()
    full.canvas.setFocus()
    qtbot.keyClick(full.canvas, Key.Key_Space)
    assert full.live.view == LAST


def test_the_menu_opens_by_key(full: Window, qtbot: QtBot) -> None:
    more = next(button for button in full.top.findChildren(QtWidgets.QToolButton) if button.menu() is full.menu)
    more.setFocus()
    was_open: list[bool] = []

    def close() -> None:
        was_open.append(full.menu.isVisible())
        full.menu.close()

    QtCore.QTimer.singleShot(100, close)
    qtbot.keyClick(more, Key.Key_Return)
    assert was_open == [True]


def test_arrows_go_from_sub_to_sub_in_the_plots_where_it_is_seen_dropped_and_put_back(
    full: Window, night: Night, qtbot: QtBot
) -> None:
    press(full, "P")
    field = full.plots.field
    while focused(full) is not field:
        QtTest.QTest.keyClick(focused(full), Key.Key_Tab)
    for _ in range(3):
        qtbot.keyClick(field, Key.Key_Left)
    assert full.choice.chosen == N - 2
    qtbot.keyClick(field, Key.Key_Right)
    assert full.choice.chosen == N - 1
    assert full.plots.said.text() == field.accessibleDescription() != ""
    qtbot.keyClick(field, Key.Key_Delete)
    assert [(one.kind, one.body) for one in night.journal.requests()] == [("drop", {"no": [N - 1]})]
    qtbot.keyClick(field, Key.Key_Insert)
    assert [one.kind for one in night.journal.requests()] == ["drop", "restore"]
    with qtbot.waitSignal(full.subs.look):
        qtbot.keyClick(field, Key.Key_Return)


def test_arrows_move_the_wipe_and_else_a_picture_that_is_zoomed(full: Window, qtbot: QtBot) -> None:
    canvas = full.canvas
    for key in (Key.Key_Right, Key.Key_Down):
        qtbot.keyClick(canvas, key)
    assert canvas.look.mode != FREE, "all of it is seen"
    press(full, "1")
    x, y = canvas.look.x, canvas.look.y
    qtbot.keyClick(canvas, Key.Key_Right)
    qtbot.keyClick(canvas, Key.Key_Up)
    assert canvas.look.x - x == pytest.approx(0.05 * canvas.width()) and y - canvas.look.y == pytest.approx(
        0.05 * canvas.height()
    )
    qtbot.keyClick(canvas, Key.Key_Left)
    qtbot.keyClick(canvas, Key.Key_Down)
    assert (canvas.look.x, canvas.look.y) == pytest.approx((x, y))
    press(full, "W")
    assert full.live.compare == WIPE
    at = canvas.compare.at
    qtbot.keyClick(canvas, Key.Key_Right)
    assert canvas.compare.at == pytest.approx(at + 0.05) and canvas.look.x == pytest.approx(x)


def test_drawer_and_panel_are_made_larger_and_smaller_by_key(full: Window, qtbot: QtBot) -> None:
    for key in ("D", "L"):
        press(full, key)
    high, wide = full.drawer.height(), full.develop.width()
    for key in ("Ctrl+Down", "Ctrl+Left"):
        press(full, key)
    assert full.drawer.height() == high - 16 and full.develop.width() == wide + 16
    for key in ("Ctrl+Up", "Ctrl+Right"):
        press(full, key)
    assert (full.drawer.height(), full.develop.width()) == (high, wide)


def test_the_help_has_the_keys_that_scroll_and_gives_them_back(full: Window, qtbot: QtBot) -> None:
    full.resize(800, 600)
    press(full, "Ctrl+T")
    ribbon = full.glance.ribbon
    ribbon.setFocus()
    press(full, "F1")
    bar = full.help.verticalScrollBar()
    assert bar.maximum() > 0 and focused(full) is full.help
    qtbot.keyClick(full.help, Key.Key_PageDown)
    assert bar.value() > 0
    press(full, "Escape")
    assert not full.help.isVisible() and focused(full) is ribbon
    press(full, "Ctrl+T")


@pytest.mark.parametrize(("key", "inside"), [("D", "slider"), ("L", "table"), ("P", "plots"), ("Shift+V", "noise")])
def test_where_a_panel_closes_the_keys_go_to_the_picture(full: Window, key: str, inside: str) -> None:
    press(full, key)
    {
        "slider": full.develop.sliders[0],
        "table": full.subs.table,
        "plots": full.plots.field,
        "noise": full.noise,
    }[inside].setFocus()
    press(full, key)
    assert focused(full) is full.canvas


def test_from_one_list_to_the_next_the_keys_go_along(full: Window) -> None:
    for key, table in (("L", full.subs.table), ("Shift+L", full.subs.table), ("Shift+L", full.subs.trails)):
        press(full, key)
        assert focused(full) is table
    press(full, "Shift+L")
    assert focused(full) is full.subs.table
