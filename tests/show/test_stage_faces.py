"""The screen for guests: what it looks up is looked up beside the window; pictures of it are left in all colours."""

from __future__ import annotations

import threading

import pytest
from pytestqt.qtbot import QtBot

from livestack.show.qt.window import Window
from livestack.show.tokens import DARK, LIGHT, NIGHT
from livestack.sky.catalogue import named
from tests.show.grab import drawn, keep, pixels
from tests.show.night import Night
from tests.show.test_stage import _grow, _stage, served

__all__ = ["served"]


def test_what_another_target_is_is_looked_up_beside_the_window(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 3, qtbot)
    stage = _stage(served, qtbot)
    qtbot.waitUntil(lambda: "Dumbbell Nebula" in stage.board.accessibleName(), timeout=10_000)
    busy = threading.Event()
    for canvas in (served.canvas, stage.canvas):
        canvas.aside(lambda _: busy.wait(30), lambda _: None)  # what else is asked for waits
    named.cache_clear()
    night.found("M_57", "M 57")
    night.add()
    served.live.tick()
    for _ in range(2):
        stage.tick()
    assert named.cache_info().misses == 0 and "Dumbbell Nebula" in stage.board.accessibleName()
    busy.set()
    qtbot.waitUntil(lambda: "Ring Nebula" in stage.board.accessibleName(), timeout=10_000)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["1280", "1920"])
def test_what_is_for_guests_is_left_as_a_picture_in_each_colour(
    served: Window, night: Night, qtbot: QtBot, size: tuple[int, int]
) -> None:
    served.resize(*size)
    stage = _stage(served, qtbot)
    stage.resize(*size)
    palettes = {"dark": DARK, "light": LIGHT, "night": NIGHT}
    for face in ("empty", "full"):
        for name, palette in palettes.items():
            served.set_palette(palette)
            drawn(served.canvas, qtbot)
            drawn(stage.canvas, qtbot)
            served.audience.toggle_code()
            for what, widget in (("stage", stage), ("code", served)):
                seen = pixels(widget)
                keep(f"{what}-{face}-{name}-{size[0]}.jpg", seen)
                assert palette is not NIGHT or seen[..., 1:].max() == 0, f"{what} glows"
            served.audience.toggle_code()
        _grow(served, night, 12, qtbot)
        stage.tick()
        qtbot.waitUntil(lambda: "12 photos" in stage.board.accessibleName(), timeout=10_000)
