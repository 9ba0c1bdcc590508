"""Raw px dropped onto the grid: true colours of small stars, their light kept, and noise that is what it says."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import XTRANS, Array, Masters
from livestack.reduce.drizzle import evenness
from livestack.reduce.fold import REJECTORS, Against, Light, fold
from livestack.reduce.sensor import colours_of
from livestack.stack import Drops, Stack
from tests.reduce.fields import NOISE_ADU, SKY_ADU, draw_stars, frame_of, light, mosaic, moved, star_field, turned

SIZE = (200, 220)
INNER = np.s_[:, 16:-16, 16:-16]


def _poses(n: int, seed: int, turn_deg: float = 0.0) -> list[Array]:
    draw = np.random.default_rng(seed)
    return [turned(draw.uniform(-turn_deg, turn_deg), *draw.uniform(-8, 8, 2), SIZE) for _ in range(n)]


def _drizzled(lights: list[Light], template: Stack | None = None, threads: Executor | None = None) -> Stack:
    """Fold subs as a night does: the first twelve by what they are without drizzle, the others by what is there."""
    rule, noise = REJECTORS["none"], np.ones(3)
    if template is None:
        template = Stack((3, *SIZE))
        for sub in lights[:12]:
            fold(template, sub, rule, Against(noise), None)
    stack = Stack((3, *SIZE))
    stack.drops = Drops(stack.shape)
    for k, sub in enumerate(lights):
        fold(stack, sub, rule, Against(noise, template if k < 12 else None), threads)
    return stack


def _skies(poses: list[Array], seed: int, weights: Array | None = None, cfa: str = "RGGB") -> Iterator[Light]:
    """Subs of an empty sky; the noise of each is as its weight says."""
    draw = np.random.default_rng(seed)
    for matrix, weight in zip(poses, np.ones(len(poses)) if weights is None else weights, strict=True):
        data = draw.normal(SKY_ADU, NOISE_ADU / np.sqrt(weight), SIZE).astype(np.float32)
        yield light(frame_of(data, cfa), matrix, sky=SKY_ADU, weight=float(weight))


def _by_hand(lights: list[Light], cfa: str) -> tuple[Array, Array]:
    """Raw · mask and mask, both sampled bilinearly: sums of the two, each (C, H, W)."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    index = colours_of(cfa)
    total, weight = np.zeros((3, *SIZE)), np.zeros((3, *SIZE))
    for sub in lights:
        raw = sub.sensor[5][0].astype(np.float64) - SKY_ADU
        sx, sy, w = np.moveaxis(sub.inverse @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1), 0, 0)
        left, top = np.floor(sx / w).astype(int).reshape(SIZE), np.floor(sy / w).astype(int).reshape(SIZE)
        past_x, past_y = (sx / w).reshape(SIZE) - left, (sy / w).reshape(SIZE) - top
        for dy, share_y in ((0, 1 - past_y), (1, past_y)):
            for dx, share_x in ((0, 1 - past_x), (1, past_x)):
                v, u = top + dy, left + dx
                there = (v >= 0) & (v < SIZE[0]) & (u >= 0) & (u < SIZE[1])
                v, u = np.where(there, v, 0), np.where(there, u, 0)
                share = share_y * share_x * sub.weight * there
                for c in range(3):
                    mask = share * (index[v % len(index), u % len(index)] == c)
                    total[c] += mask * raw[v, u]
                    weight[c] += mask
    return total, weight


@pytest.mark.parametrize("cfa", ["RGGB", "GBRG", XTRANS])
def test_a_drop_is_a_px_and_its_mask_sampled_bilinearly(cfa: str) -> None:
    """Turned, flipped and weighed; where nothing is known of how the light runs."""
    poses = [np.eye(3), turned(180.0, 3.3, -2.6, SIZE), turned(4.0, 1.2, 5.7, SIZE), turned(90.0, -4.4, 0.3, SIZE)]
    lights = list(_skies(poses, 1, np.array([1.0, 0.6, 1.3, 0.9]), cfa))
    stack = _drizzled(lights, Stack((3, *SIZE)))
    total, weight = _by_hand(lights, cfa)
    inner = np.s_[:, 40:-40, 50:-50]
    assert stack.drops is not None
    np.testing.assert_allclose(stack.drops.weight[inner], weight[inner], atol=1e-5)
    seen = weight[inner] > 0.01
    np.testing.assert_allclose(stack.drops.mean[inner][seen], total[inner][seen] / weight[inner][seen], atol=0.02)


