"""Compiling the kernels before they are needed, in processes of their own, in the order in which a night needs them.

What the first sub needs comes first, of which nothing is judged and nothing resampled; then what the next ones need;
then the looks. Each part runs the code itself on a tiny sub, so it compiles what a night will call; numba keeps it for
all processes. The parts of a stage take about as long as each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from livestack.engine.plans import files_plan, find_files
from livestack.engine.runner import Engine
from livestack.frame import STAR_DTYPE, Array, Frame, Header, Masters
from livestack.reduce import MARK, PREFIX, fold
from livestack.reduce.defects import spikes_of
from livestack.reduce.detect import sky_of
from livestack.reduce.fold import REJECTORS, Against, Light
from livestack.reduce.guide import guide_of
from livestack.reduce.haste import compile_in_haste
from livestack.reduce.measure import stars_of
from livestack.reduce.normalise import sky_blocks, sky_level, tied_sky, with_blocks
from livestack.reduce.objects import OBJECT_DTYPE, objects_in
from livestack.reduce.preview import preview
from livestack.reduce.register import register
from livestack.reduce.sensor import sensor_of
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.stack import Drops, FirstLook, Stack
from livestack.stacks.founding import light_of

SHAPE = (3, 256, 320)
"""As small as a sub may be of which all is asked that is asked of a large one."""
NOISE = np.full(3, 100.0)
ASKEW = np.array([[1.0, 0.01, 2.5], [-0.01, 1.0, 3.5], [0.0, 0.0, 1.0]])
TICK_S = 0.05
FIRST_MARK, NEXT_MARK, DRIZZLE_MARK = (MARK.with_name(f"{stage}-{MARK.name}") for stage in ("first", "next", "drizzle"))
"""There as soon as what the first sub needs is in the cache, what the next ones need, and what drizzle needs."""


UNUSED_S = 90 * 86400.0
"""Kernels of another version, or of another place, that were not used for so long are let go."""


def are_compiled() -> bool:
    """Whether every kernel is in the cache."""
    return MARK.exists()


def compile_all() -> bool:
    """Compile every kernel; returns whether that could be done."""
    for parts, mark in ((FIRST, FIRST_MARK), (NEXT, NEXT_MARK)):
        _compile(parts, mark)
    with _at_work(REST) as workers:
        _are_done(workers)
    return are_compiled()


@contextlib.contextmanager
def compiled(
    ready: threading.Event,
    fluent: threading.Event,
    stop: threading.Event,
    say: Callable[[str], None],
    *,
    drizzle: bool = False,
) -> Iterator[None]:
    """Compile beside what is done in the block, first what a first sub needs.

    Parameters
    ----------
    ready, fluent : Event
        Set when a first sub can be stacked, and when others can; cleared before where there is something to compile.
    stop : Event
        Ends the wait.
    say : callable
        Hears a sentence where there is something to compile.
    drizzle : bool
        Whether that will be asked for: it is compiled where it is, beside the first subs, which do not need it.
    """
    if not (are_compiled() or FIRST_MARK.exists()):
        say("the kernels are compiled first, once: half a minute until the first sub is stacked, and one to the next")
        ready.clear()
    if not (are_compiled() or NEXT_MARK.exists()):
        fluent.clear()
    late = list(DRIZZLE) if drizzle and not DRIZZLE_MARK.exists() else []
    if late:
        say("drizzle is compiled beside the first subs, once")
    _let_go_of_old()
    over = threading.Event()
    thread = threading.Thread(target=_compile_beside, args=(ready, fluent, stop, over, late), name="compile")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _let_go_of_old() -> None:
    """Note that these kernels are used, and remove those of versions that are used no more."""
    if not MARK.parent.name.startswith(PREFIX):  # a folder of the user's own
        return
    with contextlib.suppress(OSError):
        if MARK.exists():
            MARK.touch()
        for folder in MARK.parent.parent.glob(f"{PREFIX}*"):
            newest = max((file.stat().st_mtime for file in folder.iterdir()), default=folder.stat().st_mtime)
            if folder != MARK.parent and time.time() - newest > UNUSED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _compile_beside(
    ready: threading.Event, fluent: threading.Event, stop: threading.Event, over: threading.Event, late: list[str]
) -> None:
    for parts, mark, done in ((FIRST, FIRST_MARK, ready), (NEXT, NEXT_MARK, fluent)):
        if not done.is_set():
            _compile(parts, mark, stop, over)
            done.set()
    late = late if are_compiled() else [*REST, *late]
    if late and not (stop.is_set() or over.is_set()):
        with _at_work(late):
            over.wait()


@contextlib.contextmanager
def _at_work(parts: Iterable[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Compile parts at once; what is not done at the end is left for the next start."""
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "livestack.commands.compiling", part],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
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
            worker.communicate()


def _compile(parts: Iterable[str], mark: Path, *stops: threading.Event) -> None:
    """Compile a stage, or until told to stop; what could not be is compiled where it is used."""
    with _at_work(parts) as workers:
        if _are_done(workers, *stops):
            mark.touch()


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
    data = data.astype(np.uint16)
    data.setflags(write=False)  # as of a file
    return Frame(data, Header(Path("sub.fits"), (h, w), cfa="RGGB"))


