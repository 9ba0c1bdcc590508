"""How long the window's loop stands still while a session of a 26 MP camera runs in its process, as fast as it can.

    python -m scripts.bench_gaps --subs 30

Run from the project's folder, where scripts/livestack.py does not hide the package, on Linux. The subs of a synthetic
night are written first, or taken from ``--folder``. Then ``livestack watch`` stacks them with its window, on
``$DISPLAY`` or else offscreen, and a timer of 5 ms in that window tells of each gap: when it was, how many ms of it the
window's thread computed, waited for a core (at most), and waited for something else, which is the interpreter or a
lock; and for how many ms garbage was collected, by whichever thread: nobody else has the interpreter then. Who may set
real-time priorities (root) is told too for how many ms of it the machine stood still: the thread's core, or all of
them where it changed cores, ran not even a process that goes before all else. So is a virtual machine whose host is
busy; other threads of ours cannot do that. And how many ms ago the machine's memory was taken: a host that is told
what is free takes it back, and may let the first touch of every other page after that take .025 ms and more, in
whichever process; who touches most pages, a window's thread, takes ten times as long for a while.
`own` gaps are those that would be as long without: none was taken within a second, and what is left of them when the
machine's share is taken off is as long.
``--stacks FILE`` has every thread's stack written when the loop stood for 35 ms: by a thread that waits for the
interpreter, so that whoever keeps it is seen where it lets go. faulthandler's watchdog does not wait, and reads what is
being written: that ended the measured process with a segmentation fault, three times of five.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import math
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import NamedTuple

SIZE = "6248x4176"
BEAT_MS = 5
LONG_S = 0.05
_STUCK_S = 0.035
_TOLD_S = 0.02  # of so long a gap it is asked how much of it was waiting for a core
_NAP_S, _LATE_S = 0.002, 0.001  # a process that goes before all else wakes so often; so late nothing ran on its core
_PAGES, _TAKEN_S = 16, 0.0002  # it touches so many pages each time; if that takes so long they had been taken
_AFTER_S = 1.0  # for so long after that a gap is no gap of ours


class Gap(NamedTuple):
    """A time in which the window's loop did nothing else, s."""

    at: float
    long: float
    computed: float
    queued: float
    collected: float
    core: int | None  # the thread's, where it is the same before and after


def main() -> None:
    """Measure, and print one line; or be the measured process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subs", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="of subs that are there")
    parser.add_argument("--stacks", type=Path, metavar="FILE")
    parser.add_argument("--guests", action="store_true", help="with the screen for guests open")
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--inside", type=Path, metavar="SESSION", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.core is not None:
        _tell_of_stops(options.core)
        return
    if options.inside is not None:
        print(json.dumps(_measured(options)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "captures"
        if options.folder is None:
            words = ["simulate", str(folder), "--lights", str(options.subs), "--size", SIZE]
            subprocess.run([sys.executable, "-m", "livestack", *words], check=True, stdout=subprocess.DEVNULL)
        environment = os.environ if "DISPLAY" in os.environ else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        again = [sys.executable, "-m", "scripts.bench_gaps", *sys.argv[1:], "--folder", str(folder)]
        subprocess.run([*again, "--inside", str(Path(temporary) / "session")], env=dict(environment), check=True)


def _measured(options: argparse.Namespace) -> dict[str, object]:
    """Run a session with its window in this process; returns what its loop went through."""
    import pyqtgraph as pg
    from pyqtgraph.Qt import QtCore

    from livestack.commands.cli import main as livestack

    QtCore.QSettings.setPath(
        QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, str(options.inside / "taste")
    )
    app = pg.mkQApp("livestack")
    gaps: list[Gap] = []
    beats = [time.monotonic()]
    if options.stacks is not None:
        watching = threading.Thread(target=_write_stacks, args=(options.stacks, beats), name="stacks", daemon=True)
        watching.start()
    beat = QtCore.QTimer(app, interval=BEAT_MS)
    beat.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
    beat.timeout.connect(_beat(gaps, beats))
    beat.start()
    if options.guests:
        QtCore.QTimer.singleShot(1500, _open_for_guests)
    cores = _watch_cores()
    words = ["watch", str(options.folder), "--session", str(options.inside), "--until-idle", "4"]
    platform = os.environ.get("QT_QPA_PLATFORM")
    try:
        livestack([*words, "--viewer", "qt"], standalone_mode=True)
    except SystemExit as ended:
        if ended.code:
            raise
    told = [_told_by(core) for core in cores]
    stops, taken = [each.stops for each in told], sorted(at for each in told for at in each.taken)
    long = sorted((gap for gap in gaps if gap.long > LONG_S), key=lambda gap: -gap.long)
    whole = gaps[-1].at - gaps[0].at
    is_told = bool(stops) and all(stops)
    still = {gap: _stood_still(gap, stops) if is_told else math.nan for gap in long}
    since = {gap: min((gap.at - at for at in taken if at < gap.at), default=math.inf) for gap in long}
    return {
        "platform": platform or "screen",
        "seconds": round(whole, 1),
        "gaps": len(long),
        "own": sum(gap.long - still[gap] > LONG_S and since[gap] > _AFTER_S for gap in long) if is_told else None,
        "longest_ms": round(1000 * max(gap.long for gap in gaps)),
        "gui_cpu_s": round(sum(gap.computed for gap in gaps), 2),
        "each": [
            {
                "at_s": round(gap.at - gaps[0].at, 1),
                "ms": round(1000 * gap.long),
                "computed": round(1000 * gap.computed),
                "queued": round(1000 * gap.queued),
                "else": round(1000 * (gap.long - gap.computed - gap.queued)),
                "collected": round(1000 * gap.collected),
                "machine": round(1000 * still[gap]) if is_told else None,
                "taken_before": round(1000 * since[gap]) if since[gap] < math.inf else None,
            }
            for gap in long
        ],
    }


def _watch_cores() -> list[subprocess.Popen[str]]:
    """Begin a process on each core that goes before all else there; none, where that is not allowed."""
    if os.geteuid() != 0:
        return []
    again = [sys.executable, "-m", "scripts.bench_gaps", "--core"]
    cores = sorted(os.sched_getaffinity(0))
    return [subprocess.Popen([*again, str(core)], stdout=subprocess.PIPE, text=True) for core in cores]


class Told(NamedTuple):
    """Of a core: when it ran nothing, from and to, and when its memory had been taken, s of the monotonic clock."""

    stops: list[tuple[float, float]]
    taken: list[float]


def _tell_of_stops(core: int) -> None:
    """Wake again and again, before all else here, until SIGTERM; then print when that came late, and what it found."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_max(os.SCHED_FIFO)))
    stops, taken = [(0.0, 0.0)], []
    pages = mmap.mmap(-1, _PAGES * mmap.PAGESIZE)
    pages.write(bytes(len(pages)))
    while not ended:
        due = time.monotonic() + _NAP_S
        time.sleep(_NAP_S)
        now = time.monotonic()
        if now - due > _LATE_S:
            stops.append((due, now))
        for page in range(0, len(pages), mmap.PAGESIZE):
            pages[page]
        if time.monotonic() - now > _TAKEN_S:
            taken.append(now)
    print(json.dumps((stops, taken)))


