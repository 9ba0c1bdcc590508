"""What was removed, in the window: as a picture, as lines on it, as a list."""

from __future__ import annotations

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.develop.chain import WHOLE
from livestack.develop.live import shown, steady
from livestack.events import StackFounded
from livestack.frame import Array, Picture
from livestack.show.qt.window import Window
from livestack.show.removed import DIM, lit
from tests.show.grab import drawn, hover, pixels, rendition
from tests.show.night import STACK, Night, sky

Key = QtCore.Qt.Key
ROW = 40  # of the removed picture, half the stack's scale
LEVEL = (0.0, 2.0 * ROW + 0.5, 479.0, 2.0 * ROW + 0.5)
STEEP = (100.0, 10.0, 200.0, 290.0)


def _removed(value: float = 400.0) -> Array:
    data = np.zeros((150, 240), np.float32)
    data[ROW - 2 : ROW + 3] = value
    return data


def _grow(night: Night, n: int, *, colour: bool = True, row_order: str | None = None) -> None:
    for _ in range(n):
        night.add()
    night.show(sky(night.no, colour=colour), sky(1, colour=colour), night.no, row_order)


def _press(window: Window, qtbot: QtBot, key: Key) -> None:
    window.live.tick()
    drawn(window.canvas, qtbot)
    qtbot.keyClick(window, key)
    drawn(window.canvas, qtbot)


