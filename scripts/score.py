"""Score the whole pipeline against truth: simulated nights in, stack file out, beside batch rejection of the same subs.

    python -m scripts.score run typ heavy --seeds 821-828 --out typ.jsonl     whole nights through `livestack stack`
    python -m scripts.score order typ --seeds 821-828 --out order.jsonl       the same subs in three other orders
    python -m scripts.score display first --seeds 821-828 --out early.jsonl   what is shown of 3, 4, 5 and 8 subs
    python -m scripts.score accumulate typ --seeds 821-828 --out acc.jsonl    the stack alone, on registered frames
    python -m scripts.score table typ.jsonl …                                 medians, and a row per night

Run from the project's folder, where scripts/livestack.py does not hide the package, with the Python livestack runs on.
The simulator (`sim.make`), the scores (`score.prep`, `score.score`) and the batch methods (`stackers`) are those of the
prototypes' folder, ``--prototypes``; by default ``../shared/prototypes/algorithms`` beside the project.

A night's sensor frames are written as files, rounded to ADU, and stacked by ``livestack stack --passes 1``. Its journal
says which subs were taken, and with which matrix, sky, scale and weight. With these, and the product's own warp, the
frames, their scene without noise and what contaminates them are brought to the grid of the stack. So every method
averages the same registered frames and differs only in what it rejects; nothing is fitted to the truth.

truth
    weighted mean of the registered noise-free scenes.
oracle
    weighted mean of the samples that hold less than .5 σ of contamination.

Each line of a results file is one night. Its ``scores`` are, by method: rmse over that of the oracle; noise of clean px
over the plain mean's; what is left of trails by their peak in σ, % of the plain mean's, and its mean in σ of the stack;
flux and 3 × 3 core of bright stars and flux of middle ones against truth, %; ``linear%``, flux of all stars against the
same frames without contamination. ``z`` is the scatter of (mean − truth) / standard error on clean px, ``sky%`` the
share of clean samples that was judged out.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from astropy.io import fits

from livestack.events import SubAccepted
from livestack.frame import Array, Frame, Header, Masters
from livestack.journal import Journal
from livestack.read import open_frame
from livestack.reduce.fold import REJECTORS, Light
from livestack.reduce.kernels import warp_and_normalise
from livestack.reduce.measure import measure
from livestack.reduce.sensor import bare, sensor_of
from livestack.stacks.founding import Founding, light_of
from livestack.stacks.growth import Growth
from livestack.stacks.knowledge import known_of_sub
from livestack.stacks.replay import replay

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS: dict[str, dict[str, Any]] = {
    "clean": {"p_trail": 0.0, "p_air": 0.0, "cr_per_mpx": 0.0, "hot_per_mpx": 0.0, "p_cloud": 0.0},
    "typ": {"p_trail": 0.1, "p_air": 0.02},
    "heavy": {"p_trail": 0.3, "p_air": 0.08},
    "first": {"p_trail": 0.1, "first_trails": 2},
    "geo": {"p_trail": 0.1, "p_air": 0.02, "burst": (1, 4, 40.0)},
    "faint": {"p_trail": 0.3, "p_air": 0.0, "peak_sig": (0.5, 3.0)},
    "seeing": {"seeing_sd": 0.22},
    "short": {"N": 14, "p_trail": 0.2, "first_trails": 1},
    "eight": {"N": 8, "p_trail": 0.2, "first_trails": 1},
}
"""Arguments of the simulator; N = 40 where not said. geo: 40 σ trails on the same line of the sky in subs 2 to 5."""
PAD = 48
"""The simulator draws so many px more on every side."""
MARGIN = 18
"""From here on inwards every sub covers: twice the dither, and the reach of the warp."""
SHOWN_AT = (3, 4, 5, 8)
BRIGHT = 1000.0
"""σ of the stack: brighter px tell a hundredth of a px of registration."""
KEYS = (
    *("rmse/oracle", "clean", "tr0.3-2", "tr2-5", "tr5-20", "tr20-100", "tr>100", "trbias_sig"),
    *("star_flux%", "star_core%", "mid_flux%", "linear%"),
)
AGAINST_ORACLE = tuple(key for key in KEYS if key.startswith(("tr", "star", "mid")))


class Recorder:
    """Stands for OpenCV in the simulator and keeps the sensor frames that it warps."""

    def __init__(self, cv2: Any) -> None:
        self._cv2 = cv2
        self.dither: list[Array] = []
        self.frames: list[Array] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cv2, name)

    def warpAffine(self, image: Array, matrix: Array, size: Any, **options: Any) -> Array:  # noqa: N802 - its name
        """Dither a scene (with a border), or keep a frame that would be registered: the product does that."""
        if options.get("flags", 0) & self._cv2.WARP_INVERSE_MAP:
            self.frames.append(image[PAD:-PAD, PAD:-PAD].copy())
            return image
        if "borderMode" in options:
            self.dither.append(matrix[:, 2].astype(float))
        warped: Array = self._cv2.warpAffine(image, matrix, size, **options)
        return warped


@dataclasses.dataclass(frozen=True)
class Night:
    """Sensor frames of a simulated night, (N, H, W) float32 ADU, and its stars.

    Attributes
    ----------
    raw, base, con, trail
        As read out; scene and sky without noise; all contamination; trails alone.
    dither : (N, 2) px
    stars : (x, y, flux) on an undithered sensor, px and ADU.
    """

    raw: Array
    base: Array
    con: Array
    trail: Array
    dither: Array
    stars: tuple[Array, Array, Array]
    sigma_adu: float
    gain: float


def night_of(sim: Any, arguments: dict[str, Any]) -> Night:
    """Simulate a night."""
    cv2 = sim.cv2
    sim.cv2 = recorder = Recorder(cv2)
    try:
        sequence = sim.make(**arguments)
    finally:
        sim.cv2 = cv2
    # the simulator registers, in this order: its estimate of the sky, raw, scene, sky, contamination, trails
    _, raw, base, _, con, trail = (np.stack(recorder.frames[k::6]) for k in range(6))
    return Night(raw, base, con, trail, np.array(recorder.dither), sequence.stars, sequence.sig0, sequence.gain)


def write(night: Night, folder: Path) -> list[Path]:
    """Write a night as its camera would; returns the files in order."""
    facts = {"IMAGETYP": "Light Frame", "OBJECT": "Field", "FILTER": "L", "INSTRUME": "simulated", "EXPTIME": 60.0}
    facts |= {"GAIN": 100, "EGAIN": night.gain, "CCD-TEMP": -10.0}
    paths = [folder / f"light_{k:04d}.fits" for k in range(len(night.raw))]
    for k, (path, raw) in enumerate(zip(paths, night.raw, strict=True)):
        start = datetime(2025, 10, 18, 20) + timedelta(seconds=65 * k)
        header = fits.Header(facts | {"DATE-OBS": start.isoformat(timespec="milliseconds")})
        fits.PrimaryHDU(np.clip(np.rint(raw), 0, 65535).astype(np.uint16), header).writeto(path)
    return paths


@dataclasses.dataclass(frozen=True)
class Stacked:
    """Inner part of a stack file, (h, w), and the journaled figures of its subs."""

    mean: Array
    stderr: Array
    rejected: Array
    subs: list[SubAccepted]
    seconds: float


def stack(paths: list[Path], home: Path) -> Stacked:
    """Stack files in the order given, as a user would."""
    home.mkdir()
    out, session = home / "out.fits", home / "session"
    command = [sys.executable, "-m", "livestack", "stack", *map(str, paths), "--out", str(out)]
    command += ["--session", str(session), "--passes", "1", "--order", "given", "--no-calibration"]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}")
    journal = Journal(session / "journal.sqlite")
    past = replay(journal.follow())
    journal.close()
    (founded,) = past.founded.values()
    with fits.open(out, memmap=False) as hdus:
        planes = {hdu.name: inner(hdu.data) for hdu in hdus}
        mean = planes["PRIMARY"].astype(float) - hdus[0].header["SKYADU"]
    return Stacked(mean, planes["STDERR"], planes["REJECTED"], past.subs_of(founded.stack), seconds)


def inner(plane: Array) -> Array:
    """Part of a plane that every sub covers."""
    return np.asarray(plane[MARGIN:-MARGIN, MARGIN:-MARGIN])


def warped(light: Light) -> Array:
    """Make samples of a sub as the product does: the inner part of the grid."""
    height, width = light.sensor[0].shape[1:]
    out = np.full((1, height, width), np.nan, np.float32)
    warp_and_normalise(light.sensor, light.pose, light.sky, light.scale, np.array([0, height, 0, width]), out)
    sample = inner(out[0])
    if not np.isfinite(sample).all():
        raise SystemExit("a sub does not cover the inner part: a larger MARGIN is needed")
    return sample


def registered(night: Night, subs: list[SubAccepted]) -> SimpleNamespace:
    """Bring frames, scene and contamination to the grid with the figures of the journal: a sequence as `sim.make`'s."""
    picked = [int(Path(sub.path).stem[-4:]) for sub in subs]
    reg, clean, contam, trailc = ([] for _ in range(4))
    for k, sub in zip(picked, subs, strict=True):
        matrix, sky = np.array(sub.matrix), np.array(sub.offset).reshape(1, 6)
        frame = open_frame(Path(sub.path))
        light = light_of(sensor_of(frame, Masters()), matrix=matrix, sky=sky, scale=sub.scale, weight=sub.weight)
        without_sky = dataclasses.replace(light, sky=np.zeros((1, 6)))
        reg.append(warped(light))
        clean.append(warped(dataclasses.replace(light, sensor=bare(night.base[k][None]))))
        contam.append(warped(dataclasses.replace(without_sky, sensor=bare(night.con[k][None]))))
        trailc.append(warped(dataclasses.replace(without_sky, sensor=bare(night.trail[k][None]))))
    seq = SimpleNamespace(N=len(subs), sig0=night.sigma_adu)
    seq.reg, seq.clean, seq.contam, seq.trailc = (np.stack(a) for a in (reg, clean, contam, trailc))
    seq.bad = np.abs(seq.contam) > 0.5 * night.sigma_adu
    weights = np.array([sub.weight for sub in subs])
    noise = (seq.reg - seq.clean - seq.contam)[:, ::4, ::4].reshape(len(subs), -1)
    unit = np.median(weights * (1.4826 * np.median(np.abs(noise), axis=1)) ** 2)
    seq.bgvar = unit / weights  # the scores take weights from it
    x, y, flux = night.stars
    at_x, at_y = night.dither[picked[0]] - MARGIN
    seq.stars = x + at_x, y + at_y, flux
    return seq


