"""What a name says: whether it is a frame, of which kind, and in which order."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from livestack.read import READERS, is_frame_name, open_header, order_key, suffix_of
from tests.read.writing import noise as noise_of
from tests.read.writing import write_dng, write_fits

FRAMES = (
    "Light_M 31_300.0s_Bin1_gain100_20250901-201112_-10.0C_0001.fit",
    "ASIAIR/Autorun/Light/M31/Light_M31_300.0s_Bin1_gain100_20250901-201112_-10.0C_0001.fit",
    "2026-08-20/LIGHT/2026-08-20_22-39-24_Ha_-10.10_300.00s_0004.fits",
    "M31/Light/Ha/M31_Light_Ha_300_secs_2026-11-22T22-01-33_001.fits",
    "SharpCap Captures/2025-10-30/Capture/18_02_45/rawframes/Capture_00001.fits",
    "masterDark_BIN-1_6248x4176_EXPOSURE-300.00s.fits",
    "home/Live/tonight/M31_001.fits",
    "IMG_0042.CR2",
    "DSC_0042.NEF",
    "Ünï cödé.FIT",
    "a.fits.fz",
    "a.FITS.GZ",
    "R_001.TIF",
    "M31_Light_001.XISF",
)
STRAYS = (
    ".hidden.fits",
    "~temp.fits",
    "tmp_001.fits",
    "TMPfile.fits",
    "a.fits.part",
    "a.fits.tmp",
    "a.fits.filepart",
    "2026-08-20_Ha_$$DSLR_SENSORTEMP$$_0001.cr2",
    "Stacked_36_Polaris_10.0s_IRCUT_20250720-224643.fit",
    "Stacked_36_Polaris_10.0s_thn.jpg",
    "Light_M31_thn.jpg",
    "M31_thumbnail.png",
    "live_stack_00012.fit",
    "ASIAIR/Live/M31/Stack_M31.fit",
    "ASIAIR/Live/Light/M31/Light_Stack30_M31_10.0s.fit",
    "Live/Dark/MasterDark_Stack10_30.0s_Bin1_2600MC_gain100.fit",
    "@eaDir/M31_001.jpg",
    "notes.txt",
    "Capture_00001.CameraSettings.txt",
    "video.avi",
    "fits",
    "a.gz",
)


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name: str) -> None:
    assert is_frame_name(Path("/captures") / name)


@pytest.mark.parametrize("name", STRAYS)
def test_strays(name: str) -> None:
    assert not is_frame_name(Path("/captures") / name)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.FITS", ".fits"), ("a.b.Fit.FZ", ".fit.fz"), ("a.fits.gz", ".fits.gz"), ("x.CR2", ".cr2"), ("none", "")],
)
def test_suffixes(name: str, suffix: str) -> None:
    assert suffix_of(Path(name)) == suffix


def test_every_promised_suffix_has_a_reader() -> None:
    promised = ".fits .fit .fts .fits.fz .fit.gz .cr2 .cr3 .crw .nef .nrw .arw .raf .dng .orf .rw2 .pef .srw .kdc .dcr"
    assert set(f"{promised} .tif .tiff .png .jpg .jpeg .xisf".split()) <= set(READERS)


KINDS = {
    # folder/name: (IMAGETYP, exposure in s, kind)
    "x/a.fits": ("LIGHT", 10, "light"),
    "x/b.fits": ("Light Frame", 10, "light"),
    "x/c.fits": ("SNAPSHOT", 10, "light"),
    "x/d.fits": ("object", 10, "light"),
    "x/e.fits": ("Dark Frame", 10, "dark"),
    "x/f.fits": ("DARK", 0, "bias"),
    "x/g.fits": ("Bias Frame", 0, "bias"),
    "x/h.fits": ("FLAT", 1, "flat"),
    "x/i.fits": ("DarkFlat", 1, "darkflat"),
    "x/j.fits": ("Flat Dark", 1, "darkflat"),
    "x/k.fits": ("Master Dark", 300, "master_dark"),
    "x/l.fits": ("masterflat", 1, "master_flat"),
    "x/m.fits": ("Master Bias", 0, "master_bias"),
    "x/n.fits": ("Stacked Light", 300, "stack"),
    "x/o.fits": ("'sky flat'", 1, "flat"),
    "darks/a.fits": ("LIGHT", 10, "light"),
    "Darks/a.fits": (None, 10, "dark"),
    "darks 300s gain100/a.fits": (None, 10, "dark"),
    "FLATS/Ha/a.fits": (None, 1, "flat"),
    "biases/a.fits": (None, 0, "bias"),
    "flat_darks/a.fits": (None, 1, "darkflat"),
    "Dark Sky Site/a.fits": (None, 10, "light"),
    "lights/dark_001.fits": (None, 10, "light"),
    "x/Dark_300.0s_Bin1_0001.fit": (None, 300, "dark"),
    "x/M31_Flat_Ha_1_secs_001.fits": (None, 1, "flat"),
    "x/bias_EFOSC.2022.fits": (None, 0, "bias"),
    "x/Dark Shark_001.fits": (None, 10, "light"),
    "x/LDN 1235_Dark Shark_001.fits": (None, 10, "light"),
    "x/darkness_001.fits": (None, 10, "light"),
    "x/masterDark_BIN-1.fits": (None, 300, "master_dark"),
    "x/MasterFlat_Ha.fits": ("Flat", 1, "master_flat"),
    "masters/bias_stacked.fits": (None, 0, "master_bias"),
    "masters/pp_flat_stacked.fits": (None, 1, "master_flat"),
    "x/masterLight_L.fits": ("LIGHT", 300, "stack"),
    "x/p.fits": ("EXT", 10, "light"),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds(name: str, tmp_path: Path) -> None:
    """The header, else the folder, else the name."""
    said, exposure_s, kind = KINDS[name]
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    cards = {"EXPTIME": float(exposure_s)} | ({"IMAGETYP": said} if said else {})
    assert open_header(write_fits(path, **cards)).kind == kind


@pytest.mark.parametrize("count", ["STACKCNT", "NCOMBINE", "NUMFRAME"])
def test_what_was_combined_is_no_sub(count: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    assert open_header(write_fits(path, IMAGETYP="Light", **{count: 20})).kind == "stack"
    assert open_header(write_fits(path, IMAGETYP="Light", **{count: 1})).kind == "light"
    assert open_header(write_fits(path, IMAGETYP="Bias", **{count: 20})).kind == "master_bias"


def in_order(paths: list[Path]) -> list[str]:
    shuffled = list(paths)
    random.Random(7).shuffle(shuffled)
    return [path.name for path in sorted(shuffled, key=order_key)]


def test_the_header_s_time_comes_first(tmp_path: Path) -> None:
    times = {"c_9.fits": "2026-01-01T20:00:00", "a_1.fits": "2026-01-01T21:00:00", "b_5.fits": "2026-01-01T22:00:00"}
    paths = [write_fits(tmp_path / name, DATE__OBS=time) for name, time in times.items()]
    assert in_order(paths) == list(times)


def test_else_the_time_in_the_name(tmp_path: Path) -> None:
    names = ["z_20260101-200000.fits", "m_2026-01-01_21-30-00_5.fits", "a_2026-01-01T22-00-00.250.fits"]
    paths = [write_fits(tmp_path / name) for name in names]
    for age, path in enumerate(paths):
        os.utime(path, (1e9 - age, 1e9 - age))
    assert in_order(paths) == names


def test_else_the_number_whatever_the_copy_did_to_the_times(tmp_path: Path) -> None:
    paths = [write_fits(tmp_path / f"L_{number}.fits") for number in (1, 2, 3, 10, 11, 100)]
    for age, path in enumerate(paths):
        os.utime(path, (1e9 - age, 1e9 - age))
    assert in_order(paths) == [path.name for path in paths]


def test_else_the_file_s_own_time(tmp_path: Path) -> None:
    paths = [write_fits(tmp_path / f"{name}.fits") for name in ("north", "east", "south")]
    for age, path in enumerate(paths):
        os.utime(path, (1e9 + age, 1e9 + age))
    assert in_order(paths) == ["north.fits", "east.fits", "south.fits"]


def test_ties_go_by_natural_path(tmp_path: Path) -> None:
    same = "2026-01-01T20:00:00"
    paths = [write_fits(tmp_path / f"a{number}.fits", DATE__OBS=same) for number in (2, 10, 9)]
    assert in_order(paths) == ["a2.fits", "a9.fits", "a10.fits"]


def test_raw_and_fits_share_one_clock(tmp_path: Path) -> None:
    dng = write_dng(tmp_path / "b.dng", noise_of((32, 32)))
    early = write_fits(tmp_path / "c.fits", DATE__OBS="2026-01-02T03:04:00")
    late = write_fits(tmp_path / "a.fits", DATE__OBS="2026-01-02T03:05:00")
    assert in_order([dng, early, late]) == ["c.fits", "b.dng", "a.fits"]


def test_files_of_every_sort_can_be_ordered(tmp_path: Path) -> None:
    """Gone, empty, junk, without a reader, with odd digits: there is a key, and the keys compare."""
    paths = [tmp_path / name for name in ("gone.fits", "empty_1.fits", "junk.cr2", "x.nef", "²³٣.fits", "notes.txt")]
    for path in paths[1:]:
        path.write_bytes(b"" if "empty" in path.name else b"junk" * 999)
    assert len(in_order(paths)) == len(paths)
