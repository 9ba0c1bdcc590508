"""What is measured of livestack alone: its start, its stages, its growth with px and subs: for scripts/bench.py."""

from __future__ import annotations

import compileall
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import livestack
from livestack.bench.frames import Frames, make
from livestack.bench.live import Live
from livestack.bench.reference import float64_deviation
from scripts.bench_develop import run_develop
from scripts.bench_sets import SETS, Found, say

STAGES = Path(__file__).resolve().with_name("bench_stages.py")
SCALING_PX = (1024, 2048, 4096, 7168, 10240)
LATE, EARLY, WINDOW = 1000, 20, 300
"""Subs; of those in line about one in a hundred is shown, and told with what all took by then."""
SMALL = (480, 640)


def run_start(folder: Path) -> Found:
    """From start to first stacked sub, 26 MP: with an empty cache of kernels, then with a full one."""
    made = make(folder / "frames", Frames(SETS["osc26"].size, "RGGB", 1))
    times = []
    # byte code is there, as the set-up leaves it
    compileall.compile_dir(Path(livestack.__file__).parent, quiet=2)
    environment = {"NUMBA_CACHE_DIR": str(folder / "kernels"), "PYTHONDONTWRITEBYTECODE": ""}
    for k in range(4):
        say(f"start: {k + 1} of 4")
        with Live(folder / f"run-{k}", made, made.lights, environment=environment) as live:
            times.append(live.feed().taken[0].told_s - live.started_s)
        if k == 0:  # that session ended before all was compiled
            warm = [sys.executable, "-m", "livestack", "doctor", "--warm"]
            subprocess.run(warm, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    return {"cold_s": times[0], "warm_s": median(times[1:])}


def early_looks(folder: Path, **asked: Any) -> tuple[str, str]:
    """Return a program whose only look comes after two subs, so that the steady pace begins at once."""
    note = folder / "asked.json"
    note.write_text(json.dumps({"looks": [2], **asked}), encoding="utf-8")
    return str(STAGES), str(note)


def run_stages(folder: Path) -> Found:
    """CPU by stage, and the floor, one sub at a time, steady: where the stars are is told anew in few of these subs."""
    say("stages")
    frames = Frames(SETS["osc26"].size, "RGGB", 17)
    made, out = make(folder / "frames", frames), folder / "stages.json"
    with Live(folder / "run", made, made.lights[:2], early_looks(folder, out=str(out), floor=True)) as live:
        live.feed()
        for path in made.lights[2:]:
            live.feed([path])
    told = json.loads(out.read_text(encoding="utf-8"))
    subs, floors = told["subs"][8:], told["floors"][8:]
    names = [name for name in subs[-1] if name]
    over = {key: [sub[key] / floor for sub, floor in zip(subs, floors, strict=True) if key in sub] for key in names}
    return {
        "frames": frames.words,
        "n": len(subs),
        "stages": {name: median(sub.get(name, 0.0) for sub in subs) for name in names},
        "floor_s": median(floors),
        "integrate_over_floor": median(over["integrate"]) if over.get("integrate") else None,
        "fold_over_floor": median(over["· fold"]) if over.get("· fold") else None,
        "missing": told["missing"],
    }


def run_scaling(folder: Path) -> Found:
    """CPU per sub by size, and of late subs over early ones."""
    sizes = []
    for side in SCALING_PX:
        say(f"scaling: {side} × {side}")
        here = folder / str(side)
        made = make(here / "frames", Frames((side, side), None, 8))
        with Live(here / "run", made, made.lights[:2], early_looks(here)) as live:
            live.feed()
            fed = [live.feed([path]) for path in made.lights[2:]]
        steady = fed[2:]
        cpu, answer = (median(values) for values in zip(*((f.cpu_s, f.answer_s) for f in steady), strict=True))
        sizes.append({"mpx": made.frames.mpx, "cpu_s": cpu, "answer_s": answer})
        shutil.rmtree(here)
    per_px = np.array([row["cpu_s"] / row["mpx"] for row in sizes])
    say(f"scaling: {LATE} subs")
    made = make(folder / "late" / "frames", Frames(SMALL, None, LATE))
    with Live(folder / "late" / "run", made, made.lights) as live:
        seen = [(no, t.cpu_s) for no, t in enumerate(live.feed().taken, 1) if np.isfinite(t.cpu_s)]
    early, late = slope(seen, EARLY, EARLY + WINDOW), slope(seen, LATE - WINDOW, LATE)
    spread = float(np.abs(per_px / per_px.mean() - 1).max())
    return {"sizes": sizes, "spread": spread, "early_cpu_s": early, "late_cpu_s": late, "late_over_early": late / early}


def slope(seen: list[tuple[int, float]], first: int, last: int) -> float:
    """CPU seconds per sub between two subs: robustly, for the stack is saved now and then."""
    part = [(no, cpu) for no, cpu in seen if first <= no <= last]
    steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(part)]
    return median(steps)


def run_float64(_: Path) -> Found:
    """Measure the product's fold of 5,000 small subs against float64."""
    say("float64")
    return asdict(float64_deviation(5000))


PARTS: dict[str, Callable[[Path], Found]] = {
    "start": run_start,
    "stages": run_stages,
    "scaling": run_scaling,
    "float64": run_float64,
    "develop": run_develop,
}
