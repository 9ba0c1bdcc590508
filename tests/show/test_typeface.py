"""The typeface of the window: ours, in three weights, with digits that stand below one another."""

from __future__ import annotations

import string

import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.show.fonts import WEIGHTS, truetype
from livestack.show.qt.theme import families, font
from livestack.show.qt.window import Window
from livestack.show.tokens import FONTS
from tests.show.grab import drawn
from tests.show.night import Night, sky

STYLES = {400: "Regular", 500: "Medium", 600: "SemiBold"}
LATIN = "".join(map(chr, (*range(0xA0, 0x17F), *range(0x20, 0x7F))))
"""What names and captions are written in, from Iceland to Turkey."""
WRITTEN = LATIN + "–—‘’“”•…′″←→−√σμ≈≤≥€\u202f"


@pytest.mark.parametrize("weight", STYLES)
@pytest.mark.parametrize("size_px", [12, 13, 14, 28])
def test_each_weight_is_drawn_as_it_is_and_digits_are_of_one_width(qapp: object, weight: int, size_px: int) -> None:
    made = font(size_px, weight)
    info, metrics = QtGui.QFontInfo(made), QtGui.QFontMetricsF(made)
    assert (info.family(), info.styleName(), info.pixelSize()) == (FONTS[0], STYLES[weight], size_px)
    assert len({metrics.horizontalAdvance(digit) for digit in string.digits}) == 1


def test_it_has_what_the_faces_write(qapp: object) -> None:
    for name in WEIGHTS.values():
        face = QtGui.QRawFont(str(truetype(name)), 14)
        assert [sign for sign in WRITTEN if not face.supportsCharacter(sign)] == []


def test_every_word_of_the_window_is_set_in_it(window: Window, night: Night, qtbot: QtBot) -> None:
    for _ in range(12):
        night.add()
    night.show(sky(12), sky(1), 12)
    window.live.tick()
    for key in "DPL":
        qtbot.keyClick(window, key)
    drawn(window.canvas, qtbot)
    kinds = (QtWidgets.QLabel, QtWidgets.QAbstractButton, QtWidgets.QComboBox, QtWidgets.QTableView)
    parts = [part for kind in kinds for part in window.findChildren(kind)]
    assert len(parts) > 40
    for part in parts:
        part.ensurePolished()
        assert part.fontInfo().family() == families()[0], part.objectName()
    titles = window.findChildren(QtWidgets.QLabel, "title")
    assert "Develop" in [title.text() for title in titles]
    assert {title.fontInfo().styleName() for title in titles} == {"SemiBold"}
    assert window.glance.stacked.number.fontInfo().styleName() == "Medium"
    assert window.glance.stacked.below.fontInfo().styleName() == "Regular"
    menu = window.findChild(QtWidgets.QMenu)
    menu.ensurePolished()
    assert menu.fontInfo().family() == families()[0]


def test_numbers_move_nothing(window: Window, night: Night, qtbot: QtBot) -> None:
    """Eight subs and 112, the same bars to the px."""

    def places() -> dict[str, QtCore.QRect]:
        parts = (window.top.chip, *window.icons.values(), window.glance.ribbon, window.glance.advice)
        cells = [part for cell in window.glance.cells for part in (cell, cell.label, cell.number, cell.below)]
        return {str(k): QtCore.QRect(part.pos(), part.size()) for k, part in enumerate((*parts, *cells))}

    seen = []
    for n in (8, 112):
        while night.no < n:
            night.add()
        night.show(sky(n), sky(1), n)
        window.live.tick()
        drawn(window.canvas, qtbot)
        seen.append(places())
    assert seen[0] == seen[1]
