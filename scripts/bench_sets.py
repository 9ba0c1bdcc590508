"""One camera's subs, given to livestack and its peers in turn: for scripts/bench.py."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from livestack.bench.accuracy import corner_error_px, judge, scale_of_stars
from livestack.bench.frames import Frames, Made, make
from livestack.bench.live import SETTLE_S, Fed, Live
from livestack.bench.quick import LAST_LOOK, accuracy_of, planes, worst_corner_px
from livestack.events import SubAccepted
from livestack.read import open_frame
from scripts.bench_peers import Worker, siril

Found = dict[str, Any]

TURNS_DEG = (3.0, 3.0, 180.0, 180.0, 30.0, 30.0)


@dataclass(frozen=True)
class Set:
    """A camera, and how many subs a round has: one alone, then `group` at once; how many of them the slow peers get.

    A round begins with one more, which nobody counts: memory that lay still while others ran may have been taken by
    the host, and what comes back is not the cost of a sub.
    """

    size: tuple[int, int]
    cfa: str | None
    rounds: int
    group: int
    plain: int
    siril: int = 0
    turns_deg: tuple[float, ...] = ()

    @property
    def frames(self) -> Frames:
        """What is to be made; the first sub after the looks is in no round."""
        n = LAST_LOOK + 1 + self.rounds * (2 + self.group) + len(self.turns_deg)
        return Frames(self.size, self.cfa, n, self.turns_deg)

    def round(self, k: int) -> list[int]:
        """Numbers of a round's subs."""
        n = 2 + self.group
        return list(range(LAST_LOOK + 1 + k * n, LAST_LOOK + 1 + (k + 1) * n))


SETS = {
    "osc26": Set((4176, 6248), "RGGB", rounds=3, group=3, plain=2, siril=4, turns_deg=TURNS_DEG),
    "osc16": Set((3520, 4656), "RGGB", rounds=2, group=3, plain=1),
    "mono4": Set((2048, 2048), None, rounds=4, group=7, plain=4, siril=12),
}


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"{datetime.now():%H:%M:%S}  {words}", file=sys.stderr, flush=True)


class Peers:
    """The workers that are there, and what they took."""

    def __init__(self, made: Made, wanted: list[str], path: str, not_run: list[str]) -> None:
        self.made, self.not_run = made, not_run
        self.rows: dict[str, list[Found]] = {}
        self.numbers: dict[str, list[int]] = {}
        self._workers: dict[str, Worker] = {}
        for kind in (kind for kind in ("plain", "seiza") if kind in wanted):
            if kind == "seiza" and not (importlib.util.find_spec("seiza") or (path and Path(path, "seiza").is_dir())):
                not_run.append("seiza is not installed")
                continue
            self._workers[kind] = Worker(kind, made.masters, made.frames.cfa, path)
            self.rows[kind], self.numbers[kind] = [], []

    def push(self, kind: str, numbers: list[int], *, count: bool = True) -> None:
        """Give a peer frames by number."""
        for no in numbers if kind in self._workers else []:
            answer = self._workers[kind].ask(str(self.made.lights[no]))
            if "error" in answer:
                self.not_run.append(f"{kind} of sub {no}: {answer['error']}")
                continue
            self.numbers[kind].append(no)
            if count:
                self.rows[kind].append({**answer, "no": no})

    def told(self, folder: Path, scene: Any) -> Iterator[tuple[str, Found]]:
        """Tell what each took, and how right its stack is."""
        for kind, rows in self.rows.items():
            self._workers[kind].ask(f"={folder / kind}.npy")
            if not rows or not (folder / f"{kind}.npy").is_file():
                continue
            stack, numbers = planes(np.load(folder / f"{kind}.npy")), self.numbers[kind]
            right = of_peer(stack, self.made, scene, numbers)
            matrices = [(row["matrix"], self.made.truths[row["no"]].matrix) for row in rows if row["matrix"]]
            corners = [corner_error_px(np.array(m), truth, self.made.frames.size) for m, truth in matrices]
            yield (
                kind,
                {
                    "n": len(numbers),
                    "wall_s": median(row["wall_s"] for row in rows),
                    "cpu_s": median(row["cpu_s"] for row in rows),
                    "peak_bytes": max(row["peak_bytes"] for row in rows),
                    "corner_px": max(corners) if corners else None,
                    "accuracy": right,
                },
            )

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers.values():
            worker.close()


def run_set(name: str, folder: Path, options: argparse.Namespace, found: Found) -> Found:
    """Run a set."""
    wanted = SETS[name]
    say(f"{name}: making {wanted.frames.n_lights} subs")
    made = make(folder / "frames", wanted.frames)
    scene = planes(made.night.scene())
    peers = Peers(made, options.peers, options.seiza, found["not_run"])
    batches = []
    try:
        for kind in peers.rows:
            peers.push(kind, [0, 1], count=False)
        with Live(folder / "run", made, made.lights[:LAST_LOOK]) as live:
            say(f"{name}: the first {LAST_LOOK} subs")
            first = live.feed()
            first_peak = live.peak_bytes()
            live.wait_until_saved()
            uncounted = [live.feed([made.lights[LAST_LOOK]])]
            live.wait_until_saved()
            alone, groups, saves = [], [], []
            for k in range(wanted.rounds):
                say(f"{name}: round {k + 1} of {wanted.rounds}")
                numbers = wanted.round(k)
                _bring_to_memory([made.lights[no] for no in numbers])
                uncounted.append(live.feed([made.lights[numbers[0]]]))
                live.wait_until_saved()
                alone.append(live.feed([made.lights[numbers[1]]]))
                saves.append(live.wait_until_saved())
                groups.append(live.feed([made.lights[no] for no in numbers[2:]]))
                saves.append(live.wait_until_saved())
                for kind, counted in (("plain", numbers[1 : 1 + wanted.plain]), ("seiza", numbers[1:])):
                    peers.push(kind, numbers[:1], count=False)
                    peers.push(kind, counted)
                if wanted.siril and k in (0, wanted.rounds - 1) and "siril" in options.peers:
                    batches += run_siril(folder / f"siril-{k}", made, range(wanted.siril), found)
            everything = [first, *uncounted, *alone, *groups]
            figures = ours(made, live, everything, alone, groups, saves) | {"first_peak_bytes": first_peak}
            figures["peak_bytes"] = live.peak_bytes()
            _bring_to_memory(made.lights[len(made.lights) - len(wanted.turns_deg) :])
            figures["turned"] = turned(live, made, median(fed.cpu_s for fed in alone))
        told: Found = {"livestack": figures, **dict(peers.told(folder, scene))}
        if batches:
            told["siril"] = siril_figures(batches, made, scene)
        return told
    finally:
        peers.close()


