"""What is drawn over the picture to read it by: how large things are, where north is, which stars there are."""

# mypy: allow-subclassing-any
from __future__ import annotations

from concurrent.futures import Future

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.develop.live import milestone
from livestack.frame import Array, Picture
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.theme import font
from livestack.show.sky import NOT_KNOWN, Grid, scale_bar, upright, ways
from livestack.show.stars import stars_of_preview
from livestack.show.tokens import Palette
from livestack.show.words import count

Qt = QtCore.Qt

_FROM_EDGE_PX, _TICK_PX = 20, 6
_ARROW_PX, _ARROWS_FROM_EDGE_PX = 32, (66, 108)
_HEAD_PX = 5
_LEAST_RING_PX, _MOST_STARS = 9.0, 400


class Marks(QtWidgets.QWidget):
    """Draws a scale bar where px are known on the sky; and while `shown` the stars, and the ways north and east."""

    def __init__(self, canvas: Canvas, palette: Palette) -> None:
        super().__init__(canvas, accessibleName="Marks")
        self.shown = False
        self.stars: tuple[tuple[float, float, float], ...] = ()
        self._canvas, self._palette = canvas, palette
        self._grid: Grid = NOT_KNOWN
        self._stack: Picture | None = None
        self._found_in: tuple[object, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        canvas.moved.connect(self._tell)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_shown(self, shown: bool) -> None:
        """Show stars and arrows, or not."""
        self.shown = shown
        self._changed()

    def set_stack(self, stack: Picture | None, grid: Grid) -> None:
        """Take the picture that is marked, and how it lies on the sky."""
        if stack is not self._stack or grid != self._grid:
            self._stack, self._grid = stack, grid
            self._changed()

    def bar(self) -> tuple[float, str] | None:
        """Return the length of the scale bar in px of the widget, and its label."""
        scale = self._grid.arcsec_per_px
        return None if scale is None or self._stack is None else scale_bar(scale / self._canvas.look.zoom)

    def arrows(self) -> tuple[QtCore.QPointF, QtCore.QPointF] | None:
        """Return the ways to the north and to the east in the widget, of length 1."""
        if self._grid.matrix is None or self._stack is None:
            return None
        way, zoom = self._canvas.way, self._canvas.look.zoom
        origin = way.map(QtCore.QPointF())
        north, east = (
            (way.map(QtCore.QPointF(*unit)) - origin) / zoom
            for unit in ways(upright(self._grid.matrix, self._stack.row_order))
        )
        return north, east

    def _changed(self) -> None:
        self._find_stars()
        self._tell()

    def _tell(self) -> None:
        bar = self.bar()
        stars = count(len(self.stars), "star") if self.shown and self.stars else ""
        self.setAccessibleDescription(", ".join(filter(None, (f"scale {bar[1]}" if bar else "", stars))))
        self.update()

    def _find_stars(self) -> None:
        """Find the stars of a stack, while they are looked at; anew where it has grown a good deal."""
        stack = self._stack
        if not self.shown or stack is None:
            return
        wanted = stack.stack, stack.data.shape, milestone(stack.n_subs)
        if wanted == self._found_in:
            return
        if wanted[:2] != self._found_in[:2]:
            self.stars = ()
        self._found_in = wanted

        def take(found: Future[Array]) -> None:
            if wanted == self._found_in:
                self.stars = tuple((x, y, fwhm) for x, y, fwhm in found.result()[:_MOST_STARS].tolist())
                self._tell()

        self._canvas.aside(lambda threads: stars_of_preview(stack, threads), take)

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw what there is."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        bar, arrows = self.bar(), self.arrows()
        if self.shown:
            self._draw_stars(painter)
            if arrows is not None:
                self._draw_arrows(painter, arrows)
        if bar is not None:
            self._draw_bar(painter, *bar)
        painter.end()

    def _draw_stars(self, painter: QtGui.QPainter) -> None:
        rings = QtGui.QPainterPath()
        for x, y, fwhm in self.stars:
            radius = max(_LEAST_RING_PX, fwhm * self._canvas.look.zoom) / 2
            rings.addEllipse(self._canvas.place_of(x, y), radius, radius)
        painter.strokePath(rings, self._shadow(2.5))
        painter.strokePath(rings, QtGui.QPen(QtGui.QColor(self._palette.t1), 1.0))

    def _draw_bar(self, painter: QtGui.QPainter, length: float, label: str) -> None:
        right, low = self.width() - _FROM_EDGE_PX - 0.5, self.height() - _FROM_EDGE_PX - 0.5
        left = right - round(length)
        line = QtGui.QPainterPath(QtCore.QPointF(left, low - _TICK_PX))
        for x, y in ((left, low), (right, low), (right, low - _TICK_PX)):
            line.lineTo(x, y)
        self._outlined(painter, line)
        self._write(painter, label, QtCore.QPointF((left + right) / 2, low - 14.0))

    def _draw_arrows(self, painter: QtGui.QPainter, arrows: tuple[QtCore.QPointF, QtCore.QPointF]) -> None:
        from_right, from_below = _ARROWS_FROM_EDGE_PX
        origin = QtCore.QPointF(self.width() - from_right, self.height() - from_below)
        for letter, way in zip("NE", arrows, strict=True):
            tip, across = origin + way * _ARROW_PX, QtCore.QPointF(-way.y(), way.x()) * _HEAD_PX
            line = QtGui.QPainterPath(origin)
            line.lineTo(tip)
            line.moveTo(tip - way * _HEAD_PX + across)
            line.lineTo(tip)
            line.lineTo(tip - way * _HEAD_PX - across)
            self._outlined(painter, line)
            self._write(painter, letter, origin + way * (_ARROW_PX + 12))

    def _write(self, painter: QtGui.QPainter, text: str, middle: QtCore.QPointF) -> None:
        written, letters = font(13), QtGui.QPainterPath()
        letters.addText(QtCore.QPointF(), written, text)
        letters.translate(middle - letters.boundingRect().center())
        painter.strokePath(letters, self._shadow())
        painter.fillPath(letters, QtGui.QColor(self._palette.t1))

    def _outlined(self, painter: QtGui.QPainter, line: QtGui.QPainterPath) -> None:
        """Draw a line that is seen on bright stars too."""
        painter.strokePath(line, self._shadow())
        painter.strokePath(line, QtGui.QPen(QtGui.QColor(self._palette.t1), 1.5))

    def _shadow(self, width: float = 4.0) -> QtGui.QPen:
        dark = QtGui.QColor(self._palette.bg0)
        dark.setAlphaF(0.7)
        return QtGui.QPen(dark, width)
