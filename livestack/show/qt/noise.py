"""Where the noise comes from: one sub and the stack as bars, the parts as a list, and what follows in words."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.noise_words import NoiseWords, share_words
from livestack.show.qt.ring import Ring
from livestack.show.qt.theme import font
from livestack.show.tokens import Palette
from livestack.show.words import percent

Qt = QtCore.Qt

_TINTS = (0.95, 0.7, 0.5, 0.34, 0.22, 0.12)
_GRAINS = (
    Qt.BrushStyle.SolidPattern,
    Qt.BrushStyle.Dense4Pattern,
    Qt.BrushStyle.BDiagPattern,
    Qt.BrushStyle.Dense6Pattern,
    Qt.BrushStyle.NoBrush,
    Qt.BrushStyle.HorPattern,
)
"""At night there is one colour, which must not be dimmed: the parts differ in their pattern."""
_BAR_PX, _NIGHT_BAR_PX, _BAR_ROW, _ROW = 20, 8, 32, 24
_LABEL, _WIDEST = 84, 760
_NOT_YET = ("It is measured at the first look, when four subs are stacked.", "Bias and dark frames tell more.")
_COLUMNS = (72, 72, 96)


class Parts(QtWidgets.QWidget):
    """Draws the bars and the list."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._rows: tuple[tuple[str, float, float, str], ...] = ()
        self.setMinimumWidth(420)
        self.setMaximumWidth(_WIDEST)
        self.setAccessibleName("Parts of the noise")

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_rows(self, rows: tuple[tuple[str, float, float, str], ...]) -> None:
        """Show these parts: name, share of one sub, share of the stack, figure."""
        self._rows = rows
        said = (f"{name}: {percent(sub)} of one sub, {percent(stack)} of the stack" for name, sub, stack, _ in rows)
        self.setAccessibleDescription("; ".join(said))
        self.setMinimumHeight(2 * _BAR_ROW + (1 + len(rows)) * _ROW + 8)
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        if not self._rows:
            return
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for place, (name, column) in enumerate((("One sub", 1), ("The stack", 2))):
            top = place * _BAR_ROW
            self._write(painter, QtCore.QRectF(0, top, _LABEL, _BAR_ROW), name, self._palette.t2)
            self._draw_bar(painter, top + _BAR_ROW / 2, [float(row[column]) for row in self._rows])
        top = 2 * _BAR_ROW + 8
        self._draw_row(painter, top, ("", "One sub", "Stack", "Noise"), self._palette.t2)
        for place, (name, sub, stack, figure) in enumerate(self._rows):
            top += _ROW
            swatch = QtCore.QRectF(0.5, top + 6.5, 11, 11)
            self._fill(painter, place)
            painter.drawRoundedRect(swatch, 3, 3)
            self._draw_row(painter, top, (name, share_words(sub), share_words(stack), figure), self._palette.t1)
        painter.end()

    def _draw_bar(self, painter: QtGui.QPainter, middle: float, shares: list[float]) -> None:
        high = _NIGHT_BAR_PX if self._palette.is_night else _BAR_PX
        left, room = float(_LABEL), self.width() - _LABEL - 2.0 * (len(shares) - 1) - 1
        for place, share in enumerate(shares):
            wide = max(share * room, 1.0)
            self._fill(painter, place)
            painter.drawRoundedRect(QtCore.QRectF(left, middle - high / 2, wide, high), 3, 3)
            left += wide + 2

    def _fill(self, painter: QtGui.QPainter, place: int) -> None:
        colour = QtGui.QColor(self._palette.acc)
        if self._palette.is_night:
            painter.setPen(QtGui.QPen(colour, 1))
            painter.setBrush(QtGui.QBrush(colour, _GRAINS[place % len(_GRAINS)]))
            return
        colour.setAlphaF(_TINTS[place % len(_TINTS)])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)

    def _draw_row(self, painter: QtGui.QPainter, top: float, words: tuple[str, str, str, str], ink: str) -> None:
        left = float(self.width()) - sum(_COLUMNS)
        self._write(painter, QtCore.QRectF(20, top, left - 20, _ROW), words[0], ink)
        for text, wide in zip(words[1:], _COLUMNS, strict=True):
            self._write(painter, QtCore.QRectF(left, top, wide, _ROW), text, ink, Qt.AlignmentFlag.AlignRight)
            left += wide

    def _write(
        self,
        painter: QtGui.QPainter,
        place: QtCore.QRectF,
        text: str,
        ink: str,
        side: QtCore.Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        painter.setFont(font(13))
        painter.setPen(QtGui.QColor(ink))
        painter.drawText(place, int(side | Qt.AlignmentFlag.AlignVCenter), text)


class NoisePanel(QtWidgets.QScrollArea):
    """The page: it scrolls where the drawer is low."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(objectName="panel")
        self.setWidgetResizable(True)
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.parts = Parts(palette)
        self.words = QtWidgets.QLabel(wordWrap=True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setMaximumWidth(520)
        page = QtWidgets.QWidget(objectName="panel")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        below = QtWidgets.QHBoxLayout()
        below.setSpacing(44)
        below.addWidget(self.parts, 3)
        below.addWidget(self.words, 2)
        below.addStretch()
        column = QtWidgets.QVBoxLayout(page)
        column.setContentsMargins(20, 14, 20, 12)
        column.setSpacing(12)
        column.addWidget(QtWidgets.QLabel("Where the noise comes from", objectName="title"))
        column.addLayout(below)
        column.addStretch()
        self.setWidget(page)
        self.setAccessibleName("Where the noise comes from")
        Ring(self)
        self.set_noise(None)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self.parts.set_palette(palette)

    def set_noise(self, noise: NoiseWords | None, calibration: tuple[str, ...] = ()) -> None:
        """Show this, or that nothing is known yet; and what calibration did."""
        self.parts.set_rows(noise.rows if noise else ())
        self.parts.setVisible(noise is not None)
        said = noise.sentences if noise else _NOT_YET
        self.words.setText("\n\n".join((*said, *calibration)))
