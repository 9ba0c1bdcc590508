"""A window that was closed: what Qt still brings it starts nothing any more, and fails at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.develop.chain import PRESETS
from livestack.show.qt.fade import Fade
from livestack.show.qt.held import TAP_MS
from livestack.show.qt.window import Window
from livestack.show.views import LAST, NOISE
from tests.show.grab import drawn
from tests.show.night import Night, sky

Key = QtCore.Qt.Key

LATE: dict[str, Callable[[Window], object]] = {
    "a size": lambda window: window.resize(1000, 700),
    "a view": lambda window: window.set_view(LAST),
    "a map": lambda window: window.set_view(NOISE),
    "a sub": lambda window: window.live.looking.at(2),
    "a comparison": lambda window: window.set_compare("blink"),
    "a recipe": lambda window: window.live.set_recipe(()),
    "a hand that lets go": lambda window: window.canvas.hold(False),
    "a tick": lambda window: window.live.clock.timeout.emit(),
    "a tick that is waited for": lambda window: window.live.tick(),
    "a close": lambda window: window.close(),
    "other colours": lambda window: window.set_night(True),
    "a target": lambda window: window.canvas.aside(lambda _: None, print),
    "a picture to save": lambda window: window.canvas.rendered(print, print),
}


@pytest.fixture
def window(window: Window, night: Night, qtbot: QtBot) -> Iterator[Window]:
    """A window on three subs, that has a picture."""
    for _ in range(3):
        night.add()
    night.show(sky(3), sky(1), 3)
    window.live.tick()
    drawn(window.canvas, qtbot)
    yield window
    window.set_night(False)


@pytest.mark.parametrize("late", LATE)
def test_what_comes_late_starts_nothing(late: str, window: Window, qtbot: QtBot) -> None:
    window.close()
    LATE[late](window)
    qtbot.wait(400)
    assert not window.canvas.is_busy
    assert not window.live.looking.is_busy


def test_a_key_that_was_held_while_it_was_closed(window: Window, qtbot: QtBot) -> None:
    qtbot.keyPress(window, Key.Key_Space)
    qtbot.wait(TAP_MS + 60)
    window.close()
    assert window.live.view == LAST
    app = QtWidgets.QApplication.instance()
    app.sendEvent(app, QtCore.QEvent(QtCore.QEvent.Type.ApplicationStateChange))
    assert window.live.view == LAST, "nobody is there to go back for"


def test_a_picture_that_was_asked_for_meanwhile_is_not_begun(window: Window, qtbot: QtBot) -> None:
    for recipe in PRESETS.values():
        window.live.set_recipe(recipe)
    window.close()
    qtbot.wait(400)
    assert not window.canvas.is_busy


def test_a_fade_that_begins_late(qtbot: QtBot) -> None:
    parent = QtCore.QObject()
    fade = Fade(parent, 240)
    fade.close()
    screens = [np.zeros((8, 8, 4), np.uint8)]
    fade.begin(screens, [255 - screens[0]])
    assert not fade.is_on, "it is there at once"
