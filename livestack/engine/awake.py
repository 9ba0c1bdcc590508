"""A computer that sleeps takes no subs: it is kept awake while a session runs, and no longer, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

_GO_ON, _SYSTEM, _DISPLAY = 0x80000000, 0x00000001, 0x00000002  # ES_CONTINUOUS, ES_SYSTEM_REQUIRED, ES_DISPLAY_REQUIRED
_MOST_S = 2.0


@contextlib.contextmanager
def kept_awake(*, display: bool = False) -> Iterator[None]:
    """Ask the system not to sleep by itself; where it has no such thing, or refuses, nothing happens.

    To be left by the thread that entered. The lid and the power key do what they always do.

    Parameters
    ----------
    display : bool
        Keep the screens on instead; on Linux that is asked of the desktop, see `livestack.show.qt.lit`.
    """
    if sys.platform == "win32":
        kernel: Any = ctypes.windll.kernel32
        before = kernel.SetThreadExecutionState(_GO_ON | _SYSTEM | (_DISPLAY if display else 0))
        try:
            yield
        finally:
            kernel.SetThreadExecutionState(_GO_ON | before)
        return
    asked = _asked(display=display)
    try:
        yield
    finally:
        if asked is not None:
            _let_go(asked)


def _asked(*, display: bool) -> subprocess.Popen[bytes] | None:
    """Start what holds the system awake for as long as its input is open: also a killed session lets go of it."""
    if sys.platform == "darwin":
        command = ["caffeinate", "-d" if display else "-i", "-w", str(os.getpid())]
    elif display:
        return None
    else:
        words = ["--what=sleep:idle", "--mode=block", "--who=livestack", "--why=A stack is growing"]
        command = ["systemd-inhibit", *words, "cat"]
    if shutil.which(command[0]) is None:
        return None
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True)
    except OSError:
        return None


def _let_go(asked: subprocess.Popen[bytes]) -> None:
    assert asked.stdin is not None
    with contextlib.suppress(OSError):
        asked.stdin.close()
    if sys.platform == "darwin":
        asked.terminate()
    try:
        asked.wait(_MOST_S)
    except subprocess.TimeoutExpired:
        asked.kill()
        asked.wait()
