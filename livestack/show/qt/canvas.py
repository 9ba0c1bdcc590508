"""The picture: one developed image on screen, or two to compare, moved and zoomed by hand."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.frame import Array, Picture
from livestack.show.darkroom import Darkroom, Done, Images, Order, Sight
from livestack.show.pace import Pace
from livestack.show.qt.awaited import Awaited
from livestack.show.qt.compare import BLINK, BLINK_MS, Compare
from livestack.show.qt.fade import GLIDE_MS, VIEWER_MS, YOUNG_GLIDE_MS, Fade, patch_means
from livestack.show.qt.look import FILL, FREE, Look, Size, View, moved, to_qimage
from livestack.show.tokens import Palette

T = TypeVar("T")

ZOOM_STEP = 1.25
_ZOOM_MOST = 16.0
_LOOK_MS, _LOOK_IN_HAND_MS = 3, 1
_REST_MS = 200  # after so long a hand rests
_STEPS = 4  # sizes from one to twice as large
_YOUNG = 8  # subs of a stack of which much is still to come
_GLIDES_APART_MS = 10_000  # of one that is no longer young


class Canvas(QtWidgets.QWidget):
    """Shows a picture. Coordinates are px of the stack, so that a smaller preview does not move the view.

    Pictures are developed beside the window; until a new one is done, the one before stays. What was developed is drawn
    at the px of the screen once for each place that is looked at: to wipe or to blink is to copy.
    """

    drew = QtCore.Signal()
    touched = QtCore.Signal()
    pointed = QtCore.Signal(QtCore.QPointF)  # at this place of the widget
    moved = QtCore.Signal()
    lit = QtCore.Signal(object)  # how the light of the stack is spread, where that is asked for

    def __init__(self, palette: Palette, room: Darkroom | None = None, fade_ms: int = VIEWER_MS) -> None:
        super().__init__(objectName="canvas", accessibleName="Picture", mouseTracking=True)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.look = Look()
        self.compare = Compare()
        self._palette = palette
        self._room = room or Darkroom()
        self._pace = Pace()
        self.fade = Fade(self, fade_ms)
        self.fade.stepped.connect(self.update)
        self._wanted: Order | None = None
        self._asked: Order | None = None
        self._images: Images = ()
        self._shown: Size | None = None
        self._sight: Sight | None = None
        self._acts: object = None
        self._layers: tuple[Array, ...] = ()
        self._screens: list[Array] = []
        self._means: list[Array] = []
        self._is_reached_by_key = self._is_in_hand = False
        self._awaited = Awaited(self)
        self._later = QtCore.QTimer(self, singleShot=True, interval=60)
        self._later.timeout.connect(self._ask)
        self._turning = QtCore.QTimer(self, singleShot=True, interval=_REST_MS)
        self._turning.timeout.connect(self._ask)
        self._glided = QtCore.QTimer(self, singleShot=True, interval=_GLIDES_APART_MS)
        self._glided.timeout.connect(self._ask_softly)
        self._looking = QtCore.QTimer(self, interval=_LOOK_MS)
        self._looking.timeout.connect(self._look_for_news)
        self._blinking = QtCore.QTimer(self, interval=BLINK_MS)
        self._blinking.timeout.connect(self._blink)

    def set_palette(self, palette: Palette) -> None:
        """Change colours: night turns the picture red."""
        self._palette = palette
        self.fade.end()
        self._draw_anew()

    def show_picture(self, order: Order | None, *, turning: bool = False) -> None:
        """Have a picture developed and put on screen; the view stays where it is unless the grid is another.

        While a knob is turned it is as coarse as it must be to follow the hand.
        """
        if turning:
            self._turning.start()
        before, self._wanted = self._picture, order
        picture = self._picture
        if picture is not None and (before is None or _size(before) != _size(picture)):
            self.look = replace(self.look, mode=FILL)
            self._place()
        self._ask()

    def set_compare(self, mode: str, tags: tuple[str, str]) -> None:
        """Wipe between the picture and what is beside it, or blink the two; "" = neither."""
        if (mode, tags) != (self.compare.mode, self.compare.tags):
            self.compare.mode, self.compare.tags = mode, tags
            self.compare.front = 0
            self._blinking.start() if mode == BLINK else self._blinking.stop()
            self.wipe_to(self.compare.at)
            self.update()

    def wipe_to(self, share: float) -> None:
        """Move the line to a share of the width; what it does not change is not drawn again."""
        self.update(self.compare.move(share, self.size()))
        left, right = self.compare.tags
        told = f"{left} left of {100 * self.compare.at:.0f}\u202f% of the width, {right} right of it"
        self.setAccessibleDescription(told if self.compare.mode else "")

    def _blink(self) -> None:
        self.compare.front = 1 - self.compare.front
        self.update()

    @property
    def _picture(self) -> Picture | None:
        return None if self._wanted is None else self._wanted.picture

    @property
    def is_shown(self) -> bool:
        """Whether there is an image on screen."""
        return self._shown is not None

    @property
    def is_busy(self) -> bool:
        """Whether an image is still to come, or to be all there is on screen."""
        return self._room.is_busy or self._turning.isActive() or self.fade.is_on

    def rendered(self, use: Callable[[Array], None], then: Callable[[Future[None]], None]) -> bool:
        """Develop what is shown in its full size and use it, both beside the window; then tell of it here.

        Returns whether there is a picture.
        """
        if self._wanted is None:
            return False
        self._awaited.tell(self._room.then(replace(self._wanted, is_held=self._is_held(self._wanted)), use), then)
        return True

    def aside(self, work: Callable[[Executor], T], then: Callable[[Future[T]], None]) -> None:
        """Do something beside the window, which holds no widget; then tell of it here."""
        self._awaited.tell(self._room.run(work), then)

    def close_room(self) -> None:
        """Develop nothing more."""
        for timer in (self._later, self._turning, self._glided, self._looking, self._blinking):
            timer.stop()
        self._awaited.close()
        self.fade.close()
        self._room.close()

    @property
    def way(self) -> QtGui.QTransform:
        """From px of the upright stack to those of the widget."""
        return self.look.transform(self._size)

    def place_of(self, x: float, y: float) -> QtCore.QPointF:
        """Return where a px of the stack's array is in the widget."""
        if self._picture is not None and self._picture.row_order == "BOTTOM-UP":
            y = _size(self._picture)[1] - 1.0 - y
        return self.way.map(QtCore.QPointF(x + 0.5, y + 0.5))

    def px_at(self, place: QtCore.QPointF) -> QtCore.QPointF:
        """Return which place of the upright stack is at one of the widget."""
        return self.way.inverted()[0].map(place)

    def array_px_at(self, place: QtCore.QPointF) -> tuple[float, float] | None:
        """Return which px of the stack's array is at a place of the widget; None = it is not on the picture."""
        if self._picture is None:
            return None
        at, (width, height) = self.px_at(place), _size(self._picture)
        if not (0 <= at.x() <= width and 0 <= at.y() <= height):
            return None
        x, y = at.x() - 0.5, at.y() - 0.5
        return x, height - 1.0 - y if self._picture.row_order == "BOTTOM-UP" else y

    def go(self, mode: str) -> None:
        """Show the picture so that it fills the view (FILL) or all of it (FIT)."""
        self.look.mode = mode
        self._place()

    def zoom_to(self, zoom: float, about: QtCore.QPointF | None = None) -> None:
        """Zoom; `about` is a point in stack px that stays where it is on screen, by default the middle."""
        if self._picture is None:
            return
        least = min(0.5 * self.look.whole(_size(self._picture), self._size), 1.0 / self.devicePixelRatioF())
        zoom = min(max(zoom, least), _ZOOM_MOST)
        look, ratio = self.look, self.look.zoom / zoom
        if about is not None:
            look.x = about.x() + (look.x - about.x()) * ratio
            look.y = about.y() + (look.y - about.y()) * ratio
        look.mode, look.zoom = FREE, zoom
        self._place()

    def move_by(self, step: QtCore.QPointF) -> None:
        """Move the picture by so many px of the widget."""
        if self._picture is not None:
            moved(self.look, self.way, step)
            self._place()

    def look_at(self, about: QtCore.QPointF) -> None:
        """Zoom to 100 %, with a point in stack px in the middle."""
        self.look.x, self.look.y = about.x(), about.y()
        self.zoom_to(1.0 / self.devicePixelRatioF())

    def hold(self, is_in_hand: bool) -> None:
        """Leave the brightness as it is while a hand is on the picture, or on what it is developed by."""
        self._is_in_hand = is_in_hand
        self.fade.hold(is_in_hand)
        if not is_in_hand:
            self._ask_softly()

    def turn(self, turn_deg: float, *, mirrored: bool) -> None:
        """Turn the picture clockwise, after it is mirrored."""
        if (turn_deg, mirrored) != (self.look.turn_deg, self.look.mirrored):
            self.look.turn_deg, self.look.mirrored = turn_deg, mirrored
            self._place()

    @property
    def _size(self) -> Size:
        return float(self.width()), float(self.height())

    def _place(self) -> None:
        if self._picture is not None and self.width() >= 2 and self.height() >= 2:
            self.look.place(_size(self._picture), self._size)
            self._screens, self._means = [], []
            self.fade.end()
            self._later.start()
            self.moved.emit()
            self.update()

    def _ask(self) -> None:
        """Have the picture developed at about the resolution of the screen: never more work than can be seen."""
        if self._wanted is None:
            self._asked = self._shown = None
            self._layers, self._screens, self._means = (), [], []
            self.update()
            return
        share = self._pace.share if self._turning.isActive() else 1.0
        shrink = share * self._shrink(self._wanted.picture)
        view = self._view(_size(self._wanted.picture))
        finish = partial(_finished, view=view, is_measured=self._wanted.softly)
        order = replace(self._wanted, shrink=shrink, is_held=self._is_held(self._wanted), finish=finish)
        if not order.is_like(self._asked):
            self._asked = order
            self._room.ask(order)
            self._looking.start(_LOOK_IN_HAND_MS if self._turning.isActive() else _LOOK_MS)

    def _ask_softly(self) -> None:
        """Have it developed again where its brightness was held: that comes by itself, unless a hand has just asked."""
        if self._wanted is not None and not self._turning.isActive():
            self._wanted = replace(self._wanted, softly=True)
        self._ask()

    def _is_held(self, order: Order) -> bool:
        """Whether the brightness is to stay: in a hand, under an eye that is near, or as it has changed just now."""
        is_near = self.look.mode == FREE and self.look.zoom * self.devicePixelRatioF() >= 1.0
        has_glided = self._glided.isActive() and order.stack.n_subs > _YOUNG
        return self._is_in_hand or is_near or has_glided

    def _shrink(self, picture: Picture) -> float:
        """Screen px per px of a preview, at most 1; in steps, so that a little zoom changes nothing."""
        needed = self.look.zoom * self.devicePixelRatioF() / picture.scale
        return float(min(1.0, 2.0 ** (math.ceil(_STEPS * math.log2(needed) - 0.1) / _STEPS)))

    def _look_for_news(self) -> None:
        done = self._room.take()
        if not self._room.is_busy:
            self._looking.stop()
        if done is not None and self._wanted is not None:
            if self._turning.isActive():
                self._pace.took(done.seconds)
            self._pass_over(done)
            # not the pictures: newer ones come, and each takes its room
            self._shown, self._images, self._sight = _size(done.order.picture), done.images, done.order.sight
            self._acts = done.acts
            self._take(done.finished)
            self.drew.emit()
            if done.light is not None:
                self.lit.emit(done.light)

    def _pass_over(self, done: Done) -> None:
        """Let what is on screen pass over into a new picture, or into another brightness, that come by themselves."""
        glides = done.acts is not self._acts
        if not done.order.softly:
            self.fade.end()  # a hand is followed at once
        if self._sight is None or not (glides or done.order.sight != self._sight):
            return
        if done.order.follows(self._sight):
            now = done.finished
            assert isinstance(now, _Finished)
            before = self._means or list(map(patch_means, self._screens))
            means = (before, now.means) if before else None
            self.fade.begin(self._screens, list(now.screens), means, _glide_ms(done.order) if glides else 0)
            if glides:
                self._glided.start()

    def _take(self, finished: object) -> None:
        """Put on screen what was drawn beside the window, as far as one still looks the same way."""
        assert isinstance(finished, _Finished)
        assert self._shown is not None
        view = self._view(self._shown)
        is_same = finished.view == view
        if not is_same:  # no fade passes over to what is not seen
            self.fade.end()
        if finished.view.palette is not view.palette:
            self._draw_anew()
            return
        self._layers = finished.layers
        self._screens, self._means = (list(finished.screens), finished.means) if is_same else ([], [])
        self.update()

    def _draw_anew(self) -> None:
        """Put on screen what was developed last, in other colours."""
        if self._shown is not None:
            self._layers = tuple(map(self._view(self._shown).layer, self._images))
        self._screens, self._means = [], []
        self.update()

    def _view(self, picture: Size) -> View:
        ratio = self.devicePixelRatioF()
        way = self.way * QtGui.QTransform.fromScale(ratio, ratio)
        screen = math.ceil(ratio * self.width()), math.ceil(ratio * self.height())
        return View(way, picture, screen, self._palette)

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Copy what is drawn already; draw it where the view is another."""
        painter = QtGui.QPainter(self)
        if self._shown is None:
            painter.fillRect(self.rect(), QtGui.QColor(self._palette.bg0))
        else:
            self._screens = self._screens or list(map(self._view(self._shown).at_screen, self._layers))
            images = [to_qimage(pixels, self.devicePixelRatioF()) for pixels in self.fade.drawn(self._screens)]
            if self.compare.mode and len(images) == 2:
                self.compare.draw(painter, images, self.size(), self._palette)
            else:
                painter.drawImage(QtCore.QPoint(), images[0])
        if self._is_reached_by_key:
            painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.t1), 2.0))
            painter.drawRect(self.rect().adjusted(3, 3, -3, -3))
        painter.end()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Keep the middle and the zoom."""
        self._place()
        self.touched.emit()

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show that the keys go here, to who comes by key."""
        reasons = QtCore.Qt.FocusReason
        self._is_reached_by_key = event.reason() in (reasons.TabFocusReason, reasons.BacktabFocusReason)
        self.update()

    def focusOutEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Take that back."""
        self._is_reached_by_key = False
        self.update()


class _Finished(NamedTuple):
    """Images as they are drawn from, as they are on screen for who looks this way, and means of patches if needed."""

    view: View
    layers: tuple[Array, ...]
    screens: tuple[Array, ...]
    means: list[Array]


def _finished(images: Images, view: View, *, is_measured: bool) -> _Finished:
    layers = tuple(map(view.layer, images))
    screens = tuple(map(view.at_screen, layers))
    return _Finished(view, layers, screens, list(map(patch_means, screens)) if is_measured else [])


def _glide_ms(order: Order) -> int:
    """How long the picture takes to another brightness."""
    return GLIDE_MS if order.stack.n_subs > _YOUNG else YOUNG_GLIDE_MS


def _size(picture: Picture) -> Size:
    """Return (width, height) in px of the stack."""
    height, width = picture.data.shape[:2]
    return width / picture.scale, height / picture.scale
