"""Things to do one after another, each in a turn of the loop of its own: hands are served, and faces painted, between.

What a new sub changes is a few milliseconds of work, and a few of paint. Where an engine has both cores and the memory
too, each takes up to ten times as long: in one piece that is felt.
"""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from pyqtgraph.Qt import QtCore


class Turns(QtCore.QObject):
    """Takes things to do, and does one whenever the loop has nothing else to do."""

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._left: deque[Callable[[], None]] = deque()
        self._clock = QtCore.QTimer(self, interval=0)
        self._clock.timeout.connect(self._do_next)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not self._left

    def begin(self, things: Iterable[Callable[[], None]]) -> None:
        """Do these things, and nothing of what was left."""
        self._left = deque(things)
        self._clock.start()

    def finish(self) -> None:
        """Do what is left at once."""
        while self._left:
            self._do_next()

    def drop(self) -> None:
        """Do nothing more."""
        self._left.clear()
        self._clock.stop()

    def _do_next(self) -> None:
        if self._left:
            self._left.popleft()()
        if not self._left:
            self._clock.stop()
