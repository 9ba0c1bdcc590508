"""Equal means equal: watched slowly and out of order, with any number of workers, or stacked at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.night import sessions

pytestmark = pytest.mark.slow

CAMERA = Path(__file__).with_name("slow_camera.py")


@pytest.mark.parametrize(
    ("sequence", "jobs"),
    [
        ("A_m27_asi224_osc", 1),
        ("A_arp186_asi290_altaz", 3),
        ("A_hatp32_microobs", 2),
        ("A_skycamt_20150608_sat", 2),
    ],
)
def test_watched_equals_stacked(real_data: Path, tmp_path: Path, sequence: str, jobs: int) -> None:
    captures, watched, stacked = tmp_path / "captures", tmp_path / "watched", tmp_path / "stacked"
    captures.mkdir()
    frames = sorted(path for path in (real_data / sequence).iterdir() if path.suffix.lower().startswith(".fit"))
    watching = sessions.start(
        "watch", captures, "--session", watched, "--viewer", "none", "--until-idle", 6, "--jobs", jobs
    )
    subprocess.run(
        [
            sys.executable,
            CAMERA,
            captures,
            *frames,
            "--shuffle",
            "7",
            "--chunks",
            "20",
            "--pause",
            "0.01",
            "--junk",
            "text,empty,hidden,thumbnail,half",
        ],
        check=True,
    )
    said, _ = watching.communicate(timeout=240)
    assert watching.returncode == 0, said
    subs = sessions.subs(watched)
    assert sum(sub["state"] == "accepted" for sub in subs) == len(frames), said
    # the journal's order, and with another number of workers
    paths = [sub["path"] for sub in subs]
    other_jobs = jobs % 3 + 1
    session = stacked.with_name(f"stacked-{other_jobs}")
    sessions.run(
        "stack",
        *paths,
        "--passes",
        1,
        "--order",
        "given",
        "--out",
        f"{tmp_path}/out/",
        "--session",
        session,
        "--jobs",
        other_jobs,
    )
    sessions.assert_equal_sessions(watched, session)
