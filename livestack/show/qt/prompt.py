"""The window's thread comes before others of its rank when it has something to do, where the system can be asked."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys

_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}
"""Numbers of the call sched_setattr, of which the C library knows nothing."""
_NOT_FOR_CHILDREN = 1  # SCHED_FLAG_RESET_ON_FORK
_SLICE_NS = 100_000


class _Attributes(ctypes.Structure):
    """Of the Linux scheduler."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def come_first() -> None:
    """Let this thread run as soon as it wakes; it gets no more of the processor than before.

    Linux from 6.12 on gives whoever asks for short turns the next one: else it waits for all turns, some ms each, that
    folding has on every core. Elsewhere nothing changes, nor for threads and processes that this one begins.
    """
    number = _SET_ATTRIBUTES.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return
    wish = _Attributes(flags=_NOT_FOR_CHILDREN, nice=os.nice(0), runtime=_SLICE_NS)
    wish.size = ctypes.sizeof(wish)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_long(0), ctypes.byref(wish), ctypes.c_long(0))
