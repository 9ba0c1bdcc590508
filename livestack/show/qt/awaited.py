"""What is done beside the window, and told of in its thread."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from pyqtgraph.Qt import QtCore

T = TypeVar("T")
_Waiting = tuple[Future[Any], Callable[[Any], None]]

_LOOK_MS = 3


class Awaited(QtCore.QObject):
    """Looks whether work is done, and tells of it; of nothing once it is closed.

    A closed window may be garbage before Qt deletes it: a timer of it that still ran would call what is no more.
    """

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._waiting: list[_Waiting] = []
        self._clock = QtCore.QTimer(self, interval=_LOOK_MS)
        self._clock.timeout.connect(self._look)

    def tell(self, work: Future[T], then: Callable[[Future[T]], None]) -> None:
        """Call `then` with the work when it is done, unless it was called off."""
        if work.cancelled():
            return
        self._waiting.append((work, then))
        self._clock.start()

    def close(self) -> None:
        """Wait for nothing more."""
        self._waiting.clear()
        self._clock.stop()

    def _look(self) -> None:
        done: list[_Waiting] = []
        left: list[_Waiting] = []
        for waiting in self._waiting:
            (done if waiting[0].done() else left).append(waiting)
        self._waiting = left
        if not left:
            self._clock.stop()
        for work, then in done:
            if not work.cancelled():  # the window is closing
                then(work)
