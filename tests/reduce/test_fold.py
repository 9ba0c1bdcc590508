"""The running sums are the sums; noise falls as it must; samples that do not belong are judged out."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.fold import REJECTORS, Against, contrast, fold, hold
from livestack.reduce.preview import Views, new_preview, new_sketch, preview, preview_step
from livestack.stack import FirstLook, Stack
from tests.reduce.fields import SKY_ADU, added, draw_stars, frame_of, light, noisy, star_field, turned

SIZE = (96, 112)
NOISE = 12.0
ONE = np.array([NOISE**2])


def _weighted(frames: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Mean, squared standard error, and variance of one typical sub of (N, H, W), in float64."""
    w = weights.reshape(-1, 1, 1)
    mean = (w * frames).sum(axis=0) / w.sum()
    m2 = (w * (frames - mean) ** 2).sum(axis=0)
    squared_error = m2 / ((len(frames) - 1) * w.sum())
    return mean, squared_error, len(frames) * squared_error


@pytest.mark.parametrize("weighted", [False, True])
def test_a_thousand_subs_are_numpys_mean_and_variance(weighted: bool) -> None:
    """Sky to 1e-4 standard errors, stars to 2 % of one, variance to 1e-4: float32 sums lose nothing that counts."""
    draw = np.random.default_rng(1)
    size, n = (24, 40), 1000
    picture = draw_stars(size, np.array([[20.3, 12.1, 3e6]]), 3.0)
    frames = (picture + draw.normal(0, NOISE, (n, *size)) * np.sqrt(1 + picture / 500) + SKY_ADU).astype(np.float32)
    weights = draw.uniform(0.2, 3.0, n) if weighted else np.ones(n)
    stack = Stack((1, *size))
    for frame, weight in zip(frames, weights, strict=True):
        added(stack, light(frame_of(frame), sky=SKY_ADU, weight=weight))
    mean, squared_error, variance = _weighted(frames.astype(np.float64) - SKY_ADU, weights)
    sums = stack.result()
    off = np.abs(sums.mean[0] - mean) / np.sqrt(squared_error)
    stars = picture > 50
    assert off[~stars].max() < 1e-4 * (5 if weighted else 2)
    assert off[stars].max() < 0.02
    np.testing.assert_allclose(sums.stderr[0] ** 2, squared_error, rtol=1e-4)
    np.testing.assert_allclose(sums.variance[0], variance, rtol=1e-4)
    assert (sums.coverage == n).all()
    assert not sums.rejected.any()
    assert stack.n_subs == n
    assert stack.exposure_s == n


def test_nobody_there_is_nan_and_one_sub_has_no_variance() -> None:
    stack = Stack((1, *SIZE))
    assert np.isnan(stack.result().mean).all()
    added(stack, light(frame_of(np.full(SIZE, 7, np.uint16)), turned(0, 30, 0, SIZE)))
    sums = stack.result()
    assert np.isnan(sums.mean[0, :, :30]).all()
    assert (sums.mean[0, :, 30:] == 7).all()
    assert np.isnan(sums.variance).all()
    assert np.isnan(sums.stderr).all()
    added(stack, light(frame_of(np.full(SIZE, 9, np.uint16)), turned(0, 30, 10, SIZE)))
    sums = stack.result()
    assert np.isfinite(sums.stderr[0, 10:, 30:]).all()
    assert np.isnan(sums.stderr[0, :10]).all()
    assert sums.stderr[0, 50, 50] == pytest.approx(1.0)
    assert sums.variance[0, 50, 50] == pytest.approx(2.0)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_noise_falls_as_one_over_the_root_of_n(cfa: str | None) -> None:
    """The mean's real noise, and the standard error it claims, under dither: as 1/√n, and equal to each other."""
    draw = np.random.default_rng(2)
    size = (160, 180)
    stack = Stack((3 if cfa else 1, *size))
    inner = np.s_[:, 20:-20, 20:-20]
    seen, claimed = {}, {}
    for n in range(1, 65):
        sub = light(
            frame_of(noisy(np.zeros(size), 100 + n), cfa), turned(0, *draw.uniform(-6, 6, 2), size), sky=SKY_ADU
        )
        added(stack, sub)
        if n in (4, 16, 64):
            sums = stack.result()
            seen[n] = np.std(sums.mean[inner], axis=(1, 2))
            claimed[n] = np.sqrt(np.mean(sums.stderr[inner] ** 2, axis=(1, 2)))
    for n in (16, 64):
        np.testing.assert_allclose(seen[4] / seen[n], np.sqrt(n / 4), rtol=0.04)
        np.testing.assert_allclose(claimed[n], seen[n], rtol=0.03)


