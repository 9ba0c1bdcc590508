"""The tables: of subs, what became of each and why, and of trails; and what one can do about a sub."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.events import TrailFound
from livestack.show.qt.choice import Choice
from livestack.show.qt.ring import Ring
from livestack.show.qt.subs_model import (
    COLUMNS,
    EXPOSURE,
    FILTER,
    FWHM,
    NO,
    REASON,
    ROUNDNESS,
    SKY,
    STARS,
    TARGET,
    VERDICT,
    WEIGHT,
    SubsModel,
)
from livestack.show.qt.theme import font, icon, scaled, text_scale
from livestack.show.qt.tongue import tr
from livestack.show.qt.trails import TrailsTable
from livestack.show.state import SubRow
from livestack.show.tokens import Palette
from livestack.show.wishes import DROP, RESTORE, can

Qt = QtCore.Qt

_FIRST_TO_GO = (EXPOSURE, SKY, ROUNDNESS, WEIGHT, FILTER, TARGET, STARS, FWHM)
_REASON_PX, _SENTENCE_PX, _ALL_PX = 224, 200, 560  # what a reason is to have; one sentence of it wants, and all
_AROUND_PX = 26  # of a button beside its words
_LEAST_PX = 320
_NARROW_PX = 440  # below it, an eye stands for words
_KEYS = ("Return", "Del", "Ins", "Ctrl+Return")
_SPARE_PX = 44  # title and actions stand side by side where so much more than both is there


class _Table(QtWidgets.QTableView):
    """Tells of the sub under the pointer, and frames its row, wherever in the window the pointer is."""

    def __init__(self, model: SubsModel, choice: Choice) -> None:
        super().__init__(showGrid=False, wordWrap=False)
        self._subs, self._choice = model, choice
        self.setModel(model)
        self.setMouseTracking(True)
        self.entered.connect(self._point)
        self.viewportEntered.connect(self._point_nowhere)
        Ring(self)

    def _point(self, index: QtCore.QModelIndex) -> None:
        self._choice.point(self._subs.shown[index.row()].no)

    def _point_nowhere(self) -> None:
        self._choice.point(None)

    def leaveEvent(self, event: QtCore.QEvent) -> None:  # noqa: N802 - Qt's name
        super().leaveEvent(event)
        self._point_nowhere()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        no = self._choice.pointed
        place = None if no is None else self._subs.place_of(no)
        if place is not None:
            painter = QtGui.QPainter(self.viewport())
            painter.setPen(QtGui.QPen(QtGui.QColor(self._subs.palette.t2), 1))
            top, high = self.rowViewportPosition(place), self.rowHeight(place)
            painter.drawRect(0, top, self.viewport().width() - 1, high - 1)
            painter.end()


class SubsPanel(QtWidgets.QWidget):
    """Heading, filter, actions and the tables."""

    asked = QtCore.Signal(str, object)  # drop or restore, and the subs' numbers
    look = QtCore.Signal(int)
    folder = QtCore.Signal(object)  # the chosen SubRow

    def __init__(self, palette: Palette, choice: Choice) -> None:
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(_LEAST_PX)  # else what the widest arrangement wants would be the least
        self.model, self._choice = SubsModel(palette), choice
        self._wanted: frozenset[int] = frozenset()
        self._eye = QtGui.QIcon()
        self.all, self.left_out = self._segment("All"), self._segment("Left out")
        self.crossed = self._segment("Trails")
        self.all.setChecked(True)
        self.looking, self.show_folder = QtWidgets.QPushButton("Look at it"), QtWidgets.QPushButton("Open folder")
        self.drop, self.restore = QtWidgets.QPushButton("Drop"), QtWidgets.QPushButton("Put it back")
        self.table = self._made_table()
        self.trails = TrailsTable()
        self.empty = QtWidgets.QLabel("No subs yet.", self.table.viewport(), objectName="label")
        self._lay_out()
        self._connect()
        self._selected()

    def _segment(self, text: str) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text, objectName="segment", checkable=True, autoExclusive=True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        _label(button, text)
        return button

    def _made_table(self) -> QtWidgets.QTableView:
        table = _Table(self.model, self._choice)
        self.model.setParent(table)  # it goes after its table
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(32)
        table.setIconSize(QtCore.QSize(16, 16))
        table.setAccessibleName("Subs")
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = table.horizontalHeader()
        head.setHighlightSections(False)
        head.setFixedHeight(32)
        head.setSectionsClickable(True)
        head.setSectionResizeMode(REASON, QtWidgets.QHeaderView.ResizeMode.Stretch)
        return table

    def _lay_out(self) -> None:
        segments = QtWidgets.QWidget(objectName="segments")
        inner = QtWidgets.QHBoxLayout(segments)
        inner.setContentsMargins(2, 2, 2, 2)
        inner.setSpacing(2)
        for button in (self.all, self.left_out, self.crossed):
            inner.addWidget(button)
        left, right = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        self._title, self._segments = QtWidgets.QLabel("Subs", objectName="title"), segments
        left.addWidget(self._title)
        left.addSpacing(8)
        left.addWidget(segments)
        left.addStretch()
        for button in (self.looking, self.drop, self.restore, self.show_folder):
            button.setFixedHeight(32)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            right.addWidget(button)
            _label(button, button.text())
        self.drop.setFixedWidth(self.restore.minimumWidth())
        for button, key in zip((self.looking, self.drop, self.restore, self.show_folder), _KEYS, strict=True):
            button.setToolTip(f"{button.text()}  {key}")
            button.setAccessibleName(button.text())
        right.addStretch()
        self._head = QtWidgets.QBoxLayout(QtWidgets.QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(8)
        self._head.addLayout(left, 1)
        self._head.addLayout(right)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(20, 10, 12, 0)
        column.setSpacing(8)
        column.addLayout(self._head)
        self._lists = QtWidgets.QStackedLayout()
        self._lists.addWidget(self.table)
        self._lists.addWidget(self.trails)
        column.addLayout(self._lists, 1)

    def _connect(self) -> None:
        self.left_out.toggled.connect(self._filter_changed)
        self.crossed.toggled.connect(self._list_changed)
        self.looking.clicked.connect(self.look_at)
        self.drop.clicked.connect(lambda: self.ask(DROP))
        self.restore.clicked.connect(lambda: self.ask(RESTORE))
        self.show_folder.clicked.connect(self.open_folder)
        self.table.horizontalHeader().sectionClicked.connect(self.sort_by)
        self.table.doubleClicked.connect(self.look_at)
        self.table.selectionModel().selectionChanged.connect(self._selected_by_hand)
        self.model.rearranged.connect(self._select_again)
        self.trails.chose.connect(self._selected)
        self._choice.changed.connect(self._chosen_elsewhere)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self.model.palette = palette
        self._eye = icon("eye", palette, 18, 2.0)
        self.table.viewport().update()
        for button in (self.all, self.left_out, self.crossed, self.show_folder, self.restore):
            _label(button, button.text())
        self.drop.setFixedWidth(self.restore.minimumWidth())
        self._make_room()

    def set_trails(self, trails: tuple[TrailFound, ...], row_order: str | None) -> None:
        """Show these trails."""
        self.trails.set_trails(trails, row_order)
        if self.isVisible():
            _label(self.crossed, f"Trails {len(trails):,}")

    def set_rows(self, rows: tuple[SubRow, ...]) -> None:
        """Show these subs; what is seen of the table stays where it is."""
        if rows is self.model.rows and rows:
            return
        bar, top = self.table.verticalScrollBar(), self.table.rowAt(0)
        first = self.model.shown[top].no if bar.value() and 0 <= top < len(self.model.shown) else None
        self.model.set_rows(rows)
        place = None if first is None else self.model.place_of(first)
        if place is not None:
            self.table.updateGeometries()
            bar.setValue(place)
        if self.isVisible():
            self._describe()
        self._selected()

    def set_scales(self, arcsec_per_px: dict[str | None, float]) -> None:
        """Write star sizes on the sky for these stacks."""
        self.model.set_scales(arcsec_per_px)

    def _say_empty(self) -> None:
        self.empty.setText(tr("None left out." if self.model.rows else "No subs yet."))
        self.empty.adjustSize()
        self.empty.move(12, 12)
        self.empty.setVisible(not self.model.shown)

    def _list_changed(self, of_trails: bool) -> None:
        before, now = (self.table, self.trails) if of_trails else (self.trails, self.table)
        had_keys = before.hasFocus()
        self._lists.setCurrentWidget(now)
        if had_keys:
            now.setFocus()
        if not of_trails:
            self.trails.clearSelection()
        self._selected()

    def _filter_changed(self, left_out_only: bool) -> None:
        self.model.set_filter(left_out_only)
        self._say_empty()

    def next_list(self) -> None:
        """Go from all subs to those left out, to the trails, and on to all."""
        lists = (self.all, self.left_out, self.crossed)
        now = next(place for place, button in enumerate(lists) if button.isChecked())
        lists[(now + 1) % len(lists)].click()

    def sort_by(self, column: int) -> None:
        """Sort by a column; by the same one again the other way round."""
        down = Qt.SortOrder.DescendingOrder
        turned = column == self.model.sorted_by and self.model.descending
        self.model.sort(column, Qt.SortOrder.AscendingOrder if turned else down)

    def sort_by_next(self) -> None:
        """Sort by the next column there is."""
        seen = [column for column in range(len(COLUMNS)) if not self.table.isColumnHidden(column)]
        after = [column for column in seen if column > self.model.sorted_by]
        self.sort_by(after[0] if after else seen[0])

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Leave the reason room on small windows."""
        self._make_room()

    def showEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Make up for what was not arranged while nobody looked."""
        self._describe()

    def _describe(self) -> None:
        """Say how many there are, and make room."""
        rows = self.model.rows
        _label(self.all, f"All {len(rows):,}")
        _label(self.left_out, f"Left out {sum(row.state != 'accepted' for row in rows):,}")
        _label(self.crossed, f"Trails {len(self.trails.trails):,}")
        self._say_empty()
        self._make_room()

    def _make_room(self) -> None:
        """Hide columns that say nothing, and those that matter least where there is no room."""
        names = {(row.target, row.filter) for row in self.model.rows}
        hidden = {
            column
            for column, values in ((TARGET, {t for t, _ in names}), (FILTER, {f for _, f in names}))
            if len(values) < 2
        }
        # all widths here are those of text of the usual size
        room = (
            int(self.width() / text_scale())
            - 44
            - sum(c.width for place, c in enumerate(COLUMNS) if place not in hidden)
        )
        for column in _FIRST_TO_GO:
            if room < _REASON_PX and column not in hidden:
                hidden.add(column)
                room += COLUMNS[column].width
        short = room < _SENTENCE_PX
        if short:
            hidden.add(VERDICT)
        for column in range(len(COLUMNS)):
            self.table.setColumnHidden(column, column in hidden)
            if COLUMNS[column].width:
                self.table.setColumnWidth(column, scaled(COLUMNS[column].width))
        self.model.set_reasons(short=short, whole=room >= _ALL_PX)
        direction = QtWidgets.QBoxLayout.Direction
        wide = sum(self._head.itemAt(k).sizeHint().width() for k in range(self._head.count()))
        is_wide = self.width() >= wide + _SPARE_PX
        self._head.setDirection(direction.LeftToRight if is_wide else direction.TopToBottom)
        named = self._title.sizeHint().width() + self._segments.sizeHint().width() + _SPARE_PX
        self._title.setVisible(self.width() >= named)
        _label(self.looking, "" if self.width() < _NARROW_PX else "Look at it")
        self.looking.setIcon(self._eye if self.width() < _NARROW_PX else QtGui.QIcon())

    def chosen(self) -> list[SubRow]:
        """Return the chosen subs: in the list of trails, the one that was crossed."""
        if self.crossed.isChecked():
            trail = self.trails.selected()
            return [row for row in self.model.rows if trail is not None and row.no == trail.no]
        return [row for row in self.model.rows if row.no in self._wanted]

    def selected(self) -> SubRow | None:
        """Return the chosen sub that a hand was on last."""
        rows = self.chosen()
        return next((row for row in rows if row.no == self._choice.chosen), rows[0] if rows else None)

    def _selected_by_hand(self, *_: object) -> None:
        places = [index.row() for index in self.table.selectionModel().selectedRows()]
        self._wanted = frozenset(self.model.shown[place].no for place in places)
        current = self.table.currentIndex().row()
        self._choice.choose(self.model.shown[current].no if current in places else next(iter(self._wanted), None))
        self._selected()

    def _chosen_elsewhere(self) -> None:
        no = self._choice.chosen
        if no is not None and no not in self._wanted:
            self._wanted = frozenset((no,))
            self._select_again()
        self.table.viewport().update()

    def _select_again(self) -> None:
        """Select the chosen subs where they are now; one that is filtered out stays chosen and is not seen."""
        selection, last = QtCore.QItemSelection(), len(COLUMNS) - 1
        current = None
        for place, row in enumerate(self.model.shown):
            if row.no in self._wanted:
                selection.select(self.model.index(place, 0), self.model.index(place, last))
                current = place if row.no == self._choice.chosen or current is None else current
        model = self.table.selectionModel()
        model.blockSignals(True)
        model.select(selection, model.SelectionFlag.ClearAndSelect)
        if current is not None:
            model.setCurrentIndex(self.model.index(current, NO), model.SelectionFlag.NoUpdate)
        model.blockSignals(False)
        self.table.viewport().update()
        if current is not None:
            self.table.scrollTo(self.model.index(current, NO))
        self._selected()

    def _selected(self, *_: object) -> None:
        rows = self.chosen()
        droppable, returnable = (any(can(kind, row) for row in rows) for kind in (DROP, RESTORE))
        self.drop.setEnabled(droppable)
        self.restore.setEnabled(returnable)
        only_back = returnable and not droppable
        self.drop.setVisible(not only_back)
        self.restore.setVisible(only_back or (returnable and droppable))
        self.looking.setEnabled(bool(rows))
        self.show_folder.setEnabled(bool(rows))

    def ask(self, kind: str) -> None:
        """Ask to drop or restore those of the chosen subs that can be."""
        numbers = tuple(row.no for row in self.chosen() if can(kind, row))
        if numbers:
            self.asked.emit(kind, numbers)

    def look_at(self, *_: object) -> None:
        """Ask to see the chosen sub."""
        row = self.selected()
        if row is not None:
            self.look.emit(row.no)

    def open_folder(self) -> None:
        """Ask to see the file of the chosen sub in its folder."""
        row = self.selected()
        if row is not None:
            self.folder.emit(row)

    def step(self, by: int) -> None:
        """Choose the sub before or after, of those in the list."""
        rows = self.model.shown if self.isVisible() and not self.crossed.isChecked() else self.model.rows
        numbers = sorted(row.no for row in rows)
        now = self._choice.chosen
        if not numbers:
            return
        beyond = [no for no in numbers if now is not None and (no > now if by > 0 else no < now)]
        others = numbers[-1:] if now is None else beyond  # the last one is news
        if others:
            self._choice.choose(min(others) if by > 0 else max(others))


def _label(button: QtWidgets.QPushButton, text: str) -> None:
    """Write on a button, and leave it room to become bold when it is chosen."""
    text = tr(text)
    if text != button.text():
        button.setText(text)
    button.setMinimumWidth(QtGui.QFontMetrics(font(14, 600)).horizontalAdvance(text) + _AROUND_PX)
