"""A code that phones read, drawn on the screen."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui

from livestack.frame import Array
from livestack.show.code import QUIET
from livestack.show.tokens import CODE_GROUND, NIGHT_CODE_GROUND, Palette


def draw_code(painter: QtGui.QPainter, dark: Array, box: QtCore.QRectF, palette: Palette) -> None:
    """Draw a code on its ground, in a square box; every module is of whole px, so that none is blurred."""
    ground = QtGui.QColor(NIGHT_CODE_GROUND if palette.is_night else CODE_GROUND)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 12, 12)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)
    n = len(dark)
    side = max(1, int(box.width() / (n + 2 * QUIET)))
    left, top = (round(place + (box.width() - n * side) / 2) for place in (box.left(), box.top()))
    ink = QtGui.QColor(palette.bg0)
    for row, across in enumerate(dark):
        for column in across.nonzero()[0].tolist():
            painter.fillRect(left + column * side, top + row * side, side, side, ink)