def scored(prototypes: SimpleNamespace, seq: SimpleNamespace, stacked: Stacked) -> dict[str, Any]:
    """Score a stack, batch rejection of the same registered frames, and the oracle."""
    batch, n = prototypes.stackers, seq.N
    reference, weights, plain, oracle = prototypes.score.prep(seq, np.arange(n))
    samples = seq.reg.reshape(n, -1)
    results = {
        "livestack": stacked.mean,
        "GESDT": batch.batch_gesd(samples, weights, batch.gesd_lambda(n, int(0.3 * n)))[0],
        "winsor": batch.batch_sigclip(samples, weights, 4.0, 3.0, True)[0],
        "sigma": batch.batch_sigclip(samples, weights, 3.0, 3.0, False)[0],
        "plain": plain,
        "oracle": oracle,
    }
    untouched = np.tensordot(weights / weights.sum(), (seq.reg - seq.contam).astype(float), 1)
    scores = {}
    for name, result in results.items():
        picture = np.asarray(result, float).reshape(plain.shape)
        scores[name] = prototypes.score.score(seq, picture, weights, reference) | linearity(seq, picture, untouched)
    clean = reference["cleansky"]
    z = (stacked.mean - reference["truth"])[clean] / stacked.stderr[clean]
    facts = {"accepted": n, "seconds": stacked.seconds, "z": z.std(), "sky%": 100 * stacked.rejected[clean].mean() / n}
    return facts | {"scores": scores}


