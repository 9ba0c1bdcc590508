"""The web server of a session: one page, its pictures, and a socket that says when there is something new."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from livestack.errors import SettingsError
from livestack.events import Json
from livestack.show import fonts
from livestack.show.icons import svg
from livestack.show.source import Source
from livestack.show.tokens import DARK, css
from livestack.show.web.feed import Feed, Jpeg

PORT = 8577
_TRIES = 20
_STATIC = Path(__file__).with_name("static")
_LOOK_S = 0.3
_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
)


@dataclass(frozen=True)
class Page:
    """A page that is being served. `said` is what the user should know of its address, if anything."""

    url: str
    port: int
    said: str | None
    thread: threading.Thread
    server: uvicorn.Server

    def close(self) -> None:
        """End it; returns when the port is free again."""
        self.server.should_exit = True
        self.thread.join()


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


def serve(source: Source, host: str, port: int, stop: threading.Event, *, exact: bool = False) -> Page:
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

    Raises
    ------
    SettingsError
        The port is in use, or the host is not an address of this computer.
    """
    taken, said = bind(host, port, exact=exact)
    number = int(taken.getsockname()[1])
    app = application(Feed(source))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1, ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, taken, stop), name="page", daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    if host in ("0.0.0.0", "::"):
        shown = lan_address()
    return Page(f"http://{shown}:{number}/", number, said, thread, server)


def _run(server: uvicorn.Server, taken: socket.socket, stop: threading.Event) -> None:
    async def until_stopped() -> None:
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        while not serving.done():
            if stop.is_set():
                server.should_exit = True
            await asyncio.sleep(0.1)
        await serving

    with taken:
        asyncio.run(until_stopped())


def application(feed: Feed) -> Starlette:
    """Return the web application over a feed."""
    listeners: set[asyncio.Queue[Json]] = set()

    @contextlib.asynccontextmanager
    async def watching(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_watch(feed, listeners))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def state(request: Request) -> Response:
        return JSONResponse(feed.state, headers={"Cache-Control": "no-cache"})

    async def health(request: Request) -> Response:
        return JSONResponse({"ok": True, "photos": feed.state["photos"]})

    async def news(client: WebSocket) -> None:
        await _tell(client, feed, listeners)

    async def elsewhere(request: Request, error: Exception) -> Response:
        return PlainTextResponse("Nothing is live here.", status_code=404)

    routes = [
        *(Route(path, _fixed(data, kind)) for path, (data, kind) in _files().items()),
        Route("/picture.jpg", _picture(lambda: feed.picture)),
        Route("/last.jpg", _picture(lambda: feed.last)),
        Route("/state.json", state),
        Route("/health", health),
        WebSocketRoute("/ws", news),
    ]
    return Starlette(routes=routes, lifespan=watching, exception_handlers={404: elsewhere})


def _files() -> dict[str, tuple[bytes, str]]:
    """Return the page's own files by path, with the colour tokens filled in."""
    html = Template((_STATIC / "index.html").read_text(encoding="utf-8")).substitute(
        bg0=DARK.bg0, mark=svg("mark", "currentColor"), wipe=svg("wipe", "currentColor")
    )
    style = fonts.faces(_font_path) + css(DARK) + (_STATIC / "page.css").read_text(encoding="utf-8")
    manifest = Template((_STATIC / "manifest.json").read_text(encoding="utf-8")).substitute(bg0=DARK.bg0)
    icon = svg("mark", DARK.acc)
    return {
        "/": (html.encode(), "text/html"),
        "/page.css": (style.encode(), "text/css"),
        "/page.js": ((_STATIC / "page.js").read_bytes(), "text/javascript"),
        "/manifest.json": (manifest.encode(), "application/manifest+json"),
        "/icon.svg": (icon.encode(), "image/svg+xml"),
        "/favicon.ico": (icon.encode(), "image/svg+xml"),
        **{_font_path(name): (fonts.woff2(name), "font/woff2") for name in fonts.WEIGHTS.values()},
    }


def _font_path(name: str) -> str:
    return f"/fonts/{name}.woff2"


def _fixed(data: bytes, kind: str) -> Callable[[Request], Response]:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}

    def answer(request: Request) -> Response:
        return Response(data, media_type=kind, headers=headers)

    return answer


def _picture(get: Callable[[], Jpeg | None]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        jpeg = get()
        if jpeg is None:
            return PlainTextResponse("The first photo is on its way.", status_code=404)
        headers = {"ETag": f'"{jpeg.tag}"', "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(jpeg.data, media_type="image/jpeg", headers=headers)

    return answer


async def _watch(feed: Feed, listeners: set[asyncio.Queue[Json]]) -> None:
    """Look for news a few times a second and tell every guest; the work is done beside the event loop."""
    told: Json = {}
    while True:
        try:
            state = await asyncio.to_thread(feed.refresh)
        except sqlite3.Error:  # the session's disk is away: what was known stays
            state = feed.state
        if state != told:
            told = state
            for queue in listeners:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(state)
        await asyncio.sleep(_LOOK_S)


async def _tell(client: WebSocket, feed: Feed, listeners: set[asyncio.Queue[Json]]) -> None:
    """Send a guest the state, now and whenever it changes; a slow one gets the newest only."""
    await client.accept()
    queue: asyncio.Queue[Json] = asyncio.Queue(maxsize=1)
    listeners.add(queue)
    gone = asyncio.create_task(_until_gone(client))
    try:
        state = feed.state
        while not gone.done():
            await client.send_json(state)
            coming = asyncio.create_task(queue.get())
            await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                break
            state = coming.result()
    except WebSocketDisconnect:
        pass
    finally:
        listeners.discard(queue)
        gone.cancel()


async def _until_gone(client: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await client.receive_text()
