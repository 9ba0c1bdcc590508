"""A screen that guests look at stays on, though nobody touches the computer."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from pyqtgraph.Qt import QT_LIB, QtGui

from livestack.engine.awake import kept_awake

_NAME = "livestack guests"
_SCREEN_SAVER = "org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver"
_UNSEEN = ("offscreen", "minimal")


def load() -> None:
    """Load what asks the desktop, which takes a while the first time."""
    with contextlib.suppress(ImportError):
        importlib.import_module(f"{QT_LIB}.QtDBus")


@contextlib.contextmanager
def kept_lit() -> Iterator[None]:
    """Ask that no screen goes dark; where nobody can be asked, nothing happens."""
    if QtGui.QGuiApplication.platformName() in _UNSEEN:
        yield
        return
    with kept_awake(display=True):
        bus = _bus()
        if bus is not None:
            # what was asked through a connection ends with it: no answer has to be waited for
            ask = bus.QDBusMessage.createMethodCall(*_SCREEN_SAVER, "Inhibit")
            ask.setArguments(["livestack", "Guests are looking at it"])
            bus.QDBusConnection(_NAME).send(ask)
        try:
            yield
        finally:
            if bus is not None:
                bus.QDBusConnection.disconnectFromBus(_NAME)


def _bus() -> Any | None:
    """Return Qt's module of the desktop's bus, with a connection of our own; None where there is no bus."""
    try:
        module = importlib.import_module(f"{QT_LIB}.QtDBus")
    except ImportError:
        return None
    connection = module.QDBusConnection
    return module if connection.connectToBus(connection.BusType.SessionBus, _NAME).isConnected() else None
