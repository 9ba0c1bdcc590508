"""Memory that is free goes back to the system: the C library keeps it otherwise, in pieces that fit nothing again.

glibc raises the size from which a piece is the system's own, and goes back when it is freed, to the largest that was
freed so far, up to 32 MB; what is smaller is cut from heaps, one for each of many threads. Planes of a sub are that
size, of all kinds, and come and go in turn: half of the heaps was holes, two fifths of what a mono stack of 4 Mpx took.
"""

from __future__ import annotations

import ctypes
import functools
import sys

from livestack.planes import release_planes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of malloc.h."""
PLANE_BYTES = 4 << 20
"""What is so large is the system's own. The tiles of kernels are smaller: they stay, for new pages cost time."""
KEPT_BYTES = 64 << 20
"""So much may lie free at the end of a heap: what a sub needs and the next one again. Given back each time, it would
cost a tenth of a small sub's time in new pages, and the peak would be the same."""
HEAPS = 1


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


def return_free() -> None:
    """Give back what is free by now, also between what is in use, such as what loading kernels left."""
    release_planes()
    if library := _glibc():
        library.malloc_trim(0)
