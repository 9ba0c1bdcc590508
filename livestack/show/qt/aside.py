"""Work beside a page: done in a thread, told in the window's own."""

# mypy: allow-subclassing-any
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from pyqtgraph.Qt import QtCore

from livestack.show.threads import Threads

T = TypeVar("T")

_LOOK_MS = 15


class Aside(QtCore.QObject):
    """Runs what takes a while, one thing after the other; what was asked for and is not wanted any more is passed over.

    Work holds no widget: the last who lets go of one must be in the window's thread.

    Attributes
    ----------
    stop : Event
        Set when nothing is wanted any more, for what runs to see.
    """

    def __init__(self, parent: QtCore.QObject, threads: int = 1) -> None:
        super().__init__(parent)
        self.stop = threading.Event()
        self._workers = Threads(threads, "aside")
        self._waiting: list[tuple[Future[object], Callable[[object], None]]] = []
        self._clock = QtCore.QTimer(self, interval=_LOOK_MS)
        self._clock.timeout.connect(self.look)

    def run(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do something, then tell of it here."""
        self._waiting.append((self._workers.submit(work), then))  # type: ignore[arg-type]
        self._clock.start()

    def look(self) -> None:
        """Tell of what is done."""
        done = [each for each in self._waiting if each[0].done()]
        self._waiting = [each for each in self._waiting if each not in done]
        if not self._waiting:
            self._clock.stop()
        for future, then in done:
            if not self.stop.is_set():
                then(future.result())

    def wait(self, until: float) -> None:
        """Wait for what was asked for, by the monotonic clock: before a page is seen."""
        while self._waiting and time.monotonic() < until:
            time.sleep(_LOOK_MS / 3000)
            self.look()

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be told."""
        return bool(self._waiting)

    def close(self) -> None:
        """Want nothing any more."""
        self.stop.set()
        self._clock.stop()
        self._waiting.clear()
        self._workers.close()
