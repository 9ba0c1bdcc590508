"""One small plot of the night: dots are subs, a line is their course, crosses were left out."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.frame import Array
from livestack.show.courses import Course
from livestack.show.qt.choice import Choice
from livestack.show.qt.theme import font
from livestack.show.qt.tongue import tr
from livestack.show.state import SubRow
from livestack.show.tokens import Palette
from livestack.show.words import THIN, UNKNOWN, fixed

Qt = QtCore.Qt

HEAD_PX = 24
_MARGIN, _RING, _CROSS = 5.0, 4.5, 3.0
_MOST_DOTS, _MOST_CORNERS = 1500, 500
_ENDS_FROM_PX = 260  # so wide, there is room for what the ends of the axis are
_ENDS_PX = 62
TOO_FEW = "From the third sub."


@dataclass(frozen=True, eq=False, slots=True)
class Night:
    """The subs that are drawn: their numbers, when they were, and which are left out."""

    rows: tuple[SubRow, ...]
    numbers: Array
    times: Array
    out: Array

    def place_of(self, no: int | None) -> int | None:
        """Return the place of a sub in the arrays."""
        if no is None:
            return None
        place = int(np.searchsorted(self.numbers, no))
        return place if place < self.numbers.size and self.numbers[place] == no else None


def night_of(rows: tuple[SubRow, ...], times: Array) -> Night:
    """Put rows into arrays."""
    out = np.array([row.state != "accepted" for row in rows], np.bool_)
    return Night(rows, np.array([row.no for row in rows], np.int64), times, out)


class Cell(QtWidgets.QWidget):
    """A title with its value, and a plot; what does not change with the pointer is drawn once."""

    def __init__(self, name: str, palette: Palette, choice: Choice) -> None:
        super().__init__()
        self.name, self._palette, self._choice = tr(name), palette, choice
        self._night = night_of((), np.zeros(0))
        self._layer: QtGui.QPixmap | None = None
        self._at = np.zeros((0, 2))
        self.unit_width = 0  # of a button in the place of the unit
        self.setMouseTracking(True)
        self.setAccessibleName(self.name)
        choice.changed.connect(self.update)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self._redraw()

    def _redraw(self) -> None:
        self._layer = None
        self.update()

    @property
    def room(self) -> QtCore.QRectF:
        """Where the plot is."""
        wide = self.width() - (_ENDS_PX if self.width() >= _ENDS_FROM_PX else 0)
        return QtCore.QRectF(0, HEAD_PX, wide, self.height() - HEAD_PX)

    def said(self, place: int | None) -> tuple[str, str]:
        """Return the value to tell: of a sub, or of now."""
        raise NotImplementedError

    def _draw_curves(self, painter: QtGui.QPainter) -> None:
        raise NotImplementedError

    def _places(self) -> Array:
        """Return where each sub is drawn, (n, 2) px; NaN = nowhere."""
        raise NotImplementedError

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it anew."""
        self._redraw()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw title, plot and what is marked."""
        if self._layer is None:
            ratio = self.devicePixelRatioF()
            self._at = self._places()
            self._layer = QtGui.QPixmap(self.size() * ratio)
            self._layer.setDevicePixelRatio(ratio)
            self._layer.fill(Qt.GlobalColor.transparent)
            painter = QtGui.QPainter(self._layer)
            painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
            self._draw_curves(painter)
            painter.end()
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._layer)
        place = self._night.place_of(self._choice.marked)
        self._draw_head(painter, place)
        if place is not None and place < len(self._at):
            self._draw_mark(painter, place)
        painter.end()

    def _draw_head(self, painter: QtGui.QPainter, place: int | None) -> None:
        number, unit = self.said(place)
        right = self.room.right() - self.unit_width
        if unit and not self.unit_width:
            text = unit if unit in ("″", "%") else f"{THIN}{unit}"
            text = f"{THIN}{unit}" if unit == "%" else text
            painter.setFont(font(14))
            wide = painter.fontMetrics().horizontalAdvance(text)
            self._write(painter, QtCore.QRectF(right - wide - 2, 0, wide + 2, HEAD_PX - 4), text)
            right -= wide + (2 if unit.isalpha() else 0)  # after a number in bold a narrow space is hardly one
        painter.setFont(font(14, 600))
        painter.setPen(QtGui.QColor(self._palette.t1))
        self._write(painter, QtCore.QRectF(0, 0, right, HEAD_PX - 4), number)
        right -= painter.fontMetrics().horizontalAdvance(number) + 8
        painter.setPen(QtGui.QColor(self._palette.t2))
        painter.setFont(font(13))
        fits = painter.fontMetrics().horizontalAdvance(self.name) <= right
        box = QtCore.QRectF(0, 0, right, HEAD_PX - 4)
        name = self.name if fits else self.name.split(" (")[0]
        painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), name)
        self.setAccessibleDescription(f"{number}{THIN}{unit}")

    @staticmethod
    def _write(painter: QtGui.QPainter, box: QtCore.QRectF, text: str) -> None:
        painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)

    def _draw_mark(self, painter: QtGui.QPainter, place: int) -> None:
        x, y = self._at[place]
        if math.isfinite(x) and math.isfinite(y):
            painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.t1), 2))
            painter.setBrush(QtGui.QColor(self._palette.bg2))
            painter.drawEllipse(QtCore.QPointF(x, y), _RING, _RING)

    def _draw_grid(self, painter: QtGui.QPainter) -> None:
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.line), 1))
        room = self.room
        for y in (room.top() + 0.5, round(room.center().y()) + 0.5, room.bottom() - 0.5):
            painter.drawLine(QtCore.QPointF(room.left(), y), QtCore.QPointF(room.right(), y))

    def _draw_dots(self, painter: QtGui.QPainter, places: Array) -> None:
        colour = QtGui.QColor(self._palette.track if self._palette.is_night else self._palette.t3)
        if not self._palette.is_night:
            colour.setAlphaF(0.75)
        pen = QtGui.QPen(colour, 2.2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        few = places[:: max(1, len(places) // _MOST_DOTS)]
        painter.drawPoints(_polygon(few))

    def _draw_crosses(self, painter: QtGui.QPainter, places: Array) -> None:
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.hold), 1.5))
        for x, y in places:
            painter.drawLine(QtCore.QPointF(x - _CROSS, y - _CROSS), QtCore.QPointF(x + _CROSS, y + _CROSS))
            painter.drawLine(QtCore.QPointF(x - _CROSS, y + _CROSS), QtCore.QPointF(x + _CROSS, y - _CROSS))

    def _say_too_few(self, painter: QtGui.QPainter) -> None:
        painter.setFont(font(13))
        painter.setPen(QtGui.QColor(self._palette.t3))
        painter.drawText(self.room, Qt.AlignmentFlag.AlignCenter, TOO_FEW)

    def nearest(self, at: QtCore.QPointF) -> int | None:
        """Return the sub nearest to a place of the widget."""
        distance = np.abs(self._at[:, 0] - at.x()) if len(self._at) else np.zeros(0)
        return self._number(distance)

    def _number(self, distance: Array) -> int | None:
        known = np.isfinite(distance)
        return int(self._night.numbers[np.argmin(np.where(known, distance, np.inf))]) if known.any() else None

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Mark the sub under the pointer."""
        self._choice.point(self.nearest(QtCore.QPointF(event.pos())))

    def leaveEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Mark it no more."""
        self._choice.point(None)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the sub under the pointer."""
        self._choice.choose(self.nearest(QtCore.QPointF(event.pos())))


