"""The night ribbon: one bar per sub in order of time, a cross for one that was left out."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
from dataclasses import dataclass

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.qt.theme import font
from livestack.show.state import SubRow
from livestack.show.tokens import Palette
from livestack.show.words import REASON_WORDS, clock, fixed

_AXIS = 18  # px below the bars, for the times
_PITCH = (3.0, 12.0)
_RUN = 3  # so many left out in a row for one reason share one outline


class Ribbon(QtWidgets.QWidget):
    """Draws the subs of a night."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._subs: tuple[SubRow, ...] = ()
        self.setMouseTracking(True)
        self.setAccessibleName("Night ribbon")
        self.setAccessibleDescription("One bar per sub, a cross for one that was left out")

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_subs(self, subs: tuple[SubRow, ...]) -> None:
        """Show these subs."""
        if subs is not self._subs:
            self._subs = subs
            self.update()

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
        painter.end()

    def _laid_out(self) -> tuple[list[Bin], float]:
        """Return the bins and their pitch: one sub each as long as there is room."""
        together = max(1, math.ceil(len(self._subs) * _PITCH[0] / max(1, self.width())))
        bins = [Bin(self._subs[at : at + together]) for at in range(0, len(self._subs), together)]
        return bins, float(min(_PITCH[1], self.width() / max(1, len(bins))))

    def _draw_bars(self, painter: QtGui.QPainter, floor: float) -> None:
        bins, pitch = self._laid_out()
        best = max(each.weight for each in bins) or 1.0
        colour = QtGui.QColor(self._palette.acc)
        colour.setAlphaF(0.9)
        painter.setBrush(colour)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        width = pitch - max(1.0, pitch * 0.35)
        for place, each in enumerate(bins):
            if each.weight:
                height = (floor - 4) * max(0.2, each.weight / best)
                bar = QtCore.QRectF(place * pitch, floor - height, width, height)
                painter.drawRoundedRect(bar, min(2.0, width / 3), min(2.0, width / 3))

    def _draw_left_out(self, painter: QtGui.QPainter, floor: float) -> None:
        bins, pitch = self._laid_out()
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.hold), 1.5))
        for first, last in _runs(bins):
            left, right = first * pitch, (last + 1) * pitch - pitch * 0.35
            if last - first + 1 >= _RUN:
                painter.drawRoundedRect(QtCore.QRectF(left, floor - 11, max(8.0, right - left), 8), 4, 4)
                continue
            for place in range(first, last + 1):
                x, y, half = (place + 0.325) * pitch, floor - 6.5, min(3.0, max(2.0, pitch * 0.3))
                painter.drawLine(QtCore.QPointF(x - half, y - half), QtCore.QPointF(x + half, y + half))
                painter.drawLine(QtCore.QPointF(x - half, y + half), QtCore.QPointF(x + half, y - half))

    def _draw_times(self, painter: QtGui.QPainter) -> None:
        painter.setFont(font(12))
        painter.setPen(QtGui.QColor(self._palette.t3))
        bins, pitch = self._laid_out()
        written = -100.0
        for part in range(4):
            place = round(part * (len(bins) - 1) / 3)
            text = _time_of(bins, place)
            width = painter.fontMetrics().horizontalAdvance(text)
            x = min(place * pitch, self.width() - width)
            if x >= written + 24:
                painter.drawText(QtCore.QPointF(x, self.height() - 3), text)
                written = x + width

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Say which sub the pointer is on."""
        bins, pitch = self._laid_out()
        place = int(event.pos().x() / pitch)
        self.setToolTip("\n".join(map(_about, bins[place].rows)) if 0 <= place < len(bins) else "")


@dataclass(frozen=True)
class Bin:
    """The subs that one bar stands for."""

    rows: tuple[SubRow, ...]

    @property
    def weight(self) -> float:
        """Mean weight of those that are stacked, 0 when none is."""
        weights = [row.weight or 0.0 for row in self.rows if row.state == "accepted"]
        return sum(weights) / len(weights) if weights else 0.0

    @property
    def why(self) -> str | None:
        """Why the first that is left out is so; None when all are stacked."""
        return next((row.reason or row.state for row in self.rows if row.state != "accepted"), None)


def _time_of(bins: list[Bin], place: int) -> str:
    """Return when the subs of a bin were exposed; when they were judged only where no sub of the night tells."""
    row = next((row for row in bins[place].rows if row.time), None)
    if row is None and any(row.time for each in bins for row in each.rows):
        return ""
    first = row or bins[place].rows[0]
    return clock(first.time or first.judged)


def _runs(bins: list[Bin]) -> list[tuple[int, int]]:
    """Return first and last place of each run of bins with subs left out for one reason and none stacked between."""
    runs: list[tuple[int, int]] = []
    for place, each in enumerate(bins):
        if each.why is None:
            continue
        if runs and runs[-1][1] == place - 1 and bins[place - 1].why == each.why and not each.weight:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def _about(row: SubRow) -> str:
    if row.state == "accepted":
        verdict = f"weight {fixed(row.weight, 2)}"
    elif row.state == "dropped":
        verdict = "dropped"
    else:
        verdict = "left out: " + REASON_WORDS.get(row.reason or "", row.reason or "")
    return f"Sub {row.no}, {clock(row.time or row.judged, seconds=True)}, {verdict}"
