"""From a stack file to a picture: read, develop, write."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from livestack.atomic import write_atomically
from livestack.develop.chain import PRESETS, Developed, Recipe, develop, recipe_of_toml, recipe_to_toml
from livestack.develop.export import About, write_image
from livestack.develop.plate import Plate, picture_of
from livestack.errors import FrameError, SettingsError
from livestack.frame import Array, Frame
from livestack.product import read_noise
from livestack.read import open_frame
from livestack.sessions import Home, folder_of
from livestack.version import VERSION

Say = Callable[[str], None]
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What picture is to be written.

    Attributes
    ----------
    bits : int
        8, 16 or 32 (floats).
    longest_px : int
        The longer side is at most so long; 0 = as large as the stack.
    """

    bits: int = 8
    longest_px: int = 0
    quality: int = 92


def chosen(options: Mapping[str, Any]) -> tuple[Recipe, Wanted]:
    """Return the steps and the picture that the options of a command ask for."""
    wanted = Wanted(int(options["bits"]), options["longest_px"] or 0, options["quality"])
    return recipe_named(options["preset"], options["recipe"]), wanted


def recipe_named(preset: str | None, file: Path | None) -> Recipe:
    """Return a recipe by name, or from a file.

    Raises
    ------
    SettingsError
        Both are given, it is not known, or cannot be read.
    """
    if file is None and (preset or "auto") not in PRESETS:
        raise SettingsError(f"--preset: there is {', '.join(PRESETS)}, and no {preset!r}")
    if file is None:
        return PRESETS[preset or "auto"]
    if preset is not None:
        raise SettingsError("--recipe and --preset: give one of them")
    try:
        return recipe_of_toml(file.read_text("utf-8"), file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--recipe: {file} cannot be read: {error}") from None


def keep_recipe(path: Path, recipe: Recipe) -> None:
    """Write a recipe.

    Raises
    ------
    SettingsError
        It cannot be written.
    """
    try:
        write_atomically(path, lambda file: file.write(recipe_to_toml(recipe).encode()))
    except OSError as error:
        raise SettingsError(f"--keep-recipe: {path} cannot be written: {error.strerror}") from None


def develop_file(path: Path, out: Path, recipe: Recipe, wanted: Wanted, say: Say) -> int:
    """Develop a stack file into a picture file; returns the exit code.

    Raises
    ------
    SettingsError
        It cannot be read or written, or is no stack.
    """
    begun = time.perf_counter()
    try:
        frame = open_frame(path)
    except FrameError as error:
        raise SettingsError(error.sentence) from None
    if frame.header.cfa is not None:
        raise SettingsError(f"{path.name} is a raw sub, a mosaic of colours: stack it first (livestack stack)")
    if out.exists() and out.samefile(path):
        raise SettingsError(f"{out} is the stack itself: name another file")
    plate = shrunk(plate_of_frame(frame, path), wanted.longest_px)
    say(f"{'read':20s} {time.perf_counter() - begun:7.3f} s")
    with ThreadPoolExecutor(os.cpu_count() or 1, "develop") as threads:
        done = develop(plate, recipe, threads)
    for step, seconds in zip(recipe, done.seconds, strict=True):
        say(f"{step.name:20s} {seconds:7.3f} s")
    begun = time.perf_counter()
    try:
        write_image(out, _upright(done, frame), wanted.bits, about(frame), wanted.quality)
    except OSError as error:
        raise SettingsError(f"{out} cannot be written: {error.strerror or error}") from None
    say(f"{'written':20s} {time.perf_counter() - begun:7.3f} s")
    return 0


def export_session(session: Path, out: str, only: str | None, recipe: Recipe, wanted: Wanted, say: Say) -> int:
    """Write the stacks of a session as files for others; returns the exit code.

    Parameters
    ----------
    out : str
        A file, for one stack: .fits is the stack as it is, with its noise and coverage; any picture is developed. Or a
        folder (there already, or ending in /), for all of them as they are and as JPEG.
    only : str, optional
        Name of the stack.

    Raises
    ------
    SettingsError
        There is no such stack, or there are several for one file.
    """
    home = Home(session)
    if folder_of(home) is None:
        raise SettingsError(f"{session} is not a livestack session")
    stacks = {path.stem: path for path in sorted(home.stack.glob("*.fits"))}
    if only is not None:
        stacks = {name: path for name, path in stacks.items() if name == only}
    if not stacks:
        raise SettingsError(f"{session} has no stack{f' {only}' if only else ''} yet")
    target = Path(out)
    if out.endswith(("/", os.sep)) or target.is_dir():
        _made(target)
        targets = {target / f"{name}{suffix}": path for name, path in stacks.items() for suffix in (".fits", ".jpg")}
    elif len(stacks) > 1:
        raise SettingsError(f"{session} has the stacks {', '.join(stacks)}: choose one with --stack, or name a folder")
    else:
        _made(target.parent)
        targets = {target: next(iter(stacks.values()))}
    for to, path in targets.items():
        if to.exists() and to.samefile(path):
            raise SettingsError(f"{to} is the session's own stack: name another file")
        if to.suffix.lower() in (".fits", ".fit", ".fts"):
            _copied(path, to)
        else:
            develop_file(path, to, recipe, wanted, lambda _: None)
        say(f"Written {to}")
    return 0


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}") from None


