"""Brightness stays where the eye is: it changes neither in a hand, nor near by, nor twice in ten seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtTest, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.show.qt.canvas import Canvas
from livestack.show.qt.fade import GLIDE_MS
from livestack.show.qt.look import FILL
from livestack.show.qt.window import Window
from livestack.show.taste import MIDTONE
from tests.show.grab import drawn, pixels
from tests.show.night import Night, sky

BRIGHTER = 3.0
"""So much more light, with grain and sky: at a milestone the curve takes it back."""


def _grow(window: Window, night: Night, n: int, qtbot: QtBot, light: float = 1.0) -> float:
    """Let the stack grow; returns the level of the sky that is shown then."""
    while night.no < n:
        night.add()
    night.show(light * sky(n), light * sky(1), n)
    shown = window.live.pictures.stack
    qtbot.waitUntil(lambda: window.live.tick() is None and window.live.pictures.stack is not shown)
    return _level(window.canvas, qtbot)


def _level(canvas: Canvas, qtbot: QtBot) -> float:
    """Return the level of the sky that is shown."""
    drawn(canvas, qtbot)
    at = canvas.way.mapRect(QtCore.QRectF(0, 0, 480, 300)).toRect() & canvas.rect()
    return float(np.median(pixels(canvas)[at.top() : at.bottom(), at.left() : at.right()]))


def test_near_by_the_picture_keeps_its_brightness_until_one_steps_back(
    window: Window, night: Night, qtbot: QtBot
) -> None:
    canvas = window.canvas
    before = _grow(window, night, 13, qtbot)
    canvas.look_at(QtCore.QPointF(240, 150))
    near = _grow(window, night, 16, qtbot, BRIGHTER)
    assert near > before + 20, "the same curve, and more light"
    canvas.go(FILL)
    qtbot.waitUntil(lambda: canvas.fade.is_on, timeout=10_000)
    assert canvas.fade.this_ms >= GLIDE_MS, "it was no jump"
    assert abs(_level(canvas, qtbot) - before) < 10


def test_zoomed_less_than_px_for_px_it_follows(window: Window, night: Night, qtbot: QtBot) -> None:
    window.resize(800, 600)
    _grow(window, night, 13, qtbot)
    window.canvas.zoom_to(0.9)
    assert window.canvas.look.zoom == 0.9
    before = _level(window.canvas, qtbot)
    assert abs(_grow(window, night, 16, qtbot, BRIGHTER) - before) < 10


def test_in_a_hand_the_picture_keeps_its_brightness(window: Window, night: Night, qtbot: QtBot) -> None:
    canvas = window.canvas
    before = _grow(window, night, 13, qtbot)
    left, place = QtCore.Qt.MouseButton.LeftButton, QtCore.QPoint(300, 300)
    QtTest.QTest.mousePress(canvas, left, pos=place)
    assert _grow(window, night, 16, qtbot, BRIGHTER) > before + 20
    QtTest.QTest.mouseRelease(canvas, left, pos=place)
    assert abs(_level(canvas, qtbot) - before) < 10


def _knob(slider: QtWidgets.QSlider) -> QtCore.QPoint:
    option = QtWidgets.QStyleOptionSlider()
    slider.initStyleOption(option)
    style = QtWidgets.QStyle
    part = style.SubControl.SC_SliderHandle
    return slider.style().subControlRect(style.ComplexControl.CC_Slider, option, part, slider).center()


def _handle(window: Window) -> tuple[QtWidgets.QWidget, QtCore.QPoint]:
    view = window.develop.histogram
    return view, QtCore.QPoint(round(view.x_of(1)), 40)


def _midtone(window: Window) -> tuple[QtWidgets.QWidget, QtCore.QPoint]:
    slider = window.develop.rows[MIDTONE].slider
    return slider, _knob(slider)


@pytest.mark.parametrize("part_of", [_midtone, _handle])
def test_a_knob_that_is_held_unmoved_holds_the_brightness(
    window: Window, night: Night, qtbot: QtBot, part_of: Callable[[Window], tuple[QtWidgets.QWidget, QtCore.QPoint]]
) -> None:
    canvas, recipe = window.canvas, window.live.recipe
    window.set_develop(True)
    before = _grow(window, night, 13, qtbot)
    part, place = part_of(window)
    qtbot.mousePress(part, QtCore.Qt.MouseButton.LeftButton, pos=place)
    assert _grow(window, night, 16, qtbot, BRIGHTER) > before + 20
    qtbot.mouseRelease(part, QtCore.Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: canvas.fade.is_on, timeout=10_000)
    assert canvas.fade.this_ms >= GLIDE_MS, "it is no jump when the hand lets go"
    assert abs(_level(canvas, qtbot) - before) < 10
    assert window.live.recipe == recipe


def test_a_brightness_that_changes_stops_in_a_hand_and_goes_on(window: Window, night: Night, qtbot: QtBot) -> None:
    canvas = window.canvas
    window.set_develop(True)
    before = _grow(window, night, 13, qtbot)
    canvas.look_at(QtCore.QPointF(240, 150))
    near = _grow(window, night, 16, qtbot, BRIGHTER)
    canvas.go(FILL)
    qtbot.waitUntil(lambda: canvas.fade.is_on, timeout=10_000)
    qtbot.wait(300)
    part, place = _midtone(window)
    qtbot.mousePress(part, QtCore.Qt.MouseButton.LeftButton, pos=place)
    held = [pixels(canvas)]
    qtbot.wait(400)
    held.append(pixels(canvas))
    assert np.array_equal(*held)
    assert before + 5 < np.median(held[0]) < near - 5, "on its way"
    qtbot.mouseRelease(part, QtCore.Qt.MouseButton.LeftButton, pos=place)
    assert abs(_level(canvas, qtbot) - before) < 10


def test_a_panel_that_goes_lets_go_of_the_brightness(window: Window, night: Night, qtbot: QtBot) -> None:
    window.set_develop(True)
    before = _grow(window, night, 13, qtbot)
    part, place = _midtone(window)
    qtbot.mousePress(part, QtCore.Qt.MouseButton.LeftButton, pos=place)
    window.set_develop(False)
    assert abs(_grow(window, night, 16, qtbot, BRIGHTER) - before) < 10


def test_brightness_changes_once_in_ten_seconds(window: Window, night: Night, qtbot: QtBot) -> None:
    canvas = window.canvas
    before = _grow(window, night, 13, qtbot)
    assert abs(_grow(window, night, 16, qtbot, BRIGHTER) - before) < 10, "a milestone"
    again = _grow(window, night, 24, qtbot, BRIGHTER**2)
    assert again > before + 20, "the next one came too soon"
    canvas._glided.start(1)
    qtbot.waitUntil(lambda: canvas.fade.is_on, timeout=10_000)
    assert abs(_level(canvas, qtbot) - before) < 10, "then it is made up for, without a new sub"


def test_a_young_stack_changes_as_often_as_it_has_to(window: Window, night: Night, qtbot: QtBot) -> None:
    before = _grow(window, night, 3, qtbot)
    for n, light in ((4, BRIGHTER), (6, BRIGHTER**2), (8, BRIGHTER**3)):
        assert abs(_grow(window, night, n, qtbot, light) - before) < 12


def test_what_is_shown_to_guests_comes_gently(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 13, qtbot)
    window.audience.toggle_stage()
    stage = window.audience.stage
    assert stage is not None
    drawn(stage.canvas, qtbot)
    window.develop.presets.setCurrentIndex(2)
    drawn(window.canvas, qtbot)
    window.audience.publish()
    qtbot.waitUntil(lambda: stage.canvas.fade.is_on, timeout=10_000)
    assert stage.canvas.fade.this_ms >= GLIDE_MS
