"""From the colour tokens to what Qt takes: palette, style sheet, icons, fonts."""

from __future__ import annotations

import re
from functools import lru_cache
from string import Template

from pyqtgraph.Qt import QT_LIB, QtCore, QtGui, QtSvg, QtWidgets

from livestack.show.fonts import WEIGHTS, truetype
from livestack.show.icons import svg
from livestack.show.tokens import DARK, FONTS, LIGHT, NIGHT, Palette

Qt = QtCore.Qt

_MEDIUM, _SEMIBOLD = (456, 504) if QT_LIB == "PyQt5" else (500, 600)  # Qt 5 takes an eighth of what a sheet says

_SHEET = Template("""
* { color: $t1; font-family: $family; font-size: 14px; }
QMainWindow, #canvas { background: $bg0; }
#bar { background: $bg1; border-bottom: 1px solid $line; }
#glance { background: $bg1; border-top: 1px solid $line; }
#cell { border-right: 1px solid $line; }
#panel { background: $bg2; border-top: 1px solid $line; }
#side { background: $bg2; border-left: 1px solid $line; }
QScrollArea, #clear { background: transparent; border: 0; }
QLabel { background: transparent; }
#label { color: $t2; font-size: 13px; }
#number { font-size: 28px; font-weight: $medium; }
#advice { font-size: 16px; }
#long { font-size: 13px; }
#head { font-size: 18px; font-weight: $semibold; }
#name { font-size: 16px; color: $t2; }
#chip { color: $t2; border: 1px solid $line; border-radius: 8px; padding: 0 12px; }
#title { font-size: 16px; font-weight: $semibold; }
#step { font-size: 18px; }
#axis { color: $t3; font-size: ${axis}px; }
#divider { background: $line; border: 0; }
#tabs { background: $bg2; }
#tabs::tab { background: $bg2; color: $t2; padding: 8px 20px; border: 0; border-top: 1px solid $line; }
#tabs::tab:selected { color: $t1; border-bottom: 2px solid $acc; font-weight: $medium; }
QToolButton { background: transparent; border: 0; border-radius: 8px; }
QToolButton:hover { background: $bg3; }
QToolButton:checked { background: $accbg; $chosen }
QToolButton:focus { border: 2px solid $t1; }
QToolButton::menu-indicator { image: none; width: 0; }
QPushButton { background: $bg3; border: 1px solid $line; border-radius: 8px; padding: 0 14px; min-height: 30px; }
QPushButton:hover { border-color: $line2; }
QPushButton:disabled { color: $track; background: $bg2; }
QPushButton#primary { background: $primary; color: $ink; border-color: $acc; font-weight: $semibold; $chosen }
QPushButton#segment { background: transparent; border: 1px solid transparent; color: $t2; border-radius: 6px;
    padding: 0 10px; }
QPushButton#segment:checked { background: $bg3; border-color: $line2; color: $t1; font-weight: $medium; $chosen }
QPushButton#unit { background: transparent; border: 0; padding: 0 1px; min-height: 20px; color: $t2; }
QPushButton#unit:hover { color: $t1; }
#panel QPushButton:focus { border: 2px solid $t1; }
Switcher QPushButton#segment { padding: 0 2px; }
#segments { background: $bg1; border: 1px solid $line; border-radius: 8px; }
QTableView { background: $bg2; border: 0; gridline-color: $line; selection-background-color: $accbg;
    selection-color: $t1; outline: 0; alternate-background-color: $bg2; }
QTableView::item { padding: 0 8px; border-bottom: 1px solid $line; }
QTableView::item:selected { background: $accbg; color: $t1; $chosen_row }
QHeaderView { background: $bg2; }
QHeaderView::section { background: $bg2; color: $t2; border: 0; border-bottom: 1px solid $line; padding: 0 11px;
    font-size: 13px; }
QHeaderView::up-arrow, QHeaderView::down-arrow { image: none; width: 0; height: 0; }
QTableCornerButton::section { background: $bg2; border: 0; }
QScrollBar { background: $bg2; border: 0; width: 10px; height: 10px; }
QScrollBar::handle { background: $line2; border-radius: 5px; min-height: 32px; min-width: 32px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: $bg2; border: 1px solid $line2; padding: 6px 0; }
QMenu::item { padding: 8px 28px 8px 20px; }
QMenu::item:selected { background: $bg3; color: $t1; }
QMenu::item:disabled { color: $track; }
QMenu::separator { height: 1px; background: $line; margin: 6px 0; }
QToolTip { background: $bg2; color: $t1; border: 1px solid $line2; padding: 4px; }
#bare { background: transparent; }
#help { background: $bg2; border: 1px solid $line2; border-radius: 12px; }
#key { background: $bg3; border: 1px solid $line2; border-radius: 6px; padding: 2px 7px; font-size: 13px; }
QFileDialog, QDialog { background: $bg2; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QLineEdit, QComboBox, QTreeView, QListView { background: $bg1; border: 1px solid $line2; selection-color: $t1;
    selection-background-color: $accbg; }
QComboBox { border-radius: 8px; padding: 0 12px; }
QComboBox::drop-down { border: 0; width: 32px; }
QComboBox:focus { border: 2px solid $t1; }
QCheckBox { min-height: 26px; }
QCheckBox:focus { border: 2px solid $t1; border-radius: 6px; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid $track; border-radius: 4px; background: $bg1; }
QCheckBox::indicator:checked { border-color: $acc; background: $acc; }
QSlider { min-height: 24px; border: 2px solid transparent; border-radius: 6px; }
#side QSlider { min-height: 16px; }
QSlider:focus { border-color: $t1; }
QSlider::groove:horizontal { height: 2px; background: $track; }
QSlider::sub-page:horizontal { height: 4px; margin: -1px 0; background: $acc; }
QSlider::handle:horizontal { width: 16px; margin: -7px 0; border-radius: 8px; background: $t1; }
QSlider::handle:horizontal:disabled, QSlider::sub-page:horizontal:disabled { background: $track; }
QSplitter::handle { background: $line; }
#brand { font-size: 30px; font-weight: $semibold; }
#question { font-size: 28px; font-weight: $medium; }
#card { background: $bg2; border: 1px solid $line; border-radius: 10px; }
#card QPushButton#segment { min-height: 30px; }
#said { color: $hold; font-size: 15px; }
#tone { color: $t2; font-size: 15px; }
#option { font-size: 15px; font-weight: $medium; }
QPushButton:focus { border: 2px solid $t1; }
QPushButton#link { background: transparent; border: 0; padding: 0; min-height: 22px; color: $acc; text-align: left;
    text-decoration: underline; }
QPushButton#link:focus { border: 2px solid $t1; border-radius: 4px; }
QPushButton#link:disabled { color: $track; }
QScrollArea, #clear { background: transparent; border: 0; }
#groups::tab { background: transparent; color: $t2; padding: 8px 16px; border: 0;
    border-bottom: 2px solid transparent; }
#groups::tab:selected { color: $t1; border-bottom: 2px solid $acc; }
#groups:focus { border: 2px solid $t1; border-radius: 6px; }
#sheet QComboBox::drop-down { border: 0; width: 32px; }
#sheet { background: $bg2; border-left: 1px solid $line2; }
QAbstractSpinBox { background: $bg1; border: 1px solid $line2; border-radius: 8px; padding: 0 10px; }
QLineEdit#value { border-radius: 8px; padding: 0 10px; }
QAbstractSpinBox:focus, QLineEdit:focus { border: 2px solid $t1; }
QAbstractSpinBox:disabled, QLineEdit:disabled, QCheckBox:disabled { color: $track; }
""")


