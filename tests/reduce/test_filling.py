"""Px that are known to be bad, told by those about them: slopes exactly, star cores nearly, holes not at all."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from livestack.frame import Array, Masters
from livestack.reduce.compile import OPTIONS
from livestack.reduce.filling import fill, weights_of
from livestack.reduce.measure import calibrated
from livestack.reduce.sensor import colours_of
from tests.reduce.fields import PHASES, XTRANS_PHASES, draw_stars, frame_of, mosaic

MOSAICS = (None, *PHASES, *XTRANS_PHASES)
SIZE = (48, 60)
SHARES = np.array([0.66, 1.0, 0.74])


@njit(**OPTIONS)
def _fill(data: Array, bad: Array, colours: Array, y0: int, x0: int) -> None:
    fill(data, bad, colours, y0, x0)


def _filled(picture: Array, cfa: str | None, *bad: tuple[int, int]) -> Array:
    data = picture[None].astype(np.float32)
    for y, x in bad:
        data[0, y, x] = np.nan
    _fill(data, np.array(bad), colours_of(cfa), 0, 0)
    return data[0]


@pytest.mark.parametrize("cfa", MOSAICS)
def test_a_slope_in_each_colour_is_told_exactly(cfa: str | None) -> None:
    """At every place of the cell, and nothing else is changed."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    colour = np.stack([1000 + 3 * x - 2 * y, 2500 - x + 5 * y, 300 + 0.5 * x + y], axis=-1)
    picture = mosaic(colour, cfa) if cfa else colour[..., 0]
    for k in range(36):
        place = 20 + k // 6, 30 + k % 6
        np.testing.assert_allclose(_filled(picture, cfa, place), picture, rtol=2e-4)


@pytest.mark.parametrize(("cfa", "most"), [(None, 0.04), ("RGGB", 0.11), (XTRANS_PHASES[0], 0.08)])
def test_the_core_of_a_star_is_told(cfa: str | None, most: float) -> None:
    """Of 3 px FWHM, wherever the px lies in it: off by a share of the peak, where the mean of its neighbours of one
    colour is off by 0.28, 0.56 and 0.41."""
    draw = np.random.default_rng(1)
    off = []
    for _ in range(200):
        y, x = draw.integers(16, 32, 2)
        dx, dy = draw.uniform(-1, 1, 2)
        star = draw_stars(SIZE, np.array([[x + dx, y + dy, 1e5]]), 3.0, 3.5)
        picture = 500 + (mosaic(star[..., None] * SHARES, cfa) if cfa else star)
        off.append((_filled(picture, cfa, (y, x))[y, x] - picture[y, x]) / star.max())
    assert np.sqrt(np.mean(np.square(off))) < most


@pytest.mark.parametrize("cfa", MOSAICS)
def test_what_is_filled_is_about_as_noisy_as_what_was_measured(cfa: str | None) -> None:
    """Neither smooth, so that the stack's noise would be told too low, nor a source of noise."""
    index = colours_of(cfa) if cfa else np.zeros((1, 1), np.int64)
    gain = np.sqrt((weights_of(index) ** 2).sum(axis=(2, 3)))
    assert gain.min() > 0.6 and gain.max() < 1.1


def test_pairs_are_filled_from_what_was_measured_and_holes_stay() -> None:
    """A filled px is never used to fill the next; a hole keeps its NaN."""
    data = np.full((1, 40, 40), 100, np.float32)
    data[0, 10, 10:12] = np.nan
    data[0, 20:26, 20:26] = np.nan
    data[0, 9, 10] = 500
    _fill(data, np.argwhere(np.isnan(data[0])), colours_of(None), 0, 0)
    assert data[0, 10, 10] == pytest.approx((6 * 100 + 500) / 7)
    assert data[0, 10, 11] == pytest.approx((6 * 100 + 500) / 7)
    assert np.isnan(data[0, 21:25, 21:25]).all()
    assert np.isnan(data).sum() <= 36


@pytest.mark.parametrize("cfa", [None, "RGGB", XTRANS_PHASES[0]])
def test_at_the_edge_of_the_sensor_too(cfa: str | None) -> None:
    picture = np.full(SIZE, 700, np.float32)
    bad = np.zeros(SIZE, bool)
    bad[0, 0] = bad[0, 31] = bad[1, 50] = bad[-1, -1] = bad[20, 0] = True
    filled = calibrated(
        frame_of(np.where(bad, 9e4, picture).astype(np.float32), cfa), Masters(hot=np.flatnonzero(bad))
    )[0]
    assert np.isfinite(filled[20, 0])
    np.testing.assert_allclose(filled[np.isfinite(filled)], 700, rtol=1e-5)
