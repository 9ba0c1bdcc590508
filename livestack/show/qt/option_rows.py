"""One option of the settings: its words, a control for its kind of value, whether it was changed, and the way back."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.option_words import Words, usual, value_words
from livestack.show.qt import knob
from livestack.show.qt.chooser import choose_file, choose_folder
from livestack.show.qt.red import redden
from livestack.show.qt.theme import pixmap
from livestack.show.tokens import DARK, Palette
from livestack.show.words import THIN, place

CONTROL_PX, HIGH_PX = 212, 36

Take = Callable[[Any], None]


class Control(Protocol):
    """What an option is given by."""

    def show_value(self, value: Any) -> None:
        """Show a value; it is no change."""


class Switch(knob.Switch):
    """On or off."""

    def __init__(self, words: Words, take: Take) -> None:
        super().__init__("", DARK)
        self.clicked.connect(take)

    def show_value(self, value: Any) -> None:
        """Show a value; it is no change."""
        self.setChecked(bool(value))
        self.setText("On" if value else "Off")


class Pick(QtWidgets.QComboBox):
    """One of a few; the wheel scrolls the page, and changes nothing."""

    def __init__(self, words: Words, take: Take) -> None:
        super().__init__()
        self._palette = DARK
        self._values = [value for value, _ in words.choices]
        self.addItems([called for _, called in words.choices])
        self.activated.connect(lambda at: take(self._values[at]))

    def show_value(self, value: Any) -> None:
        """Show a value; it is no change."""
        self.setCurrentIndex(self._values.index(value))

    def set_palette(self, palette: Palette) -> None:
        """Take the colour of the arrow."""
        self._palette = palette
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the arrow as an outline, as all icons are."""
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        arrow = pixmap("open", self._palette.t2, 16, self.devicePixelRatioF())
        painter.drawPixmap(QtCore.QPointF(self.width() - 26, (self.height() - 16) / 2), arrow)
        painter.end()

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave it to the page."""
        event.ignore()


class Number(QtWidgets.QDoubleSpinBox):
    """A number with its unit; arrows step."""

    def __init__(self, words: Words, take: Take, whole: bool) -> None:
        super().__init__()
        self._per, self._whole, self._known = words.per, whole, 0.0
        self.setDecimals(words.digits)
        self.setRange(words.least, words.most)
        self.setSingleStep(words.step)
        self.setSuffix(words.unit if words.unit in ("", "×") else f"{THIN}{words.unit}")
        self.setSpecialValueText(words.zero)
        self.setButtonSymbols(self.ButtonSymbols.NoButtons)
        self.setKeyboardTracking(False)
        self.setGroupSeparatorShown(True)
        self.valueChanged.connect(lambda shown: take(self._own(shown)))

    def _own(self, shown: float) -> float | int:
        return round(shown / self._per) if self._whole else round(shown / self._per, 6)

    def show_value(self, value: Any) -> None:
        """Show a value; it is no change."""
        self.blockSignals(True)
        self.setValue(value * self._per)
        self.blockSignals(False)

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave it to the page."""
        event.ignore()


class Text(QtWidgets.QLineEdit):
    """A few letters; taken when they are complete."""

    def __init__(self, words: Words, take: Take) -> None:
        super().__init__(objectName="value")
        self._known = ""
        self.editingFinished.connect(lambda: take(self.text().strip()) if self.text().strip() != self._known else None)

    def show_value(self, value: Any) -> None:
        """Show a value; it is no change."""
        # what several texts are, such as addresses with passwords, is nobody's business
        self._known = f"{len(value)} set" * bool(value) if isinstance(value, tuple) else str(value)
        self.setText(self._known)


