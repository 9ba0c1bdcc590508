"""Masters made by themselves: of a folder of calibration frames, for livestack and for others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.read import open_frame
from livestack.simulate.fits import fits_bytes
from tests.night import sessions

SIZE = (60, 80)


def _write(path: Path, kind: str, level: float, noise: float, no: int, **keywords: str | float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.random.default_rng(no).normal(level, noise, SIZE).round().astype(np.uint16)
    header = {"IMAGETYP": kind, "GAIN": 100, "CCD-TEMP": -10.0, "DATE-OBS": f"2026-03-14T20:{no % 60:02}:00"}
    path.write_bytes(fits_bytes(data, {**header, **keywords}))


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Bias, darks of two exposures, flats in two filters, a light and a text."""
    folder = tmp_path / "frames"
    for k in range(9):
        _write(folder / f"bias_{k}.fits", "Bias Frame", 500, 4, k, EXPTIME=0.0)
        _write(folder / f"dark_{k}.fits", "Dark Frame", 520, 4, 20 + k, EXPTIME=120.0)
        _write(folder / f"long_{k}.fits", "Dark Frame", 560, 4, 40 + k, EXPTIME=300.0)
        _write(folder / f"flat_{k}.fits", "Flat Field", 20_500, 150, 60 + k, EXPTIME=1.5, FILTER="Ha")
        _write(folder / f"oiii_{k}.fits", "Flat Field", 10_500, 110, 80 + k, EXPTIME=2.5, FILTER="O III")
    _write(folder / "light.fits", "Light Frame", 900, 5, 99, EXPTIME=120.0)
    (folder / "notes.txt").write_text("at dusk")
    return folder


def test_every_set_has_its_master(frames: Path, tmp_path: Path) -> None:
    said = sessions.run("master", frames, "--out", f"{tmp_path}/masters/")
    names = sorted(path.name for path in (tmp_path / "masters").iterdir())
    assert names == [
        "master_bias_gain100.fits",
        "master_dark_120s_gain100_-10C.fits",
        "master_dark_300s_gain100_-10C.fits",
        "master_flat_Ha_gain100.fits",
        "master_flat_O-III_gain100.fits",
    ]
    assert "mean of 9, noise 1.3" in said
    dark = open_frame(tmp_path / "masters" / names[1])
    assert dark.header.kind == "master_dark"
    assert (dark.header.exposure_s, dark.header.gain, dark.header.temperature_c) == (120.0, 100.0, -10.0)
    assert dark.data.mean() == pytest.approx(520, abs=0.2)
    assert dark.data.std() == pytest.approx(4 / 3, rel=0.1)
    card = fits.getheader(tmp_path / "masters" / names[1])
    assert card["NCOMBINE"] == 9
    assert card["NOISEADU"] == pytest.approx(4 / 3, rel=0.06)
    assert any("dark_0.fits" in line for line in card["HISTORY"])
    flat = open_frame(tmp_path / "masters" / names[3])
    assert flat.data.mean() == pytest.approx(20_000, rel=1e-3), "its bias is taken off"
    assert fits.getheader(tmp_path / "masters" / names[3])["CALSTAT"] == "B"


def test_one_file_for_one_master(frames: Path, tmp_path: Path) -> None:
    darks = sorted(frames.glob("dark_*"))
    sessions.run("master", *darks, "--out", tmp_path / "dark.fits")
    assert (tmp_path / "dark.fits").exists()
    said = sessions.run("master", frames, "--out", tmp_path / "all.fits", code=2)
    assert "5 masters come out (bias_gain100; dark_120s" in said
    assert said.count("livestack: ") == 1


def test_what_the_files_are_can_be_named(frames: Path, tmp_path: Path) -> None:
    """Frames of a camera that calls everything a light."""
    light, out = frames / "light.fits", tmp_path / "dark.fits"
    assert "--kind names what the files are" in sessions.run("master", light, "--out", out, code=3)
    said = sessions.run("master", light, "--kind", "dark", "--out", out)
    assert open_frame(out).header.kind == "master_dark"
    assert "one frame: its noise goes into every light" in said


def test_frames_are_never_written(frames: Path) -> None:
    before = (frames / "dark_0.fits").read_bytes()
    sessions.run("master", *sorted(frames.glob("dark_*")), "--out", frames / "dark_0.fits", code=2)
    assert (frames / "dark_0.fits").read_bytes() == before


def test_rows_that_run_upwards_keep_their_pattern(tmp_path: Path) -> None:
    for height in (60, 61):
        folder = tmp_path / str(height)
        folder.mkdir()
        for k in range(3):
            data = np.random.default_rng(k).normal(500, 4, (height, 80)).round().astype(np.uint16)
            words = {"IMAGETYP": "Dark", "EXPTIME": 10.0, "BAYERPAT": "GRBG", "ROWORDER": "BOTTOM-UP"}
            (folder / f"d{k}.fits").write_bytes(fits_bytes(data, words))
        sessions.run("master", folder, "--out", folder / "m.fits")
        card = fits.getheader(folder / "m.fits")
        assert (card["BAYERPAT"], card["ROWORDER"]) == ("GRBG", "BOTTOM-UP")
        assert open_frame(folder / "m.fits").header.cfa == open_frame(folder / "d0.fits").header.cfa