def _bring_to_memory(files: Sequence[Path]) -> None:
    """Read files, so that the system has them at hand for everybody, as it has what a camera has just written."""
    for path in files:
        path.read_bytes()


def ours(
    made: Made, live: Live, everything: list[Fed], alone: list[Fed], groups: list[Fed], saves: list[tuple[float, float]]
) -> Found:
    """Return livestack's figures of a set."""
    first, taken = everything[0], [taken for fed in everything for taken in fed.taken]
    looks = [look.seconds for look in live.looks]
    return {
        "n": len(taken),
        "n_first": len(first.taken),
        "first_subs_s": first.taken[-1].shown_s - first.taken[0].told_s,
        "first_cpu_s": first.cpu_s,
        "looks_s": looks,
        "looks_s_sum": sum(looks),
        "sub_s": median(fed.step_s for fed in groups),
        "sub_cpu_s": median(fed.cpu_s / len(fed.taken) for fed in (*alone, *groups)),
        "answer_s": median(fed.answer_s for fed in alone),
        "from_file_s": median(fed.taken[0].shown_s - fed.began_s for fed in alone),
        "settle_s": SETTLE_S,
        "save_s": median(wall for wall, _ in saves),
        "save_cpu_s": median(cpu for _, cpu in saves),
        "corner_px": worst_corner_px(made, taken),
        "left_out": sum(not isinstance(t.event, SubAccepted) for t in taken),
        "accuracy": asdict(accuracy_of(live.stack, made, taken)),
        "each_cpu_s": [fed.cpu_s / len(fed.taken) for fed in (*alone, *groups)],
        "each_fold_s": [
            t.event.seconds.get("fold") for fed in alone for t in fed.taken if isinstance(t.event, SubAccepted)
        ],
    }


def turned(live: Live, made: Made, straight_cpu_s: float) -> Found:
    """Feed the turned subs one by one: their cost over the usual one's, and how far off they are placed."""
    turns = made.frames.turns_deg
    rows: dict[str, list[Found]] = {}
    for turn, path in zip(turns, made.lights[len(made.lights) - len(turns) :], strict=True):
        fed = live.feed([path])
        live.wait_until_saved()
        if isinstance(fed.taken[0].event, SubAccepted):
            rows.setdefault(f"{turn:g}", []).append({"cpu_s": fed.cpu_s, "corner_px": worst_corner_px_of(made, fed)})
    return {
        turn: {
            "over_straight": min(row["cpu_s"] for row in each) / straight_cpu_s,
            "corner_px": max(row["corner_px"] for row in each),
        }
        for turn, each in rows.items()
    }


def worst_corner_px_of(made: Made, fed: Fed) -> float:
    """Worst corner of one sub."""
    taken = fed.taken[0]
    no = [path.name for path in made.lights].index(Path(taken.event.path).name)
    matrix = np.array(taken.event.matrix) if isinstance(taken.event, SubAccepted) else np.eye(3)
    return corner_error_px(matrix, made.truths[no].matrix, made.frames.size)


def run_siril(folder: Path, made: Made, numbers: range, found: Found) -> list[Any]:
    """Run a batch; nothing where it is not there."""
    if not shutil.which("siril-cli"):
        if "siril-cli is not installed" not in found["not_run"]:
            found["not_run"].append("siril-cli is not installed")
        return []
    try:
        return [siril(folder, [made.lights[no] for no in numbers], made.masters, made.frames.cfa)]
    except ChildProcessError as error:
        found["not_run"].append(str(error))
        return []
    finally:
        for path in folder.glob("*pp_*"):
            path.unlink()


def of_peer(stack: Any, made: Made, scene: Any, numbers: list[int]) -> Found:
    """Compare a peer's stack with the truth at the scale of its own stars: peers choose their scale."""
    right = judge(stack, made, scene, numbers, scale_of_stars(stack, made, scene))
    return asdict(right) | {"star_flux": None}


def siril_figures(batches: list[Any], made: Made, scene: Any) -> Found:
    """Return what a batch took per frame, and how right the first one's stack is."""
    stack = planes(open_frame(batches[0].stack).data)
    right = of_peer(stack, made, scene, list(range(batches[0].n)))
    return {
        "n": batches[0].n,
        "wall_s": median(batch.wall_s / batch.n for batch in batches),
        "cpu_s": median(batch.cpu_s / batch.n for batch in batches),
        "peak_bytes": max(batch.peak_bytes for batch in batches),
        "corner_px": None,
        "accuracy": right,
    }