def test_weights_of_one_over_variance_are_the_optimum() -> None:
    """Half the subs three times as noisy: noise as theory's best, and better than equal weights."""
    sigmas = np.array([10.0, 30.0] * 10)
    stacks = {name: Stack((1, *SIZE)) for name in ("best", "equal")}
    for k, sigma in enumerate(sigmas):
        frame = frame_of(noisy(np.zeros(SIZE), k, noise=sigma))
        added(stacks["best"], light(frame, sky=SKY_ADU, weight=100 / sigma**2))
        added(stacks["equal"], light(frame, sky=SKY_ADU))
    noise = {name: float(np.std(stack.mean)) for name, stack in stacks.items()}
    assert noise["best"] == pytest.approx(1 / np.sqrt((1 / sigmas**2).sum()), rel=0.03)
    assert noise["equal"] == pytest.approx(np.sqrt((sigmas**2).sum()) / len(sigmas), rel=0.03)
    claimed = np.sqrt(np.mean(stacks["best"].result().stderr ** 2))
    assert claimed == pytest.approx(noise["best"], rel=0.03)


def _trailed(frames: int, outlier: float, at: int, rule: str) -> tuple[Stack, Array, list[float]]:
    """Fold noisy subs, the one numbered `at` with a bright line; returns the stack, the line's px, and shares out."""
    line = np.zeros(SIZE, bool)
    line[40:43] = True
    stack, shares = Stack((1, *SIZE)), []
    for k in range(frames):
        data = noisy(np.zeros(SIZE), 50 + k)
        if k == at:
            data[line] += outlier
        shares.append(fold(stack, light(frame_of(data), sky=SKY_ADU), REJECTORS[rule], Against(ONE), None))
    return stack, line, shares


@pytest.mark.parametrize(("rule", "at"), [("sigma", 20), ("winsorised", 20), ("deferred", 2), ("deferred", 20)])
def test_an_outlier_is_judged_out(rule: str, at: int) -> None:
    stack, line, shares = _trailed(24, 400.0, at, rule)
    sums = stack.result()
    left = float(sums.mean[0][line].mean() - sums.mean[0][~line].mean())
    assert abs(left) < (0.2 if rule == "winsorised" else 0.06) * NOISE
    assert shares[at] == pytest.approx(line.mean(), abs=0.01)
    assert max(s for k, s in enumerate(shares) if k != at and k > 10) < 0.02
    assert ((sums.coverage + sums.rejected) == 24).all(), "every sub that covered a px is counted once"
    if rule != "winsorised":
        assert (sums.rejected[0][line] >= 1).all()
        assert sums.rejected[0][~line].mean() < 0.01 * 24
    else:
        assert not sums.rejected.any(), "a clamped sample is in the mean"


