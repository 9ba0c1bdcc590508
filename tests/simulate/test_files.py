"""A synthetic night on disk looks as if camera software had written it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from livestack.errors import SettingsError, SourceError
from livestack.simulate import Night, NightOptions, shots, write_night

OPTIONS = NightOptions(
    size=(128, 192), n_stars=30, n_lights=6, n_darks=2, n_flats=2, n_bias=2, torn_at=2, duplicate_at=3, flip_at=4
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    folder = tmp_path_factory.mktemp("night") / "captures"
    return folder, write_night(folder, OPTIONS)


def test_a_library_reads_every_pixel(written: tuple[Path, list[Path]]) -> None:
    folder, _ = written
    night = Night(OPTIONS)
    takes = {"light": night.light, "dark": night.dark, "flat": night.flat, "bias": night.bias}
    for shot in shots(OPTIONS):
        if shot.kind == "light" and shot.no == OPTIONS.torn_at:
            continue
        with fits.open(folder / shot.name) as hdus:
            hdus.verify("exception")
            np.testing.assert_array_equal(hdus[0].data, takes[shot.kind](shot.no))
            assert hdus[0].data.dtype == np.uint16
            assert hdus[0].header["IMAGETYP"] == shot.kind.upper()


def test_the_header_says_what_cameras_say(written: tuple[Path, list[Path]]) -> None:
    folder, _ = written
    lights = sorted((folder / "LIGHT").iterdir())
    head = fits.getheader(lights[0])
    expected = {
        "EXPTIME": 30.0,
        "GAIN": 100,
        "OFFSET": 500,
        "EGAIN": 0.8,
        "CCD-TEMP": -10.0,
        "XPIXSZ": 3.76,
        "FOCALLEN": 480.0,
        "BAYERPAT": "RGGB",
        "ROWORDER": "TOP-DOWN",
        "DATE-OBS": "2026-03-14T20:30:00.000",
        "OBJECT": "Demo Galaxy",
        "RA": 186.0,
        "DEC": 48.5,
        "INSTRUME": "Synthetic 1M",
        "PIERSIDE": "East",
    }
    assert {name: head[name] for name in expected} == expected
    assert fits.getheader(lights[-1])["PIERSIDE"] == "West"
    for kind, exposure_s in (("DARK", 30.0), ("FLAT", 1.5), ("BIAS", 0.0)):
        head = fits.getheader(next((folder / kind).iterdir()))
        assert head["EXPTIME"] == exposure_s
        assert head["DATE-OBS"] < "2026-03-14T20:30:00"
        assert "OBJECT" not in head


@pytest.mark.parametrize(("order", "pattern"), [("TOP-DOWN", "GRBG"), ("BOTTOM-UP", "BGGR")])
def test_the_pattern_is_told_top_row_first(tmp_path: Path, order: str, pattern: str) -> None:
    few = {"n_darks": 0, "n_flats": 0, "n_bias": 0, "n_lights": 1}
    options = dataclasses.replace(OPTIONS, cfa="GRBG", row_order=order, filter="L-Pro", **few)
    (light,) = write_night(tmp_path / "captures", options)
    head = fits.getheader(light)
    assert (head["BAYERPAT"], head["ROWORDER"], head["FILTER"]) == (pattern, order, "L-Pro")
    mono = dataclasses.replace(options, cfa=None)
    assert "BAYERPAT" not in fits.getheader(write_night(tmp_path / "mono", mono)[0])


def test_the_torn_file_stops_in_the_middle(written: tuple[Path, list[Path]]) -> None:
    folder, _ = written
    torn, whole = (folder / s.name for s in shots(OPTIONS) if s.kind == "light" and s.no in (2, 5))
    assert 0.5 < torn.stat().st_size / whole.stat().st_size < 0.7
    with pytest.warns(AstropyUserWarning, match="truncated"):
        assert fits.getheader(torn)["NAXIS1"] == 192


def test_the_duplicate_equals_its_origin(written: tuple[Path, list[Path]]) -> None:
    folder, paths = written
    twins = [folder / s.name for s in shots(OPTIONS) if s.kind == "light" and s.no == 3]
    assert len({path.name for path in twins}) == 2
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert len(digests) - len(set(digests)) == 1
    assert twins[0].read_bytes() == twins[1].read_bytes()


def test_the_truth_lies_beside_the_folder(written: tuple[Path, list[Path]]) -> None:
    folder, paths = written
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == sorted(paths)
    truth = json.loads((folder.parent / "captures.truth.json").read_text())
    assert [folder / entry["name"] for entry in truth["files"]] == paths
    assert truth["lights"][2]["flags"] == ["torn"]
    night = Night(OPTIONS)
    for no, light in enumerate(truth["lights"]):
        np.testing.assert_array_equal(light["matrix"], night.truth(no).matrix)


def test_a_file_grows_under_its_final_name(tmp_path: Path) -> None:
    folder, stop = tmp_path / "captures", threading.Event()
    camera = threading.Thread(
        target=write_night, args=(folder, OPTIONS), kwargs={"chunk_pause_s": 0.05, "stop": stop, "pace_s": 0.0}
    )
    camera.start()
    sizes: set[int] = set()
    while len(sizes) < 3 and camera.is_alive():
        sizes |= {path.stat().st_size for path in folder.rglob("*.fits")}
        time.sleep(0.002)
    stop.set()
    camera.join()
    assert len(sizes) >= 3
    finished = {path.stat().st_size for path in folder.rglob("*.fits")}
    assert len(finished) == 1, "the file in hand is finished, and no other begun"


def test_the_pace_can_be_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    paths = write_night(tmp_path / "captures", OPTIONS, pace_s=3600.0, stop=stop)
    assert [path.parent.name for path in paths].count("LIGHT") <= 1


def test_nothing_is_written_among_other_files(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(SettingsError, match=r"not empty[^\n]+$"):
        write_night(tmp_path, OPTIONS)
    assert list(tmp_path.iterdir()) == [mine]
    with pytest.raises(SourceError, match=r"cannot be written[^\n]+$"):
        write_night(mine / "captures", OPTIONS)
