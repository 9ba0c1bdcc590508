"""Rows and columns along the edges that show no sky are not covered; all else is."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce.border import border_mask
from livestack.reduce.sensor import planes_of, sensor_of
from tests.reduce.fields import NOISE_ADU, draw_stars, frame_of, noisy, star_field

SIZE = (300, 420)
NO_PEDESTAL = np.zeros((0, 0, 0), np.float32)
RAMP = -300 * np.exp(-np.arange(40) / 2.5)
"""Read-out that settles within some ten rows."""


def _sky(seed: int = 1, *, slope: float = 0.0) -> Array:
    stars = star_field(120, SIZE, seed, border=4)
    return noisy(draw_stars(SIZE, stars, 3.0) + slope * np.arange(SIZE[0])[:, None], seed)


@pytest.mark.parametrize("turns", range(4))
def test_a_border_is_found_on_every_side(turns: int) -> None:
    """Where the ramp is deeper than the noise nothing is left; what lies farther in than 24 px stays."""
    data = np.rot90(_sky(), turns).copy()
    data[:40] += RAMP[:, None].astype(np.float32)
    data = np.rot90(data, -turns)
    mask = border_mask(planes_of(np.ascontiguousarray(data)), NO_PEDESTAL)
    assert mask is not None
    turned_back = np.rot90(mask, turns)
    deep = int((-RAMP > NOISE_ADU).sum())
    assert turned_back[:deep].all()
    assert not turned_back[24:].any()


@pytest.mark.parametrize("seed", range(20))
def test_sky_stars_and_a_gradient_are_no_border(seed: int) -> None:
    assert border_mask(planes_of(_sky(seed, slope=0.4)), NO_PEDESTAL) is None


def test_a_colour_filter_array_is_no_border() -> None:
    data = _sky()
    data[::2, ::2] *= 0.4
    data[1::2, 1::2] *= 0.6
    assert border_mask(planes_of(data), NO_PEDESTAL) is None


def test_a_picture_of_few_adu_is_no_border() -> None:
    data = np.rint(_sky() / 100).astype(np.uint16)
    assert border_mask(planes_of(data), NO_PEDESTAL) is None


def test_a_galaxy_that_leaves_the_picture_is_no_border() -> None:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    glow = 900 * np.exp(-np.hypot((yy - 10) / 60, (xx - 200) / 150))
    assert border_mask(planes_of(_sky() + glow.astype(np.float32)), NO_PEDESTAL) is None


def test_what_a_dark_takes_off_is_no_border() -> None:
    """With the ramp in the dark, every row is sky again."""
    ramp = np.zeros(SIZE, np.float32)
    ramp[:40] = RAMP[:, None]
    frame = frame_of(_sky() + ramp)
    starts, _ = sensor_of(frame, Masters())[3]
    assert (np.diff(starts)[:10] == SIZE[1]).all()
    assert sensor_of(frame, Masters(pedestal=ramp))[3][1].size == 0
