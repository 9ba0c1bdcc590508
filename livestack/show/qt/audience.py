"""What a window has for those who stand around: a screen, a code for their phones, and a sound for who is away."""

# mypy: allow-subclassing-any
from __future__ import annotations

from datetime import UTC, datetime

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.alarm import OFF, VOICE, Bell, alarm
from livestack.show.code import SHORT, modules, only_here
from livestack.show.motion import wants_less_motion
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.code import draw_code
from livestack.show.qt.fade import VIEWER_MS
from livestack.show.qt.live import Live
from livestack.show.qt.stage import Stage
from livestack.show.qt.theme import font, scaled
from livestack.show.qt.ticks import Ticks
from livestack.show.sound import play, speak
from livestack.show.status import Status
from livestack.show.tokens import Palette

Qt = QtCore.Qt

_CODE_PX, _MARGIN_PX = 280, 28
_NO_PAGE = "No page is served from here: start livestack with --bind lan, and phones near by can see the picture."
_ONLY_HERE = "The page is for this computer alone: start with --bind lan, and phones near by can see the picture."


class Audience(QtCore.QObject):
    """Opens and closes them, and keeps them as the window is: dark or night, with motion or without."""

    def __init__(self, window: QtWidgets.QWidget, live: Live, canvas: Canvas, palette: Palette) -> None:
        super().__init__(window)
        self.stage: Stage | None = None
        self.ticks = Ticks(self)
        self.bell = Bell()
        self._live, self._canvas, self._palette = live, canvas, palette
        page = live.source.page
        self.code = CodePanel(canvas, None if page is None or only_here(page) else page, palette)
        self.ticks.changed.connect(self._move)
        self.ticks.chose_sound.connect(self._try_sound)
        live.told.connect(self._hear)
        canvas.aside(lambda _: wants_less_motion(), lambda found: self._system_says(found.result()))
        self._move()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.code.set_palette(palette)
        if self.stage is not None:
            self.stage.set_palette(palette)

    def toggle_stage(self) -> None:
        """Open the screen for guests, or close it."""
        if self.stage is not None:
            self.stage.close()
            return
        window = self.parent()
        self.stage = Stage(self._live, self._palette)
        self.stage.closed.connect(self._stage_closed)
        self._move()
        is_alone = self.stage.open(window)
        how = " Drag it over; F fills the screen there." if is_alone else ""
        self._live.say(f"The guests' screen is open.{how} Shift+F closes it.")

    def publish(self) -> None:
        """Show to guests what is on this screen now."""
        if self.stage is None:
            self._live.say("There is no screen for guests yet: Shift+F opens it.")
            return
        self.stage.publish(self._live.turn())
        self._live.say("Guests see the picture as it is developed here now.")

    def toggle_code(self) -> None:
        """Show the code that leads phones to the page, or say why there is none."""
        page = self._live.source.page
        if page is None or only_here(page):
            self._live.say(_NO_PAGE if page is None else _ONLY_HERE)
        else:
            self.code.toggle()

    def quiet(self) -> None:
        """Say and sound no more of what is told now."""
        self.bell.quiet()
        self._live.quiet()

    def close(self) -> None:
        """Close what is open."""
        if self.stage is not None:
            self.stage.close()

    def _stage_closed(self) -> None:
        stage, self.stage = self.stage, None
        if stage is not None:
            stage.deleteLater()

    def _system_says(self, wants_less: bool) -> None:
        self.ticks.system_wants_less = wants_less
        self._move()

    def _move(self) -> None:
        moves = not self.ticks.less_motion
        self._canvas.fade.lasts_ms = VIEWER_MS if moves else 0
        if self.stage is not None:
            self.stage.set_motion(fades=moves, drifts=moves and self.ticks.drifts)

    def _hear(self, shown: Status) -> None:
        now = datetime.now(UTC)
        words = alarm(self._live.state, shown, now)
        if not self.bell.rings(words, now):
            return
        self._sound(f"{words}. {shown.detail}")

    def _sound(self, words: str) -> bool:
        if self.ticks.sound == OFF:
            return True
        return speak(words) if self.ticks.sound == VOICE else play()

    def _try_sound(self) -> None:
        """Let what was chosen be heard, so that who chose it knows that it can be."""
        if not self._sound("livestack speaks up when something needs hands."):
            self._live.say("This computer has nothing that makes a sound for livestack: the pill and this line stay.")


class CodePanel(QtWidgets.QWidget):
    """The code on a quiet ground, in the middle of the picture."""

    def __init__(self, parent: QtWidgets.QWidget, page: str | None, palette: Palette) -> None:
        super().__init__(parent, objectName="help")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._palette = palette
        self._code = None if page is None else modules(page)
        address = "" if page is None else page.removeprefix("http://").rstrip("/")
        self._words = ("See it on your phone", address if len(address) <= SHORT else "")
        self.setAccessibleName(f"Code for phones: {address}")
        self.hide()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def toggle(self) -> None:
        """Show or hide, in the middle."""
        code, margin = scaled(_CODE_PX), scaled(_MARGIN_PX)
        self.resize(code + 2 * margin, code + 2 * margin + scaled(58))
        seen = self.parentWidget().contentsRect()
        self.move((seen.width() - self.width()) // 2, max(8, (seen.height() - self.height()) // 2))
        self.setVisible(not self.isVisible())
        self.raise_()

    def mousePressEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Go away."""
        self.hide()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        super().paintEvent(event)
        if self._code is None:
            return
        painter = QtGui.QPainter(self)
        code, margin = scaled(_CODE_PX), scaled(_MARGIN_PX)
        draw_code(painter, self._code, QtCore.QRectF(margin, margin, code, code), self._palette)
        top = margin + code + scaled(12)
        for text, size, weight, ink in (
            (self._words[0], 18, 600, self._palette.t1),
            (self._words[1], 14, 400, self._palette.t2),
        ):
            painter.setFont(font(size, weight))
            painter.setPen(QtGui.QColor(ink))
            painter.drawText(QtCore.QRectF(0, top, self.width(), scaled(26)), Qt.AlignmentFlag.AlignCenter, text)
            top += scaled(28)
        painter.end()
