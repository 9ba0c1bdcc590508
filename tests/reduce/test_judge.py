"""A sub is judged as a picture: what is not sky goes, stars and clouds stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.fold import REJECTORS
from livestack.reduce.judge import Judgement, Sight, judge
from livestack.reduce.lines import find_lines
from livestack.reduce.trails import correlation
from livestack.stack import Stack

RULE = REJECTORS["deferred"]
SIZE = (300, 320)
N = 20


def _stars(n: int = 150, seed: int = 5) -> Array:
    draw = np.random.default_rng(seed)
    return np.stack(
        [draw.uniform(8, SIZE[1] - 8, n), draw.uniform(8, SIZE[0] - 8, n), 40 * draw.pareto(1.0, n) + 30], 1
    )


def _picture(stars: Array, fwhm_px: float = 2.0, dx: float = 0.0, dy: float = 0.0) -> Array:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    out = np.zeros(SIZE, np.float32)
    alpha2 = (fwhm_px / 1.02) ** 2
    for x, y, peak in stars:
        near = np.s_[max(int(y) - 15, 0) : int(y) + 16, max(int(x) - 15, 0) : int(x) + 16]
        r2 = (xx[near] - x - dx) ** 2 + (yy[near] - y - dy) ** 2
        out[near] += min(peak, 3000) * (2.0 / fwhm_px) ** 2 * (1 + r2 / alpha2) ** -3.0
    return out


def _noise(seed: int) -> Array:
    return np.random.default_rng(seed).normal(0, 1, SIZE).astype(np.float32)


def _template(stars: Array) -> Stack:
    """Mean of N subs of unit noise."""
    stack = Stack((1, *SIZE))
    stack.mean[0] = _picture(stars) + _noise(1) / np.sqrt(N)
    stack.weight[:], stack.coverage[:] = N, N
    stack.m2[:] = N - 1
    return stack


def _judged(
    added: Array | float, *, fwhm_px: float = 2.0, dx: float = 0.0, seed: int = 9, angle_deg: float = 0.0
) -> Judgement:
    stars = _stars()
    sample = _picture(stars, fwhm_px, dx) + _noise(seed) + np.float32(added)
    return judge(Sight(sample.astype(np.float32), 1.0, stars[:, :2], angle_deg), _template(stars), RULE)


def _line(peak: float, p: tuple[float, float], q: tuple[float, float], fwhm_px: float = 1.6) -> tuple[Array, Array]:
    """A trail from p to q, and its distance map."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
    length = np.hypot(q[0] - p[0], q[1] - p[1])
    ux, uy = (q[0] - p[0]) / length, (q[1] - p[1]) / length
    d, along = (xx - p[0]) * uy - (yy - p[1]) * ux, (xx - p[0]) * ux + (yy - p[1]) * uy
    on = (along >= 0) & (along <= length)
    profile = np.exp(-0.5 * (d / (fwhm_px / 2.355)) ** 2)
    return (peak * profile * on).astype(np.float32), np.where(on, np.abs(d), np.inf)


@pytest.mark.parametrize("seed", range(9, 15))
def test_a_clean_sub_stays(seed: int) -> None:
    judgement = _judged(0.0, seed=seed)
    assert judgement.fraction < 0.003
    assert not judgement.trails
    assert not judgement.distrusted


@pytest.mark.parametrize("fwhm_px", [1.5, 2.8])
@pytest.mark.parametrize("dx", [0.0, 0.25])
def test_seeing_and_shift_do_not_cost_stars(fwhm_px: float, dx: float) -> None:
    judgement = _judged(0.0, fwhm_px=fwhm_px, dx=dx)
    stars = _stars()
    bright = stars[stars[:, 2] > 200]
    lost = [judgement.out[round(y), round(x)] for x, y, _ in bright]
    assert np.mean(lost) < 0.02
    assert judgement.fraction < 0.006


@pytest.mark.parametrize("peak", [3.0, 10.0, 100.0, 1000.0])
def test_a_trail_goes_whole(peak: float) -> None:
    trail, distance = _line(peak, (10, 40), (310, 230))
    judgement = _judged(trail)
    left = trail[~judgement.out].sum() / trail.sum()
    assert left < 0.03
    assert judgement.out[distance > 14].mean() < 0.01
    (found,) = judgement.trails
    ends = np.array([[found.x0, found.y0], [found.x1, found.y1]])
    assert np.degrees(np.arctan2(*(ends[1] - ends[0])[::-1])) % 180 == pytest.approx(32.3, abs=0.4)
    # on the px of the axis, sampled within half a px of it, a narrow trail shows some of its flanks
    assert 0.6 * peak < found.brightness < 1.1 * peak


def test_a_faint_long_trail_is_found_as_a_line() -> None:
    """0.8 σ on its axis: no px shows it, the whole line does."""
    trail, _ = _line(0.8, (5, 20), (315, 260))
    judgement = _judged(trail)
    (found,) = judgement.trails
    for x, y in ((found.x0, found.y0), (found.x1, found.y1)):
        assert abs((x - 5) * (260 - 20) - (y - 20) * (315 - 5)) / np.hypot(310, 240) < 2.0, "on its axis at both ends"
    assert trail[~judgement.out].sum() / trail.sum() < 0.2