def _told_by(core: subprocess.Popen[str]) -> Told:
    core.terminate()
    told, _ = core.communicate()
    stops, taken = json.loads(told) if told else ([], [])
    return Told([tuple(stop) for stop in stops], taken)


def _stood_still(gap: Gap, stops: list[list[tuple[float, float]]]) -> float:
    """Return for how long of a gap its core stood still, or else all of them at one time, s."""
    still = [(gap.at - gap.long, gap.at)]
    for core in stops if gap.core is None else [stops[gap.core]]:
        both = ((max(a, c), min(b, d)) for a, b in still for c, d in core)
        still = [(begin, end) for begin, end in both if begin < end]
    return sum(end - begin for begin, end in still)


def _open_for_guests() -> None:
    from pyqtgraph.Qt import QtWidgets

    from livestack.show.qt.window import Window

    for widget in QtWidgets.QApplication.allWidgets():
        if isinstance(widget, Window):
            widget.audience.toggle_stage()


def _write_stacks(path: Path, beats: list[float]) -> None:
    """Write where each thread is, once for each time the loop stands still: all day."""
    told = begun = beats[0]
    with path.open("w") as file:
        while True:
            time.sleep(BEAT_MS / 1000)
            last, now = beats[0], time.monotonic()
            if last == told or now - last < _STUCK_S + BEAT_MS / 1000:
                continue
            told = last
            file.write(f"=== at {last - begun:.2f} s, for {1000 * (now - last):.0f} ms and more\n")
            names = {thread.ident: thread.name for thread in threading.enumerate()}
            for thread, frame in sys._current_frames().items():
                file.write(f"\n{names.get(thread, thread)}:\n")
                file.writelines(traceback.format_stack(frame))
            file.flush()


def _beat(gaps: list[Gap], beats: list[float]) -> object:
    """Return what a timer calls: it notes how long the time since the last call was, beyond the timer's own.

    `beats` holds when it was called last.
    """
    collected, begun = [0.0], [0.0]

    def collects(phase: str, _: object) -> None:
        if phase == "start":
            begun[0] = time.monotonic()
        else:
            collected[0] += time.monotonic() - begun[0]

    gc.callbacks.append(collects)
    schedule = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
    core_of = ctypes.PyDLL(None).sched_getcpu  # of the C library, keeping the interpreter
    before: list[tuple[float, float, int]] = []
    queued = [0.0]

    def beat() -> None:
        now, cpu, core = time.monotonic(), time.thread_time(), core_of()  # none lets go of the interpreter
        if before:
            then, cpu_then, core_then = before[0]
            long = now - then - BEAT_MS / 1000
            waited = 0.0
            if long > _TOLD_S:
                before_that, queued[0] = queued[0], int(os.pread(schedule, 80, 0).split()[1]) / 1e9
                waited = min(queued[0] - before_that, long - (cpu - cpu_then))
            gaps.append(Gap(now, long, cpu - cpu_then, waited, collected[0], core if core == core_then else None))
            collected[0] = 0.0
        before[:] = [(now, cpu, core)]
        beats[0] = now

    return beat


if __name__ == "__main__":
    main()
