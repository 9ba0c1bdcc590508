"""The stretch shows the sky dark and neutral, the object visible, and never flickers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.develop.stretch import SKY, Stretch, apply, auto_stretch, milestone, mtf, steady
from tests.show.night import dumbbell, sky


def _noise(level: tuple[float, ...], sigma: float, seed: int = 3) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, sigma, (240, 320, len(level))) + np.asarray(level)
    return noise.astype(np.float32)


@pytest.mark.parametrize("sigma", [0.5, 20.0, 900.0])
@pytest.mark.parametrize("level", [(0.0, 0.0, 0.0), (310.0, 1200.0, -45.0)])
def test_the_sky_becomes_the_same_dark_grey_whatever_its_level_colour_and_grain(
    level: tuple[float, ...], sigma: float
) -> None:
    data = _noise(level, sigma)
    shown = np.median(apply(data, auto_stretch(data)), axis=(0, 1))
    assert np.abs(shown - 255 * SKY).max() <= 2
    assert np.ptp(shown) <= 1


def test_a_mono_picture_goes_the_same_way() -> None:
    data = _noise((120.0,), 15.0)[..., 0]
    image = apply(data, auto_stretch(data))
    assert image.shape == data.shape
    assert image.dtype == np.uint8
    assert abs(float(np.median(image)) - 255 * SKY) <= 2


def test_more_light_is_never_shown_darker() -> None:
    stretch = auto_stretch(sky(8))
    ramp = np.linspace(-500, 40_000, 20_001, dtype=np.float32)[None, :]
    grey = Stretch(stretch.black, stretch.midtone, stretch.white, (0.0,), (1.0,), stretch.sigma)
    steps = np.diff(apply(ramp, grey).astype(int))
    assert steps.min() >= 0
    assert steps.sum() == 255


def test_the_transfer_function_keeps_its_ends_and_brings_the_midtone_to_one_half() -> None:
    assert mtf(np.array([0.0, 0.02, 1.0]), 0.02) == pytest.approx([0.0, 0.5, 1.0])


def test_bare_pixels_have_no_say_and_are_black() -> None:
    data = sky(8)
    bare = np.vstack([data, np.full_like(data, np.nan)])
    stretch = auto_stretch(bare)
    assert stretch.sky == pytest.approx(auto_stretch(data).sky, abs=1.0)
    image = apply(bare, stretch)
    assert image[len(data) :].max() == 0
    assert np.median(image[: len(data)]) == pytest.approx(255 * SKY, abs=3)


def test_nothing_at_all_is_black() -> None:
    data = np.full((20, 30, 3), np.nan, np.float32)
    assert apply(data, auto_stretch(data)).max() == 0


def test_the_typical_star_is_white_though_the_camera_sees_green() -> None:
    camera = np.float32([0.6, 1.0, 0.8])
    data = sky(30) * camera
    image = apply(data, auto_stretch(data)).astype(float)
    plain = apply(data, Stretch(*_unbalanced(data))).astype(float)
    bright = (image.mean(axis=2) > 120) & (image.max(axis=2) < 240)
    bright[90:210, 150:330] = False  # the nebula has a colour of its own
    assert bright.sum() > 100
    cast = np.ptp(np.median(image[bright], axis=0))
    assert cast < 0.5 * np.ptp(np.median(plain[bright], axis=0))


def _unbalanced(data: np.ndarray) -> tuple[float, float, float, tuple[float, ...], tuple[float, ...], float]:
    found = auto_stretch(data)
    return found.black, found.midtone, found.white, found.sky, (1.0, 1.0, 1.0), found.sigma


def test_little_is_lost_to_black_or_white() -> None:
    data = sky(20)
    image = apply(data, auto_stretch(data))[:, 10:]
    assert (image == 0).mean() < 0.01
    assert (image == 255).mean() < 0.01


def test_one_sub_does_not_burst_into_colour() -> None:
    data = sky(1)
    image = apply(data, auto_stretch(data))[:, 10:].astype(float)
    colour = image - image.mean(axis=2, keepdims=True)
    assert np.median(np.abs(colour)) < 12


def test_milestones() -> None:
    assert sorted({milestone(n) for n in range(1, 60)}) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    assert all(milestone(n) <= n < 2 * milestone(n) for n in range(1, 5000))


def test_between_milestones_the_stretch_stays_bit_for_bit_and_the_sky_still() -> None:
    kept, shown = None, {}
    for n in range(1, 33):
        data = sky(n)
        kept = steady(kept, data, "a", n)
        shown[n] = kept.stretch, float(np.median(apply(data, kept.stretch)))
    for n in range(2, 33):
        if milestone(n) == milestone(n - 1):
            assert shown[n][0] is shown[n - 1][0]
            assert abs(shown[n][1] - shown[n - 1][1]) <= 1
    assert shown[32][0] != shown[4][0], "with 8 times the light the curve must follow"


def test_another_stack_or_a_fresh_start_gets_its_own_stretch() -> None:
    many = steady(None, sky(20), "a", 20)
    assert steady(many, sky(20) * 3, "b", 20).stretch != many.stretch
    assert steady(many, sky(1), "a", 1).stretch != many.stretch


def test_m27_is_seen_on_a_dark_neutral_sky(real_data: Path) -> None:
    stack, _ = dumbbell(real_data)
    image = apply(stack, auto_stretch(stack)).astype(float)
    sky_level = np.median(image, axis=(0, 1))
    assert np.all((sky_level > 0.10 * 255) & (sky_level < 0.16 * 255))
    assert np.ptp(sky_level) <= 2
    nebula = np.median(image[400:480, 560:620], axis=(0, 1))
    assert nebula.mean() > sky_level.mean() + 30
    assert (image >= 255).all(axis=2).mean() < 0.002
