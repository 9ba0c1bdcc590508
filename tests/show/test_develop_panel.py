"""The panel on which the picture is developed otherwise: a preset, numbers, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.develop.background import Background
from livestack.develop.chain import PRESETS, STEPS, WHOLE
from livestack.develop.colour import Saturation, Scnr
from livestack.develop.denoise import Denoise
from livestack.develop.live import whole
from livestack.develop.tone import Asinh, Mtf
from livestack.show.qt.develop import Slider
from livestack.show.qt.window import Window
from livestack.show.taste import KNOBS, has_glow_removed, with_glow_removed
from tests.show.grab import drawn, pixels
from tests.show.night import Night, sky

Key = QtCore.Qt.Key
BLACK, MIDTONE, WHITE, GREEN, COLOUR, GRAIN = KNOBS


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_each_number_is_what_it_was_turned_to_in_every_preset(preset: str, knob: object) -> None:
    recipe = whole(PRESETS[preset])
    for value in (knob.least, knob.most, 0.5 * (knob.least + knob.most)):
        turned = knob.turned(recipe, value)
        assert knob.value(turned) == value
        others = [other for other in KNOBS if other is not knob]
        assert [other.value(turned) for other in others] == [other.value(recipe) for other in others]
    least, most = knob.least, knob.most
    assert knob.value(recipe) is None or least <= knob.value(recipe) <= most


def test_a_step_that_is_not_there_is_put_in_at_its_place() -> None:
    order = list(STEPS.values())
    for preset in PRESETS.values():
        recipe = GREEN.turned(whole(preset), 0.5)
        place = [isinstance(step, Scnr) for step in recipe].index(True)
        assert order.index(type(recipe[place - 1])) <= order.index(Scnr) or "contrast" in recipe[place - 1].name
    assert GREEN.turned(WHOLE, 0.5)[-2:] == (Scnr(0.5), Saturation())
    assert BLACK.turned((Denoise(),), 2.0) == (Denoise(),), "there is no curve"
    assert BLACK.value((Denoise(),)) is None
    assert MIDTONE.turned((Asinh(),), 0.2) == (Asinh(0.2),)


def test_the_glow_is_removed_as_the_preset_does() -> None:
    wide = whole(PRESETS["wide field"])
    bare = with_glow_removed(wide, False, wide)
    assert not has_glow_removed(bare)
    assert with_glow_removed(bare, True, wide) == wide
    assert with_glow_removed((Mtf(),), True, ()) == (Background(), Mtf())


@pytest.fixture
def developing(window: Window, night: Night, qtbot: QtBot) -> Window:
    for _ in range(12):
        night.add()
    night.show(sky(12), sky(1), 12)
    window.live.tick()
    drawn(window.canvas, qtbot)
    qtbot.keyClick(window, Key.Key_D)
    drawn(window.canvas, qtbot)
    return window


def _slider(window: Window, name: str) -> Slider:
    return next(slider for slider in window.develop.sliders if slider.knob.name == name)


def _sky(window: Window, qtbot: QtBot) -> float:
    drawn(window.canvas, qtbot)
    return float(np.median(pixels(window.canvas)))


def test_d_opens_it_and_the_picture_keeps_the_rest(developing: Window, qtbot: QtBot) -> None:
    panel, icon = developing.develop, developing.icons["sliders"]
    assert panel.isVisible()
    assert icon.isChecked()
    assert panel.width() == 320
    assert developing.canvas.width() == developing.width() - 320
    qtbot.keyClick(developing, Key.Key_I)
    assert not panel.isVisible()
    qtbot.keyClick(developing, Key.Key_I)
    assert panel.isVisible()
    qtbot.keyClick(developing, Key.Key_Escape)
    assert not panel.isVisible()
    assert not icon.isChecked()


def test_a_slider_is_felt_and_reset_takes_it_back(developing: Window, qtbot: QtBot) -> None:
    panel, slider = developing.develop, _slider(developing, "Midtone")
    before = _sky(developing, qtbot)
    slider.setFocus()
    for _ in range(20):
        qtbot.keyClick(slider, Key.Key_Right)
    assert slider.said.text() == "0.21"
    brighter = _sky(developing, qtbot)
    assert brighter > before + 12
    value = MIDTONE.value(developing.live.recipe)
    assert value == pytest.approx(0.206, abs=1e-3)
    qtbot.keyClick(slider, Key.Key_Right, QtCore.Qt.KeyboardModifier.ShiftModifier)
    assert MIDTONE.value(developing.live.recipe) - value == pytest.approx(0.00038, abs=1e-5)
    qtbot.mouseClick(panel.back, QtCore.Qt.MouseButton.LeftButton)
    assert developing.live.recipe == WHOLE
    assert abs(_sky(developing, qtbot) - before) <= 1
    assert slider.said.text() == "0.13"


def test_a_double_click_sets_one_number_back(developing: Window, qtbot: QtBot) -> None:
    for name in ("Colour", "Smooth grain"):
        _slider(developing, name).setValue(900)
    qtbot.mouseDClick(_slider(developing, "Colour"), QtCore.Qt.MouseButton.LeftButton)
    assert COLOUR.value(developing.live.recipe) == 1.3
    assert GRAIN.value(developing.live.recipe) == 1.8


def test_a_preset_is_chosen_by_keys_and_switches_by_space(developing: Window, qtbot: QtBot) -> None:
    panel = developing.develop
    panel.presets.setFocus()
    for _ in range(3):
        qtbot.keyClick(panel.presets, Key.Key_Down)
    assert panel.presets.currentText() == "Cluster"
    assert developing.live.recipe == whole(PRESETS["cluster"])
    assert _slider(developing, "Black").said.text() == "2.80"
    panel.glow.click()
    assert not has_glow_removed(developing.live.recipe)
    panel.glow.click()
    assert developing.live.recipe == whole(PRESETS["cluster"])
    drawn(developing.canvas, qtbot)


@pytest.mark.parametrize("size", [(800, 600), (1280, 800)])
def test_it_fits_and_at_night_it_is_red(developing: Window, qtbot: QtBot, size: tuple[int, int]) -> None:
    developing.resize(*size)
    qtbot.wait(80)
    panel = developing.develop
    for part in (*panel.sliders, panel.glow, panel.back, panel.presets):
        assert part.geometry().bottom() <= panel.height()
        assert part.height() >= part.minimumSizeHint().height()
    developing.set_night(True)
    drawn(developing.canvas, qtbot)
    panel.sliders[0].setFocus()
    seen = pixels(developing)
    assert seen[..., 1:].max() == 0
    panel.presets.showPopup()
    assert pixels(panel.presets.view().window())[..., 1:].max() == 0
    panel.presets.hidePopup()
