"""The sub that a hand is on: chosen in one place of the window, it is marked in all."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui


class Choice(QtCore.QObject):
    """The sub that was chosen, and the one under the pointer, by number; `changed` tells of either."""

    changed = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__()
        self.chosen: int | None = None
        self.pointed: int | None = None

    @property
    def marked(self) -> int | None:
        """The sub to mark: the one under the pointer, else the chosen one."""
        return self.chosen if self.pointed is None else self.pointed

    def choose(self, no: int | None) -> None:
        """Choose a sub, or none."""
        if no != self.chosen:
            self.chosen = no
            self.changed.emit()

    def point(self, no: int | None) -> None:
        """Take note of the sub under the pointer."""
        if no != self.pointed:
            self.pointed = no
            self.changed.emit()


def step_of(event: QtGui.QKeyEvent) -> int:
    """Return how far a key goes from sub to sub: -1 to the one before, 1 to the next, 0 where it is another key."""
    return {QtCore.Qt.Key.Key_Left: -1, QtCore.Qt.Key.Key_Right: 1}.get(event.key(), 0)
