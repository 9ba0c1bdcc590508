"""Memory of planes that come and go with every sub, used again: the system clears new pages, and that costs time.

It costs most on a virtual machine whose host takes back what is free: it clears them too, and while it takes pages back
all others are out of reach for a moment. So what a plane leaves waits for the next one, whatever its size: a larger
plane is put together of what several left. On Linux pages move to another address without being copied; elsewhere
planes are the system's.
"""

from __future__ import annotations

import ctypes
import functools
import math
import mmap
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAST_BYTES = 4 << 20
"""What is smaller is the C library's: it stays in its heap."""
PAGE_BYTES = 2 << 20
"""A huge page: what is moved and used again. Addresses and sizes are multiples of it."""
LONGEST_S = 300.0
"""What nobody has wanted for so long goes back to the system, when the next plane is asked for."""

_MAY_MOVE, _FIXED = 1, 2
"""Of mremap, sys/mman.h."""
_FAILED = ctypes.c_void_p(-1).value

Piece = tuple[int, int]
"""Address and bytes of pages that were mapped, and can be moved, at once."""
Run = list[Piece]
"""Pieces that follow one another: what a plane lies in, or did."""

_lock = threading.Lock()
_waiting: list[tuple[float, Run]] = []
"""Since when, monotonic s, and what."""
_left: deque[Run] = deque()
"""What was let go of since: by whichever thread, also in the middle of the work below, so it only lines up here."""


def new_plane(shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
    """Return room for an array, not filled. As soon as nothing looks at it any more, the next one may get it."""
    room = _room(shape, dtype)
    return np.empty(shape, dtype) if room is None else room[0]


def zero_plane(shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
    """Return an array of zeros in such room; what the system has just given is zero already."""
    room = _room(shape, dtype)
    if room is None:
        return np.zeros(shape, dtype)
    plane, n_used = room
    ctypes.memset(plane.ctypes.data, 0, min(n_used, plane.nbytes))
    return plane


def release_planes() -> None:
    """Give back what waits."""
    with _lock:
        _line_up()
        _release(math.inf)


@functools.cache
def _library() -> ctypes.CDLL | None:
    """Return the C library where pages can be moved."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    if not all(hasattr(library, name) for name in ("mmap", "munmap", "madvise", "mremap")):
        return None
    place, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    library.mmap.restype = library.mremap.restype = place
    library.mmap.argtypes = [place, size, number, number, number, ctypes.c_long]
    library.munmap.argtypes = [place, size]
    library.madvise.argtypes = [place, size, number]
    library.mremap.argtypes = [place, size, size, number, place]
    return library


def _room(shape: Sequence[int], dtype: npt.DTypeLike) -> tuple[Array, int] | None:
    """Return an array, and how many of its first bytes were used before; None = it is for the system to give."""
    n_items = math.prod(shape)
    n_bytes = n_items * np.dtype(dtype).itemsize
    library = _library()
    if n_bytes < LEAST_BYTES or library is None:
        return None
    with _lock:
        _line_up()
        _release(time.monotonic() - LONGEST_S)
        wanted = -(-n_bytes // PAGE_BYTES) * PAGE_BYTES
        found = _taken(wanted) or _joined(wanted, library)
        if found is None:
            _release(math.inf)  # there may be room then
            return None
    run, n_used = found
    memory: Any = (ctypes.c_char * n_bytes).from_address(run[0][0])
    # every view of the array holds on to this one, so it goes after all of them
    weakref.finalize(memory, _left.append, run).atexit = False
    flat: Array = np.frombuffer(memory, dtype, n_items)
    return flat.reshape(shape), n_used


def _line_up() -> None:
    while _left:
        _waiting.append((time.monotonic(), _left.popleft()))


def _release(before_s: float) -> None:
    """Give back what has waited since before that."""
    if (library := _library()) is None:
        return
    for since_s, run in _waiting:
        if since_s < before_s:
            library.munmap(run[0][0], _bytes(run))
    _waiting[:] = [(since_s, run) for since_s, run in _waiting if since_s >= before_s]


def _taken(wanted: int) -> tuple[Run, int] | None:
    """Take the smallest run that is large enough, or as much of it as is wanted."""
    fit = [(_bytes(run), k) for k, (_, run) in enumerate(_waiting) if _bytes(run) >= wanted]
    return (_first(min(fit)[1], wanted), wanted) if fit else None


def _first(k: int, wanted: int) -> Run:
    """Take the first bytes of a run that waits, all if it has no more than are wanted; what is left of it waits on."""
    since_s, run = _waiting.pop(k)
    used: Run = []
    while run and wanted:
        place, n_bytes = run[0]
        part = min(n_bytes, wanted)
        used.append((place, part))
        run = [(place + part, n_bytes - part), *run[1:]] if part < n_bytes else run[1:]
        wanted -= part
    if run:
        _waiting.append((since_s, run))
    return used


def _joined(wanted: int, library: ctypes.CDLL) -> tuple[Run, int] | None:
    """Put a run together of what waits, and of new pages at its end where that is too little."""
    start = _mapped(wanted, library)
    if start is None:
        return None
    run: Run = []
    n_used = 0
    while _waiting and n_used < wanted:
        pieces = _first(-1, wanted - n_used)
        for k, (place, n_bytes) in enumerate(pieces):
            at = start + n_used
            if library.mremap(place, n_bytes, n_bytes, _MAY_MOVE | _FIXED, at) == _FAILED:
                # what should have come here is where it was; whose the place is by now, nobody knows
                _waiting.append((time.monotonic(), pieces[k:]))
                for first, last in ((start, at), (at + n_bytes, start + wanted)):
                    if first < last:
                        library.munmap(first, last - first)
                return None
            run.append((at, n_bytes))
            n_used += n_bytes
    if n_used < wanted:
        run.append((start + n_used, wanted - n_used))
    return run, n_used


def _mapped(wanted: int, library: ctypes.CDLL) -> int | None:
    """Return where new pages begin, huge ones where the system has them; None = it has no room."""
    n_bytes = wanted + PAGE_BYTES
    kind, use = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE
    place = library.mmap(None, n_bytes, use, kind, -1, 0)
    if place is None or place == _FAILED:
        return None
    start: int = -(-place // PAGE_BYTES) * PAGE_BYTES
    if start > place:
        library.munmap(place, start - place)
    if start + wanted < place + n_bytes:
        library.munmap(start + wanted, place + n_bytes - start - wanted)
    library.madvise(start, wanted, mmap.MADV_HUGEPAGE)
    return start


def _bytes(run: Run) -> int:
    return sum(n_bytes for _, n_bytes in run)
