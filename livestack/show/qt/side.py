"""The panel at the right: beside the picture, or over it where a window is too small for both."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Sequence

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.show.qt.sizes import is_small


class Side(QtWidgets.QWidget):
    """What is between the bars: the picture with its drawer, and a panel of a fixed width.

    A panel that lies over the others is told to them as a margin at their right, so that nothing is written below it.
    """

    arranged = QtCore.Signal()

    def __init__(self, middle: QtWidgets.QWidget, panel: QtWidgets.QWidget, below: Sequence[QtWidgets.QWidget]) -> None:
        super().__init__()
        self._middle, self._panel, self._below = middle, panel, below
        for part in (middle, panel):
            part.setParent(self)
        panel.hide()
        panel.installEventFilter(self)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802 - Qt's name
        """Make room when the panel comes, goes, or is made wider."""
        kinds = QtCore.QEvent.Type
        if event.type() in (kinds.ShowToParent, kinds.HideToParent, kinds.Resize):
            self.arrange()
        return False

    def arrange(self) -> None:
        """Place them."""
        wide = 0 if self._panel.isHidden() else self._panel.minimumWidth()
        over = wide if is_small(self.window().size()) else 0
        for part in self._below:
            part.setContentsMargins(0, 0, over, 0)
        self._middle.setGeometry(0, 0, self.width() - wide + over, self.height())
        self._panel.setGeometry(self.width() - wide, 0, wide, self.height())
        self._panel.raise_()
        self.arranged.emit()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Keep the panel at the right."""
        self.arrange()
