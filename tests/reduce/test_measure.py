"""Stars, sky and noise are read as they are; hot px are no stars; no frame is too odd to be measured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce.measure import measure, measure_stack
from livestack.reduce.shapes import sharpness
from tests.reduce.fields import NOISE_ADU, SKY_ADU, draw_stars, frame_of, mosaic, noisy, star_field

SIZE = (400, 440)
NOTHING = Masters()


def _nearest(stars: Array, truth: Array) -> tuple[Array, Array]:
    """Distance from each true star to the nearest one found, and which that is."""
    distance = np.hypot(truth[:, 0, None] - stars["x"][None], truth[:, 1, None] - stars["y"][None])
    return distance.min(axis=1), distance.argmin(axis=1)


@pytest.mark.parametrize("cfa", [None, "RGGB", "GRBG"])
@pytest.mark.parametrize("beta", [None, 3.0])
def test_every_star_is_found_where_it_is_with_its_light(cfa: str | None, beta: float | None) -> None:
    truth = star_field(60, SIZE, 1, apart=28)
    stars, quality = measure(frame_of(noisy(draw_stars(SIZE, truth, 3.0, beta), 5), cfa), NOTHING)
    distance, which = _nearest(stars, truth)
    assert distance.max() < 0.1
    assert np.median(distance) < 0.04
    assert len(stars) == quality.n_stars == len(truth)
    ratio = stars["flux"][which] / truth[:, 2]
    assert np.std(ratio / np.median(ratio)) < 0.02, "fluxes must be proportional to the light"
    # what lies beyond four half-flux radii is lost, alike for every star
    assert (0.97 if beta is None else 0.9) < np.median(ratio) < 1.02
    assert (np.diff(stars["flux"]) <= 0).all(), "brightest first"
    assert quality.background_adu == pytest.approx(SKY_ADU, abs=0.2 * NOISE_ADU)


@pytest.mark.parametrize("cfa", [None, "GBRG"])
@pytest.mark.parametrize("beta", [None, 3.0])
@pytest.mark.parametrize("fwhm_px", [2.0, 2.5, 3.5, 5.0])
def test_fwhm_is_what_the_lens_and_air_made(cfa: str | None, beta: float | None, fwhm_px: float) -> None:
    truth = star_field(50, SIZE, 2, apart=30)
    _, quality = measure(frame_of(noisy(draw_stars(SIZE, truth, fwhm_px, beta), 6), cfa), NOTHING)
    assert quality.fwhm_px == pytest.approx(fwhm_px, rel=0.08)
    assert 0.46 < quality.hfr_px / fwhm_px < 0.68
    assert quality.elongation < 1.12


def test_fwhm_of_a_colour_frame() -> None:
    picture = noisy(draw_stars(SIZE, star_field(50, SIZE, 2, apart=30), 3.0), 6)
    _, quality = measure(frame_of(np.stack([picture * k for k in (0.7, 1.0, 0.8)], axis=-1)), NOTHING)
    assert quality.fwhm_px == pytest.approx(3.0, rel=0.04)


@pytest.mark.parametrize("n", [60, 150])
@pytest.mark.parametrize(("fwhm_px", "transparency"), [(2.0, 1.0), (3.3, 0.5), (4.2, 1.0)])
def test_seeing_does_not_read_as_cloud(n: int, fwhm_px: float, transparency: float) -> None:
    """Median flux ratio of the brightest stars to those of a frame of FWHM 3: the transparency, to 2 %."""
    truth = star_field(n, SIZE, 4) * [1, 1, 0.3]
    reference, _ = measure(frame_of(noisy(draw_stars(SIZE, truth, 3.0, 3.0), 9)), NOTHING)
    stars, _ = measure(frame_of(noisy(transparency * draw_stars(SIZE, truth, fwhm_px, 3.0), 10)), NOTHING)
    bright = reference[:100]
    distance, which = _nearest(stars, np.column_stack([bright["x"], bright["y"]]))
    ratio = (stars["flux"][which] / bright["flux"])[distance < 1]
    assert len(ratio) > 25
    assert np.median(ratio) == pytest.approx(transparency, rel=0.02)


def test_the_lights_of_an_aircraft_leave_the_stars_their_light() -> None:
    """Blobs brighter than all but a few stars, in a field with hardly more: stars away from them stay as they are."""
    truth = star_field(26, SIZE, 11, apart=30)
    truth[:, 2] *= np.where(np.arange(26) < 3, 3.0, 0.3)
    picture = draw_stars(SIZE, truth, 3.3)
    track = np.array([[60.0 + 55 * k, 40.0 + 50 * k, 400_000.0] for k in range(7)])
    crossed = picture + draw_stars(SIZE, track, 16.0)
    alone, seen = (measure(frame_of(noisy(each, 5)), NOTHING)[0] for each in (picture, crossed))
    clear = np.hypot(alone["x"][:, None] - track[:, 0], alone["y"][:, None] - track[:, 1]).min(axis=1) > 60
    distance, which = _nearest(seen, np.stack([alone["x"][clear], alone["y"][clear]], axis=1))
    assert clear.sum() >= 10
    there = distance < 0.5
    assert there.mean() > 0.8
    ratio = seen["flux"][which[there]] / alone["flux"][clear][there]
    assert np.median(ratio) == pytest.approx(1, abs=0.02)


def test_a_longer_exposure_shows_stars_of_the_same_size() -> None:
    """What is above the threshold of a faint star is its core; HFR is of its whole light all the same."""
    truth = star_field(60, SIZE, 4, apart=24)
    sizes = [
        measure(frame_of(noisy(k * draw_stars(SIZE, truth, 3.0, 3.0), 9)), NOTHING)[1].hfr_px for k in (0.1, 1, 10)
    ]
    np.testing.assert_allclose(sizes, 0.62 * 3.0, rtol=0.06)


def test_a_star_cut_by_an_edge_is_not_listed() -> None:
    """By the frame's, or by that of what the subs cover: its light and its place are off, and drag the others along."""
    truth = np.array([(12.0 + 35 * k, 200.0 + k, 60_000.0) for k in range(12)] + [(4.2, 100, 2e5), (150, 394.8, 2e5)])
    picture = noisy(draw_stars(SIZE, truth, 3.0), 31)
    stars, _ = measure(frame_of(picture), NOTHING)
    distance, _ = _nearest(stars, truth)
    assert (distance[:12] < 0.1).all()
    assert (distance[12:] > 10).all()
    coverage = np.full((1, *SIZE), 9)
    coverage[0, :, 257:] = 1
    distance, _ = _nearest(measure_stack(picture[None], coverage, None), truth[:12])
    assert (distance[:7] < 0.1).all(), "up to x = 222"
    assert (distance[7:] > 10).all(), "from x = 257 on"


