"""What guests cost: a night is stacked alone, and again with hundreds of them listening; and what they get, how soon.

Example: python -m scripts.bench_guests --guests 300 --size 4656x3520
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

PHONE = 1280
_STALLED, _SLOW = 20, 50
_YOUNG = 14
"""Subs until the looks of a young stack are over."""
_ADDRESSES = 40
"""Guests come from so many of this computer's own addresses."""
_PHOTOS = re.compile(r'"photos":(\d+)')
LIVESTACK = (sys.executable, "-m", "livestack")


@dataclass
class Crowd:
    """Guests, and what they got. `phones` of them take the pictures, too."""

    port: int
    guests: int
    phones: int
    delays_s: list[float] = field(default_factory=list)
    n_bytes: list[int] = field(default_factory=list)
    n_told: int = 0
    accepted: dict[int, float] = field(default_factory=dict)
    heard: dict[int, list[float]] = field(default_factory=dict)

    async def come(self) -> None:
        """Listen until told to go."""
        stalled = [await self._stalled(k) for k in range(_STALLED if self.guests else 0)]
        slow = [await self._slow(k) for k in range(_SLOW if self.guests else 0)]
        try:
            await asyncio.gather(*(self._guest(k) for k in range(self.guests)))
        finally:
            for writer in (*stalled, *slow):
                writer.close()

    async def _guest(self, k: int) -> None:
        address = f"127.0.1.{k % _ADDRESSES + 1}"
        await asyncio.sleep(0.004 * k)
        where = f"ws://127.0.0.1:{self.port}/ws"
        async with connect(where, local_addr=(address, 0), compression=None, ping_interval=None) as line:
            version, photos = 0, 0
            async for text in line:
                now = time.time()
                found = _PHOTOS.search(text)  # phones have processors of their own
                self.n_told += 1
                if found and int(found[1]) > photos:
                    photos = int(found[1])
                    self.heard.setdefault(photos, []).append(now)
                state: dict[str, Any] = json.loads(text) if k < self.phones else {}
                if state.get("version", 0) > version:
                    version = state["version"]
                    sizes = state["picture"]["sizes"]
                    size = max((s for s in sizes if s <= PHONE), default=sizes[0])
                    got = [
                        await self._fetch(address, f"{which}/{size}.jpg?v={version}") for which in ("picture", "one")
                    ]
                    self.n_bytes.append(len(text) + sum(got))

    async def _fetch(self, address: str, path: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        n = 0
        while chunk := await reader.read(65536):
            n += len(chunk)
        writer.close()
        return n

    async def _stalled(self, k: int) -> asyncio.StreamWriter:
        """Return a guest who asks for all news and never reads any."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(f"127.0.2.{k + 1}", 0), limit=1)
        writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        return writer

    async def _slow(self, k: int) -> asyncio.StreamWriter:
        """Return one who never finishes a question."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(f"127.0.3.{k + 1}", 0))
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        return writer


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the memory of a process, and the most it had: resident, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split(":")[0]: float(line.split()[1]) / 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return found["VmRSS"], found["VmHWM"]


def processor_s(pid: int) -> float:
    """Return the processor time of a process, s; 0 where it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def night(folder: Path, session: Path, port: int, crowd: Crowd | None) -> tuple[list[float], float]:
    """Stack what is in a folder, with guests or without.

    Returns the seconds from sub to sub, and the processor time of a sub, s, of all that the process does.
    """
    page = ["--bind", f"127.0.0.1:{port}"] if crowd else []
    command = [*LIVESTACK, "watch", str(folder), "--session", str(session), "--viewer", "none", "--json"]
    running = await asyncio.create_subprocess_exec(
        *command, "--until-idle", "6", *page, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, limit=2**24
    )
    assert running.stdout is not None
    guests = asyncio.create_task(_when_open(port, crowd)) if crowd else None
    at: list[float] = []
    begun_s = spent_s = 0.0
    async for line in running.stdout:
        record = json.loads(line)
        if record["kind"] == "SubAccepted":
            if len(at) == _YOUNG:
                begun_s = processor_s(running.pid)
            spent_s = processor_s(running.pid) - begun_s
            at.append(datetime.fromisoformat(record["time_utc"]).replace(tzinfo=UTC).timestamp())
            if crowd:
                crowd.accepted[len(at)] = at[-1]
    await running.wait()
    if guests:
        guests.cancel()
        await asyncio.gather(guests, return_exceptions=True)
    return [b - a for a, b in itertools.pairwise(at)][_YOUNG:], spent_s / max(len(at) - _YOUNG - 1, 1)


async def _when_open(port: int, crowd: Crowd) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.1)
    await crowd.come()


async def served(session: Path, port: int, guests: int) -> tuple[tuple[float, float], Crowd]:
    """Serve a session to guests for a while, and return what memory that took."""
    command = [*LIVESTACK, "serve", str(session), "--bind", f"127.0.0.1:{port}"]
    running = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    crowd = Crowd(port, guests, guests)
    coming = asyncio.create_task(_when_open(port, crowd))
    try:
        for _ in range(240):
            await asyncio.sleep(0.25)
            if len(crowd.n_bytes) >= guests:
                break
        return memory_mb(running.pid), crowd
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        running.terminate()
        await running.wait()


def delays_of(crowd: Crowd, most: int) -> list[float]:
    """Return how long after it was accepted each sub was on the socket of the last guest."""
    told = crowd.heard.items()
    return [
        max(times) - crowd.accepted[n] for n, times in told if n in crowd.accepted and n > 12 and len(times) == most
    ]


async def bench(arguments: argparse.Namespace, folder: Path) -> None:
    """Measure, and print a table."""
    captures, port = arguments.captures or folder / "captures", arguments.port
    if not captures.exists():
        simulate = [*LIVESTACK, "simulate", str(captures), "--lights", str(arguments.lights), "--size", arguments.size]
        subprocess.run(simulate, check=True, stdout=subprocess.DEVNULL)
    alone, work_s = await night(captures, folder / "alone", port, None)
    print(f"alone: {statistics.median(alone):.3f} s a sub, of processors {work_s:.3f} s", flush=True)
    for name, guests, phones in (
        ("with a page", 0, 0),
        ("listening", arguments.guests, 0),
        ("taking pictures", arguments.guests, arguments.guests),
    ):
        crowd = Crowd(port, guests, phones)
        seconds, worked_s = await night(captures, folder / name.replace(" ", "-"), port, crowd)
        ratio = statistics.median(seconds) / statistics.median(alone)
        delays = delays_of(crowd, guests)
        told = f"{statistics.median(seconds):.3f} s a sub, {ratio:.2f} of alone; of processors {worked_s:.3f} s"
        print(f"{guests} guests {name}: {told}", flush=True)
        if delays and guests:
            print(f"  a sub is on all sockets after {statistics.median(delays):.2f} s, at most {max(delays):.2f} s")
        if crowd.n_bytes:
            print(
                f"  bytes a guest and update: {statistics.median(crowd.n_bytes):,.0f}, at most {max(crowd.n_bytes):,}"
            )
    (now, most), crowd = await served(folder / "alone", port, arguments.guests)
    print(f"serve, {len(crowd.n_bytes)} guests served: {now:.0f} MB resident, at most {most:.0f} MB", flush=True)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guests", type=int, default=300)
    parser.add_argument("--lights", type=int, default=30)
    parser.add_argument("--size", default="4656x3520")
    parser.add_argument("--captures", type=Path, help="a folder of frames; made where it is not there")
    parser.add_argument("--port", type=int, default=8650)
    arguments = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    with tempfile.TemporaryDirectory(prefix="livestack-guests-") as folder:
        asyncio.run(bench(arguments, Path(folder)))


if __name__ == "__main__":
    main()
