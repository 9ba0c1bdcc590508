"""What demosaicing makes of light, and what px should be by a stack of it."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import XTRANS
from livestack.reduce.fold import REJECTORS, Against, Light, fold
from livestack.reduce.foresee import REACH, response_of
from livestack.reduce.sensor import colours_of
from livestack.stack import Drops, Stack
from tests.reduce.fields import PHASES, added, draw_stars, frame_of, light, mosaic, moved, star_field, turned

SIZE = (120, 140)


@pytest.mark.parametrize("cfa", [*PHASES, XTRANS])
def test_demosaicing_leaves_a_flat_field_and_mixes_no_colours_of_it(cfa: str) -> None:
    places, shares = response_of(colours_of(cfa))
    assert np.abs(places[:, 2:]).max() <= REACH
    mixed = np.zeros((3, 3))
    np.add.at(mixed, (places[:, 0], places[:, 1]), shares)
    np.testing.assert_allclose(mixed, np.eye(3), atol=0.02)


def test_the_phase_of_a_mosaic_has_no_say() -> None:
    one, *others = (response_of(colours_of(cfa)) for cfa in PHASES)
    for other in others:
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_allclose(one[1], other[1], atol=1e-6)


@pytest.mark.parametrize(
    ("angle_deg", "shift"),
    [(0.0, (0.0, 0.0)), (0.0, (0.4, -1.3)), (5.0, (2.2, 0.7)), (180.0, (1.5, 0.2)), (90.0, (0.3, 9.6))],
)
def test_drops_of_what_is_known_add_no_luck(angle_deg: float, shift: tuple[float, float]) -> None:
    """One sub, of a sky that is a slope and bends: what its drops leave is what even dither would have left.

    Drops lie up to a px beside. Lanczos-3 misses a hundredth or two of what the sky rises by from px to px: up to 30
    ADU.
    """
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
    matrix = turned(angle_deg, *shift, SIZE)
    known = Stack((3, *SIZE))
    for c in range(3):
        known.mean[c] = (c + 1) * (50 + 2 * x - y + 0.03 * x * y + 0.02 * x**2)
    known.coverage[:] = 30
    gx, gy, _ = (matrix @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)).reshape(3, *SIZE)
    there = np.stack([(c + 1) * (50 + 2 * gx - gy + 0.03 * gx * gy + 0.02 * gx**2) for c in range(3)], axis=2)
    sub = light(frame_of(mosaic(there, "RGGB").astype(np.float32), "RGGB"), matrix)
    stack = _dropped(known, sub)
    assert stack.drops is not None
    seen = stack.drops.weight > 0
    seen[:, :24] = seen[:, -24:] = seen[:, :, :24] = seen[:, :, -24:] = False
    assert seen.any(axis=(1, 2)).all()
    rise = np.hypot(2 + 0.03 * y + 0.04 * x, 0.03 * x - 1)
    for c in range(3):
        wanted = known.mean[c] + (c + 1) * 0.02 / 6  # the light bends over a drop
        assert (np.abs(stack.drops.mean[c] - wanted) / (rise * (c + 1)))[seen[c]].max() < 0.03


def _dropped(known: Stack, sub: Light) -> Stack:
    stack = Stack((3, *SIZE))
    stack.drops = Drops(stack.shape)
    fold(stack, sub, REJECTORS["none"], Against(np.ones(3), known), None)
    return stack


def test_a_stack_that_is_sharpened_by_its_response_is_nearer_to_the_light() -> None:
    """Of stars of 2.2 px, demosaiced in 16 places."""
    stars, colours = star_field(12, SIZE, 3, border=24, apart=16), np.array([1.3, 1.0, 0.7])
    stack = Stack((3, *SIZE))
    for k in range(16):
        matrix = turned(0.0, k % 4 / 2, k // 4 / 2, SIZE)
        there = moved(stars, np.linalg.inv(matrix))
        planes = [draw_stars(SIZE, there * [1, 1, c], 2.2, 3.5) for c in colours]
        added(stack, light(frame_of(mosaic(np.stack(planes, axis=2), "RGGB").astype(np.float32), "RGGB"), matrix))
    truth = np.stack([draw_stars(SIZE, stars * [1, 1, c], 2.2, 3.5) for c in colours])
    places, shares = response_of(colours_of("RGGB"))
    beneath = 2.0 * stack.mean
    for (out, of, dy, dx), share in zip(places, shares, strict=True):
        beneath[out] -= share * np.roll(stack.mean[of], (-dy, -dx), (0, 1))
    inner = np.s_[:, 16:-16, 16:-16]
    was, now = (np.sqrt(np.mean((some - truth)[inner] ** 2)) for some in (stack.mean, beneath))
    assert now < 0.75 * was
