"""What a person meets beside the picture itself: the window if there can be one, the page, and the way to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from livestack.allocation import return_planes
from livestack.errors import SettingsError
from livestack.show.code import show_code
from livestack.show.console import complain
from livestack.show.source import Source

if TYPE_CHECKING:
    from livestack.show.web.server import Page


def can_open_window(viewer: str) -> bool:
    """Whether a session gets a window.

    Parameters
    ----------
    viewer : str
        ``auto``: where there is a display, and Qt can be loaded; ``qt``: in any case; ``none``.

    Raises
    ------
    SettingsError
        ``qt``, and there cannot be one: what is missing.
    """
    if viewer == "none" or (viewer == "auto" and not has_display()):
        return False
    from livestack.show.qt import check_qt

    try:
        check_qt()
    except SettingsError as error:
        if viewer == "qt":
            raise
        complain(f"no window: {error}")
        return False
    return True


def has_display() -> bool:
    """Whether a window can be shown here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def the_page(source: Source, bind: str | None, *, exact: bool, wifi: str = "") -> Iterator[Page | None]:
    """Serve the page of a session, where it is wanted, and tell where it and the operator's are; gives the page.

    Parameters
    ----------
    bind : str, optional
        HOST:PORT or ``lan``; None = no page.
    exact : bool
        Another port will not do.
    wifi : str
        NAME:PASSWORD of the network that guests may join; "" = they are not told of one.

    Raises
    ------
    SettingsError
        The port is in use, or the address is not one of this computer.
    """
    if bind is None:
        yield None
        return
    from livestack.show.web.server import How, parse_bind, serve
    from livestack.show.wifi import parse_wifi

    host, port, has_port = parse_bind(bind)
    stop = threading.Event()
    page = serve(source, host, port, stop, exact=exact and has_port, how=How(parse_wifi(wifi)))
    if page.said:
        complain(page.said)
    complain(f"the page is at {page.url}")
    if bind.startswith("lan"):
        show_code(page.url)
    complain(f"the operator's page, not for guests: {page.operator_url}")
    if bind.startswith("lan"):
        show_code(page.operator_url)
    try:
        yield page
    finally:
        stop.set()
        page.thread.join(3.0)


def serve_until_stopped(source: Source, bind: str, *, exact: bool, wifi: str = "") -> int:
    """Serve a session's page until a signal comes; returns the exit code."""
    return_planes()
    stop = threading.Event()
    with stop_on_signals(stop.set), the_page(source, bind, exact=exact, wifi=wifi) as page:
        while page is not None and page.thread.is_alive() and not stop.wait(0.2):
            pass
    return 130 if stop.is_set() else 0


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C, SIGTERM and a terminal that goes away call `stop`; a second one finds it done already."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup: it is to go on
        signals.append(signal.SIGHUP)
    before = [signal.signal(number, lambda *_: stop()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