def linearity(seq: SimpleNamespace, picture: Array, untouched: Array) -> dict[str, float]:
    """Median flux error of lone stars, %, against the same frames without contamination: of all, and by decade."""
    x, y, flux = seq.stars
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    np.fill_diagonal(apart, np.inf)
    lone = ~((apart < 16) & (flux > 0.1 * flux[:, None])).any(axis=1)
    height, width = picture.shape
    lone &= (x > 20) & (x < width - 20) & (y > 20) & (y < height - 20) & (flux > 200)
    disc = np.hypot(*np.mgrid[-6:7, -6:7]) <= 6
    errors = []
    for cx, cy in zip(np.rint(x[lone]).astype(int), np.rint(y[lone]).astype(int), strict=True):
        box = np.s_[cy - 6 : cy + 7, cx - 6 : cx + 7]
        errors.append(100 * ((picture[box] * disc).sum() / (untouched[box] * disc).sum() - 1))
    error, bright = np.array(errors), flux[lone]
    bins = {f"linear%{lo:.0e}": error[(bright >= lo) & (bright < 10 * lo)] for lo in (2e2, 2e3, 2e4)}
    return {"linear%": float(np.median(error))} | {k: float(np.median(v)) for k, v in bins.items() if v.size}


def run(prototypes: SimpleNamespace, arguments: dict[str, Any], home: Path) -> dict[str, Any]:
    """Score one night through the whole pipeline."""
    night = night_of(prototypes.sim, arguments)
    stacked = stack(write(night, home), home / "stack")
    return scored(prototypes, registered(night, stacked.subs), stacked)


