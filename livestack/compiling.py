"""Compiling the kernels before they are needed, in processes of their own: what the first sub needs comes first.

Each part runs the code itself on a tiny sub, so it compiles what a night will call; numba keeps it for all processes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from livestack.founding import light_of
from livestack.frame import Frame, Header, Masters
from livestack.plans import files_plan, find_files
from livestack.reduce import MARK, fold
from livestack.reduce.defects import spikes_of
from livestack.reduce.fold import REJECTORS, Against, Light
from livestack.reduce.guide import guide_of
from livestack.reduce.measure import measure
from livestack.reduce.normalise import sky_blocks_of_stack, sky_level, tied_sky
from livestack.reduce.preview import preview
from livestack.reduce.sensor import sensor_of
from livestack.runner import Engine
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.stack import FirstLook, Stack

SHAPE = (3, 160, 240)
NOISE = np.full(3, 100.0)
TICK_S = 0.05
FIRST_MARK = MARK.with_name(f"first-{MARK.name}")
"""There as soon as what the first sub needs is in the cache."""


def are_compiled() -> bool:
    """Whether every kernel is in the cache."""
    return MARK.exists()


def compile_all() -> bool:
    """Compile every kernel; returns whether that could be done."""
    _compile_first()
    with _at_work(REST) as workers:
        _are_done(workers)
    return are_compiled()


@contextlib.contextmanager
def compiled(ready: threading.Event, stop: threading.Event, say: Callable[[str], None]) -> Iterator[None]:
    """Compile beside what is done in the block, first what a first sub needs; what is compiled is loaded there.

    Parameters
    ----------
    ready : Event
        Set when a sub can be stacked; cleared before where there is something to compile.
    stop : Event
        Ends the wait.
    say : callable
        Hears a sentence where there is something to compile.
    """
    if not (are_compiled() or FIRST_MARK.exists()):
        say("the kernels are compiled first, once: a minute or two until the first sub is stacked")
        ready.clear()
    over = threading.Event()
    thread = threading.Thread(target=_compile_beside, args=(ready, stop, over), name="compile")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def load() -> None:
    """Load the kernels that a first sub needs, meanwhile it is read and its masters are."""
    for part in FIRST.values():
        part()


def _compile_beside(ready: threading.Event, stop: threading.Event, over: threading.Event) -> None:
    if ready.is_set():
        load()
    else:
        _compile_first(stop, over)
        ready.set()
    if not (are_compiled() or stop.is_set() or over.is_set()):
        with _at_work(REST):
            over.wait()


@contextlib.contextmanager
def _at_work(parts: Iterable[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Compile parts at once; what is not done at the end is left for the next start."""
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "livestack.compiling", part],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for part in parts
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


def _compile_first(*stops: threading.Event) -> None:
    """Compile what a first sub needs, or until told to stop; what could not be is compiled where it is used."""
    with _at_work(FIRST) as workers:
        if _are_done(workers, *stops):
            FIRST_MARK.touch()


def _are_done(workers: list[subprocess.Popen[bytes]], *stops: threading.Event) -> bool:
    """Wait for processes, or until told to stop; returns whether each did its part."""
    while any(worker.poll() is None for worker in workers) and not any(stop.is_set() for stop in stops):
        time.sleep(TICK_S)
    return all(worker.poll() == 0 for worker in workers)


def _sub() -> Frame:
    """Make a tiny sub of a colour camera: stars on a sky."""
    random = np.random.default_rng(1)
    _, h, w = SHAPE
    data = random.normal(1000.0, 10.0, (h, w))
    y, x = np.mgrid[:h, :w]
    for cy, cx in random.uniform((20, 20), (h - 20, w - 20), (25, 2)):
        data += 9000 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)
    return Frame(data.astype(np.uint16), Header(Path("sub.fits"), (h, w), cfa="RGGB"))


def _light() -> Light:
    sky = np.zeros((SHAPE[0], 6))
    return light_of(sensor_of(_sub(), Masters()), matrix=np.eye(3), sky=sky, scale=1.0, weight=1.0)


def _measure() -> None:
    measure(_sub(), Masters())


def _place() -> None:
    """Found a stack on a sub."""
    light = _light()
    light = dataclasses.replace(light, sky=sky_level(light, SHAPE))
    fold.hold(FirstLook(SHAPE), light, REJECTORS["deferred"], NOISE, None)


def _show() -> None:
    """Say and show what a stack on one sub is."""
    first = FirstLook(SHAPE)
    first.weights.append(1.0)
    preview(fold.readmit(first, REJECTORS["deferred"], NOISE, None), None)
    blocks = sky_blocks_of_stack(first.core)
    tied_sky(blocks, blocks, SHAPE)
    spikes_of(_light(), 10.0, None)


def _fold() -> None:
    """Judge a sub against a stack, and fold it in: what a night compiles last."""
    light = _light()
    nothing = np.zeros((SHAPE[1] // 2, SHAPE[2] // 2), np.float32)
    fold.fold(Stack(SHAPE), light, REJECTORS["deferred"], Against(NOISE, out=nothing > 0), None)
    guide_of(light, SHAPE, None)


def _night() -> None:
    """Stack a tiny night, which needs every kernel there is."""
    from livestack.simulate import NightOptions, write_night

    with tempfile.TemporaryDirectory(prefix="livestack-compiling-") as folder:
        captures, home = Path(folder) / "captures", Home(Path(folder) / "session")
        write_night(captures, NightOptions(size=SHAPE[1:], n_lights=5, n_darks=2, n_flats=2, n_bias=2))
        home.make()
        settings = Settings().changed({"viewer": "none"})
        if Engine(home, files_plan(str(captures), find_files([captures], "oldest")), settings).run() == 0:
            MARK.touch()


FIRST: dict[str, Callable[[], None]] = {"measure": _measure, "place": _place, "show": _show}
REST: dict[str, Callable[[], None]] = {"fold": _fold, "night": _night}


def main(part: str) -> None:
    """Compile a part, and leave the processor to whoever needs it for what is seen."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the session's, which ends this
    if part in REST and hasattr(os, "nice"):
        os.nice(10)
    (FIRST | REST)[part]()


if __name__ == "__main__":
    main(sys.argv[1])
