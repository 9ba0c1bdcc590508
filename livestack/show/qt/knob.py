"""What one turns on a panel: a number on a line, and whether it is set by itself; and what is on or off."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.qt.theme import font, pixmap
from livestack.show.qt.tongue import tr
from livestack.show.taste import Knob
from livestack.show.tokens import Palette

_STEPS = 1000
_DOT_PX, _TRACK_PX = 8, (36, 20)
_DISABLED = 0.45  # opacity of what cannot be chosen


class Slider(QtWidgets.QSlider):
    """One number: its name, its value in words, and a knob; wheel and arrows go by 1 %, Shift + arrows by 0.1 %."""

    turned = QtCore.Signal(float)
    reset = QtCore.Signal()

    def __init__(self, knob: Knob) -> None:
        super().__init__(QtCore.Qt.Orientation.Horizontal)
        self.knob, self.said = knob, QtWidgets.QLabel()
        self.setRange(0, _STEPS)
        self.setSingleStep(_STEPS // 100)
        self.setPageStep(_STEPS // 20)
        self.setAccessibleName(knob.name)
        self.setToolTip(f"{knob.name}. A double click sets it back.")
        self.valueChanged.connect(self._by_hand)

    def show_value(self, value: float | None) -> None:
        """Show a number, or that there is none to choose."""
        self.setEnabled(value is not None)
        if value is not None and value != self._value():
            self.blockSignals(True)
            self.setValue(round(_STEPS * (value - self.knob.least) / (self.knob.most - self.knob.least)))
            self.blockSignals(False)
        self._say("–" if value is None else self.knob.say(value))

    def _value(self) -> float:
        return self.knob.least + (self.knob.most - self.knob.least) * float(self.value()) / _STEPS

    def _by_hand(self, _: int) -> None:
        self._say(self.knob.say(self._value()))
        self.turned.emit(self._value())

    def _say(self, words: str) -> None:
        self.said.setText(words)
        self.setAccessibleDescription(words)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Go by small steps with Shift."""
        ways = {QtCore.Qt.Key.Key_Left: -1, QtCore.Qt.Key.Key_Right: 1}
        if event.key() in ways and event.modifiers() & QtCore.Qt.KeyboardModifier.ShiftModifier:
            self.setValue(self.value() + ways[event.key()])
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Set the number back."""
        self.reset.emit()


class Menu(QtWidgets.QComboBox):
    """A choice of one of several; the style sheet takes the arrow away that tells so, here it is."""

    def __init__(self, name: str, palette: Palette) -> None:
        super().__init__(accessibleName=name)
        self._palette = palette
        self.setFixedHeight(36)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it, with an arrow."""
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        arrow = pixmap("down", self._palette.t2, 12, self.devicePixelRatioF())
        painter.drawPixmap(QtCore.QPointF(self.width() - 28, (self.height() - 12) / 2), arrow)
        painter.end()


class Dot(QtWidgets.QAbstractButton):
    """Whether a number is set by itself: a dot; or by hand: a ring, and a click gives it back."""

    def __init__(self, name: str, palette: Palette) -> None:
        super().__init__()
        self._name, self._palette, self._is_auto = tr(name), palette, True
        self.setFixedSize(24, 18)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.set_auto(True)

    def set_auto(self, auto: bool) -> None:
        """Show whether the number is set by itself."""
        self._is_auto = auto
        self.setEnabled(not auto)
        self.setAccessibleName(f"{self._name}: {tr('auto') if auto else tr('set by you')}")
        self.setToolTip(tr("Auto") if auto else tr("Set by you: it stays. A click makes it auto again."))
        self.update()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.acc if self._is_auto else self._palette.t1), 1.6))
        painter.setBrush(QtGui.QColor(self._palette.acc if self._is_auto else self._palette.bg2))
        centre = QtCore.QRectF(self.rect()).center()
        painter.drawEllipse(centre, _DOT_PX / 2, _DOT_PX / 2)
        if self.hasFocus():
            ring(painter, self, self._palette)
        painter.end()


class Switch(QtWidgets.QCheckBox):
    """What is on or off: its name, and a switch at the right."""

    def __init__(self, text: str, palette: Palette) -> None:
        super().__init__(text)
        self._palette = palette
        self.setFixedHeight(26)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def hitButton(self, place: QtCore.QPoint) -> bool:  # noqa: N802 - Qt's name
        """All of it is there to be pressed."""
        return bool(self.rect().contains(place))

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw name and switch; which way it lies tells what it is, not its colour alone."""
        palette, (wide, high) = self._palette, _TRACK_PX
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1.0 if self.isEnabled() else _DISABLED)
        painter.setFont(font(14))
        painter.setPen(QtGui.QColor(palette.t1))
        painter.drawText(self.rect().adjusted(0, 0, -wide, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self.text())
        track = QtCore.QRectF(self.width() - wide, (self.height() - high) / 2, wide, high)
        is_filled = self.isChecked() and not palette.is_night
        edge = palette.acc if self.isChecked() else palette.track
        painter.setPen(QtGui.QPen(QtGui.QColor(edge), 1.6))
        painter.setBrush(QtGui.QColor(palette.acc if is_filled else palette.bg1))
        painter.drawRoundedRect(track.adjusted(0.8, 0.8, -0.8, -0.8), high / 2 - 0.8, high / 2 - 0.8)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(palette.ink if self.isChecked() else palette.t1))
        x = track.right() - high / 2 if self.isChecked() else track.left() + high / 2
        painter.drawEllipse(QtCore.QPointF(x, track.center().y()), 6.5, 6.5)
        if self.hasFocus():
            ring(painter, self, palette)
        painter.end()


def ring(painter: QtGui.QPainter, widget: QtWidgets.QWidget, palette: Palette) -> None:
    """Draw what shows that the keys go to a widget."""
    painter.setPen(QtGui.QPen(QtGui.QColor(palette.t1), 2.0))
    painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QtCore.QRectF(widget.rect()).adjusted(1, 1, -1, -1), 6, 6)


class Row(QtWidgets.QWidget):
    """A slider with its name, its value, and whether it is set by itself."""

    def __init__(self, knob: Knob, palette: Palette) -> None:
        super().__init__()
        self.slider, self.dot = Slider(knob), Dot(knob.name, palette)
        head = QtWidgets.QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(QtWidgets.QLabel(knob.name, objectName="label"))
        head.addWidget(self.dot)
        head.addStretch()
        head.addWidget(self.slider.said)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.slider)

    def show_value(self, value: float | None, auto: bool) -> None:
        """Show a number; where there is none to choose, nothing."""
        self.setVisible(value is not None)
        self.slider.show_value(value)
        self.dot.set_auto(auto)


class Grip(QtWidgets.QWidget):
    """The left edge of a panel, by which it is made wider."""

    pulled = QtCore.Signal(int)
    released = QtCore.Signal()

    def __init__(self, panel: QtWidgets.QWidget) -> None:
        super().__init__(panel)
        self.setCursor(QtCore.Qt.CursorShape.SizeHorCursor)
        self._from: tuple[float, int] | None = None

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of it."""
        self._from = event.globalPos().x(), self.parentWidget().width()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Tell how wide it is to be."""
        if self._from is not None:
            x, wide = self._from
            self.pulled.emit(round(wide + x - event.globalPos().x()))

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go of it."""
        self._from = None
        self.released.emit()
