"""How livestack bears what no night should bring: hundreds of kills, thousands of subs, folders full of strangers.

    python -m scripts.soak kills --kills 500             killed at random, resumed, and equal to never killed
    python -m scripts.soak subs --subs 5000              memory and time per sub of a long session, and its resume
    python -m scripts.soak files --files 10000 --strangers 100000      all at once, and what waiting costs

Run from the project's folder, where scripts/livestack.py does not hide the package, on Linux. Subs are those of small
synthetic nights. Each prints one line of JSON, and ends with 1 where a bar is missed. Figures of time hold where
nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from livestack.frame import Identity
from livestack.settings import Watching
from livestack.simulate import NightOptions, write_night
from livestack.watch import Arrival, watch

LIVESTACK = [sys.executable, "-m", "livestack"]
NIGHT = NightOptions(
    size=(240, 320), cfa=None, n_darks=0, n_flats=0, n_bias=0, scene="stars", n_stars=400, dither_px=4, flip_at=None,
    aircraft_at=None, trailed_at=None, torn_at=None, duplicate_at=None, cloud_subs=(), n_satellites=2,
)  # fmt: skip
TEMPLATES = 40
"""Different subs of a long session: the others are these with other noise."""
KILLED_S, IDLE_S = (0.3, 3.0), 8.0
"""Processor time after which it is killed, the same at work on a machine that others use; where it waits, so long."""
WARM = 50
"""Subs after which time counts: the looks are over."""
TURN = 25
"""So many subs a long session and a young one take in turns: a machine is not as fast in one minute as in another."""
LOOKED_S = 0.5
"""How often subs are counted: that reads the whole journal, and what it costs slows down what is measured."""
FIGURES = "sha256, state, reason, weight, scale, matrix"


def main() -> None:
    """Do what was asked for, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "subs", "files"))
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--subs", type=int, default=0, help="of the session (60 for kills, 5000 for subs)")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--strangers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        figures, held = {"kills": kills, "subs": long_session, "files": many_files}[chosen.what](Path(folder), chosen)
    print(json.dumps(figures), flush=True)
    sys.exit(0 if held else 1)


def start(captures: Path, session: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start livestack on a folder."""
    command = [*LIVESTACK, "watch", str(captures), "--session", str(session), "--viewer", "none", *options]
    with session.with_suffix(".said").open("a") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def rows(session: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a journal; none where it is not there yet."""
    try:
        with sqlite3.connect(f"{(session / 'journal.sqlite').as_uri()}?mode=ro", uri=True, timeout=30) as db:
            found = db.execute(query).fetchall()
        db.close()
    except sqlite3.OperationalError:
        return []
    return found


def n_accepted(session: Path) -> int:
    """How many subs were stacked."""
    return (rows(session, "SELECT count(*) FROM event WHERE kind = 'SubAccepted'") or [(0,)])[0][0]


def until(condition: Callable[[], object], process: subprocess.Popen[bytes], pause_s: float = 0.05) -> float:
    """Wait for a condition while livestack runs; returns the seconds it took."""
    began_s = time.monotonic()
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"livestack ended with {process.returncode}")
        time.sleep(pause_s)
    return time.monotonic() - began_s


def worked(process: subprocess.Popen[bytes], busy_s: float) -> None:
    """Wait until livestack took so much processor time, or has nothing to do."""
    end_s = time.monotonic() + IDLE_S
    while process.poll() is None and processor_s(process.pid) < busy_s and time.monotonic() < end_s:
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
    """End livestack."""
    process.send_signal(number)
    process.wait(120)


# ---- kills -----------------------------------------------------------------------------------------------------------