def test_bits_do_not_depend_on_threads() -> None:
    lights = list(_skies(_poses(6, 2, 3.0), 2))
    alone = _drizzled(lights)
    with ThreadPoolExecutor(3) as threads:
        other = _drizzled(lights, threads=threads)
    assert alone.drops is not None and other.drops is not None
    for mine, yours in zip(alone.drops.arrays, other.drops.arrays, strict=True):
        np.testing.assert_array_equal(mine, yours)


def _coloured(field: int = 0) -> tuple[Array, Array]:
    """Stars (N, 3), and how bright each is in red, green and blue."""
    stars, draw = star_field(30, SIZE, 2 + field, border=22, apart=22), np.random.default_rng(5 + field)
    stars[:, 2] = draw.uniform(4e4, 2e5, len(stars))
    hue = draw.uniform(-0.45, 0.45, len(stars))
    return stars, np.column_stack([1 + hue, np.ones(len(stars)), 1 - hue])


def _night(poses: list[Array], fwhm_px: float, field: int = 0) -> Iterator[Light]:
    stars, colours = _coloured(field)
    for matrix in poses:
        there = moved(stars, np.linalg.inv(matrix))
        planes = [draw_stars(SIZE, there * [1, 1, 0] + np.outer(there[:, 2] * c, [0, 0, 1]), fwhm_px, 3.5)
                  for c in colours.T]  # fmt: skip
        yield light(frame_of((mosaic(np.stack(planes, axis=2), "RGGB") + SKY_ADU).astype(np.float32), "RGGB"), matrix,
                    sky=SKY_ADU)  # fmt: skip


