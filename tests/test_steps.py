"""A pedestal in steps: what frames of a camera hold is kept, and what cannot be kept is told."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Masters
from livestack.steps import FINE, steps_of

SIZE = (120, 200)


def pedestal(seed: int = 1) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(500, 8, SIZE).astype(np.float32)


@pytest.mark.parametrize("top", [600, 4000, 40_000, 65_000])
def test_whole_numbers_are_kept_to_the_bit(top: int) -> None:
    frame = np.rint(pedestal())
    frame[3, 4] = top
    np.testing.assert_array_equal(steps_of(frame)[...], frame)


@pytest.mark.parametrize("n_frames", [2, 16, 64])
def test_so_are_means_of_a_power_of_two_of_frames(n_frames: int) -> None:
    mean = np.rint(n_frames * pedestal()) / np.float32(n_frames)
    np.testing.assert_array_equal(steps_of(mean)[...], mean)


def test_a_mean_of_many_frames_is_kept_to_a_hundredth_of_an_adu() -> None:
    mean = pedestal()
    kept = steps_of(mean)
    assert kept.step <= FINE
    np.testing.assert_allclose(kept[...], mean, atol=FINE / 2)
    np.testing.assert_array_equal(kept[10:20, ::3], kept[...][10:20, ::3])
    np.testing.assert_array_equal(np.asarray(kept), kept[...])


def test_hot_px_that_are_known_do_not_make_all_others_coarser() -> None:
    mean = pedestal()
    hot = np.zeros(SIZE, bool)
    hot[::20, ::20] = True
    mean[hot] = 60_000
    assert steps_of(mean).step > FINE
    kept = steps_of(mean, hot)
    assert kept.step == FINE
    np.testing.assert_allclose(kept[...][~hot], mean[~hot], atol=FINE / 2)
    # they are bad, and stay so
    np.testing.assert_array_equal(np.flatnonzero(kept.unknown()), np.flatnonzero(hot))


def test_what_is_no_number_is_bad() -> None:
    mean = pedestal()
    mean[5, 7], mean[8, 9] = np.nan, np.inf
    masters = Masters(pedestal=steps_of(mean))
    np.testing.assert_array_equal(masters.bad, [5 * SIZE[1] + 7, 8 * SIZE[1] + 9])
    assert np.isnan(masters.pedestal[5, 6:9][1]) if masters.pedestal is not None else False
    assert steps_of(np.full(SIZE, np.nan, np.float32)).unknown().all()


def test_a_level_is_itself() -> None:
    for level in (0.0, 500.0, 200.25, 511.3):
        np.testing.assert_array_equal(steps_of(np.full(SIZE, level, np.float32))[...], np.float32(level))


def test_colours_have_steps_in_common() -> None:
    mean = np.stack([pedestal(1), pedestal(2) + 40, pedestal(3)], axis=-1)
    bad = np.zeros(SIZE, bool)
    bad[1, 2] = True
    mean[1, 2, 1] = 65_000
    kept = steps_of(mean, bad)
    assert kept.shape == mean.shape
    np.testing.assert_array_equal(Masters(pedestal=kept).bad, [SIZE[1] + 2])
    np.testing.assert_allclose(kept[...][~bad], mean[~bad], atol=FINE / 2)
