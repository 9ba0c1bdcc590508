"""Who goes first where threads of this process want the same core: the window's, for a hand waits for it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
import threading

_NICE, _LAST = 10, 19
_TURN_S = 0.0005
"""The interpreter's own turn is ten times as long. A thread that waits for it asks for it after a turn in which it was
not called; called it is each time another lets go of it for a moment, and mostly comes too late. So where several
threads pass it to and fro, a window could wait for a tenth of a second."""

_SLICE_NS = 100_000
"""The least that the kernel takes; where nothing is asked for it is 1.4 to 3 ms. Who asks for less at a time is called
as soon as it has something to do, in place of who computes, and has no more of the core for it (EEVDF, Linux 6.12)."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}  # system calls, which the C library has no function for
_ATTRIBUTES = struct.Struct("IIQiIQQQ")  # struct sched_attr, man 2 sched_setattr
_NOT_FOR_CHILDREN = 1


def give_way() -> None:
    """Let this thread, and those that it begins, come after the others of this process; on Linux, where that can be.

    Alone on the machine, or beside programs of other sessions of a desktop, it is as fast as before.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may forbid it
            first = os.getpriority(os.PRIO_PROCESS, os.getpid())  # of the first thread, which is the window's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(first + _NICE, _LAST))


def take_short_turns() -> None:
    """Let the threads of this process have the interpreter for shorter turns, where one of them is a window's."""
    sys.setswitchinterval(_TURN_S)


def come_at_once() -> None:
    """Let this thread, a window's, have a core as soon as it wants one, for short whiles; those it begins do not.

    On Linux, where its kernel can do that; nothing changes elsewhere.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, _NOT_FOR_CHILDREN, nice, 0, _SLICE_NS, 0, 0)
    ctypes.CDLL(None).syscall(number, 0, asked, 0)  # one that knows less, or may not, says no: then all stays as it is
