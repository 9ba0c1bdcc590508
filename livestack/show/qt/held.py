"""A key that does something for as long as it is held, and for good when it is only tapped."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable

from pyqtgraph.Qt import QtCore, QtWidgets

Kind = QtCore.QEvent.Type

TAP_MS = 350
"""Who lets go before has tapped."""


class Held(QtCore.QObject):
    """Watches for the end of a key press, wherever the focus is by then."""

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._back: Callable[[], None] | None = None
        self._pressed = QtCore.QElapsedTimer()

    def press(self, back: Callable[[], None]) -> None:
        """Take note that the key is down; `back` is called when it was held and is let go."""
        self._back = back
        self._pressed.start()
        QtWidgets.QApplication.instance().installEventFilter(self)

    def forget(self) -> None:
        """Go back to nothing when it is let go."""
        self._back = None

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802 - Qt's name
        """Notice that it is let go, or that another program has the keyboard now."""
        let_go = event.type() == Kind.KeyRelease and not event.isAutoRepeat()
        if let_go or event.type() == Kind.ApplicationStateChange:
            QtWidgets.QApplication.instance().removeEventFilter(self)
            back, self._back = self._back, None
            if back is not None and self._pressed.elapsed() > TAP_MS:
                back()
        return False
