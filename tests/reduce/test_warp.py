"""Where a sub's px go: positions, flux, borders, holes; the same bits however the work is split."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce import bands
from tests.reduce.fields import PHASES, centroid, draw_stars, frame_of, light, mosaic, moved, star_field, turned, warped

SIZE = (257, 301)
SKY = 500.0
POSES = [
    (0.0, 3.37, -5.81),
    (7.3, 0.4, 0.6),
    (-30.5, 1.4, 3.6),
    (-33.0, 4.0, 2.0),
    (180.0, 1.3, -2.6),
    (90.5, 0.0, 0.0),
    (179.4, -8.2, 5.5),
]
COLOURS = (0.7, 1.0, 0.45)


def _stars(seed: int = 1) -> Array:
    """Well apart, and near enough to the middle to stay inside under any rotation."""
    stars = star_field(18, (176, 176), seed, border=10, apart=24)
    stars[:, :2] += [(SIZE[1] - 176) / 2, (SIZE[0] - 176) / 2]
    return stars


def _kept(samples: Array, stars: Array, reach: int = 9) -> tuple[float, Array]:
    """Largest error of a centroid (px), and light found over light there was, of the stars in a plane without sky."""
    errors, shares = [], []
    for x, y, flux in stars:
        cx, cy, total = centroid(samples, x, y, reach)
        errors.append(float(np.hypot(cx - x, cy - y)))
        shares.append(total / flux)
    return max(errors), np.array(shares)


def _planes_of(kind: str, stars: Array, fwhm_px: float) -> tuple[Array, str | None, tuple[float, ...]]:
    """Frame data on a sky, its CFA, and the share of a star's flux per channel."""
    picture = draw_stars(SIZE, stars, fwhm_px) + SKY
    if kind == "mono":
        return picture.astype(np.float32), None, (1.0,)
    colour = np.stack([picture * k for k in COLOURS], axis=-1).astype(np.float32)
    return (colour, None, COLOURS) if kind == "RGB" else (mosaic(colour, kind), kind, COLOURS)


@pytest.mark.parametrize("kind", ["mono", "RGB"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_no_move_changes_no_bit(kind: str, dtype: type) -> None:
    shape = SIZE if kind == "mono" else (*SIZE, 3)
    data = np.random.default_rng(2).integers(0, 65535, shape).astype(dtype)
    samples = warped(light(frame_of(data)))
    np.testing.assert_array_equal(samples, np.moveaxis(data.reshape(*SIZE, -1), 2, 0).astype(np.float32))


@pytest.mark.parametrize("cfa", PHASES)
def test_no_move_keeps_every_cfa_px(cfa: str) -> None:
    """Each px of the frame is the sample of its own colour there, to the bit."""
    data = np.random.default_rng(3).integers(0, 65535, SIZE).astype(np.uint16)
    samples = warped(light(frame_of(data, cfa)))
    assert np.isfinite(samples).all()
    for j in range(2):
        for k in range(2):
            own = samples["RGB".index(cfa[2 * j + k]), j::2, k::2]
            np.testing.assert_array_equal(own, data[j::2, k::2].astype(np.float32))


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (0, -1), (17, -23), (-300, 256)])
def test_a_whole_px_shift_is_exact(dx: int, dy: int) -> None:
    data = np.random.default_rng(4).integers(0, 65535, SIZE).astype(np.uint16)
    samples = warped(light(frame_of(data), turned(0, dx, dy, SIZE)))[0]
    expected = np.full(SIZE, np.nan, np.float32)
    y, x = slice(max(dy, 0), SIZE[0] + min(dy, 0)), slice(max(dx, 0), SIZE[1] + min(dx, 0))
    expected[y, x] = data[max(-dy, 0) : SIZE[0] - max(dy, 0), max(-dx, 0) : SIZE[1] - max(dx, 0)]
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("pose", POSES, ids=str)
@pytest.mark.parametrize("kind", ["mono", "RGB"])
def test_stars_keep_their_light_and_land_where_the_matrix_says(kind: str, pose: tuple[float, float, float]) -> None:
    stars, matrix = _stars(), turned(*pose, SIZE)
    data, cfa, shares = _planes_of(kind, stars, 3.0)
    samples = warped(light(frame_of(data, cfa), matrix)) - np.reshape([SKY * k for k in shares], (-1, 1, 1))
    for plane, share in zip(samples, shares, strict=True):
        off_px, found = _kept(plane, moved(stars, matrix) * [1, 1, share])
        assert off_px < 0.02
        assert np.abs(found - 1).max() < 2e-3
        assert np.mean(found) == pytest.approx(1, abs=5e-4)


