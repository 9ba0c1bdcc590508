"""Red alone for a text field at night: its caret inverts what is below, which would be white."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.tokens import Palette

_RED = QtGui.QColor("#FF0000")


class _RedAlone(QtWidgets.QGraphicsEffect):
    """Draws a widget without green and blue."""

    def draw(self, painter: QtGui.QPainter) -> None:
        """Draw it."""
        found = self.sourcePixmap(QtCore.Qt.CoordinateSystem.LogicalCoordinates)
        pixels = found[0] if isinstance(found, tuple) else found  # PyQt gives the offset too
        inside = QtGui.QPainter(pixels)
        inside.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_Multiply)
        inside.fillRect(pixels.rect(), _RED)
        inside.end()
        painter.drawPixmap(self.sourceBoundingRect().topLeft(), pixels)


def redden(field: QtWidgets.QWidget, palette: Palette) -> None:
    """Keep a text field red at night, and as it is otherwise."""
    if (palette.is_night) != (field.graphicsEffect() is not None):
        field.setGraphicsEffect(_RedAlone(field) if palette.is_night else None)
