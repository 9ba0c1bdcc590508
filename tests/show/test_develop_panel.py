"""The panel on which the picture is developed otherwise: a preset, numbers, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.develop.background import Background
from livestack.develop.chain import PRESETS, STEPS, WHOLE
from livestack.develop.colour import Saturation, Scnr, WhiteBalance
from livestack.develop.denoise import Denoise
from livestack.develop.live import whole
from livestack.develop.plate import Plate
from livestack.develop.tone import Asinh, Ghs, Mtf
from livestack.show.light import Light, curve_of, light_of
from livestack.show.qt.develop import DevelopPanel
from livestack.show.qt.knob import Slider
from livestack.show.qt.window import Window
from livestack.show.taste import (
    BLACK,
    COLOUR,
    CURVES,
    GRAIN,
    GREEN,
    HANDLES,
    KNOBS,
    LIFT,
    MIDTONE,
    WHITE,
    has,
    moved,
    with_channels_linked,
    with_curve,
    with_step,
)
from livestack.show.tokens import DARK
from tests.show.grab import drag, drawn, pixels
from tests.show.night import Night, sky

Key = QtCore.Qt.Key


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_each_number_is_what_it_was_turned_to_in_every_preset(preset: str, knob: object) -> None:
    recipe = whole(PRESETS[preset])
    recipe = with_curve(recipe, Ghs, recipe) if knob is LIFT else recipe
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


def test_a_step_is_put_back_as_the_preset_has_it() -> None:
    wide = whole(PRESETS["wide field"])
    for kind in (Background, WhiteBalance):
        bare = with_step(wide, kind, False, wide)
        assert not has(bare, kind)
        assert with_step(bare, kind, True, wide) == wide
    assert with_step((Mtf(),), Background, True, ()) == (Background(), Mtf())


def test_another_curve_takes_the_place_of_the_one_that_was() -> None:
    galaxy = whole(PRESETS["galaxy"])
    for _, kind in CURVES:
        turned = with_curve(galaxy, kind, galaxy)
        assert [type(step) for step in turned if isinstance(step, Mtf | Asinh | Ghs)] == [kind]
        assert with_curve(turned, Mtf, galaxy) == galaxy, "the preset's own numbers are back"
    apart = with_channels_linked(galaxy, False)
    assert not curve_of(apart).linked
    assert with_channels_linked(apart, True) == galaxy


@pytest.fixture(scope="module")
def light() -> Light:
    planes = np.moveaxis(sky(12)[:, 6:], 2, 0)
    return light_of(Plate(np.ascontiguousarray(planes), None))


@pytest.mark.parametrize("curve", [Mtf(), Mtf(linked=False), Asinh(), Ghs()], ids=str)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_handle_goes_where_it_is_pulled(curve: Mtf | Asinh | Ghs, which: int, light: Light) -> None:
    recipe, before = (curve,), light.marks(curve)
    knob = next(knob for knob in HANDLES[which] if isinstance(curve, knob.steps))
    ends = [light.marks(curve_of(knob.turned(recipe, value)))[which] for value in (knob.least, knob.most)]
    for share in (0.2, 0.5, 0.8):
        level = min(ends) + share * (max(ends) - min(ends))
        pulled = curve_of(moved(recipe, light, which, level))
        assert light.marks(pulled)[which] == pytest.approx(level, abs=1e-3 * (max(ends) - min(ends)))
    for level, end in ((-1e6, min(ends)), (1e6, max(ends))):
        assert light.marks(curve_of(moved(recipe, light, which, level)))[which] == pytest.approx(end, rel=1e-3)
    assert moved(recipe, light, which, before[which]) != ()


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
    assert not panel.rows[LIFT].isVisible(), "that is for another curve"
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
    assert not has(developing.live.recipe, Background)
    panel.glow.click()
    assert developing.live.recipe == whole(PRESETS["cluster"])
    drawn(developing.canvas, qtbot)


def _pull(panel: DevelopPanel, which: int, by_px: int, qtbot: QtBot) -> None:
    """Drag a handle of the histogram."""
    view = panel.histogram
    at = QtCore.QPoint(round(view.x_of(which)), 40)
    qtbot.mousePress(view, QtCore.Qt.MouseButton.LeftButton, pos=at)
    drag(view, at + QtCore.QPoint(by_px, 0))
    qtbot.mouseRelease(view, QtCore.Qt.MouseButton.LeftButton, pos=at + QtCore.QPoint(by_px, 0))


def test_handles_of_the_histogram_turn_the_curve(developing: Window, qtbot: QtBot) -> None:
    panel, view = developing.develop, developing.develop.histogram
    places = [view.x_of(k) for k in range(3)]
    assert places == sorted(places)
    before = _sky(developing, qtbot)
    _pull(panel, 1, 25, qtbot)
    assert view.x_of(1) == pytest.approx(places[1] + 25, abs=1)
    assert MIDTONE.value(developing.live.recipe) < 0.13
    assert _slider(developing, "Midtone").said.text() == MIDTONE.say(MIDTONE.value(developing.live.recipe))
    assert _sky(developing, qtbot) < before - 5, "the midtone is brighter now, and the sky darker"
    assert [view.x_of(k) for k in (0, 2)] == pytest.approx([places[0], places[2]], abs=0.5)
    qtbot.mouseDClick(view, QtCore.Qt.MouseButton.LeftButton, pos=QtCore.QPoint(round(view.x_of(1)), 40))
    assert developing.live.recipe == WHOLE
    _pull(panel, 0, -30, qtbot)
    assert BLACK.value(developing.live.recipe) > 1.5
    assert _slider(developing, "Black").isEnabled()


def test_handles_are_moved_by_keys_and_say_where_they_are(developing: Window, qtbot: QtBot) -> None:
    view = developing.develop.histogram
    drawn(developing.canvas, qtbot)
    view.setFocus()
    qtbot.keyClick(view, Key.Key_Down)
    assert view.accessibleDescription().startswith("Black at ")
    before = view.x_of(0)
    qtbot.keyClick(view, Key.Key_Left)
    one = before - view.x_of(0)
    assert one == pytest.approx(0.01 * (view.width() - 16), abs=0.3)
    qtbot.keyClick(view, Key.Key_Left, QtCore.Qt.KeyboardModifier.ShiftModifier)
    assert before - one - view.x_of(0) == pytest.approx(0.1 * one, abs=0.1)
    assert BLACK.value(developing.live.recipe) > 1.5
    qtbot.keyClick(view, Key.Key_Down)
    assert view.accessibleDescription().startswith("White at ")


def test_what_is_lost_at_an_end_is_marked(developing: Window, qtbot: QtBot) -> None:
    drawn(developing.canvas, qtbot)
    view, slider = developing.develop.histogram, _slider(developing, "Black")
    slider.setValue(1000)
    assert not view.clipped[0]
    slider.setValue(0)
    assert view.clipped[0], "half of the sky is black"
    assert not view.clipped[1]


def test_a_dot_tells_what_is_auto_and_takes_it_back(developing: Window, qtbot: QtBot) -> None:
    panel = developing.develop
    row = panel.rows[MIDTONE]
    assert row.dot.accessibleName() == "Midtone: auto"
    row.slider.setValue(900)
    assert row.dot.accessibleName() == "Midtone: set by you"
    assert panel.rows[BLACK].dot.accessibleName() == "Black: auto"
    row.dot.click()
    assert row.dot.accessibleName() == "Midtone: auto"
    assert developing.live.recipe == WHOLE


def test_stretch_balance_and_channels_are_chosen(developing: Window, qtbot: QtBot) -> None:
    panel = developing.develop
    panel.linked.click()
    assert not curve_of(developing.live.recipe).linked
    for button, (_, kind) in zip(panel.curves, CURVES, strict=True):
        button.click()
        assert isinstance(curve_of(developing.live.recipe), kind)
        drawn(developing.canvas, qtbot)
        assert panel.linked.isVisible() == (kind is Mtf)
        assert panel.rows[LIFT].isVisible() == (kind is Ghs)
        assert panel.rows[MIDTONE].isVisible() == (kind is not Ghs)
        assert panel.rows[WHITE].isVisible()
    panel.white.click()
    assert not has(developing.live.recipe, WhiteBalance)


def test_what_guests_are_to_see_is_told(developing: Window, qtbot: QtBot) -> None:
    panel = developing.develop
    _slider(developing, "Colour").setValue(700)
    with qtbot.waitSignal(panel.shown_to_guests) as told:
        panel.guests.click()
    assert told.args == [developing.live.recipe]


def test_its_width_is_pulled_within_bounds_and_kept(developing: Window, qtbot: QtBot) -> None:
    grip, panel = developing.develop.grip, developing.develop
    for by, wide in ((-60, 380), (-300, 420), (400, 288)):
        start = QtCore.QPoint(2, 100)
        qtbot.mousePress(grip, QtCore.Qt.MouseButton.LeftButton, pos=start)
        drag(grip, start + QtCore.QPoint(by, 0))
        qtbot.mouseRelease(grip, QtCore.Qt.MouseButton.LeftButton, pos=start)
        assert panel.width() == wide
        panel.setFixedWidth(320) if wide != 288 else None
        qtbot.wait(20)
    assert DevelopPanel("auto", DARK).width() == 288


@pytest.mark.parametrize("size", [(800, 600), (1280, 800), (1280, 900)])
def test_it_fits_and_at_night_it_is_red(developing: Window, qtbot: QtBot, size: tuple[int, int]) -> None:
    developing.resize(*size)
    qtbot.wait(80)
    panel = developing.develop
    body = panel.glow.parentWidget()
    for part in (panel.back, panel.guests, panel.close_it):
        assert panel.rect().contains(part.geometry())
    shown = [row for row in panel.rows.values() if row.isVisible()]
    for part in (*shown, panel.histogram, panel.glow, panel.white, panel.linked, panel.presets):
        assert body.rect().contains(part.geometry())
        assert part.height() >= part.minimumSizeHint().height()
    assert body.width() == panel.width() - 1 or body.height() > body.parentWidget().height()
    developing.set_night(True)
    drawn(developing.canvas, qtbot)
    panel.sliders[0].setFocus()
    seen = pixels(developing)
    assert seen[..., 1:].max() == 0
    panel.presets.showPopup()
    assert pixels(panel.presets.view().window())[..., 1:].max() == 0
    panel.presets.hidePopup()
