"""Who goes first where threads of this process want the same core: the window's, for a hand waits for it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

_NICE, _LAST = 10, 19
_TURN_S = 0.0005
"""The interpreter's own turn is ten times as long. A thread that waits for it asks for it after a turn in which it was
not called; called it is each time another lets go of it for a moment, and mostly comes too late. So where several
threads pass it to and fro, a window could wait for a tenth of a second."""


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
