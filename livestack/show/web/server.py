"""The web server of a session: where it is served, and the thread that does it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from livestack.errors import SettingsError
from livestack.priority import give_way
from livestack.show.code import only_here
from livestack.show.source import Source
from livestack.show.web.access import Access
from livestack.show.web.app import application
from livestack.show.web.feed import Feed
from livestack.show.web.guard import own_names
from livestack.show.web.house import House
from livestack.show.web.hub import Hub
from livestack.show.web.patience import Door, Limits, protocols_of
from livestack.show.web.public import Around
from livestack.show.wifi import Wifi

PORT = 8577
_TRIES = 20


@dataclass(frozen=True)
class Page:
    """A page that is being served.

    Attributes
    ----------
    said : str, optional
        What the user should know of its address.
    token : str
        By which the operator signs in.
    """

    url: str
    port: int
    said: str | None
    thread: threading.Thread
    server: uvicorn.Server
    token: str = field(repr=False)

    @property
    def operator_url(self) -> str:
        """Where the operator's page is; who has this address may operate."""
        return f"{self.url}operator?token={self.token}"

    def close(self) -> None:
        """End it; returns when the port is free again."""
        self.server.should_exit = True
        self.thread.join()


@dataclass(frozen=True, slots=True)
class How:
    """How a page is served: the Wi-Fi that guests may join, and what they may take of this computer."""

    wifi: Wifi | None = None
    limits: Limits = field(default_factory=Limits)


def parse_bind(text: str) -> tuple[str, int, bool]:
    """Read ``HOST:PORT``, ``HOST`` or ``lan`` (with or without a port).

    Returns
    -------
    host, port, exact : str, int, bool
        exact: the port was named, so no other will do.

    Raises
    ------
    SettingsError
        It is none of these.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = text.strip(), ""
    host = host.strip("[]")
    if not host or (colon and not (port.isdigit() and 0 <= int(port) < 65536)):
        raise SettingsError(f"bind: must be HOST:PORT or lan, not {text!r}")
    return (lan_address() if host == "lan" else host), int(port) if port else PORT, bool(port)


def lan_address() -> str:
    """Return this computer's address in the local network; 127.0.0.1 when it is in none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that is nobody's: only the route is looked up
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def bind(host: str, port: int, *, exact: bool = False) -> tuple[socket.socket, str | None]:
    """Take a port: the one asked for, or, unless `exact`, the next free one, with a sentence about it.

    Raises
    ------
    SettingsError
        The port is in use, or the host is not an address of this computer.
    """
    ports = (port,) if exact or port == 0 else range(port, min(port + _TRIES, 65536))
    for number in ports:
        try:
            taken = _listen(host, number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingsError(f"the page cannot be served at {host}:{number}: {error.strerror}") from None
            continue
        said = None if number in (port, 0) else f"Port {port} is taken, using {number}."
        return taken, said
    raise SettingsError(f"port {port} is in use: another program, or another livestack, has it. Choose one with --bind")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would let two programs share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def serve(
    source: Source,
    host: str,
    port: int,
    stop: threading.Event,
    *,
    exact: bool = False,
    how: How | None = None,
) -> Page:
    """Serve a session's page from a thread of its own until `stop` is set.

    Parameters
    ----------
    source : Source
        The session.
    host, port : str, int
        Where; see `parse_bind`.
    stop : threading.Event
        Ends it, within about a second.
    exact : bool
        Whether another port will not do.
    how : How, optional
        What guests are told of the Wi-Fi, and what they may take.

    Raises
    ------
    SettingsError
        The port is in use, or the host is not an address of this computer.
    """
    taken, said = bind(host, port, exact=exact)
    number = int(taken.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    if host in ("0.0.0.0", "::"):
        shown = lan_address()
    url, access, how = f"http://{shown}:{number}/", Access(), how or How()
    door, wifi = Door(how.limits), how.wifi
    around = Around("" if only_here(url) else url, wifi.name if wifi is not None else "")
    feed = Feed(source, around)
    house = House(feed, door, Hub(door, feed.state), access, wifi)
    server = uvicorn.Server(_config(application(house, own_names(host)), door))
    thread = threading.Thread(target=_run, args=(server, taken, stop), name="page", daemon=True)
    thread.start()
    return Page(url, number, said, thread, server, access.token)


def _config(app: Any, door: Door) -> uvicorn.Config:
    http, sockets = protocols_of(door)
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # what strangers send is no news for a terminal
    return uvicorn.Config(
        app,
        http=http,
        ws=sockets,
        ws_max_size=door.limits.message,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        h11_max_incomplete_event_size=door.limits.header_bytes,
        timeout_graceful_shutdown=1,
    )


def _run(server: uvicorn.Server, taken: socket.socket, stop: threading.Event) -> None:
    async def until_stopped() -> None:
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        while not serving.done():
            if stop.is_set():
                server.should_exit = True
            await asyncio.sleep(0.1)
        await serving

    give_way()  # and so do all threads that it begins
    with taken:
        asyncio.run(until_stopped())
