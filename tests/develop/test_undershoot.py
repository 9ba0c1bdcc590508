"""Dark px that a warp left beside stars are not shown; nothing else changes."""

from __future__ import annotations

import cv2
import numpy as np

from livestack.develop.chain import AUTO, develop
from livestack.develop.plate import Plate, smaller
from livestack.develop.undershoot import Undershoot

SIGMA = 2.0


def _warped() -> tuple[np.ndarray, np.ndarray]:
    """A stack of one star that is cut off, moved by half a px, and where it is darker than the sky."""
    y, x = np.mgrid[:120, :160] - np.array([60, 80])[:, None, None]
    star = np.minimum(60_000 * np.exp(-(x**2 + y**2) / 4), 4000).astype(np.float32)
    star[60:74, 79:82] = 4000  # where it ran over
    moved = cv2.warpAffine(star, np.array([[1, 0, 0.5], [0, 1, 0.4]]), (160, 120), flags=cv2.INTER_LANCZOS4)
    noise = np.random.default_rng(1).normal(0, SIGMA, moved.shape)
    return (moved + noise).astype(np.float32)[None], moved < -10 * SIGMA


def test_dark_px_beside_a_star_are_filled() -> None:
    seen, dark = _warped()
    assert dark.sum() > 8
    done = develop(Plate(seen), (Undershoot(),)).plate.data
    assert done[0][dark].min() > -5 * SIGMA
    bright = seen[0] > 100 * SIGMA
    assert (done[0][bright] == seen[0][bright]).all()


def test_the_automatic_picture_has_no_black_px_there() -> None:
    seen, dark = _warped()
    plate = Plate(seen, np.full_like(seen, SIGMA))
    without = tuple(step for step in AUTO if not isinstance(step, Undershoot))
    shown, plain = (develop(plate, recipe).plate.data[0] for recipe in (AUTO, without))
    assert np.median(plain[dark]) == 0
    assert np.median(shown[dark]) > 0.8 * np.median(shown)


def test_grain_what_is_wide_and_what_is_not_known_stay() -> None:
    seen = np.random.default_rng(2).normal(100, SIGMA, (3, 200, 300)).astype(np.float32)
    y, x = np.mgrid[:200, :300] - np.array([80, 100])[:, None, None]
    seen -= (60 * SIGMA * np.exp(-(np.hypot(x, y) ** 2) / 800)).astype(np.float32)
    seen[:, 120:130, :7] = np.nan
    kept = seen.copy()
    done = develop(Plate(seen), (Undershoot(),)).plate.data
    np.testing.assert_array_equal(done, kept)
    seen[:, 150, 200] -= 20 * SIGMA
    done = develop(Plate(seen), (Undershoot(),)).plate.data
    assert np.abs(done[:, 150, 200] - 100).max() < 2 * SIGMA


def test_told_on_a_small_picture_the_grain_of_the_whole_stays() -> None:
    """The mean of squares of px has less noise; what is applied must not take the grain of a px for a flaw."""
    noise = np.random.default_rng(3).normal(0, SIGMA, (1, 400, 600)).astype(np.float32)
    act = Undershoot().settle(smaller(Plate(noise), 15_000))
    np.testing.assert_array_equal(act(Plate(noise.copy())).data, noise)