@pytest.mark.parametrize("width_px", [10.0, 14.0])
def test_light_of_an_aircraft_does_not_stay_on_stars(width_px: float) -> None:
    """A star's own contrast hides what lies on it: it goes with its surroundings."""
    stars = _stars()
    left = []
    for x, y, _ in stars[stars[:, 2] > 400]:
        if 20 < x < SIZE[1] - 20 and 20 < y < SIZE[0] - 20:
            band, _ = _line(30.0, (x - 400, y - 120), (x + 400, y + 120), width_px)
            judgement = _judged(band)
            core = np.s_[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4]
            left.append(band[core][~judgement.out[core]].sum() / band[core].sum())
    assert len(left) >= 5
    assert np.mean(left) < 0.05
    assert np.median(left) < 0.01


def test_a_star_in_its_own_masked_halo_stays() -> None:
    """Seeing far from what the match can follow: rings about bright stars go, their cores are kept."""
    stars = np.array([[60.0 + 100 * (k % 3), 60.0 + 90 * (k // 3), 9000.0] for k in range(9)])
    stars = np.vstack([stars, _stars(60, 6)])
    sample = _picture(stars) + _noise(9)
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    for x, y, _ in stars[:9]:
        r = np.hypot(xx - x, yy - y)
        sample += np.where((r > 5) & (r < 11), 12.0, 0.0).astype(np.float32)
    judgement = judge(Sight(sample, 1.0, stars[:, :2]), _template(stars), RULE)
    assert judgement.fraction > 0.01
    for x, y, _ in stars[:9]:
        assert not judgement.out[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].any()


def test_a_trail_that_ends_in_the_picture_is_masked_where_it_is() -> None:
    trail, distance = _line(2.0, (60, 60), (170, 120))
    judgement = _judged(trail)
    assert trail[~judgement.out].sum() / trail.sum() < 0.15
    far = np.hypot(*np.mgrid[-200:100, -260:60]) < 60
    assert judgement.out[far & (distance == np.inf)].mean() < 0.02


@pytest.mark.parametrize("angle_deg", [0.0, 1.0, 180.0])
def test_rows_of_the_sensor_are_not_trails(angle_deg: float) -> None:
    """Read-out banding: whole rows a little bright."""
    banding = np.zeros(SIZE, np.float32)
    banding[[40, 41, 150]] += 0.9
    assert not _judged(banding, angle_deg=angle_deg).trails


@pytest.mark.parametrize(("width_px", "height"), [(30, 1.0), (60, 2.0)])
def test_cloud_and_gradient_are_not_trails(width_px: float, height: float) -> None:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    cloud = height * np.exp(-0.5 * ((xx * 0.6 + yy * 0.8 - 200) / width_px) ** 2) + 2.0 * xx / SIZE[1]
    judgement = _judged(cloud)
    assert not judgement.trails
    assert judgement.out.mean() < 0.02


def test_a_speck_is_left_to_full_resolution() -> None:
    """A cosmic ray or hot px is one px of the stack: the fold sees it better than the guide."""
    speck = np.zeros(SIZE, np.float32)
    speck[100, 200] = 60.0
    assert _judged(speck).out[90:111, 190:211].sum() <= 1


def test_hot_pixels_everywhere_are_no_reason_to_distrust() -> None:
    """7 % of an uncalibrated frame are hot."""
    hot = np.where(np.random.default_rng(3).random(SIZE) < 0.03, np.float32(15), np.float32(0))
    judgement = _judged(hot)
    assert not judgement.distrusted
    assert judgement.out.mean() < 0.05


def test_what_is_not_covered_is_not_judged() -> None:
    sample = (_picture(_stars()) + _noise(9)).astype(np.float32)
    sample[:, :150] = np.nan
    sample[:, 150:153] = 50.0
    judgement = judge(Sight(sample, 1.0, _stars()[:, :2]), _template(_stars()), RULE)
    assert not judgement.out[:, :149].any()
    nothing = judge(Sight(np.full(SIZE, np.nan, np.float32), 1.0, np.zeros((0, 2))), _template(_stars()), RULE)
    assert not nothing.out.any()


def test_lines_are_counted_in_their_own_noise() -> None:
    """Interpolated noise is correlated: sums along lines scatter more, and must not be taken for lines."""
    white = np.random.default_rng(8).normal(0, 1, (400, 400)).astype(np.float32)
    soft = sum(np.roll(white, (dy, dx), (0, 1)) for dy in range(2) for dx in range(2)) / 2
    ok = np.ones(white.shape, bool)
    assert correlation(white, ok) == pytest.approx(1.0, abs=0.08)
    assert correlation(soft.astype(np.float32), ok) == pytest.approx(1.7, abs=0.25)
    assert not find_lines((soft / correlation(soft.astype(np.float32), ok)).astype(np.float32), ok)


def test_the_edge_of_a_dark_band_is_no_trail() -> None:
    """What is left of a wide trail in the template is a dark band in every other sub: no trail lies beside it."""
    _, distance = _line(1.0, (40, -50), (240, 350))
    for depth in (0.3, 0.6, 1.0):
        assert not _judged(-depth * (distance < 14).astype(np.float32)).trails


SHORT = ((120.0, 150.0), (172.0, 182.0))


@pytest.mark.parametrize("peak", [2.0, 6.0, 60.0])
@pytest.mark.parametrize("ends", [SHORT, ((200.0, 40.0), (212.0, 100.0))])
def test_a_short_wide_streak_is_told(peak: float, ends: tuple[tuple[float, float], tuple[float, float]]) -> None:
    """A slow satellite out of focus: far too short to be a line of the picture, and plain to the eye."""
    streak, distance = _line(peak, *ends, fwhm_px=5.0)
    judgement = _judged(streak)
    assert streak[~judgement.out].sum() / streak.sum() < 0.15, "but on stars far brighter"
    (found,) = judgement.trails
    there = sorted([(found.x0, found.y0), (found.x1, found.y1)])
    np.testing.assert_allclose(there, sorted(ends), atol=8)
    np.testing.assert_allclose(np.mean(there, axis=0), np.mean(ends, axis=0), atol=5)
    assert 4 < found.high - found.low < 16
    assert 0.5 * peak < found.brightness < 1.2 * peak
    assert judgement.out[distance > 20].mean() < 0.01


def test_a_streak_cut_by_a_star_is_told_as_one_and_goes_whole() -> None:
    stars = np.vstack([_stars(60, 6), [[146.0, 166.0, 3000.0]]])
    streak, distance = _line(3.0, *SHORT, fwhm_px=5.0)
    sample = (_picture(stars) + _noise(9) + streak).astype(np.float32)
    judgement = judge(Sight(sample, 1.0, stars[:, :2]), _template(stars), RULE)
    assert len(judgement.trails) == 1
    assert judgement.out[distance < 2].mean() > 0.9


def test_one_that_lies_in_the_template_too_is_told() -> None:
    """Four coincident trails: what they left in the template counts as structure, and hides them from the line test."""
    stars = _stars()
    trail, _ = _line(40.0, (30, 90), (290, 200), fwhm_px=3.0)
    template = _template(stars)
    template.mean[0] += trail / 4
    template.m2[0] += N * (trail / 2) ** 2
    judgement = judge(
        Sight((_picture(stars) + _noise(9) + trail).astype(np.float32), 1.0, stars[:, :2]), template, RULE
    )
    (found,) = judgement.trails
    assert np.hypot(found.x1 - found.x0, found.y1 - found.y0) > 200
    assert found.brightness > 10


def test_what_is_not_long_narrow_and_straight_is_no_streak() -> None:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    r = np.hypot(xx - 160, yy - 150)
    shapes = {
        "ghost": 6.0 * (r < 16),
        "ring": 6.0 * (np.abs(r - 40) < 3),
        "cosmic ray": _line(60.0, (150, 150), (162, 155), 1.0)[0],
    }
    for name, shape in shapes.items():
        assert not _judged(np.asarray(shape, np.float32)).trails, name


def test_two_parts_of_one_trail_are_told_as_one() -> None:
    """Dark between them they are two; too faint there to be masked, but seen, one."""
    apart = _line(6.0, (60, 80), (110, 110), 5.0)[0] + _line(6.0, (220, 176), (270, 206), 5.0)[0]
    assert len(_judged(apart).trails) == 2
    (found,) = _judged(apart + _line(0.8, (110, 110), (220, 176), 5.0)[0]).trails
    assert found.length > 230


def test_two_that_cross_are_told_as_two() -> None:
    cross = _line(6.0, (130, 120), (190, 180), 4.0)[0] + _line(6.0, (130, 180), (190, 120), 4.0)[0]
    assert len(_judged(cross).trails) == 2


def test_a_trail_found_as_a_line_is_told_once() -> None:
    """Its flanks, and what is left of it beyond its ends, are no streaks."""
    for width_px in (3.0, 8.0, 14.0):
        band, _ = _line(40.0, (20, 60), (300, 220), width_px)
        assert len(_judged(band).trails) == 1, width_px


def test_the_same_judgement_in_any_number_of_threads() -> None:
    stars = _stars()
    trail, _ = _line(3.0, (20, 40), (300, 200))
    sight = Sight((_picture(stars, 2.2) + _noise(9) + trail).astype(np.float32), 1.0, stars[:, :2])
    with ThreadPoolExecutor(3) as threads:
        one, other = judge(sight, _template(stars), RULE, threads), judge(sight, _template(stars), RULE)
    assert one.out.any()
    assert (one.trails, one.fraction, one.noise) == (other.trails, other.fraction, other.noise)
    assert one.out.tobytes() == other.out.tobytes()
    assert one.change is not None
    assert other.change is not None
    assert one.change.shift.tobytes() == other.change.shift.tobytes()
    assert one.change.around.tobytes() == other.change.around.tobytes()
