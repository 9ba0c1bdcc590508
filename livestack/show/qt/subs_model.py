"""The subs as Qt wants them: sorted and filtered here, for a proxy would ask for every cell of a long night."""

# mypy: allow-subclassing-any
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui

from livestack.show.qt.theme import font, pixmap
from livestack.show.qt.tongue import tr
from livestack.show.reasons import cause, why
from livestack.show.state import SubRow
from livestack.show.tokens import Palette
from livestack.show.words import THIN, UNKNOWN, clock, fixed

Qt = QtCore.Qt
Role = Qt.ItemDataRole

_FIRST_SENTENCE = re.compile(r"(?<=[.?]) (?=[A-Z])")
_VERDICTS = {
    "accepted": ("check", "Stacked", "acc"),
    "rejected": ("cross", "Left out", "hold"),
    "dropped": ("pause", "Dropped", "hold"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A fact of each sub: its name, its width (0 = the rest), its words, and what it is sorted by; None goes last."""

    name: str
    width: int
    words: Callable[[SubRow], str]
    key: Callable[[SubRow], Any]
    left: bool = False


def _exposure(row: SubRow) -> str:
    return UNKNOWN if row.exposure_s is None else f"{row.exposure_s:g}{THIN}s"


def _time(row: SubRow) -> datetime:
    return row.time or row.judged


def _whole(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


COLUMNS = (
    Column("No.", 62, lambda row: f"{row.no:,}", lambda row: row.no),
    Column("Time", 100, lambda row: clock(_time(row), seconds=True), _time),
    Column("Target", 116, lambda row: row.target or UNKNOWN, lambda row: row.target or "", left=True),
    Column("Filter", 72, lambda row: row.filter or UNKNOWN, lambda row: row.filter or "", left=True),
    Column("Exposure", 88, _exposure, lambda row: row.exposure_s),
    Column("Verdict", 112, lambda row: _VERDICTS[row.state][1], lambda row: row.state, left=True),
    Column("Reason", 0, why, why, left=True),
    Column("FWHM", 78, lambda row: fixed(row.fwhm_px, 1), lambda row: row.fwhm_px),
    Column("Stars", 70, lambda row: _whole(row.n_stars), lambda row: row.n_stars),
    Column("Roundness", 98, lambda row: fixed(row.eccentricity, 2), lambda row: row.eccentricity),
    Column("Sky", 84, lambda row: _whole(row.background_adu), lambda row: row.background_adu),
    Column("Weight", 80, lambda row: fixed(row.weight, 2), lambda row: row.weight),
)
NO, TIME, TARGET, FILTER, EXPOSURE, VERDICT, REASON, FWHM, STARS, ROUNDNESS, SKY, WEIGHT = range(len(COLUMNS))
_TIPS = {ROUNDNESS: "Eccentricity of the stars: 0 is round", SKY: "Background, ADU"}


class SubsModel(QtCore.QAbstractTableModel):
    """The subs of a night, as many of them as the filter lets through, in the order that was asked for."""

    rearranged = QtCore.Signal()  # rows have other places now: what was selected is to be selected again

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.palette = palette
        self.rows: tuple[SubRow, ...] = ()
        self.shown: list[SubRow] = []
        self.left_out_only = False
        self.short_reasons, self._whole = False, True
        self.arcsec_per_px: dict[str | None, float] = {}
        self.sorted_by, self.descending = NO, True

    def set_rows(self, rows: tuple[SubRow, ...]) -> None:
        """Show these subs."""
        if rows is not self.rows:
            self.rows = rows
            self._arrange()

    def set_filter(self, left_out_only: bool) -> None:
        """Show those that are left out alone, or all."""
        self.left_out_only = left_out_only
        self._arrange()

    def sort(self, column: int, order: Any = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what is not known comes last."""
        self.sorted_by, self.descending = column, order == Qt.SortOrder.DescendingOrder
        self._arrange()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def set_scales(self, arcsec_per_px: dict[str | None, float]) -> None:
        """Write star sizes on the sky for the stacks of which that is known; else in px."""
        if arcsec_per_px != self.arcsec_per_px:
            self.arcsec_per_px = arcsec_per_px
            self.tell_changed()

    def set_reasons(self, *, short: bool, whole: bool) -> None:
        """Tell reasons in two words, with the verdict in one column; or in one sentence, or with what follows it."""
        if (short, whole) != (self.short_reasons, self._whole):
            self.short_reasons, self._whole = short, whole
            self.tell_changed()

    def tell_changed(self) -> None:
        """Let all cells be read again."""
        if self.shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.shown) - 1, len(COLUMNS) - 1))

    def _arrange(self) -> None:
        before, after = self.shown, self._arranged()
        more = len(after) - len(before)
        numbers, wanted = [row.no for row in before], [row.no for row in after]
        at = 0 if more != 1 else next((k for k, no in enumerate(numbers) if wanted[k] != no), len(numbers))
        if more == 0 and numbers == wanted:
            self.shown = after
            changed = [k for k, row in enumerate(after) if row is not before[k]]
            if changed:
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(COLUMNS) - 1))
        elif more == 1 and wanted[:at] + wanted[at + 1 :] == numbers:
            self.beginInsertRows(QtCore.QModelIndex(), at, at)
            self.shown = after
            self.endInsertRows()
            self.tell_changed()
        else:
            self.beginResetModel()
            self.shown = after
            self.endResetModel()
            self.rearranged.emit()

    def _arranged(self) -> list[SubRow]:
        rows = [row for row in self.rows if not self.left_out_only or row.state != "accepted"]
        key = COLUMNS[self.sorted_by].key
        known = [row for row in rows if key(row) is not None]
        unknown = [row for row in rows if key(row) is None]
        return sorted(known, key=key, reverse=self.descending) + unknown

    def place_of(self, no: int) -> int | None:
        """Return in which row a sub is shown."""
        return next((place for place, row in enumerate(self.shown) if row.no == no), None)

    def rowCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Subs."""
        return len(self.shown)

    def columnCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Facts about each."""
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int) -> Any:  # noqa: N802 - Qt's name
        """Return a column's name, and an arrow where it is sorted by."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        value: Any = None
        if role == Role.DisplayRole:
            value = tr(COLUMNS[VERDICT if section == REASON and self.short_reasons else section].name)
        elif role == Role.TextAlignmentRole:
            value = _alignment(section)
        elif role == Role.FontRole:
            value = font(13, 600 if section == self.sorted_by else 400)
        elif role == Role.DecorationRole and section == self.sorted_by:
            value = pixmap("down" if self.descending else "up", self.palette.t2, 10, 2.0)
        elif role == Role.ToolTipRole:
            value = _TIPS.get(section)
        return value

    def data(self, index: QtCore.QModelIndex, role: int) -> Any:
        """Return one cell."""
        row, column = self.shown[index.row()], index.column()
        value: Any = None
        if role == Role.DisplayRole:
            value = self._words(row, column)
        elif role == Role.TextAlignmentRole:
            value = _alignment(column)
        elif role == Role.ToolTipRole and column == REASON:
            value = why(row) or None
        elif column == (REASON if self.short_reasons else VERDICT):
            icon, _, colour = _VERDICTS[row.state]
            if role == Role.DecorationRole:
                value = _icon(icon, getattr(self.palette, colour))
            elif role == Role.ForegroundRole and row.state != "accepted":
                value = QtGui.QColor(getattr(self.palette, colour))
        return value

    def _words(self, row: SubRow, column: int) -> str:
        if column == REASON and self.short_reasons:
            return cause(row) or COLUMNS[VERDICT].words(row)
        if column == REASON and not self._whole:
            return _FIRST_SENTENCE.split(why(row), maxsplit=1)[0]
        if column == FWHM and row.fwhm_px is not None:
            scale = self.arcsec_per_px.get(row.stack)
            return f"{fixed(row.fwhm_px * scale, 1)}″" if scale else f"{fixed(row.fwhm_px, 1)}{THIN}px"
        return COLUMNS[column].words(row)


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if COLUMNS[column].left else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)


@lru_cache(maxsize=16)
def _icon(name: str, colour: str) -> QtGui.QIcon:
    """Return an icon that a selection does not dim."""
    made = QtGui.QIcon()
    for mode in (QtGui.QIcon.Mode.Normal, QtGui.QIcon.Mode.Selected):
        made.addPixmap(pixmap(name, colour, 16), mode)
    return made
