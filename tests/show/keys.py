"""A window walked by keys: where they go in turn, and what a mouse could work there."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtTest, QtWidgets

from tests.show.grab import pixels

CONTROLS = (
    QtWidgets.QAbstractButton,
    QtWidgets.QComboBox,
    QtWidgets.QAbstractSlider,
    QtWidgets.QAbstractSpinBox,
    QtWidgets.QLineEdit,
    QtWidgets.QTabBar,
    QtWidgets.QAbstractItemView,
)
SEEN_PX = 40
"""A change of so few px is no sign of the focus."""


def focused(page: QtWidgets.QWidget) -> QtWidgets.QWidget:
    widget = page.focusWidget()
    assert widget is not None and widget.isVisibleTo(page), "the keys go nowhere"
    return widget


def walked(page: QtWidgets.QWidget, key: QtCore.Qt.Key) -> list[QtWidgets.QWidget]:
    """Return what has the keys in turn, until it comes again."""
    way: list[QtWidgets.QWidget] = []
    while True:
        QtTest.QTest.keyClick(focused(page), key)
        if focused(page) in way:
            return way
        way.append(focused(page))


def pressable(page: QtWidgets.QWidget) -> set[QtWidgets.QWidget]:
    """Return all that a mouse could work by now."""
    return {
        part
        for part in page.findChildren(QtWidgets.QWidget)
        if part.isVisibleTo(page)
        and part.isEnabled()
        and not isinstance(part, QtWidgets.QScrollBar | QtWidgets.QHeaderView)  # arrows; Ctrl+L
        and (isinstance(part, CONTROLS) or _takes_clicks(part))
    }


def _takes_clicks(part: QtWidgets.QWidget) -> bool:
    own = (kind for kind in type(part).__mro__ if kind.__module__.startswith("livestack"))
    return any(name in vars(kind) for kind in own for name in ("mousePressEvent", "mouseReleaseEvent"))


def is_among(part: QtWidgets.QWidget, way: list[QtWidgets.QWidget]) -> bool:
    """Whether arrows go to it from one of those, or it is the inside of one."""
    holder = part.parentWidget()
    if isinstance(part, QtWidgets.QAbstractButton) and (part.autoExclusive() or part.group() is not None):
        return any(_are_of_one_group(part, one) for one in way)
    return isinstance(part, QtWidgets.QLineEdit) and holder in way


def _are_of_one_group(one: QtWidgets.QAbstractButton, other: QtWidgets.QWidget) -> bool:
    if not isinstance(other, QtWidgets.QAbstractButton):
        return False
    if one.group() is not None:
        return other.group() is one.group()
    return other.parentWidget() is one.parentWidget()


def shows_focus(part: QtWidgets.QWidget, other: QtWidgets.QWidget) -> bool:
    """Whether one sees that the keys go there, and not to another."""
    other.setFocus()
    before = pixels(part)
    part.setFocus(QtCore.Qt.FocusReason.TabFocusReason)
    now = pixels(part)
    return before.shape != now.shape or int((before != now).any(axis=-1).sum()) >= SEEN_PX
