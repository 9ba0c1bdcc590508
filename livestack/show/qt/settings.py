"""The settings, on a sheet at the right edge: what lies beside it goes on, and nothing has to be answered."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.counted import count
from livestack.errors import SettingsError
from livestack.own import changes, keep_settings, own_settings, settings_file, with_option
from livestack.settings import Settings
from livestack.show.option_words import GROUPS, Group
from livestack.show.qt.option_rows import OptionRow
from livestack.show.qt.theme import pixmap
from livestack.show.tokens import Palette
from livestack.show.words import sentence_case

WIDE_PX = 640

Qt = QtCore.Qt


class SettingsSheet(QtWidgets.QWidget):
    """The user's settings by group. Each change is kept at once, and can be taken back."""

    changed = QtCore.Signal(object)

    def __init__(self, page: QtWidgets.QWidget, palette: Palette) -> None:
        super().__init__(page, objectName="sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Settings")
        self._palette = palette
        self.settings = Settings()
        self.rows: dict[str, OptionRow] = {}
        self.close_button = QtWidgets.QToolButton(toolTip="Close  Esc", accessibleName="Close settings")
        self.close_button.setFixedSize(40, 40)
        self.close_button.setIconSize(QtCore.QSize(20, 20))
        self.close_button.clicked.connect(lambda: self.set_open(False))
        self.tabs = QtWidgets.QTabBar(objectName="groups", drawBase=False, accessibleName="Groups of settings")
        self.tabs.setExpanding(False)
        self.pages = QtWidgets.QStackedWidget()
        self.tabs.currentChanged.connect(self.pages.setCurrentIndex)
        self.state = QtWidgets.QLabel(objectName="label", wordWrap=True)
        self.reset = QtWidgets.QPushButton("Reset all")
        self.reset.setFixedHeight(40)
        self.reset.clicked.connect(lambda: self._keep(Settings()))
        for group in GROUPS:
            self.tabs.addTab(group.label)
            self.pages.addWidget(self._page(group))
        self._lay_out()
        self.set_palette(palette)
        self.hide()

    def _page(self, group: Group) -> QtWidgets.QWidget:
        inside = QtWidgets.QWidget(objectName="clear")
        column = QtWidgets.QVBoxLayout(inside)
        column.setContentsMargins(24, 8, 24, 16)
        column.setSpacing(0)
        for k, words in enumerate(group.options):
            if k:
                divider = QtWidgets.QFrame(objectName="divider")
                divider.setFixedHeight(1)
                column.addWidget(divider)
            row = self.rows[words.name] = OptionRow(group.name, words)
            row.chose.connect(self._choose)
            column.addWidget(row)
        column.addStretch()
        scroll = QtWidgets.QScrollArea(widgetResizable=True, frameShape=QtWidgets.QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        return scroll

    def _lay_out(self) -> None:
        head = QtWidgets.QHBoxLayout()
        head.setContentsMargins(24, 12, 12, 4)
        head.addWidget(QtWidgets.QLabel("Settings", objectName="head"))
        head.addStretch()
        head.addWidget(self.close_button)
        tabs = QtWidgets.QHBoxLayout()
        tabs.setContentsMargins(8, 0, 0, 0)
        tabs.addWidget(self.tabs)
        tabs.addStretch()
        divider = QtWidgets.QFrame(objectName="divider")
        divider.setFixedHeight(1)
        foot = QtWidgets.QHBoxLayout()
        foot.setContentsMargins(24, 12, 24, 12)
        foot.setSpacing(16)
        foot.addWidget(self.state, 1)
        foot.addWidget(self.reset)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(tabs)
        column.addWidget(self.pages, 1)
        column.addWidget(divider)
        column.addLayout(foot)

    def set_open(self, shown: bool) -> None:
        """Open, with what is kept now, or close."""
        page = self.parentWidget()
        if not shown:
            had_focus = self.isAncestorOf(QtWidgets.QApplication.focusWidget() or page)
            self.hide()
            if had_focus:
                page.setFocus()
            return
        try:
            self.set_settings(own_settings())
        except SettingsError as error:
            self.set_settings(Settings())
            self.state.setText(sentence_case(str(error)))
        self.fit()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def fit(self) -> None:
        """Take the right edge of the page."""
        page = self.parentWidget()
        wide = min(WIDE_PX, page.width())
        self.setGeometry(page.width() - wide, 0, wide, page.height())

    def set_settings(self, settings: Settings) -> None:
        """Show settings."""
        self.settings = settings
        for name, row in self.rows.items():
            row.show_value(getattr(getattr(settings, row.group), name))
        n = sum(len(options) for options in changes(settings).values())
        self.reset.setEnabled(n > 0)
        kept = f"{count(n, 'option')} changed" if n else "Nothing is changed"
        self.state.setText(f"{kept}. Kept in {_short(settings_file())}")
        for at, group in enumerate(GROUPS):
            m = len(changes(settings).get(group.name, {}))
            self.tabs.setTabText(at, f"{group.label} · {m}" if m else group.label)

    def _choose(self, group: str, name: str, value: Any) -> None:
        row = self.rows[name]
        try:
            settings = with_option(self.settings, group, name, value)
        except SettingsError as error:
            row.show_wrong(_plain(error))
            return
        if settings == self.settings:
            row.show_value(getattr(getattr(settings, group), name))
        else:
            self._keep(settings)

    def _keep(self, settings: Settings) -> None:
        try:
            keep_settings(settings)
        except SettingsError as error:
            self.state.setText(sentence_case(str(error)))
            return
        self.set_settings(settings)
        self.changed.emit(settings)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.close_button.setIcon(QtGui.QIcon(pixmap("cross", palette.t2, 20, self.devicePixelRatioF())))
        for row in self.rows.values():
            row.set_palette(palette)

    def event(self, event: QtCore.QEvent) -> bool:
        """Keep Esc for the sheet, whatever else it closes."""
        if event.type() == QtCore.QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.set_open(False)
        else:
            super().keyPressEvent(event)


def _plain(error: SettingsError) -> str:
    """Return what is wrong with a value without the name that files have for the option."""
    said = str(error).removeprefix("settings: ")
    return sentence_case(said.split(": ", 1)[-1]) + "."


def _short(path: Path) -> str:
    from pathlib import Path

    home = str(Path.home())
    return str(path).replace(home, "~", 1)
