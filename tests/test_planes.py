"""Memory of planes is used again, and never while anything looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.planes import LEAST_BYTES, MOST_FREE_BYTES, new_plane, release_planes

SHAPE = (1000, LEAST_BYTES // 4 // 1000)


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    release_planes()
    yield
    release_planes()


def address(array: np.ndarray) -> int:
    return array.ctypes.data


def test_the_next_plane_gets_the_memory_of_one_that_is_gone() -> None:
    plane = new_plane(SHAPE, np.float32)
    at = address(plane)
    del plane
    assert address(new_plane(SHAPE, np.float32)) == at


def test_a_plane_is_not_used_again_while_a_part_of_it_is_looked_at() -> None:
    plane = new_plane(SHAPE, np.float32)
    plane[:] = 7.0
    part = plane[5:, ::2].T
    del plane
    other = new_plane(SHAPE, np.float32)
    other[:] = -1.0
    assert (part == 7.0).all()


def test_a_smaller_one_takes_a_larger_only_when_little_is_wasted() -> None:
    plane = new_plane((3 * SHAPE[0], SHAPE[1]), np.float32)
    at = address(plane)
    del plane
    small = new_plane(SHAPE, np.float32)
    assert address(small) != at
    assert address(new_plane((2 * SHAPE[0] + 1, SHAPE[1]), np.float32)) == at


def test_planes_are_as_others_are() -> None:
    plane = new_plane(SHAPE, np.uint16)
    assert plane.shape == SHAPE
    assert plane.dtype == np.uint16
    assert plane.flags.c_contiguous
    assert plane.flags.writeable
    assert plane.flags.aligned
    assert new_plane((3, 4), np.float32).base is None


def test_no_more_than_a_few_wait() -> None:
    few = MOST_FREE_BYTES // LEAST_BYTES
    planes = [new_plane(SHAPE, np.float32) for _ in range(few + 3)]
    first = {address(plane) for plane in planes}
    assert len(first) == few + 3
    del planes
    again = [new_plane(SHAPE, np.float32) for _ in range(few)]
    assert {address(plane) for plane in again} <= first


def test_threads_never_share_one() -> None:
    def fill(number: int) -> bool:
        for _ in range(50):
            plane = new_plane(SHAPE, np.float32)
            plane[:] = number
            part = plane[::7]
            del plane
            if not (part == number).all():
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(fill, range(4)))