def text_scale() -> float:
    """Return by how much text is larger than usual: a property of the application, as its style sheet is."""
    app = QtCore.QCoreApplication.instance()
    return float(app.property("textScale") or 1.0) if app is not None else 1.0


def scaled(px: int) -> int:
    """Return a size that grows with the text."""
    return round(px * text_scale())


def cursor(palette: Palette) -> QtGui.QCursor:
    """Return an arrow in the colours of the night: that of a system is white."""
    side = 24
    made = QtGui.QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(made)
    painter.setPen(QtGui.QPen(QtGui.QColor(palette.bg0), 1.0))
    painter.setBrush(QtGui.QColor(palette.t1))
    corners = ((1, 1), (1, 17), (5, 13), (8, 20), (11, 19), (8, 12), (14, 12))
    painter.drawPolygon(QtGui.QPolygon([QtCore.QPoint(*corner) for corner in corners]))
    painter.end()
    return QtGui.QCursor(made, 1, 1)


def style_sheet(palette: Palette) -> str:
    """Return the window's style sheet. At night the chosen is outlined, for there is no second colour."""
    chosen = f"border: 2px solid {palette.acc};" if palette.is_night else ""
    row = f"border-top: 2px solid {palette.acc}; border-bottom: 2px solid {palette.acc}; font-weight: {_SEMIBOLD};"
    names = {name: getattr(palette, name) for name in palette.__slots__}
    names |= {"family": ", ".join(f'"{name}"' for name in families()), "medium": _MEDIUM, "semibold": _SEMIBOLD}
    names["primary"] = palette.accbg if chosen else palette.acc
    sheet = _SHEET.substitute(names, chosen=chosen, chosen_row=row if chosen else "", axis=13 if chosen else 12)
    return re.sub(r"(font-size|min-height): (\d+)px", lambda found: f"{found[1]}: {scaled(int(found[2]))}px", sheet)


