"""What a hand does to the picture: mouse, wheel, touch."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.qt.canvas import ZOOM_STEP, Canvas
from livestack.show.qt.compare import WIPE
from livestack.show.qt.look import FILL, FREE

Kind = QtCore.QEvent.Type
Button = QtCore.Qt.MouseButton

_DRAG_PX = 8.0
_NOTCH = 120.0
_PAN, _LINE = "pan", "line"


class Hand(QtCore.QObject):
    """Moves what a canvas shows. At fit a drag to the side moves the wipe's line; zoomed it moves the picture."""

    began_to_wipe = QtCore.Signal()
    asked_menu = QtCore.Signal(QtCore.QPoint)  # at this place of the widget

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._pressed: QtCore.QPointF | None = None
        self._before = QtCore.QPointF()
        self._drags = ""
        canvas.installEventFilter(self)
        canvas.grabGesture(QtCore.Qt.GestureType.PinchGesture)
        canvas.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(self.asked_menu.emit)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take what is meant for the picture."""
        kind = event.type()
        if kind == Kind.MouseButtonPress and event.button() in (Button.LeftButton, Button.MiddleButton):
            self._press(QtCore.QPointF(event.pos()), event.button())
        elif kind == Kind.MouseMove:
            self._move(QtCore.QPointF(event.pos()))
        elif kind == Kind.MouseButtonRelease:
            self._pressed, self._drags = None, ""
            self._canvas.hold(False)
        elif kind == Kind.MouseButtonDblClick and event.button() == Button.LeftButton:
            self._pressed = None
            self._to_and_fro(QtCore.QPointF(event.pos()))
        elif kind == Kind.Wheel:
            self._wheel(event)
        elif kind == Kind.Gesture:
            self._pinch(event)
        return False

    def _press(self, place: QtCore.QPointF, button: QtCore.Qt.MouseButton) -> None:
        self._pressed = self._before = place
        grabbed = button == Button.LeftButton and self._canvas.compare.is_grabbed(place, self._canvas.size())
        self._drags = _PAN if button == Button.MiddleButton else _LINE if grabbed else ""
        self._canvas.hold(True)

    def _move(self, place: QtCore.QPointF) -> None:
        canvas = self._canvas
        canvas.touched.emit()
        canvas.pointed.emit(place)
        if self._pressed is None:
            over = canvas.compare.is_grabbed(place, canvas.size())
            canvas.setCursor(QtCore.Qt.CursorShape.SplitHCursor if over else QtCore.Qt.CursorShape.ArrowCursor)
            return
        if not self._drags:
            self._drags = self._meant(place - self._pressed)
        if self._drags == _LINE:
            canvas.wipe_to(place.x() / canvas.width())
        elif self._drags == _PAN:
            canvas.move_by(place - self._before)
        self._before = place

    def _meant(self, way: QtCore.QPointF) -> str:
        """Return what a drag is to do that has come so far; "" = too early to tell."""
        if max(abs(way.x()), abs(way.y())) < _DRAG_PX:
            return ""
        if self._canvas.look.mode == FREE or abs(way.y()) > abs(way.x()):
            return _PAN
        if self._canvas.compare.mode != WIPE:
            self.began_to_wipe.emit()
        return _LINE

    def _to_and_fro(self, place: QtCore.QPointF) -> None:
        """Zoom to 100 % where the pointer is, or back."""
        canvas = self._canvas
        if canvas.look.mode == FREE:
            canvas.go(FILL)
        else:
            canvas.zoom_to(1.0 / canvas.devicePixelRatioF(), canvas.px_at(place))

    def _wheel(self, event: QtGui.QWheelEvent) -> None:
        canvas = self._canvas
        zoom = canvas.look.zoom * ZOOM_STEP ** (event.angleDelta().y() / _NOTCH)
        canvas.zoom_to(zoom, canvas.px_at(QtCore.QPointF(event.position())))
        event.accept()

    def _pinch(self, event: QtWidgets.QGestureEvent) -> None:
        pinch = event.gesture(QtCore.Qt.GestureType.PinchGesture)
        if pinch is not None:
            self._pressed, canvas = None, self._canvas
            middle = QtCore.QPointF(canvas.mapFromGlobal(pinch.centerPoint().toPoint()))
            canvas.zoom_to(canvas.look.zoom * pinch.scaleFactor(), canvas.px_at(middle))
            canvas.move_by(pinch.centerPoint() - pinch.lastCenterPoint())
            event.accept(pinch)