def kills(folder: Path, chosen: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Kill a session at random, let it go on, and compare it with one that never was."""
    draw = random.Random(chosen.seed)
    subs = write_night(folder / "subs", replace(NIGHT, n_lights=chosen.subs or 60, seed=chosen.seed))
    captures, session = folder / "captures", folder / "killed"
    captures.mkdir()
    waiting, unreadable, starts_s = list(subs), 0, 0.0
    for kill in range(chosen.kills):
        due = len(subs) * (kill + 1) // chosen.kills - (len(subs) - len(waiting))
        for sub in waiting[:due]:
            shutil.copyfile(sub, captures / sub.name)
        waiting = waiting[due:]
        began_s = time.monotonic()
        process = start(captures, session, "--save-every", "1", "--settle", "0.2")
        worked(process, draw.uniform(*KILLED_S))
        end(process, signal.SIGKILL)
        starts_s += time.monotonic() - began_s
        if (session / "journal.sqlite").exists():
            unreadable += rows(session, "PRAGMA quick_check") != [("ok",)]
    for sub in waiting:
        shutil.copyfile(sub, captures / sub.name)
    process = start(captures, session, "--until-idle", "3")
    process.wait(600)
    whole = folder / "whole"
    paths = [path for (path,) in rows(session, "SELECT path FROM arrival ORDER BY no")]
    subprocess.run([*LIVESTACK, "stack", *paths, "--passes", "1", "--order", "given", "--out", f"{folder}/out/",
                    "--session", str(whole)], check=True, capture_output=True)  # fmt: skip
    mine, yours = (rows(place, f"SELECT {FIGURES} FROM sub ORDER BY no") for place in (session, whole))
    shas = [sub[0] for sub in mine]
    figures = {
        "kills": chosen.kills,
        "subs": len(subs),
        "lost": len(subs) - len(set(shas)),
        "double": len(shas) - len(set(shas)),
        "unreadable": unreadable,
        "figures_equal": mine == yours,
        "bits_equal": planes(session) == planes(whole),
        "seconds_alive": round(starts_s / chosen.kills, 2),
    }
    return figures, figures["lost"] == figures["double"] == unreadable == 0 and all(
        figures[name] for name in ("figures_equal", "bits_equal")
    )


def planes(session: Path) -> dict[str, bytes]:
    """Bits of every plane of every stack."""
    found = {}
    for path in sorted((session / "stack").glob("*.fits")):
        with fits.open(path, memmap=False) as hdus:
            found |= {f"{path.name} {hdu.name}": np.asarray(hdu.data).tobytes() for hdu in hdus}
    return found


# ---- a long session --------------------------------------------------------------------------------------------------


def long_session(folder: Path, chosen: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Stack thousands of subs in one session, watch its memory, compare its pace with a young one's, and resume it."""
    n = chosen.subs or 5000
    few = min(500, n // 4)
    captures, session = folder / "captures", folder / "session"
    captures.mkdir()
    templates = write_night(folder / "templates", replace(NIGHT, n_lights=TEMPLATES, seed=chosen.seed))
    vary(templates, captures, n, chosen.seed)
    rest = sorted(captures.iterdir())[n - few :]
    outside, young = folder / "outside", folder / "young"
    for place in (outside, young):
        place.mkdir()
    late = [path.rename(outside / path.name) for path in rest]
    vary(templates, young, WARM, chosen.seed + 2)
    early = [Path(shutil.copy(path, outside / f"Y_{path.name}")) for path in late]
    process = start(captures, session)
    memory_mb = []
    for at in (few, n - few):
        until(lambda at=at: n_judged(session) >= at, process, LOOKED_S)
        memory_mb.append(resident_mb(process.pid))
    beside = start(young, folder / "young session")
    until(lambda: n_judged(folder / "young session") >= WARM, beside, LOOKED_S)
    busy_s = [0.0, 0.0]
    for k in range(0, few, TURN):
        busy_s[0] += took(beside, folder / "young session", young, early[k : k + TURN])
        busy_s[1] += took(process, session, captures, late[k : k + TURN])
    memory_mb.append(resident_mb(process.pid))
    end(beside)
    end(process)
    vary(templates, captures, 1, chosen.seed + 1)
    process = start(captures, session)
    resumed_s = until(lambda: n_judged(session) > n, process)
    end(process)
    figures = {
        "subs": n,
        "left_out": n_judged(session) - n_accepted(session),
        "rss_mb": [round(memory_mb[0]), round(memory_mb[-1])],
        "rss_ratio": round(memory_mb[-1] / memory_mb[0], 3),
        "cpu_ms_per_sub": [round(1000 * each / few, 1) for each in busy_s],
        "pace_ratio": round(busy_s[1] / busy_s[0], 3),
        "resumed_s": round(resumed_s, 1),
    }
    return figures, figures["rss_ratio"] <= 1.05 and figures["pace_ratio"] <= 1.1 and resumed_s <= 20


def took(process: subprocess.Popen[bytes], session: Path, captures: Path, subs: list[Path]) -> float:
    """Give subs to a session that waits; returns the processor time until all are judged, s."""
    before, due = processor_s(process.pid), n_judged(session) + len(subs)
    for path in subs:
        path.rename(captures / path.name)
    until(lambda: n_judged(session) >= due, process, LOOKED_S)
    return processor_s(process.pid) - before


def n_judged(session: Path) -> int:
    """How many subs have a verdict."""
    query = "SELECT count(*) FROM event WHERE kind IN ('SubAccepted', 'SubRejected')"
    return (rows(session, query) or [(0,)])[0][0]


def vary(templates: list[Path], captures: Path, n: int, seed: int) -> None:
    """Write subs that are the templates with a little more noise, a second apart."""
    draw = np.random.default_rng(seed)
    read = [(fits.getdata(path), fits.getheader(path)) for path in templates]
    for k in range(n):
        data, header = read[k % len(read)]
        noisy = np.clip(data + np.rint(draw.normal(0, 3, data.shape)), 0, 65535).astype(np.uint16)
        fits.writeto(captures / f"L_{seed}_{k:05}.fits", noisy, header)


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


# ---- many files ------------------------------------------------------------------------------------------------------


def many_files(folder: Path, chosen: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Drop thousands of subs at once among strangers: each is found once, and the first picture is soon there."""
    captures, session, outside = folder / "captures", folder / "session", folder / "outside"
    captures.mkdir()
    outside.mkdir()
    for number in range(chosen.strangers):
        (captures / f"stranger_{number}.txt").touch()
    templates = write_night(folder / "templates", replace(NIGHT, n_lights=TEMPLATES, seed=chosen.seed))
    process = start(captures, session)
    until(lambda: rows(session, "SELECT 1 FROM event"), process)
    time.sleep(15)
    busy_s, idle_s = processor_s(process.pid), 60.0
    time.sleep(idle_s)
    busy_s = processor_s(process.pid) - busy_s
    for k in range(chosen.files):
        shutil.copyfile(templates[k % TEMPLATES], outside / f"L_{k:05}.fits")
    for path in outside.iterdir():
        path.rename(captures / path.name)
    picture_s = until((session / "cache" / "picture.npy").exists, process)
    end(process, signal.SIGKILL)
    found, seconds = found_by_a_watch(captures, chosen.files)
    figures = {
        "files": chosen.files,
        "strangers": chosen.strangers,
        "first_picture_s": round(picture_s, 1),
        "idle_cpu_percent": round(100 * busy_s / idle_s, 2),
        "found": len(found),
        "found_once": len(set(found)) == len(found) == chosen.files,
        "found_s": round(seconds, 1),
    }
    return figures, picture_s <= 10 and busy_s / idle_s <= 0.02 and bool(figures["found_once"])


def processor_s(pid: int) -> float:
    """Processor time of a process."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def found_by_a_watch(captures: Path, n: int) -> tuple[list[Path], float]:
    """Return what a watch finds in a folder until it found so many, and for as long again."""
    stop, found, began_s = threading.Event(), [], time.monotonic()
    known: list[Identity] = []
    until_s = None
    for batch in watch(captures, wanted=lambda path: path.suffix == ".fits", complete=lambda _: None,
                       oldest=lambda path: path.name, known=known, settings=Watching(), stop=stop):  # fmt: skip
        found += [arrival.identity.path for arrival in batch if isinstance(arrival, Arrival)]
        if len(found) >= n and until_s is None:
            until_s = time.monotonic() - began_s
            threading.Timer(max(10.0, until_s), stop.set).start()
    return found, until_s or 0.0


if __name__ == "__main__":
    main()
