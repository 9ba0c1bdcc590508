"""What guests cost: a night is stacked alone, and again with hundreds of them listening; and what they get, how soon.

Example: python -m scripts.bench_guests --guests 300 --size 4656x3520

Guests are a process of their own (`scripts/crowd.py`), which takes only the processor time that the stacker and the
page leave over, for phones have processors of their own; what it took is told. With --equal it takes its share, so that
what is heard is heard at once: that is how to see how soon a sub is told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.crowd import Got

_YOUNG = 14
"""Subs until the looks of a young stack are over."""
LIVESTACK = (sys.executable, "-m", "livestack")


@dataclass(frozen=True)
class Night:
    """A night that was stacked.

    Attributes
    ----------
    seconds : list of float
        From sub to sub.
    all_s, page_s : float
        Processor time of a sub: of all that livestack does, and of the page's threads.
    accepted : dict
        When each sub was told, by its number; s since the epoch.
    got : Got, optional
        What guests got.
    """

    seconds: list[float]
    all_s: float
    page_s: float
    accepted: dict[int, float]
    got: Got | None


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the memory of a process, and the most it had: resident, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split(":")[0]: float(line.split()[1]) / 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return found["VmRSS"], found["VmHWM"]


def processor_s(pid: int) -> tuple[float, float]:
    """Return the processor time of a process, and of its threads that come last: the page's; s, 0 once it ended."""

    def read(path: Path) -> tuple[float, int]:
        fields = path.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[16])

    process, page_s = Path(f"/proc/{pid}"), 0.0
    with contextlib.suppress(OSError):
        all_s, nice = read(process / "stat")
        for thread in (process / "task").iterdir():
            with contextlib.suppress(OSError):
                spent_s, own = read(thread / "stat")
                page_s += spent_s if own > nice else 0.0
        return all_s, page_s
    return 0.0, 0.0


