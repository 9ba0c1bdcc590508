"""The folders of the start page: those watched before or, where there are none, where camera programs save."""

# mypy: allow-subclassing-any
from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.own import recent_folders
from livestack.show.folders import Contents, contents, contents_words, usual_places
from livestack.show.qt.aside import Aside
from livestack.show.qt.start_parts import FolderRow
from livestack.show.tokens import Palette
from livestack.show.words import place

MOST_ROWS = 3
_AT_WORK_S = 3600.0


class FolderList(QtWidgets.QWidget):
    """Rows of which one is chosen. `known`: the chosen one, or what is in it, is another; `entered`: go on with it."""

    known = QtCore.Signal(object)
    entered = QtCore.Signal()

    def __init__(self, palette: Palette, aside: Aside, *, recursive: bool) -> None:
        super().__init__()
        self._palette, self._aside, self._recursive = palette, aside, recursive
        self.rows: list[FolderRow] = []
        self._one = QtWidgets.QButtonGroup(self)
        self.places = QtWidgets.QLabel("Usual places", objectName="label")
        self._list = QtWidgets.QVBoxLayout(self)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(8)
        self._list.addWidget(self.places)
        recent = recent_folders()[:MOST_ROWS]
        usual = [] if recent else usual_places()[: MOST_ROWS + 1]
        self._is_usual = bool(usual)
        self.places.setVisible(self._is_usual)
        for title, folder in usual or [(place(str(folder)), folder) for folder in recent]:
            self._add(folder, title)

    @property
    def chosen(self) -> FolderRow | None:
        """The chosen row."""
        return next((row for row in self.rows if row.isChecked()), None)

    def choose_best(self) -> None:
        """Put what has the newest picture first, and choose it; a usual place only where a camera is at work."""
        self.rows.sort(key=_freshness, reverse=True)
        for at, row in enumerate(self.rows):
            self._list.insertWidget(1 + at, row)
        if self.rows and (not self._is_usual or time.time() - _freshness(self.rows[0]) < _AT_WORK_S):
            self.choose(self.rows[0])

    def choose(self, row: FolderRow) -> None:
        """Choose a folder."""
        row.setChecked(True)
        self.known.emit(row)

    def take_folder(self, folder: Path) -> None:
        """Choose a folder from elsewhere; of a file, the folder it is in."""
        folder = folder.absolute()
        folder = folder.parent if folder.is_file() else folder
        row = next((row for row in self.rows if row.folder == folder), None)
        if row is None:
            if len(self.rows) > MOST_ROWS:
                self.rows.pop().deleteLater()
            row = self._add(folder, place(str(folder)), 0)
        self.choose(row)

    def _add(self, folder: Path, title: str, at: int | None = None) -> FolderRow:
        row = FolderRow(self._palette, folder, title)
        at = len(self.rows) if at is None else at
        self.rows.insert(at, row)
        self._list.insertWidget(1 + at, row)
        self._one.addButton(row)
        row.clicked.connect(lambda: self.choose(row))
        row.entered.connect(lambda: self._enter(row))
        self._look_into(row)
        return row

    def _enter(self, row: FolderRow) -> None:
        self.choose(row)
        self.entered.emit()

    def _look_into(self, row: FolderRow) -> None:
        folder, stop, recursive = row.folder, self._aside.stop, self._recursive

        def look() -> Contents:
            return contents(folder, stop, recursive=recursive)

        def take(seen: Contents) -> None:
            before, row.contents = row.contents, seen
            row.say(contents_words(seen, datetime.now(UTC)))
            if row.isChecked() and seen != before:
                self.known.emit(row)

        self._aside.run(look, take)

    def look_again(self) -> None:
        """Count again what is in the chosen one: pictures come while one looks; the others grow older."""
        for row in self.rows:
            if row.isChecked():
                self._look_into(row)
            elif row.contents is not None:
                row.say(contents_words(row.contents, datetime.now(UTC)))

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        for row in self.rows:
            row.set_palette(palette)


def _freshness(row: FolderRow) -> float:
    seen = row.contents
    return seen.newest.timestamp() if seen is not None and seen.newest is not None else 0.0