def _light(matrix: Array) -> Light:
    sky = np.zeros((SHAPE[0], 6))
    return light_of(sensor_of(_sub(), Masters()), matrix=matrix, sky=sky, scale=1.0, weight=1.0)


def _survey() -> None:
    """Tell the sky of a sub, and measure stars that were found."""
    sensor = sensor_of(_sub(), Masters())
    seen = sky_of(sensor)
    objects = np.zeros(25, OBJECT_DTYPE)
    objects["x"], objects["y"] = np.linspace(20, SHAPE[2] - 20, 25), np.linspace(20, SHAPE[1] - 20, 25)
    objects["a"] = objects["b"] = objects["flux"] = 2.0
    stars_of(sensor, dataclasses.replace(seen, objects=objects), None)


def _found() -> None:
    """Find the stars of a picture, and found a stack on a sub."""
    level = np.full((8, 8), 1000, np.float32), 64.0, 64.0
    objects_in(_sub().data.astype(np.float32), level, 1, 50.0, None)
    light, first = _light(np.eye(3)), FirstLook(SHAPE)
    light = dataclasses.replace(light, sky=sky_level(light, SHAPE))
    sky_blocks(light, SHAPE)
    fold.hold(first, light, REJECTORS["deferred"], NOISE, None)


def _resample() -> None:
    """Place a sub on a stack."""
    stars, random = np.zeros(25, STAR_DTYPE), np.random.default_rng(1)
    stars["x"], stars["y"] = random.uniform(0, (SHAPE[2], SHAPE[1]), (25, 2)).T
    stars["flux"], stars["snr"], stars["fwhm"] = np.linspace(9000, 1000, 25), 50.0, 3.0
    register(stars, stars, SHAPE[1:], np.eye(3))
    light, first = with_blocks(_light(ASKEW), SHAPE), FirstLook(SHAPE)
    fold.hold(first, light, REJECTORS["deferred"], NOISE, None)


def _show() -> None:
    """Show a stack of one sub; tell what others are compared with, and search them for px that stand alone."""
    first = FirstLook(SHAPE)
    first.weights.append(1.0)
    preview(fold.readmit(first, REJECTORS["deferred"], NOISE, None), None)
    blocks = sky_blocks(with_blocks(_light(np.eye(3)), SHAPE), SHAPE)
    tied_sky(blocks, blocks, SHAPE)
    spikes_of(_light(ASKEW), 10.0, None)


def _fold() -> None:
    """Judge a sub against a stack, and fold it in: what a night compiles last."""
    light = _light(ASKEW)
    nothing = np.zeros((SHAPE[1] // 2, SHAPE[2] // 2), np.float32)
    fold.fold(Stack(SHAPE), light, REJECTORS["deferred"], Against(NOISE, out=nothing > 0), None)
    guide_of(light, SHAPE, None)


def _night() -> None:
    """Stack a tiny night, which needs every kernel there is."""
    from livestack.simulate import NightOptions, write_night

    with tempfile.TemporaryDirectory(prefix="livestack-compiling-") as folder:
        captures, home = Path(folder) / "captures", Home(Path(folder) / "session")
        write_night(captures, NightOptions(size=SHAPE[1:], n_lights=5, n_darks=3, n_flats=3, n_bias=3))
        home.make()
        settings = Settings().changed({"viewer": "none"})
        if Engine(home, files_plan(str(captures), find_files([captures], "oldest")), settings).run() == 0:
            MARK.touch()


def _drizzle() -> None:
    """Drop the raw px of a sub onto a stack."""
    stack = Stack(SHAPE)
    stack.drops = Drops(SHAPE)
    fold.fold(stack, _light(ASKEW), REJECTORS["none"], Against(NOISE), None)
    DRIZZLE_MARK.touch()


FIRST: dict[str, Callable[[], None]] = {"survey": _survey, "found": _found}
NEXT: dict[str, Callable[[], None]] = {"resample": _resample, "show": _show}
REST: dict[str, Callable[[], None]] = {"fold": _fold, "night": _night}
DRIZZLE: dict[str, Callable[[], None]] = {"drizzle": _drizzle}


def _end_with_session() -> None:
    """End this process when nobody holds the other end of its input: a session that is killed tells nobody."""

    def wait() -> None:
        os.read(0, 1)  # the buffer of sys.stdin would keep a lock that the end of Python waits for
        os._exit(1)

    threading.Thread(target=wait, name="session", daemon=True).start()


def main(part: str) -> None:
    """Compile a part, and leave the processor to whoever needs it for what is seen."""
    _end_with_session()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the session's, which ends this
    if part in REST | DRIZZLE and hasattr(os, "nice"):
        os.nice(10)
    if part in FIRST | NEXT:
        compile_in_haste()
    (FIRST | NEXT | REST | DRIZZLE)[part]()


if __name__ == "__main__":
    main(sys.argv[1])
