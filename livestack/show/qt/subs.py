"""The tables: of subs, what became of each and why, and of trails; and the two things one can do about a sub."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.events import TrailFound
from livestack.reduce.weigh import OVERRULED
from livestack.show.qt.theme import pixmap
from livestack.show.qt.trails import TrailsTable
from livestack.show.reasons import why
from livestack.show.state import SubRow
from livestack.show.tokens import Palette
from livestack.show.words import THIN, UNKNOWN, clock, fixed

Qt = QtCore.Qt

_VERDICTS = {
    "accepted": ("check", "Stacked", "acc"),
    "rejected": ("cross", "Left out", "hold"),
    "dropped": ("pause", "Dropped", "hold"),
}


def _exposure(row: SubRow) -> str:
    return UNKNOWN if row.exposure_s is None else f"{row.exposure_s:g}{THIN}s"


_COLUMNS: tuple[tuple[str, int, Callable[[SubRow], str], Callable[[SubRow], Any]], ...] = (
    ("No.", 62, lambda row: f"{row.no:,}", lambda row: row.no),
    ("Time", 92, lambda row: clock(row.time or row.judged, seconds=True), lambda row: row.time or row.judged),
    ("Exposure", 92, _exposure, lambda row: row.exposure_s or 0.0),
    ("Verdict", 120, lambda row: _VERDICTS[row.state][1], lambda row: row.state),
    ("Reason", 0, why, why),
    ("FWHM", 92, lambda row: f"{fixed(row.fwhm_px, 1)}{THIN}px", lambda row: row.fwhm_px or 0.0),
    ("Stars", 78, lambda row: UNKNOWN if row.n_stars is None else f"{row.n_stars:,}", lambda row: row.n_stars or 0),
    ("Weight", 82, lambda row: fixed(row.weight, 2), lambda row: row.weight or 0.0),
)
_VERDICT, _REASON = 3, 4
_FIRST_TO_GO = (2, 7)
_LEFT_ALIGNED = (_VERDICT, _REASON)


class SubsModel(QtCore.QAbstractTableModel):
    """The rows as Qt wants them."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.palette = palette
        self.rows: tuple[SubRow, ...] = ()

    def set_rows(self, rows: tuple[SubRow, ...]) -> None:
        """Show these subs; a selection stays on its sub."""
        if rows is self.rows:
            return
        more = len(rows) - len(self.rows)
        if more < 0:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return
        if more:
            self.beginInsertRows(QtCore.QModelIndex(), len(self.rows), len(rows) - 1)
        before, self.rows = self.rows, rows
        if more:
            self.endInsertRows()
        changed = [place for place, row in enumerate(before) if rows[place] is not row]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(_COLUMNS) - 1))

    def rowCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Subs."""
        return len(self.rows)

    def columnCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Facts about each."""
        return len(_COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int) -> Any:  # noqa: N802 - Qt's name
        """Return a column's name."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _COLUMNS[section][0]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
        return None

    def data(self, index: QtCore.QModelIndex, role: int) -> Any:
        """Return one cell."""
        row, (_, _, text, key) = self.rows[index.row()], _COLUMNS[index.column()]
        value: Any = None
        if role == Qt.ItemDataRole.DisplayRole:
            value = text(row)
        elif role == Qt.ItemDataRole.UserRole:
            value = key(row)
        elif role == Qt.ItemDataRole.TextAlignmentRole:
            value = _alignment(index.column())
        elif role == Qt.ItemDataRole.ToolTipRole and index.column() == _REASON:
            value = why(row) or None
        elif index.column() == _VERDICT:
            icon, _, colour = _VERDICTS[row.state]
            if role == Qt.ItemDataRole.DecorationRole:
                value = QtGui.QIcon(pixmap(icon, getattr(self.palette, colour), 16))
            elif role == Qt.ItemDataRole.ForegroundRole and row.state != "accepted":
                value = QtGui.QColor(getattr(self.palette, colour))
        return value


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if column in _LEFT_ALIGNED else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)


class _Filter(QtCore.QSortFilterProxyModel):
    left_out_only = False

    def filterAcceptsRow(self, row: int, parent: object) -> bool:  # noqa: N802 - Qt's name
        return not self.left_out_only or self.sourceModel().rows[row].state != "accepted"


class SubsPanel(QtWidgets.QWidget):
    """Heading, filter, actions and the tables."""

    asked = QtCore.Signal(str, int)  # drop or restore, and the sub's number

    def __init__(self, palette: Palette) -> None:
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model, self._filter = SubsModel(palette), _Filter()
        self._filter.setSourceModel(self.model)
        self._filter.setSortRole(Qt.ItemDataRole.UserRole)
        self.all, self.left_out = self._segment("All"), self._segment("Left out")
        self.crossed = self._segment("Trails")
        self.all.setChecked(True)
        self.left_out.toggled.connect(self._filter_changed)
        self.crossed.toggled.connect(self._list_changed)
        self.drop, self.restore = QtWidgets.QPushButton("Drop"), QtWidgets.QPushButton("Put it back")
        self.drop.clicked.connect(lambda: self.ask("drop"))
        self.restore.clicked.connect(lambda: self.ask("restore"))
        self.table = self._made_table()
        self.trails = TrailsTable()
        self.trails.chose.connect(self._selected)
        self.empty = QtWidgets.QLabel("No subs yet.", self.table.viewport(), objectName="label")
        self._lay_out()
        self._selected()

    def _segment(self, text: str) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text, objectName="segment", checkable=True, autoExclusive=True)
        button.setMinimumWidth(96)
        return button

    def _made_table(self) -> QtWidgets.QTableView:
        table = QtWidgets.QTableView(showGrid=False, sortingEnabled=True, wordWrap=False)
        table.setModel(self._filter)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(32)
        table.setIconSize(QtCore.QSize(16, 16))
        table.setAccessibleName("Subs")
        head = table.horizontalHeader()
        head.setHighlightSections(False)
        head.setFixedHeight(32)
        for column, (_, width, _, _) in enumerate(_COLUMNS):
            if width:
                table.setColumnWidth(column, width)
        head.setSectionResizeMode(_REASON, QtWidgets.QHeaderView.ResizeMode.Stretch)
        table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        table.selectionModel().selectionChanged.connect(self._selected)
        return table

    def _lay_out(self) -> None:
        segments = QtWidgets.QWidget(objectName="segments")
        inner = QtWidgets.QHBoxLayout(segments)
        inner.setContentsMargins(2, 2, 2, 2)
        inner.setSpacing(2)
        inner.addWidget(self.all)
        inner.addWidget(self.left_out)
        inner.addWidget(self.crossed)
        top = QtWidgets.QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(QtWidgets.QLabel("Subs", objectName="title"))
        top.addSpacing(8)
        top.addWidget(segments)
        top.addStretch()
        top.addWidget(self.drop)
        top.addWidget(self.restore)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(20, 10, 12, 0)
        column.setSpacing(8)
        column.addLayout(top)
        self._lists = QtWidgets.QStackedLayout()
        self._lists.addWidget(self.table)
        self._lists.addWidget(self.trails)
        column.addLayout(self._lists, 1)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self.model.palette = palette
        self.table.viewport().update()

    def set_trails(self, trails: tuple[TrailFound, ...], row_order: str | None) -> None:
        """Show these trails."""
        self.crossed.setText(f"Trails {len(trails):,}")
        self.trails.set_trails(trails, row_order)

    def set_rows(self, rows: tuple[SubRow, ...]) -> None:
        """Show these subs."""
        if rows is self.model.rows and rows:
            return
        self.model.set_rows(rows)
        n_left_out = sum(row.state != "accepted" for row in rows)
        self.all.setText(f"All {len(rows):,}")
        self.left_out.setText(f"Left out {n_left_out:,}")
        self.empty.setText("None left out." if rows else "No subs yet.")
        self.empty.adjustSize()
        self.empty.move(12, 12)
        self.empty.setVisible(self._filter.rowCount() == 0)
        self._selected()

    def _list_changed(self, of_trails: bool) -> None:
        self._lists.setCurrentWidget(self.trails if of_trails else self.table)
        if not of_trails:
            self.trails.clearSelection()
        self._selected()

    def _filter_changed(self, left_out_only: bool) -> None:
        self._filter.left_out_only = left_out_only
        self._filter.invalidateFilter()
        self.empty.setVisible(self._filter.rowCount() == 0)

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Leave the reason room on small windows."""
        for column in _FIRST_TO_GO:
            self.table.setColumnHidden(column, self.width() < 1000)

    def selected(self) -> SubRow | None:
        """Return the chosen sub: in the list of trails, the one that was crossed."""
        if self.crossed.isChecked():
            trail = self.trails.selected()
            return next((row for row in self.model.rows if trail is not None and row.no == trail.no), None)
        rows = self.table.selectionModel().selectedRows()
        return self.model.rows[self._filter.mapToSource(rows[0]).row()] if rows else None

    def _selected(self, *_: object) -> None:
        row = self.selected()
        self.drop.setEnabled(row is not None and row.state == "accepted")
        self.restore.setEnabled(row is not None and _can_return(row))

    def ask(self, kind: str) -> None:
        """Ask to drop or restore the chosen sub, when there is one that can be."""
        row = self.selected()
        if row is not None and (row.state == "accepted" if kind == "drop" else _can_return(row)):
            self.asked.emit(kind, row.no)


def _can_return(row: SubRow) -> bool:
    """Whether a sub was taken out by the user, or by a verdict that the user may overrule."""
    return row.state == "dropped" or (row.state == "rejected" and row.reason in OVERRULED)
