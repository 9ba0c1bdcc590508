"""Every state as the window shows it: no word is cut, nothing moves; pictures of all are left in tests/show/screens."""

from __future__ import annotations

import numpy as np
import pytest
from pyqtgraph.Qt import QtWidgets
from pytestqt.qtbot import QtBot

from livestack.frame import Array
from livestack.show.qt.window import Window
from livestack.show.status import Status
from livestack.show.tokens import DARK, LIGHT, NIGHT, Palette
from tests.show.grab import drawn, keep, pixels
from tests.show.night import Night, sky
from tests.show.test_pill import STATES, states

__all__ = ["states"]


def _bars(window: Window) -> Array:
    """What the window shows above and below the picture."""
    seen = pixels(window)
    return np.concatenate([seen[: window.top.height()], seen[-window.glance.height() :]])


def _places(window: Window) -> list[object]:
    glance = window.glance
    parts = (*glance.cells, glance.icon, glance.advice, glance.ribbon, window.top.target, window.top.chip)
    return [part.geometry() for part in parts]


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["1280", "1920"])
@pytest.mark.parametrize("palette", [DARK, LIGHT, NIGHT], ids=["dark", "light", "night"])
def test_each_state_is_read_at_a_glance(
    window: Window,
    night: Night,
    states: dict[str, Status],
    qtbot: QtBot,
    palette: Palette,
    size: tuple[int, int],
) -> None:
    window.resize(*size)
    for _ in range(6):
        night.add()
    night.show(sky(6), sky(1), 6)
    window.live.tick()
    window.live.clock.stop()
    window.set_palette(palette)
    drawn(window.canvas, qtbot)
    strips, stands = [], None
    for name in STATES:
        shown = states[name]
        window.top.set_status(shown)
        window.glance.set_status(shown)
        QtWidgets.QApplication.processEvents()
        strips.append(_bars(window))
        stands = stands or _places(window)
        assert _places(window) == stands, f"{name} moves something"
        pill, advice = window.top.pill, window.glance.advice
        assert not pill.is_short and pill.width() >= pill.sizeHint().width(), name
        assert abs(2 * pill.x() + pill.width() - size[0]) <= 1, "in the middle"
        assert advice.text() == shown.advice, f"{name} is not told to its end"
    keep(f"states-{palette.bg1[1:]}-{size[0]}.jpg", np.concatenate(strips))
