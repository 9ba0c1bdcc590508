"""Masters from raw calibration frames, as files of their own: for livestack and for every other program."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from livestack.commands.batch import Out
from livestack.engine.plans import find_files
from livestack.errors import FrameError, NothingStacked, SettingsError
from livestack.frame import Array, Header
from livestack.product import MasterFile, write_master
from livestack.read import open_frame, open_header
from livestack.reduce.masters import mean_of
from livestack.reduce.matching import Set, pedestal_of_flat, sets_of
from livestack.version import VERSION

ORDER = ("bias", "darkflat", "dark", "flat")
"""What is taken off flats is made before them."""

Say = Callable[[str], None]


def make_masters(paths: list[Path], kind: str | None, out: Out, say: Say) -> int:
    """Make a master of every set of calibration frames that was taken alike; returns the exit code.

    Parameters
    ----------
    kind : str, optional
        What all of the files are, whatever they say of themselves.
    out : Out
        A file for one master, or a folder.

    Raises
    ------
    SettingsError
        There are several masters for one file, or a file to be written is one of the frames.
    NothingStacked
        No calibration frame is among the files.
    """
    files = find_files(paths, "given")
    headers, problems = _headers(files, kind)
    for problem in problems:
        say(problem)
    sets = sorted(sets_of(headers), key=lambda one: (ORDER.index(one.kind), one.is_master))
    raw = [one for one in sets if not one.is_master]
    if not raw:
        raise NothingStacked("no bias, dark or flat frame was found: --kind names what the files are")
    if not out.is_folder and len(raw) > 1:
        words = "; ".join("_".join([one.kind, *_facts(one)]) for one in raw)
        raise SettingsError(f"--out: {len(raw)} masters come out ({words}): name a folder (ending in /) for them")
    targets = dict(zip(map(id, raw), _targets(raw, out), strict=True))
    if taken := [target for target in targets.values() if target in files]:
        raise SettingsError(f"--out: {taken[0]} is one of the frames, and they are never written")
    _make_room(out)
    means: dict[int, Array] = {}
    for one in raw:
        under = pedestal_of_flat(one.first, sets) if one.kind == "flat" else None
        subtract = None if under is None else means.get(id(under))
        if under is not None and subtract is None:
            subtract = mean_of(under.paths, open_frame).combined.mean
        try:
            means[id(one)] = _make(one, under, subtract, targets[id(one)], say)
        except FrameError as error:
            say(f"{one.kind} not made: {error.sentence}")
    return 0 if means else 3


def _make_room(out: Out) -> None:
    folder = out.path if out.is_folder else out.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out: {folder} cannot be made: {error.strerror}") from None


def _headers(files: Iterable[Path], kind: str | None) -> tuple[list[Header], list[str]]:
    """Headers of the calibration frames among files, and words on what is none."""
    headers, problems = [], []
    others = 0
    for file in files:
        try:
            header = open_header(file)
        except FrameError as error:
            problems.append(f"left out: {error.sentence}")
            continue
        header = header if kind is None else dataclasses.replace(header, kind=kind)
        if header.kind.removeprefix("master_") in ORDER:
            headers.append(header)
        else:
            others += 1
    if others:
        problems.append(f"{others} files are neither bias, dark nor flat: left out")
    return headers, problems


def _make(one: Set, under: Set | None, subtract: Array | None, target: Path, say: Say) -> Array:
    """Make one master and write it; returns its px."""
    with ThreadPoolExecutor(1) as ahead:
        found = mean_of(one.paths, open_frame, subtract, level=one.kind == "flat", ahead=ahead)
    for problem in found.problems:
        say(f"left out of the {one.kind}: {problem}")
    combined = found.combined
    if combined.n == 1:
        say(f"the {one.kind} is one frame: its noise goes into every light")
    if words := found.words_on_stars:
        say(words)
    if one.kind == "flat" and under is None:
        say("the flat keeps its bias: give bias or dark-flat frames with it")
    history = [f"{combined.n} frames, {one.first.path.name} ... {one.headers[-1].path.name}"]
    history.append(f"left out as outliers: {100 * combined.rejected:.3f} % of the samples")
    if under is not None:
        history.append(f"{under.kind} taken off: {under.words}")
    noise = combined.noise_adu if math.isfinite(combined.noise_adu) else None
    header = dataclasses.replace(
        found.last.header, exposure_s=one.first.exposure_s, temperature_c=one.temperature_c, time_utc=one.time_utc
    )
    calibrated = "B" if under is not None else ""
    file = MasterFile(one.kind, combined.mean, header, combined.n, noise, VERSION, tuple(history), calibrated)
    try:
        write_master(target, file)
    except OSError as error:
        raise SettingsError(f"--out: {target} cannot be written: {error.strerror}") from None
    told = f"{combined.n} frames" if noise is None else f"mean of {combined.n}, noise {noise:.3g} ADU"
    say(f"Saved {target} ({told}, {100 * combined.rejected:.2f} % of the samples left out)")
    return np.asarray(combined.mean)


def _targets(sets: list[Set], out: Out) -> list[Path]:
    """One file per master, named by what tells it from the others."""
    if not out.is_folder:
        return [out.path]
    names: list[str] = []
    for one in sets:
        name = base = "_".join(["master", one.kind, *_facts(one)])
        again = 2
        while name in names:
            name, again = f"{base}_{again}", again + 1
        names.append(name)
    return [out.path / f"{name}.fits" for name in names]


def _facts(one: Set) -> list[str]:
    header, facts = one.first, []
    if one.kind in ("dark", "darkflat") and header.exposure_s is not None:
        facts.append(f"{header.exposure_s:g}s")
    if one.kind == "flat" and header.filter:
        facts.append("".join(letter if letter.isalnum() else "-" for letter in header.filter))
    if header.gain is not None:
        facts.append(f"gain{header.gain:g}")
    if one.kind in ("dark", "darkflat") and one.temperature_c is not None:
        facts.append(f"{one.temperature_c:.0f}C")
    if header.binning != (1, 1):
        facts.append(f"bin{header.binning[0]}")
    return facts