def order(prototypes: SimpleNamespace, arguments: dict[str, Any], home: Path) -> dict[str, Any]:
    """Stack the subs after the founding one in other orders: rms change in σ of the stack."""
    night = night_of(prototypes.sim, arguments)
    paths = write(night, home)
    rest = np.arange(1, len(paths))
    trailed = rest[np.argsort(-night.trail[1:].max(axis=(1, 2)), kind="stable")]
    orders = {"reversed": rest[::-1], "trailed first": trailed, "shuffled": np.random.default_rng(0).permutation(rest)}
    first = stack(paths, home / "taken")
    sigma = np.median(first.stderr)
    faint = first.mean < BRIGHT * sigma
    scores = {}
    for name, places in orders.items():
        other = stack([paths[k] for k in (0, *places)], home / name.replace(" ", "_"))
        change = (other.mean - first.mean) / sigma
        scores[name] = {
            "rms": np.sqrt((change[faint] ** 2).mean()),
            "rms of all": np.sqrt((change**2).mean()),
            "p99.9": np.percentile(np.abs(change[faint]), 99.9),
        }
    return {"accepted": len(first.subs), "scores": scores}


def display(prototypes: SimpleNamespace, arguments: dict[str, Any], home: Path) -> dict[str, Any]:
    """Score what the screen shows of the first few subs: the stack that is saved of so many."""
    night = night_of(prototypes.sim, arguments | {"N": max(SHOWN_AT)})
    paths = write(night, home)
    scores = {}
    for n in SHOWN_AT:
        shown = stack(paths[:n], home / f"shown{n}")
        seq = registered(night, shown.subs)
        reference, _, plain, _ = prototypes.score.prep(seq, np.arange(seq.N))
        errors = (np.array([shown.mean, plain]) - reference["truth"])[:, reference["in"]]
        ours, of_plain = np.sqrt((errors**2).mean(axis=1)) / reference["or_rmse"]
        scores[f"N={n}"] = {"rmse/oracle": ours, "plain": of_plain, "subs": seq.N}
    return {"accepted": len(paths), "scores": scores}


