"""The live picture shows the sky dark and neutral, the object visible, and never flickers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from livestack.develop.chain import PRESETS, WHOLE, develop
from livestack.develop.denoise import Denoise
from livestack.develop.framing import Crop, Turn
from livestack.develop.live import SETTLED_PX, Memo, Settled, milestone, plate_of_preview, shown, steady, whole
from livestack.develop.plate import Plate, picture_of
from livestack.develop.tone import Mtf, mtf
from livestack.frame import Picture
from tests.develop.scene import scene
from tests.show.night import dumbbell, sky

SUB_NOISE = 40.0
TARGET = 255 * Mtf().target


def _picture(data: np.ndarray, n: int = 8, stack: str = "a", noise_adu: float | None = None) -> Picture:
    noise = SUB_NOISE / np.sqrt(n) if noise_adu is None else noise_adu
    return Picture(data, 1.0, n, stack, n, 20.0 * n, noise)


def _once(picture: Picture) -> np.ndarray:
    return shown(picture, steady(None, picture, WHOLE))


def _noise(level: tuple[float, ...], sigma: float, seed: int = 3) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, sigma, (240, 320, len(level))) + np.asarray(level)
    return noise.astype(np.float32)


@pytest.mark.parametrize("sigma", [0.5, 20.0, 900.0])
@pytest.mark.parametrize("level", [(0.0, 0.0, 0.0), (310.0, 1200.0, -45.0)])
def test_the_sky_becomes_the_same_dark_grey_whatever_its_level_colour_and_grain(
    level: tuple[float, ...], sigma: float
) -> None:
    image = np.median(_once(_picture(_noise(level, sigma), noise_adu=sigma)), axis=(0, 1))
    assert np.abs(image - TARGET).max() <= 3
    assert np.ptp(image) <= 1


def test_a_mono_picture_goes_the_same_way() -> None:
    data = _noise((120.0,), 15.0)[..., 0]
    image = _once(_picture(data, noise_adu=15.0))
    assert image.shape == data.shape
    assert image.dtype == np.uint8
    assert abs(float(np.median(image)) - TARGET) <= 3


def test_the_transfer_function_keeps_its_ends_and_brings_the_midtone_to_one_half() -> None:
    assert mtf(np.array([0.0, 0.02, 1.0]), 0.02) == pytest.approx([0.0, 0.5, 1.0])


def test_bare_pixels_have_no_say_and_are_black() -> None:
    data = sky(8)
    bare = data.copy()
    bare[:, :80] = np.nan
    image, other = _once(_picture(bare)), _once(_picture(data))
    assert image[:, :80].max() == 0
    assert np.median(image[:, 80:]) == pytest.approx(np.median(other[:, 80:]), abs=3)


@pytest.mark.parametrize("shape", [(20, 30, 3), (20, 30), (1, 1), (3, 2, 3), (9, 40)])
@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_at_all_and_what_is_tiny_are_shown_too(shape: tuple[int, ...], preset: str) -> None:
    recipe = whole(PRESETS[preset])
    for data, noise in ((np.full(shape, np.nan, np.float32), 0.0), (np.zeros(shape, np.float32), 1.0)):
        picture = _picture(data, noise_adu=noise)
        image = shown(picture, steady(None, picture, recipe))
        assert image.shape == shape
        assert image.dtype == np.uint8
        assert np.isfinite(data).all() or image.max() == 0


@pytest.mark.parametrize("recipe", [WHOLE, (Mtf(),)])
@pytest.mark.parametrize("colour", [True, False])
def test_what_is_shown_is_not_written_into(colour: bool, recipe: tuple) -> None:
    data = sky(8, colour=colour)
    picture = _picture(data.copy())
    shown(picture, steady(None, picture, recipe))
    np.testing.assert_array_equal(picture.data, data)


def test_little_is_lost_to_black_or_white() -> None:
    image = _once(_picture(sky(20), 20))[:, 10:]
    assert (image == 0).mean() < 0.01
    assert (image == 255).mean() < 0.01


def test_one_sub_does_not_burst_into_colour() -> None:
    image = _once(_picture(sky(1), 1))[:, 10:].astype(float)
    colour = image - image.mean(axis=2, keepdims=True)
    assert np.median(np.abs(colour)) < 12


def test_what_moves_or_cuts_is_left_out() -> None:
    assert whole(PRESETS["auto"]) == WHOLE
    recipes = [whole((*recipe, Turn(90))) for recipe in PRESETS.values()]
    assert not any(isinstance(step, Crop | Turn) for recipe in recipes for step in recipe)


@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
def test_the_picture_is_the_one_that_the_chain_makes(row_order: str) -> None:
    picture = replace(_picture(sky(12), 12), row_order=row_order)
    plate = plate_of_preview(picture)
    made = 255 * picture_of(develop(plate, WHOLE).plate)
    assert np.abs(_once(picture) - made).max() <= 1
    upright = picture.data if row_order == "TOP-DOWN" else picture.data[::-1]
    np.testing.assert_array_equal(picture_of(plate), upright)


def test_a_large_preview_is_settled_on_as_a_screen_shows_it() -> None:
    small = _picture(sky(12), 12)
    k = int(np.ceil(np.sqrt(SETTLED_PX / small.data[..., 0].size))) + 1
    large = replace(small, data=np.repeat(np.repeat(small.data, k, axis=0), k, axis=1))
    settled = steady(None, large, WHOLE)
    assert np.median(shown(large, settled, 1 / k)) == pytest.approx(TARGET, abs=4)
    assert shown(large, settled, 1 / k).shape == small.data.shape


def test_milestones() -> None:
    assert sorted({milestone(n) for n in range(1, 60)}) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    assert all(milestone(n) <= n < 2 * milestone(n) for n in range(1, 5000))


def _night(recipe: tuple = WHOLE) -> dict[int, tuple[Settled, np.ndarray]]:
    """A growing stack, sub by sub, as it is shown."""
    kept, seen = None, {}
    subs = [SUB_NOISE / 4 * np.random.default_rng(n).normal(size=(3, 640, 896)) for n in range(33)]
    total = np.zeros((3, 640, 896))
    for n in range(1, 33):
        total += subs[n]
        stack = np.moveaxis(scene().truth + total / n, 0, 2).astype(np.float32)
        picture = _picture(stack, n, noise_adu=SUB_NOISE / 4 / np.sqrt(n))
        kept = steady(kept, picture, recipe)
        seen[n] = kept, shown(picture, kept)
    return seen


def test_between_milestones_the_acts_stay_bit_for_bit_and_the_sky_still() -> None:
    seen = _night()
    patch = np.s_[500:560, 20:120]  # away from the nebula
    for n in range(2, 33):
        (now, image), (before, other) = seen[n], seen[n - 1]
        moved = np.abs(np.median(image[patch], axis=(0, 1)) - np.median(other[patch], axis=(0, 1))).max()
        if milestone(n) == milestone(n - 1):
            assert now is before
            assert moved <= 1
            assert abs(image.mean() / other.mean() - 1) < 0.01
        assert moved <= (3 if n > 4 else 8), "at a milestone the sky lies where it did"
    assert seen[32][0].acts != seen[4][0].acts, "with 8 times the light the curve must follow"


def test_at_a_milestone_acts_that_would_show_the_same_are_not_changed() -> None:
    data = sky(12)
    first = steady(None, _picture(data, 12), WHOLE)
    later = steady(first, _picture(data, 16, noise_adu=SUB_NOISE / np.sqrt(12)), WHOLE)
    assert later.n_subs == 16
    assert later.acts is first.acts
    brighter = data * np.float32(4)
    assert steady(later, _picture(brighter, 24), WHOLE).acts != first.acts


def test_what_a_hand_set_stays_until_it_is_given_back() -> None:
    by_hand = tuple(replace(step, target=0.2) if isinstance(step, Mtf) else step for step in WHOLE)
    seen = _night(by_hand)
    assert all(settled is seen[1][0] for settled, _ in seen.values())
    few = _picture(sky(20), 3)
    assert steady(seen[32][0], few, by_hand) is seen[32][0], "nor by subs that are dropped"
    assert steady(seen[32][0], replace(few, stack="b"), by_hand).acts != seen[1][0].acts
    automatic = steady(seen[32][0], few, WHOLE)
    assert automatic.recipe == WHOLE
    assert automatic.acts == steady(None, few, WHOLE).acts


def test_another_stack_another_look_or_a_fresh_start_is_settled_anew() -> None:
    many = steady(None, _picture(sky(20), 20), WHOLE)
    assert steady(many, _picture(sky(20) * 3, 20, "b"), WHOLE).acts != many.acts
    assert steady(many, _picture(sky(1), 1), WHOLE).acts != many.acts
    assert steady(many, _picture(sky(20), 20), whole(PRESETS["cluster"])).acts != many.acts
    mono = _picture(sky(20, colour=False), 20)
    assert shown(mono, steady(many, mono, WHOLE)).ndim == 2
    assert steady(many, _picture(sky(21), 21), WHOLE) is many


def test_linear_and_stretched_acts_are_all_of_them() -> None:
    settled = steady(None, _picture(sky(8)), WHOLE)
    assert (*settled.linear, *settled.stretched) == settled.acts
    plate = Plate(np.ones((3, 8, 8), np.float32))
    for act in settled.linear:
        plate = act(plate)
    assert not plate.stretched
    assert settled.stretched[0](plate).stretched


def test_a_first_glance_is_shown_by_the_curve_alone() -> None:
    """Of it nothing is made smooth: it is no stack, and its kernels are to be there soon."""
    glance = _picture(sky(1), 1, stack="")
    settled = steady(None, glance, WHOLE)
    assert len(settled.acts) == 3
    assert steady(settled, glance, WHOLE) is settled
    assert np.median(shown(glance, settled)) == pytest.approx(TARGET, abs=3)
    assert len(steady(settled, _picture(sky(1), 1), WHOLE).acts) == len(WHOLE)


def test_what_is_remembered_makes_the_same_picture() -> None:
    memo, picture, kept = Memo(), _picture(sky(12), 12), None
    brighter = tuple(replace(step, target=0.2) if isinstance(step, Mtf) else step for step in WHOLE)
    smoother = tuple(replace(step, strength=2.0) if isinstance(step, Denoise) else step for step in brighter)
    for recipe in (WHOLE, brighter, smoother, WHOLE):
        for seen in (picture, replace(picture, noise_adu=2 * picture.noise_adu)):
            kept = steady(kept, seen, recipe, memo=memo)
            fresh = steady(None, seen, recipe)
            assert seen is not picture or kept.acts == fresh.acts
            for shrink in (1.0, 0.5):
                np.testing.assert_array_equal(
                    shown(seen, kept, shrink, memo=memo), shown(seen, kept, shrink), str(recipe)
                )


def test_m27_is_seen_on_a_dark_neutral_sky(real_data: Path) -> None:
    stack, subs = dumbbell(real_data)
    noise = 1.4826 * float(np.nanmedian(np.abs(np.diff(stack[::3], axis=1)))) / np.sqrt(2)
    image = _once(_picture(stack, len(subs), noise_adu=noise)).astype(float)
    sky_level = np.median(image, axis=(0, 1))
    assert np.all((sky_level > 0.10 * 255) & (sky_level < 0.16 * 255))
    assert np.ptp(sky_level) <= 3
    nebula = np.median(image[400:480, 560:620], axis=(0, 1))
    assert nebula.mean() > sky_level.mean() + 30
    assert (image >= 255).all(axis=2).mean() < 0.002
