"""The start page: one question, the folders that may be the answer, and what else can be begun."""

# mypy: allow-subclassing-any
from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.errors import SettingsError
from livestack.own import keep_settings, own_settings, with_option
from livestack.settings import Settings
from livestack.show.folders import Finding, Library, masters_for, what_is_taken
from livestack.show.qt.aside import Aside
from livestack.show.qt.chooser import choose_folder
from livestack.show.qt.settings import SettingsSheet
from livestack.show.qt.start_chosen import Chosen
from livestack.show.qt.start_folders import FolderList
from livestack.show.qt.start_nights import PastNights
from livestack.show.qt.start_parts import DropZone, FolderRow, Sky, StartButton
from livestack.show.qt.theme import pixmap
from livestack.show.starts import StackFolder
from livestack.show.tokens import LIGHT, Palette
from livestack.show.words import sentence_case

Qt = QtCore.Qt

QUESTION = "Where does your camera save its pictures?"
MASTERS = "Folder with masters, or with raw darks, flats and biases"
READ_ONLY = "Your pictures are only read. Nothing is changed or moved."
_WIDEST, _TWO_COLUMNS = 1200, 1000
_WAIT_S = 0.25  # for what tells which folder is the best, before the page is seen
_AGES_MS = 10_000


class StartPage(Sky):
    """One question, and what can be begun. `chose` tells it, `left` that one goes back to the viewer.

    Parameters
    ----------
    said : str
        What became of what was done before.
    running : str, optional
        What goes on in the viewer behind this page; "" = nothing does; None = there is no viewer.
    """

    chose = QtCore.Signal(object)
    left = QtCore.Signal()
    asked_colours = QtCore.Signal(str)

    def __init__(self, palette: Palette, said: str = "", running: str | None = None) -> None:
        super().__init__(palette)
        self.setAccessibleName("Start")
        self.setAcceptDrops(True)
        self.running = running
        self.settings, self._trouble = _usual()
        self._aside, self._library = Aside(self, 2), Library()
        self.folders = FolderList(palette, self._aside, recursive=self.settings.watching.recursive)
        self.zone, self.chosen = DropZone(palette), Chosen(palette)
        self.past = PastNights(palette, self._aside)
        self.start = StartButton(palette, "Start stacking")
        self.line = QtWidgets.QLabel(objectName="tone", wordWrap=True)
        self.sheet = SettingsSheet(self, palette)
        self._lay_out()
        self._bind()
        self.chosen.set_existing(self.settings.processing.existing)
        self.say(self._trouble or said)
        self._fill()
        self._ages = QtCore.QTimer(self, interval=_AGES_MS)
        self._ages.timeout.connect(self._look_again)
        self._ages.start()

    def _lay_out(self) -> None:
        self.question = QtWidgets.QLabel(
            "Where does your camera save its pictures?", objectName="question", wordWrap=True
        )
        begin = QtWidgets.QHBoxLayout()
        begin.setContentsMargins(-4, 0, 0, 0)
        begin.setSpacing(16)
        begin.addWidget(self.start)
        begin.addWidget(self.line, 1)
        left = QtWidgets.QVBoxLayout()
        left.setSpacing(0)
        for part, gap in ((self.question, 16), (self.folders, 8), (self.zone, 24), (self.chosen, 16)):
            left.addWidget(part)
            left.addSpacing(gap)
        left.addLayout(begin)
        left.addStretch()
        self.columns = QtWidgets.QBoxLayout(QtWidgets.QBoxLayout.Direction.LeftToRight)
        self.columns.setSpacing(48)
        self.columns.addLayout(left, 58)
        self.columns.addWidget(self.past, 42)
        page = QtWidgets.QWidget(objectName="clear")
        page.setMaximumWidth(_WIDEST)
        whole = QtWidgets.QVBoxLayout(page)
        whole.setContentsMargins(0, 24, 0, 24)
        whole.setSpacing(0)
        whole.addStretch(2)
        whole.addLayout(self._head())
        whole.addSpacing(36)
        whole.addLayout(self.columns)
        whole.addStretch(3)
        centred = QtWidgets.QWidget(objectName="clear")
        middle = QtWidgets.QHBoxLayout(centred)
        middle.setContentsMargins(48, 0, 48, 0)
        middle.addWidget(page)
        self.scroll = QtWidgets.QScrollArea(widgetResizable=True, frameShape=QtWidgets.QFrame.Shape.NoFrame)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll.viewport().setAutoFillBackground(False)
        self.scroll.setWidget(centred)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.scroll)

    def _head(self) -> QtWidgets.QHBoxLayout:
        self.mark, brand = QtWidgets.QLabel(), QtWidgets.QLabel("livestack", objectName="brand")
        self.going = QtWidgets.QLabel(f"{self.running} goes on stacking", objectName="tone")
        self.back = QtWidgets.QPushButton("Back to the picture", toolTip="Back to the picture  Esc")
        self.back.setFixedHeight(40)
        self.going.setVisible(bool(self.running))
        self.back.setVisible(self.running is not None)
        self.moon, self.more = _icon("Night colours  N", "Night colours"), _icon("Menu", "Menu")
        self.moon.setCheckable(True)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.mark)
        row.addSpacing(12)
        row.addWidget(brand)
        row.addStretch()
        row.addWidget(self.going)
        row.addSpacing(12)
        row.addWidget(self.back)
        row.addSpacing(12)
        row.addWidget(self.moon)
        row.addWidget(self.more)
        return row

    def _bind(self) -> None:
        menu = QtWidgets.QMenu(self)
        for text, key, run in (
            ("Settings", "Ctrl+,", self.toggle_settings),
            ("Light colours", "", self._light),
            ("Full screen", "F", self._full_screen),
            ("Quit", "Ctrl+Q", lambda: self.window().close()),
        ):
            menu.addAction(f"{text}\t{key}" if key else text, run)
        self.more.setMenu(menu)
        self.more.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+,": self.toggle_settings,
            "N": self._night,
            "Ctrl+N": self._night,
            "F": self._full_screen,
            "F11": self._full_screen,
            "Ctrl+O": self._choose,
            "Ctrl+Q": lambda: self.window().close(),
            "Esc": self._escape,
        }
        for key, run in keys.items():
            QtWidgets.QShortcut(QtGui.QKeySequence(key), self, run)
        self.moon.clicked.connect(self._night)
        self.folders.known.connect(self._examine)
        self.folders.entered.connect(self.begin)
        self.zone.choose.clicked.connect(self._choose)
        self.start.clicked.connect(self.begin)
        self.back.clicked.connect(self.left)
        self.past.chose.connect(self.chose)
        self.past.backdrop.connect(self.set_picture)
        self.chosen.asked_masters.connect(self._add_masters)
        self.sheet.changed.connect(self._set_settings)

    def _fill(self) -> None:
        """Show what there is to choose; the folder with the newest picture is chosen."""
        self.past.look()
        until = time.monotonic() + _WAIT_S
        self._aside.wait(until)
        self.start.setEnabled(False)
        self.start.setToolTip("Choose a folder first")
        self.folders.choose_best()
        self._aside.wait(until)
        (self.start if self.folders.chosen is not None else self.zone.choose).setFocus()
        self.set_palette(self._palette)
        self._order()

    def _order(self) -> None:
        """Let Tab go from the question to its answer, then to all else."""
        chosen = self.chosen
        order = [*self.folders.rows, self.zone.choose, chosen.add, chosen.all, chosen.new, self.start]
        for one, next_one in itertools.pairwise([*order, *self.past.cards, self.past.older, self.past.demo, self.back]):
            QtWidgets.QWidget.setTabOrder(one, next_one)

    def _look_again(self) -> None:
        if self.isVisible() and not self._aside.is_busy:
            self.folders.look_again()

    def take_folder(self, folder: Path) -> None:
        """Take a folder that was dropped, or chosen elsewhere; of a file, the folder it is in."""
        self.folders.take_folder(folder)
        self.start.setFocus()

    def _examine(self, row: FolderRow) -> None:
        """Find out of what the pictures of the chosen folder are, and what fits them."""
        self.start.setEnabled(True)
        self.start.setToolTip("")
        seen, processing, library = row.contents, self.settings.processing, self._library
        if seen is None:
            self.chosen.show_findings(Finding(False, "", ""), Finding(False, "", ""))
            return
        self.chosen.show_contents(seen)

        def look() -> tuple[Finding, Finding]:
            taken, header = what_is_taken(seen)
            return taken, masters_for(header, seen, processing, library)

        def tell(found: tuple[Finding, Finding]) -> None:
            if row.isChecked():
                self.chosen.show_findings(*found)

        self._aside.run(look, tell)

    def say(self, sentence: str) -> None:
        """Say a sentence beside the button; "" = what is always true."""
        self.line.setObjectName("said" if sentence else "tone")
        self.line.setText(sentence_case(sentence) or READ_ONLY)
        self.line.style().unpolish(self.line)
        self.line.style().polish(self.line)

    def begin(self) -> None:
        """Start stacking the chosen folder."""
        row = self.folders.chosen
        if row is not None:
            self.chose.emit(StackFolder(row.folder, self.chosen.existing))

    def _choose(self) -> None:
        row = self.folders.chosen
        at = row.folder.parent if row is not None else Path.home()
        choose_folder(self, "Choose folder…", at, self._palette, self.take_folder)

    def _add_masters(self) -> None:
        choose_folder(
            self,
            "Folder with masters, or with raw darks, flats and biases",
            Path.home(),
            self._palette,
            self.add_masters,
        )

    def add_masters(self, folder: Path) -> None:
        """Use the calibration frames of a folder, from now on."""
        masters = (*self.settings.processing.masters, str(folder))
        try:
            settings = with_option(self.settings, "processing", "masters", tuple(dict.fromkeys(masters)))
            keep_settings(settings)
        except SettingsError as error:
            self.say(str(error))
            return
        self.sheet.set_settings(settings)
        self._set_settings(settings)

    def _set_settings(self, settings: Settings) -> None:
        self.settings = settings
        if self.folders.chosen is not None:
            self._examine(self.folders.chosen)

    def toggle_settings(self) -> None:
        """Open or close the settings."""
        self.sheet.set_open(not self.sheet.isVisible())

    def _escape(self) -> None:
        if self.sheet.isVisible():
            self.sheet.set_open(False)
        elif self.running is not None:
            self.left.emit()
        elif self.window().isFullScreen():
            self.window().showNormal()

    def _full_screen(self) -> None:
        window = self.window()
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

    def _night(self) -> None:
        self.asked_colours.emit("dark" if self._palette.is_night else "night")

    def _light(self) -> None:
        self.asked_colours.emit("dark" if self._palette is LIGHT else "light")

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        super().set_palette(palette)
        ratio = self.devicePixelRatioF()
        self.mark.setPixmap(pixmap("mark", palette.acc, 40, ratio))
        for button, icon in ((self.moon, "moon"), (self.more, "menu")):
            made = QtGui.QIcon(pixmap(icon, palette.t2, 20, ratio))
            made.addPixmap(pixmap(icon, palette.acc, 20, ratio), QtGui.QIcon.Mode.Normal, QtGui.QIcon.State.On)
            button.setIcon(made)
        self.moon.setChecked(palette.is_night)
        parts: list[Any] = [self.zone, self.chosen, self.start, self.past, self.sheet, self.folders]
        for part in parts:
            part.set_palette(palette)

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take folders and files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self.zone.set_over(True)

    def dragLeaveEvent(self, event: QtGui.QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """See that it went elsewhere."""
        self.zone.set_over(False)

    def dropEvent(self, event: QtGui.QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Choose what was dropped."""
        self.zone.set_over(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.take_folder(paths[0])

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put past nights below where there is no room beside."""
        super().resizeEvent(event)
        way = QtWidgets.QBoxLayout.Direction
        self.columns.setDirection(way.LeftToRight if self.width() >= _TWO_COLUMNS else way.TopToBottom)
        self.sheet.fit()

    def close_room(self) -> None:
        """Look for nothing more."""
        self._ages.stop()
        self._aside.close()


def _usual() -> tuple[Settings, str]:
    """Return the user's settings, and what is wrong with them."""
    try:
        return own_settings(), ""
    except SettingsError as error:
        return Settings(), str(error)


def _icon(tip: str, name: str) -> QtWidgets.QToolButton:
    made = QtWidgets.QToolButton(toolTip=tip, accessibleName=name)
    made.setFixedSize(40, 40)
    made.setIconSize(QtCore.QSize(20, 20))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
