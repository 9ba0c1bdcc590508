"""One sub and the stack on one place: wiped, or one after the other."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.engine.plans import files_plan, find_files
from livestack.engine.runner import Engine
from livestack.reduce import preview
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.show.qt.look import FREE, to_qimage
from livestack.show.qt.window import Window
from livestack.show.stars import stars_of_preview
from tests.nights import take
from tests.show.grab import drawn, pixels
from tests.show.night import Night, sky

Key, Shift = QtCore.Qt.Key, QtCore.Qt.KeyboardModifier.ShiftModifier
Left = QtCore.Qt.MouseButton.LeftButton


def _grow(window: Window, night: Night, n: int, qtbot: QtBot) -> None:
    while night.no < n:
        night.add()
    night.show(sky(n), sky(1, seed=n), n)
    window.live.tick()
    drawn(window.canvas, qtbot)


def _press(window: Window, qtbot: QtBot, key: Key, modifier: object = QtCore.Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(window.focusWidget() or window, key, modifier)
    drawn(window.canvas, qtbot)


def _drag(window: Window, qtbot: QtBot, start: QtCore.QPoint, *ends: QtCore.QPoint) -> None:
    canvas, none = window.canvas, QtCore.Qt.KeyboardModifier.NoModifier
    qtbot.mousePress(canvas, Left, pos=start)
    for end in ends:  # qtbot moves a mouse without buttons
        places = QtCore.QPointF(end), QtCore.QPointF(canvas.mapToGlobal(end))
        event = QtGui.QMouseEvent(QtCore.QEvent.Type.MouseMove, *places, Left, Left, none)
        QtWidgets.QApplication.sendEvent(canvas, event)
    qtbot.mouseRelease(canvas, Left, pos=ends[-1])
    drawn(canvas, qtbot)


def test_w_shows_the_last_sub_left_of_the_line_and_the_stack_right_of_it(
    window: Window, night: Night, qtbot: QtBot
) -> None:
    """Each px as it is where one of them is shown alone: the same stretch, the same place."""
    _grow(window, night, 20, qtbot)
    stack = pixels(window.canvas)
    _press(window, qtbot, Key.Key_Space)
    last = pixels(window.canvas)
    _press(window, qtbot, Key.Key_W)
    both, middle = pixels(window.canvas), stack.shape[1] // 2
    rows = slice(80, 200)  # between tags and knob
    assert np.array_equal(both[rows, : middle - 3], last[rows, : middle - 3])
    assert np.array_equal(both[rows, middle + 3 :], stack[rows, middle + 3 :])
    assert not np.array_equal(last, stack)
    assert both[rows, middle - 1 : middle + 1].min() > 150, "the line"
    assert not window.tag.isVisible()
    assert window.canvas.compare.tags == ("One sub, 20\u202fs", "Stack of 20")
    _press(window, qtbot, Key.Key_W)
    assert np.array_equal(pixels(window.canvas), stack)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_px_are_handed_to_the_screen_without_a_copy(ratio: float) -> None:
    px = np.zeros((4, 6, 4), np.uint8)
    image = to_qimage(px, ratio)
    px[1, 2] = 3, 2, 1, 255
    assert image.pixelColor(2, 1).getRgb()[:3] == (1, 2, 3)
    assert image.devicePixelRatio() == ratio


def test_where_the_line_was_it_looks_as_if_all_was_drawn_again(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8, qtbot)
    _press(window, qtbot, Key.Key_W)
    canvas = window.canvas
    for share in (0.5, 0.62, 0.6135, 0.1, 0.02, 0.0, 1.0, 0.97, 0.333):
        canvas.wipe_to(share)
        QtWidgets.QApplication.processEvents()
        on_screen = window.screen().grabWindow(window.winId()).toImage()
        assert on_screen == window.grab().toImage().convertToFormat(on_screen.format()), share


def test_arrows_move_the_line_and_nothing_is_developed_for_it(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8, qtbot)
    _press(window, qtbot, Key.Key_W)
    shown, canvas = window.canvas._shown, window.canvas
    before = pixels(canvas)
    for key, modifier, at in (
        (Key.Key_Right, QtCore.Qt.KeyboardModifier.NoModifier, 0.55),
        (Key.Key_Right, Shift, 0.56),
        (Key.Key_Left, Shift, 0.55),
        (Key.Key_Left, QtCore.Qt.KeyboardModifier.NoModifier, 0.50),
    ):
        qtbot.keyClick(window.focusWidget(), key, modifier)
        assert canvas.compare.at == pytest.approx(at)
        assert not canvas.is_busy
    assert np.array_equal(pixels(canvas), before)
    for _ in range(25):
        qtbot.keyClick(window.focusWidget(), Key.Key_Left)
    assert canvas.compare.at == 0.0
    assert canvas._shown is shown


def test_arrows_stay_with_a_slider_that_has_the_focus(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8, qtbot)
    window.set_develop(True)
    _press(window, qtbot, Key.Key_W)
    slider = window.develop.findChild(QtWidgets.QSlider)
    slider.setFocus()
    before = slider.value()
    qtbot.keyClick(slider, Key.Key_Left)
    assert slider.value() < before
    assert window.canvas.compare.at == 0.5


def test_at_fit_any_drag_to_the_side_wipes_and_zoomed_it_pans(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8, qtbot)
    canvas, point = window.canvas, QtCore.QPoint
    _drag(window, qtbot, point(300, 200), point(320, 202), point(400, 205))
    assert window.live.compare == "wipe"
    assert canvas.compare.at == pytest.approx(400 / canvas.width())
    assert canvas.look.mode != FREE
    canvas.zoom_to(4.0)
    look = canvas.look.x, canvas.look.y
    _drag(window, qtbot, point(700, 100), point(720, 100), point(780, 120))
    assert canvas.look.x == pytest.approx(look[0] - 80 / 4, abs=0.1)
    assert canvas.look.y == pytest.approx(look[1] - 20 / 4, abs=0.1)
    assert canvas.compare.at == pytest.approx(400 / canvas.width())
    _drag(window, qtbot, point(400, canvas.height() // 2), point(500, 300))
    assert canvas.compare.at == pytest.approx(500 / canvas.width()), "by its knob it moves all the same"


def test_a_double_click_goes_to_100_percent_and_back(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8, qtbot)
    canvas, place = window.canvas, QtCore.QPoint(300, 200)
    under = canvas.px_at(QtCore.QPointF(place))
    fill = canvas.look.zoom
    qtbot.mouseDClick(canvas, Left, pos=place)
    assert canvas.look.zoom == pytest.approx(1.0 / canvas.devicePixelRatioF())
    assert (canvas.px_at(QtCore.QPointF(place)) - under).manhattanLength() < 0.01
    qtbot.mouseDClick(canvas, Left, pos=place)
    assert canvas.look.zoom == fill
    assert window.live.compare == "", "a click is no drag"


def test_with_one_sub_there_is_nothing_to_compare(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 1, qtbot)
    before = pixels(window.canvas)[60:]
    for key in (Key.Key_W, Key.Key_B):
        _press(window, qtbot, key)
        assert window.tag.accessibleName() == "One sub so far"
        assert window.canvas.compare.mode == ""
        assert np.array_equal(pixels(window.canvas)[60:], before)
        _press(window, qtbot, key)
        assert not window.tag.isVisible()
    _press(window, qtbot, Key.Key_W)
    _grow(window, night, 2, qtbot)
    assert window.canvas.compare.tags[1] == "Stack of 2", "as soon as there is, it is compared"


def test_a_sub_of_another_stack_is_not_laid_beside_this_one(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 3, qtbot)
    night.show(sky(4, size=(200, 320)), sky(1), 4)
    _press(window, qtbot, Key.Key_W)
    window.live.tick()
    assert window.tag.accessibleName() == "The last sub is of another stack"
    assert window.canvas.compare.mode == ""


def test_both_sides_follow_new_subs_and_are_red_at_night(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8, qtbot)
    _press(window, qtbot, Key.Key_W)
    before, middle = pixels(window.canvas), window.canvas.width() // 2
    _grow(window, night, 9, qtbot)
    after = pixels(window.canvas)
    assert (after[80:200, : middle - 3] != before[80:200, : middle - 3]).any()
    assert (after[80:200, middle + 3 :] != before[80:200, middle + 3 :]).any()
    assert window.canvas.compare.tags[1] == "Stack of 9"
    _press(window, qtbot, Key.Key_N)
    seen = pixels(window)
    assert seen[..., 1:].max() == 0
    assert seen[..., 0].max() > 150


def test_b_shows_one_after_the_other_until_any_key_or_the_time_is_over(
    window: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(window, night, 8, qtbot)
    stack = pixels(window.canvas)[80:]
    _press(window, qtbot, Key.Key_B)
    assert window.canvas._blinking.interval() == 500, "the same of the two once a second"
    seen = []
    for _ in range(2):
        seen.append(pixels(window.canvas)[80:])
        qtbot.waitSignal(window.canvas._blinking.timeout, timeout=30_000).wait()
    assert np.array_equal(seen[0], stack)
    assert not np.array_equal(seen[1], stack)
    qtbot.keyClick(window.focusWidget(), Key.Key_J)  # which does nothing else
    assert window.live.compare == ""
    _press(window, qtbot, Key.Key_B)
    _press(window, qtbot, Key.Key_L)
    assert window.live.compare == ""
    assert not window.subs.isVisible(), "the key that ends it does nothing else"
    _press(window, qtbot, Key.Key_B)
    assert window._blinks.interval() == 20_000
    window._blinks.start(20)
    qtbot.waitUntil(lambda: window.live.compare == "", timeout=30_000)
    drawn(window.canvas, qtbot)
    assert np.array_equal(pixels(window.canvas)[80:], stack)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_last_sub_lies_on_the_stack_whatever_the_dither(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stars are where those of the stack are, and as bright; of previews of any scale."""
    monkeypatch.setattr(preview, "MAX_PREVIEW_PX", 352 * 416 // step**2 + 1)
    take(tmp_path / "night", n_lights=6, size=(352, 416), dither_px=9.0, fwhm_px=4.0, n_stars=500)
    home = Home(tmp_path / "session")
    home.make()
    engine = Engine(home, files_plan("night", find_files([tmp_path / "night" / "LIGHT"], "oldest")), Settings())
    thread = threading.Thread(target=engine.run)
    thread.start()
    thread.join()
    stack, last = engine.pictures.stack.get(), engine.pictures.last.get()
    assert stack is not None
    assert last is not None
    assert (stack.scale, stack.data.shape, stack.stack) == (last.scale, last.data.shape, last.stack)
    assert stack.scale == 1 / step
    apart = stars_of_preview(last)[:, None, :2] - stars_of_preview(stack)[:, :2]
    same = apart[np.hypot(*np.moveaxis(apart, 2, 0)) < 2 * step]
    assert len(same) > 6
    shift = np.median(same, axis=0)
    assert np.abs(shift).max() < (0.7 if step == 2 else 0.3), "a px of an even number has no middle sample"
    light = np.isfinite(last.data) & (stack.data > np.nanpercentile(stack.data, 99))
    assert last.data[light].sum() / stack.data[light].sum() == pytest.approx(1.0, abs=0.12)
    assert abs(np.nanmedian(last.data) - np.nanmedian(stack.data)) < 0.1 * stack.data[light].min()
