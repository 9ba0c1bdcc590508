"""Tells all guests at once that there is something new: by sockets, by server-sent events, or when they ask."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from livestack.events import Json
from livestack.show.web.patience import LINE, Door, PatientSocket, framed

_ALIVE: Final = '{"alive":true}'
_ALIVE_S: Final = 15.0
_EACH_S, _SPREAD_S = 0.01, 4.0
"""Guests fetch a picture one after the other, so far apart, and all of them within so long."""
_APART_S: Final = 1.0
_ASKS_S: Final = 12.0
"""Who asked within so long is still there."""
_MOST_ASKING = 1000
_CHATTER, _WITHIN_S = 20, 10.0
"""Who says more than so much within so long has nothing to do here."""
_TRY_AGAIN, _GO_AWAY = 1013, 1008


class Hub:
    """The guests that listen; for the thread of the event loop."""

    def __init__(self, door: Door, state: Json) -> None:
        self._door = door
        self._send_s = door.limits.send_s
        self._lines: set[PatientSocket] = set()
        self._listeners: set[asyncio.Queue[str]] = set()
        self._asking: OrderedDict[str, float] = OrderedDict()
        self._told_s, self._is_owed = 0.0, False
        self._state = state
        self.text = self._packed(state)

    @property
    def n_guests(self) -> int:
        """How many guests there are by now."""
        now = time.monotonic()
        while self._asking and now - next(iter(self._asking.values())) > _ASKS_S:
            self._asking.popitem(last=False)
        asking = sum(address not in self._door.listeners for address in self._asking)
        return len(self._lines) + len(self._listeners) + asking

    def tell(self, state: Json, *, is_news: bool, at_once: bool) -> None:
        """Keep the state for who asks, and send it to who listens if it is news; a slow one gets the newest only.

        What need not be told at once waits until a second has passed since the last news.
        """
        if state is not self._state:
            self._state, self.text = state, self._packed(state)
        self._is_owed |= is_news
        if not self._is_owed or not (at_once or time.monotonic() - self._told_s >= _APART_S):
            return
        self._is_owed = False
        self._say(self.text)

    async def breathe(self) -> None:
        """Give a sign of life whenever there was no news for a while, whatever becomes of the session's disk."""
        while True:
            await asyncio.sleep(max(0.1, self._told_s + _ALIVE_S - time.monotonic()))
            if time.monotonic() - self._told_s >= _ALIVE_S:
                self._say(_ALIVE)

    def asked(self, address: str) -> None:
        """Count a guest who asks again and again, for want of a socket."""
        self._asking[address] = time.monotonic()
        self._asking.move_to_end(address)
        if len(self._asking) > _MOST_ASKING:
            self._asking.popitem(last=False)

    async def socket(self, client: WebSocket) -> None:
        """Serve a socket until it is gone, too slow, or says too much."""
        address = client.client.host if client.client else ""
        if not self._door.admits(address):
            await client.accept()
            await client.close(_TRY_AGAIN)
            return
        self._door.enter(address)
        line: PatientSocket = client.scope["state"][LINE]
        try:
            await client.accept()
            self._lines.add(line)
            line.tell(framed(self.text))
            await _until_gone(client)
        except (WebSocketDisconnect, OSError):
            pass
        finally:
            self._lines.discard(line)
            self._door.leave(address)

    async def follow(self, send: Callable[[str], Awaitable[None]], gone: asyncio.Task[None]) -> None:
        """Send the state now, and whenever it changes, and a sign of life meanwhile."""
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        self._listeners.add(queue)
        try:
            text = self.text
            while not gone.done():
                await asyncio.wait_for(send(text), self._send_s)
                coming = asyncio.create_task(queue.get())
                await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
                text = coming.result() if coming.done() else ""
                coming.cancel()
        finally:
            self._listeners.discard(queue)

    def _say(self, text: str) -> None:
        """Send something to all: it is packed once, and what a slow one was not sent yet gives way to it."""
        self._told_s = time.monotonic()
        frame = framed(text)
        for line in self._lines:
            line.tell(frame)
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(text)

    def _packed(self, state: Json) -> str:
        spread_s = round(min(_EACH_S * self.n_guests, _SPREAD_S), 1)
        return json.dumps({**state, "spread": spread_s}, ensure_ascii=False, separators=(",", ":"))


class Events:
    """The same as server-sent events, for who cannot have a socket."""

    def __init__(self, hub: Hub, door: Door) -> None:
        self._hub, self._door = hub, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without end."""
        if scope["method"] != "GET":
            await PlainTextResponse("Only to be read.", status_code=405)(scope, receive, send)
            return
        address = (Request(scope).client or ("",))[0]
        if not self._door.admits(address):
            busy = PlainTextResponse("There are many guests. Ask again.", 503, {"Retry-After": "5"})
            await busy(scope, receive, send)
            return
        self._door.enter(address)
        gone = asyncio.create_task(_until_disconnected(receive))
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})

            async def say(text: str) -> None:
                body = ": alive\n\n" if text == _ALIVE else f"data: {text}\n\n"
                await send({"type": "http.response.body", "body": body.encode(), "more_body": True})

            await self._hub.follow(say, gone)
        except (TimeoutError, OSError):
            pass
        finally:
            gone.cancel()
            self._door.leave(address)


async def _until_gone(client: WebSocket) -> None:
    """Wait until a client is gone; what it says is not looked at."""
    said: deque[float] = deque(maxlen=_CHATTER)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            message = await client.receive()
            if message["type"] == "websocket.disconnect":
                return
            said.append(time.monotonic())
            if len(said) == _CHATTER and said[-1] - said[0] < _WITHIN_S:
                await client.close(_GO_AWAY)
                return


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
