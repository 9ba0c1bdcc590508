"""What is drawn over the picture to read it: how large things are, where north is, what stars and objects there are."""

# mypy: allow-subclassing-any
from __future__ import annotations

from concurrent.futures import Future

from pyqtgraph.Qt import QtCore, QtGui

from livestack.counted import count
from livestack.develop.live import milestone
from livestack.frame import Array, Picture
from livestack.show.names import Named, objects_in
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.on_picture import OnPicture
from livestack.show.qt.theme import font
from livestack.show.sky import NOT_KNOWN, Grid, scale_bar, upright, ways
from livestack.show.stars import stars_of_preview
from livestack.show.tokens import Palette

Qt = QtCore.Qt

_FROM_EDGE_PX, _TICK_PX = 20, 6
_STRIP_PX = 80  # at the bottom, with the scale bar and its label, however large letters are
_ARROW_PX, _ARROWS_FROM_EDGE_PX = 32, (66, 108)
_HEAD_PX = 5
_LEAST_RING_PX, _MOST_STARS = 9.0, 400
_LEAST_CIRCLE_PX = 16.0


class Marks(OnPicture):
    """Draws a scale bar where px are known on the sky; while `shown` stars, objects, and the ways north and east."""

    def __init__(self, canvas: Canvas, palette: Palette) -> None:
        super().__init__(canvas, palette, "Marks")
        self.stars: tuple[tuple[float, float, float], ...] = ()
        self._grid: Grid = NOT_KNOWN
        self._stack: Picture | None = None
        self._found_in: tuple[object, ...] = ()
        self.names: tuple[Named, ...] = ()
        self._named_in: tuple[object, ...] = ()
        self._layer: QtGui.QPixmap | None = None
        canvas.moved.connect(self._tell)

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
        self._find_names()
        self._tell()

    def _tell(self) -> None:
        bar = self.bar()
        stars = count(len(self.stars), "star") if self.shown and self.stars else ""
        names = [one.label for one in self.names] if self.shown else []
        self.setAccessibleDescription(", ".join(filter(None, (f"scale {bar[1]}" if bar else "", stars, *names))))
        self.redraw()

    def redraw(self) -> None:
        """Draw it anew: something of it changed."""
        self._layer = None
        self.update()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        super().set_palette(palette)
        self.redraw()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw in another size."""
        self.redraw()

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

    def _find_names(self) -> None:
        """Look up which objects a solved picture shows, once for each stack."""
        stack, grid = self._stack, self._grid
        if not self.shown or stack is None or grid.matrix is None:
            return
        height, width = (round(length / stack.scale) for length in stack.data.shape[:2])
        wanted = stack.stack, height, width, grid
        if wanted == self._named_in:
            return
        self._named_in, self.names = wanted, ()

        def take(found: Future[tuple[Named, ...]]) -> None:
            if wanted == self._named_in:
                self.names = found.result()
                self._tell()

        self._canvas.aside(lambda _: objects_in(grid, height, width), take)

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Copy what is drawn once: below it one picture passes over into another, step by step."""
        self._layer = self._layer or self._drawn()
        painter = QtGui.QPainter(self)
        painter.drawPixmap(self._area.topLeft(), self._layer)
        painter.end()

    @property
    def _area(self) -> QtCore.QRect:
        """What there may be something on: the whole picture, or the strip with the scale bar."""
        return self.rect() if self.shown else self.rect().adjusted(0, max(0, self.height() - _STRIP_PX), 0, 0)

    def _drawn(self) -> QtGui.QPixmap:
        ratio, area = self.devicePixelRatioF(), self._area
        layer = QtGui.QPixmap(area.size() * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(QtCore.Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(layer)
        painter.translate(-area.topLeft())
        self._draw(painter)
        painter.end()
        return layer

    def _draw(self, painter: QtGui.QPainter) -> None:
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        bar, arrows = self.bar(), self.arrows()
        if self.shown:
            self._draw_stars(painter)
            self._draw_names(painter)
            if arrows is not None:
                self._draw_arrows(painter, arrows)
        if bar is not None:
            self._draw_bar(painter, *bar)

    def _draw_stars(self, painter: QtGui.QPainter) -> None:
        zoom = self._canvas.look.zoom
        rings = [(self._canvas.place_of(x, y), max(_LEAST_RING_PX, fwhm * zoom) / 2) for x, y, fwhm in self.stars]
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        for pen in (self._shadow(2.5), QtGui.QPen(QtGui.QColor(self._palette.t1), 1.0)):
            painter.setPen(pen)
            for place, radius in rings:
                painter.drawEllipse(place, radius, radius)

    def _draw_bar(self, painter: QtGui.QPainter, length: float, label: str) -> None:
        right, low = self.width() - _FROM_EDGE_PX - 0.5, self.height() - _FROM_EDGE_PX - 0.5
        left = right - round(length)
        line = QtGui.QPainterPath(QtCore.QPointF(left, low - _TICK_PX))
        for x, y in ((left, low), (right, low), (right, low - _TICK_PX)):
            line.lineTo(x, y)
        self._outlined(painter, line)
        self._write(painter, label, QtCore.QPointF((left + right) / 2, low - 14.0))

    def _draw_names(self, painter: QtGui.QPainter) -> None:
        """Circle what is larger than its name is high, and write its name by it, most prominent first.

        Below the circle, or where the picture ends, above it, else within.
        """
        taken: list[QtCore.QRectF] = []
        for one in self.names:
            place = self._canvas.place_of(one.x, one.y)
            radius = one.radius_px * self._canvas.look.zoom
            is_circled = _LEAST_CIRCLE_PX <= radius <= self.height()
            beside = radius + 14.0 if is_circled else 26.0
            tried = (self._letters(one.label, place + QtCore.QPointF(0.0, dy)) for dy in (beside, -beside, 26.0))
            letters = next((letters for letters in tried if self._has_room(letters, taken)), None)
            if letters is None:
                continue
            taken.append(_room_of(letters))
            if is_circled:
                circle = QtGui.QPainterPath()
                circle.addEllipse(place, radius, radius)
                painter.strokePath(circle, self._shadow(2.5))
                painter.strokePath(circle, QtGui.QPen(QtGui.QColor(self._palette.t2), 1.0))
            self._ink(painter, letters)

    def _has_room(self, letters: QtGui.QPainterPath, taken: list[QtCore.QRectF]) -> bool:
        room = _room_of(letters)
        return QtCore.QRectF(self.rect()).contains(room) and not any(room.intersects(other) for other in taken)

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
        self._ink(painter, self._letters(text, middle))

    def _letters(self, text: str, middle: QtCore.QPointF) -> QtGui.QPainterPath:
        letters = QtGui.QPainterPath()
        letters.addText(QtCore.QPointF(), font(13), text)
        letters.translate(middle - letters.boundingRect().center())
        return letters

    def _ink(self, painter: QtGui.QPainter, letters: QtGui.QPainterPath) -> None:
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


def _room_of(letters: QtGui.QPainterPath) -> QtCore.QRectF:
    return QtCore.QRectF(letters.boundingRect().adjusted(-4, -4, 4, 4))
