"""Samples along a line, many at a time: what each is made of, at any slope and in any place."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.resample import CUBIC, LANCZOS, four, sample_columns, sample_rows, six, spread_of

HEIGHT, WIDTH = 90, 150
SPAN = 0, 40, 0, 70
SLOPES = [0.0, 1e-4, -3e-3, 0.01, -0.03, 0.0624, -0.12, 0.249, 0.5, -0.6]


def _px(channels: int) -> Array:
    return np.random.default_rng(5).normal(100, 10, (channels, HEIGHT, WIDTH)).astype(np.float32)


def _sample(px: Array, place: float, half: int) -> float:
    """One sample of a row, by the formula."""
    k = int(np.floor(place))
    weights = (four if half == CUBIC else six)(np.float32(place - k))
    return float(np.dot(np.array(weights, np.float64), px[k - half + 1 : k + half + 1].astype(np.float64)))


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("half", [CUBIC, LANCZOS])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_of_a_row_is_what_the_formula_makes_of_its_own_taps(slope: float, half: int, channels: int) -> None:
    px = _px(channels)
    out = np.empty((channels, HEIGHT, 80), np.float32)
    begin = 12.3 if slope >= 0 else 55.3
    sample_rows(px, (0, 0), half, np.array([1 + slope, 0, begin, 0, 1, 0]), SPAN, out)
    for c in range(channels):
        for y in (0, 7, 39):
            expected = [_sample(px[c, y], begin + (1 + slope) * x, half) for x in range(70)]
            np.testing.assert_allclose(out[c, y, :70], expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("half", [CUBIC, LANCZOS])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_of_a_column_is_what_the_formula_makes_of_its_own_taps(slope: float, half: int, channels: int) -> None:
    px = _px(channels)
    out = np.empty((channels, 40, 160), np.float32)
    begin = 5.6 if slope >= 0 else 46.6
    sample_columns(px, 0, half, np.array([1, 0, 0, slope, 1, begin]), SPAN, out)
    for c in range(channels):
        for x in (0, 15, 16, 40, 69):
            expected = [_sample(px[c, :, x], begin + y + slope * x, half) for y in range(0, 40, 13)]
            np.testing.assert_allclose(out[c, ::13, x], expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("half", [CUBIC, LANCZOS])
def test_what_is_not_known_spoils_no_sample_but_its_own(slope: float, half: int) -> None:
    """Px beside the taps of a sample are read with them, and must not count: NaN times nothing is NaN."""
    px = _px(3)
    px[:, 45, 60] = np.nan
    out = np.empty((3, 40, 160), np.float32)
    begin = 25.6 if slope >= 0 else 46.6
    sample_columns(px, 0, half, np.array([1, 0, 0, slope, 1, begin]), SPAN, out)
    first = np.floor(begin + np.arange(40) + slope * 60) - half + 1
    expected = (first <= 45) & (first + 2 * half > 45)
    np.testing.assert_array_equal(np.isnan(out[0, :, 60]), expected)
    assert np.isfinite(np.delete(out[0, :, :70], 60, axis=1)).all()


def test_the_spread_of_a_slope_is_enough_for_it() -> None:
    for slope in np.linspace(-0.62, 0.62, 173):
        places = np.floor(0.999 + slope * np.arange(16))
        assert places.max() - places.min() <= spread_of(slope)
    assert spread_of(1.0) == spread_of(-0.7) == -1