@pytest.mark.parametrize("pose", POSES, ids=str)
@pytest.mark.parametrize("cfa", PHASES)
def test_stars_of_a_colour_camera_keep_light_place_and_colour(cfa: str, pose: tuple[float, float, float]) -> None:
    """Interpolated from a quarter of the px, so a single star of FWHM 4 is kept to half a percent, and without bias."""
    stars, matrix = _stars(), turned(*pose, SIZE)
    data, _, shares = _planes_of(cfa, stars, 4.0)
    samples = warped(light(frame_of(data, cfa), matrix)) - np.reshape([SKY * k for k in shares], (-1, 1, 1))
    for plane, share in zip(samples, shares, strict=True):
        off_px, found = _kept(plane, moved(stars, matrix) * [1, 1, share])
        assert off_px < 0.02
        assert np.abs(found - 1).max() < 5e-3
        assert np.mean(found) == pytest.approx(1, abs=1e-3)


def test_undersampled_stars_keep_their_light() -> None:
    stars = _stars()
    data = (draw_stars(SIZE, stars, 1.8) + SKY).astype(np.float32)
    sums = []
    for seed in range(4):
        draw = np.random.default_rng(seed)
        matrix = turned(draw.uniform(-20, 20), *draw.uniform(-4, 4, 2), SIZE)
        samples = warped(light(frame_of(data), matrix))[0] - SKY
        sums.append(_kept(samples, moved(stars, matrix))[1])
    assert np.abs(np.array(sums) - 1).max() < 5e-3
    assert np.mean(sums) == pytest.approx(1, abs=5e-4)


def test_a_projective_matrix() -> None:
    """Tilt and distortion: the fourth corner goes its own way."""
    stars, matrix = _stars(), turned(4.0, 2.0, 1.0, SIZE)
    matrix[2, :2] = 4e-5, -3e-5
    data = (draw_stars(SIZE, stars, 3.0) + SKY).astype(np.float32)
    samples = warped(light(frame_of(data), matrix))[0] - SKY
    off_px, _ = _kept(samples, moved(stars, matrix))
    assert off_px < 0.02
    # a linear ramp comes out as the inverse matrix says, but for the ripple of Lanczos-3: 0.03 of a step
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    ramp = warped(light(frame_of((2.0 * xx + 3.0 * yy).astype(np.float32)), matrix))[0]
    back = moved(np.column_stack([xx.ravel(), yy.ravel(), xx.ravel()]), np.linalg.inv(matrix))
    expected = (2 * back[:, 0] + 3 * back[:, 1]).reshape(SIZE)
    covered = np.isfinite(ramp)
    np.testing.assert_allclose(ramp[covered], expected[covered], rtol=0, atol=0.03 * 5)
    assert 0.85 < covered.mean() < 1


@pytest.mark.parametrize("kind", ["mono", "RGB", *PHASES])
@pytest.mark.parametrize("pose", [*POSES, (0.0, 0.5, 0.0), (0.0, 250.5, -200.5), (45.0, 180.0, 120.0)], ids=str)
def test_no_dark_border(kind: str, pose: tuple[float, float, float]) -> None:
    """A flat field comes out flat up to its very border; beyond it nothing is said."""
    data, cfa, shares = _planes_of(kind, np.zeros((0, 3)), 3.0)
    matrix = turned(*pose, SIZE)
    samples = warped(light(frame_of(data, cfa), matrix))
    covered = np.isfinite(samples)
    assert (covered == covered[:1]).all()
    for plane, share in zip(samples, shares, strict=True):
        np.testing.assert_allclose(plane[covered[0]], SKY * share, rtol=2e-6)
    back = moved(_grid(SIZE), np.linalg.inv(matrix))[:, :2].reshape(*SIZE, 2)
    inside = (back >= 3).all(axis=2) & (back <= np.array([SIZE[1] - 5, SIZE[0] - 5])).all(axis=2)
    outside = (back < -0.01).any(axis=2) | (back > np.array([SIZE[1], SIZE[0]]) - 0.99).any(axis=2)
    assert covered[0][inside].all()
    assert not covered[0][outside].any()


def _grid(size: tuple[int, int]) -> Array:
    yy, xx = np.mgrid[: size[0], : size[1]]
    return np.column_stack([xx.ravel(), yy.ravel(), np.zeros(xx.size)]).astype(np.float64)


def test_a_sub_beside_the_grid_covers_nothing() -> None:
    data = np.full(SIZE, 100, np.uint16)
    for dx, dy in ((400, 0), (-400, 0), (0, 300), (0, -300), (5_000, 5_000), (1e6, -1e6)):
        assert np.isnan(warped(light(frame_of(data), turned(0, dx + 0.5, dy, SIZE)))).all()


def test_a_grid_of_another_size() -> None:
    stars = _stars()
    data = (draw_stars(SIZE, stars, 3.0) + SKY).astype(np.float32)
    larger = warped(light(frame_of(data), turned(12.0, 30.0, 40.0, SIZE)), (500, 520))[0] - SKY
    off_px, found = _kept(larger, moved(stars, turned(12.0, 30.0, 40.0, SIZE)))
    assert off_px < 0.02
    assert np.abs(found - 1).max() < 2e-3