@pytest.mark.parametrize("rule", ["sigma", "winsorised"])
def test_the_share_judged_out_is_of_what_was_covered(rule: str) -> None:
    stack = Stack((1, *SIZE))
    for k in range(12):
        fold(stack, light(frame_of(noisy(np.zeros(SIZE), k)), sky=SKY_ADU), REJECTORS[rule], Against(ONE), None)
    data = noisy(np.zeros(SIZE), 12)
    data[: SIZE[0] // 2] += 500
    sub = light(frame_of(data), turned(0, 0, 10, SIZE), sky=SKY_ADU)
    assert fold(stack, sub, REJECTORS[rule], Against(ONE), None) == pytest.approx(48 / 86, abs=0.01)


def test_the_plain_mean_takes_everything() -> None:
    stack, line, shares = _trailed(10, 400.0, 3, "none")
    assert shares == [0.0] * 10
    assert not stack.rejected.any()
    assert stack.mean[0][line].mean() == pytest.approx(40, abs=2)


def test_covered_is_in_or_out_at_the_borders_too() -> None:
    stack = Stack((1, *SIZE))
    draw, covered = np.random.default_rng(3), np.zeros(SIZE, int)
    for k in range(8):
        data = noisy(np.zeros(SIZE), k)
        data[draw.random(SIZE) < 0.02] += 500
        sub = light(frame_of(data), turned(draw.uniform(-9, 9), *draw.uniform(-20, 20, 2), SIZE), sky=SKY_ADU)
        covered += added(Stack((1, *SIZE)), sub).coverage[0]
        fold(stack, sub, REJECTORS["deferred"], Against(ONE), None)
    np.testing.assert_array_equal(stack.coverage[0] + stack.rejected[0], covered)
    assert stack.rejected.sum() > 50


def test_star_cores_are_not_eaten_when_the_seeing_changes() -> None:
    """Subs of FWHM 2.6 to 4.2 px under the default rule: a star's light is that of the plain mean to 0.5 %."""
    size = (200, 200)
    stars = star_field(20, size, 4, border=14, apart=26)
    draw = np.random.default_rng(5)
    judged, plain = Stack((1, *size)), Stack((1, *size))
    for k in range(14):
        data = noisy(draw_stars(size, stars, draw.uniform(2.6, 4.2), 3.0), k)
        sub = light(frame_of(data), sky=SKY_ADU)
        fold(judged, sub, REJECTORS["deferred"], Against(ONE), None)
        added(plain, sub)
    for x, y, _ in stars:
        box = np.s_[0, round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6]
        core = np.s_[0, round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
        assert judged.mean[box].sum() == pytest.approx(plain.mean[box].sum(), rel=5e-3)
        assert judged.mean[core].sum() == pytest.approx(plain.mean[core].sum(), rel=5e-3)


def test_clean_sky_is_hardly_touched() -> None:
    """The price of judging: no more than 0.1 % of the samples, and no more noise."""
    judged, plain = Stack((1, *SIZE)), Stack((1, *SIZE))
    for k in range(30):
        sub = light(frame_of(noisy(np.zeros(SIZE), k)), sky=SKY_ADU)
        fold(judged, sub, REJECTORS["deferred"], Against(ONE), None)
        added(plain, sub)
    assert judged.rejected.mean() / 30 < 1e-3
    assert np.std(judged.mean) == pytest.approx(np.std(plain.mean), rel=5e-3)


@pytest.mark.parametrize("rule", ["none", "sigma", "winsorised", "deferred"])
@pytest.mark.parametrize("cfa", [None, "GBRG"])
def test_threads_change_no_bit(rule: str, cfa: str | None) -> None:
    def folded(threads: ThreadPoolExecutor | None) -> bytes:
        stack = Stack((3 if cfa else 1, 200, 150))
        draw = np.random.default_rng(6)
        for k in range(8):
            data = noisy(np.zeros((200, 150)), k)
            data[draw.random(data.shape) < 0.01] += 300
            pose = turned(draw.uniform(-5, 5), *draw.uniform(-9, 9, 2), data.shape)
            sub = light(frame_of(data, cfa), pose, sky=SKY_ADU, weight=draw.uniform(0.5, 2))
            fold(stack, sub, REJECTORS[rule], Against(np.full(stack.shape[0], NOISE**2)), threads)
        return b"".join(array.tobytes() for array in stack.arrays)

    with ThreadPoolExecutor(3) as three, ThreadPoolExecutor(1) as one:
        assert folded(None) == folded(one) == folded(three)


def test_contrast_is_where_the_stars_are() -> None:
    size = (120, 130)
    stack = Stack((1, *size))
    for k in range(6):
        added(stack, light(frame_of(noisy(draw_stars(size, np.array([[60.0, 50.0, 50_000.0]]), 3.0), k)), sky=SKY_ADU))
    shape = contrast(stack, ONE, REJECTORS["deferred"], None)
    assert shape.shape == (60, 65)
    highest = float(stack.mean[0].max())
    assert shape.max() > 0.6 * highest
    assert np.median(shape) < 0.5 * NOISE / np.sqrt(6) * 2.2
    far = np.ones_like(shape, bool)
    far[15:35, 20:40] = False
    assert np.percentile(shape[far], 99) < 3 * NOISE / np.sqrt(6)


def test_the_preview_is_the_mean_over_what_is_covered() -> None:
    stack = Stack((3, 300, 400))
    data = np.random.default_rng(7).uniform(0, 100, (300, 400, 3)).astype(np.float32)
    added(stack, light(frame_of(data), turned(0, 11, 0, (300, 400))))
    picture = preview(stack, None)
    assert picture.shape == (300, 400, 3)
    assert np.isnan(picture[:, :11]).all()
    np.testing.assert_array_equal(picture[:, 11:], data[:, :-11])


@pytest.mark.parametrize(("size", "step"), [((2000, 2000), 1), ((2001, 2000), 2), ((4176, 6248), 3), ((100, 80), 1)])
def test_the_preview_is_small_enough(size: tuple[int, int], step: int) -> None:
    assert preview_step(*size) == step
    assert (size[0] // step) * (size[1] // step) <= 4_000_000


def test_a_large_preview_is_averaged() -> None:
    stack = Stack((1, 1, 1))
    stack.mean = np.arange(2002 * 2002, dtype=np.float32).reshape(1, 2002, 2002)
    stack.coverage = np.ones((1, 2002, 2002), np.uint16)
    stack.coverage[0, :3, :3] = 0
    picture = preview(stack, None)[:, :, 0]
    assert picture.shape == (1001, 1001)
    assert np.isnan(picture[0, 0])
    assert picture[1, 1] == pytest.approx(np.mean([stack.mean[0, 2, 3], *stack.mean[0, 3, 2:4]]))
    assert picture[500, 500] == pytest.approx(stack.mean[0, 1000:1002, 1000:1002].mean())


@pytest.mark.parametrize("first_look", [False, True])
@pytest.mark.parametrize(("size", "degrees"), [((2050, 2100), 0.0), ((2050, 2100), 3.0), ((150, 1300), 0.0)])
def test_a_sub_is_sketched_by_samples_of_it(size: tuple[int, int], degrees: float, first_look: bool) -> None:
    """Across the edges of tiles and bands, upright or turned, a px of the sketch is a sample of the sub on the grid."""
    data = np.random.default_rng(3).uniform(0, 100, (*size, 3)).astype(np.float32)
    sub = light(frame_of(data), turned(degrees, 7, -5, size))
    shape = (3, *size)
    sketch, whole = new_sketch(shape), Stack(shape)
    against = Against(np.full(3, NOISE**2))
    fold(whole, sub, REJECTORS["none"], against, None)
    if first_look:
        hold(FirstLook(shape), sub, REJECTORS["deferred"], against.noise, None, sketch)
    else:
        fold(Stack(shape), sub, REJECTORS["none"], against, None, Views(sketch))
    step = preview_step(*size)
    expected = np.moveaxis(whole.result().mean, 0, 2)[step // 2 :: step, step // 2 :: step]
    np.testing.assert_array_equal(sketch, expected[: sketch.shape[0], : sketch.shape[1]])
    assert np.isfinite(sketch).mean() > 0.8


@pytest.mark.parametrize("size", [(150, 1300), (2050, 2103)])
@pytest.mark.parametrize("degrees", [0.0, 3.0, 90.0])
@pytest.mark.parametrize("n_colours", [1, 3])
def test_a_preview_made_by_the_way_is_that_of_the_stack(size: tuple[int, int], degrees: float, n_colours: int) -> None:
    """To the bit, at the edges of what is covered and where a sub does not reach, too."""
    shape = (n_colours, *size)
    data = np.random.default_rng(4).uniform(0, 100, (*size, 3)).astype(np.float32)
    stack = Stack(shape)
    for k, angle in enumerate((0.0, degrees)):
        sub = light(frame_of(data if n_colours == 3 else data[:, :, 0]), turned(angle, 7, -5 * k, size))
        made = new_preview(shape)
        fold(stack, sub, REJECTORS["none"], Against(np.full(n_colours, NOISE**2)), None, Views(preview=made))
        assert made.tobytes() == preview(stack, None).tobytes()


def test_a_cosmic_ray_takes_its_edge_with_it() -> None:
    """What touches a px far above the rest, and stands out, is part of it. A lone hit is not followed."""
    size = (70, 80)
    stack = Stack((1, *size))
    for k in range(12):
        added(stack, light(frame_of(noisy(np.zeros(size), k)), sky=SKY_ADU))
    before = stack.coverage.copy()
    data = noisy(np.zeros(size), 99, noise=0.5)
    data[19:21, 29:32] += 2 * NOISE
    data[20, 30] += 40 * NOISE
    data[49:52, 59:62] += 2 * NOISE
    data[50, 60] += 2.5 * NOISE
    out = np.zeros((35, 40), bool)
    fold(stack, light(frame_of(data), sky=SKY_ADU), REJECTORS["deferred"], Against(ONE, out=out), None)
    left_out = stack.coverage == before
    assert left_out[0, 19:21, 29:32].all()
    assert left_out[0, 50, 60]
    assert left_out.sum() <= 6 + 2 + 1, "what touches it and is sky stays"


def test_what_the_guide_leaves_out_is_left_out() -> None:
    size = (71, 81)
    stack = Stack((1, *size))
    for k in range(4):
        added(stack, light(frame_of(noisy(np.zeros(size), k)), sky=SKY_ADU))
    out = np.zeros((35, 40), bool)
    out[10:12, 20] = True
    out[34, 39] = True
    fold(
        stack,
        light(frame_of(noisy(np.zeros(size), 9)), sky=SKY_ADU),
        REJECTORS["deferred"],
        Against(ONE, out=out),
        None,
    )
    assert (stack.rejected[0, 20:24, 40:42] == 1).all()
    assert stack.rejected[0, 70, 80] == 1, "the odd last row and column go with their neighbours"
    assert (stack.coverage + stack.rejected == 5).all()


def test_what_the_stack_has_wrong_heals() -> None:
    """Where the first subs showed something that all later ones do not, these win; a few in a row do not."""
    size = (200, 210)
    stack = Stack((1, *size))
    wrong = np.zeros(size)
    wrong[:190, :200] = 20 * NOISE
    middle = np.s_[0, 80:110, 80:120]
    for k in range(4):
        added(stack, light(frame_of(noisy(wrong, k)), sky=SKY_ADU))
    for k in range(60):
        sub = light(frame_of(noisy(np.zeros(size), 50 + k)), sky=SKY_ADU)
        fold(stack, sub, REJECTORS["deferred"], Against(ONE), None)
        if k == 12:
            assert (stack.coverage[middle] == 4).all()
    assert (stack.coverage[middle] > 30).all()
    assert stack.mean[middle].mean() < 4 * 20 * NOISE / 30


def test_every_channel_is_judged_by_the_same_limits() -> None:
    """A px far below in one channel does not let 3.8 σ above pass, where 3.5 are the limit."""
    rule = dataclasses.replace(REJECTORS["deferred"], kappa_low=4.0, kappa_high=3.5)
    size = (20, 30)
    stack = Stack((3, *size))
    level = np.full((*size, 3), SKY_ADU, np.float32)
    for _ in range(12):
        added(stack, light(frame_of(level), sky=SKY_ADU))
    sub = level.copy()
    sub[18, 28, 0] -= 20 * NOISE
    sub[10, 10, 1] += 3.8 * NOISE
    sub[10, 20, 2] += 3.8 * NOISE
    fold(stack, light(frame_of(sub), sky=SKY_ADU), rule, Against(np.repeat(ONE, 3)), None)
    assert stack.rejected[0, 18, 28] == 1
    assert stack.rejected[0, 10, 10] == 1
    assert stack.rejected[0, 10, 20] == 1