def _copied(path: Path, to: Path) -> None:
    try:
        with path.open("rb") as source:
            write_atomically(to, lambda file: shutil.copyfileobj(source, file, CHUNK))
    except OSError as error:
        raise SettingsError(f"{to} cannot be written: {error.strerror}") from None


def plate_of_frame(frame: Frame, path: Path) -> Plate:
    """Plate of a stack: its px, and where the file says it their noise and coverage."""
    data = frame.data[None] if frame.data.ndim == 2 else np.moveaxis(frame.data, 2, 0)
    noise, coverage = read_noise(path) or (None, None)
    if noise is not None and noise.shape != data.shape:
        noise = coverage = None
    return Plate(np.ascontiguousarray(data, np.float32), noise, coverage=coverage)


def shrunk(plate: Plate, longest_px: int) -> Plate:
    """Return a plate whose longer side is at most so long; 0 = as it is. The mean of n px has 1/√n of their noise."""
    _, h, w = plate.shape
    shrink = longest_px / max(h, w) if longest_px else 1.0
    if shrink >= 1:
        return plate
    size = max(1, round(shrink * w)), max(1, round(shrink * h))

    def smaller(planes: Array) -> Array:
        return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes])

    noise = None if plate.noise is None else smaller(plate.noise) * np.float32(shrink)
    coverage = None if plate.coverage is None else cv2.resize(plate.coverage, size, interpolation=cv2.INTER_NEAREST)
    return Plate(smaller(plate.data), noise, coverage=coverage)


def _upright(done: Developed, frame: Frame) -> Array:
    picture = picture_of(done.plate)
    return picture[::-1] if frame.header.row_order == "BOTTOM-UP" else picture


def about(frame: Frame) -> About:
    """Say what a stack is of."""
    header, raw = frame.header, frame.header.raw
    n, live_s = raw.get("STACKCNT"), raw.get("LIVETIME")
    words = [f"{n} subs" if n else "", f"{float(live_s) / 60:.0f} min in all" if live_s else ""]
    words += [f"filter {header.filter}" if header.filter else "", header.telescope or ""]
    taken = header.time_utc.strftime("%Y:%m:%d %H:%M:%S") if header.time_utc else ""
    return About(
        title=header.target or "",
        description=", ".join(filter(None, words)),
        taken=taken,
        camera=header.camera or "",
        software=f"livestack {VERSION}",
        exposure_s=header.exposure_s,
        focal_mm=header.focal_mm,
    )
