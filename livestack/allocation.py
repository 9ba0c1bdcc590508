"""Memory that is free goes back to the system: the C library keeps it otherwise, in pieces that fit nothing again.

glibc raises the size from which a piece is the system's own, and goes back when it is freed, to the largest that was
freed so far, up to 32 MB; what is smaller is cut from heaps, one for each of many threads. Planes of a sub are that
size, of all kinds, and come and go in turn: half of the heaps was holes, two fifths of what a mono stack of 4 Mpx took.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import mmap
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from livestack.planes import LEAST_BYTES, release_planes, zero_plane

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of malloc.h."""
PLANE_BYTES = 4 << 20
"""What is so large is the system's own. The tiles of kernels are smaller: they stay, for new pages cost time."""
KEPT_BYTES = 32 << 20
"""So much may lie free at the end of a heap: what a sub needs and the next one again. Given back each time, it would
cost a tenth of a small sub's time in new pages, and the peak would be the same."""
HEAPS = 1
LONG_LIVED_BYTES = 1 << 20
"""What lives long and is so large never lies in the heap."""

MAPPED = Path("/proc/self/smaps")
_CODE = re.compile(r"^([0-9a-f]+-[0-9a-f]+) r-[-x]p [^\n]*\.so\b[^\n]*\n((?:[A-Z][^\n]*\n)+)", re.MULTILINE)
_HELD = re.compile(r"^Rss: +(\d+) kB$", re.MULTILINE)
_UNWRITTEN = re.compile(r"^Anonymous: +0 kB$", re.MULTILINE)
"""What Linux tells of a library's pages that may not be written, how many are held, and whether none was written."""
MUCH_CODE_KB = 1 << 8


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """Return the C library where it has these settings."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def return_planes() -> None:
    """From now on give planes back as soon as they are freed."""
    if library := _glibc():
        for setting, value in ((M_MMAP_THRESHOLD, PLANE_BYTES), (M_TRIM_THRESHOLD, KEPT_BYTES), (M_ARENA_MAX, HEAPS)):
            library.mallopt(setting, value)


def zeros(shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray[Any, Any]:
    """Return a plane of zeros that lives long: no piece of the heap, where it would part what comes and goes.

    What lies free at the end of the heap would be taken for it, however large it is. It takes room at once where it
    lies in what another plane has left.
    """
    if math.prod(shape) * np.dtype(kind).itemsize >= LEAST_BYTES:
        return zero_plane(shape, kind)
    return later_zeros(shape, kind)


def later_zeros(shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray[Any, Any]:
    """Return such a plane that takes room only where it is written to, and may never be."""
    n_bytes = math.prod(shape) * np.dtype(kind).itemsize
    if sys.platform != "linux" or n_bytes < LONG_LIVED_BYTES:
        return np.zeros(shape, kind)
    try:
        pages = mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        return np.zeros(shape, kind)  # in the heap, or it says that this is too much
    with contextlib.suppress(OSError):  # a system without them
        pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, kind).reshape(shape)


def return_free() -> None:
    """Give back what is free by now, planes that wait too."""
    release_planes()
    return_heap()


def return_heap() -> None:
    """Give back what is free between what is in use, such as what loading kernels left; planes go on waiting."""
    if library := _glibc():
        library.malloc_trim(0)
        _let_go_of_code(library)


def _let_go_of_code(library: ctypes.CDLL) -> None:
    """Let go of libraries' code, most of it LLVM's, which has loaded the kernels by now, and what only a start needs.

    What is needed again comes back from the file.
    """
    try:
        mapped = MAPPED.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not every container has it
        return
    for place, facts in _CODE.findall(mapped):
        held = _HELD.search(facts)
        is_much = held is not None and int(held[1]) >= MUCH_CODE_KB
        # what was written when it was loaded, before it was sealed, would be lost
        if is_much and _UNWRITTEN.search(facts):
            first, last = (int(end, 16) for end in place.split("-"))
            library.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)