class CourseCell(Cell):
    """A figure over time."""

    def __init__(self, name: str, palette: Palette, choice: Choice) -> None:
        super().__init__(name, palette, choice)
        self.course: Course | None = None

    def set_course(self, course: Course, night: Night) -> None:
        """Show this."""
        self.course, self._night = course, night
        self._redraw()

    def said(self, place: int | None) -> tuple[str, str]:
        """Return the value to tell: of a sub, or of now."""
        if self.course is None:
            return UNKNOWN, ""
        if place is None:
            return self.course.now
        value = self.course.values[place]
        return self.course.write(value) if math.isfinite(value) else (UNKNOWN, "")

    def _x(self, times: Array) -> Array:
        room, last = self.room, self._night.times.max(initial=0.0) or 1.0
        return np.asarray(_MARGIN + times / last * (room.width() - 2 * _MARGIN))

    def _y(self, values: Array) -> Array:
        """Return where values are drawn: those beyond the axis at its ends."""
        assert self.course is not None
        (low, high), room = self.course.ends, self.room
        up = np.clip((values - low) / (high - low), 0.0, 1.0)
        return np.asarray(room.bottom() - _MARGIN - up * (room.height() - 2 * _MARGIN))

    def _places(self) -> Array:
        if self.course is None or self.course.ends[0] == self.course.ends[1]:
            return np.column_stack([self._x(self._night.times), np.full(len(self._night.times), np.nan)])
        y = self._y(self.course.values)
        if not self.course.ideal[0].size:  # one left out that could not be measured stands on the floor
            y = np.where(self._night.out & ~np.isfinite(y), self.room.bottom() - _MARGIN, y)
        return np.column_stack([self._x(self._night.times), y])

    def _draw_curves(self, painter: QtGui.QPainter) -> None:
        self._draw_grid(painter)
        course = self.course
        if course is None or course.ends[0] == course.ends[1]:
            self._say_too_few(painter)
            return
        is_stacked = ~self._night.out & np.isfinite(self._at[:, 1])
        if not course.ideal[0].size:
            self._draw_dots(painter, self._at[is_stacked])
        self._draw_line(painter, (course.ideal,), self._palette.t2, Qt.PenStyle.DashLine, 1.2)
        self._draw_line(painter, course.lines, self._palette.acc, Qt.PenStyle.SolidLine, 1.6)
        if not course.ideal[0].size:
            self._draw_crosses(painter, self._at[self._night.out])
        else:
            self._draw_now(painter)
        self._write_ends(painter)

    def _draw_line(
        self,
        painter: QtGui.QPainter,
        lines: Iterable[tuple[Array, Array]],
        colour: str,
        style: QtCore.Qt.PenStyle,
        width: float,
    ) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QtGui.QPen(QtGui.QColor(colour), width, style))
        for times, values in lines:
            places = np.column_stack([self._x(times), self._y(values)])
            painter.drawPolyline(_polygon(places[:: max(1, len(places) // _MOST_CORNERS)]))

    def _draw_now(self, painter: QtGui.QPainter) -> None:
        """Draw a dot where the line has come to."""
        assert self.course is not None
        times, values = self.course.lines[-1]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(self._palette.acc))
        painter.drawEllipse(QtCore.QPointF(self._x(times)[-1], self._y(values)[-1]), 3.5, 3.5)

    def _write_ends(self, painter: QtGui.QPainter) -> None:
        if self.course is None or self.room.right() == self.width():
            return
        painter.setFont(font(13 if self._palette.is_night else 12))
        painter.setPen(QtGui.QColor(self._palette.t3))
        side, room = int(Qt.AlignmentFlag.AlignLeft), self.room
        for value, top in ((self.course.ends[1], room.top() - 2), (self.course.ends[0], room.bottom() - 15)):
            number, unit = self.course.write(value)
            text = f"{number}{unit}" if unit in ("″", "finer") else f"{number}{THIN}{unit}"
            box = QtCore.QRectF(room.right() + 6, top, _ENDS_PX - 6, 18)
            painter.drawText(box, side, text.replace("finer", ""))

    def _draw_mark(self, painter: QtGui.QPainter, place: int) -> None:
        x = round(float(self._at[place, 0])) + 0.5
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.t2), 1))
        painter.drawLine(QtCore.QPointF(x, self.room.top()), QtCore.QPointF(x, self.room.bottom()))
        super()._draw_mark(painter, place)


