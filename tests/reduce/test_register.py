"""Where a sub lies, whatever the pose; the same bits every time; nothing that does not fit is let in."""

from __future__ import annotations

import random

import numpy as np
import pytest

from livestack.errors import FrameError
from livestack.frame import STAR_DTYPE, Array, Registration
from livestack.reduce.pose import fit, project
from livestack.reduce.register import register, tied
from tests.reduce.fields import moved, star_field, turned

SIZE = (1200, 1600)
CENTROID_PX = 0.1
REASONS = ("not_registered",)


def _list_of(stars: Array, *, noise_px: float = 0.0, seed: int = 0, transparency: float = 1.0) -> Array:
    """Star list as `measure` gives it, brightest first; positions off by noise_px on each axis, fluxes by 3 %."""
    draw = np.random.default_rng(seed)
    found = np.zeros(len(stars), STAR_DTYPE)
    found["x"] = stars[:, 0] + draw.normal(0, noise_px, len(stars))
    found["y"] = stars[:, 1] + draw.normal(0, noise_px, len(stars))
    found["flux"] = transparency * stars[:, 2] * draw.lognormal(0, 0.03, len(stars))
    return found[np.argsort(-found["flux"], kind="stable")]


def _seen(stars: Array, matrix: Array, seed: int, *, missing: float = 0.0, transparency: float = 1.0) -> Array:
    """Star list of a sub that lies so on the grid: what is inside it, some stars missing and a few of its own."""
    draw = np.random.default_rng(seed)
    there = moved(stars, np.linalg.inv(matrix))
    inside = (there[:, 0] > 0) & (there[:, 0] < SIZE[1]) & (there[:, 1] > 0) & (there[:, 1] < SIZE[0])
    there = there[inside & (draw.random(len(there)) >= missing)]
    false = star_field(max(3, round(0.1 * len(there))), SIZE, seed + 1000)
    false[:, 2] *= 0.3
    return _list_of(np.vstack([there, false]), noise_px=CENTROID_PX, seed=seed, transparency=transparency)


def _grid_error(found: Registration, matrix: Array) -> float:
    """Rms distance over the frame between where the two matrices put its px."""
    yy, xx = np.mgrid[50 : SIZE[0] - 50 : 8j, 50 : SIZE[1] - 50 : 8j]
    points = np.column_stack([xx.ravel(), yy.ravel()])
    off = project(found.matrix, points) - project(matrix, points)
    return float(np.sqrt((off**2).sum(axis=1).mean()))


def _bound_px(n: int, parameters: int = 4) -> float:
    """Rms over the stars of a fit to n of them, both lists off by CENTROID_PX per axis."""
    return float(np.sqrt(2) * CENTROID_PX * np.sqrt(parameters / n))


