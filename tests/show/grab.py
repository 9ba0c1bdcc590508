"""What is on a widget, as pixels."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.frame import Array
from livestack.show.qt.canvas import Canvas


def pixels(widget: QtWidgets.QWidget) -> Array:
    """Return (H, W, 3) uint8."""
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    return rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(image.height(), -1, 3)


def hover(widget: QtWidgets.QWidget, place: QtCore.QPoint) -> None:
    """Move the pointer over a widget, whichever windows other tests left on the screen."""
    _move(widget, place, QtCore.Qt.MouseButton.NoButton)


def drag(widget: QtWidgets.QWidget, place: QtCore.QPoint) -> None:
    """Move the pointer of a hand that holds the left button."""
    _move(widget, place, QtCore.Qt.MouseButton.LeftButton)


def _move(widget: QtWidgets.QWidget, place: QtCore.QPoint, held: QtCore.Qt.MouseButton) -> None:
    button, none = QtCore.Qt.MouseButton.NoButton, QtCore.Qt.KeyboardModifier.NoModifier
    places = QtCore.QPointF(place), QtCore.QPointF(widget.mapToGlobal(place))
    event = QtGui.QMouseEvent(QtCore.QEvent.Type.MouseMove, *places, button, held, none)
    QtWidgets.QApplication.sendEvent(widget, event)


def drawn(canvas: Canvas, qtbot: QtBot) -> None:
    """Wait until all that was asked for is on screen."""
    qtbot.waitUntil(lambda: not canvas.is_busy, timeout=30_000)


def rendition(canvas: Canvas, qtbot: QtBot) -> Array:
    """Return what is shown as it is saved."""
    images: list[Array] = []
    said: list[object] = []
    assert canvas.rendered(images.append, said.append)
    qtbot.waitUntil(lambda: bool(said), timeout=30_000)
    return images[0]
