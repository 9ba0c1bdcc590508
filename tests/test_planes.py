"""Memory of planes is used again, and never while anything looks at it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from livestack import planes
from livestack.planes import LEAST_BYTES, PAGE_BYTES, new_plane, release_planes, zero_plane

SHAPE = (1024, LEAST_BYTES // 4 // 1024)
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere planes are the system's")


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    release_planes()
    yield
    release_planes()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def address(array: np.ndarray) -> int:
    return array.ctypes.data


@linux
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


@linux
def test_a_smaller_one_takes_a_part_of_a_larger_and_the_next_one_the_rest() -> None:
    plane = new_plane((3, LEAST_BYTES), np.uint8)
    plane[:] = np.array([[1], [2], [3]], np.uint8)
    del plane
    parts = [new_plane((LEAST_BYTES,), np.uint8) for _ in range(3)]
    assert sorted({int(value) for part in parts for value in np.unique(part)}) == [1, 2, 3]
    assert len({address(part) for part in parts}) == 3


@linux
def test_a_larger_one_is_put_together_of_what_several_left() -> None:
    some = [new_plane((LEAST_BYTES * (k + 1),), np.uint8) for k in range(3)]
    for k, plane in enumerate(some):
        plane[:] = k + 1
    between = new_plane((LEAST_BYTES,), np.uint8)
    between[:] = 9
    del plane, some
    large = new_plane((6 * LEAST_BYTES + 100,), np.uint8)
    counts = np.bincount(large[: 6 * LEAST_BYTES], minlength=10)
    assert counts[1:4].tolist() == [LEAST_BYTES, 2 * LEAST_BYTES, 3 * LEAST_BYTES]  # the very pages, moved
    large[:] = 4
    assert (between == 9).all()


@linux
def test_zeros_are_zero_where_another_plane_was() -> None:
    plane = new_plane((LEAST_BYTES,), np.uint8)
    plane[:] = 7
    at = address(plane)
    del plane
    zeros = zero_plane((2, LEAST_BYTES), np.uint8)
    assert not zeros.any()
    zeros[:] = 1
    del zeros
    small = zero_plane((LEAST_BYTES // 4,), np.float32)
    assert not small.any()
    assert at % PAGE_BYTES == 0


@linux
def test_what_nobody_wanted_for_long_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = new_plane((16 * LEAST_BYTES,), np.uint8)
    plane[:] = 1
    del plane
    before = resident()
    kept = new_plane((LEAST_BYTES,), np.uint8)
    assert resident() > before - LEAST_BYTES
    monkeypatch.setattr(planes, "LONGEST_S", 0.0)
    also = new_plane((LEAST_BYTES,), np.uint8)
    assert resident() < before - 14 * LEAST_BYTES
    kept[:], also[:] = 2, 3
    assert (kept == 2).all()


@linux
def test_planes_that_are_released_are_the_systems() -> None:
    some = [new_plane((4 * LEAST_BYTES,), np.uint8) for _ in range(4)]
    for plane in some:
        plane[:] = 1
    used = some[0]
    before = resident()
    del plane, some
    release_planes()
    assert resident() < before - 11 * LEAST_BYTES
    assert (used == 1).all()


def test_planes_are_as_others_are() -> None:
    plane = new_plane(SHAPE, np.uint16)
    assert plane.shape == SHAPE
    assert plane.dtype == np.uint16
    assert plane.flags.c_contiguous
    assert plane.flags.writeable
    assert plane.flags.aligned
    assert new_plane((3, 4), np.float32).base is None


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


@linux
def test_what_waits_is_given_back_before_there_is_too_little_memory() -> None:
    room_for_one = """
import resource
import numpy as np
from livestack.planes import LEAST_BYTES, new_plane

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 40 * LEAST_BYTES, resource.RLIM_INFINITY))
plane = new_plane((20 * LEAST_BYTES,), np.uint8)
del plane
larger = new_plane((30 * LEAST_BYTES,), np.uint8)
larger[:] = 1
"""
    subprocess.run([sys.executable, "-c", room_for_one], check=True)


@linux
def test_where_pages_cannot_be_moved_the_system_gives_a_plane_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system at its limit of mappings fails in the middle: what moved, and what did not, goes back to it."""
    some = [new_plane((3 * LEAST_BYTES,), np.uint8) for _ in range(2)]
    kept = new_plane((LEAST_BYTES,), np.uint8)
    for plane in (*some, kept):
        plane[:] = 1
    del plane
    del some  # the next one is put together of two, and a larger one of three
    joined = new_plane((6 * LEAST_BYTES,), np.uint8)
    joined[:] = 2
    del joined
    before = resident()
    library = planes._library()
    assert library is not None
    moved, moves = library.mremap, []

    def mremap(*asked: int) -> int | None:
        moves.append(asked)
        return moved(*asked) if len(moves) < 2 else planes._FAILED

    monkeypatch.setattr(library, "mremap", mremap)
    larger = new_plane((7 * LEAST_BYTES,), np.uint8)
    assert len(moves) == 2
    assert resident() < before - 5 * LEAST_BYTES
    larger[:] = 3
    assert (kept == 1).all()
