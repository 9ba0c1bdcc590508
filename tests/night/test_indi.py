"""A night with other people's camera software: INDI's simulators shoot real stars into a folder that is watched."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.night import gsc
from tests.night.indi_camera import indi_camera, missing

FRAMES = 10


@pytest.fixture(scope="module")
def _simulator() -> None:
    if needed := missing():
        pytest.skip(needed)


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_simulator")]


def test_the_catalogue_has_a_known_star() -> None:
    """13 Vulpeculae: 19h 53m 27.7s, +24° 04' 47", 4.6 mag."""
    brightest = min(gsc.stars_near(298.37, 24.08, 0.3), key=lambda star: star[2])
    assert brightest == pytest.approx((298.3654, 24.0796, 4.6), abs=0.05)


def test_the_camera_sees_stars(tmp_path: Path) -> None:
    """Two frames of one place hold the same bright stars."""
    work = tmp_path / "indi"
    work.mkdir()
    with indi_camera(work) as camera:
        first, second = (fits.getdata(path) for path in camera.shoot(tmp_path / "captures", 2, 1.0))
    assert first.shape == (1024, 1280)
    bright = [frame > np.median(frame) + 2000.0 for frame in (first, second)]
    assert bright[0].sum() > 200
    assert (bright[0] & bright[1]).sum() > 0.95 * (bright[0] | bright[1]).sum()


def test_every_frame_of_the_camera_is_stacked(tmp_path: Path) -> None:
    """Watching while the camera shoots: all frames accepted, in one stack."""
    work, captures, session = tmp_path / "indi", tmp_path / "captures", tmp_path / "session"
    work.mkdir()
    captures.mkdir()
    command = [sys.executable, "-m", "livestack", "watch", str(captures), "--session", str(session)]
    with indi_camera(work) as camera:
        watcher = subprocess.Popen(
            [*command, "--viewer", "none", "--until-idle", "20"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            shot = list(camera.shoot(captures, FRAMES, 1.0, dither_arcsec=15.0))
            said, _ = watcher.communicate(timeout=240)
        finally:
            watcher.kill()
    assert watcher.returncode == 0, said
    with closing(sqlite3.connect(session / "journal.sqlite")) as journal:
        subs = journal.execute("SELECT path, state, sentence, matrix FROM sub ORDER BY no").fetchall()
        stacks = journal.execute("SELECT target, n_subs FROM stack").fetchall()
    assert [(Path(path), state) for path, state, _, _ in subs] == [(path, "accepted") for path in shot], subs
    assert stacks == [("M 27", FRAMES)]
    shifts_px = [np.hypot(*np.array(json.loads(matrix))[:2, 2]) for *_, matrix in subs]
    assert max(shifts_px) > 3, "the telescope was moved between the frames"
