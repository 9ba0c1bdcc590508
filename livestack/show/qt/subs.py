"""The tables: of subs, what became of each and why, and of trails; and what one can do about a sub."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.events import TrailFound
from livestack.show.qt.choice import Choice
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
    WEIGHT,
    SubsModel,
)
from livestack.show.qt.trails import TrailsTable
from livestack.show.state import SubRow
from livestack.show.tokens import Palette
from livestack.show.wishes import DROP, RESTORE, can

Qt = QtCore.Qt

_FIRST_TO_GO = (EXPOSURE, SKY, ROUNDNESS, WEIGHT, FILTER, TARGET, STARS, FWHM)
_REASON_PX, _SENTENCE_PX = 220, 300  # least room for a reason, and for one in a sentence
_KEYS = ("Return", "Del", "Ins", "Ctrl+Return")
_ONE_LINE_PX = 660  # from here on, title and actions stand side by side


class SubsPanel(QtWidgets.QWidget):
    """Heading, filter, actions and the tables."""

    asked = QtCore.Signal(str, object)  # drop or restore, and the subs' numbers
    look = QtCore.Signal(int)
    folder = QtCore.Signal(object)  # the chosen SubRow

    def __init__(self, palette: Palette, choice: Choice) -> None:
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model, self._choice = SubsModel(palette), choice
        self._wanted: frozenset[int] = frozenset()
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
        button.setMinimumWidth(84)
        return button

    def _made_table(self) -> QtWidgets.QTableView:
        table = QtWidgets.QTableView(showGrid=False, wordWrap=False)
        table.setModel(self.model)
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
        for place, column in enumerate(COLUMNS):
            if column.width:
                table.setColumnWidth(place, column.width)
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
        left.addWidget(QtWidgets.QLabel("Subs", objectName="title"))
        left.addSpacing(8)
        left.addWidget(segments)
        left.addStretch()
        for button in (self.looking, self.drop, self.restore, self.show_folder):
            button.setFixedHeight(32)
            right.addWidget(button)
        self.drop.setFixedWidth(self.restore.sizeHint().width())
        self.restore.setFixedWidth(self.restore.sizeHint().width())
        for button, key in zip((self.looking, self.drop, self.restore, self.show_folder), _KEYS, strict=True):
            button.setToolTip(f"{button.text()}  {key}")
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
        self.table.doubleClicked.connect(lambda _: self.look_at())
        self.table.selectionModel().selectionChanged.connect(self._selected_by_hand)
        self.model.rearranged.connect(self._select_again)
        self.trails.chose.connect(self._selected)
        self._choice.changed.connect(self._chosen_elsewhere)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self.model.palette = palette
        self.table.viewport().update()

    def set_trails(self, trails: tuple[TrailFound, ...], row_order: str | None) -> None:
        """Show these trails."""
        self.crossed.setText(f"Trails {len(trails):,}")
        self.trails.set_trails(trails, row_order)

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
        self.all.setText(f"All {len(rows):,}")
        self.left_out.setText(f"Left out {sum(row.state != 'accepted' for row in rows):,}")
        self._say_empty()
        self._make_room()
        self._selected()

    def set_scales(self, arcsec_per_px: dict[str | None, float]) -> None:
        """Write star sizes on the sky for these stacks."""
        self.model.set_scales(arcsec_per_px)

    def _say_empty(self) -> None:
        self.empty.setText("None left out." if self.model.rows else "No subs yet.")
        self.empty.adjustSize()
        self.empty.move(12, 12)
        self.empty.setVisible(not self.model.shown)

    def _list_changed(self, of_trails: bool) -> None:
        self._lists.setCurrentWidget(self.trails if of_trails else self.table)
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

    def _make_room(self) -> None:
        """Hide columns that say nothing, and those that matter least where there is no room."""
        names = {(row.target, row.filter) for row in self.model.rows}
        hidden = {
            column
            for column, values in ((TARGET, {t for t, _ in names}), (FILTER, {f for _, f in names}))
            if len(values) < 2
        }
        room = self.width() - 44 - sum(c.width for place, c in enumerate(COLUMNS) if place not in hidden)
        for column in _FIRST_TO_GO:
            if room < _REASON_PX and column not in hidden:
                hidden.add(column)
                room += COLUMNS[column].width
        for column in range(len(COLUMNS)):
            self.table.setColumnHidden(column, column in hidden)
        short = room < _SENTENCE_PX
        if short != self.model.short_reasons:
            self.model.short_reasons = short
            self.model.tell_changed()
        direction = QtWidgets.QBoxLayout.Direction
        self._head.setDirection(direction.LeftToRight if self.width() >= _ONE_LINE_PX else direction.TopToBottom)

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
        self.model.set_pointed(self._choice.pointed)

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

    def look_at(self) -> None:
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
