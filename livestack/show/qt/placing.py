"""Where the window was, and how large, from one start to the next; never where no screen is."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.show.qt.kept import kept, kept_word

FIRST = QtCore.QSize(1600, 1000)
_PLACE, _HOW = "window/place", "window/how"
_HOWS = ("normal", "maximised", "full screen")
_SEEN_PX = 120
"""So much of a window's head must be on a screen, in width, for a hand to find it."""


def keep_place(window: QtWidgets.QWidget) -> None:
    """Keep where a window is."""
    place = window.normalGeometry() if window.isMaximized() or window.isFullScreen() else window.geometry()
    how = _HOWS[2 if window.isFullScreen() else 1 if window.isMaximized() else 0]
    settings = kept()
    settings.setValue(_PLACE, ",".join(str(part) for part in place.getRect()))
    settings.setValue(_HOW, how)


def take_place(window: QtWidgets.QWidget) -> None:
    """Show a window where it was, or in the middle of the first screen."""
    screens = [screen.availableGeometry() for screen in QtWidgets.QApplication.screens()]
    window.setGeometry(place_on(screens, _kept_place(), window.minimumSize()))
    how = kept_word(_HOW, _HOWS)
    show = {_HOWS[1]: window.showMaximized, _HOWS[2]: window.showFullScreen}.get(how, window.show)
    show()


def place_on(screens: list[QtCore.QRect], wanted: QtCore.QRect | None, least: QtCore.QSize) -> QtCore.QRect:
    """Return a place for a window: as wanted, as far as there is a screen for it.

    Parameters
    ----------
    screens : list of QRect
        What windows may take of each, the first one first.
    """
    if wanted is not None:
        head = QtCore.QRect(wanted.x(), wanted.y(), wanted.width(), 32)
        seen = [(screen & head).width() if (screen & head).height() > 0 else 0 for screen in screens]
        if max(seen) >= _SEEN_PX:
            return _within(screens[seen.index(max(seen))], wanted, least)
    size = (wanted.size() if wanted is not None else FIRST).boundedTo(screens[0].size())
    middle = QtCore.QRect(QtCore.QPoint(), size)
    middle.moveCenter(screens[0].center())
    return _within(screens[0], middle, least)


def _within(screen: QtCore.QRect, wanted: QtCore.QRect, least: QtCore.QSize) -> QtCore.QRect:
    """Return a place moved, and made smaller where it must be, until all of it is on a screen."""
    size = wanted.size().boundedTo(screen.size()).expandedTo(least)
    x = max(screen.left(), min(wanted.x(), screen.right() + 1 - size.width()))
    y = max(screen.top(), min(wanted.y(), screen.bottom() + 1 - size.height()))
    return QtCore.QRect(QtCore.QPoint(x, y), size)


def _kept_place() -> QtCore.QRect | None:
    try:
        x, y, wide, high = (int(part) for part in str(kept().value(_PLACE, "")).split(","))
    except ValueError:
        return None
    return QtCore.QRect(x, y, wide, high) if wide > 0 and high > 0 else None
