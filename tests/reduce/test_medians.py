"""Medians by halving are those of sorted values, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.reduce.medians import median, middles


@pytest.mark.parametrize("n", [1, 2, 3, 8, 1023, 1024])
def test_the_middles_are_those_of_sorted_values(n: int) -> None:
    draw = np.random.default_rng(n)
    blocks = draw.normal(0, 300, (60, n)).astype(np.float32)
    blocks[::3] = np.round(blocks[::3])
    blocks[draw.random(blocks.shape) < 0.2] = np.nan
    blocks[5], blocks[6], blocks[7] = -0.0, np.inf, -3.0
    low, high, known = middles(blocks)
    finite = np.isfinite(blocks)
    np.testing.assert_array_equal(known, finite.sum(axis=1))
    for k in np.flatnonzero(known):
        ordered = np.sort(blocks[k, finite[k]])
        assert low[k] == ordered[(known[k] - 1) // 2]
        assert high[k] == ordered[known[k] // 2]


def test_a_median_is_numpys_and_nan_where_nothing_is_known() -> None:
    values = np.random.default_rng(1).normal(-5, 2, (101, 7)).astype(np.float32)
    assert median(values) == float(np.median(values))
    assert np.isnan(median(np.full(4, np.nan, np.float32)))
