"""The screen goes away under the window: its server dies. The night does not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.night import sessions
from tests.nights import take


@pytest.fixture
def screen(xvfb: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of a screen, and the display it is."""
    told, tells = os.pipe()
    server = subprocess.Popen([xvfb, "-displayfd", str(tells), "-screen", "0", "1280x800x24"], pass_fds=[tells])
    os.close(tells)
    with os.fdopen(told) as said:
        display = f":{int(said.readline())}"
    yield server, display
    server.kill()
    server.wait()


@pytest.mark.slow
def test_a_night_outlives_its_screen(tmp_path: Path, screen: tuple[subprocess.Popen[bytes], str]) -> None:
    lights = take(tmp_path / "night", n_lights=6, size=(240, 320), n_stars=400)
    captures, session = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    server, display = screen
    engine = subprocess.Popen(
        [*sessions.LIVESTACK, "watch", captures, "--session", session, "--settle", "0.2", "--viewer", "qt"],
        env={**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for n, light in enumerate(lights, 1):
        if n == 4:
            time.sleep(1.0)  # its window is there by now, and shows them
            assert engine.poll() is None, engine.communicate()[0]
            server.kill()
        shutil.copy2(light, captures)
        sessions.wait_for(session, f"(SELECT count(*) FROM sub WHERE state = 'accepted') >= {n}")
    engine.send_signal(signal.SIGINT)
    said = engine.communicate(timeout=60)[0]
    assert engine.returncode == 130, said
    assert "the screen is gone: the session goes on without a window" in said
    assert "Traceback" not in said
    assert len(sessions.products(session)) == 1, "the stack is saved"
    assert (session / "report.html").stat().st_size > 0
