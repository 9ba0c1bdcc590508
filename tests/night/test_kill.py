"""Killed at any moment, a session goes on as if nothing had happened: the same bits, no sub lost or twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.night import sessions

KILLS = int(os.environ.get("LIVESTACK_KILLS", "30"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_thirty_times_equals_never_killed(real_data: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    frames = sorted((real_data / "A_arp186_asi290_altaz").glob("*.fit"), key=lambda path: int(path.stem[2:]))
    captures.mkdir()
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    draw = random.Random(20261124)
    waiting = list(frames)
    kills = 0
    while kills < KILLS:
        # a frame or two more each time: every kill falls somewhere else, before, in and after the looks
        for frame in waiting[: draw.randint(1, 2)]:
            shutil.copy2(frame, captures / frame.name)
            waiting.remove(frame)
        process = sessions.start("watch", captures, "--session", killed, "--viewer", "none", "--save-every", 1)
        time.sleep(draw.uniform(0.8, 5.0))
        assert process.poll() is None, process.communicate()[0]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    for frame in waiting:
        shutil.copy2(frame, captures / frame.name)
    said = sessions.run("watch", captures, "--session", killed, "--viewer", "none", "--until-idle", 3)
    subs = sessions.accepted(killed)
    assert len(subs) == len(frames), said
    assert max(Counter(sub["sha256"] for sub in subs).values()) == 1
    paths = [sub["path"] for sub in sessions.subs(killed)]
    sessions.run("stack", *paths, "--passes", 1, "--order", "given", "--out", f"{tmp_path}/out/", "--session", whole)
    sessions.assert_equal_sessions(killed, whole)
