"""Guests for a bench, as cheap as they can be: one process, bare sockets, nothing is decoded.

Phones have processors of their own; here they take what the stacker leaves over, and say how much that was.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import time
from dataclasses import asdict, dataclass, field

PHONE = 1280
STALLED, SLOW = 20, 50
ADDRESSES = 40
"""Guests come from so many of this computer's own addresses."""
_FACTS = re.compile(rb'"(version|photos|spread)":([\d.]+)')
_SIZES = re.compile(rb'"sizes":\[([\d,]+)\]')
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_ASK = "GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Got:
    """What guests got: when each number of photos was heard of (by whom, how late), and the bytes of updates."""

    heard: dict[int, list[float]] = field(default_factory=dict)
    n_bytes: list[int] = field(default_factory=list)
    updates: int = 0
    told: int = 0
    versions: int = 0
    processor_s: float = 0.0


class Listener(asyncio.Protocol):
    """A guest with a socket, who takes the pictures too if it is a phone."""

    def __init__(self, crowd: Crowd, address: str, is_phone: bool) -> None:
        self._crowd, self._address, self._is_phone = crowd, address, is_phone
        self._photos = self._version = 0
        self._n_bytes = 0
        self._fetching: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - asyncio's
        assert isinstance(transport, asyncio.Transport)
        self._crowd.open.append(transport)
        transport.write(_UPGRADE.format(self._crowd.port).encode())

    def data_received(self, data: bytes) -> None:  # noqa: D102 - asyncio's
        self._n_bytes += len(data)
        facts = {name: float(value) for name, value in reversed(_FACTS.findall(data))}  # the first of a name
        if facts.get(b"photos", 0) > self._photos:
            self._photos = int(facts[b"photos"])
            self._crowd.got.told += 1
            self._crowd.got.heard.setdefault(self._photos, []).append(time.time())
        if facts.get(b"version", 0) > self._version and (sizes := _SIZES.search(data)):
            is_first, self._version = not self._version, int(facts[b"version"])
            self._crowd.versions.add(self._version)
            if not self._is_phone:
                return
            if self._fetching is not None:
                self._fetching.cancel()
            all_sizes = [int(size) for size in sizes[1].split(b",")]
            wait_s = 0.0 if is_first else random.random() * facts.get(b"spread", 0.0)
            self._fetching = asyncio.create_task(self._fetch(all_sizes, self._version, wait_s))

    async def _fetch(self, sizes: list[int], version: int, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        size = max((size for size in sizes if size <= PHONE), default=sizes[0])
        before, self._n_bytes = self._n_bytes, 0
        local = (self._address, 0)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._crowd.port, local_addr=local)
            try:
                n = before
                for which in ("picture", "one"):
                    writer.write(_ASK.format(f"{which}/{size}.jpg?v={version}").encode())
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = _LENGTH.search(head)
                    n += len(head) + len(await reader.readexactly(int(length[1]) if length else 0))
                self._crowd.got.n_bytes.append(n)
                self._crowd.got.updates += 1
            finally:
                writer.close()


class Crowd:
    """Guests at a port; `phones` of them take pictures."""

    def __init__(self, port: int, guests: int, phones: int) -> None:
        self.port, self._guests, self._phones = port, guests, phones
        self.got, self.versions = Got(), set[int]()
        self.open: list[asyncio.Transport | asyncio.StreamWriter] = []

    async def come(self) -> None:
        """Listen until told to go; say then what was got."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, done.set)
        await self._until_open()
        if self._guests:
            self.open += [await self._odd(f"127.0.2.{k + 1}", is_slow=False) for k in range(STALLED)]
            self.open += [await self._odd(f"127.0.3.{k + 1}", is_slow=True) for k in range(SLOW)]
        for k in range(self._guests):
            address = f"127.0.1.{k % ADDRESSES + 1}"
            await loop.create_connection(
                lambda a=address, is_phone=k < self._phones: Listener(self, a, is_phone),  # type: ignore[misc]
                "127.0.0.1",
                self.port,
                local_addr=(address, 0),
            )
            await asyncio.sleep(0.004)
        await done.wait()
        self.got.versions, self.got.processor_s = len(self.versions), time.process_time()
        print(json.dumps(asdict(self.got)), flush=True)

    async def _until_open(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", self.port))[1].close()
                return
            await asyncio.sleep(0.1)

    async def _odd(self, address: str, *, is_slow: bool) -> asyncio.StreamWriter:
        """Return one who never finishes a question, or asks for all news and never reads any."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0), limit=1)
        if is_slow:
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        else:
            writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        return writer


def main() -> None:
    """Read the options and go there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--guests", type=int, required=True)
    parser.add_argument("--phones", type=int, required=True)
    parser.add_argument("--last", action="store_true", help="take only the processor time that nobody else wants")
    arguments = parser.parse_args()
    if arguments.last:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    asyncio.run(Crowd(arguments.port, arguments.guests, arguments.phones).come())


if __name__ == "__main__":
    main()
