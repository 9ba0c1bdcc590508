"""What is on a widget, as pixels."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtGui, QtWidgets

from livestack.frame import Array


def pixels(widget: QtWidgets.QWidget) -> Array:
    """Return (H, W, 3) uint8."""
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    return rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(image.height(), -1, 3)
