"""A sub is brought to the stack's sky and scale, and its noise is its own."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array, Frame
from livestack.reduce.fold import REJECTORS, Against, Light, fold
from livestack.reduce.normalise import sample_noise, sky_blocks, sky_blocks_of_stack, sky_level, sky_surface, tied_sky
from livestack.stack import Stack
from tests.reduce.fields import NOISE_ADU, SKY_ADU, added, draw_stars, frame_of, light, noisy, star_field, turned

SIZE = (420, 500)


@pytest.fixture(scope="module")
def picture() -> Array:
    """Stars, and a nebula over a third of the frame."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    nebula = 80 * np.exp(-((xx - 300) ** 2 + (yy - 180) ** 2) / (2 * 70**2))
    return np.asarray(draw_stars(SIZE, star_field(100, SIZE, 1), 3.0, 4.0) + nebula)


def _slope(*coefficients: float) -> Array:
    """Sky of coefficients of 1, x, y, x², xy, y²; what is not given is 0."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    terms = (np.ones(SIZE), xx, yy, xx * xx, xx * yy, yy * yy)
    return np.asarray(sum(c * term for c, term in zip(coefficients, terms, strict=False)))


def _stack_of(picture: Array, n: int, channels: int = 1) -> Stack:
    """n clean subs of a picture, their sky taken off exactly."""
    stack = Stack((channels, *SIZE))
    for k in range(n):
        added(stack, light(_frame(picture, k, channels), sky=SKY_ADU))
    return stack


def _frame(picture: Array, seed: int, channels: int = 1, *, noise: float = NOISE_ADU) -> Frame:
    planes = [noisy(picture, 10 * seed + c, noise=noise) for c in range(channels)]
    return frame_of(planes[0] if channels == 1 else np.stack(planes, axis=-1))


def _sky(stack: Stack, sub: Light) -> Array:
    return sky_surface(sky_blocks_of_stack(stack), sub, stack.shape)


@pytest.mark.parametrize("n", [1, 3, 10])
@pytest.mark.parametrize("plane", [(SKY_ADU, 0.0, 0.0), (SKY_ADU + 90, 0.06, -0.04), (300.0, -0.1, 0.1, 2e-4, -1e-4)])
def test_a_sky_surface_is_found(picture: Array, n: int, plane: tuple[float, ...]) -> None:
    """Level, slope and bend to 0.1 σ at the worst corner; stars and nebula are not taken for sky."""
    stack = _stack_of(picture, n)
    data = (noisy(picture, 77, sky=0.0) + _slope(*plane)).astype(np.float32)
    found = _sky(stack, light(frame_of(data)))
    assert np.abs(_slope(*found[0]) - _slope(*plane)).max() < 0.1 * NOISE_ADU * (2 if n == 1 else 1)


def test_each_colour_has_its_own_sky(picture: Array) -> None:
    stack = _stack_of(picture, 4, 3)
    planes = np.array([[900.0, 0.05, 0.0], [700.0, 0.0, -0.05], [400.0, 0.02, 0.03]])
    data = np.stack([noisy(picture, 80 + c, sky=0.0) + _slope(*planes[c]) for c in range(3)], axis=-1)
    found = _sky(stack, light(frame_of(data.astype(np.float32))))
    for c in range(3):
        assert np.abs(_slope(*found[c]) - _slope(*planes[c])).max() < 0.12 * NOISE_ADU


@pytest.mark.parametrize("scale", [0.5, 1.3])
def test_a_dimmer_sub_is_scaled_not_shifted(picture: Array, scale: float) -> None:
    """Through haze: the object's light is scale times the stack's, and the plane found is the sky alone."""
    stack = _stack_of(picture, 6)
    data = noisy(scale * picture, 78, sky=0.0) + _slope(650.0, 0.03, 0.0).astype(np.float32)
    found = _sky(stack, light(frame_of(data), scale=scale))
    assert np.abs(_slope(*found[0]) - _slope(650.0, 0.03, 0.0)).max() < 0.12 * NOISE_ADU
    sub = light(frame_of(data), sky=found, scale=scale)
    one = added(Stack((1, *SIZE)), sub).mean[0]
    off = (one - stack.mean[0])[picture < 60]
    assert abs(np.median(off)) < 0.08 * NOISE_ADU


def test_the_plane_is_found_under_any_pose() -> None:
    """The sky is a plane on the grid, whatever way the camera was turned."""
    matrix = turned(180.0, 6.0, -4.0, SIZE)
    # what the sub records at its own px: the sky of the grid px it lies on
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    grid_x, grid_y = SIZE[1] - 1 + 6.0 - xx, SIZE[0] - 1 - 4.0 - yy
    data = noisy(np.zeros(SIZE), 79, sky=0.0) + (500 + 0.08 * grid_x - 0.05 * grid_y)
    blank = Stack((1, *SIZE))
    added(blank, light(frame_of(noisy(np.zeros(SIZE), 3)), sky=SKY_ADU))
    found = _sky(blank, light(frame_of(data.astype(np.float32)), matrix))
    assert np.abs(_slope(*found[0]) - _slope(500, 0.08, -0.05)).max() < 0.15 * NOISE_ADU


def test_a_step_of_the_sky_is_no_reason_to_reject(picture: Array) -> None:
    """A lamp goes on: the sky is 8 σ brighter, with a gradient; normalised, its samples are in."""
    stack = _stack_of(picture, 8)
    data = (noisy(picture, 81) + _slope(8 * NOISE_ADU, 0.05, 0.0)).astype(np.float32)
    found = _sky(stack, light(frame_of(data)))
    sub = light(frame_of(data), sky=found)
    share = fold(stack, sub, REJECTORS["deferred"], Against(sample_noise(stack, sub)), None)
    assert share < 3e-3


@pytest.mark.parametrize("n", [1, 3, 10])
@pytest.mark.parametrize("noise", [6.0, 12.0, 30.0])
def test_noise_of_a_sample(picture: Array, n: int, noise: float) -> None:
    """To 10 % whatever the stack's own noise; the sub is not moved, so that its px are its samples."""
    stack = _stack_of(picture, n)
    sub = light(_frame(picture, 82, noise=noise), sky=SKY_ADU, weight=(NOISE_ADU / noise) ** 2)
    assert np.sqrt(sample_noise(stack, sub)) == pytest.approx(noise, rel=0.1)


