"""The vote of triangles finds a pose that few stars share, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.pattern import vote
from tests.reduce.fields import moved, star_field, turned

SIZE = (1200, 1600)


def _off(found: Array, matrix: Array) -> float:
    """Largest distance over the frame between where two matrices put its px."""
    corners = np.array([[x, y, 0.0] for x in (0, 800, 1599) for y in (0, 600, 1199)])
    return float(np.hypot(*(moved(corners, found) - moved(corners, matrix))[:, :2].T).max())


def _seen(stars: Array, matrix: Array, missing: float, seed: int) -> Array:
    """Positions of the same stars in a sub, off by a tenth of a px, some missing, in an order of its own."""
    draw = np.random.default_rng(seed)
    there = moved(stars, np.linalg.inv(matrix))[:, :2] + draw.normal(0, 0.1, (len(stars), 2))
    return draw.permutation(there[draw.random(len(there)) >= missing])


@pytest.mark.parametrize("angle", [0.0, 77.0, 180.0])
@pytest.mark.parametrize(("n", "missing"), [(12, 0.0), (40, 0.3), (150, 0.5)])
def test_any_pose_with_many_stars_missing(angle: float, n: int, missing: float) -> None:
    for seed in range(4):
        stars = star_field(n, SIZE, seed)
        matrix = turned(angle, 130.0, -60.0, SIZE, 1.02)
        found = vote(_seen(stars, matrix, missing, seed), stars[:, :2], 0.1)
        assert found is not None
        assert _off(found, matrix) < 4.0, "near enough for the fit that follows"


def test_a_third_of_the_field_is_enough() -> None:
    for seed in range(4):
        stars = star_field(400, (1200, 2700), 20 + seed, border=2)
        matrix = turned(180.0, 1050.0, 20.0, SIZE)
        there = moved(stars, np.linalg.inv(matrix))
        seen = there[(there[:, 0] > 0) & (there[:, 0] < SIZE[1])][:, :2]
        found = vote(seen[:150], stars[stars[:, 0] < SIZE[1]][:150, :2], 0.1)
        assert found is not None
        assert _off(found, matrix) < 6.0


def test_another_scale_and_a_mirror_image_are_no_match() -> None:
    stars = star_field(80, SIZE, 30)
    larger = _seen(stars, turned(0.0, 0.0, 0.0, SIZE, 1.3), 0.0, 1)
    mirrored = stars[:, :2] * [-1, 1]
    for seen in (larger, mirrored):
        found = vote(seen, stars[:, :2], 0.1)
        assert found is None or _off(found, np.eye(3)) > 20, "by chance a few triangles may agree, on something else"


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_too_few_stars_have_no_vote(n: int) -> None:
    stars = star_field(40, SIZE, 31)[:, :2]
    assert vote(stars[:n], stars, 0.1) is None
    assert vote(stars, stars[:n], 0.1) is None


def test_stars_in_one_place_have_no_vote() -> None:
    heap = np.full((20, 2), 300.0)
    assert vote(heap, heap, 0.1) is None


def test_the_same_bits_again() -> None:
    stars = star_field(60, SIZE, 32)
    seen = _seen(stars, turned(11.0, 3.0, 4.0, SIZE), 0.2, 2)
    one, other = vote(seen, stars[:, :2], 0.1), vote(seen.copy(), stars[:, :2].copy(), 0.1)
    assert one is not None
    assert other is not None
    assert one.tobytes() == other.tobytes()
