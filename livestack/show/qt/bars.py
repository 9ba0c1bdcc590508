"""The two bars: what is stacked and how it goes above, how far it has come below."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.numbers import Value
from livestack.show.qt.ribbon import Ribbon
from livestack.show.qt.sizes import is_small
from livestack.show.qt.theme import font, pixmap, scaled, text_scale
from livestack.show.qt.tongue import count_of, in_locale, told, tr
from livestack.show.status import Status
from livestack.show.tokens import Palette

_PILL, _TOP, _BOTTOM, _LOW_BOTTOM = 36, 56, 104, 72
_ICON_PX, _BIG_ICON_PX = 20, 28
_ADVICE, _WORD = 34, 12
"""Height of the advice, which has two lines where it must; letters of a long word."""
_TONES = {"plain": "t2", "good": "acc", "hold": "hold", "bad": "bad"}


def tone(palette: Palette, name: str) -> str:
    """Return the colour of a tone."""
    return str(getattr(palette, _TONES[name]))


class Pill(QtWidgets.QWidget):
    """The state in an icon, a word and a detail."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._status = self._untold = Status("ring", "plain", "", "", "")
        self.is_short = False
        self.setFixedHeight(scaled(_PILL))
        self.setAccessibleName("State")

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.setFixedHeight(scaled(_PILL))
        self.update()

    def set_status(self, status: Status) -> bool:
        """Show a state; returns whether it is another one."""
        if status == self._untold:
            return False
        self._untold, status = status, told(status)
        if status == self._status:
            return False
        self._status = status
        self.setAccessibleDescription(f"{status.word} {status.detail}")
        self.updateGeometry()
        self.resize(self.sizeHint())
        self.update()
        return True

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        """As wide as its words; short: as the first of them."""
        word, detail = (QtGui.QFontMetrics(font(14, weight)) for weight in (600, 400))
        wide = scaled(44) + word.horizontalAdvance(self._status.word) + 18
        more = 10 + detail.horizontalAdvance(self._status.detail) if self._detail else 0
        return QtCore.QSize(wide + more, scaled(_PILL))

    @property
    def _detail(self) -> str:
        return "" if self.is_short else self._status.detail

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        palette, status = self._palette, self._status
        colour = tone(palette, status.tone)
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        thick = 2.0 if status.framed and status.tone == "bad" else 1.0
        painter.setPen(QtGui.QPen(QtGui.QColor(colour if status.framed else palette.line), thick))
        painter.setBrush(QtGui.QColor(palette.bg3))
        edge = thick / 2
        round_px = scaled(_PILL) / 2 - 1
        painter.drawRoundedRect(QtCore.QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), round_px, round_px)
        icon = pixmap(status.icon, colour, scaled(20), self.devicePixelRatioF())
        painter.drawPixmap(QtCore.QPointF(scaled(14), scaled(8)), icon)
        x = scaled(44)
        for text, weight, ink in ((status.word, 600, palette.t1), (self._detail, 400, palette.t2)):
            painter.setFont(font(14, weight))
            painter.setPen(QtGui.QColor(ink))
            painter.drawText(QtCore.QRectF(x, 0, 900, self.height()), QtCore.Qt.AlignmentFlag.AlignVCenter, text)
            x += painter.fontMetrics().horizontalAdvance(text) + 10
        painter.end()


