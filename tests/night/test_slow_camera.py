"""The slow camera delivers what it is given, byte for byte, and nothing that looks like a frame besides."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.night.slow_camera import JUNK, WAYS

PROGRAM = Path(__file__).with_name("slow_camera.py")


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "frames"
    folder.mkdir()
    paths = [folder / f"sub_{number}.fits" for number in range(6)]
    for path in paths:
        path.write_bytes(random.Random(path.name).randbytes(5000))
    return paths


def run(folder: Path, frames: list[Path], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), str(folder), *map(str, frames), "--pause", "0.001", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_writing_gives_the_same_bytes(tmp_path: Path, frames: list[Path], way: str) -> None:
    done = run(tmp_path / "new" / "captures", frames, "--way", way)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [path.name for path in frames]
    for path in frames:
        assert (tmp_path / "new" / "captures" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "new" / "captures").iterdir())) == len(frames)


def test_a_seed_gives_one_other_order(tmp_path: Path, frames: list[Path]) -> None:
    orders = [run(tmp_path / name, frames, "--shuffle", "7").stdout.split() for name in "ab"]
    assert orders[0] == orders[1] != [path.name for path in frames]
    assert sorted(orders[0]) == [path.name for path in frames]


def test_junk_lies_between_whole_frames(tmp_path: Path, frames: list[Path]) -> None:
    done = run(tmp_path / "captures", frames, "--junk", ",".join(JUNK))
    assert sorted(done.stdout.split()) == [path.name for path in frames]
    assert done.stdout.split() != [path.name for path in frames], "a half frame is finished after its successor"
    for path in frames:
        assert (tmp_path / "captures" / path.name).read_bytes() == path.read_bytes()
    names = {path.name for path in (tmp_path / "captures").iterdir()} - {path.name for path in frames}
    assert names >= {"sub_0.CameraSettings.txt", "empty_1.fits", ".sub_2.fits", "sub_3_thn.jpg"}


def test_wrong_arguments_are_told(tmp_path: Path, frames: list[Path]) -> None:
    assert run(tmp_path, frames, "--junk", "rubbish").returncode == 2
    done = run(tmp_path, [tmp_path / "none.fits"])
    assert done.returncode == 2
    assert "none.fits" in done.stderr
