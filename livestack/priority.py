"""Who goes first where threads of this process want the same core: the window's, for a hand waits for it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

_NICE, _LAST = 10, 19


def give_way() -> None:
    """Let this thread, and those that it begins, come after the others of this process; on Linux, where that can be.

    Alone on the machine, or beside programs of other sessions of a desktop, it is as fast as before.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may forbid it
            first = os.getpriority(os.PRIO_PROCESS, os.getpid())  # of the first thread, which is the window's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(first + _NICE, _LAST))
