"""The panel on which one chooses how the picture is developed. It only shows: the stack file stays as it is."""

# mypy: allow-subclassing-any
from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.develop.background import Background
from livestack.develop.chain import PRESETS, Recipe
from livestack.develop.colour import WhiteBalance
from livestack.develop.live import whole
from livestack.develop.tone import Mtf
from livestack.show.light import Light, curve_of
from livestack.show.qt.histogram import HistogramView
from livestack.show.qt.kept import kept, kept_number
from livestack.show.qt.knob import Grip, Menu, Row, Switch
from livestack.show.qt.theme import pixmap, scaled, text_scale
from livestack.show.taste import (
    CURVES,
    HANDLES,
    KNOBS,
    OF_COLOUR,
    OF_CURVE,
    Knob,
    has,
    moved,
    with_channels_linked,
    with_curve,
    with_step,
)
from livestack.show.tokens import Palette

WIDE, LEAST, MOST = 320, 288, 420
_GRIP_PX, _STEP_PX = 6, 16
_KEY = "develop/width"


class DevelopPanel(QtWidgets.QWidget):
    """A preset, its curve and its numbers; `chose` tells the recipe they make, `shown_to_guests` that it is for all."""

    chose = QtCore.Signal(object)
    held = QtCore.Signal(bool)  # a hand has hold of a knob or a handle, moved or not, or no more
    shown_to_guests = QtCore.Signal(object)
    closed = QtCore.Signal()

    def __init__(self, preset: str, palette: Palette) -> None:
        super().__init__(objectName="side")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self.recipe: Recipe = whole(PRESETS[preset])
        self._light: Light | None = None
        self.presets = Menu("Preset", palette)
        self.presets.addItems([name.capitalize() for name in PRESETS])
        self.presets.setCurrentIndex(list(PRESETS).index(preset))
        self.histogram = HistogramView(palette)
        self.curves = [_segment(name) for name, _ in CURVES]
        self.rows = {knob: Row(knob, palette) for knob in KNOBS}
        self.sliders = [row.slider for row in self.rows.values()]
        self.linked = Switch("Link the channels", palette)
        self.glow, self.white = Switch("Remove sky glow", palette), Switch("White balance from stars", palette)
        self.close_it = QtWidgets.QToolButton(accessibleName="Close", toolTip="Close  D")
        self.back, self.guests = QtWidgets.QPushButton("Reset"), QtWidgets.QPushButton("Show to guests")
        self.guests.setObjectName("primary")
        for button in (self.close_it, self.back, self.guests):
            button.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.grip = Grip(self)
        self._lay_out()
        self._bind()
        self._wide = min(max(kept_number(_KEY, WIDE), LEAST), MOST)
        self.set_palette(palette)
        self._show()

    def _bind(self) -> None:
        self.presets.currentIndexChanged.connect(self.reset)
        self.back.clicked.connect(self.reset)
        self.guests.clicked.connect(lambda: self.shown_to_guests.emit(self.recipe))
        self.close_it.clicked.connect(self.closed)
        self.histogram.moved.connect(self._move_handle)
        self.histogram.reset.connect(self._reset_handle)
        self.histogram.held.connect(self.held)
        self.linked.clicked.connect(lambda on: self._change(with_channels_linked(self.recipe, on)))
        for switch, kind in ((self.glow, Background), (self.white, WhiteBalance)):
            switch.clicked.connect(lambda on, kind=kind: self._set_step(kind, on))
        for button, (_, kind) in zip(self.curves, CURVES, strict=True):
            button.clicked.connect(lambda _, kind=kind: self._change(with_curve(self.recipe, kind, self.preset)))
        for knob, row in self.rows.items():
            row.slider.turned.connect(lambda value, knob=knob: self._turn(knob, value))
            row.slider.reset.connect(lambda knob=knob: self._reset_one(knob))
            row.slider.sliderPressed.connect(lambda: self.held.emit(True))
            row.slider.sliderReleased.connect(lambda: self.held.emit(False))
            row.dot.clicked.connect(lambda _, knob=knob: self._reset_one(knob))
        self.grip.pulled.connect(self._set_width)
        self.grip.released.connect(self._keep_width)

    @property
    def preset(self) -> Recipe:
        """The recipe of the chosen preset."""
        return whole(list(PRESETS.values())[self.presets.currentIndex()])

    def set_light(self, light: Light) -> None:
        """Show how the light of what is developed is spread."""
        self._light = light
        self.histogram.set_light(light)
        self._show_marks()

    def set_palette(self, palette: Palette) -> None:
        """Change colours, and its width where the text has another size."""
        self.setFixedWidth(scaled(self._wide))
        self.histogram.set_palette(palette)
        self.presets.set_palette(palette)
        for switch in (self.linked, self.glow, self.white):
            switch.set_palette(palette)
        for row in self.rows.values():
            row.dot.set_palette(palette)
        self.close_it.setIcon(QtGui.QIcon(pixmap("cross", palette.t2, 16, self.devicePixelRatioF())))

    def reset(self, *_: object) -> None:
        """Take all from the preset."""
        self._change(self.preset)

    def _turn(self, knob: Knob, value: float) -> None:
        self._choose(knob.turned(self.recipe, value))
        self._show_auto()

    def _reset_one(self, knob: Knob) -> None:
        auto = self._auto(knob)
        if auto is not None:
            self._change(knob.turned(self.recipe, auto))

    def _auto(self, knob: Knob) -> float | None:
        """Return what a number is by itself: as in the preset, with the curve that is chosen."""
        curve = curve_of(self.recipe)
        return knob.value(self.preset if curve is None else with_curve(self.preset, type(curve), self.preset))

    def _set_step(self, kind: type[Any], on: bool) -> None:
        self._change(with_step(self.recipe, kind, on, self.preset))

    def _move_handle(self, which: int, level: float) -> None:
        if self._light is not None:
            self._change(moved(self.recipe, self._light, which, level))

    def _reset_handle(self, which: int) -> None:
        for knob in HANDLES[which]:
            if knob.value(self.recipe) is not None:
                self._reset_one(knob)

    def _change(self, recipe: Recipe) -> None:
        """Choose a recipe, and show it on the panel."""
        self._choose(recipe)
        self._show()

    def _choose(self, recipe: Recipe) -> None:
        if recipe != self.recipe:
            self.recipe = recipe
            self._show_marks()
            self.chose.emit(recipe)

    def _show(self) -> None:
        curve = curve_of(self.recipe)
        self.glow.setChecked(has(self.recipe, Background))
        self.white.setChecked(has(self.recipe, WhiteBalance))
        self.linked.setVisible(isinstance(curve, Mtf))
        self.linked.setChecked(isinstance(curve, Mtf) and curve.linked)
        for button, (_, kind) in zip(self.curves, CURVES, strict=True):
            button.setChecked(isinstance(curve, kind))
        for knob, row in self.rows.items():
            row.slider.show_value(knob.value(self.recipe))
            row.setVisible(knob.value(self.recipe) is not None)
        self._show_auto()
        self._show_marks()

    def _show_auto(self) -> None:
        for knob, row in self.rows.items():
            row.dot.set_auto(knob.value(self.recipe) == self._auto(knob))

    def _show_marks(self) -> None:
        curve = curve_of(self.recipe)
        self.histogram.set_marks(None if self._light is None or curve is None else self._light.marks(curve))

    def resize_by(self, steps: int) -> None:
        """Make it wider by so many steps, or narrower."""
        self._set_width(self.width() + steps * scaled(_STEP_PX))
        self._keep_width()

    def _keep_width(self) -> None:
        kept().setValue(_KEY, self._wide)

    def _set_width(self, wide: int) -> None:
        self._wide = min(max(round(wide / text_scale()), LEAST), MOST)
        self.setFixedWidth(scaled(self._wide))

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Keep the grip at the edge."""
        self.grip.setGeometry(0, 0, _GRIP_PX, self.height())

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(1, 8, 0, 10)
        column.setSpacing(2)
        head = _beside(QtWidgets.QLabel("Develop", objectName="title"), None, self.close_it)
        column.addLayout(head)
        self.body = QtWidgets.QWidget(objectName="clear")
        within = QtWidgets.QVBoxLayout(self.body)
        within.setContentsMargins(15, 0, 16, 0)
        within.setSpacing(3)
        within.addWidget(QtWidgets.QLabel("Display only. The stack file stays as it is.", objectName="label"))
        within.addSpacing(4)
        segments = QtWidgets.QWidget(objectName="segments")
        within_segments = QtWidgets.QHBoxLayout(segments)
        within_segments.setContentsMargins(3, 3, 3, 3)
        within_segments.setSpacing(2)
        for button in self.curves:
            within_segments.addWidget(button)
        of_curve, of_colour = ([self.rows[knob] for knob in knobs] for knobs in (OF_CURVE, OF_COLOUR))
        groups = (self.presets, self.histogram, segments, *of_curve), (self.linked, self.glow, self.white), of_colour
        for group in groups:
            for part in group:
                within.addWidget(part)
            within.addSpacing(4)
        within.addStretch()
        self.scroll = scroll = QtWidgets.QScrollArea(objectName="clear", widgetResizable=True)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.body)
        column.addWidget(scroll, 1)
        foot = _beside(self.back, self.guests)
        foot.setStretch(1, 1)
        column.addLayout(foot)


def _segment(name: str) -> QtWidgets.QPushButton:
    button = QtWidgets.QPushButton(name, objectName="segment", checkable=True, autoExclusive=True)
    button.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
    return button


def _beside(*parts: QtWidgets.QWidget | None) -> QtWidgets.QHBoxLayout:
    """Put parts in a row; None = what is between may grow."""
    row = QtWidgets.QHBoxLayout()
    row.setContentsMargins(15, 0, 16, 0)
    row.setSpacing(8)
    for part in parts:
        row.addStretch() if part is None else row.addWidget(part)
    return row
