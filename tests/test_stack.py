"""Sums of sums: merging is associative, and refuses what cannot be merged."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestack.frame import Array
from livestack.stack import Stack

SHAPE = (2, 6, 7)


def _stack(samples: Array, weights: Array, template: str = "") -> Stack:
    """Sums of samples (N, …), one after the other, in float32 as the kernels do; NaN = not covered."""
    stack = Stack(SHAPE, template)
    for sample, weight in zip(samples.astype(np.float32), weights.astype(np.float32), strict=True):
        there = np.isfinite(sample).all(axis=0, keepdims=True)
        new = stack.weight + weight * there
        d = np.where(there, sample - stack.mean, 0).astype(np.float32)
        g = d * np.divide(weight, new, out=np.zeros_like(new), where=new > 0)
        stack.mean += g
        stack.m2 += weight * d * (d - g)
        stack.weight[:] = new
        stack.coverage += there
        stack.rejected += ~there
        stack.count(30.0)
    return stack


@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 40), max_size=4).map(sorted),
    level=st.sampled_from([0.0, 3.0, 400.0]),
    missing=st.sampled_from([0.0, 0.3]),
)
def test_merging_any_split_is_folding_in_sequence(seed: int, cuts: list[int], level: float, missing: float) -> None:
    draw = np.random.default_rng(seed)
    samples = draw.normal(level, 20, (40, *SHAPE))
    samples[np.broadcast_to(draw.random((40, 1, *SHAPE[1:])) < missing, samples.shape)] = np.nan
    weights = draw.uniform(0.2, 4, 40)
    whole = _stack(samples, weights)
    merged = Stack(SHAPE)
    for start, end in zip([0, *cuts], [*cuts, 40], strict=True):
        merged.merge(_stack(samples[start:end], weights[start:end]))
    one, other = whole.result(), merged.result()
    seen = one.coverage >= 2
    off = np.abs(one.mean - other.mean)[seen] / one.stderr[seen]
    assert off.max() < 1e-4 * max(1, level / 20)
    np.testing.assert_allclose(other.variance[seen], one.variance[seen], rtol=2e-5)
    np.testing.assert_array_equal(one.coverage, other.coverage)
    np.testing.assert_array_equal(one.rejected, other.rejected)
    np.testing.assert_array_equal(np.isnan(one.mean), np.isnan(other.mean))
    assert (merged.n_subs, merged.exposure_s) == (40, 1200.0)


def test_the_formulae() -> None:
    """STDERR² = M2 / ((n − 1) W), VARIANCE = n STDERR²; against float64 sums written out."""
    draw = np.random.default_rng(1)
    samples, weights = draw.normal(5, 20, (9, *SHAPE)), draw.uniform(0.5, 2, 9)
    w = weights.reshape(-1, 1, 1, 1)
    mean = (w * samples).sum(0) / w.sum()
    error = np.sqrt((w * (samples - mean) ** 2).sum(0) / (8 * w.sum()))
    sums = _stack(samples, weights).result()
    np.testing.assert_allclose(sums.mean, mean, atol=1e-4)
    np.testing.assert_allclose(sums.stderr, error, rtol=1e-5)
    np.testing.assert_allclose(sums.variance, 9 * error**2, rtol=1e-5)
    assert {array.dtype for array in (sums.mean, sums.variance, sums.stderr)} == {np.dtype(np.float32)}
    assert {array.dtype for array in (sums.coverage, sums.rejected)} == {np.dtype(np.uint16)}


def test_what_cannot_be_merged_is_refused_and_changes_nothing() -> None:
    ones = np.ones((3, *SHAPE))
    stack = _stack(ones, np.ones(3), "look-1")
    before = copy.deepcopy(stack)
    with pytest.raises(ValueError, match="template"):
        stack.merge(_stack(ones, np.ones(3), "look-2"))
    with pytest.raises(ValueError, match=r"\(2, 6, 7\)"):
        stack.merge(Stack((2, 6, 8), "look-1"))
    for mine, was in zip(stack.arrays, before.arrays, strict=True):
        np.testing.assert_array_equal(mine, was)
    assert stack.n_subs == 3


def test_merging_nothing_changes_no_bit() -> None:
    stack = _stack(np.random.default_rng(2).normal(0, 9, (5, *SHAPE)), np.ones(5))
    before = copy.deepcopy(stack)
    stack.merge(Stack(SHAPE))
    for mine, was in zip(stack.arrays, before.arrays, strict=True):
        np.testing.assert_array_equal(mine, was)


def test_results_are_copies() -> None:
    stack = _stack(np.random.default_rng(3).normal(0, 9, (5, *SHAPE)), np.ones(5))
    sums = stack.result()
    was = stack.mean.copy()
    sums.mean[:] = 0
    assert not sums.coverage.flags.writeable
    assert not np.shares_memory(sums.coverage, stack.coverage)
    np.testing.assert_array_equal(stack.mean, was)
    assert (stack.coverage == 5).all()
    assert not stack.rejected.any()
