"""One sub of the night in the place of the stack: read again beside the window, which never waits for it."""

# mypy: allow-subclassing-any
from __future__ import annotations

import os
from concurrent.futures import Future
from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore

from livestack.errors import FrameError, SourceError
from livestack.frame import Picture
from livestack.priority import give_way
from livestack.show.source import Source
from livestack.show.threads import Threads

if TYPE_CHECKING:
    from livestack.engine.one_sub import OneSub, Shown

_LOOK_MS = 20


class _Reader:
    """Reads subs, in a thread that holds nothing of the window; `one` keeps their masters."""

    def __init__(self, source: Source) -> None:
        self.kernels = Threads(os.cpu_count() or 1, "look kernel", give_way)
        self.one: OneSub | None = None
        self._source = source

    def show(self, no: int) -> Shown:
        from livestack.engine.one_sub import OneSub  # the kernels: a window that never looks does without

        one = self.one or OneSub(self._source.journal, self._source.session / "cache", self.kernels)
        self.one = one
        return one.show(no)


class Looking(QtCore.QObject):
    """The sub that is looked at; `changed` tells that its picture is there, or that there is none any more."""

    changed = QtCore.Signal()
    missed = QtCore.Signal(str)  # why a sub cannot be shown

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.no: int | None = None
        self.shown: Shown | None = None
        self._work = Threads(1, "look", give_way)
        self._reader = _Reader(source)
        self._asked: tuple[int, Future[Shown]] | None = None
        self._next: int | None = None
        self._timer = QtCore.QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._take)

    @property
    def picture(self) -> Picture | None:
        """The picture of the sub, on the grid of its stack where it could be aligned."""
        return self.shown.picture if self.shown else None

    @property
    def is_busy(self) -> bool:
        """Whether a sub is still to come."""
        return self._asked is not None

    def at(self, no: int) -> None:
        """Look at a sub; of several asked for, only the last one is shown."""
        if self._work.are_closed:
            return
        if self._asked is not None:
            self._next = no
            return
        self._asked = no, self._work.submit(self._reader.show, no)
        self._timer.start()

    def leave(self) -> None:
        """Look at the stack again; masters are let go."""
        self._next = None
        self._reader.one = None
        if self._asked is not None:
            self._asked = -1, self._asked[1]
        if self.no is not None:
            self.no = self.shown = None
            self.changed.emit()

    def close(self) -> None:
        """Begin nothing more."""
        self._timer.stop()
        self._asked = self._next = None
        self._work.close()
        self._reader.kernels.close()

    def _take(self) -> None:
        if self._asked is None or not self._asked[1].done():
            return
        (no, done), self._asked = self._asked, None
        self._timer.stop()
        wanted, self._next = self._next, None
        if wanted is not None:
            self.at(wanted)
            return
        try:
            shown = done.result()
        except (FrameError, SourceError, OSError) as error:
            if no >= 0:
                self.missed.emit(f"Sub {no:,} cannot be shown: {error}")
            return
        if no >= 0:
            self.no, self.shown = no, shown
            self.changed.emit()