def test_noise_in_a_crowded_field_is_not_the_crowd() -> None:
    crowd = draw_stars(SIZE, star_field(1500, SIZE, 3) * [1, 1, 0.1], 3.0)
    stack = _stack_of(crowd, 5)
    sub = light(_frame(crowd, 83), sky=SKY_ADU)
    assert np.sqrt(sample_noise(stack, sub)) == pytest.approx(NOISE_ADU, rel=0.1)


def test_noise_on_the_scale_of_the_stack(picture: Array) -> None:
    """A sub at half transparency has twice the noise once scaled up."""
    stack = _stack_of(picture, 8)
    sub = light(_frame(0.5 * picture, 84), sky=SKY_ADU, scale=0.5, weight=0.25)
    assert np.sqrt(sample_noise(stack, sub)) == pytest.approx(2 * NOISE_ADU, rel=0.1)


def _shifted(picture: Array, dx: float, seed: int) -> Light:
    return light(_frame(picture, seed), turned(0, dx, 0, SIZE), sky=SKY_ADU)


def test_noise_where_the_stack_covers_a_part() -> None:
    """A stack that has lost its founding sub: no more than a third of the grid is covered."""
    stack = Stack((1, *SIZE))
    for k in range(5):
        added(stack, _shifted(np.zeros(SIZE), -340.0, k))
    noise = np.sqrt(sample_noise(stack, _shifted(np.zeros(SIZE), -340.0, 9)))
    assert noise == pytest.approx(NOISE_ADU, rel=0.1)


def test_what_cannot_be_compared_says_nothing() -> None:
    """No overlap: no sky (0), and a noise so large that nothing is judged out."""
    stack = Stack((1, *SIZE))
    added(stack, _shifted(np.zeros(SIZE), 400.0, 1))
    sub = _shifted(np.zeros(SIZE), -400.0, 2)
    assert not _sky(stack, sub).any()
    assert sample_noise(stack, sub)[0] >= 1e10
    assert fold(stack, sub, REJECTORS["deferred"], Against(sample_noise(stack, sub)), None) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_founding_sky_is_the_sky(picture: Array, channels: int) -> None:
    """Within half a σ, with a nebula over a third of the frame."""
    sky = sky_level(light(_frame(picture, 5, channels)), (channels, *SIZE))
    np.testing.assert_allclose(sky[:, 0], SKY_ADU, atol=0.5 * NOISE_ADU)
    assert not sky[:, 1:].any()


@pytest.mark.parametrize("size", [(8, 8), (31, 33), (64, 20), (100, 100)])
def test_small_grids(size: tuple[int, int]) -> None:
    stack = Stack((1, *size))
    for k in range(3):
        added(stack, light(frame_of(noisy(np.zeros(size), k)), sky=SKY_ADU))
    sub = light(frame_of(noisy(np.zeros(size), 9, sky=SKY_ADU + 55)))
    plane = _sky(stack, sub)[0]
    yy, xx = np.mgrid[: size[0], : size[1]]
    tolerance = 4 * NOISE_ADU * np.sqrt(1.57 * 4 / 3 / (size[0] * size[1]) * 6)
    assert np.abs(plane[0] + plane[1] * xx + plane[2] * yy - SKY_ADU - 55).max() < tolerance


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tied_sky_is_the_founding_subs(picture: Array, channels: int) -> None:
    """A sub measured on the stack has the sky it has on the founding sub, though that of the stack is off."""
    shape = (channels, *SIZE)
    founder = sky_blocks(light(_frame(picture, 90, channels), sky=SKY_ADU), shape)
    stack = _stack_of(picture, 10, channels)
    stack.mean += _slope(2.0, 0.01, -0.01, 1e-5)
    blocks = sky_blocks_of_stack(stack)
    sub = light(_frame(picture, 91, channels), scale=1.0)
    on_founder, on_stack, on_tied = (
        sky_surface(known, sub, shape) for known in (founder, blocks, tied_sky(blocks, founder, shape))
    )
    for c in range(channels):
        off = _slope(*(on_tied[c] - on_founder[c]))
        assert np.sqrt((off**2).mean()) < 0.01 * NOISE_ADU
        assert np.sqrt((off**2).mean()) < 0.05 * np.sqrt((_slope(*(on_stack[c] - on_founder[c])) ** 2).mean())


def test_a_faint_trail_hardly_moves_the_sky(picture: Array) -> None:
    """Through the middle, 2 σ bright and 12 px wide."""
    stack = _stack_of(picture, 10)
    clean, trailed = noisy(picture, 92), noisy(picture, 92)
    trailed[200:212] += 2 * NOISE_ADU
    change = _sky(stack, light(frame_of(trailed)))[0] - _sky(stack, light(frame_of(clean)))[0]
    assert np.abs(_slope(*change)).max() < 0.05 * NOISE_ADU