class Places(QtWidgets.QWidget):
    """One file, or several folders: each can be taken off, and more chosen."""

    def __init__(self, words: Words, take: Take, several: bool) -> None:
        super().__init__()
        self._take, self._several, self._palette = take, several, DARK
        self._is_folder = words.place == "folder"
        self._title = f"Choose {words.place}"
        self.add = QtWidgets.QPushButton(f"{'Add' if several else 'Choose'} {words.place}…")
        self.add.setAccessibleName(f"{words.label}: {self._title.lower()}")
        self.add.setFixedHeight(HIGH_PX)
        self.add.clicked.connect(self._choose)
        self._column = QtWidgets.QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(self.add)
        self.values: tuple[str, ...] = ()
        self._names: list[QtWidgets.QPushButton] = []

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of the chooser."""
        self._palette = palette

    def show_value(self, value: Any) -> None:
        """Show a value; it is no change."""
        self.values = value if isinstance(value, tuple) else (value,) if value else ()
        for name in self._names:
            name.deleteLater()
        self._names = []
        for path in self.values:
            name = QtWidgets.QPushButton(toolTip=f"{path}\nClick to take it off")
            cut = QtCore.Qt.TextElideMode.ElideLeft
            name.setText(f"{name.fontMetrics().elidedText(place(path), cut, CONTROL_PX - 64)}  ×")
            name.setAccessibleName(f"Take {place(path)} off")
            name.setFixedHeight(HIGH_PX)
            name.clicked.connect(lambda _=False, path=path: self._without(path))
            self._names.append(name)
            self._column.insertWidget(self._column.count() - 1, name)

    def _without(self, path: str) -> None:
        left = tuple(other for other in self.values if other != path)
        self._take(left if self._several else None)

    def _choose(self) -> None:
        choose = choose_folder if self._is_folder else choose_file
        at = Path(self.values[-1]).parent if self.values else Path.home()
        choose(self.window(), f"{self._title}…", at, self._palette, self.add_path)

    def add_path(self, path: Path) -> None:
        """Take one more, or another one."""
        self._take(tuple(dict.fromkeys((*self.values, str(path)))) if self._several else str(path))


class OptionRow(QtWidgets.QWidget):
    """An option; `chose` tells a value, None = the usual one."""

    chose = QtCore.Signal(str, str, object)

    def __init__(self, group: str, words: Words) -> None:
        super().__init__()
        self.group, self.words = group, words
        self._usual = usual(group, words)
        self.name = QtWidgets.QLabel(words.label, objectName="option", wordWrap=True)
        self.text = QtWidgets.QLabel(words.text, objectName="label", wordWrap=True)
        self.mark, self.state = QtWidgets.QLabel(), QtWidgets.QLabel(objectName="label")
        self.back = QtWidgets.QPushButton("Reset", objectName="link", accessibleName=f"Reset {words.label}")
        self.back.clicked.connect(lambda: self.take(None))
        self.wrong = QtWidgets.QLabel(objectName="said", wordWrap=True)
        self.wrong.hide()
        self.control = self._control()
        self.control.setAccessibleName(words.label)
        self.control.setAccessibleDescription(words.text)
        self.control.setEnabled(not words.why_not)
        self.control.setToolTip(words.why_not)
        self.control.setFixedWidth(CONTROL_PX)
        if not isinstance(self.control, Places):
            self.control.setFixedHeight(HIGH_PX)
        self._lay_out()

    def _control(self) -> Any:
        words = self.words
        if words.choices:
            return Pick(words, self.take)
        if words.place:
            return Places(words, self.take, isinstance(self._usual, tuple))
        if isinstance(self._usual, bool):
            return Switch(words, self.take)
        if isinstance(self._usual, int | float):
            return Number(words, self.take, isinstance(self._usual, int))
        return Text(words, self.take)

    def _lay_out(self) -> None:
        state = QtWidgets.QHBoxLayout()
        state.setSpacing(8)
        for part in (self.mark, self.state, self.back):
            state.addWidget(part)
        self.state.setMinimumWidth(10)
        state.addStretch()
        words = QtWidgets.QVBoxLayout()
        words.setSpacing(3)
        words.addWidget(self.name)
        words.addWidget(self.text)
        words.addLayout(state)
        words.addWidget(self.wrong)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 12, 0, 12)
        row.setSpacing(24)
        row.addLayout(words, 1)
        row.addWidget(self.control, 0, QtCore.Qt.AlignmentFlag.AlignTop)

    def take(self, value: Any) -> None:
        """Take a value that was given by hand."""
        self.chose.emit(self.group, self.words.name, value)

    def show_value(self, value: Any) -> None:
        """Show a value, and whether it is the usual one."""
        self.wrong.hide()
        self.control.show_value(value)
        changed = value != self._usual
        its = value_words(self.words, self._usual)
        said = [self.words.why_not or (f"Changed, usually {its}" if changed else f"Usually {its}"), self.words.applies]
        self.state.setText(" · ".join(said[:1] if self.words.why_not else said))
        self.mark.setVisible(changed)
        self.back.setVisible(changed)

    def show_wrong(self, sentence: str) -> None:
        """Say why a value cannot be used."""
        self.wrong.setText(sentence)
        self.wrong.show()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self.mark.setPixmap(pixmap("dot", palette.acc, 16, self.devicePixelRatioF()))
        if isinstance(self.control, Places | Pick | Switch):
            self.control.set_palette(palette)
        elif isinstance(self.control, Number | Text):
            redden(self.control, palette)
