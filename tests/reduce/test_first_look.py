"""The first subs: extremes held aside, and taken back where they agree with the rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce import extremes
from livestack.reduce.fold import REJECTORS, Light, hold, lowest_contrast, readmit
from livestack.reduce.halves import from_half, half, hold_row
from livestack.stack import FirstLook, Stack
from tests.reduce.fields import NOISE_ADU, SKY_ADU, added, draw_stars, frame_of, light, noisy, star_field, turned

SIZE = (150, 170)
ONE = np.array([NOISE_ADU**2])
RULE = REJECTORS["deferred"]


def _sub(seed: int, picture: Array | float = 0.0, *, weight: float = 1.0, trail: float = 0.0) -> Light:
    data = noisy(np.zeros(SIZE) + picture, seed, noise=NOISE_ADU / np.sqrt(weight))
    data[60:64] += trail
    return light(frame_of(data), sky=SKY_ADU, weight=weight)


def _held(subs: list[Light]) -> FirstLook:
    first = FirstLook((1, *SIZE))
    for sub in subs:
        hold(first, sub, RULE, ONE, None)
    return first


def _plain(subs: list[Light]) -> Stack:
    stack = Stack((1, *SIZE))
    for sub in subs:
        added(stack, sub)
    return stack


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 12])
@pytest.mark.parametrize("weighted", [False, True])
def test_clean_subs_give_the_plain_mean(n: int, weighted: bool) -> None:
    """Every sample comes back but the few beyond the limits; the mean is the plain mean to what half floats tell."""
    weights = np.random.default_rng(1).uniform(0.5, 2, n) if weighted else np.ones(n)
    subs = [_sub(k, weight=w) for k, w in enumerate(weights)]
    shown, plain = readmit(_held(subs), RULE, ONE, None), _plain(subs)
    assert (shown.coverage + shown.rejected == n).all()
    whole = shown.rejected == 0
    assert whole.mean() > 1 - 0.004 * n
    off = np.abs(shown.mean - plain.mean)[whole]
    assert off.max() < 3e-3 * NOISE_ADU
    np.testing.assert_allclose(shown.weight[whole], plain.weight[whole], rtol=1e-5)
    if n > 1:
        np.testing.assert_allclose(shown.m2[whole], plain.m2[whole], rtol=3e-3, atol=3e-3 * NOISE_ADU**2)
    assert np.sqrt(np.mean((shown.mean - plain.mean) ** 2)) < 0.06 * NOISE_ADU


@pytest.mark.parametrize("n", [3, 4, 5, 8])
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("trail", [150.0, 2000.0, 50_000.0])
def test_a_trail_in_an_early_sub_is_not_shown(n: int, at: int, trail: float) -> None:
    subs = [_sub(k, trail=trail if k == at else 0.0) for k in range(n)]
    shown = readmit(_held(subs), RULE, ONE, None)
    without = _plain([sub for k, sub in enumerate(subs) if k != at])
    left = shown.mean[0, 60:64] - without.mean[0, 60:64]
    assert abs(left.mean()) < 0.05 * NOISE_ADU
    assert np.abs(left).max() < 6 * NOISE_ADU
    assert (shown.rejected[0, 60:64] > 0).mean() > 0.98
    assert (shown.rejected[0, :58] > 0).mean() < 0.02


def test_two_trails_on_one_px_are_held_by_eight_subs() -> None:
    subs = [_sub(k, trail=3000.0 if k in (0, 1) else 0.0) for k in range(8)]
    shown = readmit(_held(subs), RULE, ONE, None)
    assert abs(shown.mean[0, 60:64].mean()) < 0.1 * NOISE_ADU
    assert (shown.rejected[0, 60:64] == 2).mean() > 0.9


@pytest.mark.parametrize("n", [3, 4, 6, 8])
def test_star_cores_stay_whole_when_the_seeing_changes(n: int) -> None:
    """FWHM 2.6 to 4 px from sub to sub: light and core of each star within half a percent of the plain mean's."""
    stars = star_field(12, SIZE, 2, border=14, apart=28)
    draw = np.random.default_rng(3)
    subs = [_sub(k, draw_stars(SIZE, stars, draw.uniform(2.6, 4.0), 3.0)) for k in range(n)]
    shown, plain = readmit(_held(subs), RULE, ONE, None), _plain(subs)
    for x, y, _ in stars:
        for reach in (6, 1):
            box = np.s_[0, round(y) - reach : round(y) + reach + 1, round(x) - reach : round(x) + reach + 1]
            assert shown.mean[box].sum() == pytest.approx(plain.mean[box].sum(), rel=5e-3)