@pytest.mark.parametrize("angle", [0.0, 0.3, -17.0, 45.0, 91.0, 133.0, 180.0, -179.2])
@pytest.mark.parametrize("n", [25, 80, 300])
def test_any_rotation_and_shift(angle: float, n: int) -> None:
    stars = star_field(n, SIZE, 1, border=2)
    matrix = turned(angle, 31.3, -22.8, SIZE)
    done = register(_seen(stars, matrix, 2), _list_of(stars, noise_px=CENTROID_PX, seed=3), SIZE)
    found, scale = done.registration, done.scale
    assert _grid_error(found, matrix) < (3.0 if n < 50 else 2.0) * _bound_px(found.n_matches)
    assert found.n_matches > 0.6 * n * (1 if abs(angle) < 20 or abs(angle) > 170 else 0.6)
    assert found.rms_px == pytest.approx(2 * CENTROID_PX, rel=0.5)
    assert scale == pytest.approx(1, abs=0.02)
    assert abs((found.rotation_deg - angle + 180) % 360 - 180) < 0.05
    assert found.scale == pytest.approx(1, abs=1e-3)
    assert found.meridian_flip == (abs(angle) > 150)
    middle = project(found.matrix, np.array([[(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2]]))[0]
    np.testing.assert_allclose(middle - [found.dx, found.dy], [(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2], atol=1e-9)


@pytest.mark.parametrize("scale", [0.95, 0.99, 1.01, 1.05])
@pytest.mark.parametrize("transparency", [0.4, 1.0])
def test_scale_and_transparency_with_three_in_ten_stars_missing(scale: float, transparency: float) -> None:
    stars = star_field(120, SIZE, 4, border=2)
    matrix = turned(170.0, -12.0, 33.0, SIZE, scale)
    seen = _seen(stars, matrix, 5, missing=0.3, transparency=transparency)
    done = register(seen, _list_of(stars, noise_px=CENTROID_PX, seed=6), SIZE)
    found, t = done.registration, done.scale
    assert _grid_error(found, matrix) < 2.0 * _bound_px(found.n_matches)
    assert found.scale == pytest.approx(scale, abs=1e-3)
    assert t == pytest.approx(transparency, rel=0.02)


@pytest.mark.parametrize("seed", range(8))
def test_less_than_half_the_field_is_enough(seed: int) -> None:
    """Moved by six tenths of a frame, and turned round."""
    stars = star_field(300, (1200, 2600), 10 + seed, border=2)
    stars[:, 0] -= 500
    matrix = turned(180.0 if seed % 2 else 0.0, 950.0, 40.0, SIZE)
    found = register(
        _seen(stars, matrix, seed), _list_of(stars[_inside(stars)], noise_px=CENTROID_PX), SIZE
    ).registration
    assert _grid_error(found, matrix) < 3.5 * _bound_px(found.n_matches)


def _inside(stars: Array) -> Array:
    return np.asarray((stars[:, 0] > 0) & (stars[:, 0] < SIZE[1]))


def test_few_stars_register_too() -> None:
    """Eight good stars in common are enough most of the time, and never wrong."""
    right = 0
    for seed in range(12):
        stars = star_field(8, SIZE, 40 + seed)
        matrix = turned(2.0, 10.0, -5.0, SIZE)
        try:
            found = register(
                _list_of(moved(stars, np.linalg.inv(matrix)), noise_px=0.1, seed=seed), _list_of(stars), SIZE
            ).registration
        except FrameError as error:
            assert error.reason in REASONS
            continue
        assert _grid_error(found, matrix) < 0.5
        right += 1
    assert right >= 8


def test_a_field_distorted_by_the_lens_is_fitted_with_more() -> None:
    """Tilt: a homography brings the residual down to the centroids' noise; little of it: a similarity stays."""
    stars = star_field(200, SIZE, 7, border=2)
    matrix = turned(3.0, 20.0, 10.0, SIZE)
    matrix[2, :2] = 2e-6, -3e-6
    found = register(_seen(stars, matrix, 8), _list_of(stars, noise_px=CENTROID_PX, seed=9), SIZE).registration
    assert _grid_error(found, matrix) < 2.0 * _bound_px(found.n_matches, 8)
    assert found.rms_px < 2 * CENTROID_PX * 1.4
    assert np.abs(found.matrix[2, :2]).max() > 1e-6
    exact = stars[:, :2]
    similarity = turned(3.0, 20.0, 10.0, SIZE)
    found_again = fit(exact, project(similarity, exact), np.ones(len(exact)))
    np.testing.assert_allclose(found_again, similarity, atol=1e-6)


def test_the_same_bits_whatever_was_drawn_before() -> None:
    stars = star_field(150, SIZE, 11)
    seen = _seen(stars, turned(12.0, 5.0, 6.0, SIZE), 12, missing=0.3)
    reference = _list_of(stars, noise_px=CENTROID_PX, seed=13)
    bits = set()
    for seed in (0, 1, 99):
        np.random.seed(seed)
        random.seed(seed)
        done = register(seen, reference, SIZE)
        found, scale = done.registration, done.scale
        bits.add((found.matrix.tobytes(), found.n_matches, found.rms_px, scale))
    assert len(bits) == 1


def test_the_random_draw_of_the_pattern_search_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """With other draws in the search the fixed point is the same."""
    stars = star_field(100, SIZE, 14)
    seen = _seen(stars, turned(-8.0, 15.0, 26.0, SIZE), 15, missing=0.3)
    reference = _list_of(stars, noise_px=CENTROID_PX, seed=16)
    kept = register(seen, reference, SIZE).registration
    draws = np.random.default_rng
    for salt in (1, 2, 3):
        monkeypatch.setattr(np.random, "default_rng", lambda seed, salt=salt: draws(seed ^ salt))
        found = register(seen, reference, SIZE).registration
        assert found.n_matches == kept.n_matches
        assert found.matrix.tobytes() == kept.matrix.tobytes()


@pytest.mark.parametrize(("n", "tries"), [(10, 32), (40, 6), (150, 2)])
def test_other_fields_are_refused(n: int, tries: int) -> None:
    for seed in range(tries):
        stars, other = star_field(n, SIZE, 100 + seed), star_field(n, SIZE, 200 + seed)
        with pytest.raises(FrameError, match=r"does not fit the stack: .+\?") as caught:
            register(_list_of(stars), _list_of(other), SIZE)
        assert caught.value.reason == "not_registered"


@pytest.mark.parametrize("knows_last", [False, True])
def test_a_lock_on_hot_px_is_refused(knows_last: bool) -> None:
    """30 % as many hot px as stars, brighter than all, at the same px in both: never taken for the sky."""
    wrong = right = 0
    for seed in range(100):
        stars = star_field(60, SIZE, 300 + seed, border=2)
        hot = star_field(18, SIZE, 400 + seed)
        hot[:, 2] = 2e6 + np.arange(18)
        matrix = turned(180.0 if seed % 2 else 0.0, 40.0, 25.0, SIZE)
        seen = _list_of(np.vstack([hot, moved(stars, np.linalg.inv(matrix))]), noise_px=0.05, seed=seed)
        reference = _list_of(np.vstack([hot, stars]), noise_px=0.05, seed=seed + 1)
        last = turned(0.0, 38.0, 22.0, SIZE) if knows_last else None
        try:
            found = register(seen, reference, SIZE, last).registration
        except FrameError as error:
            assert error.reason == "not_registered"
            assert any(character.isdigit() for character in error.sentence)
            continue
        wrong += _grid_error(found, matrix) > 1
        right += _grid_error(found, matrix) <= 1
    assert wrong == 0
    assert right > (90 if knows_last else 8)


@pytest.mark.parametrize("flipped", [False, True])
def test_the_last_pose_needs_few_stars(flipped: bool) -> None:
    """Twelve stars, a third of them missing, and the flip since: the sub before tells the rotation."""
    right = 0
    for seed in range(30):
        stars = star_field(12, SIZE, 600 + seed)
        last = turned(33.0, 10.0, -5.0, SIZE)
        matrix = turned(33.0 + (180.0 if flipped else 0.0), 22.0, 9.0, SIZE)
        seen = _seen(stars, matrix, seed, missing=0.33)
        try:
            found = register(seen, _list_of(stars, noise_px=CENTROID_PX, seed=seed), SIZE, last).registration
        except FrameError as error:
            assert error.reason in ("not_registered", "too_few_stars")
            continue
        assert _grid_error(found, matrix) < 1
        right += 1
    assert right >= 20


def test_another_image_scale_is_refused_in_words() -> None:
    """The same stars through a longer lens, with enough of them in common."""
    stars = star_field(300, SIZE, 17, border=2)
    with pytest.raises(FrameError, match="not fit the stack") as caught:
        register(_seen(stars, turned(0.0, 0.0, 0.0, SIZE, 1.3), 18), _list_of(stars), SIZE)
    assert caught.value.reason == "not_registered"


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_few_stars_say_how_many(n: int) -> None:
    stars = star_field(n, SIZE, 19)
    with pytest.raises(FrameError, match=rf"^{n} stars found, 5 are needed") as caught:
        register(_list_of(stars), _list_of(star_field(50, SIZE, 20)), SIZE)
    assert caught.value.reason == "too_few_stars"


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_a_reference_without_stars_is_no_crash(n: int) -> None:
    with pytest.raises(FrameError):
        register(_list_of(star_field(50, SIZE, 21)), _list_of(star_field(n, SIZE, 22)), SIZE)


def test_stars_in_a_row_or_in_one_place_are_no_crash() -> None:
    row = np.column_stack([np.linspace(10, 900, 30), np.full(30, 200.0), np.linspace(9e4, 1e4, 30)])
    heap = np.column_stack([np.full(30, 500.0), np.full(30, 200.0), np.linspace(9e4, 1e4, 30)])
    good = star_field(50, SIZE, 23)
    for one in (row, heap, good):
        for other in (row, heap):
            try:
                found = register(_list_of(one), _list_of(other), SIZE).registration
            except FrameError:
                continue
            assert np.isfinite(found.matrix).all()


def test_a_trail_over_the_brightest_star_changes_no_transparency() -> None:
    """The brightest knows its flux best; where a satellite crosses it, it knows nothing."""
    stars = star_field(30, SIZE, 60)
    seen, reference = _seen(stars, turned(0.0, 2.0, 1.0, SIZE), 61), _list_of(stars, noise_px=CENTROID_PX, seed=62)
    for listed in (seen, reference):
        listed["snr"] = listed["flux"] / 1500
    truth = register(seen, reference, SIZE).scale
    seen["flux"][0] *= 2.5
    assert register(seen, reference, SIZE).scale == pytest.approx(truth, rel=0.03)


def _known(stars: Array, error_px: Array | float, seed: int) -> Array:
    """Star list whose positions are off by so much, and which says so."""
    listed = _list_of(stars, seed=seed)
    order = np.argsort(-stars[:, 2], kind="stable")
    error = np.broadcast_to(error_px, len(stars))[order]
    draw = np.random.default_rng(1000 + seed)
    listed["x"], listed["y"] = (stars[order, k] + draw.normal(0, 1, len(stars)) * error for k in (0, 1))
    listed["fwhm"] = 3.0
    listed["snr"] = 0.9 / error
    return listed


def test_a_star_counts_by_what_its_centroid_knows() -> None:
    """Ten stars known to 0.02 px among fifty known to 0.5: the pose is as good as the ten make it."""
    errors = []
    for seed in range(20):
        stars = star_field(60, SIZE, 700 + seed, border=2)
        stars = stars[np.argsort(-stars[:, 2])]
        error = np.where(np.arange(60) < 10, 0.02, 0.5)
        matrix = turned(0.0, 12.0, -7.0, SIZE)
        seen = _known(np.column_stack([moved(stars, np.linalg.inv(matrix))[:, :2], stars[:, 2]]), error, seed)
        found = register(seen, _known(stars, error, 50 + seed), SIZE).registration
        errors.append(_grid_error(found, matrix))
    assert np.median(errors) < 2.0 * np.sqrt(2) * 0.02 * np.sqrt(4 / 10)


@pytest.mark.parametrize("n", [15, 40, 120])
def test_a_tied_list_puts_a_sub_where_the_other_list_does(n: int) -> None:
    """Same place and same scale, although both lists are off, and one of them by a shift, a turn and a factor too."""
    stars = star_field(n, SIZE, 61, border=2)
    founder = _known(stars, 0.1, 1)
    matrix = turned(0.01, 0.12, -0.08, SIZE)
    stack = _known(np.column_stack([moved(stars, matrix)[:, :2], 1.04 * stars[:, 2]]), 0.03, 2)
    again = tied(stack, founder)
    for seed in range(3, 8):
        seen = _known(moved(stars, np.linalg.inv(turned(0.0, 9.0, 4.0, SIZE))), 0.1, seed)
        on_founder, on_stack, on_tied = (register(seen, listed, SIZE) for listed in (founder, stack, again))
        off = _grid_error(on_tied.registration, on_founder.registration.matrix)
        assert off < 0.02
        assert off < 0.2 * _grid_error(on_stack.registration, on_founder.registration.matrix)
        assert on_tied.scale == pytest.approx(on_founder.scale, rel=0.004)


def test_the_founding_subs_stars_say_what_the_scale_is() -> None:
    """Under a cloud it saw twelve of sixty stars; how the others are tied hardly moves the scale of a sub."""
    stars = star_field(60, SIZE, 62, border=2)
    founder = _known(stars[:12], 0.1, 1)
    founder["snr"] = founder["flux"] * 30 / founder["flux"][0]
    seen = _known(moved(stars, np.linalg.inv(turned(0.0, 9.0, 4.0, SIZE))), 0.05, 3)
    scales = []
    for off in (0.98, 1.02):
        flux = stars[:, 2].copy()
        flux[12:] *= off
        stack = _known(np.column_stack([stars[:, :2], flux]), 0.02, 2)
        scales.append(register(seen, tied(stack, founder), SIZE).scale)
    assert scales[0] == pytest.approx(scales[1], rel=0.008)


def test_lists_without_stars_in_common_are_not_tied() -> None:
    one, other = (_list_of(star_field(30, SIZE, 70 + k)) for k in range(2))
    np.testing.assert_array_equal(tied(one, other[:4]), one)
    np.testing.assert_array_equal(tied(one[:3], other), one[:3])
