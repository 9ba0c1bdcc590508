"""The words over a picture for an audience: its name, what it is, how much light there is, and a code for phones."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
from dataclasses import replace

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.frame import Array
from livestack.show.code import SHORT, modules, only_here
from livestack.show.guests import Told
from livestack.show.past import Past
from livestack.show.qt.code import draw_code
from livestack.show.qt.look import night_red
from livestack.show.qt.overlays import draw_stars, faint_stars
from livestack.show.qt.theme import font, pixmap
from livestack.show.tokens import Palette

Qt = QtCore.Qt

_HIGH = 1080.0
"""All sizes are those of a screen so high."""
_SIDE, _BOTTOM, _SCRIM, _LINE = 96, 80, 440, 8
_WORDS = 480  # above the lower edge nothing is written higher, while there is a picture
_NAME, _MEANING, _FACTS, _CAPTION = (96, 104), (42, 54), (32, 40), (30, 38)
"""Letters and their lines."""
_ADDRESS = 24
_CODE, _GAP, _FACTS_GAP, _BESIDE = 280, 26, 28, 60
_SHIFT_MS, _SHIFTS = 300_000, ((0, 0), (4, 0), (4, -4), (0, -4))
_SEE_IT = "See it on your phone"
_LEAST_SHARE = 0.5
"""Of its size, of a name that is too long."""


class Board(QtWidgets.QWidget):
    """Draws what is told."""

    def __init__(self, parent: QtWidgets.QWidget, palette: Palette, page: str | None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._palette, self._told, self._is_empty = palette, Told("", ""), True
        self._page = None if page is None or only_here(page) else page
        self._code = None if self._page is None else modules(self._page)
        self._stars = faint_stars()
        self._past: Array | None = None
        self._past_words = ""
        self._at = 0
        self._words: QtGui.QPixmap | None = None
        self._shift = QtCore.QTimer(self, interval=_SHIFT_MS)
        self._shift.timeout.connect(self._move)
        self._shift.start()

    def stop(self) -> None:
        """Stay where it is: its screen is closed."""
        self._shift.stop()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self._redraw()

    def set_told(self, told: Told, *, is_empty: bool) -> None:
        """Show words; `is_empty`: there is no picture yet."""
        before, self._told = self._told, told
        if (replace(told, coming=before.coming), is_empty) != (before, self._is_empty):
            self._is_empty = is_empty
            self._changed()
        elif told != before:
            self.update(0, self.height() - math.ceil(_LINE * self._scale), self.width(), self.height())

    @property
    def is_empty(self) -> bool:
        """Whether there is no picture of this night yet."""
        return self._is_empty

    def set_past(self, image: Array | None, past: Past | None) -> None:
        """Show a picture of a former night while there is none of this one: (H, W, 3) uint8; None = stars."""
        self._past = image
        self._past_words = "" if past is None or image is None else ", ".join(filter(None, (past.name, past.words)))
        self._changed()

    def _changed(self) -> None:
        facts = ", ".join(f"{number} {what}" for number, what in self._told.facts)
        self.setAccessibleName(". ".join(filter(None, (self._told.name, self._meaning, facts))))
        self._redraw()

    def _redraw(self) -> None:
        self._words = None
        self.update()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Write in another size."""
        self._redraw()

    @property
    def _scale(self) -> float:
        return float(self.height() / _HIGH)

    @property
    def _meaning(self) -> str:
        meaning = self._told.meaning
        if self._is_empty and self._past_words:
            return f"{meaning.rstrip('.')}. Until then: {self._past_words}"
        return meaning

    @property
    def has_code(self) -> bool:
        """Whether a code is shown: by night only on demand, in the viewer."""
        return self._code is not None and not self._palette.is_night

    def _move(self) -> None:
        """Move the words a little: what never moves burns in."""
        self._at = (self._at + 1) % len(_SHIFTS)
        self._redraw()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it. What is written is drawn once: below it a picture passes over into the next one, step by step."""
        top = 0 if self._is_empty else self.height() - math.ceil(_WORDS * self._scale)
        self._words = self._words or self._written(top)
        painter = QtGui.QPainter(self)
        painter.drawPixmap(0, top, self._words)
        painter.scale(self._scale, self._scale)
        self._draw_line(painter, self.width() / self._scale)
        painter.end()

    def _written(self, top: int) -> QtGui.QPixmap:
        """Return all but the line, from a height on."""
        ratio = self.devicePixelRatioF()
        layer = QtGui.QPixmap(QtCore.QSize(self.width(), self.height() - top) * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(layer)
        painter.translate(0, -top)
        if self._is_empty:
            painter.fillRect(self.rect(), QtGui.QColor(self._palette.bg0))
            if self._past is None:
                draw_stars(painter, self._stars, self.size(), self._palette)
            else:
                self._draw_past(painter, self._past)
        painter.scale(self._scale, self._scale)
        wide = self.width() / self._scale
        if not self._is_empty or self._past is not None:
            self._draw_scrim(painter, wide)
        painter.translate(*_SHIFTS[self._at])
        if self.has_code:
            self._draw_code(painter, wide)
        self._draw_words(painter, wide - 2 * _SIDE - (_CODE + _BESIDE if self.has_code else 0))
        painter.end()
        return layer

    def _draw_past(self, painter: QtGui.QPainter, image: Array) -> None:
        """Fill the screen with a picture, its middle in the middle."""
        shown = night_red(image, self._palette.brightness) if self._palette.is_night else image
        high, wide = shown.shape[:2]
        drawn = QtGui.QImage(shown.data, wide, high, 3 * wide, QtGui.QImage.Format.Format_RGB888)
        zoom = max(self.width() / wide, self.height() / high)
        place = QtCore.QRectF(0, 0, zoom * wide, zoom * high)
        place.moveCenter(QtCore.QRectF(self.rect()).center())
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, drawn)

    def _draw_scrim(self, painter: QtGui.QPainter, wide: float) -> None:
        box = QtCore.QRectF(0, _HIGH - _SCRIM, wide, _SCRIM)
        fade = QtGui.QLinearGradient(box.topLeft(), box.bottomLeft())
        for share, alpha in ((0.0, 0.0), (0.35, 0.45), (0.7, 0.82), (1.0, 0.9)):
            dark = QtGui.QColor(self._palette.bg0)
            dark.setAlphaF(alpha)
            fade.setColorAt(share, dark)
        painter.fillRect(box, QtGui.QBrush(fade))

    def _draw_line(self, painter: QtGui.QPainter, wide: float) -> None:
        """Draw how near the next photo is."""
        if self._told.coming is not None:
            painter.fillRect(QtCore.QRectF(0, _HIGH - _LINE, wide, _LINE), QtGui.QColor(self._palette.bg3))
            done = QtCore.QRectF(0, _HIGH - _LINE, self._told.coming * wide, _LINE)
            painter.fillRect(done, QtGui.QColor(self._palette.acc))

    def _draw_code(self, painter: QtGui.QPainter, wide: float) -> None:
        assert self._code is not None
        assert self._page is not None
        size, line = _CAPTION
        address = self._page.removeprefix("http://").rstrip("/")
        words = [_SEE_IT, *([address] if len(self._page) <= SHORT else [])]
        box = QtCore.QRectF(wide - _SIDE - _CODE, _HIGH - _BOTTOM - len(words) * line - 16 - _CODE, _CODE, _CODE)
        painter.save()
        # modules are whole px of the screen: they are drawn unscaled
        whole = painter.transform().mapRect(box)
        painter.resetTransform()
        draw_code(painter, self._code, whole, self._palette)
        painter.restore()
        kinds = (size, self._palette.t1), (_ADDRESS, self._palette.t2)
        for row, (text, (size, ink)) in enumerate(zip(words, kinds, strict=False)):
            place = QtCore.QRectF(box.left() - 200, box.bottom() + 16 + row * line, _CODE + 400, line)
            painter.setFont(font(size, 400, grows=False))
            painter.setPen(QtGui.QColor(ink))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_words(self, painter: QtGui.QPainter, room: float) -> None:
        low = _HIGH - _BOTTOM
        if self._told.facts:
            self._draw_facts(painter, low - _FACTS[1])
            low -= _FACTS[1] + _GAP
        low = self._write(painter, self._meaning, (low, room), _MEANING, 400)
        name_low = self._write(painter, self._told.name, (low - 8, room), _NAME, 600)
        if self._is_empty and self._past is None:
            mark = pixmap("mark", self._palette.acc, 96, self.devicePixelRatioF() * self.height() / _HIGH)
            painter.drawPixmap(QtCore.QRectF(_SIDE, name_low - 120, 96, 96), mark, QtCore.QRectF(mark.rect()))

    def _write(
        self, painter: QtGui.QPainter, text: str, at: tuple[float, float], kind: tuple[int, int], weight: int
    ) -> float:
        """Write a line that ends at a height and has so much room; returns where it begins, downwards."""
        (low, room), (size, line) = at, kind
        if not text:
            return low
        written = font(size, weight, grows=False)
        wide = QtGui.QFontMetricsF(written).horizontalAdvance(text)
        if wide > room:
            written = font(max(round(size * room / wide), round(_LEAST_SHARE * size)), weight, grows=False)
            text = QtGui.QFontMetricsF(written).elidedText(text, Qt.TextElideMode.ElideRight, room)
        if weight == 600:
            written.setLetterSpacing(QtGui.QFont.SpacingType.PercentageSpacing, 97.5)
        painter.setFont(written)
        painter.setPen(QtGui.QColor(self._palette.t1))
        place = QtCore.QRectF(_SIDE, low - 1.5 * line, room, 2 * line)  # its letters may be higher than it
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
        return low - line

    def _draw_facts(self, painter: QtGui.QPainter, top: float) -> None:
        x = float(_SIDE)
        for number, what in self._told.facts:
            for text, weight, ink, gap in (
                (number, 600, self._palette.t1, 9),
                (what, 400, self._palette.t2, _FACTS_GAP),
            ):
                written = font(_FACTS[0], weight, grows=False)
                painter.setFont(written)
                painter.setPen(QtGui.QColor(ink))
                wide = QtGui.QFontMetricsF(written).horizontalAdvance(text)
                painter.drawText(QtCore.QRectF(x, top, wide + 4, _FACTS[1]), Qt.AlignmentFlag.AlignVCenter, text)
                x += wide + gap