@pytest.mark.parametrize("kind", ["mono", "RGB", "RGGB", "GBRG"])
@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (0.0, 0.5, 0.25), (20.0, 3.0, 1.0)], ids=str)
def test_a_hole_is_a_hole_and_touches_no_value(kind: str, pose: tuple[float, float, float]) -> None:
    """A bad area, however bright, leaves what is covered untouched."""
    data, cfa, shares = _planes_of(kind, np.zeros((0, 3)), 3.0)
    mask = np.zeros(SIZE, bool)
    mask[100:120, 140:170] = True
    mask[:, 40:44] = True
    data = data.copy()
    data[mask] = 1e9
    samples = warped(light(frame_of(data, cfa, mask), turned(*pose, SIZE)))
    covered = np.isfinite(samples).all(axis=0)
    for plane, share in zip(samples, shares, strict=True):
        np.testing.assert_allclose(plane[covered], SKY * share, rtol=2e-6)
    back = moved(_grid(SIZE), np.linalg.inv(turned(*pose, SIZE)))[:, :2].reshape(*SIZE, 2)
    x, y = back[..., 0], back[..., 1]
    in_hole = (x > 142) & (x < 167) & (y > 102) & (y < 117)
    assert not covered[in_hole].any()
    # no more is lost than the kernels reach
    far = ((x < 130) | (x > 180) | (y < 90) | (y > 130)) & ((x < 30) | (x > 54))
    inside = (back >= 8).all(axis=2) & (back <= np.array([SIZE[1] - 9, SIZE[0] - 9])).all(axis=2)
    assert covered[far & inside].all()


def test_non_finite_px_are_bad_without_a_mask() -> None:
    data = np.full(SIZE, SKY, np.float32)
    data[100:110, 100:110] = np.inf
    data[150:160, 100:110] = np.nan
    samples = warped(light(frame_of(data), turned(10, 2, 3, SIZE)))
    np.testing.assert_allclose(samples[np.isfinite(samples)], SKY, rtol=1e-6)
    assert np.isnan(samples).sum() > 200


@pytest.mark.parametrize("kind", ["mono", "RGB", "GRBG"])
def test_the_same_bits_however_the_work_is_split(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """1 or 3 threads, bands of any height, grids cut anywhere."""
    data, cfa, _ = _planes_of(kind, _stars(), 2.5)
    data = (data + np.random.default_rng(5).normal(0, 20, data.shape)).astype(np.float32)
    mask = np.random.default_rng(6).random(SIZE) < 0.01
    sub = light(frame_of(data, cfa, mask), turned(171.0, 3.2, 1.7, SIZE), sky=123.4, scale=0.9)
    whole = warped(sub)
    with ThreadPoolExecutor(3) as threads:
        assert warped(sub, threads=threads).tobytes() == whole.tobytes()
    for rows in (1, 7, 100, 1000):
        monkeypatch.setattr(bands, "BAND", rows)
        assert warped(sub).tobytes() == whole.tobytes(), f"bands of {rows} rows"


@pytest.mark.parametrize("cfa", [None, "BGGR"])
def test_integers_and_floats_are_the_same_px(cfa: str | None) -> None:
    data = np.random.default_rng(7).integers(0, 65535, SIZE).astype(np.uint16)
    masters = Masters(
        pedestal=np.full(SIZE, 200.25, np.float32),
        gain=1 / np.linspace(0.7, 1.2, SIZE[1], dtype=np.float32) + np.zeros(SIZE, np.float32),
    )
    pose = turned(31.0, 2.0, -7.0, SIZE)
    one = warped(light(frame_of(data, cfa), pose, masters=masters))
    other = warped(light(frame_of(data.astype(np.float32), cfa), pose, masters=masters))
    assert one.tobytes() == other.tobytes()


def test_sky_and_scale_are_taken_off() -> None:
    """A sample is (value − sky plane on the grid) / scale."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    plane = np.array([[700.0, 0.25, -0.125], [300.0, 0.0, 0.5], [900.0, -0.5, 0.0]])
    data = np.stack([a + b * xx + c * yy + 60 for a, b, c in plane], axis=-1).astype(np.float32)
    samples = warped(light(frame_of(data), sky=plane, scale=0.75))
    np.testing.assert_allclose(samples, 80.0, rtol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (9, 17), (33, 5), (1, 40), (2, 2)])
@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_tiny_frames(size: tuple[int, int], cfa: str | None) -> None:
    data = np.full(size, 321, np.uint16)
    for pose in ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (33.0, 1.0, 0.0), (180.0, 0.0, 0.0)):
        samples = warped(light(frame_of(data, cfa), turned(*pose, size)))
        np.testing.assert_allclose(samples[np.isfinite(samples)], 321, rtol=1e-6)
    np.testing.assert_array_equal(warped(light(frame_of(data, cfa))), np.float32(321))
