"""What is drawn over the picture, in its place and with its turn."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.show.qt.canvas import Canvas
from livestack.show.tokens import Palette


class OnPicture(QtWidgets.QWidget):
    """A layer over the picture, which lets the pointer through; `shown` is whether all of it is asked for."""

    def __init__(self, canvas: Canvas, palette: Palette, name: str) -> None:
        super().__init__(canvas, accessibleName=name)
        self.shown = False
        self._canvas, self._palette = canvas, palette
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_shown(self, shown: bool) -> None:
        """Show all of it, or no more than is always there."""
        self.shown = shown
        self._changed()

    def _changed(self) -> None:
        raise NotImplementedError
