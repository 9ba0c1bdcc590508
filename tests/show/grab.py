"""What is on a widget, as pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.frame import Array
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.window import Window

SCREENS = Path(__file__).parent / "screens"
_MODIFIERS = {
    "Ctrl": QtCore.Qt.KeyboardModifier.ControlModifier,
    "Shift": QtCore.Qt.KeyboardModifier.ShiftModifier,
}
Word = QtWidgets.QAbstractButton | QtWidgets.QLabel


def pixels(widget: QtWidgets.QWidget) -> Array:
    """Return (H, W, 3) uint8."""
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    return rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(image.height(), -1, 3)


def keep(name: str, image: Array) -> None:
    """Leave a picture (H, W, 3) to be looked at."""
    SCREENS.mkdir(exist_ok=True)
    cv2.imwrite(str(SCREENS / name), np.ascontiguousarray(image[..., ::-1]))


def press(widget: QtWidgets.QWidget, keys: str) -> None:
    """Press keys that are written as Ctrl+T."""
    *held, key = keys.split("+")
    modifiers = QtCore.Qt.KeyboardModifier.NoModifier
    for name in held:
        modifiers |= _MODIFIERS[name]
    QtTest.QTest.keyClick(widget, getattr(QtCore.Qt.Key, f"Key_{key}"), modifiers)


def words_on(window: Window) -> Iterator[Word]:
    """Labels and buttons with words of their own on a line; the advice makes itself fit."""
    for part in window.findChildren(QtWidgets.QAbstractButton) + window.findChildren(QtWidgets.QLabel):
        text = part.text()
        is_wrapped = isinstance(part, QtWidgets.QLabel) and part.wordWrap()
        if (
            part.isVisibleTo(window)
            and text
            and "<" not in text
            and not is_wrapped
            and part is not window.glance.advice
        ):
            yield part


def is_cut(part: Word) -> bool:
    """Whether its words are wider or higher than their place."""
    room, letters = part.contentsRect(), part.fontMetrics()
    return letters.horizontalAdvance(part.text()) > room.width() + 1 or letters.height() > part.height() + 4


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
