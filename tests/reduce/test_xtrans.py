"""X-Trans: what holds for a Bayer mosaic holds for a cell of 6 × 6 px."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce.border import border_mask
from livestack.reduce.guide import guide_of
from livestack.reduce.masters import normalised_flat
from livestack.reduce.measure import calibrated, measure
from livestack.reduce.sensor import colours_of, planes_of
from tests.reduce.fields import (
    XTRANS_PHASES,
    centroid,
    draw_stars,
    frame_of,
    light,
    mosaic,
    noisy,
    star_field,
    turned,
    warped,
)

SIZE = (70, 93)
SKY = (900, 300, 4000)
STAR = np.array([1.0, 0.7, 0.4])
"""Light of a red star in each colour."""
NO_PEDESTAL = np.zeros((0, 0, 0), np.float32)


def _even(size: tuple[int, int]) -> Array:
    return np.broadcast_to(np.array(SKY, np.float32), (*size, 3))


def _debayered(colour: Array, cfa: str) -> Array:
    return warped(light(frame_of(mosaic(colour, cfa), cfa)))


def _slopes() -> Array:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([4.0 * xx + yy, 2.0 * yy - xx + 500, 3.0 * xx + 5 * yy], axis=-1).astype(np.float32) + 300


@pytest.mark.parametrize("cfa", XTRANS_PHASES)
@pytest.mark.parametrize("size", [SIZE, (71, 92), (12, 13)])
def test_a_flat_colour_is_flat_to_the_very_corner(cfa: str, size: tuple[int, int]) -> None:
    for channel, level in enumerate(SKY):
        np.testing.assert_allclose(_debayered(_even(size), cfa)[channel], level, rtol=1e-6)


@pytest.mark.parametrize("cfa", XTRANS_PHASES)
def test_each_colour_keeps_its_own_slope(cfa: str) -> None:
    for channel, plane in enumerate(_debayered(_slopes(), cfa)):
        np.testing.assert_allclose(plane[2:-2, 2:-2], _slopes()[2:-2, 2:-2, channel], rtol=2e-6)


@pytest.mark.parametrize("cfa", XTRANS_PHASES)
def test_a_px_keeps_its_own_colour(cfa: str) -> None:
    plane = np.random.default_rng(1).uniform(100, 60_000, SIZE).astype(np.float32)
    samples = warped(light(frame_of(plane, cfa)))
    index = np.tile(colours_of(cfa), (12, 16))[: SIZE[0], : SIZE[1]]
    np.testing.assert_array_equal(np.take_along_axis(samples, index[None], axis=0)[0], plane)


@pytest.mark.parametrize("cfa", XTRANS_PHASES)
def test_borders_keep_colour(cfa: str) -> None:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    colour = np.stack([10.0 * xx + 5_000, 10.0 * yy + 1_000, 20_000 - 10.0 * xx], axis=-1).astype(np.float32)
    samples = _debayered(colour, cfa)
    for channel in range(3):
        assert np.abs(samples[channel] - colour[..., channel]).max() < 60


@pytest.mark.parametrize("cfa", XTRANS_PHASES)
def test_stars_keep_light_colour_and_place(cfa: str) -> None:
    """One star that falls on few red px may be off by some tenths of a per cent; many are not."""
    stars = star_field(25, (200, 200), 1, border=14, apart=26)
    picture = draw_stars((200, 200), stars, 3.5)
    samples = _debayered((picture[..., None] * STAR).astype(np.float32), cfa)
    flux, off = [], []
    for x, y, total in stars:
        found = np.array([centroid(plane, x, y, reach=9) for plane in samples])
        flux.append(found[:, 2] / STAR / total)
        off.append(found[:, :2] - (x, y))
    assert np.abs(np.array(flux) - 1).max() < 0.01
    np.testing.assert_allclose(np.mean(flux, axis=0), 1, atol=1e-3)
    assert np.abs(np.mean(off, axis=0)).max() < 0.01
    assert np.std(off, axis=0).max() < 0.03


def test_a_flipped_sub_lies_on_the_upright_one() -> None:
    """The same sky on the sensor upside down: colours, light and places agree."""
    size = (198, 210)
    stars = star_field(20, size, 2, border=14, apart=26)
    over = turned(180, 0, 0, size)
    colour = (draw_stars(size, stars, 3.5)[..., None] * STAR + _even(size)).astype(np.float32)
    cfa = XTRANS_PHASES[2]
    upright = _debayered(colour, cfa)
    flipped = warped(light(frame_of(mosaic(colour[::-1, ::-1], cfa), cfa), over))
    for x, y, total in stars:
        for plane, other, share, level in zip(upright, flipped, STAR, SKY, strict=True):
            here, there = centroid(plane - level, x, y, reach=9), centroid(other - level, x, y, reach=9)
            assert np.hypot(here[0] - there[0], here[1] - there[1]) < 0.1
            assert there[2] == pytest.approx(share * total, rel=0.01)
    np.testing.assert_allclose(np.median(flipped, axis=(1, 2)), SKY, rtol=1e-4)


@pytest.mark.parametrize("cfa", XTRANS_PHASES)
def test_a_defect_takes_its_own_colour(cfa: str) -> None:
    """Every place of the cell in turn; the colours of its neighbours are far away."""
    data = mosaic(_even(SIZE), cfa)
    for y, x in itertools.product(range(20, 26), range(30, 36)):
        bad = np.zeros(SIZE, bool)
        bad[y, x] = True
        hot = np.where(bad, 60_000, data).astype(np.float32)
        repaired = calibrated(frame_of(hot, cfa), Masters(hot=np.flatnonzero(bad)))[0]
        np.testing.assert_allclose(repaired, data, rtol=1e-6)


def test_a_hole_is_not_covered() -> None:
    bad = np.zeros(SIZE, bool)
    bad[20:28, 30:38] = True
    samples = warped(
        light(
            frame_of(mosaic(_even(SIZE), XTRANS_PHASES[0]), XTRANS_PHASES[0]), masters=Masters(hot=np.flatnonzero(bad))
        )
    )
    assert np.isnan(samples[:, 22:26, 32:36]).all()
    assert np.isfinite(samples[:, :17]).all()


def test_measured_stars_are_those_of_the_sky_and_the_sky_has_none() -> None:
    """On a sky of strong colour the pattern itself must not be found; light and place are as drawn."""
    size, noise = (500, 500), 5.0
    stars = star_field(60, size, 3, border=25, apart=45)
    stars[:, 2] *= 3
    white = draw_stars(size, stars, 3.0)
    sky = mosaic(np.broadcast_to(np.array([500, 900, 700.0]), (*size, 3)), XTRANS_PHASES[1])
    data = sky + white + np.random.default_rng(5).normal(0, noise, size)
    found, quality = measure(frame_of(data.astype(np.float32), XTRANS_PHASES[1]), Masters())
    assert len(found) == len(stars)
    nearest = np.hypot(found["x"][:, None] - stars[:, 0], found["y"][:, None] - stars[:, 1]).argmin(axis=0)
    mine = found[nearest]
    assert np.abs(np.median(mine["flux"] / stars[:, 2]) - 1) < 0.005
    assert np.percentile(np.abs(mine["flux"] / stars[:, 2] - 1), 90) < 0.01
    for name, truth in (("x", stars[:, 0]), ("y", stars[:, 1])):
        assert abs(np.mean(mine[name] - truth)) < 0.005
        assert np.std(mine[name] - truth) < 0.03
    assert quality.noise_adu == pytest.approx(noise, rel=0.05)
    assert quality.fwhm_px == pytest.approx(3.0, rel=0.03)
    assert quality.background_adu == pytest.approx(0.25 * 500 + 0.5 * 900 + 0.25 * 700, rel=0.002)


def test_the_guide_of_a_coloured_sky_is_even() -> None:
    size = (120, 140)
    sub = light(frame_of(mosaic(_even(size), XTRANS_PHASES[3]), XTRANS_PHASES[3]), turned(3.0, 1.5, -2.5, size))
    guide = guide_of(sub, (3, *size), None)
    assert np.isfinite(guide).mean() > 0.8
    np.testing.assert_allclose(guide[np.isfinite(guide)], 0.25 * 900 + 0.5 * 300 + 0.25 * 4000, rtol=1e-5)


def test_a_flat_is_one_in_each_colour() -> None:
    """The lamp's colour goes, the vignette and what single px do stays."""
    draw = np.random.default_rng(3)
    size = (240, 246)
    response = draw.normal(1, 0.02, size).clip(0.5)
    cfa = XTRANS_PHASES[2]
    flat = normalised_flat((mosaic(_even(size) * 5, cfa) * response).astype(np.float32), cfa)
    np.testing.assert_allclose(flat, response, rtol=2e-3)


def test_colours_are_no_border_and_a_border_is_one() -> None:
    size = (300, 420)
    stars = draw_stars(size, star_field(120, size, 1, border=4), 3.0)
    vignette = np.linspace(0.8, 1, size[0])[:, None]
    share = mosaic(np.broadcast_to(np.array([0.4, 1.0, 0.6]), (*size, 3)), XTRANS_PHASES[1])
    data = (noisy(stars, 1) * vignette * share).astype(np.float32)
    colours = colours_of(XTRANS_PHASES[1])
    assert border_mask(planes_of(data), NO_PEDESTAL, colours) is None
    data[:12] -= 300
    mask = border_mask(planes_of(data), NO_PEDESTAL, colours)
    assert mask is not None
    assert mask[:12].all()
    assert not mask[20:].any()
