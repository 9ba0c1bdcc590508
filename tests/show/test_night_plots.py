"""The night plots: their numbers, and what a hand on them does."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.events import StackFounded, SubAccepted
from livestack.show import figures
from livestack.show.courses import course_of, drift_of, grain_of, times_of
from livestack.show.figures import running_median, steadied
from livestack.show.qt.plot_cell import TOO_FEW
from livestack.show.qt.subs_model import FWHM
from livestack.show.qt.window import Window
from livestack.show.state import SubRow
from tests.show.grab import hover, pixels
from tests.show.night import STACK, Night

Key = QtCore.Qt.Key
START = datetime(2026, 8, 20, 22, 31, tzinfo=UTC)


def _rows(n: int, **values: object) -> tuple[SubRow, ...]:
    return tuple(
        SubRow(
            no=no,
            path=f"/c/{no}.fits",
            accepted=True,
            stack=STACK,
            judged=START + timedelta(days=9),
            time=START + timedelta(seconds=20 * no),
            fwhm_px=3.0,
            weight=1.0,
            noise_adu=10.0,
            **values,  # type: ignore[arg-type]
        )
        for no in range(1, n + 1)
    )


@pytest.mark.parametrize("n", [1, 2, 14, 15, 16, 40])
def test_the_running_median_is_that_of_fifteen(n: int) -> None:
    values = np.random.default_rng(n).normal(0, 1, n).tolist()
    expected = [median(values[max(0, k - 7) : k + 8]) for k in range(n)]
    assert running_median(values) == pytest.approx(expected)


def test_an_axis_moves_only_when_it_must() -> None:
    assert steadied(None, (1.0, 2.0)) == (1.0, 2.0)
    assert steadied((1.0, 2.0), (1.05, 2.08)) == (1.0, 2.0)
    assert steadied((1.0, 2.0), (1.05, 2.2)) == (1.05, 2.2)
    assert steadied((1.0, 2.0), (1.0, 1.8)) == (1.0, 1.8)


def test_times_are_those_of_the_exposures() -> None:
    rows = _rows(4)
    assert times_of(rows).tolist() == [0.0, 20.0, 40.0, 60.0]
    one_untold = (*rows[:2], replace(rows[2], time=None), rows[3])
    assert times_of(one_untold).tolist() == [0.0, 20.0, 20.0, 60.0]
    untold = tuple(replace(row, time=None) for row in rows)
    assert times_of(untold).tolist() == [0.0] * 4, "else when they were judged"
    assert times_of(()).size == 0


def test_a_course_is_that_of_the_stacked_subs_of_each_stack() -> None:
    rows = list(_rows(30))
    rows[20:] = [replace(row, stack="other", fwhm_px=5.0) for row in rows[20:]]
    rows[4] = replace(rows[4], accepted=False, reason="trailed", fwhm_px=90.0)
    course = course_of(rows, times_of(rows), figures.STAR_SIZE)
    assert [len(line[0]) for line in course.lines] == [19, 10]
    assert set(course.lines[0][1]) == {3.0}
    assert set(course.lines[1][1]) == {5.0}
    assert course.now == ("5.0", "px"), "of the stack that grew last"
    assert course.ends[1] < 10
    few = course_of(rows[:2], times_of(rows[:2]), figures.STAR_SIZE)
    assert few.lines == ()
    assert few.now == ("–", "")


def test_grain_falls_with_the_root_of_the_subs() -> None:
    rows = _rows(64)
    course = grain_of(rows, times_of(rows), STACK, 7.9)
    assert course.values == pytest.approx(-0.5 * np.log10(np.arange(1, 65)))
    assert course.ideal[1] == pytest.approx(course.values)
    assert course.now == ("7.9×", "finer")
    assert course.write(-1.0) == ("10.0×", "finer")
    noisier = tuple(replace(row, noise_adu=30.0, weight=1 / 9) if row.no > 32 else row for row in rows)
    course = grain_of(noisier, times_of(noisier), STACK, None)
    assert course.values[-1] > course.ideal[1][-1] + 0.01, "worse subs bring less"
    assert (np.diff(course.values) <= 1e-9).all()


def test_drift_is_of_the_middle_so_a_flip_is_none() -> None:
    shift, turn = np.eye(3), np.eye(3)
    shift[:2, 2] = 3.0, -4.0
    turn[:2] = [[-1, 0, 199], [0, -1, 99]]
    rows = _rows(3)
    rows = (
        replace(rows[0], matrix=tuple(map(tuple, shift))),
        replace(rows[1], matrix=tuple(map(tuple, turn))),
        replace(rows[2], accepted=False),
    )
    drift = drift_of(rows, {STACK: (100, 200)})
    assert drift[0] == pytest.approx([3.0, -4.0])
    assert drift[1] == pytest.approx([0.0, 0.0])
    assert np.isnan(drift[2]).all()


def _grow(night: Night, window: Window, *reasons: str | None) -> None:
    for reason in reasons:
        night.add(reason)
    window.live.tick()


def _x(window: Window, no: int) -> QtCore.QPoint:
    cell = window.plots.star_size
    x, y = cell._at[cell._night.place_of(no)]
    return QtCore.QPoint(round(x), round(y) if math.isfinite(y) else cell.height() // 2)


def test_before_the_third_sub_there_are_axes_alone(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, None, None)
    qtbot.keyClick(window, Key.Key_P)
    assert window.plots.isVisible()
    assert all(cell.said(None)[0] == "–" for cell in (window.plots.star_size, *window.plots.figures))
    before = pixels(window.plots.star_size)
    assert TOO_FEW == "From the third sub."
    assert before.max() > 120, "and it says from when on"
    _grow(night, window, None)
    qtbot.wait(20)
    assert window.plots.star_size.said(None) == ("3.4", "px")
    assert (pixels(window.plots.star_size) != before).any()


def test_one_crosshair_runs_through_plots_table_and_ribbon(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 17, "trailed", *[None] * 2)
    window.set_plots(True)
    window.set_list(True)
    qtbot.wait(30)
    cells = [cell for cell in window.plots.cells if cell.isVisible()]
    parts = [*cells, window.glance.ribbon, window.subs.table.viewport()]
    assert len(cells) == 6
    before = [pixels(part) for part in parts]
    hover(window.plots.star_size, _x(window, 18))
    assert window.choice.pointed == 18
    assert "Sub 18" in window.plots.said.text()
    assert "left out: trailed" in window.plots.said.text()
    after = [pixels(part) for part in parts]
    assert [bool((one != other).any()) for one, other in zip(before, after, strict=True)] == [True] * len(parts)
    assert window.choice.chosen is None
    qtbot.mouseClick(window.plots.star_size, QtCore.Qt.MouseButton.LeftButton, pos=_x(window, 18))
    assert [row.no for row in window.subs.chosen()] == [18]
    QtWidgets.QApplication.sendEvent(window.plots.star_size, QtCore.QEvent(QtCore.QEvent.Type.Leave))
    assert window.choice.pointed is None
    assert window.choice.marked == 18, "the chosen one stays marked"
    assert window.plots.star_size.said(window.plots._night.place_of(5)) == (f"{3.3 + 0.15 * np.sin(6.5):.1f}", "px")


def test_a_plot_is_drawn_once_and_only_marked_after(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 20)
    window.set_plots(True)
    qtbot.wait(30)
    layers = [cell._layer for cell in window.plots.cells]
    window.choice.point(7)
    qtbot.wait(30)
    assert all(cell._layer is layer for cell, layer in zip(window.plots.cells, layers, strict=True))
    _grow(night, window, None)
    qtbot.wait(30)
    assert window.plots.star_size._layer is not layers[0]


def test_star_sizes_on_the_sky_where_a_sub_is_solved(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, None, None, None)
    window.set_plots(True)
    window.set_list(True)
    assert window.plots.unit.text().strip() == "px"
    assert not window.plots.unit.isEnabled()
    side = 1.5 / 3600
    header = {"sky_matrix": [-side, 0.0, 0.0, side]}
    path = f"{night.folder}/M27_0001.fits"
    night.say(
        StackFounded(STACK, "M 27", None, "ASI", [976, 1304], "RGGB", 1, path, "0" * 64, header=header),
        *(replace(_accepted(night, no), no=no) for no in (1, 2, 3)),
    )
    window.live.tick()
    assert window.plots.unit.text() == "″"
    assert window.plots.star_size.said(None) == ("4.8", "″")
    shown = window.subs.model
    assert shown.index(0, FWHM).data(QtCore.Qt.ItemDataRole.DisplayRole).endswith("″")
    window.plots.unit.setFocus()
    qtbot.keyClick(window, Key.Key_Return)
    assert window.plots.unit.text().strip() == "px", "by a click, or by Return"
    assert window.plots.star_size.said(None) == ("3.2", "px")
    assert shown.index(0, FWHM).data(QtCore.Qt.ItemDataRole.DisplayRole).endswith("px")


def _accepted(night: Night, no: int) -> SubAccepted:
    return night._accepted(f"{night.folder}/M27_{no:04}.fits")


def test_plots_are_red_alone_at_night(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(night, window, *[None] * 9, "clouded")
    window.set_plots(True)
    window.set_night(True)
    window.choice.choose(4)
    qtbot.wait(30)
    seen = pixels(window.plots)
    assert seen[..., 1:].max() == 0
    assert seen[..., 0].max() == 191, "three quarters of the brightest red"


def test_five_thousand_subs_are_drawn(window: Window, night: Night, qtbot: QtBot) -> None:
    night.add()
    night.add_many(5000)
    qtbot.waitUntil(lambda: window.live.tick() is None and len(window.live.state.subs) == 5001, timeout=30_000)
    window.set_plots(True)
    qtbot.waitUntil(lambda: isinstance(window.plots.star_size._layer, QtGui.QPixmap), timeout=30_000)
    assert window.plots.star_size.course is not None
    assert len(window.plots.star_size.course.values) == 5001
    hover(window.plots.star_size, _x(window, 2500))
    assert window.choice.pointed is not None
    assert abs(window.choice.pointed - 2500) <= 20