class Guests:
    """The process of guests; at its end it says what they got."""

    def __init__(self, port: int, guests: int, phones: int, *, last: bool) -> None:
        command = [sys.executable, "-m", "scripts.crowd", "--port", str(port)]
        command += ["--guests", str(guests), "--phones", str(phones), *(["--last"] if last else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def processor_s(self) -> float:
        """Return the time of processors they took by now."""
        return processor_s(self._process.pid)[0]

    def end(self) -> Got:
        """Send them home."""
        self._process.terminate()
        told = json.loads(self._process.communicate(timeout=60)[0])
        return Got(**{**told, "heard": {int(n): times for n, times in told["heard"].items()}})


async def night(folder: Path, session: Path, page: tuple[int, int, int] | None, *, last: bool = True) -> Night:
    """Stack what is in a folder; `page`: with one at a port, so many guests, and so many of them who take pictures."""
    command = [*LIVESTACK, "watch", str(folder), "--session", str(session), "--viewer", "none", "--json"]
    command += ["--until-idle", "6", *(["--bind", f"127.0.0.1:{page[0]}"] if page else [])]
    running = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, limit=2**24
    )
    assert running.stdout is not None
    guests = Guests(*page, last=last) if page and page[1] else None
    at: list[float] = []
    begun = spent = (0.0, 0.0)
    theirs = [0.0, 0.0]
    async for line in running.stdout:
        record = json.loads(line)
        if record["kind"] == "SubAccepted":
            if len(at) == _YOUNG:
                begun, theirs[0] = processor_s(running.pid), guests.processor_s() if guests else 0.0
            spent, theirs[1] = processor_s(running.pid), guests.processor_s() if guests else 0.0
            at.append(datetime.fromisoformat(record["time_utc"]).replace(tzinfo=UTC).timestamp())
    await running.wait()
    got = guests.end() if guests else None
    n = max(len(at) - _YOUNG - 1, 1)
    if got:
        got.processor_s = (theirs[1] - theirs[0]) / n
    all_s, page_s = ((b - a) / n for a, b in zip(begun, spent, strict=True))
    seconds = [b - a for a, b in itertools.pairwise(at)][_YOUNG:]
    return Night(seconds, all_s, page_s, dict(enumerate(at, 1)), got)


async def served(session: Path, port: int, n: int) -> tuple[tuple[float, float], Got]:
    """Serve a session to guests for a while, and return what memory that took."""
    command = [*LIVESTACK, "serve", str(session), "--bind", f"127.0.0.1:{port}"]
    running = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    guests = Guests(port, n, n, last=False)
    try:
        await asyncio.sleep(20)
        return memory_mb(running.pid), guests.end()
    finally:
        running.terminate()
        await running.wait()


def delays_of(told: Night, most: int) -> list[float]:
    """Return how long after it was accepted each sub was on the socket of the last guest."""
    heard = told.got.heard.items() if told.got else ()
    return [max(times) - told.accepted[n] for n, times in heard if n in told.accepted and n > 12 and len(times) == most]


def report(name: str, alone: Night, now: Night, guests: int) -> None:
    """Print what guests cost, and what they got."""
    mean, mean_alone = statistics.fmean(now.seconds), statistics.fmean(alone.seconds)
    ratio = statistics.median(now.seconds) / statistics.median(alone.seconds)
    print(
        f"{name}: {statistics.median(now.seconds):.3f} s a sub, {ratio:.2f} of alone (means {mean / mean_alone:.2f}); "
        f"of processors {now.all_s:.3f} s, the page's threads {now.page_s:.3f}"
    )
    if now.got is None:
        return
    got, delays = now.got, delays_of(now, guests)
    print(f"  guests took {got.processor_s:.3f} s of processors a sub, {got.told} news, {got.updates} pictures twice")
    if delays:
        print(f"  a sub is on all sockets after {statistics.median(delays):.2f} s, at most {max(delays):.2f} s")
    if got.n_bytes:
        print(f"  {got.versions} pictures; bytes a guest and update: {statistics.median(got.n_bytes):,.0f}", end="")
        print(f", at most {max(got.n_bytes):,}", flush=True)


async def bench(arguments: argparse.Namespace, folder: Path) -> None:
    """Measure, and print a table."""
    captures, port, n = arguments.captures or folder / "captures", arguments.port, arguments.guests
    if not captures.exists():
        simulate = [*LIVESTACK, "simulate", str(captures), "--lights", str(arguments.lights), "--size", arguments.size]
        subprocess.run(simulate, check=True, stdout=subprocess.DEVNULL)
    alone = await night(captures, folder / "alone", None)
    print(f"alone: {statistics.median(alone.seconds):.3f} s a sub, of processors {alone.all_s:.3f} s", flush=True)
    for name, guests, phones in (("a page for nobody", 0, 0), ("listening", n, 0), ("taking pictures", n, n)):
        if arguments.only and arguments.only not in name:
            continue
        page = port, guests, phones
        now = await night(captures, folder / name.replace(" ", "-"), page, last=not arguments.equal)
        report(f"{guests} guests, {name}" if guests else name, alone, now, guests)
    if not arguments.only:
        (now_mb, most_mb), got = await served(folder / "alone", port, n)
        print(f"serve, {got.updates} updates taken: {now_mb:.0f} MB resident, at most {most_mb:.0f} MB", flush=True)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guests", type=int, default=300)
    parser.add_argument("--lights", type=int, default=30)
    parser.add_argument("--size", default="4656x3520")
    parser.add_argument("--captures", type=Path, help="a folder of frames; made where it is not there")
    parser.add_argument("--port", type=int, default=8650)
    parser.add_argument("--only", help="one of the three: nobody, listening, taking")
    parser.add_argument("--equal", action="store_true", help="guests take their share of the processors")
    arguments = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    with tempfile.TemporaryDirectory(prefix="livestack-guests-") as folder:
        asyncio.run(bench(arguments, Path(folder)))


if __name__ == "__main__":
    main()
