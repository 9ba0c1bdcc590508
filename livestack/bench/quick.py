"""What ``livestack bench`` does: a night of one camera, stacked once, told in plain words."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from livestack.bench.accuracy import Accuracy, corner_error_px, judge
from livestack.bench.frames import Frames, Made, make
from livestack.bench.live import Live, Taken
from livestack.errors import NothingStacked, SettingsError
from livestack.events import SubAccepted
from livestack.frame import Array
from livestack.read import open_frame
from livestack.reduce.fold import REJECTORS
from livestack.version import VERSION

LAST_LOOK = REJECTORS["deferred"].looks[-1]
N_ALONE = 3
"""So many subs after the last look come one by one; the rest come at once."""
LEAST_LIGHTS = LAST_LOOK + N_ALONE + 2


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's figures: seconds, bytes, px; NaN = the system does not tell, or nothing was left to tell it from.

    Attributes
    ----------
    start_s : float
        From the start of the process to the first sub in the stack.
    looks_s : list of float
        Each look.
    first_subs_s : float
        From the first sub to the picture after the last look.
    sub_s, sub_cpu_s : float
        A sub while others wait, and the CPU time of one.
    answer_s : float
        From a sub found finished to the picture with it.
    save_cpu_s : float
        The stack file, once.
    """

    start_s: float
    looks_s: list[float]
    first_subs_s: float
    first_cpu_s: float
    sub_s: float
    sub_cpu_s: float
    answer_s: float
    save_s: float
    save_cpu_s: float
    first_peak_bytes: float
    peak_bytes: float
    corner_px: float
    left_out: int
    accuracy: Accuracy


