"""A screen that goes away under a window: its server died, or the way to it was cut.

Qt says so in its last words, and calls exit() when they were heard: whatever runs in this process would end with it,
its threads at work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyqtgraph.Qt import QtCore

from livestack.show.console import complain

_LAST_WORDS = "connection broke"
"""Of X11 and of Wayland, in Qt 5 and 6."""


@contextmanager
def outlived(go_on: Callable[[], int] | None) -> Iterator[None]:
    """Have what runs go on to its end where the screen goes away meanwhile.

    Parameters
    ----------
    go_on : callable, optional
        Does that, in the thread of the window, and returns the exit code; None = nothing runs here.
    """

    def hear(kind: object, context: object, words: str) -> None:
        if _LAST_WORDS in words:
            _end(go_on)
        elif before is not None:
            before(kind, context, words)
        else:
            print(words, file=sys.stderr)

    before = QtCore.qInstallMessageHandler(hear)
    try:
        yield
    finally:
        QtCore.qInstallMessageHandler(before)


def _end(go_on: Callable[[], int] | None) -> None:
    """Do what is left, and end without a word to Qt."""
    code = 1
    try:
        if go_on is None:
            complain("the screen is gone, and the window with it")
        else:
            code = go_on()
        sys.stdout.flush()
    finally:
        os._exit(code)
