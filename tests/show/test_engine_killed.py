"""An engine that is killed takes nothing off the screen: one line says so, until it is back."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from livestack.show.qt.window import Window
from livestack.show.source import open_source
from tests.night import sessions
from tests.nights import take
from tests.show.grab import drawn, pixels

TIMEOUT_MS = 60_000


@pytest.mark.slow
def test_the_picture_stays_and_the_line_goes_away_by_itself(tmp_path: Path, qtbot: QtBot) -> None:
    lights = take(tmp_path / "night", n_lights=6, size=(240, 320), n_stars=400)
    captures, session = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    for light in lights[:5]:
        shutil.copy2(light, captures)
    words = ("watch", captures, "--session", session, "--viewer", "none", "--settle", 0.2)
    engine = sessions.start(*words)
    sessions.wait_for(session, "(SELECT count(*) FROM sub WHERE state = 'accepted') >= 5")
    source = open_source(session)
    window = Window(source)
    qtbot.addWidget(window)
    window.show()

    def stacked() -> int:
        picture = window.live.pictures.stack
        return 0 if picture is None else picture.n_subs

    try:
        qtbot.waitUntil(lambda: stacked() == 5, timeout=TIMEOUT_MS)
        drawn(window.canvas, qtbot)
        window.switcher.hide()
        before = pixels(window.canvas)
        engine.send_signal(signal.SIGKILL)
        engine.communicate()
        qtbot.waitUntil(lambda: window.top.pill.accessibleDescription().startswith("Stopped"), timeout=TIMEOUT_MS)
        assert "goes on where it was" in window.glance.advice.text() + window.glance.advice.toolTip()
        drawn(window.canvas, qtbot)
        moved = np.abs(pixels(window.canvas).astype(int) - before)
        assert moved.mean() < 2, "the picture stays, or is the newest that there was"
        shutil.copy2(lights[5], captures)
        engine = sessions.start(*words)
        qtbot.waitUntil(lambda: stacked() == 6, timeout=TIMEOUT_MS)
        assert not window.top.pill.accessibleDescription().startswith("Stopped")
        assert window.canvas.is_shown
    finally:
        engine.send_signal(signal.SIGINT)
        engine.communicate(timeout=60)
        source.journal.close()
