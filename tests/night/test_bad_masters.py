"""Calibration frames that do not fit, or hardly: each is refused, or used with a sentence; the lights are stacked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.frame import Array
from livestack.simulate import NightOptions
from livestack.simulate.night import Night
from tests.night import sessions
from tests.reduce.fields import draw_stars, star_field

pytestmark = pytest.mark.slow

OPTIONS = NightOptions(size=(300, 400), cfa=None, torn_at=None, trailed_at=None, duplicate_at=None, hot_fraction=1e-3)
NIGHT = Night(OPTIONS)


def write(path: Path, data: Array, kind: str, **cards: object) -> None:
    header = fits.Header({"IMAGETYP": kind, "INSTRUME": "Camera One", "GAIN": 100, **cards})
    fits.PrimaryHDU(data, header).writeto(path)


def lights(folder: Path, eight_bit: bool = False) -> None:
    for no in range(3):
        data = NIGHT.light(no)
        data = np.minimum(data >> 4, 255).astype(np.uint8) if eight_bit else data
        write(folder / f"light_{no}.fits", data, "Light Frame", EXPTIME=30.0)


def biases(folder: Path, n: int = 4) -> None:
    for no in range(n):
        write(folder / f"bias_{no}.fits", NIGHT.bias(no), "Bias Frame", EXPTIME=0.0)


def darks(folder: Path, n: int = 4, exposure_s: float = 30.0, **cards: object) -> None:
    for no in range(n):
        name = f"dark_{exposure_s:g}s_{no}.fits"
        write(folder / name, NIGHT.dark(no), "Dark Frame", **{"EXPTIME": exposure_s, **cards})


def flats(folder: Path, n: int = 4, stars: Array | None = None, step_px: float = 0.0, gain: float = 1.0) -> None:
    for no in range(n):
        data = NIGHT.flat(no) * gain
        if stars is not None:
            data = data + draw_stars(OPTIONS.size, stars + np.array([step_px * no, 0, 0]), 3.0)
        write(folder / f"flat_{no}.fits", np.clip(data, 0, 65535).astype(np.uint16), "Flat Field", EXPTIME=1.5)


def dark_of_another_camera(folder: Path) -> None:
    darks(folder, INSTRUME="Camera Two")


def dark_of_another_gain(folder: Path) -> None:
    darks(folder, GAIN=250)


def flats_that_saturate(folder: Path) -> None:
    biases(folder)
    flats(folder, gain=4.0)


def flats_with_stars_that_moved(folder: Path) -> None:
    biases(folder)
    flats(folder, 8, star_field(20, OPTIONS.size, 1, border=80, apart=25) * [1, 1, 5], step_px=8.0)


def one_flat_with_stars(folder: Path) -> None:
    biases(folder)
    flats(folder, 1, star_field(20, OPTIONS.size, 1, border=30, apart=25) * [1, 1, 5])


def masters_of_one_frame(folder: Path) -> None:
    darks(folder, 1)


def darks_of_two_exposures(folder: Path) -> None:
    darks(folder)
    darks(folder, exposure_s=120.0)


def darks_of_none_that_fits(folder: Path) -> None:
    darks(folder, exposure_s=120.0)


def master_dark_with_blanks(folder: Path) -> None:
    data = np.mean([NIGHT.dark(no) for no in range(4)], axis=0).astype(np.float32)
    data[100:102, 50:60] = np.nan
    write(folder / "master_dark.fits", data, "Master Dark", EXPTIME=30.0)


def flat_of_another_size(folder: Path) -> None:
    biases(folder)
    write(folder / "flat.fits", NIGHT.flat(0)[:200], "Flat Field", EXPTIME=1.5)


Fill = Callable[[Path], None]


@pytest.mark.parametrize(
    ("fill", "used", "words"),
    [
        (dark_of_another_camera, (), "no dark of 30 s matches: the nearest is from Camera Two, the lights"),
        (dark_of_another_gain, (), "no dark of 30 s matches: the nearest is of gain 250, the lights of 100"),
        (flats_that_saturate, ("bias",), "flat_0.fits is overexposed"),
        (flats_with_stars_that_moved, ("bias", "flat"), "there are stars in 8 of 8 flats: left out of their mean"),
        (one_flat_with_stars, ("bias", "flat"), "there are stars in the flat, and they leave dark spots in the lights"),
        (masters_of_one_frame, ("dark",), "the dark is one frame: its noise goes into every light"),
        (darks_of_two_exposures, ("dark",), "no flat matches"),
        (darks_of_none_that_fits, (), "no dark of 30 s matches: the nearest is of 120 s"),
        (master_dark_with_blanks, ("dark",), "20 px of the dark are no numbers"),
        (flat_of_another_size, ("bias",), "no flat matches: the nearest is 400×200 px, the lights 400×300"),
    ],
)  # fmt: skip
def test_each_is_refused_or_used_with_a_sentence(tmp_path: Path, fill: Fill, used: tuple[str, ...], words: str) -> None:
    captures, masters = tmp_path / "captures", tmp_path / "masters"
    captures.mkdir()
    masters.mkdir()
    lights(captures)
    fill(masters)
    said = sessions.run(
        "stack", captures, "--masters", masters, "--out", tmp_path / "x.fits", "--session", tmp_path / "s"
    )
    assert words in said
    assert (f"calibrated with {', '.join(used)};" if used else "not calibrated;") in said
    assert len(sessions.accepted(tmp_path / "s")) == 3
    planes = sessions.planes(tmp_path / "x.fits")
    assert np.isfinite(planes["PRIMARY"][planes["COVERAGE"] > 0]).all()
    (matched,) = sessions.events(tmp_path / "s", "MastersMatched")
    if fill is darks_of_two_exposures:
        assert {Path(path).name for path in matched["dark"]} == {f"dark_30s_{no}.fits" for no in range(4)}


def test_lights_of_eight_bit_and_darks_of_sixteen(tmp_path: Path) -> None:
    captures, masters = tmp_path / "captures", tmp_path / "masters"
    captures.mkdir()
    masters.mkdir()
    lights(captures, eight_bit=True)
    darks(masters)
    said = sessions.run(
        "stack", captures, "--masters", masters, "--out", tmp_path / "x.fits", "--session", tmp_path / "s"
    )
    assert "the dark is brighter than the lights: ignored (another offset, or lights of 8 bit?)" in said
    assert "not calibrated" in said
