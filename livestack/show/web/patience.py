"""A connection as the web server has it, without endless patience: who opens it has to ask for something."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

LINE: Final = "livestack.line"
"""Under which a socket's scope has its connection."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What guests may take of this computer.

    Attributes
    ----------
    connections : int
        Open ones; files that the stacker reads need places too.
    sockets, sockets_per_address : int
        Of these, how many may listen; the rest has to ask again and again.
    header_s, body_s, send_s : float
        How long a request may take to arrive, and an answer to be taken.
    header_bytes : int
        Of what comes before the body.
    message : int
        Bytes of what a listener says; there is nothing to say.
    waiting : int
        Pictures that are still to be made.
    """

    connections: int = 800
    sockets: int = 500
    sockets_per_address: int = 60
    header_s: float = 8.0
    body_s: float = 8.0
    send_s: float = 10.0
    header_bytes: int = 16_384
    message: int = 1024
    waiting: int = 48


@dataclass(eq=False, slots=True)
class Door:
    """The connections that asked for nothing yet, the oldest first, and how many there are of an address."""

    limits: Limits
    pending: dict[H11Protocol, None] = field(default_factory=dict)
    listeners: Counter[str] = field(default_factory=Counter)

    def admits(self, address: str) -> bool:
        """Whether one more may listen."""
        full = sum(self.listeners.values()) >= self.limits.sockets
        return not full and self.listeners[address] < self.limits.sockets_per_address

    def enter(self, address: str) -> None:
        """Count a listener."""
        self.listeners[address] += 1

    def leave(self, address: str) -> None:
        """Count it no more."""
        self.listeners[address] -= 1
        if self.listeners[address] <= 0:
            del self.listeners[address]


class _Taker:
    """A connection whose other side has to take what it is sent."""

    door: Door
    transport: Any
    loop: asyncio.AbstractEventLoop
    _full: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._full = self.loop.call_later(self.door.limits.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]
        self._empty()

    def connection_lost(self, exc: Exception | None) -> None:
        self._empty()
        super().connection_lost(exc)  # type: ignore[misc]

    def _empty(self) -> None:
        if self._full is not None:
            self._full.cancel()
            self._full = None

    def end_soon(self) -> None:
        """Give what was sent some time to be taken."""
        self.loop.call_later(self.door.limits.send_s, self.transport.abort)


class Patient(_Taker, H11Protocol):  # type: ignore[misc,unused-ignore]
    """Ends a connection on which no whole request came in time, or whose other side takes nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: D102 - asyncio's
        super().connection_made(transport)
        if len(self.connections) > self.door.limits.connections:
            oldest = next(iter(self.door.pending), self)
            self.door.pending.pop(oldest, None)
            oldest.transport.abort()
            if oldest is self:
                return
        self._wait()

    def data_received(self, data: bytes) -> None:  # noqa: D102 - asyncio's
        if self._patience is None and self.cycle is not None and self.cycle.response_complete:
            self._wait()  # the next request of the same connection
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or self.transport.get_protocol() is not self:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102 - asyncio's
        self._stop_waiting()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:  # noqa: D102 - uvicorn's
        super().timeout_keep_alive_handler()
        self.end_soon()

    def _wait(self) -> None:
        self.door.pending[self] = None
        self._patience = self.loop.call_later(self.door.limits.header_s, self._too_slow)

    def _stop_waiting(self) -> None:
        self.door.pending.pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._stop_waiting()
        self.transport.abort()


class PatientSocket(_Taker, WebSocketsSansIOProtocol):  # type: ignore[misc,unused-ignore]
    """Ends a socket whose other side takes nothing; what is told to many is packed once."""

    _waits: bytes = b""

    async def run_asgi(self) -> None:  # noqa: D102 - uvicorn's
        self.scope["state"][LINE] = self
        await super().run_asgi()

    def tell(self, frame: bytes) -> None:
        """Send a whole message now; or, to who does not take what was sent before, when it does, the newest only."""
        if self.transport.is_closing() or self.close_sent:
            return
        if self.writable.is_set():
            self.transport.write(frame)
        else:
            self._waits = frame

    def resume_writing(self) -> None:  # noqa: D102 - asyncio's
        super().resume_writing()
        frame, self._waits = self._waits, b""
        if frame:
            self.tell(frame)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:  # noqa: D102 - uvicorn's
        super().on_task_complete(task)
        self.end_soon()


def framed(text: str) -> bytes:
    """Return a message as it goes over a socket from a server."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def protocols_of(door: Door) -> tuple[type[Patient], type[PatientSocket]]:
    """Return the protocols of the connections of a server: HTTP, and sockets."""
    http = type("Http", (Patient,), {"door": door})
    return http, type("Socket", (PatientSocket,), {"door": door})
