"""Colours of a CFA frame, and defects repaired before any kernel can smear them."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce.measure import calibrated
from tests.reduce.fields import PHASES, draw_stars, frame_of, light, mosaic, star_field, warped

SIZE = (70, 93)


def _debayered(colour: Array, cfa: str) -> Array:
    return warped(light(frame_of(mosaic(colour, cfa), cfa)))


@pytest.mark.parametrize("cfa", PHASES)
@pytest.mark.parametrize("size", [SIZE, (71, 92), (5, 6)])
def test_a_flat_colour_is_exact_to_the_very_corner(cfa: str, size: tuple[int, int]) -> None:
    colour = np.broadcast_to(np.array([900, 300, 4000], np.uint16), (*size, 3))
    for channel, level in enumerate((900, 300, 4000)):
        np.testing.assert_array_equal(_debayered(colour, cfa)[channel], np.float32(level))


@pytest.mark.parametrize("cfa", PHASES)
def test_a_grey_ramp_is_exact_inside(cfa: str) -> None:
    """Where all colours have one slope, gradient-corrected interpolation has nothing to guess."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    ramp = 5.0 * xx - 3.0 * yy + 1000
    colour = np.stack([ramp, ramp + 400, ramp - 100], axis=-1).astype(np.float32)
    for channel, plane in enumerate(_debayered(colour, cfa)):
        np.testing.assert_allclose(plane[2:-2, 2:-2], colour[2:-2, 2:-2, channel], rtol=1e-6)


@pytest.mark.parametrize("cfa", PHASES)
def test_each_colour_keeps_its_own_slope(cfa: str) -> None:
    """Linear in each colour with slopes of its own: exact as well, the corrections of a plane cancel."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    colour = np.stack([4.0 * xx + yy, 2.0 * yy - xx + 500, 3.0 * xx + 5 * yy], axis=-1).astype(np.float32) + 300
    for channel, plane in enumerate(_debayered(colour, cfa)):
        np.testing.assert_allclose(plane[2:-2, 2:-2], colour[2:-2, 2:-2, channel], rtol=1e-5)


@pytest.mark.parametrize("cfa", PHASES)
def test_mirrored_borders_keep_colour(cfa: str) -> None:
    """A ramp bends at the border where it is mirrored, but no colour gets into another."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    colour = np.stack([10.0 * xx + 5_000, 10.0 * yy + 1_000, 20_000 - 10.0 * xx], axis=-1).astype(np.float32)
    samples = _debayered(colour, cfa)
    for channel in range(3):
        assert np.abs(samples[channel] - colour[..., channel]).max() < 40


@pytest.mark.parametrize("cfa", PHASES)
def test_grey_stars_stay_grey(cfa: str) -> None:
    """What a star gains or loses in one colour is under 2 % of its light, without bias over many."""
    stars = star_field(25, (200, 200), 1, border=12, apart=24)
    picture = draw_stars((200, 200), stars, 3.0)
    samples = _debayered(np.stack([picture] * 3, axis=-1).astype(np.float32), cfa)
    boxes = [np.s_[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10] for x, y, _ in stars]
    shares = np.array(
        [[plane[box].sum() / f for plane in samples] for box, (_, _, f) in zip(boxes, stars, strict=True)]
    )
    assert np.abs(shares - 1).max() < 0.02
    np.testing.assert_allclose(shares.mean(axis=0), 1, atol=2e-3)


@pytest.mark.parametrize("cfa", [None, "RGGB", "GRBG"])
def test_hot_px_leave_no_trace_and_stars_beside_them_are_not_disturbed(cfa: str | None) -> None:
    size = (160, 160)
    stars = star_field(12, size, 3, border=20, apart=30)
    picture = (draw_stars(size, stars, 3.5) + 500).astype(np.float32)
    bad = np.zeros(size, bool)
    draw = np.random.default_rng(4)
    for y, x in draw.integers(4, 156, (40, 2)):
        # beside stars too, but not on their core: there a px cannot be guessed
        if np.hypot(stars[:, 0] - x, stars[:, 1] - y).min() > 5 and not bad[y - 4 : y + 5, x - 4 : x + 5].any():
            bad[y, x] = True
    assert bad.sum() > 20
    hot = picture.copy()
    hot[bad] = 60_000
    repaired = calibrated(frame_of(hot, cfa), Masters(hot=np.flatnonzero(bad)))[0]
    np.testing.assert_array_equal(repaired[~bad], picture[~bad])
    assert np.abs(repaired[bad] - picture[bad]).max() < 0.02 * (picture.max() - 500)
    samples = warped(light(frame_of(hot, cfa), masters=Masters(hot=np.flatnonzero(bad))))
    clean = warped(light(frame_of(picture, cfa)))
    assert np.isfinite(samples).all()
    for x, y, _ in stars:
        core = np.s_[:, round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
        np.testing.assert_allclose(samples[core], clean[core], rtol=2e-3)


def test_dead_columns_and_overscan_are_not_covered() -> None:
    """Two columns wide cannot be guessed; what touches them is not covered, and nothing else is lost."""
    bad = np.zeros(SIZE, bool)
    bad[:, 40:42] = True
    bad[:, -10:] = True
    data = np.full(SIZE, 700, np.uint16)
    samples = warped(light(frame_of(data), masters=Masters(hot=np.flatnonzero(bad))))[0]
    assert np.isnan(samples[:, 40:42]).all()
    assert np.isnan(samples[:, -10:]).all()
    good = ~bad
    np.testing.assert_array_equal(samples[good], 700)