def test_borders_under_dither() -> None:
    """Px that two of five subs cover are shown from two; what nobody covered is nothing."""
    draw = np.random.default_rng(4)
    first, covered = FirstLook((1, *SIZE)), np.zeros(SIZE, int)
    for k in range(5):
        frame = frame_of(noisy(np.zeros(SIZE), k))
        sub = light(frame, turned(draw.uniform(-4, 4), *draw.uniform(-25, 25, 2), SIZE), sky=SKY_ADU)
        hold(first, sub, RULE, ONE, None)
        covered += added(Stack((1, *SIZE)), sub).coverage[0]
    shown = readmit(first, RULE, ONE, None)
    np.testing.assert_array_equal(shown.coverage[0] + shown.rejected[0], covered)
    assert set(np.unique(covered)) == {0, 1, 2, 3, 4, 5} or covered.min() > 0
    assert np.isnan(shown.result().mean[0][covered == 0]).all()
    assert np.abs(shown.mean[0][covered > 0]).max() < 6 * NOISE_ADU


def test_looking_changes_nothing() -> None:
    """What is shown may be asked for at any time: the first look goes on from where it was."""
    subs = [_sub(k, trail=500.0 if k == 0 else 0.0) for k in range(6)]
    asked = FirstLook((1, *SIZE))
    for sub in subs:
        hold(asked, sub, RULE, ONE, None)
        readmit(asked, RULE, ONE, None)
    one, other = readmit(asked, RULE, ONE, None), readmit(_held(subs), RULE, ONE, None)
    for mine, yours in zip(one.arrays, other.arrays, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_the_order_of_clean_subs_hardly_matters() -> None:
    subs = [_sub(k) for k in range(7)]
    one = readmit(_held(subs), RULE, ONE, None)
    other = readmit(_held(subs[::-1]), RULE, ONE, None)
    assert np.sqrt(np.mean((one.mean - other.mean) ** 2)) < 0.02 * NOISE_ADU


def test_what_most_subs_have_does_not_shut_out_the_sky() -> None:
    """A trail at one place in four of the first five subs, then a cloud, which hardly counts: later subs come in."""
    subs = [_sub(0), *(_sub(k, trail=30 * NOISE_ADU) for k in range(1, 5)), _sub(5, weight=0.08)]
    shown = readmit(_held([*subs, *(_sub(k) for k in range(6, 12))]), RULE, ONE, None)
    assert np.median(shown.coverage[0, 60:64]) >= 11
    assert np.median(shown.mean[0, 60:64]) < 12 * NOISE_ADU


@pytest.mark.parametrize("cfa", [None, "RGGB", "GBRG", "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"])
def test_the_founding_sub_is_held_as_if_it_were_sampled(cfa: str | None) -> None:
    """The same bits, also at the edges and where nothing is known."""
    data = noisy(np.zeros(SIZE) + SKY_ADU, 1)
    data[40:50, 60:75] = np.nan
    sub = light(frame_of(data, cfa=cfa), sky=SKY_ADU)
    ways = []
    for inverse in (np.eye(3), 2 * np.eye(3)):  # the same map
        first = FirstLook((3 if cfa else 1, *SIZE))
        hold(first, dataclasses.replace(sub, inverse=inverse), RULE, np.full(first.core.shape[0], NOISE_ADU**2), None)
        ways.append(first)
    assert dataclasses.replace(sub, inverse=np.eye(3)).lies_on_grid
    assert 0 < (ways[0].n_aside == 0).sum() < 400
    for one, other in zip(*(way.held for way in ways), strict=True):
        np.testing.assert_array_equal(one, other)


def test_half_floats_are_those_of_ieee_754() -> None:
    draw = np.random.default_rng(7)
    some = (draw.normal(size=2000) * 10.0 ** draw.uniform(-9, 4.5, 2000)).astype(np.float32)
    numbers = np.concatenate([some, np.array([0, -0.0, 1, 65504, -65504, 2049, 2051], np.float32)])
    bits = np.array([half(x) for x in numbers], np.uint16)
    near = numbers.astype(np.float16)
    assert np.abs(bits.view(np.float16) - near.astype(np.float32)).max() <= 2.0**-24
    whole = np.abs(numbers) >= 2.0**-14
    np.testing.assert_array_equal(bits[whole], near.view(np.uint16)[whole])
    np.testing.assert_array_equal([from_half(code) for code in bits], bits.view(np.float16).astype(np.float32))
    assert from_half(half(np.float32(1e9))) == 65504
    assert from_half(half(np.float32(-1e30))) == -65504


def test_the_colours_of_a_px_are_held_together() -> None:
    """What is off in one channel alone is out in all, and so is what the others of its sub said."""
    subs = [np.stack([noisy(np.zeros(SIZE), 10 * k + c) for c in range(3)], axis=-1) for k in range(5)]
    subs[1][40:44, :, 0] += 30 * NOISE_ADU
    noise = np.full(3, NOISE_ADU**2)
    first = FirstLook((3, *SIZE))
    for data in subs:
        sub = light(frame_of(data), sky=SKY_ADU)
        hold(first, sub, RULE, noise, None)
    shown = readmit(first, RULE, noise, None)
    assert shown.coverage.shape == (1, *SIZE)
    assert (shown.rejected[0, 40:44] == 1).mean() > 0.97
    assert np.abs(shown.mean[:, 40:44].mean(axis=(1, 2))).max() < 0.1 * NOISE_ADU
    without = np.mean([data for k, data in enumerate(subs) if k != 1], axis=0)[40:44] - SKY_ADU
    clean = (shown.rejected[0, 40:44] == 1) & (shown.coverage[0, 40:44] == 4)
    np.testing.assert_allclose(
        shown.mean[:, 40:44][:, clean], np.moveaxis(without, 2, 0)[:, clean], atol=0.02 * NOISE_ADU
    )
    ended = readmit(first, RULE, noise, None, lowest_contrast(first, noise, RULE, None))
    assert ended is first.core
    for mine, yours in zip(shown.arrays, ended.arrays, strict=True):
        np.testing.assert_array_equal(mine, yours)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_is_held_at_once_as_px_by_px(channels: int) -> None:
    """Where every px holds as many samples the row is held by loops over it; what is held and the core are the same."""
    rng = np.random.default_rng(7)
    width, n, index = 203, 10, np.arange(10)
    samples = rng.normal(0, 20, (n, channels, width)).astype(np.float32)
    samples[3, :, 40:60] += 900.0  # a trail
    samples[:, :, 100] = 50.0  # all alike
    weights, noise = rng.uniform(0.5, 2, n).astype(np.float32), np.full(channels, 400.0, np.float32)
    structure = rng.uniform(0, 30, (1, (width + 1) // 2)).astype(np.float32)
    rule = REJECTORS["deferred"].numbers_aside
    looks = FirstLook((channels, 1, width), 320.0), FirstLook((channels, 1, width), 320.0)
    for k in index:
        for look, hold_some in zip(looks, (False, True), strict=True):
            rest = weights, look.core.arrays, noise, structure, rule
            if hold_some:
                extremes._hold_px_by_px(look.held, (0, 0, width), samples[k], k, *rest)
            else:
                hold_row(look.held, (0, 0, width), min(k, 3), samples[k], k, *rest)
    for one, other in zip(looks[0].held[:3], looks[1].held[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(looks[0].core.arrays, looks[1].core.arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-3)
    assert (looks[0].core.coverage + looks[0].core.rejected == n - 3).all()
    assert looks[0].core.rejected.sum() < 0.05 * n * width
