"""Memory of planes that come and go with every sub, used again: the system clears new pages, and that costs time."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAST_BYTES = 24_000_000
"""What is smaller goes back to the system: what waits is memory at the peak, and a small sub has little to win."""
MOST_FREE_BYTES = 84_000_000
"""So much waits for the next sub; of more, what has waited longest goes."""
ROOMIEST = 1.5
"""A plane may be so many times as large as what it is used for: views and guide take turns."""

_free: dict[int, Array] = {}
"""By address. Every thread takes and puts back: each step here is one that no other thread can come between."""


def new_plane(shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
    """Return room for an array, not filled. As soon as nothing looks at it any more, the next one may get it."""
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    if n_bytes < LEAST_BYTES:
        return np.empty(shape, dtype)
    memory = _taken(n_bytes)
    flat = np.frombuffer(memory.data, dtype, math.prod(shape))
    # every view of the array holds on to this one, so it goes after all of them
    weakref.finalize(flat.base, _put_back, memory).atexit = False
    return flat.reshape(shape)


def release_planes() -> None:
    """Give back the planes that nothing uses."""
    _free.clear()


def _taken(n_bytes: int) -> Array:
    """Return the smallest of the free ones that is large enough, or a new one."""
    fit = [(plane.size, key) for key, plane in list(_free.items()) if n_bytes <= plane.size <= ROOMIEST * n_bytes]
    for _, key in sorted(fit):
        memory = _free.pop(key, None)
        if memory is not None:
            return memory
    return np.empty(n_bytes, np.uint8)


def _put_back(memory: Array) -> None:
    waiting = list(_free.items())
    room = MOST_FREE_BYTES - memory.size - sum(plane.size for _, plane in waiting)
    for key, plane in waiting:
        if room >= 0:
            break
        _free.pop(key, None)
        room += plane.size
    if memory.size <= MOST_FREE_BYTES:
        _free[memory.ctypes.data] = memory
