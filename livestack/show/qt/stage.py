"""The screen for an audience: the picture, large words, and nothing to press."""

# mypy: allow-subclassing-any
from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.frame import Array
from livestack.show.darkroom import Darkroom
from livestack.show.gently import gently
from livestack.show.guests import told
from livestack.show.past import Past, past_pictures, seen
from livestack.show.qt.board import Board
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.fade import STAGE_MS
from livestack.show.qt.lit import kept_lit, load
from livestack.show.qt.live import Live
from livestack.show.qt.look import Look, Size, filling
from livestack.show.tokens import Palette
from livestack.show.views import STACK, order_of
from livestack.sky.catalogue import named

_AIM = 0.5, 0.42
"""Where the middle of the picture comes to lie: what it shows stays above the words."""
_NEARER, _NEARER_S = 0.04, 40.0
_SLIDE_MS, _SLIDE_PX = 12_000, 1920
_TICK_MS, _DRIFT_MS = 1000, 100
_ALONE_PX = 1280, 720


@dataclass
class Aimed(Look):
    """Fills a screen, with the middle of the picture above that of the screen, and `nearer` by a share of its size."""

    nearer: float = 0.0
    aside: float = 0.0

    def transform(self, room: Size) -> QtGui.QTransform:
        """Return the way from px of the upright stack to a widget of a size."""
        way = QtGui.QTransform()
        slack = self.nearer * room[0] / 2
        way.translate(_AIM[0] * room[0] - room[0] / 2 + self.aside * slack, (_AIM[1] - 0.5) * room[1])
        return super().transform(room) * way

    def place(self, picture: Size, room: Size) -> None:
        """Fill the room from where the picture is aimed at."""
        self.x, self.y = picture[0] / 2, picture[1] / 2
        reach = room[0], 2 * (1 - _AIM[1]) * room[1]
        self.zoom = filling(picture, reach, self.turn_deg) * (1.0 + self.nearer)