@pytest.mark.parametrize("ratio", [1.3, 2.0])
def test_trailed_stars_are_long(ratio: float) -> None:
    """Each star smeared along a line, so that its spread along it is `ratio` times that across."""
    truth, sigma = star_field(40, SIZE, 3, apart=40), 3.0 / 2.3548
    length = sigma * np.sqrt(12 * (ratio**2 - 1))
    steps = np.linspace(-length / 2, length / 2, 25)
    picture = sum(draw_stars(SIZE, truth + np.array([0.8 * s, 0.6 * s, 0]), 3.0) for s in steps) / len(steps)
    stars, quality = measure(frame_of(noisy(picture, 7)), NOTHING)
    assert quality.elongation == pytest.approx(ratio, rel=0.08)
    assert quality.eccentricity == pytest.approx(np.sqrt(1 - 1 / ratio**2), rel=0.12)
    assert _nearest(stars, truth)[0].max() < 0.25


@pytest.mark.parametrize("cfa", [None, "BGGR"])
@pytest.mark.parametrize("kind", ["empty", "stars", "gradient", "quantised"])
@pytest.mark.parametrize("noise", [1.5, 12.0])
def test_noise_is_the_noise_of_one_px(cfa: str | None, kind: str, noise: float) -> None:
    picture = np.zeros(SIZE)
    if kind in ("stars", "gradient"):
        picture += draw_stars(SIZE, star_field(120, SIZE, 4), 3.0)
    if kind == "gradient":
        yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
        picture += 3 * xx + 0.002 * yy**2
    if cfa:
        picture = mosaic(np.stack([0.6 * picture + 300, picture + 900, 0.8 * picture + 500], axis=-1), cfa)
    data = noisy(picture, 8, noise=noise)
    if kind == "quantised":
        data, noise = np.rint(data).astype(np.uint16), float(np.hypot(noise, np.sqrt(1 / 12)))
    _, quality = measure(frame_of(data, cfa), NOTHING)
    assert quality.noise_adu == pytest.approx(noise, rel=0.05)


