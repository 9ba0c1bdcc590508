"""The night ribbon: one bar per sub in order of time, a cross for one that was left out."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.qt.choice import Choice, step_of
from livestack.show.qt.theme import font
from livestack.show.reasons import about
from livestack.show.ribbon import RUN, Bin, heights, laid_out, runs, time_of
from livestack.show.state import SubRow
from livestack.show.tokens import LIGHT, Palette

_AXIS = 18  # px below the bars, for the times
_AT_REST, _LOOKED_AT = 0.46, 0.9
"""How strong the bars are: who only glances sees the picture, the state and the number of subs, not these."""
_ON_WHITE = 0.17
"""So much more at rest on a light ground, for as much contrast."""


class Ribbon(QtWidgets.QWidget):
    """Draws the subs of a night."""

    look = QtCore.Signal(int)
    step = QtCore.Signal(int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._choice = Choice()
        self._is_ringed = False
        self._bins: tuple[list[Bin], float] | None = None
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self._subs: tuple[SubRow, ...] = ()
        self.setMouseTracking(True)
        self.setAccessibleName("Night ribbon")
        self.setAccessibleDescription("One bar per sub, a cross for one that was left out")

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_choice(self, choice: Choice) -> None:
        """Mark the sub that is chosen elsewhere, and choose it here."""
        self._choice = choice
        choice.changed.connect(self.update)

    def set_subs(self, subs: tuple[SubRow, ...]) -> None:
        """Show these subs."""
        if subs is not self._subs:
            self._subs, self._bins = subs, None
            self.update()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Lay the subs out anew."""
        self._bins = None

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw bars, crosses and times."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        floor = self.height() - _AXIS
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.line2), 1))
        painter.drawLine(QtCore.QPointF(0, floor + 0.5), QtCore.QPointF(self.width(), floor + 0.5))
        if self._subs:
            self._draw_bars(painter, floor)
            self._draw_left_out(painter, floor)
            self._draw_times(painter)
            self._draw_mark(painter, floor)
        if self._is_ringed:
            painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
            painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.t1), 2))
            painter.drawRoundedRect(QtCore.QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def _laid_out(self) -> tuple[list[Bin], float]:
        """Return the bins and their pitch: one sub each as long as there is room."""
        if self._bins is None:
            self._bins = laid_out(self._subs, self.width())
        return self._bins

    @property
    def _ink(self) -> QtGui.QColor:
        """Colour of the bars."""
        palette, is_looked_at = self._palette, self._is_ringed or self._choice.pointed is not None
        colour = QtGui.QColor(palette.acc)
        if palette.is_night:  # never by a dimmer red than can be seen
            return QtGui.QColor(palette.acc if is_looked_at else palette.track)
        at_rest = _AT_REST + (_ON_WHITE if palette is LIGHT else 0.0)
        colour.setAlphaF(_LOOKED_AT if is_looked_at else at_rest)
        return colour

    def _draw_bars(self, painter: QtGui.QPainter, floor: float) -> None:
        bins, pitch = self._laid_out()
        painter.setBrush(self._ink)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        width = pitch - max(1.0, pitch * 0.35)
        for place, share in enumerate(heights(bins)):
            if share:
                height = (floor - 4) * share
                bar = QtCore.QRectF(place * pitch, floor - height, width, height)
                painter.drawRoundedRect(bar, min(2.0, width / 3), min(2.0, width / 3))

    def _draw_left_out(self, painter: QtGui.QPainter, floor: float) -> None:
        bins, pitch = self._laid_out()
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.hold), 1.5))
        for first, last in runs(bins):
            left, right = first * pitch, (last + 1) * pitch - pitch * 0.35
            if last - first + 1 >= RUN:
                painter.drawRoundedRect(QtCore.QRectF(left, floor - 11, max(8.0, right - left), 8), 4, 4)
                continue
            for place in range(first, last + 1):
                x, y, half = (place + 0.325) * pitch, floor - 6.5, min(3.0, max(2.0, pitch * 0.3))
                painter.drawLine(QtCore.QPointF(x - half, y - half), QtCore.QPointF(x + half, y + half))
                painter.drawLine(QtCore.QPointF(x - half, y + half), QtCore.QPointF(x + half, y - half))

    def _draw_mark(self, painter: QtGui.QPainter, floor: float) -> None:
        """Draw a line through the bar of the sub that is marked, as in the plots."""
        bins, pitch = self._laid_out()
        no = self._choice.marked
        place = next((k for k, each in enumerate(bins) if any(row.no == no for row in each.rows)), None)
        if no is not None and place is not None:
            x = place * pitch + (pitch - max(1.0, pitch * 0.35)) / 2
            painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.t1), 1.5))
            painter.drawLine(QtCore.QPointF(x, 0), QtCore.QPointF(x, floor))

    def _draw_times(self, painter: QtGui.QPainter) -> None:
        painter.setFont(font(12))
        painter.setPen(QtGui.QColor(self._palette.t3))
        bins, pitch = self._laid_out()
        written = -100.0
        for part in range(4):
            place = round(part * (len(bins) - 1) / 3)
            text = time_of(bins, place)
            width = painter.fontMetrics().horizontalAdvance(text)
            x = min(place * pitch, self.width() - width)
            if x >= written + 24:
                painter.drawText(QtCore.QPointF(x, self.height() - 3), text)
                written = x + width

    def _sub_at(self, x: float) -> tuple[SubRow, ...]:
        bins, pitch = self._laid_out()
        place = int(x / pitch)
        return bins[place].rows if 0 <= place < len(bins) else ()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Say which sub the pointer is on, and mark it."""
        rows = self._sub_at(event.pos().x())
        self.setToolTip("\n".join(map(about, rows)))
        self._choice.point(rows[0].no if rows else None)

    def leaveEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Mark it no more."""
        self._choice.point(None)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose that sub, and look at it."""
        rows = self._sub_at(event.pos().x())
        if rows:
            self._choice.choose(rows[0].no)
            self.look.emit(rows[0].no)

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Draw a ring when the keyboard came here."""
        reasons = QtCore.Qt.FocusReason
        self._is_ringed = event.reason() in (reasons.TabFocusReason, reasons.BacktabFocusReason)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Take the ring away."""
        self._is_ringed = False
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Go from sub to sub."""
        if step := step_of(event):
            self.step.emit(step)
        else:
            super().keyPressEvent(event)