class DriftCell(Cell):
    """Where the field went from sub to sub, in px: drift is a line, dither a cloud."""

    def __init__(self, name: str, palette: Palette, choice: Choice) -> None:
        super().__init__(name, palette, choice)
        self.drift = np.zeros((0, 2))

    def set_drift(self, drift: Array, night: Night) -> None:
        """Show this."""
        self.drift, self._night = drift, night
        self._redraw()

    def said(self, place: int | None) -> tuple[str, str]:
        """Return how far a sub, or the last one, is from the first."""
        known = self.drift[np.isfinite(self.drift[:, 0])]
        if not len(known):
            return UNKNOWN, ""
        dx, dy = known[-1] if place is None else self.drift[place]
        return (fixed(math.hypot(dx, dy), 1), "px") if math.isfinite(dx) else (UNKNOWN, "")

    def _places(self) -> Array:
        known = self.drift[np.isfinite(self.drift[:, 0])]
        if len(known) < 3:
            return np.full((len(self.drift), 2), np.nan)
        low, high = np.percentile(known, [1, 99], axis=0)
        room = self.room
        size = np.array([room.width(), room.height()]) - 2 * _MARGIN
        scale = float((size / np.maximum(high - low, 1.0)).min())
        middle = np.array([room.center().x(), room.center().y()])
        places = middle + (self.drift - (low + high) / 2) * scale
        return np.asarray(np.clip(places, middle - size / 2, middle + size / 2))

    def _draw_curves(self, painter: QtGui.QPainter) -> None:
        self._draw_grid(painter)
        places = self._at[np.isfinite(self._at[:, 0])]
        if not len(places):
            self._say_too_few(painter)
            return
        few = places[:: max(1, len(places) // _MOST_CORNERS)]
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.line2), 1))
        painter.drawPolyline(_polygon(few))
        self._draw_dots(painter, places)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(self._palette.acc))
        painter.drawEllipse(QtCore.QPointF(*places[-1]), 3.5, 3.5)

    def nearest(self, at: QtCore.QPointF) -> int | None:
        """Return the sub nearest to a place of the widget."""
        return self._number(np.hypot(self._at[:, 0] - at.x(), self._at[:, 1] - at.y()))


def _polygon(places: Array) -> QtGui.QPolygonF:
    return QtGui.QPolygonF([QtCore.QPointF(x, y) for x, y in places.tolist()])
