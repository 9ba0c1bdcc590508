"""What it takes to make a picture of a stack, beside Siril's steps of the same kind: for scripts/bench.py.

Siril 1.0.6 has no noise reduction in scripts and no white balance by stars; it does its subsky, rmgreen, mtf and satu.
Its subsky ends a script as if it had failed, once it has done its work: it has a script of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from astropy.io import fits

from livestack.develop.chain import AUTO, apply, develop
from livestack.develop.plate import Plate
from scripts.bench_sets import SETS, Found, say

SIZES = {"1080p": (1080, 1920), "26 MP": SETS["osc26"].size}
SKY, GRADIENT, GRAIN, STARS, HEIGHT = 100.0, 50.0, 10.0, 800, 4.3
"""ADU, and stars of 10² to 10⁴·³ ADU."""
ROUNDS = {"1080p": 12, "26 MP": 3}
STEPS = "rmgreen 0\nmtf 0.0 0.01 1.0\nsatu 0.3\n"
SAVE, LEVEL = "savejpg siril 95\n", "subsky 2\n"


def stack_of(size: tuple[int, int]) -> Plate:
    """Stars on a sky with a gradient, and its noise."""
    random, (h, w) = np.random.default_rng(1), size
    data = random.normal(SKY, GRAIN, (3, h, w)).astype(np.float32)
    data += np.linspace(0, GRADIENT, w, dtype=np.float32)
    star = np.exp(-((np.mgrid[-8:9, -8:9] ** 2).sum(axis=0)) / 6)
    for y, x, height in zip(
        random.integers(8, h - 8, STARS),
        random.integers(8, w - 8, STARS),
        random.uniform(2, HEIGHT, STARS),
        strict=True,
    ):
        data[:, y - 8 : y + 9, x - 8 : x + 9] += (10**height * star).astype(np.float32)
    return Plate(data, np.full(data.shape, GRAIN, np.float32))


def run_develop(folder: Path) -> Found:
    """Take the chain of a picture at both sizes, and whole processes beside Siril's on the same stack."""
    found: Found = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for name, size in SIZES.items():
            say(f"develop: {name}")
            plate = stack_of(size)
            done = develop(plate, AUTO, threads)
            chains = [clocked(lambda plate=plate: develop(plate, AUTO, threads)) for _ in range(ROUNDS[name])]
            again = [clocked(lambda plate=plate, acts=done.acts: apply(plate, acts, threads)) for _ in range(3)]
            walls, cpus = zip(*chains, strict=True)
            found[name] = {"wall_s": median(walls), "cpu_s": median(cpus), "apply_s": median(wall for wall, _ in again)}
    fits.writeto(folder / "stack.fit", plate.data)
    return found | processes(folder)


def clocked(work: Any) -> tuple[float, float]:
    """Wall and CPU seconds of some work."""
    begun, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - spent


def processes(folder: Path) -> Found:
    """Wall of processes from the same stack to a JPEG, in turns; and of their steps alone."""
    ours, chains, theirs, bare = [], [], [], []
    command = [sys.executable, "-m", "livestack", "develop", str(folder / "stack.fit"), str(folder / "ours.jpg")]
    installed = {key: said for key, said in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for k in range(ROUNDS["26 MP"] + 1):
        say(f"develop: processes, {k} of {ROUNDS['26 MP']}")
        begun = time.perf_counter()
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=installed).stdout
        took = time.perf_counter() - begun
        if k:  # the first one may compile
            ours.append(took)
            steps = re.findall(r"^(.+?)\s+([\d.]+) s$", told, re.MULTILINE)
            chains.append(sum(float(s) for name, s in steps if name not in ("read", "written")))
            if shutil.which("siril-cli"):
                level = siril(folder, LEVEL) - siril(folder, "")
                theirs.append(siril(folder, STEPS + SAVE) + level)
                bare.append(siril(folder, SAVE))
    found: Found = {"process_s": median(ours), "chain_s": median(chains)}
    if theirs:
        found |= {"siril_process_s": median(theirs), "siril_chain_s": median(theirs) - median(bare)}
    return found


def siril(folder: Path, steps: str) -> float:
    """Wall seconds of siril-cli from its start, with the stack loaded, over some steps."""
    (folder / "develop.ssf").write_text(f"requires 1.0.0\nload stack\n{steps}", encoding="ascii")
    command = ["siril-cli", "-d", str(folder), "-s", str(folder / "develop.ssf")]
    begun = time.perf_counter()
    subprocess.run(command, check=steps != LEVEL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun
