"""The panel on which one chooses how the picture is developed. It only shows: the stack file stays as it is."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.develop.chain import PRESETS, Recipe
from livestack.develop.live import whole
from livestack.show.taste import KNOBS, Knob, has_glow_removed, with_glow_removed

_WIDE, _STEPS = 320, 1000


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


class DevelopPanel(QtWidgets.QWidget):
    """A preset and its numbers; `chose` tells the recipe that they make."""

    chose = QtCore.Signal(object)

    def __init__(self, preset: str) -> None:
        super().__init__(objectName="side")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(_WIDE)
        self.recipe: Recipe = whole(PRESETS[preset])
        self.presets = QtWidgets.QComboBox(accessibleName="Preset")
        self.presets.addItems([name.capitalize() for name in PRESETS])
        self.presets.setCurrentIndex(list(PRESETS).index(preset))
        self.presets.setFixedHeight(40)
        self.glow = QtWidgets.QCheckBox("Remove sky glow")
        self.sliders = [Slider(knob) for knob in KNOBS]
        self.back = QtWidgets.QPushButton("Reset")
        self._lay_out()
        self.presets.currentIndexChanged.connect(self.reset)
        self.back.clicked.connect(self.reset)
        self.glow.clicked.connect(self._set_glow)
        for slider in self.sliders:
            slider.turned.connect(lambda value, knob=slider.knob: self._choose(knob.turned(self.recipe, value)))
            slider.reset.connect(lambda knob=slider.knob: self._reset_one(knob))
        self._show()

    @property
    def preset(self) -> Recipe:
        """The recipe of the chosen preset."""
        return whole(list(PRESETS.values())[self.presets.currentIndex()])

    def reset(self, *_: object) -> None:
        """Take all numbers from the preset."""
        self._choose(self.preset)
        self._show()

    def _reset_one(self, knob: Knob) -> None:
        value = knob.value(self.preset)
        if value is not None:
            self._choose(knob.turned(self.recipe, value))
        self._show()

    def _set_glow(self, removed: bool) -> None:
        self._choose(with_glow_removed(self.recipe, removed, self.preset))

    def _choose(self, recipe: Recipe) -> None:
        if recipe != self.recipe:
            self.recipe = recipe
            self.chose.emit(recipe)

    def _show(self) -> None:
        self.glow.setChecked(has_glow_removed(self.recipe))
        for slider in self.sliders:
            slider.show_value(slider.knob.value(self.recipe))

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(2)
        column.addWidget(QtWidgets.QLabel("Develop", objectName="title"))
        column.addWidget(QtWidgets.QLabel("Display only. The stack file stays as it is.", objectName="label"))
        column.addSpacing(8)
        column.addWidget(self.presets)
        column.addSpacing(8)
        for slider in self.sliders:
            head = QtWidgets.QHBoxLayout()
            head.addWidget(QtWidgets.QLabel(slider.knob.name, objectName="label"))
            head.addStretch()
            head.addWidget(slider.said)
            column.addLayout(head)
            column.addWidget(slider)
        column.addSpacing(4)
        column.addWidget(self.glow)
        column.addStretch()
        column.addWidget(self.back)
