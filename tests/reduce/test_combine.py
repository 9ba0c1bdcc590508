"""A master is the mean of its frames; what one or two of them show alone is not in it."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.combine import combine

SIZE = (120, 150)
NOISE_ADU = 8.0


def _frames(n: int, seed: int = 1, level: float = 500.0) -> list[Array]:
    draw = np.random.default_rng(seed)
    pattern = draw.normal(level, 5, SIZE)
    return [np.rint(pattern + draw.normal(0, NOISE_ADU, SIZE)).astype(np.float32) for _ in range(n)]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 10, 50, 200])
def test_without_outliers_it_is_the_mean(n: int) -> None:
    frames = _frames(n)
    found = combine(frames)
    assert found.n == n
    assert found.rejected < 4e-4
    # Gaussian tails beyond 4 σ are all that is left out
    off = found.mean - np.mean(frames, axis=0, dtype=np.float64)
    assert (np.abs(off) < 1e-3).mean() > 1 - 4e-4 * n
    if n > 1:
        assert found.noise_adu == pytest.approx(NOISE_ADU / np.sqrt(n), rel=0.05)


@pytest.mark.parametrize("n", [6, 10, 50])
def test_the_noise_falls_with_the_root_of_n(n: int) -> None:
    one, other = combine(_frames(n, 3)), combine(_frames(n, 3)[::-1])
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-3)
    apart = combine(_frames(2 * n, 4)[:n]).mean - combine(_frames(2 * n, 4)[n:]).mean
    assert apart.std() == pytest.approx(NOISE_ADU * np.sqrt(2 / n), rel=0.03)


@pytest.mark.parametrize(("n", "hits"), [(3, 1), (4, 1), (6, 2), (20, 2), (100, 2)])
@pytest.mark.parametrize("height", [100.0, 5_000.0, 60_000.0])
def test_cosmic_rays_leave_no_trace(n: int, hits: int, height: float) -> None:
    """So many of the frames hit on the same px, where there are enough to tell."""
    frames = _frames(n, 5)
    clean = np.mean(frames, axis=0, dtype=np.float64)
    struck = np.zeros(SIZE, bool)
    struck[::7, ::9] = True
    for frame in frames[-hits:]:
        frame[struck] += height
    found = combine(frames)
    off = found.mean[struck] - clean[struck]
    assert np.abs(off).mean() < 3 * NOISE_ADU / np.sqrt(n)
    assert (np.abs(off) > height / n / 2).mean() < 0.01
    assert found.rejected == pytest.approx(hits * struck.mean() / n, rel=0.1, abs=2e-4)


def test_px_that_are_noisy_themselves_keep_their_mean() -> None:
    """Hot px have the shot noise of their dark current: ten times the frame's noise is theirs, and no outlier."""
    frames = _frames(40, 6)
    draw = np.random.default_rng(7)
    for frame in frames:
        frame[5::11, 5::11] += draw.normal(3_000, 10 * NOISE_ADU, frame[5::11, 5::11].shape).astype(np.float32)
    off = (combine(frames).mean - np.mean(frames, axis=0))[5::11, 5::11]
    assert np.sqrt((off**2).mean()) < 0.3 * 10 * NOISE_ADU / np.sqrt(40)


def test_a_dead_px_and_whole_numbers_without_noise() -> None:
    frames = [np.full(SIZE, 7, np.float32) for _ in range(9)]
    found = combine(frames)
    np.testing.assert_array_equal(found.mean, 7)
    assert found.rejected == 0