def test_noise_of_a_plane_with_few_levels() -> None:
    """An 8-bit-like frame: the spread is under one step, where a median of absolute values would read 0."""
    plane = np.rint(np.random.default_rng(9).normal(20, 0.7, SIZE)).astype(np.float32)
    assert measure(frame_of(plane), NOTHING)[1].noise_adu == pytest.approx(np.hypot(0.7, np.sqrt(1 / 12)), rel=0.05)


@pytest.mark.parametrize("cfa", [None, "RGGB", "GBRG"])
@pytest.mark.parametrize("fwhm_px", [2.2, 3.5])
def test_hot_px_are_no_stars(cfa: str | None, fwhm_px: float) -> None:
    """30 % as many hot px as stars, and brighter than most of them: none is in the list, and no star is lost."""
    truth = star_field(80, SIZE, 10, apart=16)
    picture = noisy(draw_stars(SIZE, truth, fwhm_px, 3.0), 11)
    draw = np.random.default_rng(12)
    hot = np.column_stack([draw.integers(8, SIZE[1] - 8, 24), draw.integers(8, SIZE[0] - 8, 24)])
    hot = hot[np.hypot(*(hot[:, None] - truth[None, :, :2]).transpose(2, 0, 1)).min(axis=1) > 8]
    picture[hot[:, 1], hot[:, 0]] += draw.uniform(3_000, 50_000, len(hot)).astype(np.float32)
    stars, _ = measure(frame_of(picture, cfa), NOTHING)
    from_hot = np.hypot(stars["x"][:, None] - hot[None, :, 0], stars["y"][:, None] - hot[None, :, 1])
    assert from_hot.min() > 3
    assert (_nearest(stars, truth)[0] < 0.5).mean() > 0.95


@pytest.mark.parametrize("n_stars", [1, 30])
def test_no_number_of_stars_needs_kernels_of_its_own(n_stars: int) -> None:
    """A field of one row counts as contiguous: the first such sub of a night would wait for a compiler."""
    truth = star_field(n_stars, SIZE, 3, apart=30)
    stars, _ = measure(frame_of(noisy(draw_stars(SIZE, truth, 3.0), 7), None), NOTHING)
    assert len(stars) == n_stars
    assert {(signature[1].layout, signature[2].layout) for signature in sharpness.signatures} == {("C", "C")}


def test_masked_px_are_passed_over() -> None:
    truth = star_field(40, SIZE, 13, apart=24)
    picture = noisy(draw_stars(SIZE, truth, 3.0), 14)
    mask = np.zeros(SIZE, bool)
    mask[:, 200:230] = True
    picture[mask] = 60_000
    stars, quality = measure(frame_of(picture, mask=mask), NOTHING)
    assert not ((stars["x"] > 199) & (stars["x"] < 231)).any()
    outside = np.abs(truth[:, 0] - 214.5) > 25
    assert _nearest(stars, truth[outside])[0].max() < 0.2
    assert quality.noise_adu == pytest.approx(NOISE_ADU, rel=0.05)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("size", [(8, 8), (9, 31), (40, 8), (100, 100), (64, 65)])
@pytest.mark.parametrize("what", ["noise", "constant", "nan", "saturated", "zero", "star"])
def test_odd_frames_have_few_stars(cfa: str | None, size: tuple[int, int], what: str) -> None:
    data = {
        "noise": noisy(np.zeros(size), 15),
        "constant": np.full(size, 1000, np.uint16),
        "nan": np.full(size, np.nan, np.float32),
        "saturated": np.full(size, 65535, np.uint16),
        "zero": np.zeros(size, np.float32),
        "star": noisy(draw_stars(size, np.array([[size[1] / 2, size[0] / 2, 30_000.0]]), 2.5), 16),
    }[what]
    stars, quality = measure(frame_of(data, cfa), NOTHING)
    assert len(stars) == quality.n_stars <= 3
    assert np.isfinite([quality.fwhm_px, quality.noise_adu, quality.background_adu]).all()
    if what == "star" and min(size) > 60:
        assert np.hypot(stars["x"][0] - size[1] / 2, stars["y"][0] - size[0] / 2) < 0.2


