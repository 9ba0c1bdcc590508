"""The guide is the sub's 2 × 2 cells, sampled as the stack samples px; the same bits however the work is split."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce.cells import Cells, room_for_cells
from livestack.reduce.detect import sky_of
from livestack.reduce.guide import guide_of, with_cells
from livestack.reduce.sensor import sensor_of, with_defects
from tests.reduce.fields import PHASES, XTRANS_PHASES, frame_of, light, turned, warped

SIZE = (210, 260)
HALF = np.array([[0.5, 0.0, -0.25], [0.0, 0.5, -0.25], [0.0, 0.0, 1.0]])
POSES = [(0.0, 0.0, 0.0), (0.0, 3.0, -4.5), (0.3, 5.3, -2.2), (41.0, 2.0, 3.0), (180.0, 1.4, -0.6)]


def _soft(seed: int) -> Array:
    """Structure of some px on a level."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    draw = np.random.default_rng(seed)
    waves = [np.cos(xx * a + yy * b + c) for a, b, c in draw.uniform(0.05, 0.4, (6, 3))]
    return (1000 + 60 * np.sum(waves, axis=0)).astype(np.float32)


def _cells(data: Array) -> Array:
    return data.reshape(SIZE[0] // 2, 2, SIZE[1] // 2, 2).mean(axis=(1, 3))


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("kind", ["mono", *PHASES])
def test_it_is_the_picture_of_cells_sampled_as_a_stack_samples(pose: tuple[float, float, float], kind: str) -> None:
    data, matrix = _soft(1), turned(*pose, SIZE)
    sub = light(frame_of(data, None if kind == "mono" else kind), matrix)
    guide = guide_of(sub, (len(sub.sky), *SIZE), None)
    # of three planes these are sampled by Lanczos, so a moved one is only about the same
    planes = np.repeat(_cells(data)[:, :, None], 3, axis=2)
    stacked = warped(light(frame_of(planes), HALF @ matrix @ np.linalg.inv(HALF)))[0]
    both = np.isfinite(guide) & np.isfinite(stacked)
    assert both.mean() > 0.5
    np.testing.assert_allclose(guide[both], stacked[both], atol=4.0 if any(pose) else 1e-2)


def test_a_bad_px_is_told_by_those_about_it_and_a_hole_is_not_covered() -> None:
    bad = np.random.default_rng(2).random(SIZE) < 0.004
    bad[60:72, 80:96] = True
    data = _soft(3)
    sub = light(frame_of(np.where(bad, 60_000, data), PHASES[0]), masters=Masters(hot=np.flatnonzero(bad)))
    guide = guide_of(sub, (3, *SIZE), None)
    hole = np.s_[31:35, 41:47]
    assert np.isnan(guide[hole]).all()
    seen = np.isfinite(guide)
    assert seen.mean() > 0.98
    np.testing.assert_allclose(guide[seen], _cells(data)[seen], atol=60, err_msg="a bad px would be 15,000 off")


def test_the_same_bits_in_any_number_of_threads() -> None:
    sub = light(frame_of(_soft(4), PHASES[1]), turned(2.0, 3.1, -1.7, SIZE))
    with ThreadPoolExecutor(3) as threads:
        assert guide_of(sub, (3, *SIZE), threads).tobytes() == guide_of(sub, (3, *SIZE), None).tobytes()


@pytest.mark.parametrize("kind", ["mono", "colour", PHASES[0], PHASES[3], XTRANS_PHASES[2]])
@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (0.3, 5.3, -2.2), (180.0, 1.4, -0.6)])
def test_of_the_cells_that_a_search_for_stars_leaves_it_has_the_same_bits(
    pose: tuple[float, float, float], kind: str
) -> None:
    size, draw = (391, 1153), np.random.default_rng(5)
    bad = draw.random(size) < 0.002
    bad[100:110, -7:] = bad[:6, 300:320] = True
    _, cells = _with_and_without_cells(kind, size, bad, pose, draw.integers(0, bad.size, 40))
    assert cells.plane is None, "they wait no longer"


def test_of_a_large_mosaic_too() -> None:
    size, draw = (2845, 2851), np.random.default_rng(6)
    _with_and_without_cells(PHASES[1], size, draw.random(size) < 1e-4, (0.2, 3.3, -4.2), np.array([0, 8_000_000]))


def _with_and_without_cells(
    kind: str, size: tuple[int, int], bad: Array, pose: tuple[float, float, float], later: Array
) -> tuple[Array, Cells]:
    """Guide of a sub with its cells, some px of which are known as bad later, held against that of its px."""
    shape = (*size, 3) if kind == "colour" else size
    data = np.random.default_rng(7).integers(500, 60_000, shape).astype(np.uint16)
    frame = frame_of(data, None if kind in ("mono", "colour") else kind)
    gain = np.random.default_rng(8).uniform(0.5, 2, shape).astype(np.float32)
    sensor = sensor_of(frame, Masters(gain=gain, hot=np.flatnonzero(bad)))
    cells = Cells(room_for_cells(sensor))
    assert cells.plane is not None
    cells.plane[:] = np.inf
    sky_of(sensor, None, cells.plane)
    sub = replace(light(frame, turned(*pose, size)), sensor=with_defects(sensor, later))
    whole = 1 if kind == "mono" else 3, *size
    told = guide_of(with_cells(sub, cells, later), whole, None)
    assert told.tobytes() == guide_of(sub, whole, None).tobytes()
    assert np.isfinite(told).mean() > 0.9
    return told, cells


def test_with_too_many_px_that_are_known_as_bad_later_cells_are_made_anew() -> None:
    frame = frame_of(_soft(9), PHASES[0])
    sub = light(frame)
    cells = Cells(room_for_cells(sub.sensor))
    assert with_cells(sub, cells, np.arange(500)).cells is None