class TopBar(QtWidgets.QWidget):
    """Mark, target, stack and the icons; the pill sits in the middle of the window whatever is beside it."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(objectName="bar")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self.mark, self.target = QtWidgets.QLabel(), QtWidgets.QLabel(objectName="head")
        self.called, self.chip = QtWidgets.QLabel(objectName="name"), QtWidgets.QLabel(objectName="chip")
        self.pill = Pill(palette)
        self.pill.setParent(self)
        self.icons = QtWidgets.QHBoxLayout()
        self.icons.setSpacing(4)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(12)
        for part in (self.mark, self.target, self.called, self.chip):
            row.addWidget(part)
        row.addStretch()
        row.addLayout(self.icons)
        self._buttons: list[tuple[QtWidgets.QToolButton, str]] = []
        self._name = self._called = ""
        self.set_palette(palette)

    def add_icon(self, icon: str, name: str, key: str = "", *, checkable: bool = False) -> QtWidgets.QToolButton:
        """Add a button of 40×40 at the right."""
        button = QtWidgets.QToolButton(checkable=checkable, toolTip=f"{name}  {key}", accessibleName=name)
        button.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.icons.addWidget(button)
        self._buttons.append((button, icon))
        return button

    def add_divider(self) -> None:
        """Set the icons that follow apart from those before."""
        divider = QtWidgets.QFrame(objectName="divider")
        divider.setFixedSize(1, 24)
        for part in (4, divider, 4):
            self.icons.addSpacing(part) if isinstance(part, int) else self.icons.addWidget(part)

    def set_palette(self, palette: Palette) -> None:
        """Change colours, and sizes where the text has another."""
        ratio = self.devicePixelRatioF()
        self.setFixedHeight(scaled(_TOP))
        self.chip.setFixedHeight(scaled(32))
        self.mark.setPixmap(pixmap("mark", palette.acc, scaled(24), ratio))
        self.pill.set_palette(palette)
        px = _BIG_ICON_PX if text_scale() > 1 else _ICON_PX
        for button, icon in self._buttons:
            button.setFixedSize(scaled(40), scaled(40))
            button.setIconSize(QtCore.QSize(px, px))
            made = QtGui.QIcon(pixmap(icon, palette.t2, px, ratio))
            made.addPixmap(pixmap(icon, palette.acc, px, ratio), QtGui.QIcon.Mode.Normal, QtGui.QIcon.State.On)
            button.setIcon(made)

    def set_stack(self, target: str, chip: str) -> None:
        """Name what is stacked."""
        self._name = target
        self.chip.setText(chip)
        self.resizeEvent(None)

    def set_called(self, name: str) -> None:
        """Say what people call the target; empty where its own name says that, or it has none."""
        self._called = name
        self.resizeEvent(None)

    def set_status(self, status: Status) -> None:
        """Show a state in the pill."""
        if self.pill.set_status(status):
            self.resizeEvent(None)

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Keep the pill in the middle, left of the icons.

        Where that is narrow its detail gives way, then what people call the target, the chip, the end of the name.
        """
        n = len(self._buttons)
        icons = self.width() - 12 - n * scaled(40) - (n - 1) * self.icons.spacing()
        for self.pill.is_short in (False, True):
            self.pill.resize(self.pill.sizeHint())
            left = (self.width() - self.pill.width()) // 2
            if left + self.pill.width() <= icons - 8:
                break
        left = min(left, icons - self.pill.width() - 8)
        self.pill.move(left, (self.height() - self.pill.height()) // 2)
        metrics, room = self.target.fontMetrics(), left - 16 - self.target.x()
        shown = metrics.elidedText(self._name, QtCore.Qt.TextElideMode.ElideRight, max(room, 0))
        self.target.setText(shown)
        self.target.setToolTip(self._name if shown != self._name else "")
        end, gap = self.target.x() + metrics.horizontalAdvance(shown), 12
        chip = gap + self.chip.sizeHint().width() if self.chip.text() else 0
        called = gap + self.called.fontMetrics().horizontalAdvance(self._called)
        self.called.setText(self._called if end + called + chip < left - 8 else "")
        self.called.setVisible(bool(self.called.text()))
        self.chip.setVisible(0 < chip < left - 8 - end)


class Cell(QtWidgets.QWidget):
    """One number with its label above and a line below."""

    clicked = QtCore.Signal()

    def __init__(self, label: str, width: int) -> None:
        super().__init__(objectName="cell")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self._wide = width
        self.label = QtWidgets.QLabel(label, objectName="label")
        self.number = QtWidgets.QLabel(objectName="number")
        self.below = QtWidgets.QLabel(objectName="label")
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(24, 12, 8, 12)
        column.setSpacing(4)
        for part in (self.label, self.number, self.below):
            column.addWidget(part)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Tell that it was clicked."""
        if self.rect().contains(event.pos()):
            self.clicked.emit()

    def set_value(self, parts: tuple[tuple[str, str], ...], below: str, palette: Palette) -> None:
        """Show numbers with their units, and the line below."""
        parts, below = tuple((in_locale(number), tr(unit, count_of(number))) for number, unit in parts), tr(below)
        self.setFixedWidth(scaled(self._wide))
        small = f"font-size:{scaled(16)}px;font-weight:400;color:{palette.t2}"
        self.number.setText(" ".join(f"{number}<span style='{small}'>&#8239;{unit}</span>" for number, unit in parts))
        self.below.setText(below)
        said = " ".join(f"{number} {unit}" for number, unit in parts)
        self.setAccessibleName(f"{self.label.text()}: {said}, {below}")


class Glance(QtWidgets.QWidget):
    """Four numbers, one sentence and the night ribbon."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(objectName="glance")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self._palette = palette
        self._status = Status("ring", "plain", "", "", "")
        self._values: tuple[Value, ...] = ()
        self._written: object = None
        self._is_small = False
        self.stacked, self.light = Cell("Stacked", 154), Cell("Light gathered", 188)
        self.grain, self.stars = Cell("Grain", 176), Cell("Star size", 154)
        self.grain.setToolTip("Where the noise comes from  Shift+V")
        self.grain.setCursor(QtCore.Qt.CursorShape.PointingHandCursor)
        self.icon, self.advice = QtWidgets.QLabel(), QtWidgets.QLabel(objectName="advice")
        self.advice.setMinimumWidth(10)
        self.ribbon = Ribbon(palette)
        line = QtWidgets.QHBoxLayout()
        line.setSpacing(10)
        line.addWidget(self.icon)
        line.addWidget(self.advice, 1)
        self.rest = rest = QtWidgets.QVBoxLayout()
        rest.setSpacing(0)
        rest.addLayout(line)
        rest.addWidget(self.ribbon, 1)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 1, 0, 0)
        row.setSpacing(0)
        for cell in self.cells:
            row.addWidget(cell)
        row.addLayout(rest, 1)

    @property
    def cells(self) -> tuple[Cell, Cell, Cell, Cell]:
        """The four numbers."""
        return self.stacked, self.light, self.grain, self.stars

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.ribbon.set_palette(palette)
        self.set_status(self._status)
        self.set_values(self._values)

    def set_values(self, values: tuple[Value, ...]) -> None:
        """Show the four numbers."""
        self._values = values
        for cell, (parts, below) in zip(self.cells, values, strict=False):
            cell.set_value(parts, below, self._palette)

    def set_status(self, status: Status) -> None:
        """Show a state's advice."""
        self._status = status
        room = max(10, self.advice.width() - 4)
        written = status, room, self._is_small, self._palette, text_scale()
        if written == self._written:
            return
        self._written, status = written, told(status)
        urgent = status.tone in ("hold", "bad")
        icon, ink = (status.icon, tone(self._palette, status.tone)) if urgent else ("advice", self._palette.t2)
        self.icon.setPixmap(pixmap(icon, ink, scaled(20), self.devicePixelRatioF()))
        cut = self._fitted(status.advice, room)
        self.advice.setText(cut)
        self.advice.setToolTip(status.advice if cut != status.advice else "")

    def _fitted(self, advice: str, room: int) -> str:
        """Return as much of an advice as there is room for: a long one in smaller letters, on two lines if it must."""
        one, two = (QtGui.QFontMetrics(font(size)) for size in (16, 13))
        is_long = one.horizontalAdvance(advice) > room
        name = "long" if is_long else "advice"
        if name != self.advice.objectName():
            self.advice.setObjectName(name)
            self.advice.style().unpolish(self.advice)
            self.advice.style().polish(self.advice)
        self.advice.setWordWrap(is_long and not self._is_small)
        if self.advice.wordWrap():
            broken = two.boundingRect(QtCore.QRect(0, 0, room, 999), QtCore.Qt.TextFlag.TextWordWrap, advice)
            if broken.height() <= 2 * two.lineSpacing():
                return advice
            room = 2 * room - two.horizontalAdvance("n" * _WORD)  # the first line ends where a word does
        return str((two if is_long else one).elidedText(advice, QtCore.Qt.TextElideMode.ElideRight, room))

    def fit(self, room: QtCore.QSize) -> None:
        """Give way on small windows: the third lines first, then star size."""
        small, width = is_small(room), room.width()
        self.setFixedHeight(scaled(_LOW_BOTTOM if small else _BOTTOM))
        for cell in self.cells:
            cell.below.setVisible(not small)
            cell.layout().setContentsMargins(24, 6 if small else 12, 8, 6 if small else 12)
        self._is_small = small
        self.advice.setFixedHeight(scaled(24 if small else _ADVICE))
        self.ribbon.setMinimumHeight(scaled(34 if small else 56))
        self.rest.setContentsMargins(24, 5, 20, 2 if small else 4)
        self.set_status(self._status)
        self.stars.setVisible(width >= scaled(1200))
        self.grain.setVisible(width >= scaled(900))
