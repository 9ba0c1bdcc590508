"""The histogram of what is developed, with handles for black, midtone and white."""

# mypy: allow-subclassing-any
from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.light import Light, Marks
from livestack.show.qt.knob import ring
from livestack.show.tokens import Palette

Qt = QtCore.Qt
NAMES = ("Black", "Midtone", "White")
_HIGH_PX, _FOOT_PX, _SIDE_PX, _KNOB_PX = 104, 14, 8, 6
_STEP, _FINE = 0.01, 0.001
_CLIPPED = 0.2  # of the logarithm of the highest count: beyond a handle so many are no chance px
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class HistogramView(QtWidgets.QWidget):
    """Logarithms of the counts of each channel, and what is black, half as bright as white, and white.

    A handle is dragged, or moved by the arrows by 1 % of the width, with Shift by 0.1 %; up and down choose another.
    """

    moved = QtCore.Signal(int, float)
    reset = QtCore.Signal(int)
    held = QtCore.Signal(bool)  # a hand has hold of a handle, or no more

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._light: Light | None = None
        self._marks: Marks | None = None
        self._field: QtGui.QPixmap | None = None
        self.active = 1
        self._is_held = False
        self.setFixedHeight(_HIGH_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Histogram")
        self.setToolTip("Black, midtone and white: drag them, or ← → and ↑ ↓. A double click sets one back.")

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette, self._field = palette, None
        self.update()

    def set_light(self, light: Light | None) -> None:
        """Show how light is spread."""
        if light is not self._light:
            self._light, self._field = light, None
            self.update()

    def set_marks(self, marks: Marks | None) -> None:
        """Show what is black, half as bright as white, and white."""
        self._marks = marks
        at = "" if marks is None else f" at {100 * self._place(self.active):.0f}\u202f% of the width"
        self.setAccessibleDescription(f"{NAMES[self.active]}{at}")
        self.update()

    @property
    def clipped(self) -> tuple[bool, bool]:
        """Whether many px lie below black, or beyond white."""
        if self._light is None or self._marks is None:
            return False, False
        counts = self._light.histogram.counts.max(axis=0)
        low, high = (self._light.histogram.place(self._marks[k]) * counts.size for k in (0, 2))
        return bool(counts[: int(low)].max(initial=0) > _CLIPPED), bool(
            counts[int(high) + 1 :].max(initial=0) > _CLIPPED
        )

    @property
    def _room(self) -> QtCore.QRectF:
        return QtCore.QRectF(_SIDE_PX, 0, max(self.width() - 2 * _SIDE_PX, 1), self.height() - _FOOT_PX)

    def _place(self, which: int) -> float:
        """Where a handle is, 0 to 1."""
        return 0.0 if self._light is None or self._marks is None else self._light.histogram.place(self._marks[which])

    def x_of(self, which: int) -> float:
        """Where a handle is in the widget, px."""
        return float(self._room.left() + self._place(which) * self._room.width())

    def _move_to(self, place: float) -> None:
        if self._light is not None and self._marks is not None:
            self.moved.emit(self.active, self._light.histogram.level(min(max(place, 0.0), 1.0)))

    def _choose(self, which: int) -> None:
        self.active = which
        self.set_marks(self._marks)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of the nearest handle: it stays where it is until the hand moves."""
        if self._marks is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.pos().x()
        away = [abs(self.x_of(k) - x) for k in range(3)]
        self._choose(int(np.argmin(away)))
        self._grasp = self.x_of(self.active) - x
        self._hold(True)

    def _hold(self, is_held: bool) -> None:
        self._is_held = is_held
        self.held.emit(is_held)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take it along."""
        if self._is_held:
            self._move_to((event.pos().x() + self._grasp - self._room.left()) / self._room.width())

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go of it."""
        self._hold(False)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Set the nearest handle back."""
        self.mousePressEvent(event)
        self._hold(False)
        self.reset.emit(self.active)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move the chosen handle, or choose another."""
        key = event.key()
        ways, turns = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}, {Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}
        if key in ways:
            fine = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._move_to(self._place(self.active) + ways[key] * (_FINE if fine else _STEP))
        elif key in turns:
            self._choose((self.active + turns[key]) % 3)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw the counts once, and the handles over them."""
        if self._field is None or self._field.size() != self.size() * self.devicePixelRatioF():
            self._field = self._drawn()
        painter = QtGui.QPainter(self)
        painter.drawPixmap(0, 0, self._field)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        if self._marks is not None and self._light is not None:
            self._draw_ends(painter)
            for which in range(3):
                self._draw_handle(painter, which)
        if self.hasFocus():
            ring(painter, self, self._palette)
        painter.end()

    def _drawn(self) -> QtGui.QPixmap:
        ratio, palette, room = self.devicePixelRatioF(), self._palette, self._room
        field = QtGui.QPixmap(self.size() * ratio)
        field.setDevicePixelRatio(ratio)
        field.fill(Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(field)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(palette.bg1))
        painter.drawRoundedRect(room, 6, 6)
        if self._light is not None:
            counts = self._light.histogram.counts
            painter.setBrush(QtGui.QColor(palette.bg3 if palette.is_night else palette.line2))
            painter.drawPolygon(self._outline(counts.min(axis=0), closed=True))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            colours = (palette.red, palette.green, palette.blue) if len(counts) == 3 else (palette.t2,)
            for channel, colour, style in zip(counts, colours, _STYLES, strict=False):
                pen = QtGui.QPen(QtGui.QColor(colour), 1.2)
                pen.setStyle(style if palette.is_night else Qt.PenStyle.SolidLine)
                painter.setPen(pen)
                painter.drawPolyline(self._outline(channel))
        painter.end()
        return field

    def _outline(self, counts: np.ndarray, *, closed: bool = False) -> QtGui.QPolygonF:
        room, n = self._room, len(counts)
        high = room.height() - 8
        points = [
            QtCore.QPointF(room.left() + (k + 0.5) / n * room.width(), room.bottom() - high * float(count))
            for k, count in enumerate(counts)
        ]
        if closed:
            points = [room.bottomLeft(), *points, room.bottomRight()]
        return QtGui.QPolygonF(points)

    def _draw_ends(self, painter: QtGui.QPainter) -> None:
        """Veil what is all black or all white, and mark it where that is much."""
        room, palette = self._room, self._palette
        veil = QtGui.QColor(palette.bg2)
        veil.setAlphaF(0.6)
        low, high = self.x_of(0), self.x_of(2)
        painter.fillRect(QtCore.QRectF(room.left(), 0, low - room.left(), room.height()), veil)
        painter.fillRect(QtCore.QRectF(high, 0, room.right() - high, room.height()), veil)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(palette.hold))
        ends = ((room.left(), 1), (room.right(), -1))
        for is_clipped, (x, way) in zip(self.clipped, ends, strict=True):
            if is_clipped:
                corner = [(x + 3 * way, 4), (x + 11 * way, 4), (x + 3 * way, 12)]
                painter.drawPolygon(QtGui.QPolygonF([QtCore.QPointF(*point) for point in corner]))

    def _draw_handle(self, painter: QtGui.QPainter, which: int) -> None:
        x, foot, palette = self.x_of(which), self._room.bottom(), self._palette
        is_active = self.hasFocus() and which == self.active
        painter.setPen(QtGui.QPen(QtGui.QColor(palette.t1), 2.0 if is_active else 1.0))
        painter.drawLine(QtCore.QPointF(x, 0), QtCore.QPointF(x, foot))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(palette.t1))
        wide = _KNOB_PX + (2 if is_active else 0)
        points = ((x, foot), (x - wide, foot + 10), (x + wide, foot + 10))
        painter.drawPolygon(QtGui.QPolygonF([QtCore.QPointF(*point) for point in points]))
