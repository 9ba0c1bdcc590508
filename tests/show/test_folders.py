"""What the start page says of a folder: how many pictures, how old, of what, and which masters fit them."""

from __future__ import annotations

import os
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.errors import SettingsError
from livestack.frame import Header
from livestack.read.kinds import kind_of
from livestack.settings import Processing
from livestack.show import folders
from livestack.show.folders import Contents, Library, contents, contents_words, masters_for, usual_places, what_is_taken
from livestack.show.words import THIN, ago, day

NOW = datetime(2026, 8, 20, 23, 30).astimezone()


def write(path: Path, minutes_old: float = 1.0, **keywords: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu = fits.PrimaryHDU(np.zeros((20, 30), np.uint16))
    hdu.header.update({name.replace("_", "-"): value for name, value in keywords.items()})
    hdu.writeto(path)
    then = (NOW - timedelta(minutes=minutes_old)).timestamp()
    os.utime(path, (then, then))
    return path


def look(folder: Path) -> Contents:
    return contents(folder, threading.Event())


LIGHT = {"EXPTIME": 20.0, "OBJECT": "M 27", "BAYERPAT": "RGGB", "INSTRUME": "ASI", "GAIN": 100, "CCD_TEMP": -10.0}


def test_pictures_are_counted_and_the_newest_tells_how_old_they_are(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", 30)
    write(tmp_path / "night" / "b.fits", 2)
    write(tmp_path / "darks" / "d.fits", 1)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "a.jpg").write_bytes(b"a second format of a.fits")
    seen = look(tmp_path)
    assert [path.name for path in seen.lights] == ["b.fits", "a.fits"]
    assert [path.name for path in seen.others] == ["d.fits"]
    assert contents_words(seen, NOW) == "2 pictures, the last one 2 minutes ago"


def test_a_folder_without_pictures_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert contents_words(look(tmp_path), NOW) == "No pictures yet"
    assert contents_words(look(tmp_path / "none"), NOW) == "Not there now"


def test_a_huge_folder_is_not_looked_through_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_FILES", 3)
    for k in range(5):
        write(tmp_path / f"{k}.fits")
    assert contents_words(look(tmp_path), NOW) == "More than 3 pictures, the last one 1 minute ago"


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (timedelta(seconds=14), "14 seconds ago"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(minutes=12), "12 minutes ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(hours=24), "last night"),
        (timedelta(days=5), "5 nights ago"),
        (timedelta(days=18), "2 August"),
        (timedelta(days=365), "20 August 2025"),
        (timedelta(seconds=-90), "just now"),
    ],
)
def test_how_long_ago(then: timedelta, said: str) -> None:
    assert ago(NOW - then, NOW) == said
    assert day(date(2026, 8, 2), NOW) == "2 August"


def test_the_newest_picture_tells_what_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", 5, **LIGHT)
    (tmp_path / "b.fits").write_bytes(b"torn")
    found, header = what_is_taken(look(tmp_path))
    assert found.found and found.head == f"M 27, 20{THIN}s, colour camera"
    assert header is not None and header.path.name == "a.fits"


def masters(tmp_path: Path, **processing: object) -> tuple[bool, str, str]:
    seen = look(tmp_path / "lights")
    _, header = what_is_taken(seen)
    found = masters_for(header, seen, Processing(**processing), Library())
    return found.found, found.head, found.detail


def test_no_masters_are_no_fault(tmp_path: Path) -> None:
    write(tmp_path / "lights" / "a.fits", **LIGHT)
    assert masters(tmp_path) == (False, "No dark or flat", "You can add them later, even tomorrow")
    assert masters(tmp_path, calibration=False)[0] is False


def test_masters_that_fit_are_ticked_by_what_they_were_matched(tmp_path: Path) -> None:
    write(tmp_path / "lights" / "a.fits", **LIGHT)
    write(tmp_path / "masters" / "d.fits", **LIGHT | {"IMAGETYP": "Dark"})
    named = str(tmp_path / "masters")
    assert masters(tmp_path, masters=(named,)) == (
        True,
        "Dark found",
        "No flat. You can add it later, even tomorrow",
    )
    write(tmp_path / "lights" / "flats" / "f.fits", **LIGHT | {"IMAGETYP": "Flat"})
    assert masters(tmp_path, masters=(named,)) == (True, "Dark and flat found", "Matched by camera, gain, temperature")


def test_masters_of_another_camera_are_told(tmp_path: Path) -> None:
    write(tmp_path / "lights" / "a.fits", **LIGHT)
    write(tmp_path / "masters" / "d.fits", **LIGHT | {"IMAGETYP": "Dark", "GAIN": 200})
    found, head, detail = masters(tmp_path, masters=(str(tmp_path / "masters"),))
    assert not found and head == "No dark or flat fits" and "gain 200" in detail


def test_masters_that_are_gone_are_told_without_the_way_there(tmp_path: Path) -> None:
    write(tmp_path / "lights" / "a.fits", **LIGHT)
    found, head, detail = masters(tmp_path, masters=(str(tmp_path / "away" / "masters"),))
    assert (found, head, detail) == (False, "The masters are not there", "Away / masters is not there")


def test_before_the_first_picture_masters_are_at_hand(tmp_path: Path) -> None:
    write(tmp_path / "masters" / "d.fits", **LIGHT | {"IMAGETYP": "Dark"})
    found = masters_for(None, Contents(), Processing(masters=(str(tmp_path / "masters"),)), Library())
    assert found.found and found.head == "Dark at hand"


def test_headers_of_a_library_are_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "masters" / "d.fits", **LIGHT | {"IMAGETYP": "Dark"})
    library = Library()
    assert [type(header) for header in library(tmp_path)] == [Header]
    path.unlink()
    assert library(tmp_path)
    with pytest.raises(SettingsError):
        Library()(tmp_path)


def test_usual_places_are_those_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DOCUMENTS_DIR", "XDG_PICTURES_DIR", "XDG_DESKTOP_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert usual_places() == []
    (tmp_path / "XDG_DOCUMENTS_DIR" / "N.I.N.A").mkdir(parents=True)
    (tmp_path / "XDG_PICTURES_DIR" / "SharpCap Captures").mkdir(parents=True)
    (tmp_path / "ASIAIR").mkdir()
    assert [name for name, _ in usual_places()] == ["N.I.N.A.", "SharpCap", "ASIAIR", "Pictures"]


def test_the_clock_of_another_zone_changes_nothing() -> None:
    assert ago(NOW.astimezone(UTC) - timedelta(hours=24), NOW.astimezone(UTC)) == "last night"


@pytest.mark.parametrize(
    "name",
    (
        "Dark/x.fits",
        "flats/x.fits",
        "M31_Bias_001.fits",
        "D_2026-08-20_22-00-00_Bin1x1_20s_NA_-10C.fits",
        "masterFlat_BIN-1.xisf",
        "FlatDark/x.fit",
        "Offset/x.fits",
        "raw_20s_60_0001_20260820-220000123_-10C.fits",
        "DWARF/CALI_FRAME/dark/x.fits",
        "M27_stacked.fits",
    ),
)
def test_what_is_no_light_by_its_path_is_not_counted(name: str, tmp_path: Path) -> None:
    assert kind_of(Path("/c") / name, {}, None) != "light", "for the reader neither"
    write(tmp_path / "M 27.fits")
    write(tmp_path / name)
    assert [path.name for path in look(tmp_path).lights] == ["M 27.fits"]
