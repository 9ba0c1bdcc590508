"""The picture: one developed image on screen, moved and zoomed by hand."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.frame import Array, Picture
from livestack.show.darkroom import Darkroom, Order
from livestack.show.tokens import NIGHT, Palette

FILL, FIT, FREE = "fill", "fit", "free"
_NIGHT_PEAK = 0.88
ZOOM_STEP = 1.25
_ZOOM_MOST = 16.0
_LOOK_MS = 12
_STEPS = 4  # sizes from one to twice as large


def night_red(image: Array) -> Array:
    """Turn uint8 grey or RGB into red alone: green and blue are zero in every pixel."""
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    red = np.zeros((*grey.shape, 3), np.uint8)
    red[..., 0] = cv2.LUT(np.ascontiguousarray(grey), np.round(_NIGHT_PEAK * np.arange(256)).astype(np.uint8))
    return red


@dataclass
class Look:
    """Where the view is: centre in stack px, zoom in screen px per stack px, and whether it keeps to the picture."""

    mode: str = FILL
    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0


class Canvas(pg.GraphicsView):
    """Shows one picture. Coordinates are px of the stack, so that a smaller preview does not move the view.

    Pictures are developed beside the window; until a new one is done, the one before stays.
    """

    drew = QtCore.Signal()
    touched = QtCore.Signal()
    pointed = QtCore.Signal(QtCore.QPointF)  # at this place of the widget
    moved = QtCore.Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__(background=palette.bg0)
        self.setObjectName("canvas")
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        self.setAccessibleName("Picture")
        self.look = Look()
        self._palette = palette
        self._room = Darkroom()
        self._wanted: Order | None = None
        self._asked: Order | None = None
        self._shown: tuple[Order, Array] | None = None
        # No locked aspect: the range is always set to that of the widget, and a lock would work with a stale size.
        self._box = pg.ViewBox(invertY=True, enableMenu=False, defaultPadding=0.0)
        self._image = pg.ImageItem(axisOrder="row-major", levels=(0, 255))
        self._box.addItem(self._image)
        self.setCentralItem(self._box)
        self._box.sigRangeChanged.connect(lambda *_: self.moved.emit())
        self._box.sigRangeChangedManually.connect(self._moved_by_hand)
        self._later = QtCore.QTimer(self, singleShot=True, interval=60)
        self._later.timeout.connect(self._ask)
        self._looking = QtCore.QTimer(self, interval=_LOOK_MS)
        self._looking.timeout.connect(self._look_for_news)

    def set_palette(self, palette: Palette) -> None:
        """Change colours: night turns the picture red."""
        self._palette = palette
        self.setBackground(palette.bg0)
        self._draw()

    def show_picture(self, order: Order | None) -> None:
        """Have a picture developed and put on screen; the view stays where it is unless the grid is another."""
        before, self._wanted = self._picture, order
        picture = self._picture
        if picture is not None and (before is None or _size(before) != _size(picture)):
            self.look = Look()
            self._place()
        self._ask()

    @property
    def _picture(self) -> Picture | None:
        return None if self._wanted is None else self._wanted.picture

    @property
    def is_shown(self) -> bool:
        """Whether there is an image on screen."""
        return self._shown is not None

    @property
    def is_busy(self) -> bool:
        """Whether an image is still to come."""
        return self._room.is_busy

    def rendered(self, use: Callable[[Array], None], then: Callable[[Future[None]], None]) -> bool:
        """Develop what is shown in its full size and use it, both beside the window; then tell of it here.

        Returns whether there is a picture.
        """
        if self._wanted is None:
            return False
        done = self._room.then(self._wanted, use)
        timer = QtCore.QTimer(self, interval=_LOOK_MS)

        def look() -> None:
            if done.done():
                timer.stop()
                timer.deleteLater()
                then(done)

        timer.timeout.connect(look)
        timer.start()
        return True

    def close_room(self) -> None:
        """Develop nothing more."""
        self._later.stop()
        self._looking.stop()
        self._room.close()

    def place_of(self, x: float, y: float) -> QtCore.QPointF:
        """Return where a px of the stack's array is in the widget."""
        if self._picture is not None and self._picture.row_order == "BOTTOM-UP":
            y = _size(self._picture)[0] - 1.0 - y
        on_scene = self._box.mapViewToScene(QtCore.QPointF(x + 0.5, y + 0.5))
        return self.viewportTransform().map(on_scene)

    def go(self, mode: str) -> None:
        """Show the picture so that it fills the view (FILL) or all of it (FIT)."""
        self.look.mode = mode
        self._place()

    def zoom_to(self, zoom: float, about: QtCore.QPointF | None = None) -> None:
        """Zoom; `about` is a point in stack px that stays where it is on screen, by default the middle."""
        if self._picture is None:
            return
        zoom = min(max(zoom, 0.5 * _whole(self, self._picture)), _ZOOM_MOST)
        look, ratio = self.look, self.look.zoom / zoom
        if about is not None:
            look.x = about.x() + (look.x - about.x()) * ratio
            look.y = about.y() + (look.y - about.y()) * ratio
        look.mode, look.zoom = FREE, zoom
        self._place()

    def _place(self) -> None:
        if self._picture is None or self.width() < 2 or self.height() < 2:
            return
        height, width = _size(self._picture)
        look = self.look
        if look.mode != FREE:
            look.x, look.y = width / 2, height / 2
            fill = max(self.width() / width, self.height() / height)
            look.zoom = fill if look.mode == FILL else _whole(self, self._picture)
        seen = QtCore.QSizeF(self.width() / look.zoom, self.height() / look.zoom)
        corner = QtCore.QPointF(look.x - seen.width() / 2, look.y - seen.height() / 2)
        self._box.setRange(QtCore.QRectF(corner, seen), padding=0, update=True, disableAutoRange=True)
        self._later.start()

    def _moved_by_hand(self, *_: object) -> None:
        seen = self._box.viewRect()
        self.look = Look(FREE, seen.center().x(), seen.center().y(), self.width() / seen.width())
        self._later.start()

    def _ask(self) -> None:
        """Have the picture developed at about the resolution of the screen: never more work than can be seen."""
        if self._wanted is None:
            self._asked = self._shown = None
            self._image.clear()
            return
        order = replace(self._wanted, shrink=self._shrink(self._wanted.picture))
        if not order.is_like(self._asked):
            self._asked = order
            self._room.ask(order)
            self._looking.start()

    def _shrink(self, picture: Picture) -> float:
        """Screen px per px of a preview, at most 1; in steps, so that a little zoom changes nothing."""
        needed = self.look.zoom * self.devicePixelRatioF() / picture.scale
        return float(min(1.0, 2.0 ** (math.ceil(_STEPS * math.log2(needed) - 0.1) / _STEPS)))

    def _look_for_news(self) -> None:
        done = self._room.take()
        if not self._room.is_busy:
            self._looking.stop()
        if done is not None and self._wanted is not None:
            self._shown = done
            self._draw()
            self.drew.emit()

    def _draw(self) -> None:
        """Put on screen what was developed last, in red at night."""
        if self._shown is not None:
            order, image = self._shown
            height, width = _size(order.picture)
            shown = night_red(image) if self._palette is NIGHT else image
            self._image.setImage(shown, levels=(0, 255), autoLevels=False)
            self._image.setRect(QtCore.QRectF(0, 0, width, height))

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the middle and the zoom."""
        super().resizeEvent(event)
        if hasattr(self, "look"):  # the base class resizes itself before this one is made
            self._place()
            self.touched.emit()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let the window know that a hand is here."""
        super().mouseMoveEvent(event)
        self.touched.emit()
        self.pointed.emit(QtCore.QPointF(event.pos()))

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom to 100 % where the pointer is, or back."""
        if self.look.mode == FREE:
            self.go(FILL)
        else:
            self.zoom_to(1.0 / self.devicePixelRatioF(), self._box.mapSceneToView(self.mapToScene(event.pos())))


def _size(picture: Picture) -> tuple[float, float]:
    """Return (height, width) in px of the stack."""
    height, width = picture.data.shape[:2]
    return height / picture.scale, width / picture.scale


def _whole(canvas: Canvas, picture: Picture) -> float:
    """Return the zoom at which all of the picture is seen."""
    height, width = _size(picture)
    return float(min(canvas.width() / width, canvas.height() / height))