def _colour_error(picture: Array) -> float:
    """How far red and blue are from what green and a star's colour say, in its 5 × 5 px: rms, of the mean of green."""
    errors = []
    for (x, y, _), colour in zip(*_coloured(), strict=True):
        core = picture[:, round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
        off = core - colour[:, None, None] * core[1]
        errors.append(np.sqrt(np.mean(off[[0, 2]] ** 2)) / core[1].mean())
    return float(np.median(errors))


def _flux_error(picture: Array, fwhm_px: float, field: int = 0) -> Array:
    """Flux of each star in a box over its true flux − 1, (N, C)."""
    errors = []
    for star, colour in zip(*_coloured(field), strict=True):
        x, y = round(star[0]), round(star[1])
        box = np.s_[..., y - 10 : y + 11, x - 10 : x + 11]
        truth = draw_stars(SIZE, star[None], fwhm_px, 3.5)[box].sum()
        errors.append(picture[box].sum(axis=(1, 2)) / (truth * colour) - 1)
    return np.array(errors)


@pytest.mark.parametrize(("turn_deg", "fwhm_px"), [(0.0, 2.2), (2.0, 2.2), (0.0, 3.2)])
def test_small_stars_have_their_colours(turn_deg: float, fwhm_px: float) -> None:
    """Forty subs; with shifts alone it is their luck how evenly they fall: night 1 has the least even dither of ten."""
    ratios = []
    for seed in (1, 2, 3, 8):
        stack = _drizzled(list(_night(_poses(40, seed, turn_deg), fwhm_px)))
        ratios.append(_colour_error(stack.result().mean) / _colour_error(stack.mean))
    assert np.median(ratios) < 0.22, ratios
    assert max(ratios) < 0.29, ratios


@pytest.mark.parametrize(("night", "turn_deg", "fwhm_px"), [(1, 0.0, 2.2), (6, 0.0, 2.2), (1, 2.0, 3.2)])
def test_the_light_of_stars_is_kept(night: int, turn_deg: float, fwhm_px: float) -> None:
    """To a thousandth, on nights with uneven dither, too; single small stars as well as where they are sampled.

    In exact arithmetic a plain drizzle loses or gains as much of a single star.
    """
    errors, plain = [], []
    for field in (0, 10, 20, 30):
        lights = list(_night(_poses(40, night, turn_deg), fwhm_px, field))
        errors.append(_flux_error(_drizzled(lights).result().mean, fwhm_px, field))
        total, weight = _by_hand(lights, "RGGB")
        with np.errstate(invalid="ignore"):
            plain.append(_flux_error(total / weight, fwhm_px, field))
    ours, theirs = np.concatenate(errors), np.concatenate(plain)
    assert np.abs(ours.mean(axis=0)).max() < 1e-3
    assert (ours.std(axis=0) < 1.1 * theirs.std(axis=0) + 2e-4).all(), (ours.std(axis=0), theirs.std(axis=0))


@pytest.mark.parametrize(("n", "turn_deg", "seed"), [(40, 0.0, 1), (40, 2.0, 2), (100, 0.0, 3)])
def test_the_standard_error_is_the_noise(n: int, turn_deg: float, seed: int) -> None:
    """Per px to a few per cent, whatever the weights; of boxes of 8 × 8 px with what the file tells of wide ones."""
    poses, weights = _poses(n, seed, turn_deg), np.random.default_rng(seed).uniform(0.5, 1.5, n)
    ratios = []
    for night in range(4):
        stack = _drizzled(list(_skies(poses, 10 * seed + night, weights)))
        told = stack.result()
        mean, error = (plane[INNER].astype(np.float64) for plane in (told.mean, told.stderr))
        assert stack.drops is not None
        wide = stack.drops.noise_of_wide
        found, claimed = (plane[:, :168, :184].reshape(3, 21, 8, 23, 8) for plane in (mean, error**2))
        box = (found.mean(axis=(2, 4)) ** 2).mean() / (claimed.sum(axis=(2, 4)).mean() / 64**2)
        ratios.append((np.mean(mean**2) / np.mean(error**2), box / (wide - (wide - 1) / 8) ** 2))
    assert np.sqrt(np.mean(ratios, axis=0)) == pytest.approx(1, abs=0.05)


def test_a_bad_px_is_left_to_others() -> None:
    """Of 1 in 50 px nothing is known: no drop is made up for them, and dither brings others there."""
    bad = np.random.default_rng(3).random(SIZE) < 0.02
    poses = _poses(30, 4)
    lights = []
    for sub, matrix in zip(_skies(poses, 5), poses, strict=True):
        data = np.where(bad, 60_000, sub.sensor[5][0]).astype(np.float32)
        lights.append(light(frame_of(data, "RGGB"), matrix, masters=Masters(hot=np.flatnonzero(bad)), sky=SKY_ADU))
    told = _drizzled(lights).result()
    assert np.abs(told.mean[INNER]).max() < 8 * np.median(told.stderr[INNER])


def test_without_dither_the_demosaiced_stack_stands_in() -> None:
    poses = [turned(0.0, *shift, SIZE) for shift in np.random.default_rng(1).normal(0, 0.05, (30, 2))]
    stack = _drizzled(list(_skies(poses, 6)))
    told = stack.result()
    assert np.isfinite(told.mean[INNER]).all()
    red_px = np.s_[0, 20:-20:2, 20:-20:2]
    blue_px = np.s_[0, 21:-20:2, 21:-20:2]
    np.testing.assert_array_equal(told.mean[blue_px], stack.mean[blue_px])
    assert not np.array_equal(told.mean[red_px], stack.mean[red_px])


def test_how_even_dither_is() -> None:
    bayer, shift = colours_of("RGGB"), np.random.default_rng(2)
    still = [turned(0.0, *shift.normal(0, 0.2, 2), SIZE) for _ in range(30)]
    by_two = [turned(0.0, *(2.0 * shift.integers(-5, 6, 2)), SIZE) for _ in range(30)]
    assert max(evenness(poses, SIZE, bayer) for poses in (still, by_two)) < 0.2
    assert all(evenness(_poses(25, seed), SIZE, bayer) > 0.4 for seed in range(20))
    assert evenness(_poses(300, 1), SIZE, bayer) > 0.8
    assert evenness([turned(a, 0, 0, SIZE) for a in np.linspace(-2, 2, 40)], SIZE, bayer) > 0.4
