"""What lies over the picture: the steps before the first sub, the view switcher, a tag, the help."""

# mypy: allow-subclassing-any
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.counted import count
from livestack.frame import Array
from livestack.show.greys import Greys
from livestack.show.qt.look import night_red
from livestack.show.qt.theme import font, pixmap, scaled
from livestack.show.qt.tongue import tr
from livestack.show.state import NightState
from livestack.show.tokens import Palette
from livestack.show.views import STACK, VIEWS, Legend
from livestack.show.words import place

_SHOWN_MS = 3000
_SWITCHER_PX, _FROM_EDGE_PX = (560, 40), 4
_SEGMENT_LEAST_PX = 60
_HELP_LAST = (2, 10, 0), (1, 14, 2)
_HELP_SHAPES = (3, 28, 6), (4, 28, 6), (3, 14, 2), *_HELP_LAST
"""Columns, margin and gap, in order of wish; the last of them may scroll."""
_HELP_EDGE_PX, _TIGHT_PX = 4, 20
_WIDGET_MOST = 16_777_215  # Qt's own, where nothing else is said
_LEGEND_PX = 13
_BAR_PX = (140, 8)


class Waiting(QtWidgets.QWidget):
    """Three steps on faint stars, until the first sub is there."""

    def __init__(self, parent: QtWidgets.QWidget, palette: Palette) -> None:
        super().__init__(parent)
        self._palette, self._state = palette, NightState()
        self._stars = faint_stars()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_state(self, state: NightState) -> None:
        """Show how far things are."""
        if state is not self._state:
            self._state = state
            self.setAccessibleName(". ".join(f"{head}: {detail}" for _, head, detail in self.steps()))
            self.update()

    def steps(self) -> tuple[tuple[bool, str, str], ...]:
        """Return whether it is done, what it is, and one more line, for each step."""
        state = self._state
        there = bool(state.folder) and state.lost is None
        watching = f"Watching {place(state.folder)}" if state.folder else "Watching"
        masters = [(kind, n) for kind, n in state.masters if kind in ("dark", "flat", "bias")]
        if masters:
            named = " and ".join(kind for kind, _ in masters) if len(masters) < 3 else "bias, dark and flat"
            calibration = (True, f"{named.capitalize()} ready", _frames([n for _, n in masters]))
        else:
            calibration = (False, "No dark or flat yet", "You can add them later, even tomorrow")
        steps = (
            (there, watching, "New pictures are found by themselves"),
            calibration,
            (False, "First picture", "Start the sequence in your camera program"),
        )
        return tuple((done, tr(head), tr(detail)) for done, head, detail in steps)

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw stars and steps."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QtGui.QColor(self._palette.bg0))
        draw_stars(painter, self._stars, self.size(), self._palette)
        steps = self.steps()
        wide = max(QtGui.QFontMetrics(font(18)).horizontalAdvance(head) for _, head, _ in steps)
        wide = max(wide, *(QtGui.QFontMetrics(font(14)).horizontalAdvance(detail) for _, _, detail in steps))
        left, top = (self.width() - wide - scaled(34)) // 2, self.height() // 2 - scaled(100)
        for done, head, detail in steps:
            icon, colour = ("check", self._palette.acc) if done else ("ring", self._palette.t2)
            mark = pixmap(icon, colour, scaled(20), self.devicePixelRatioF())
            painter.drawPixmap(QtCore.QPointF(left, top + 2), mark)
            for text, size, ink, down in ((head, 18, self._palette.t1, 18), (detail, 14, self._palette.t2, 42)):
                painter.setFont(font(size))
                painter.setPen(QtGui.QColor(ink))
                painter.drawText(QtCore.QPointF(left + scaled(34), top + scaled(down)), text)
            top += scaled(72)
        painter.end()


def faint_stars() -> Array:
    """Return a sky that means nothing: places as shares of a widget, and radii in px; (n, 3)."""
    sky = np.random.default_rng(27)
    return np.column_stack([sky.random((110, 2)), 0.4 + sky.pareto(2.6, 110).clip(0, 1.6)])