def run_bench(frames: Frames, say: Callable[[str], None], into: Path | None) -> int:
    """Make a night, stack it, and say how fast and how right it went; returns the exit code."""
    if frames.n_lights < LEAST_LIGHTS:
        raise SettingsError(f"--lights: at least {LEAST_LIGHTS}, for the steady pace begins after {LAST_LOOK} subs")
    with tempfile.TemporaryDirectory(prefix="livestack-bench-") as folder:
        print(f"Making {frames.n_lights} subs of a {frames.words} camera.", file=sys.stderr, flush=True)
        made = make(Path(folder) / "night", frames)
        print("Stacking them; the first start on a machine compiles.", file=sys.stderr, flush=True)
        measured = measure(Path(folder) / "run", made)
    say(markdown(frames, measured))
    if into is not None:
        try:
            into.write_text(json.dumps(as_json(frames, measured), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"--json: {into} cannot be written: {error.strerror}") from None
    return 0


def measure(folder: Path, made: Made) -> Measured:
    """Run livestack on a night: the first subs are there when it starts, then some alone, then the rest at once."""
    lights = made.lights
    with Live(folder, made, lights[:LAST_LOOK]) as live:
        first = live.feed()
        first_peak = live.peak_bytes()
        live.wait_until_saved()
        alone, saves = [], []
        for path in lights[LAST_LOOK : LAST_LOOK + N_ALONE]:
            alone.append(live.feed([path]))
            saves.append(live.wait_until_saved())
        rest = live.feed(lights[LAST_LOOK + N_ALONE :])
        live.wait_until_saved()
        peak = live.peak_bytes()
        taken = [*first.taken, *(t for fed in (*alone, rest) for t in fed.taken)]
        accuracy = accuracy_of(live.stack, made, taken)
        steady = [*alone[1:], rest]
        return Measured(
            start_s=first.taken[0].told_s - live.started_s,
            looks_s=[look.seconds for look in live.looks],
            first_subs_s=first.taken[-1].shown_s - first.taken[0].told_s,
            first_cpu_s=first.cpu_s,
            sub_s=rest.step_s,
            sub_cpu_s=sum(fed.cpu_s for fed in steady) / sum(len(fed.taken) for fed in steady),
            answer_s=median(fed.answer_s for fed in alone[1:]),
            save_s=median(wall for wall, _ in saves),
            save_cpu_s=median(cpu for _, cpu in saves),
            first_peak_bytes=first_peak,
            peak_bytes=peak,
            corner_px=worst_corner_px(made, taken),
            left_out=sum(not isinstance(t.event, SubAccepted) for t in taken),
            accuracy=accuracy,
        )


def number_of(taken: Taken, made: Made) -> int:
    """Which light of the night a file was, from 0."""
    names = [path.name for path in made.lights]
    return names.index(Path(taken.event.path).name)


def worst_corner_px(made: Made, taken: list[Taken]) -> float:
    """Return how far the worst corner of the worst sub lies off the truth.

    Raises
    ------
    NothingStacked
        Another sub than the first is the grid.
    """
    errors = [
        corner_error_px(np.array(t.event.matrix), made.truths[number_of(t, made)].matrix, made.frames.size)
        for t in taken
        if isinstance(t.event, SubAccepted)
    ]
    if not errors or number_of(taken[0], made) != 0:
        raise NothingStacked("the first sub could not be stacked")
    return max(errors)


def accuracy_of(path: Path, made: Made, taken: list[Taken]) -> Accuracy:
    """Compare the stack file with the truth."""
    stack = planes(open_frame(path).data)
    subs = [number_of(t, made) for t in taken if isinstance(t.event, SubAccepted)]
    return judge(stack, made, planes(made.night.scene()), subs, made.truths[0].transparency)


def planes(picture: Array) -> Array:
    """(H, W) or (H, W, 3) as (C, H, W)."""
    return picture[None] if picture.ndim == 2 else np.moveaxis(picture, 2, 0)


def machine() -> dict[str, Any]:
    """Say what it ran on."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "livestack": VERSION,
    }


def as_json(frames: Frames, measured: Measured) -> dict[str, Any]:
    """Return everything as JSON values."""
    found: dict[str, Any] = plain({"machine": machine(), "frames": asdict(frames), "measured": asdict(measured)})
    return found


def plain(value: Any) -> Any:
    """Return what JSON can hold; what was not told (NaN) is null."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def markdown(frames: Frames, m: Measured) -> str:
    """Return the figures as a sentence and a table."""
    here = machine()
    pace = max(m.sub_s, 1e-3)
    lines = [
        f"# livestack {here['livestack']}: {frames.words}",
        "",
        f"A {frames.words} sub takes {said(m.sub_s)} here: your camera may take one every {said(_rounded_up(pace))}.",
        f"The first {LAST_LOOK} take {said(m.first_subs_s)} together, for they are judged in {len(m.looks_s)} looks; "
        "subs that come meanwhile wait.",
        "",
        f"{here['processor']}, {here['cores']} cores, {here['system']}, Python {here['python']}; "
        f"{frames.n_lights} subs.",
        "",
        "| | measured |",
        "|---|---|",
    ]
    rows = [
        ("a sub, while others wait", said(m.sub_s)),
        ("processor time of a sub", said(m.sub_cpu_s)),
        ("from finished file to new picture", said(m.answer_s)),
        ("the looks", ", ".join(said(s) for s in m.looks_s) or "–"),
        ("from start to the first sub", said(m.start_s)),
        ("processor time to write the stack file", said(m.save_cpu_s)),
        ("memory until the last look, and after", f"{size(m.first_peak_bytes)}, {size(m.peak_bytes)}"),
        ("subs off their true place, at the worst corner", f"{m.corner_px:.3f} px"),
        ("noise over that of a perfect stack", f"{m.accuracy.noise:.2f}"),
        ("light of bright stars, off by", f"{100 * m.accuracy.star_flux:+.2f} %"),
        ("left of satellites", f"{100 * m.accuracy.trail_left:.0f} %" if math.isfinite(m.accuracy.trail_left) else "–"),
        ("subs left out", str(m.left_out)),
    ]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows)])


def said(seconds: float) -> str:
    """Seconds as one reads them."""
    if not math.isfinite(seconds):
        return "not told here"
    return f"{1e3 * seconds:.0f} ms" if seconds < 0.1 else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def size(n_bytes: float) -> str:
    """Bytes as one reads them."""
    return f"{n_bytes / 1e9:.2f} GB" if math.isfinite(n_bytes) else "not told here"


def _rounded_up(seconds: float) -> float:
    """To two digits."""
    step = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return math.ceil(seconds / step) * step
