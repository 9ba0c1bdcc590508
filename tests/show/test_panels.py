"""Every face of the window in each palette: no word is cut, and red alone at night; pictures of all are left."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.show.qt.theme import text_scale
from livestack.show.qt.window import Window
from livestack.show.tokens import DARK, LIGHT, NIGHT, Palette
from tests.show.grab import drawn, is_cut, keep, pixels, press, words_on
from tests.show.night import Night, sky

FACES: dict[str, tuple[str, ...]] = {
    "rest": (),
    "wipe": ("W",),
    "difference": ("E",),
    "noise map": ("V",),
    "coverage": ("C",),
    "removed": ("M",),
    "develop": ("D",),
    "plots": ("P",),
    "subs": ("L",),
    "all panels": ("D", "P", "L"),
    "noise budget": ("Shift+V",),
    "keys": ("F1",),
    "settings": ("Ctrl+Comma",),
    "big text": ("Ctrl+T", "D", "L"),
}
"""What is pressed to see each; the same again closes it."""
SIZE = (300, 480)
VIEWS = ("difference", "noise map", "coverage", "removed")


def _show_everything(night: Night) -> None:
    """A stack, a trail that was removed, what there is of maps, and where the noise comes from."""
    covered = np.full(SIZE, 38.0, np.float32)
    covered[:, :6], covered[:, 6:30], covered[-20:] = 0.0, 21.0, 30.0
    trail = np.zeros(SIZE, np.float32)
    cv2.line(trail, (60, 270), (430, 40), 900.0, 3, cv2.LINE_AA)
    night.cross(7, (60.0, 270.0, 430.0, 40.0))
    night.tell_noise()
    night.show(sky(40), sky(1), 40)
    night.show_removed(cv2.resize(trail, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    with np.errstate(divide="ignore"):
        night.show_map("noise", np.where(covered > 0, 40.0 / np.sqrt(covered), np.nan).astype(np.float32))
    night.show_map("coverage", covered)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["1280", "1920"])
@pytest.mark.parametrize("palette", [DARK, LIGHT, NIGHT], ids=["dark", "light", "night"])
def test_each_face_is_whole_in_its_colours(
    window: Window, night: Night, qtbot: QtBot, palette: Palette, size: tuple[int, int]
) -> None:
    window.resize(*size)
    while night.no < 40:
        night.add("trailed" if night.no % 20 == 13 else None)
    _show_everything(night)
    qtbot.waitUntil(lambda: window.live.tick() is None and len(window.live.state.subs) == 40)
    if palette is NIGHT:
        window.set_night(True)
    else:
        window.set_palette(palette)
    name = {id(DARK): "dark", id(LIGHT): "light", id(NIGHT): "night"}[id(palette)]
    for face, keys in FACES.items():
        for key in keys:
            press(window, key)
        qtbot.wait(20)
        qtbot.waitUntil(lambda: window.live.tick() is None and "moment" not in window.tag.accessibleName())
        drawn(window.canvas, qtbot)
        seen = pixels(window)
        keep(f"{face.replace(' ', '-')}-{name}-{size[0]}.jpg", seen)
        if palette is NIGHT:
            assert seen[..., 1:].max() == 0, f"{face} glows"
        cut = [part.text() for part in words_on(window) if is_cut(part)]
        assert not cut, f"{face}: {cut}"
        for key in ("A",) if face in VIEWS else reversed(keys):
            press(window, key)
        assert text_scale() == 1
    assert not QtWidgets.QApplication.activePopupWidget()


def test_the_same_colours_again_lay_nothing_out_anew(window: Window) -> None:
    class Watch(QtCore.QObject):
        n_changed = 0

        def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802 - Qt's name
            self.n_changed += event.type() == QtCore.QEvent.Type.StyleChange
            return False

    watch = Watch()
    window.glance.ribbon.installEventFilter(watch)
    window.set_palette(DARK)
    assert watch.n_changed == 0
    window.set_palette(LIGHT)
    assert watch.n_changed > 0
    window.set_palette(DARK)


def test_a_target_is_called_what_people_call_it(window: Window, night: Night, qtbot: QtBot) -> None:
    window.resize(1280, 700)
    night.add()
    window.live.tick()
    called = window.top.called
    qtbot.waitUntil(lambda: called.text() == "Dumbbell Nebula", timeout=10_000)
    assert called.isVisible() and called.geometry().right() < window.top.chip.x()
    window.resize(800, 700)
    qtbot.waitUntil(lambda: not called.isVisible())
    assert window.top.target.text() == "M 27", "what it is stays"