def draw_stars(painter: QtGui.QPainter, stars: Array, room: QtCore.QSize, palette: Palette) -> None:
    """Draw faint stars where there is no picture yet."""
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    colour = QtGui.QColor(palette.track)
    for x, y, size in stars:
        colour.setAlphaF(min(0.9, 0.25 + 0.35 * size))
        painter.setBrush(colour)
        painter.drawEllipse(QtCore.QPointF(x * room.width(), y * room.height()), size, size)


def _frames(counts: list[int]) -> str:
    *others, last = counts
    return (", ".join(f"{n:,}" for n in others) + " and " if others else "") + count(last, "frame")


class Switcher(QtWidgets.QWidget):
    """Which picture is shown; shows itself while a hand is on it."""

    def __init__(self, parent: QtWidgets.QWidget, choose: Callable[[str], None]) -> None:
        super().__init__(parent, objectName="segments")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(0)
        self.buttons: dict[str, QtWidgets.QPushButton] = {}
        for name, text, tip in VIEWS:
            button = QtWidgets.QPushButton(text, objectName="segment", checkable=True, autoExclusive=True)
            button.setToolTip(tip)
            button.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
            button.setMinimumWidth(_SEGMENT_LEAST_PX)
            button.clicked.connect(lambda _=False, name=name: choose(name))
            row.addWidget(button)
            self.buttons[name] = button
        self.buttons[STACK].setChecked(True)
        self._timer = QtCore.QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def appear(self) -> None:
        """Show for three seconds from now."""
        seen, (wide, high) = self.parentWidget().contentsRect(), map(scaled, _SWITCHER_PX)
        self.setFixedSize(min(wide, seen.width() - 2 * _FROM_EDGE_PX), high)
        self.move((seen.width() - self.width()) // 2, seen.height() - self.height() - 16)
        self.show()
        self.raise_()
        self._timer.start()


class Tag(QtWidgets.QWidget):
    """What the picture shows, at its top left; for a map also which numbers its greys are."""

    def __init__(self, parent: QtWidgets.QWidget, palette: Palette) -> None:
        super().__init__(parent)
        self._palette, self._legend = palette, Legend()
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_legend(self, legend: Legend) -> None:
        """Show what is on screen, or nothing."""
        legend = replace(legend, text=tr(legend.text))
        self._legend, is_map = legend, legend.greys is not None
        self.setAccessibleName(legend.text + (f": {' to '.join(legend.ends)}" if is_map else ""))
        wide = _advance(legend.text, 600)
        if is_map:
            wide = max(wide, sum(map(_advance, legend.ends)) + _BAR_PX[0] + 16)
        self.resize(wide + 20, scaled(52 if is_map else 28))
        self.move(16, 16)
        self.setVisible(bool(legend.text))
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        whole, legend = QtCore.QRectF(self.rect()), self._legend
        if legend.greys is None:
            draw_tag(painter, whole, legend.text, font(_LEGEND_PX, 600), self._palette)
        else:
            draw_tag(painter, whole, "", font(_LEGEND_PX), self._palette)
            self._draw_greys(painter, legend.text, legend.ends, legend.greys)
        painter.end()

    def _draw_greys(self, painter: QtGui.QPainter, text: str, ends: tuple[str, str], greys: Greys) -> None:
        painter.setPen(QtGui.QColor(self._palette.t1))
        painter.setFont(font(_LEGEND_PX, 600))
        painter.drawText(QtCore.QPointF(10, scaled(19)), text)
        painter.setFont(font(_LEGEND_PX))
        left = 10 + _advance(ends[0]) + 8
        bar = QtCore.QRectF(left, scaled(32), *_BAR_PX)
        painter.drawText(QtCore.QPointF(10, scaled(41)), ends[0])
        painter.drawText(QtCore.QPointF(bar.right() + 8, scaled(41)), ends[1])
        fade = QtGui.QLinearGradient(bar.topLeft(), bar.topRight())
        ends_of_bar = np.array([[greys.dark, greys.bright]], np.uint8)
        seen = (
            night_red(ends_of_bar, self._palette.brightness) if self._palette.is_night else np.dstack([ends_of_bar] * 3)
        )
        for share, colour in enumerate(seen[0].tolist()):
            fade.setColorAt(share, QtGui.QColor(*colour))
        painter.fillRect(bar, QtGui.QBrush(fade))
        painter.setPen(QtGui.QColor(self._palette.line2))
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))


