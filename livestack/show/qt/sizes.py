"""What of a window has to grow when its text does: rows, buttons and headings of a fixed height."""

from __future__ import annotations

from pyqtgraph.Qt import QtWidgets

from livestack.show.qt.theme import scaled, text_scale

BIG_TEXT = 1.3
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
