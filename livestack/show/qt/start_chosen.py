"""What is known of the chosen folder: of what its pictures are, which masters fit, and what is done with them."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.settings import EXISTING
from livestack.show.folders import Contents, Finding
from livestack.show.qt.start_parts import Found
from livestack.show.tokens import Palette

NOT_YET = "This folder does not exist yet. Start anyway and wait for it?"
_SEGMENT_PX = 146


class Chosen(QtWidgets.QFrame):
    """A card with two ticks or rings, and what is to happen to the pictures that are there already."""

    asked_masters = QtCore.Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__(objectName="card")
        self.taken, self.masters = Found(palette), Found(palette)
        self.add = QtWidgets.QPushButton("Add masters…", objectName="link", accessibleName="Add masters")
        self.add.setCursor(QtCore.Qt.CursorShape.PointingHandCursor)
        self.add.clicked.connect(self.asked_masters)
        self._one = QtWidgets.QButtonGroup(self)
        self.all, self.new = self._segment("Stack all"), self._segment("Only new ones")
        self.all.setChecked(True)
        self.line = QtWidgets.QLabel(NOT_YET)
        self.line.setWordWrap(True)
        self._lay_out()
        self.show_nothing()

    def _segment(self, text: str) -> QtWidgets.QPushButton:
        made = QtWidgets.QPushButton(text, objectName="segment", checkable=True)
        self._one.addButton(made)
        made.setFixedWidth(_SEGMENT_PX)
        return made

    def _lay_out(self) -> None:
        found = QtWidgets.QHBoxLayout()
        found.setSpacing(24)
        beside = QtWidgets.QVBoxLayout()
        beside.setSpacing(0)
        beside.addWidget(self.masters)
        indented = QtWidgets.QHBoxLayout()
        indented.setContentsMargins(32, 0, 0, 0)
        indented.addWidget(self.add)
        indented.addStretch()
        beside.addLayout(indented)
        beside.addStretch()
        found.addWidget(self.taken, 1, QtCore.Qt.AlignmentFlag.AlignTop)
        found.addLayout(beside, 1)
        divider = QtWidgets.QFrame(objectName="divider")
        divider.setFixedHeight(1)
        segments = QtWidgets.QWidget(objectName="segments")
        segments.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        pair = QtWidgets.QHBoxLayout(segments)
        pair.setContentsMargins(3, 3, 3, 3)
        pair.setSpacing(2)
        pair.addWidget(self.all)
        pair.addWidget(self.new)
        there = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(there)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QtWidgets.QLabel("Pictures already there"))
        row.addStretch()
        row.addWidget(segments)
        self._below = QtWidgets.QStackedWidget()
        self._below.setFixedHeight(40)
        for page in (there, self.line):
            self._below.addWidget(page)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(24, 18, 24, 16)
        column.setSpacing(16)
        column.addLayout(found)
        column.addWidget(divider)
        column.addWidget(self._below)

    @property
    def existing(self) -> str:
        """What is to happen to pictures that are there: as in `livestack.settings.Processing`."""
        return EXISTING[0] if self.all.isChecked() else EXISTING[1]

    def set_existing(self, existing: str) -> None:
        """Choose what is to happen to them."""
        (self.all if existing == EXISTING[0] else self.new).setChecked(True)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self.taken.set_palette(palette)
        self.masters.set_palette(palette)

    def show_contents(self, seen: Contents) -> None:
        """Say what can be done with what is there."""
        n = len(seen.lights)
        self.all.setText(f"Stack all {n:,}" if n else "Stack all")
        if not seen.is_there:
            self.line.setText(NOT_YET)
        elif not n:
            self.line.setText("Nothing is there yet. Pictures are stacked as they come.")
        self._below.setCurrentIndex(0 if n else 1)

    def show_findings(self, taken: Finding, masters: Finding) -> None:
        """Say what was found."""
        self.taken.set_finding(taken)
        self.masters.set_finding(masters)
        self.add.setVisible(not masters.found)

    def show_nothing(self) -> None:
        """Say that no folder is chosen."""
        self.show_findings(
            Finding(False, "No folder chosen yet", "Choose the one in which your camera program saves"),
            Finding(False, "No dark or flat", "You can add them later, even tomorrow"),
        )
        self.line.setText("Then the stack begins with the first picture.")
        self._below.setCurrentIndex(1)
