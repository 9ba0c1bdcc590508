"""Memory of planes that come and go with every sub, used again: the system clears new pages, and that costs time."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAST_BYTES = 4 << 20
"""What is smaller is left to the C library, which keeps it."""
MOST_FREE = 8
"""So many planes wait for the next sub; of more, the one that has waited longest goes."""
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
    while len(_free) >= MOST_FREE:
        _free.pop(next(iter(list(_free)), 0), None)
    _free[memory.ctypes.data] = memory
