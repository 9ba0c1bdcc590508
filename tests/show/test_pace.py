"""While a knob is turned the picture is as coarse as it must be to follow the hand, and no coarser."""

from __future__ import annotations

import itertools

import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.show.pace import LEAST, Pace
from livestack.show.qt.window import Window
from tests.show.grab import drawn
from tests.show.night import Night, sky


def test_what_is_slow_is_made_coarser_until_it_is_quick() -> None:
    pace, seen = Pace(), []
    for _ in range(12):
        seen.append(pace.share)
        pace.took(0.1 * pace.share**2)
    assert seen[0] == 1
    assert seen[-1] == 0.25
    assert all(later <= before for before, later in itertools.pairwise(seen))
    for _ in range(8):
        pace.took(0.001)
    assert pace.share == 1
    for _ in range(40):
        pace.took(1.0)
    assert pace.share == LEAST


def test_the_first_picture_of_a_size_does_not_count() -> None:
    pace = Pace()
    pace.took(3.0)
    assert pace.share == 1
    for _ in range(20):
        pace.took(0.01)
    assert pace.share == 1


def _shown(window: Window) -> tuple[int, ...]:
    """Size of what is on screen, before it is drawn to the px of the screen."""
    return tuple(window.canvas._images[0].shape)


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_at_rest_the_picture_is_whole(window: Window, night: Night, qtbot: QtBot, share: float) -> None:
    for _ in range(12):
        night.add()
    night.show(sky(12), sky(1), 12)
    window.live.tick()
    drawn(window.canvas, qtbot)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_D)
    drawn(window.canvas, qtbot)
    whole = _shown(window)
    window.canvas._pace.share, window.canvas._pace._is_first = share, True
    with qtbot.waitSignal(window.canvas.drew, timeout=30_000):
        window.develop.sliders[0].setValue(700)
    assert _shown(window)[0] == pytest.approx(share * whole[0], abs=1)
    drawn(window.canvas, qtbot)
    assert _shown(window) == whole
