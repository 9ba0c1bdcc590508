"""The night plots: small multiples of what was measured of each sub, over the time of the night."""

# mypy: allow-subclassing-any
from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show import figures
from livestack.show.courses import course_of, drift_of, grain_of, times_of
from livestack.show.qt.choice import Choice, step_of
from livestack.show.qt.plot_cell import HEAD_PX, Cell, CourseCell, DriftCell, night_of
from livestack.show.qt.ring import Ring
from livestack.show.qt.tongue import tr
from livestack.show.reasons import about
from livestack.show.state import NightState, SubRow
from livestack.show.tokens import Palette
from livestack.show.words import THIN, clock

PLOTS_PX = 596
_LEAST_PX, _GAP_PX = 172, 20
_LOW_PX, _LOWEST_PX = 66, 46  # of a plot: what it is to have, and what it can do with
_ROW_GAP_PX = 10
_LEGEND = "One dot is one sub. × left out. Dashed: ideal."
_FIGURES = (figures.STARS, figures.ROUNDNESS, figures.SKY, figures.TRANSPARENCY)


class _Field(QtWidgets.QWidget):
    """Holds the plots; by key one goes from sub to sub, in all of them at once."""

    step = QtCore.Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Night plots")
        Ring(self)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Go to the sub before or after."""
        if step := step_of(event):
            self.step.emit(step)
        else:
            super().keyPressEvent(event)


class PlotsPanel(QtWidgets.QWidget):
    """Heading, plots, and the times of the first and the last sub."""

    def __init__(self, palette: Palette, choice: Choice) -> None:
        super().__init__(objectName="panel")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self._palette, self._choice, self._state = palette, choice, NightState()
        self._finer: float | None = None
        self._rows: tuple[SubRow, ...] = ()
        self._night = night_of((), np.zeros(0))
        self.on_sky = True
        self.star_size = CourseCell(figures.STAR_SIZE.name, palette, choice)
        self.figures = [CourseCell(figure.name, palette, choice) for figure in _FIGURES]
        self.grain = CourseCell("Grain", palette, choice)
        self.drift = DriftCell("Drift", palette, choice)
        self.cells: list[Cell] = [self.star_size, *self.figures, self.grain, self.drift]
        self.field = _Field()
        self.unit = QtWidgets.QPushButton("px", self.star_size, objectName="unit")
        self.unit.setAccessibleName("Unit of the star size")
        self.unit.setCursor(QtCore.Qt.CursorShape.PointingHandCursor)
        self.unit.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.unit.clicked.connect(self.change_unit)
        self.said = QtWidgets.QLabel(_LEGEND, objectName="label")
        self.first, self.last = QtWidgets.QLabel(objectName="axis"), QtWidgets.QLabel(objectName="axis")
        self._lay_out()
        choice.changed.connect(self._say)
        self._show()

    def _lay_out(self) -> None:
        head, times = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(QtWidgets.QLabel("Night plots", objectName="title"))
        head.addStretch()
        head.addWidget(self.said)
        times.addWidget(self.first)
        times.addStretch()
        times.addWidget(self.last)
        for cell in self.cells:
            cell.setParent(self.field)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(20, 10, 20, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.field, 1)
        column.addLayout(times)
        self.said.setFixedHeight(32)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self._say()
        for cell in self.cells:
            cell.set_palette(palette)

    def set_subs(self, state: NightState, rows: tuple[SubRow, ...], finer: float | None) -> None:
        """Show these subs of a night; `finer` is how many times finer the stack's grain is than one sub's."""
        if rows is self._rows and (state.stack, finer) == (self._state.stack, self._finer):
            return
        self._state, self._rows, self._finer = state, rows, finer
        if self.isVisible():
            self._show()

    @property
    def scales(self) -> dict[str | None, float]:
        """Side of a px on the sky, of the stacks that are solved."""
        grids = self._state.grids.items()
        return {stack: grid.arcsec_per_px for stack, grid in grids if grid.matrix and grid.arcsec_per_px}

    def change_unit(self) -> None:
        """Write the star size in px, or on the sky."""
        if self.scales:
            self.on_sky = not self.on_sky
            self._show()

    def showEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw what came while nobody looked."""
        self._show()

    def _show(self) -> None:
        rows = self._rows
        times = times_of(rows)
        self._night = night = night_of(rows, times)
        scale = self.scales.get(self._state.stack) if self.on_sky else None
        star_size = figures.arcsec(scale) if scale else figures.STAR_SIZE
        pairs = [(self.star_size, star_size), *zip(self.figures, _FIGURES, strict=True)]
        for cell, figure in pairs:
            cell.set_course(course_of(rows, times, figure, cell.course), night)
        self.grain.set_course(grain_of(rows, times, self._state.stack, self._finer), night)
        sizes = {stack: sensor.size for stack, sensor in self._state.sensors.of.items()}
        self.drift.set_drift(drift_of(rows, sizes), night)
        self._say_unit("″" if scale else "px")
        ends = (rows[int(np.argmin(times))], rows[int(np.argmax(times))]) if len(rows) > 1 else ()
        for label, row in zip((self.first, self.last), ends or (None, None), strict=True):
            label.setText("" if row is None else clock(row.time or row.judged))
        self._say()

    def _say_unit(self, unit: str) -> None:
        self.unit.setText(unit if unit == "″" else THIN + unit)
        self.unit.setEnabled(bool(self.scales))
        self.unit.setToolTip("px or ″" if self.scales else "Star sizes in ″ need a solved sub")
        self.unit.adjustSize()
        self.star_size.unit_width = self.unit.width()
        self._place_unit()

    def _place_unit(self) -> None:
        self.unit.move(round(self.star_size.room.right()) - self.unit.width(), (HEAD_PX - 4 - self.unit.height()) // 2)

    def _say(self) -> None:
        """Say which sub is marked, or what the marks mean."""
        place = self._night.place_of(self._choice.marked)
        if place is None:
            self.said.setText(tr(_LEGEND).replace("×", f"<span style='color:{self._palette.hold}'>×</span>"))
        else:
            self.said.setText(about(self._night.rows[place]))
        self.field.setAccessibleDescription("" if place is None else self.said.text())

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Place the plots: as many as there is room for, those that matter most first."""
        super().resizeEvent(event)
        self.layout().activate()
        wide, high = self.field.width(), self.field.height()
        most = max(1, (wide + _GAP_PX) // (_LEAST_PX + _GAP_PX))
        rows = max(1, (high + _ROW_GAP_PX) // (HEAD_PX + _LOW_PX + _ROW_GAP_PX))
        if rows == 1:
            rows = max(1, (high + _ROW_GAP_PX) // (HEAD_PX + _LOWEST_PX + _ROW_GAP_PX))
        columns = min(most, -(-len(self.cells) // rows))
        rows = min(rows, -(-len(self.cells) // columns))
        step_x, step_y = (wide + _GAP_PX) / columns, (high + _ROW_GAP_PX) / rows
        for k, cell in enumerate(self.cells):
            at = QtCore.QRectF(k % columns * step_x, k // columns * step_y, step_x - _GAP_PX, step_y - _ROW_GAP_PX)
            cell.setGeometry(at.toRect())
            cell.setVisible(k < rows * columns)
        self._place_unit()
        self._say()