def _tag(window: Window) -> str:
    return str(window.tag.accessibleName()) if window.tag.isVisible() else ""


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
def test_m_lights_what_was_removed_on_the_dimmed_stack(
    colour: bool, row_order: str, window: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(night, 12, colour=colour, row_order=row_order)
    night.show_removed(_removed(), row_order)
    window.live.tick()
    stack = rendition(window.canvas, qtbot).astype(float)
    _press(window, qtbot, Key.Key_M)
    shown = rendition(window.canvas, qtbot).astype(float)
    if row_order == "BOTTOM-UP":
        stack, shown = stack[::-1], shown[::-1]
    trail, sky_rows = np.s_[2 * ROW - 2 : 2 * ROW + 4, 20:], np.s_[2 * ROW + 20 :, 20:]
    assert np.median(shown[trail]) > 1.5 * np.median(stack[trail]), "brighter than the stack"
    assert np.abs(shown[sky_rows] - DIM * stack[sky_rows]).max() <= 1, "and the stack around it is dimmed"
    if colour:
        extra = np.median(shown[trail], axis=(0, 1))
        assert np.ptp(extra) < 12, "removed light has no colour of its own"
    _press(window, qtbot, Key.Key_A)
    assert window.live.view == "stack"
    assert window.switcher.buttons["stack"].isChecked()
    assert _tag(window) == ""


def test_a_trail_fainter_than_the_grain_is_seen(window: Window) -> None:
    """Half of its px lie below the stack by their noise; it is a lane without gaps all the same."""
    data, faint = sky(12, colour=False), np.zeros((150, 240), np.float32)
    faint[ROW - 3 : ROW + 4] = np.clip(np.random.default_rng(3).normal(2.0, 6.0, (7, 240)), 0.0, None)
    picture = Picture(data, 1.0, 1, STACK, 12, 240.0, 40 / np.sqrt(12))
    settled = steady(None, picture, WHOLE)
    lighted = lit(picture, Picture(faint, 0.5, 1, STACK, 12, 0.0, 0.0), settled).astype(float)
    stack = shown(picture, settled).astype(float)
    lane = np.s_[2 * ROW - 1 : 2 * ROW + 3, 20:]
    assert (lighted[lane] >= 0.9 * stack[lane]).mean() > 0.97


def test_it_says_what_is_shown_and_why_there_is_nothing(window: Window, night: Night, qtbot: QtBot) -> None:
    _press(window, qtbot, Key.Key_M)
    assert _tag(window) == ""
    assert window.waiting.isVisible(), "before the first sub the steps are shown, whatever was asked for"
    _grow(night, 2)
    night.show_removed(np.zeros((150, 240), np.float32))
    window.live.tick()
    assert _tag(window) == "Nothing was removed yet: it takes four subs to tell what does not belong"
    _grow(night, 3)
    window.live.tick()
    assert _tag(window) == "Nothing was removed yet"
    night.show_removed(_removed())
    window.live.tick()
    assert _tag(window) == "Removed from 5 subs"
    night.cross(2, LEVEL)
    window.live.tick()
    assert _tag(window) == "Removed from 5 subs: 1 trail"
    night.show_removed(_removed(), stack="another")
    window.live.tick()
    assert _tag(window).startswith("Nothing was removed yet"), "what is of another stack is not shown"
    night.say(StackFounded(STACK, None, None, None, [300, 480], None, 1, "/x", "0", reject="sigma"))
    window.live.tick()
    assert _tag(window).startswith("Only single pixels are left out here")
    _press(window, qtbot, Key.Key_Escape)
    assert window.live.view == "stack"


def _amber(window: Window) -> Array:
    """Where the lines make the canvas more yellow, (row, column)."""
    shown = window.lines.isVisible()
    seen = pixels(window.canvas).astype(int)
    window.lines.hide()
    more = seen - pixels(window.canvas)
    window.lines.setVisible(shown)
    return np.argwhere((more[..., 0] > 50) & (more[..., 0] - more[..., 2] > 40))


@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
def test_o_draws_the_trails_where_they_were(row_order: str, window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, 12, row_order=row_order)
    night.show_removed(_removed(4000.0), row_order)
    night.cross(3, LEVEL)
    window.live.tick()
    assert not len(_amber(window))
    _press(window, qtbot, Key.Key_O)
    rows = _amber(window)[:, 0]
    assert len(rows) > 800, "from edge to edge"
    _press(window, qtbot, Key.Key_O)
    assert not len(_amber(window))
    _press(window, qtbot, Key.Key_M)
    drawn(window.canvas, qtbot)
    lit_rows = np.flatnonzero(pixels(window.canvas)[:, 700:1200].min(axis=2).mean(axis=1) > 150)
    assert abs(np.median(rows) - np.median(lit_rows)) <= 1, "the line is the middle of what was removed"


def test_lines_move_with_the_picture(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, 12)
    night.cross(3, LEVEL)
    _press(window, qtbot, Key.Key_O)
    for zoom in (2.5, 4.0):
        window.canvas.zoom_to(zoom, QtCore.QPointF(240.0, 100.0))
        line, seen = window.lines.line(window.lines.trails[0]), _amber(window)
        assert line.length() == pytest.approx(479 * zoom, rel=1e-3)
        assert abs(np.median(seen[:, 0]) - line.y1()) <= 1


def test_tags_stand_by_while_trails_are_few_and_else_under_the_pointer(
    window: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(night, 12)
    night.cross(2, LEVEL)
    night.cross(3, STEEP)
    _press(window, qtbot, Key.Key_O)
    lines = window.lines
    assert [trail.no for trail in lines.tagged()] == [2, 3]
    assert lines.accessibleDescription() == "satellite, sub 2, satellite, sub 3"
    for no in range(4, 10):
        night.cross(no, (40.0 * no, 0.0, 40.0 * no, 299.0))
    window.live.tick()
    assert lines.tagged() == ()
    middle = window.canvas.place_of(150.0, 150.0).toPoint()
    hover(window.canvas, middle + QtCore.QPoint(4, 0))
    assert [trail.no for trail in lines.tagged()] == [3]
    hover(window.canvas, middle + QtCore.QPoint(0, 90) - QtCore.QPoint(200, 0))
    assert lines.tagged() == ()


def test_without_a_trail_the_overlay_says_so(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, 4)
    _press(window, qtbot, Key.Key_O)
    assert "No trail was removed yet" in window.glance.advice.text()


def _cells(table: QtWidgets.QTableView) -> list[list[str]]:
    model = table.model()
    return [[model.index(row, column).data() for column in range(5)] for row in range(model.rowCount())]


def test_the_list_of_trails(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, 12)
    night.cross(3, (10.0, 20.0, 40.0, 60.0))
    night.cross(7, LEVEL, angle_deg=121.6)
    _press(window, qtbot, Key.Key_L)
    assert window.subs.crossed.text() == "Trails 2"
    window.subs.crossed.click()
    table = window.subs.trails
    assert table.isVisible()
    assert not window.subs.table.isVisible()
    rows = _cells(table)
    assert [row[0] for row in rows] == ["7", "3"], "the newest first"
    assert [row[2:] for row in rows] == [
        ["479\u202fpx", "3.4\u202fσ", "122° from north"],
        ["50\u202fpx", "3.4\u202fσ", "127° from level"],
    ]
    table.selectRow(1)
    assert [trail.no for trail in window.lines.drawn()] == [3], "the chosen one is on the picture without O"
    night.cross(9, STEEP)
    window.live.tick()
    assert [trail.no for trail in window.lines.drawn()] == [3], "a new one does not move the choice"
    window.subs.drop.click()
    assert [(request.kind, request.body) for request in night.journal.requests()] == [("drop", {"no": [3]})]
    _press(window, qtbot, Key.Key_L)
    assert window.lines.drawn() == ()


def test_at_night_lines_tags_and_removed_light_are_red(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, 12)
    night.show_removed(_removed())
    night.cross(3, LEVEL)
    for key in (Key.Key_N, Key.Key_M, Key.Key_O, Key.Key_L):
        _press(window, qtbot, key)
    window.subs.crossed.click()
    window.subs.trails.selectRow(0)
    seen = pixels(window)
    assert seen[..., 1:].max() == 0
    assert seen[..., 0].max() > 150
