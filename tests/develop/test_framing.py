"""What few subs cover is cut away, and a picture is turned with all that belongs to it."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.develop.framing import Crop, Turn
from livestack.develop.plate import Plate
from livestack.errors import SettingsError


def _plate(coverage: np.ndarray) -> Plate:
    h, w = coverage.shape
    data = np.arange(3 * h * w, dtype=np.float32).reshape(3, h, w)
    data[:, coverage == 0] = np.nan
    return Plate(data, data + 1, coverage=coverage)


def test_the_edges_that_dither_left_are_cut_away() -> None:
    coverage = np.full((100, 160), 10, np.uint16)
    coverage[:7], coverage[:, -12:], coverage[40, 50] = 3, 0, 0
    plate = _plate(coverage)
    out = Crop().settle(plate)(plate)
    assert out.shape == (3, 93, 148)
    assert out.coverage is not None and out.noise is not None
    assert (out.coverage == 10).mean() > 0.99
    assert out.data[0, 0, 0] == plate.data[0, 7, 0]
    assert out.noise.shape == out.shape


def test_a_turned_corner_is_cut_as_little_as_need_be() -> None:
    y, x = np.mgrid[:200, :300]
    coverage = np.where(x + 3 * y > 60, 8, 0).astype(np.uint16)
    plate = _plate(coverage)
    _, h, w = Crop().settle(plate)(plate).shape
    assert h * w > 0.88 * 200 * 300


def test_what_is_told_on_a_preview_holds_for_the_whole() -> None:
    coverage = np.full((400, 600), 5, np.uint16)
    coverage[:, :60] = 1
    whole, small = _plate(coverage), _plate(coverage[::4, ::4])
    assert Crop().settle(small)(whole).shape == Crop().settle(whole)(whole).shape == (3, 400, 540)


def test_a_stack_that_is_covered_nowhere_stays() -> None:
    plate = _plate(np.zeros((20, 30), np.uint16))
    assert Crop().settle(plate)(plate).shape == (3, 20, 30)


def test_four_quarter_turns_and_two_mirrors_are_none() -> None:
    plate = _plate(np.full((20, 30), 1, np.uint16))
    out = plate
    for _ in range(4):
        out = Turn(90)(out)
    assert (out.data == plate.data).all()
    assert Turn(90)(plate).shape == (3, 30, 20)
    twice = Turn(0, True)(Turn(0, True)(plate))
    assert (twice.data == plate.data).all()
    assert (Turn(180)(plate).data == plate.data[:, ::-1, ::-1]).all()


def test_any_other_angle_is_refused() -> None:
    with pytest.raises(SettingsError, match="0, 90, 180 or 270, not 45"):
        Turn(45)