def test_saturated_stars_are_where_they_are() -> None:
    truth = star_field(50, SIZE, 17, apart=28)
    truth[:5, 2] *= 40
    data = np.clip(noisy(draw_stars(SIZE, truth, 3.5, 3.0), 18), 0, 20_000).astype(np.uint16)
    stars, _ = measure(frame_of(data), NOTHING)
    assert _nearest(stars, truth)[0].max() < 0.5
    assert stars["peak"].max() <= 20_000


def test_a_crowded_field_is_measured() -> None:
    truth = star_field(900, (400, 400), 19)
    stars, quality = measure(frame_of(noisy(draw_stars((400, 400), truth, 2.6, 3.0), 20)), NOTHING)
    assert 250 < len(stars) <= 900
    assert quality.fwhm_px == pytest.approx(2.6, rel=0.25)


def test_large_frames_are_searched_binned_and_measured_full() -> None:
    """Beyond 8 Mpx: positions as good as ever."""
    size = (2900, 2900)
    truth = star_field(150, size, 21, apart=30)
    picture = draw_stars(size, truth, 3.0)
    stars, quality = measure(frame_of(noisy(picture, 22).astype(np.uint16)), NOTHING)
    distance, which = _nearest(stars, truth)
    assert np.median(distance) < 0.01
    assert (distance < 0.05).all()
    assert quality.fwhm_px == pytest.approx(3.0, rel=0.03)
    assert quality.hfr_px == pytest.approx(1.5, rel=0.05)
    assert np.median(stars["flux"][which] / truth[:, 2]) == pytest.approx(1, abs=0.01)
    highest = picture[np.rint(truth[:, 1]).astype(int), np.rint(truth[:, 0]).astype(int)]
    assert np.median(stars["peak"][which] / highest) == pytest.approx(1, abs=0.03)


def test_calibration_comes_before_measuring() -> None:
    """A frame with a pedestal, a vignette and a hot px, measured with its masters, is as the clean one."""
    truth = star_field(50, SIZE, 23, apart=28)
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    flat = (1 - 0.4 * ((xx - 220) ** 2 + (yy - 200) ** 2) / 220**2 / 2).astype(np.float32)
    dark = np.full(SIZE, 500, np.float32)
    dark[::37, ::41] = 30_000
    clean = noisy(draw_stars(SIZE, truth, 3.0), 24)
    masters = Masters(pedestal=dark, gain=1 / flat, hot=np.flatnonzero(dark > 5_000))
    stars, quality = measure(frame_of(clean * flat + dark), masters)
    reference, expected = measure(frame_of(clean), NOTHING)
    assert quality.background_adu == pytest.approx(expected.background_adu, abs=1)
    assert quality.noise_adu == pytest.approx(expected.noise_adu, rel=0.02)
    distance, which = _nearest(stars, np.column_stack([reference["x"], reference["y"]]))
    assert np.median(distance) < 1e-3
    np.testing.assert_allclose(np.median(stars["flux"][which] / reference["flux"]), 1, atol=1e-3)


def test_the_same_bits_again() -> None:
    frame = frame_of(noisy(draw_stars(SIZE, star_field(60, SIZE, 25), 3.0), 26), "RGGB")
    assert measure(frame, NOTHING)[0].tobytes() == measure(frame, NOTHING)[0].tobytes()


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_bits_are_the_same_in_any_number_of_threads(cfa: str | None, n_threads: int) -> None:
    frame = frame_of(noisy(draw_stars(SIZE, star_field(300, SIZE, 27), 3.0), 28), cfa)
    alone, quality = measure(frame, NOTHING)
    with ThreadPoolExecutor(n_threads) as threads:
        shared, same = measure(frame, NOTHING, threads)
    assert len(alone) > 100
    assert shared.tobytes() == alone.tobytes()
    assert same == quality
