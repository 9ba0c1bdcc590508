"""What a window is too small for, and what has to grow when its text does: rows, buttons and headings."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.show.qt.theme import scaled, text_scale

BIG_TEXT = 1.3
_SMALL_PX = 1024, 720
_ROW_PX, _BIG_ROW_PX, _BUTTON_PX = 32, 44, 32


def fit_to_text(window: QtWidgets.QWidget) -> None:
    """Give rows and buttons the height that the text wants: to be hit with gloves, where it is big."""
    row = _BIG_ROW_PX if text_scale() > 1 else _ROW_PX
    for table in window.findChildren(QtWidgets.QTableView):
        table.verticalHeader().setDefaultSectionSize(row)
        table.horizontalHeader().setFixedHeight(scaled(_BUTTON_PX))
    for button in window.findChildren(QtWidgets.QPushButton):
        if button.minimumHeight() == button.maximumHeight():
            button.setFixedHeight(scaled(_BUTTON_PX))


def is_small(size: QtCore.QSize) -> bool:
    """Whether panels have no room beside the picture, in text of its size."""
    wide, high = _SMALL_PX
    return bool(size.width() < scaled(wide) or size.height() < scaled(high))