COLOURS = {"dark": DARK, "light": LIGHT, "night": NIGHT}
"""Palettes by the names under which one is kept."""


def name_of(palette: Palette) -> str:
    """Return the name of a palette."""
    return next(name for name, known in COLOURS.items() if known is palette)


def dress(palette: Palette) -> None:
    """Give every window its colours, tooltips, menus and the pointer too."""
    app = QtWidgets.QApplication.instance()
    app.setPalette(qt_palette(palette))
    QtWidgets.QToolTip.setPalette(qt_palette(palette))
    sheet = style_sheet(palette)
    if sheet != app.styleSheet():  # the same one would be laid out anew for each widget there is
        app.setStyleSheet(sheet)
    while app.overrideCursor() is not None:
        app.restoreOverrideCursor()
    if palette.is_night:
        app.setOverrideCursor(cursor(palette))


def qt_palette(palette: Palette) -> QtGui.QPalette:
    """Return the colours of everything the style sheet does not reach, carets and selections too."""
    role = QtGui.QPalette.ColorRole
    colours = {
        role.Window: palette.bg1,
        role.WindowText: palette.t1,
        role.Base: palette.bg1,
        role.AlternateBase: palette.bg2,
        role.Text: palette.t1,
        role.Button: palette.bg3,
        role.ButtonText: palette.t1,
        role.BrightText: palette.t1,
        role.ToolTipBase: palette.bg2,
        role.ToolTipText: palette.t1,
        role.Highlight: palette.accbg,
        role.HighlightedText: palette.t1,
        role.Link: palette.acc,
        role.LinkVisited: palette.acc,
        role.PlaceholderText: palette.track,
        role.Light: palette.line2,
        role.Midlight: palette.line,
        role.Mid: palette.line,
        role.Dark: palette.bg0,
        role.Shadow: palette.bg0,
    }
    made = QtGui.QPalette()
    for place, colour in colours.items():
        made.setColor(place, QtGui.QColor(colour))
    for place in (role.Text, role.WindowText, role.ButtonText):
        made.setColor(QtGui.QPalette.ColorGroup.Disabled, place, QtGui.QColor(palette.track))
    return made


@lru_cache(maxsize=256)
def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QtGui.QPixmap:
    """Return an icon in one colour, sharp at the screen's pixel ratio."""
    side = round(size * ratio)
    made = QtGui.QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(made)
    QtSvg.QSvgRenderer(QtCore.QByteArray(svg(name, colour).encode())).render(painter)
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def icon(name: str, palette: Palette, size: int, ratio: float = 1.0) -> QtGui.QIcon:
    """Return an icon for a button, which tells by itself that it cannot be pressed: Qt would draw that in grey."""
    made = QtGui.QIcon(pixmap(name, palette.t1, size, ratio))
    made.addPixmap(pixmap(name, palette.track, size, ratio), QtGui.QIcon.Mode.Disabled)
    return made


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the families to write in, in order of wish; the typeface is loaded when it is first asked for.

    Whoever sets a font asks here, so that no word is ever set in another one first. What it lacks, the next one has.
    """
    for name in WEIGHTS.values():
        QtGui.QFontDatabase.addApplicationFont(str(truetype(name)))
    return FONTS


def font(size_px: int, weight: int = 400, *, grows: bool = True) -> QtGui.QFont:
    """Return the face's font. weight: 400, 500 or 600; grows: with the text of the window."""
    made = QtGui.QFont()
    made.setFamilies(list(families()))
    made.setPixelSize(scaled(size_px) if grows else size_px)
    named = QtGui.QFont.Weight
    made.setWeight({400: named.Normal, 500: named.Medium}.get(weight, named.DemiBold))
    return made