class Stage(QtWidgets.QWidget):
    """A window of its own. It has its own way to develop, which only `publish` and the growth of the stack change."""

    closed = QtCore.Signal()

    def __init__(self, live: Live, palette: Palette) -> None:
        super().__init__(None, QtCore.Qt.WindowType.Window, objectName="canvas")
        self.setWindowTitle("livestack, for guests")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setMinimumSize(640, 360)
        self.setCursor(QtCore.Qt.CursorShape.BlankCursor)
        self._live, self._recipe, self._turn = live, live.recipe, (0.0, False)
        self.canvas = Canvas(palette, Darkroom(gently), STAGE_MS)
        self.canvas.setParent(self)
        self.canvas.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.canvas.look = Aimed()
        self.board = Board(self, palette, live.source.page)
        self._target: str | None = None  # that is known
        self._asked: str | None = None
        self._past: tuple[Past, ...] = ()
        self._past_at = 0
        self._slides = QtCore.QTimer(self, interval=_SLIDE_MS)
        self._slides.timeout.connect(self._next_slide)
        self._lit = contextlib.ExitStack()
        self._clock = QtCore.QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(self.tick)
        self._drift = QtCore.QTimer(self, interval=_DRIFT_MS)
        self._drift.timeout.connect(self._move)
        self._since = QtCore.QElapsedTimer()
        for key, act in (
            ("F", self.change_size),
            ("F11", self.change_size),
            ("Esc", self._leave),
            ("Shift+F", self.close),
        ):
            QtWidgets.QShortcut(QtGui.QKeySequence(key), self, act)

    def open(self, beside: QtWidgets.QWidget) -> bool:
        """Show on the screen where the viewer is not; where there is but one, as a window that can be moved.

        Returns whether there is but one.
        """
        other = next((s for s in QtGui.QGuiApplication.screens() if s is not beside.screen()), None)
        self.canvas.aside(lambda _: load(), lambda _: self._keep_lit())
        self._look_up(self._begin)
        if other is not None:
            self.setGeometry(other.geometry())
            self.showFullScreen()
        else:
            self.resize(*_ALONE_PX)
            self.show()
        return other is None

    def _keep_lit(self) -> None:
        if self.isVisible():  # not closed since
            self._lit.enter_context(kept_lit())

    def _begin(self) -> None:
        self.tick()
        self._clock.start()
        if self.board.is_empty:
            session = self._live.source.session
            self.canvas.aside(lambda _: past_pictures(session), self._take_past)

    def _look_up(self, then: Callable[[], None]) -> None:
        """Look up what the target is, beside the window, which may not stand still for so long; then go on."""
        target = self._live.state.target or ""

        def go_on(_: object) -> None:
            self._target = target
            then()

        if target != self._asked:
            self._asked = target
            self.canvas.aside(lambda _: named(target), go_on)

    def publish(self, turn: tuple[float, bool]) -> None:
        """Show to guests what is shown to who works: its recipe, and how it is turned."""
        self._recipe, self._turn = self._live.recipe, turn
        self.tick()

    def set_motion(self, *, fades: bool, drifts: bool) -> None:
        """Let pictures pass over into one another, and come slowly nearer; or not."""
        self.canvas.fade.lasts_ms = STAGE_MS if fades else 0
        if drifts:
            self._since.start()
            self._drift.start()
        else:
            self._drift.stop()
            self._look(0.0, 0.0)

    def set_palette(self, palette: Palette) -> None:
        """Change colours: at night here too."""
        self.canvas.set_palette(palette)
        self.board.set_palette(palette)

    def tick(self) -> None:
        """Show what is new; of another target, as soon as it is known what that is."""
        if (self._live.state.target or "") != self._target:
            self._look_up(self.tick)
            return
        pictures, state = self._live.pictures, self._live.state
        order = order_of(STACK, pictures, self._recipe)
        self.canvas.turn(self._turn[0], mirrored=self._turn[1])
        self.canvas.show_picture(None if order is None else replace(order, softly=True))
        self.board.set_told(told(state, pictures.stack, pictures.last, datetime.now(UTC)), is_empty=order is None)

    def _take_past(self, found: Future[tuple[Past, ...]]) -> None:
        self._past = found.result()
        self._next_slide()
        self._slides.start()

    def _next_slide(self) -> None:
        """Show the next picture of a former night, as long as there is none of this one."""
        if not self.board.is_empty or not self._past:
            self._slides.stop()
            self.board.set_past(None, None)
            return
        past = self._past[self._past_at % len(self._past)]
        self._past_at += 1

        def take(image: Future[Array | None]) -> None:
            self.board.set_past(image.result(), past)

        self.canvas.aside(lambda _: seen(past, _SLIDE_PX), take)

    def _move(self) -> None:
        """Come nearer and go back, never faster than the eye takes for standing still."""
        if not self.canvas.fade.is_on:
            turn = math.pi * self._since.elapsed() / (1000 * _NEARER_S)
            self._look(_NEARER * (1 - math.cos(turn)) / 2, 0.6 * math.sin(0.618 * turn))

    def _look(self, nearer: float, aside: float) -> None:
        look = self.canvas.look
        assert isinstance(look, Aimed)
        look.nearer, look.aside = nearer, aside
        self.canvas.go(look.mode)

    def change_size(self) -> None:
        """Fill the screen, or not."""
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def _leave(self) -> None:
        self.showNormal() if self.isFullScreen() else self.close()

    def mouseDoubleClickEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Fill the screen, or not."""
        self.change_size()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Cover all of it."""
        self.canvas.resize(self.size())
        self.board.resize(self.size())

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop following."""
        self._clock.stop()
        self._drift.stop()
        self._slides.stop()
        self.board.stop()
        self._lit.close()
        self.canvas.close_room()
        super().closeEvent(event)
        self.closed.emit()
