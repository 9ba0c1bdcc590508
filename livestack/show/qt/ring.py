"""What shows that the keys go to a widget: to who came by key, and to nobody else."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

Kind, Reason = QtCore.QEvent.Type, QtCore.Qt.FocusReason

_BY_KEY = (Reason.TabFocusReason, Reason.BacktabFocusReason)


class Ring(QtWidgets.QWidget):
    """Lies over a widget that has no look of its own for the focus, such as what scrolls."""

    def __init__(self, around: QtWidgets.QWidget) -> None:
        super().__init__(around)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        around.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802 - Qt's name
        """Come and go with the focus."""
        kind = event.type()
        if kind == Kind.FocusIn and event.reason() in _BY_KEY:
            self.resize(self.parentWidget().size())
            self.raise_()
            self.show()
        elif kind == Kind.FocusOut:
            self.hide()
        elif kind == Kind.Resize:
            self.resize(self.parentWidget().size())
        return False

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(self.palette().color(QtGui.QPalette.ColorRole.WindowText), 2.0))
        painter.drawRoundedRect(QtCore.QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()