def _advance(text: str, weight: int = 400) -> int:
    return int(QtGui.QFontMetrics(font(_LEGEND_PX, weight)).horizontalAdvance(text))


def draw_tag(painter: QtGui.QPainter, place: QtCore.QRectF, text: str, written: QtGui.QFont, palette: Palette) -> None:
    """Draw a label that can be read on any picture."""
    ground = QtGui.QColor(palette.bg1)
    ground.setAlphaF(0.82)
    painter.setBrush(ground)
    painter.setPen(QtGui.QColor(palette.line2 if palette.is_night else palette.line))
    painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    painter.setFont(written)
    painter.setPen(QtGui.QColor(palette.t1))
    painter.drawText(place, QtCore.Qt.AlignmentFlag.AlignCenter, text)


class Help(QtWidgets.QScrollArea):
    """The keys, over the window until any of them is pressed again; it scrolls where they have no room."""

    def __init__(self, parent: QtWidgets.QWidget, keys: Iterable[tuple[str, str]]) -> None:
        super().__init__(parent, objectName="help")
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self._inner = QtWidgets.QWidget(objectName="bare")
        self._grid = QtWidgets.QGridLayout(self._inner)
        self._grid.setHorizontalSpacing(12)
        self._title = QtWidgets.QLabel("Keys", objectName="head")
        self._keys = [(QtWidgets.QLabel(key, objectName="key"), QtWidgets.QLabel(does)) for key, does in keys]
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)  # Tab does not come here
        self._before = parent
        self._arranged(*_HELP_SHAPES[0])
        self.setWidget(self._inner)
        self.hide()

    def toggle(self) -> None:
        """Show or hide, in the middle; meanwhile it has the keys that scroll."""
        if self.isVisible():
            self.hide()
            with contextlib.suppress(RuntimeError):  # it may be gone
                self._before.setFocus()
            return
        self._before = self.window().focusWidget() or self.parentWidget()
        self.show()
        self._fit()
        self.raise_()
        self.setFocus()

    def _fit(self) -> None:
        """Take the columns that fit; where none do, those that are no wider than the window."""
        room = self.parentWidget().size() - QtCore.QSize(2 * _HELP_EDGE_PX, 2 * _HELP_EDGE_PX)
        for shape in _HELP_SHAPES:
            wanted = self._arranged(*shape)
            if wanted.width() <= room.width() and (wanted.height() <= room.height() or shape in _HELP_LAST):
                break
        scrolls = wanted.height() > room.height()
        policy = QtCore.Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOn if scrolls else policy.ScrollBarAlwaysOff)
        wanted.setWidth(wanted.width() + scrolls * self.verticalScrollBar().sizeHint().width())
        self.resize(wanted.boundedTo(room))
        self.move(
            (self.parentWidget().width() - self.width()) // 2, (self.parentWidget().height() - self.height()) // 2
        )

    def _arranged(self, columns: int, margin: int, gap: int) -> QtCore.QSize:
        """Put the keys into so many columns; returns the size they want."""
        rows = -(-len(self._keys) // columns)
        self._grid.setContentsMargins(margin, margin - 8, margin, margin - 8)
        self._grid.setVerticalSpacing(gap)
        self._grid.addWidget(self._title, 0, 0, 1, 2 * columns)
        for number, (key, does) in enumerate(self._keys):
            row, column = 1 + number % rows, 2 * (number // rows)
            key.setMaximumHeight(_WIDGET_MOST if gap else scaled(_TIGHT_PX))
            self._grid.addWidget(key, row, column, QtCore.Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(does, row, column + 1)
        self._grid.activate()
        return self._inner.sizeHint() + QtCore.QSize(2 * self.frameWidth(), 2 * self.frameWidth())
