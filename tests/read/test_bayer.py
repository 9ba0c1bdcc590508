"""Colours by construction: a scene in red, green and blue, laid down as each convention says, must come back."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from livestack.errors import FrameError
from livestack.read import open_frame, open_header
from tests.read.writing import Array, noise, write_dng, write_fits

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"
ADU = {"R": 100, "G": 200, "B": 300}


def mosaic(pattern: str, height: int, width: int) -> Array:
    """The sensor as one looks at the picture, row 0 at the top, its pattern starting at the top left."""
    rows, columns = np.mgrid[:height, :width]
    values = np.array([ADU[colour] for colour in pattern])
    n = math.isqrt(len(pattern))
    return values[n * (rows % n) + columns % n].astype("u2")


def colours_in_memory(data: Array) -> str:
    names = {adu: colour for colour, adu in ADU.items()}
    return "".join(names[int(value)] for value in data[:2, :2].ravel())


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("height", "width"), [(10, 12), (11, 12), (10, 13), (11, 13)])
@pytest.mark.parametrize("order", [None, "TOP-DOWN", "BOTTOM-UP"])
def test_row_order(pattern: str, height: int, width: int, order: str | None, tmp_path: Path) -> None:
    """BAYERPAT is the top left as one looks at it; a file written from below begins with the last row."""
    seen = mosaic(pattern, height, width)
    cards = {"BAYERPAT": pattern} | ({"ROWORDER": order} if order else {})
    frame = open_frame(write_fits(tmp_path / "a.fits", seen[::-1] if order == "BOTTOM-UP" else seen, **cards))
    assert frame.header.cfa == colours_in_memory(frame.data)
    assert frame.header.row_order == order
    assert np.array_equal(mosaic(str(frame.header.cfa), height, width), frame.data), "everywhere, not only in a corner"


@pytest.mark.parametrize(("x", "y"), list(itertools.product(range(4), (0, 1, 5))))
@pytest.mark.parametrize("order", ["TOP-DOWN", "BOTTOM-UP"])
@pytest.mark.parametrize("height", [10, 11])
def test_a_subframe_starts_inside_the_pattern(x: int, y: int, order: str, height: int, tmp_path: Path) -> None:
    seen = mosaic("RGGB", 40, 40)[y : y + height, x : x + 12]
    cards = {"BAYERPAT": "RGGB", "ROWORDER": order, "XBAYROFF": x, "YBAYROFF": y}
    frame = open_frame(write_fits(tmp_path / "a.fits", seen[::-1] if order == "BOTTOM-UP" else seen, **cards))
    assert frame.header.cfa == colours_in_memory(frame.data)


@pytest.mark.parametrize(
    ("said", "cfa"),
    [
        ("rggb", "RGGB"),
        (" 'GBRG ' ", "GBRG"),
        ('"BGGR"', "BGGR"),
        ("NONE", None),
        ("TRUE", None),
        (True, None),
        ("", None),
        ("RGBW", None),
    ],
)
def test_words_that_are_patterns_and_words_that_are_not(said: object, cfa: str | None, tmp_path: Path) -> None:
    assert open_header(write_fits(tmp_path / "a.fits", BAYERPAT=said)).cfa == cfa


def test_three_planes_are_never_a_mosaic(tmp_path: Path) -> None:
    """A Seestar leaves BAYERPAT in the header of its stacked colour picture."""
    header = open_header(write_fits(tmp_path / "a.fits", noise((3, 24, 32)), BAYERPAT="GRBG"))
    assert header.cfa is None


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (0, 1), (5, 3), (7, 2)])
@pytest.mark.parametrize("height", [12, 13, 14, 15, 17])
@pytest.mark.parametrize("order", ["TOP-DOWN", "BOTTOM-UP"])
def test_xtrans_everywhere(x: int, y: int, height: int, order: str, tmp_path: Path) -> None:
    """Thirty-six letters: the top left of the sensor as one looks at it, from wherever the picture starts."""
    seen = mosaic(XTRANS, 40, 40)[y : y + height, x : x + 15]
    cards = {"BAYERPAT": XTRANS, "ROWORDER": order, "XBAYROFF": x, "YBAYROFF": y}
    frame = open_frame(write_fits(tmp_path / "a.fits", seen[::-1] if order == "BOTTOM-UP" else seen, **cards))
    assert np.array_equal(mosaic(str(frame.header.cfa), height, 15), frame.data)


def test_six_by_six_that_is_not_xtrans_is_refused_in_words(tmp_path: Path) -> None:
    path = write_fits(tmp_path / "a.fits", BAYERPAT="RGB" * 12)
    with pytest.raises(FrameError, match="not that of X-Trans") as refused:
        open_frame(path)
    assert refused.value.reason == "mismatched"


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 0), (2, 3), (5, 4)])
def test_the_visible_part_of_an_xtrans_sensor(top: int, left: int, tmp_path: Path) -> None:
    """As LibRaw gives it, with a black level under every px."""
    sensor = np.zeros((60, 72), "u2")
    sensor[top : top + 48, left : left + 60] = mosaic(XTRANS, 48, 60) + 64
    area = (top, left, top + 48, left + 60)
    frame = open_frame(write_dng(tmp_path / "a.dng", sensor, XTRANS, black=64, active_area=area))
    height, width = frame.data.shape
    assert np.array_equal(frame.data, mosaic(str(frame.header.cfa), height, width))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 0), (0, 1), (1, 1), (2, 3)])
def test_the_visible_part_of_a_raw_sensor(pattern: str, top: int, left: int, tmp_path: Path) -> None:
    """A DNG says its pattern at the corner of the active area, wherever that is."""
    sensor = np.zeros((40, 48), "u2")
    sensor[top : top + 32, left : left + 40] = mosaic(pattern, 32, 40)
    area = (top, left, top + 32, left + 40)
    frame = open_frame(write_dng(tmp_path / "a.dng", sensor, pattern, active_area=area))
    height, width = frame.data.shape
    assert frame.header.cfa == colours_in_memory(frame.data)
    assert np.array_equal(frame.data, mosaic(str(frame.header.cfa), height, width))


@pytest.mark.parametrize(
    "name",
    [
        "A_m27_asi224_osc/Light_1069.fits",
        "A_m94_seestar_b/Light_M 94_10.0s_IRCUT_20250327-014513.fit",
        "B_dng_from_real/M27_1069.dng",
        "B_raw/CRW.CRW",
        "B_raw/tinydng_colorchart.dng",
    ],
)
def test_the_greens_of_real_sensors_are_alike(name: str, real_data: Path) -> None:
    """Two of the four pixels of a cell see the same green: wherever the header puts them, their levels agree best."""
    frame = open_frame(real_data / name)
    cells = [frame.data[y::2, x::2].astype("f8").ravel() for y in (0, 1) for x in (0, 1)]
    n = min(len(cell) for cell in cells)
    pairs = itertools.combinations(range(4), 2)
    unlike = {pair: np.abs(np.median(cells[pair[0]][:n] - cells[pair[1]][:n])) for pair in pairs}
    greens = tuple(i for i, colour in enumerate(str(frame.header.cfa)) if colour == "G")
    assert unlike[greens] == min(unlike.values()), unlike
