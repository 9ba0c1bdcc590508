"""A viewer in a process of its own can be killed at any moment: the stack does not know that there was one."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.night import sessions
from tests.nights import take

KILLS = 20


@pytest.mark.slow
def test_a_viewer_killed_twenty_times_leaves_the_stack_as_it_is(tmp_path: Path) -> None:
    lights = take(tmp_path / "night", n_lights=KILLS, size=(240, 320), n_stars=400, n_satellites=3)
    captures, session, alone = tmp_path / "captures", tmp_path / "s", tmp_path / "alone"
    captures.mkdir()
    draw = random.Random(11)
    engine = sessions.start("watch", captures, "--session", session, "--viewer", "none", "--settle", 0.2)
    sessions.wait_for(session, "EXISTS (SELECT 1 FROM event WHERE kind = 'SessionStarted')")
    for n, light in enumerate(lights, 1):
        viewer = sessions.start("view", session)
        time.sleep(draw.uniform(0.2, 2.5))
        # it dies before its window is there, while it draws, or while it reads the picture of this sub
        shutil.copy2(light, captures)
        if draw.random() < 0.5:
            sessions.wait_for(session, f"(SELECT count(*) FROM sub) >= {n}")
        time.sleep(draw.uniform(0.0, 0.4))
        assert viewer.poll() is None, viewer.communicate()[0]
        viewer.kill()
        viewer.communicate()
        assert engine.poll() is None, engine.communicate()[0]
    sessions.wait_for(session, f"(SELECT count(*) FROM sub) >= {KILLS}")
    engine.send_signal(signal.SIGINT)
    said = engine.communicate(timeout=120)[0]
    assert engine.returncode == 130, said
    paths = [sub["path"] for sub in sessions.subs(session)]
    sessions.run("stack", *paths, "--passes", 1, "--order", "given", "--out", f"{tmp_path}/out/", "--session", alone)
    sessions.assert_equal_sessions(session, alone)