def accumulate(prototypes: SimpleNamespace, arguments: dict[str, Any], home: Path) -> dict[str, Any]:
    """Score the stack alone: frames that the simulator registered itself, with nothing left to measure or to align."""
    seq = prototypes.sim.make(**arguments)
    weights = seq.bgvar[0] / seq.bgvar
    frames = [Frame(reg, Header(home / "light.fits", reg.shape)) for reg in seq.reg]
    stars, quality = measure(frames[0], Masters())
    founding = Founding("light", frames[0].header, (1, *frames[0].data.shape), Masters(), "", quality, (0.0,))
    origin = known_of_sub("origin", stars, founding.light(frames[0]), founding.shape)
    growth = Growth(founding, origin, REJECTORS["deferred"], None)
    # registered px are no sensor's: with no noise told, no px is held for hot or cold
    told = dataclasses.asdict(quality) | {"noise_adu": 0.0}
    started = time.perf_counter()
    for k, frame in enumerate(frames):
        sub = SubAccepted(
            no=k + 1, stack="light", path="", sha256=f"{k:064x}", size=0, mtime_ns=0, time_utc=None, exposure_s=60.0,
            target=None, filter=None, matrix=np.eye(3).tolist(), quality=told, registration={},
            weight=float(weights[k]), scale=1.0, offset=[0.0] * 6, rejected_fraction=0.0, seconds={},
        )  # fmt: skip
        growth.add(sub, frame)
        if growth.look_is_due():
            growth.look(lambda sub: frames[sub.no - 1])
    sums = growth.shown().result()
    seconds = time.perf_counter() - started
    stacked = Stacked(sums.mean[0], sums.stderr[0], sums.rejected[0], growth.subs, seconds)
    return scored(prototypes, seq, stacked)


def table(paths: list[Path]) -> Iterator[str]:
    """Tell results: by scenario and method a line for each night, and the medians; z and sky% are the stack file's."""
    nights = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    for verb, scenario in dict.fromkeys((night["verb"], night["scenario"]) for night in nights):
        told = [night for night in nights if (night["verb"], night["scenario"]) == (verb, scenario)]
        yield f"\n{verb} {scenario}, livestack/ at {', '.join(sorted({night['package'] for night in told}))}"
        for method in (name for name in told[0]["scores"] if name != "oracle"):
            own = ("accepted", *(("z", "sky%") if method == "livestack" else ()))
            rows = [{key: night[key] for key in own} | relative(night["scores"], method) for night in told]
            keys = [key for key in (*own, *KEYS) if key in rows[0]] if "oracle" in told[0]["scores"] else list(rows[0])
            lines = [[row.get(key, np.nan) for key in keys] for row in rows]
            middle = ("median", np.nanmedian(lines, axis=0))
            named = [*zip((night["seed"] for night in told), lines, strict=True), middle]
            yield f"{method:>14}" + "".join(f"{key:>12}" for key in keys)
            for name, cells in named:
                yield f"{name:>14}" + "".join(f"{cell:12.3f}" for cell in cells)


def relative(scores: dict[str, dict[str, float]], method: str) -> dict[str, float]:
    """Scores of a method; those of trails and stars less the oracle's, which noise and seeing give it, too."""
    oracle = scores.get("oracle", {})
    known = {key: oracle.get(key, 0.0) for key in AGAINST_ORACLE}
    return {key: value - known.get(key, 0.0) for key, value in scores[method].items()}


def main() -> None:
    """Run a verb."""
    verbs = {"run": run, "order": order, "display": display, "accumulate": accumulate}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=[*verbs, "table"])
    parser.add_argument("what", nargs="+", help=f"scenarios ({', '.join(SCENARIOS)}), or results files of table")
    parser.add_argument("--seeds", default="821-828", help="first-last")
    parser.add_argument("--out", type=Path, help="results file: lines are added")
    parser.add_argument("--prototypes", type=Path, default=ROOT.parent / "shared" / "prototypes" / "algorithms")
    told = parser.parse_args()
    if told.verb == "table":
        print("\n".join(table([Path(name) for name in told.what])))
        return
    sys.path.insert(0, str(told.prototypes))
    prototypes = SimpleNamespace(**{name: importlib.import_module(name) for name in ("sim", "score", "stackers")})
    of_package = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD:livestack"]
    package = subprocess.run(of_package, capture_output=True, text=True, check=True).stdout.strip()
    first, _, last = told.seeds.partition("-")
    for scenario in told.what:
        for seed in range(int(first), int(last or first) + 1):
            with tempfile.TemporaryDirectory() as home:
                found = verbs[told.verb](prototypes, {"N": 40} | SCENARIOS[scenario] | {"seed": seed}, Path(home))
            row = {"verb": told.verb, "scenario": scenario, "seed": seed, "package": package} | found
            print((written := json.dumps(row, default=float))[:200], flush=True)
            if told.out:
                with told.out.open("a", encoding="utf-8") as file:
                    file.write(written + "\n")


if __name__ == "__main__":
    main()
