"""`livestack` with a clock on its stages, and the floor beside them: for scripts/bench.py.

    python scripts/bench_stages.py ASKED.json watch FOLDER …

Subs come one by one. The CPU time of a stage is that of the thread that calls it and of those that run the bands of
kernels, which nobody else uses meanwhile; of what is done beside other stages it is the calling thread's alone. What
other threads take during a call, such as those that write pictures, is not the stage's.

ASKED has ``out``, where the figures go after every sub, ``looks``, after how many subs the
looks come, and ``floor``, whether the floor runs after each sub.

floor
    Reads a raw frame, and reads and writes mean, m2 and weight of a stack as large: what a sub cannot do without.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # livestack.py beside this file would hide the package

Array = np.ndarray[Any, Any]

STAGES = {
    # name: module, function or method
    "content hash": ("livestack.stacks.prepare", "content_hash"),
    "read": ("livestack.stacks.prepare", "open_frame"),
    "measure": ("livestack.reduce.measure", "measure"),
    "register": ("livestack.reduce.register", "register"),
    "samples of the sky": ("livestack.reduce.normalise", "with_blocks"),
    "sky": ("livestack.reduce.normalise", "sky_surface"),
    "integrate": ("livestack.stacks.growth", "Growth._fold"),
    "· guide": ("livestack.reduce.guide", "guide_of"),
    "· judge": ("livestack.reduce.judge", "judge"),
    "· noise": ("livestack.reduce.normalise", "sample_noise"),
    "· fold": ("livestack.reduce.fold", "fold"),
    "·· contrast": ("livestack.reduce.fold", "contrast"),
    "pictures": ("livestack.engine.publish", "Publisher.show"),
}
"""What a sub passes through; a dot = part of the one above."""
ALONE = ("content hash", "read")
"""One thread does this, while others work for another stage."""
POOL = "fold"
"""How the threads are called that run bands."""
BAND = 64

spent: dict[str, list[float]] = defaultdict(list)


@njit(nogil=True, fastmath=True, cache=True)
def _row(v: Array, mean: Array, m2: Array, share: Array) -> None:
    for x in range(v.size):
        d = np.float32(v[x]) - mean[x]
        g = d * share[x]
        mean[x] += g
        m2[x] += d * (d - g)


@njit(nogil=True, fastmath=True, cache=True)
def _weights(weight: Array, share: Array) -> None:
    for x in range(weight.size):
        w = weight[x] + np.float32(1)
        weight[x] = w
        share[x] = np.float32(1) / w


@njit(nogil=True, cache=True)
def floor_band(raw: Array, mean: Array, m2: Array, weight: Array, y0: int, y1: int) -> None:
    """Fold raw px (H, W) uint16 as they lie into mean and m2 (C, H, W), and weight (H, W)."""
    share = np.empty(raw.shape[1], np.float32)
    for y in range(y0, y1):
        _weights(weight[y], share)
        for c in range(mean.shape[0]):
            _row(raw[y], mean[c, y], m2[c, y], share)


class Floor:
    """The floor kernel on arrays of its own."""

    def __init__(self, channels: int, raw: Array) -> None:
        self._raw = np.ascontiguousarray(raw, np.uint16)
        self._mean, self._m2 = (np.zeros((channels, *raw.shape), np.float32) for _ in range(2))
        self._weight = np.zeros(raw.shape, np.float32)

    def run(self, threads: Executor) -> float:
        """Run it once; returns its CPU seconds."""
        began = own_cpu_s(alone=False)
        bands = range(0, self._raw.shape[0], BAND)

        def band(y0: int) -> None:
            floor_band(self._raw, self._mean, self._m2, self._weight, y0, min(y0 + BAND, self._raw.shape[0]))

        list(threads.map(band, bands))
        return own_cpu_s(alone=False) - began


def own_cpu_s(*, alone: bool) -> float:
    """CPU time of the calling thread, and of those that run bands unless it works alone, s."""
    total = time.thread_time()
    if not alone and hasattr(time, "pthread_getcpuclockid"):
        me = threading.get_ident()
        others = [t.ident for t in threading.enumerate() if t.name.startswith(POOL) and t.ident not in (me, None)]
        total += sum(time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in others if ident)
    return total


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Note the CPU time that every call takes in its own threads."""
    alone = name in ALONE

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        began, whole = own_cpu_s(alone=alone), time.process_time()
        try:
            return function(*args, **options)
        finally:
            spent[name].append(own_cpu_s(alone=alone) - began)
            spent[name + " (process)"].append(time.process_time() - whole)

    return call


def put_clocks() -> list[str]:
    """Put a clock on every stage, wherever it was imported to; returns those that are not there."""
    missing = []
    for name, (module, path) in STAGES.items():
        owner: Any = importlib.import_module(module)
        *outer, last = path.split(".")
        owner = functools.reduce(lambda o, part: getattr(o, part, None), outer, owner)
        function = getattr(owner, last, None)
        if function is None:
            missing.append(name)
            continue
        clocked = timed(name, function)
        setattr(owner, last, clocked)
        for there in [m for key, m in sys.modules.items() if key.startswith("livestack.") and not outer]:
            for attribute, value in list(vars(there).items()):
                if value is function:
                    setattr(there, attribute, clocked)
    return missing


def main() -> None:
    """Run the command line with clocks."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    from livestack.commands import cli
    from livestack.engine import session
    from livestack.reduce import fold

    for module in ("commands.batch", "commands.engine_room", "stacks.growth", "engine.publish", "engine.runner"):
        importlib.import_module(f"livestack.{module}")
    rule = fold.REJECTORS["deferred"]
    fold.REJECTORS["deferred"] = dataclasses.replace(rule, looks=tuple(asked.get("looks", rule.looks)))
    if asked.get("out"):
        out, missing, subs, floors = Path(asked["out"]), put_clocks(), [], []
        threads = ThreadPoolExecutor(os.cpu_count(), f"{POOL} floor")
        integrate = session.Session.integrate

        def one_more(self: Any, item: Any) -> None:
            integrate(self, item)
            subs.append({name: sum(spent[name]) for name in spent})
            spent.clear()
            if asked.get("floor"):
                floors.append(floor_of(item).run(threads))
            out.write_text(json.dumps({"subs": subs, "floors": floors, "missing": missing}), encoding="utf-8")

        kept: list[Floor] = []

        def floor_of(item: Any) -> Floor:
            if not kept:
                kept.append(Floor(3 if item.frame.header.cfa else 1, item.frame.data))
            return kept[0]

        session.Session.integrate = one_more  # type: ignore[method-assign]
    sys.argv = ["livestack", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
