"""What a viewer of a 26 MP session takes: memory of its process over many updates, and time of its window per picture.

    python -m scripts.bench_viewer --updates 500

Run from the project's folder, where scripts/livestack.py does not hide the package, on Linux. A session is written as
an engine would leave it: a picture of the stack, of the last sub and of what was removed of each sub, 2082 × 1392 px in
colour, and its word in the journal. ``livestack view`` follows it, on ``$DISPLAY`` or else offscreen. Told are, over
the updates: the resident memory of the viewer in MB (after the tenth, in the middle, at the end, and the most at any
moment), and the seconds of processor that its main thread, which is the window's, took for each.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from livestack.events import SessionStarted, StackFounded, SubAccepted
from livestack.frame import Array, Identity, Picture
from livestack.journal import Journal
from livestack.picture import write_picture

SIZE = (4176, 6248)
STEP = 3
_LOOK_S = 0.02
WARM = 10
"""Updates after which memory is first told."""


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds from update to update")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "session"
        (session / "cache").mkdir(parents=True)
        journal = Journal(session / "journal.sqlite", create=True)
        pictures = some_pictures()
        begin(journal)
        update(session, journal, 1, pictures)
        environment = os.environ if "DISPLAY" in os.environ else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "livestack", "view", str(session)]
        viewer = subprocess.Popen(command, env=dict(environment))
        try:
            time.sleep(8.0)
            print(json.dumps(_follow(session, journal, viewer, pictures, options)))
        finally:
            viewer.send_signal(signal.SIGINT)
            viewer.wait(20)
            journal.close()


def _follow(
    session: Path, journal: Journal, viewer: subprocess.Popen[bytes], pictures: list[Array], options: argparse.Namespace
) -> dict[str, object]:
    held, cpu, most, is_over = [], [], [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(viewer, most, is_over))
    watcher.start()
    for no in range(2, options.updates + 2):
        began = time.monotonic()
        update(session, journal, no, pictures)
        time.sleep(max(0.0, options.pace - (time.monotonic() - began)))
        held.append(_resident_mb(viewer.pid))
        cpu.append(_main_thread_s(viewer.pid))
    is_over.set()
    watcher.join()
    if viewer.poll() is not None:
        raise RuntimeError("the viewer ended")
    late = held[len(held) // 2 :]
    return {
        "updates": len(held),
        "mb": [round(held[WARM]), round(held[len(held) // 2]), round(held[-1]), round(most[0])],
        "mb_per_100_updates": round(100 * float(np.polyfit(np.arange(len(late)), late, 1)[0]), 2),
        "gui_s_per_update": round((cpu[-1] - cpu[WARM]) / (len(cpu) - 1 - WARM), 3),
        "gui_s_most": round(max(np.diff(cpu[WARM:])), 3),
    }


def _watch(viewer: subprocess.Popen[bytes], most: list[float], is_over: threading.Event) -> None:
    """See the most that it holds: while a picture is made, which takes a tenth of a second."""
    while not is_over.wait(_LOOK_S) and viewer.poll() is None:
        most[0] = max(most[0], _resident_mb(viewer.pid))


def some_pictures() -> list[Array]:
    """Return a few pictures to take turns with, of a stack and of subs."""
    height, width = SIZE[0] // STEP, SIZE[1] // STEP
    draw = np.random.default_rng(1)
    plain = draw.normal(1000.0, 8.0, (height, width, 3)).astype(np.float32)
    for flux in draw.pareto(1.2, 3000):
        x, y = draw.integers(8, width - 8), draw.integers(8, height - 8)
        plain[y - 1 : y + 2, x - 1 : x + 2] += np.float32(min(60 * flux, 30_000))
    noisy = plain + draw.normal(0.0, 60.0, plain.shape).astype(np.float32)
    return [plain, plain + np.float32(0.5), noisy, noisy[::-1].copy()]


def update(session: Path, journal: Journal, no: int, pictures: list[Array]) -> None:
    """Let one sub be stacked."""
    facts = {"scale": 1 / STEP, "version": no, "stack": "M_27", "row_order": "TOP-DOWN"}
    stack = Picture(data=pictures[no % 2], n_subs=no, exposure_s=20.0 * no, noise_adu=60 / no**0.5, **facts)
    last = Picture(data=pictures[2 + no % 2], n_subs=1, exposure_s=20.0, noise_adu=60.0, **facts)
    removed = Picture(
        data=np.full(pictures[0].shape[:2], no % 2, np.float32), n_subs=no, exposure_s=0, noise_adu=0, **facts
    )
    path = Path(f"/nowhere/{no:05}.fits")
    journal.arrive([(Identity(path, 1, no, no), True)])
    journal.append(_accepted(no, str(path)))
    for name, picture in (("picture", stack), ("last", last), ("removed", removed)):
        write_picture(session / "cache" / f"{name}.npy", picture, again=True)


def begin(journal: Journal) -> None:
    """Write what an engine writes before the first sub."""
    height, width = SIZE
    journal.append(
        SessionStarted("/nowhere", "0", {}, False, os.getpid(), socket.gethostname()),
        StackFounded(
            stack="M_27", target="M 27", filter=None, camera="Synthetic", size=[height, width], cfa="RGGB", no=1,
            path="/nowhere/00001.fits", sha256="0", replaces=None, reject="deferred", channels=3,
            sky_adu=[900.0, 900.0, 900.0], header={},
        ),
    )  # fmt: skip


def _accepted(no: int, path: str) -> SubAccepted:
    quality = {
        "n_stars": 900, "fwhm_px": 3.0, "hfr_px": 1.6, "eccentricity": 0.4, "elongation": 1.1,
        "background_adu": 1000.0, "noise_adu": 60.0, "transparency": 1.0,
    }  # fmt: skip
    registration = {
        "n_matches": 100, "rms_px": 0.1, "dx": 0.0, "dy": 0.0, "rotation_deg": 0.0, "scale": 1.0,
        "meridian_flip": False,
    }  # fmt: skip
    return SubAccepted(
        no=no, stack="M_27", path=path, sha256=str(no), size=1, mtime_ns=no, time_utc=datetime.now(UTC).isoformat(),
        exposure_s=20.0, target="M 27", filter=None, matrix=np.eye(3).tolist(), quality=quality,
        registration=registration, weight=1.0, scale=1.0, offset=[0.0] * 18, rejected_fraction=0.001,
        seconds={"fold": 0.8}, arrival=no,
    )  # fmt: skip


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _main_thread_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
