"""What the window promises to the eye: the picture first, nothing clipped, nothing moved, and red alone at night."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.frame import Array
from livestack.show.qt.commands import COMMANDS
from livestack.show.qt.window import Window
from livestack.show.tokens import DARK, LIGHT, NIGHT, NIGHT_LEVELS, Palette
from tests.show.grab import drawn, is_cut, pixels, words_on
from tests.show.night import Night, sky

SIZES = [(800, 600), (1280, 800), (1280, 900), (1920, 1080)]
MOST_PX = 48  # of a side of what is all of the brightest red


def _grow(window: Window, night: Night, n: int, qtbot: QtBot) -> None:
    while night.no < n:
        night.add("trailed" if night.no % 20 == 13 else None)
    night.show(sky(n), sky(1), n)
    qtbot.waitUntil(lambda: window.live.tick() is None and len(window.live.state.subs) == n)
    drawn(window.canvas, qtbot)
    window.switcher.hide()


def _open_all(window: Window, qtbot: QtBot) -> None:
    for key in "DPL":
        qtbot.keyClick(window, key)
    qtbot.wait(30)
    drawn(window.canvas, qtbot)


def _box(window: Window, widget: QtWidgets.QWidget) -> tuple[slice, slice]:
    at, size = widget.mapTo(window, QtCore.QPoint()), widget.size()
    return slice(at.y(), at.y() + size.height()), slice(at.x(), at.x() + size.width())


def test_at_rest_the_picture_has_four_fifths(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 12, qtbot)
    picture, whole = window.canvas.size(), window.size()
    assert picture.width() * picture.height() >= 0.8 * whole.width() * whole.height()
    shown = {type(part).__name__ for part in window.canvas.children() if getattr(part, "isVisible", bool)()}
    assert shown <= {"Marks"}, "nothing lies over it but the scale bar"


@pytest.mark.parametrize("size", SIZES)
def test_with_all_panels_open_no_word_is_clipped(
    window: Window, night: Night, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window.resize(*size)
    _grow(window, night, 40, qtbot)
    _open_all(window, qtbot)
    window.switcher.appear()
    words = list(words_on(window))
    assert len(words) > 30
    for part in words:
        assert not is_cut(part), (part.text(), part.size())
        shown = part.visibleRegion().boundingRect()
        is_scrolled = window.develop.body.isAncestorOf(part)
        assert is_scrolled or shown.size() == part.size(), f"{part.text()} is cut off"
    if size[1] >= 800:
        assert window.develop.scroll.verticalScrollBar().maximum() == 0
        areas = [part.width() * part.height() for part in (window.canvas, window.drawer, window.develop)]
        assert areas[0] == max(areas), "the picture is still the largest"


def _open(window: Window, what: str) -> QtWidgets.QWidget:
    """Open something beside the window itself."""
    if what == "help":
        window.help.toggle()
    elif what == "menu":
        menu = window.findChild(QtWidgets.QMenu)
        menu.popup(window.mapToGlobal(QtCore.QPoint(20, 60)))
        return menu
    elif what == "presets":
        window.develop.presets.showPopup()
        return window.develop.presets.view().window()
    elif what == "tooltip":
        QtWidgets.QToolTip.showText(window.mapToGlobal(QtCore.QPoint(40, 90)), "Night plots  P", window)
        return next(part for part in QtWidgets.QApplication.topLevelWidgets() if part.inherits("QTipLabel"))
    return window


@pytest.mark.parametrize("what", ["all", "help", "menu", "presets", "tooltip"])
@pytest.mark.parametrize("size", SIZES[:2])
def test_at_night_nothing_is_green_or_blue_and_nothing_glares(
    window: Window, night: Night, qtbot: QtBot, size: tuple[int, int], what: str
) -> None:
    window.resize(*size)
    _grow(window, night, 40, qtbot)
    window.set_night(True)
    window.set_night_level(len(NIGHT_LEVELS))
    _open_all(window, qtbot)
    seen = pixels(_open(window, what))
    assert seen[..., 1:].max() == 0
    assert seen[..., 0].max() == 255, "what is written is as bright as red can be"
    full = (seen[..., 0] >= 250).astype(np.uint8)
    assert not cv2.erode(full, np.ones((MOST_PX + 1, MOST_PX + 1), np.uint8), borderValue=0).any()
    QtWidgets.QToolTip.hideText()
    for popup in window.findChildren(QtWidgets.QMenu):
        popup.close()
    window.develop.presets.hidePopup()


def _without(window: Window, seen: Array, *parts: QtWidgets.QWidget) -> Array:
    left = seen.copy()
    for part in parts:
        left[_box(window, part)] = 0
    return left


def _luminance(seen: Array) -> Array:
    share = seen / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("palette", [DARK, LIGHT, NIGHT], ids=["dark", "light", "night"])
def test_who_squints_sees_state_and_number_before_the_ribbon(
    window: Window, night: Night, qtbot: QtBot, palette: Palette
) -> None:
    _grow(window, night, 112, qtbot)
    window.set_palette(palette)
    if palette is NIGHT:
        window.set_night_level(len(NIGHT_LEVELS))
    drawn(window.canvas, qtbot)
    light = _luminance(pixels(window))
    squinted = cv2.GaussianBlur(light, (0, 0), 4.0)
    stands_out = {}
    for name, part in (
        ("ribbon", window.glance.ribbon),
        ("number", window.glance.stacked.number),
        ("state", window.top.pill),
    ):
        box = _box(window, part)
        ground = np.median(light[box])
        lightness = [np.cbrt(each) for each in (squinted[box], ground)]
        stands_out[name] = float(np.quantile(np.abs(lightness[0] - lightness[1]), 0.98))
    if palette is DARK:
        assert stands_out["ribbon"] < 0.8 * min(stands_out["number"], stands_out["state"]), stands_out
    bars = light[_box(window, window.glance.ribbon)][20:-22]
    ground = np.median(light[_box(window, window.glance)])
    high, low = (max(ground, np.median(bars[bars != ground])), min(ground, np.median(bars[bars != ground])))
    assert (high + 0.05) / (low + 0.05) >= 2.9, "and it is seen by who looks"


def test_eight_subs_and_a_hundred_and_twelve_lie_at_the_same_px(window: Window, night: Night, qtbot: QtBot) -> None:
    """All but the picture, the ribbon, the numbers and the words of the state is the same, px for px."""
    seen = []
    for n in (8, 112):
        _grow(window, night, n, qtbot)
        told = [part for cell in window.glance.cells for part in (cell.number, cell.below)]
        changing = (
            window.canvas,
            window.glance.ribbon,
            window.glance.advice,
            window.glance.icon,
            window.top.pill,
            *told,
        )
        seen.append(_without(window, pixels(window), *changing))
    assert (seen[0] == seen[1]).all()
    assert seen[0].any()


def test_a_new_sub_changes_picture_ribbon_and_numbers_alone(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 18, qtbot)
    before = pixels(window)
    _grow(window, night, 19, qtbot)
    after = pixels(window)
    told = [part for cell in window.glance.cells for part in (cell.number, cell.below)]
    changing = (window.canvas, window.glance.ribbon, window.glance.advice, window.glance.icon, window.top.pill, *told)
    assert (_without(window, before, *changing) == _without(window, after, *changing)).all()
    patch = np.s_[60:200, 40:240]
    box = _box(window, window.canvas)
    levels = [float(np.median(seen[box][patch])) for seen in (before, after)]
    assert abs(levels[0] - levels[1]) <= 1


def test_no_word_is_one_that_guests_would_not_understand(window: Window) -> None:
    banned = {
        "reject",
        "rejected",
        "invalid",
        "null",
        "exception",
        "sigma",
        "buffer",
        "worker",
        "compile",
        "kernel",
        "thread",
    }
    texts = [
        part.text() for kind in (QtWidgets.QLabel, QtWidgets.QAbstractButton) for part in window.findChildren(kind)
    ]
    texts += [command.text for command in COMMANDS]
    assert not [text for text in texts if banned & set(text.lower().replace(".", " ").split())]
    assert not [text for text in texts if "!" in text or "please" in text.lower()]
