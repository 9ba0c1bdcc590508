"""Trails as objects: lines on the picture, and a list of them."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.events import TrailFound
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.on_picture import OnPicture
from livestack.show.qt.overlays import draw_tag
from livestack.show.qt.ring import Ring
from livestack.show.qt.theme import font
from livestack.show.qt.tongue import tr
from livestack.show.state import when
from livestack.show.tokens import Palette
from livestack.show.trails import angle_deg, brightness, direction, length_px, tag
from livestack.show.words import THIN, clock

Qt = QtCore.Qt

_FEW = 6  # so many have their tags without a hand on them
_NEAR_PX = 8.0
_TAG_PX = 24
_TAG_AT = (0.5, 0.35, 0.65, 0.2, 0.8)  # along what is seen of a trail: where there is room
_LINE_PX, _CHOSEN_PX = 1.2, 2.4


class TrailLines(OnPicture):
    """Draws the trails on the picture: all of them while `shown`, the one chosen in the list in any case."""

    def __init__(self, canvas: Canvas, palette: Palette) -> None:
        super().__init__(canvas, palette, "Trails")
        self.trails: tuple[TrailFound, ...] = ()
        self.chosen: TrailFound | None = None
        self.pointed: TrailFound | None = None
        canvas.moved.connect(self.update)
        canvas.pointed.connect(self._point)
        self.hide()

    def set_trails(self, trails: tuple[TrailFound, ...]) -> None:
        """Take these trails, in px of the stack."""
        if trails != self.trails:
            self.trails = trails
            self._changed()

    def set_chosen(self, trail: TrailFound | None) -> None:
        """Point one out."""
        self.chosen = trail
        self._changed()

    def drawn(self) -> tuple[TrailFound, ...]:
        """Return the trails that are on the picture now."""
        return tuple(trail for trail in self.trails if self.shown or trail == self.chosen)

    def tagged(self) -> tuple[TrailFound, ...]:
        """Return those that have a tag, the one that matters most first."""
        drawn = self.drawn()
        first = [trail for trail in (self.chosen, self.pointed) if trail in drawn]
        others = drawn if len(drawn) <= _FEW else ()
        return tuple(dict.fromkeys((*first, *others)))

    def line(self, trail: TrailFound) -> QtCore.QLineF:
        """Return where a trail is in the widget."""
        place_of = self._canvas.place_of
        return QtCore.QLineF(place_of(trail.x0, trail.y0), place_of(trail.x1, trail.y1))

    def _changed(self) -> None:
        if self.pointed not in self.drawn():
            self.pointed = None
        self.setAccessibleDescription(", ".join(map(tag, self.drawn())))
        self.setVisible(bool(self.drawn()))
        self.update()

    def _point(self, at: QtCore.QPointF) -> None:
        """Take note of the trail under the pointer."""
        near = [(_distance(self.line(trail), at), place) for place, trail in enumerate(self.drawn())]
        distance, place = min(near, default=(math.inf, 0))
        pointed = self.drawn()[place] if distance <= _NEAR_PX else None
        if pointed != self.pointed:
            self.pointed = pointed
            self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw lines, and tags where they do not lie on one another."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for trail in self.drawn():
            wide = _CHOSEN_PX if trail in (self.chosen, self.pointed) else _LINE_PX
            painter.setPen(QtGui.QPen(QtGui.QColor(self._palette.hold), wide))
            painter.drawLine(self.line(trail))
        written = font(13)
        taken: list[QtCore.QRectF] = []
        for trail in self.tagged():
            places = self._tag_places(trail, QtGui.QFontMetrics(written).horizontalAdvance(tag(trail)) + 16)
            place = next((place for place in places if not any(map(place.intersects, taken))), None)
            if place is not None:
                draw_tag(painter, place, tag(trail), written, self._palette)
                taken.append(place)
        painter.end()

    def _tag_places(self, trail: TrailFound, width: float) -> list[QtCore.QRectF]:
        """Return places for a tag beside what is seen of a trail, the best first."""
        seen = _clipped(self.line(trail), QtCore.QRectF(self.rect()))
        if seen is None:
            return []
        room = QtCore.QRectF(self.rect()).adjusted(8, 8, -8 - width, -8 - _TAG_PX)
        places = []
        for share in _TAG_AT:
            at = seen.pointAt(share) + QtCore.QPointF(10.0, -_TAG_PX - 6.0)
            x = min(max(at.x(), room.left()), room.right())
            y = min(max(at.y(), room.top()), room.bottom())
            places.append(QtCore.QRectF(x, y, width, _TAG_PX))
        return places


def _distance(line: QtCore.QLineF, at: QtCore.QPointF) -> float:
    """Return how far a point is from a line that ends."""
    dx, dy = line.dx(), line.dy()
    along = ((at.x() - line.x1()) * dx + (at.y() - line.y1()) * dy) / max(dx * dx + dy * dy, 1e-9)
    along = min(max(along, 0.0), 1.0)
    return math.hypot(line.x1() + along * dx - at.x(), line.y1() + along * dy - at.y())


def _clipped(line: QtCore.QLineF, area: QtCore.QRectF) -> QtCore.QLineF | None:
    """Return the part of a line that lies in an area; None when there is none."""
    first, last = 0.0, 1.0
    for start, step, low, high in (
        (line.x1(), line.dx(), area.left(), area.right()),
        (line.y1(), line.dy(), area.top(), area.bottom()),
    ):
        if step == 0.0:
            if not low <= start <= high:
                return None
            continue
        enters, leaves = sorted(((low - start) / step, (high - start) / step))
        first, last = max(first, enters), min(last, leaves)
    return QtCore.QLineF(line.pointAt(first), line.pointAt(last)) if first < last else None


_COLUMNS: tuple[tuple[str, int, Callable[[TrailFound, str | None], str], Callable[[TrailFound, str | None], Any]], ...]
_COLUMNS = (
    ("No.", 62, lambda trail, _: f"{trail.no:,}", lambda trail, _: trail.no),
    ("Time", 92, lambda trail, _: clock(when(trail.time_utc), seconds=True), lambda trail, _: trail.time_utc or ""),
    ("Length", 110, lambda trail, _: f"{length_px(trail):,.0f}{THIN}px", lambda trail, _: length_px(trail)),
    ("Brightness", 110, lambda trail, _: brightness(trail), lambda trail, _: trail.brightness),
    ("Direction", 160, direction, angle_deg),
)


class _Model(QtCore.QAbstractTableModel):
    """The trails as Qt wants them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[TrailFound, ...] = ()
        self.row_order: str | None = None

    def rowCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        return len(self.rows)

    def columnCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        return len(_COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int) -> Any:  # noqa: N802 - Qt's name
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(_COLUMNS[section][0])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: QtCore.QModelIndex, role: int) -> Any:
        _, _, text, key = _COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text(self.rows[index.row()], self.row_order)
        if role == Qt.ItemDataRole.UserRole:
            return key(self.rows[index.row()], self.row_order)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class TrailsTable(QtWidgets.QTableView):
    """The trails of the stack, one a row."""

    chose = QtCore.Signal(object)  # the chosen TrailFound, or None

    def __init__(self) -> None:
        super().__init__(showGrid=False, sortingEnabled=True, wordWrap=False, accessibleName="Trails")
        self._model, self._sorted = _Model(), QtCore.QSortFilterProxyModel()
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self.setModel(self._sorted)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(32)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setFixedHeight(32)
        for column, (_, width, _, _) in enumerate(_COLUMNS):
            self.setColumnWidth(column, width)
        self.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chose.emit(self.selected()))
        Ring(self)
        self.empty = QtWidgets.QLabel("No trail was removed yet.", self.viewport(), objectName="label")
        self.empty.move(12, 12)

    @property
    def trails(self) -> tuple[TrailFound, ...]:
        """All of them, in the order in which they were found."""
        return self._model.rows

    def set_trails(self, trails: tuple[TrailFound, ...], row_order: str | None) -> None:
        """Show these trails; the choice stays on its trail."""
        if trails == self._model.rows and row_order == self._model.row_order:
            return
        chosen = self.selected()
        self._model.beginResetModel()
        self._model.rows, self._model.row_order = trails, row_order
        self._model.endResetModel()
        self.empty.setVisible(not trails)
        if chosen in trails:
            self.selectRow(self._sorted.mapFromSource(self._model.index(trails.index(chosen), 0)).row())
        elif chosen is not None:
            self.chose.emit(None)

    def selected(self) -> TrailFound | None:
        """Return the chosen trail."""
        rows = self.selectionModel().selectedRows()
        return self._model.rows[self._sorted.mapToSource(rows[0]).row()] if rows else None
