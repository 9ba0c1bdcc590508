"""Two pictures on one place: a line that is drawn across them, or one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pyqtgraph.Qt import QtCore, QtGui

from livestack.show.qt.overlays import draw_tag
from livestack.show.qt.theme import font, pixmap, scaled
from livestack.show.tokens import Palette

WIPE, BLINK = "wipe", "blink"
BLINK_MS: Final = 500
"""Each of the two is seen for so long: once a second the same."""
BLINK_FOR_MS: Final = 20_000
KNOB_PX = 44
_TAG_PX, _TAG_FROM_EDGE_PX, _LEAST_SIDE_PX = 28, 16, 120


@dataclass
class Compare:
    """What is compared, and how: `at` is the place of the line, from 0 to 1; `front` which of the two blinks now."""

    mode: str = ""
    at: float = 0.5
    front: int = 0
    tags: tuple[str, str] = ("", "")

    def x_of(self, wide: int) -> float:
        """Return where the line is in a widget so wide."""
        return self.at * wide

    def is_grabbed(self, place: QtCore.QPointF, room: QtCore.QSize) -> bool:
        """Whether a place of the widget is on the knob."""
        from_knob = place - QtCore.QPointF(self.x_of(room.width()), room.height() / 2)
        return self.mode == WIPE and abs(from_knob.x()) <= KNOB_PX / 2 and abs(from_knob.y()) <= KNOB_PX / 2

    def move(self, share: float, room: QtCore.QSize) -> QtGui.QRegion:
        """Move the line to a share of the width of a widget; returns what of it is to be drawn again."""
        before, x_before = self._about_line(room), self.x_of(room.width())
        self.at = min(max(share, 0.0), 1.0)
        left, right = sorted((x_before, self.x_of(room.width())))
        swept = QtCore.QRect(math.floor(left), 0, math.ceil(right) - math.floor(left), room.height())
        return before.united(self._about_line(room)).united(swept)

    def _about_line(self, room: QtCore.QSize) -> QtGui.QRegion:
        """Where the line, its knob and the tags beside it are drawn."""
        x, edge = round(self.x_of(room.width())), 2
        line = QtCore.QRect(x - edge, 0, 2 * edge, room.height())
        knob = QtCore.QRect(0, 0, KNOB_PX + 2 * edge, KNOB_PX + 2 * edge)
        knob.moveCenter(QtCore.QPoint(x, room.height() // 2))
        beside = _TAG_FROM_EDGE_PX + edge + max(map(_wide, self.tags))
        tags = QtCore.QRect(x - beside, _TAG_FROM_EDGE_PX - edge, 2 * beside, scaled(_TAG_PX) + 2 * edge)
        return QtGui.QRegion(line).united(knob).united(tags)

    def draw(self, painter: QtGui.QPainter, images: list[QtGui.QImage], room: QtCore.QSize, palette: Palette) -> None:
        """Draw the two; the first of them is the stack."""
        origin = QtCore.QPoint()
        if self.mode == BLINK:
            painter.drawImage(origin, images[self.front])
            self._draw_tag(painter, self.tags[1 - self.front], _TAG_FROM_EDGE_PX, palette)
            return
        x = round(self.x_of(room.width()))
        for image, left, right in ((images[1], 0, x), (images[0], x, room.width())):
            painter.save()
            painter.setClipRect(
                QtCore.QRect(left, 0, right - left, room.height()), QtCore.Qt.ClipOperation.IntersectClip
            )
            painter.drawImage(origin, image)
            painter.restore()
        self._draw_line(painter, x, room, palette)
        if x >= _LEAST_SIDE_PX:
            self._draw_tag(painter, self.tags[0], x - _TAG_FROM_EDGE_PX - _wide(self.tags[0]), palette)
        if room.width() - x >= _LEAST_SIDE_PX:
            self._draw_tag(painter, self.tags[1], x + _TAG_FROM_EDGE_PX, palette)

    def _draw_line(self, painter: QtGui.QPainter, x: int, room: QtCore.QSize, palette: Palette) -> None:
        ink = QtGui.QColor(palette.t1)
        ink.setAlphaF(0.85)
        painter.fillRect(QtCore.QRect(x - 1, 0, 2, room.height()), ink)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        ground = QtGui.QColor(palette.bg1)
        ground.setAlphaF(0.82)
        painter.setBrush(ground)
        painter.setPen(QtGui.QPen(QtGui.QColor(palette.t1), 2.0))
        middle = QtCore.QPointF(x, room.height() / 2)
        painter.drawEllipse(middle, KNOB_PX / 2 - 1, KNOB_PX / 2 - 1)
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(middle - QtCore.QPointF(10, 10), pixmap("wipe", palette.t1, 20, ratio))

    def _draw_tag(self, painter: QtGui.QPainter, text: str, left: float, palette: Palette) -> None:
        place = QtCore.QRectF(left, _TAG_FROM_EDGE_PX, _wide(text), scaled(_TAG_PX))
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        draw_tag(painter, place, text, font(13, 600), palette)


def _wide(text: str) -> int:
    return int(QtGui.QFontMetrics(font(13, 600)).horizontalAdvance(text)) + 20
