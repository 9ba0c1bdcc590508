"""How long a live sub waits while a stack is folded again: a running engine, a sub dropped, subs that come meanwhile.

    python -m scripts.bench_restack --subs 40 80 --size 1304x976 --cadence 1

Run from the project's folder, where scripts/livestack.py does not hide the package. For each number of subs a night is
written, all but the last few of its files are stacked by ``livestack watch``, the fifth sub is dropped, and the others
come one by one. Told are the seconds from a file's last byte to the word on it in the journal, before the drop and
after it, and from the request to the stack that is folded again.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from livestack.journal import Journal
from livestack.simulate import NightOptions, write_night

BEFORE, MEANWHILE = 6, 10
"""Subs that come one by one before the drop and after it."""
PATIENCE_S = 600.0


def main() -> None:
    """Measure and print a line for each number of subs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subs", type=int, nargs="+", default=[40, 80])
    parser.add_argument("--size", default="1304x976")
    parser.add_argument("--cadence", type=float, default=1.0, help="seconds from live sub to live sub")
    parser.add_argument("--memory", default=None, help="as of livestack watch")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        night = Path(folder) / "night"
        n_lights = max(options.subs) + BEFORE + MEANWHILE
        quiet = NightOptions(size=(height, width), n_lights=n_lights, n_darks=0, n_flats=0, n_bias=0, dither_px=4.0)
        quiet = dataclasses.replace(
            quiet, cloud_subs=(), trailed_at=None, torn_at=None, duplicate_at=None, n_satellites=2, flip_at=None
        )
        write_night(night, quiet)
        lights = sorted((night / "LIGHT").glob("*.fits"))
        for n_subs in options.subs:
            print(json.dumps(measure(Path(folder) / str(n_subs), lights, n_subs, options)), flush=True)


def measure(folder: Path, lights: list[Path], n_subs: int, options: argparse.Namespace) -> dict[str, object]:
    """Run one engine through it."""
    captures, session = folder / "captures", folder / "session"
    captures.mkdir(parents=True)
    for light in lights[:n_subs]:
        shutil.copy2(light, captures)
    command = [sys.executable, "-m", "livestack", "watch", str(captures), "--session", str(session)]
    command += ["--viewer", "none", "--settle", "0.2", *(["--memory", options.memory] if options.memory else [])]
    engine = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        journal = _journal_of(session)
        with contextlib.closing(journal):
            _until(journal, f"(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= {n_subs}")
            rest = lights[n_subs : n_subs + BEFORE + MEANWHILE]
            quiet = _arrive(captures, rest[:BEFORE], options.cadence, journal)
            asked_at = time.time()
            journal.ask("drop", {"no": [5]})
            busy = _arrive(captures, rest[BEFORE:], options.cadence, journal)
            _until(journal, "EXISTS (SELECT 1 FROM event WHERE kind = 'StackRestacked')")
            done_at = _time_of(journal, "kind = 'StackRestacked'")
            _until(journal, f"(SELECT count(*) FROM sub WHERE state = 'accepted') >= {n_subs + len(rest) - 1}")
    finally:
        engine.send_signal(signal.SIGINT)
        engine.wait()
    meanwhile = [seconds for at, seconds in busy if at < done_at]
    return {
        "subs": n_subs,
        "restack_s": round(done_at - asked_at, 2),
        "quiet_s": _figures([seconds for _, seconds in quiet]),
        "meanwhile_s": _figures(meanwhile),
        "n_meanwhile": len(meanwhile),
    }


def _figures(seconds: list[float]) -> list[float]:
    """Median and largest."""
    return [round(statistics.median(seconds), 2), round(max(seconds), 2)] if seconds else []


def _arrive(captures: Path, files: list[Path], cadence_s: float, journal: Journal) -> list[tuple[float, float]]:
    """Let files come one by one; returns when each was there, and after how many seconds there was a word on it."""
    came = {}
    for file in files:
        hidden = captures / f".{file.name}"
        shutil.copy(file, hidden)
        hidden.rename(captures / file.name)
        came[file.name] = time.time()
        time.sleep(cadence_s)
    found = []
    for name, at in came.items():
        word = f"kind IN ('SubAccepted', 'SubRejected') AND json_extract(body, '$.path') LIKE '%/{name}'"
        _until(journal, f"EXISTS (SELECT 1 FROM event WHERE {word})")
        found.append((at, _time_of(journal, word) - at))
    return found


def _journal_of(session: Path) -> Journal:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            return Journal(session / "journal.sqlite")
        time.sleep(0.05)
    raise TimeoutError("the session did not start")


def _until(journal: Journal, condition: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not journal.rows(f"SELECT {condition} AS yes")[0]["yes"]:
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.02)


def _time_of(journal: Journal, condition: str) -> float:
    (row,) = journal.rows(f"SELECT time_utc FROM event WHERE {condition} ORDER BY seq LIMIT 1")
    return datetime.fromisoformat(row["time_utc"]).timestamp()


if __name__ == "__main__":
    main()
