"""From a stack file to a picture: read, develop, write."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from livestack.atomic import write_atomically
from livestack.counted import count
from livestack.develop.chain import PRESETS, Developed, Recipe, develop, recipe_of_toml, recipe_to_toml
from livestack.develop.colour import WhiteBalance
from livestack.develop.export import About, write_image, writer_of
from livestack.develop.plate import Plate
from livestack.errors import FrameError, SettingsError
from livestack.frame import Array, Frame
from livestack.product import read_noise
from livestack.read import open_frame
from livestack.show.words import THIN, span
from livestack.sky.colours import colours_on
from livestack.version import VERSION

Say = Callable[[str], None]
LEAST_PX = 16
SMALL = 3, 64, 64
"""A picture that every kernel works on, and none for long."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What picture is to be written.

    Attributes
    ----------
    bits : int
        8, 16 or 32 (floats).
    longest_px : int
        The longer side is at most so long; 0 = as large as the stack.
    palette : str, optional
        How stacks of several filters become one picture, as `compose.palette_of` reads it.
    caption : bool
        A strip below the picture says what it is.
    title : str, optional
        Instead of the target that the stack file names.
    star_colours : Path, optional
        A catalogue of stars; None = the user's own, where a step asks for one.
    """

    bits: int = 8
    longest_px: int = 0
    quality: int = 92
    palette: str | None = None
    caption: bool = False
    title: str | None = None
    star_colours: Path | None = None


SIZES_PX = {"hd": 1920, "4k": 3840, "a5": 2480, "a4": 3508, "a3": 4961, "a2": 7016}
"""Longer sides by name: of screens, and of paper at 300 px an inch."""


def px_of(size: str | None) -> int:
    """Read a size: px of the longer side, or a name; 0 = as large as the stack.

    Raises
    ------
    SettingsError
        It is neither.
    """
    if size is None:
        return 0
    px = SIZES_PX.get(size.lower(), int(size) if size.isdecimal() else 0)
    if px < LEAST_PX:
        raise SettingsError(f"--size: {LEAST_PX} px or more of the longer side, or {', '.join(SIZES_PX)}; not {size!r}")
    return px


def chosen(options: Mapping[str, Any]) -> tuple[Recipe, Wanted]:
    """Return the steps and the picture that the options of a command ask for."""
    wanted = Wanted(
        int(options["bits"]),
        px_of(options["size"]),
        options["quality"],
        options["palette"],
        options["caption"],
        options["title"],
        options["star_colours"],
    )
    recipe = recipe_named(options["preset"], options["recipe"])
    if wanted.star_colours is not None:
        recipe = tuple(WhiteBalance("catalogue") if isinstance(step, WhiteBalance) else step for step in recipe)
    return recipe, wanted


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
    except OSError as error:
        raise SettingsError(f"--recipe: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"--recipe: {file} is no text") from None


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


def develop_files(
    paths: Sequence[Path], out: Path, recipe: Recipe, wanted: Wanted, say: Say, *, timed: bool = True
) -> int:
    """Develop a stack file, or with a palette several, into a picture file; returns the exit code.

    Parameters
    ----------
    timed : whether it is said how long each step took.

    Raises
    ------
    SettingsError
        One cannot be read or written, is no stack, or does not fit the others.
    """
    if len(paths) > 1 and wanted.palette is None:
        from livestack.develop.compose import PALETTES

        raise SettingsError(
            f"{len(paths)} stacks make one picture with --palette: {', '.join(PALETTES)}, or one written"
        )
    if any(out.exists() and out.samefile(path) for path in paths if path.exists()):
        raise SettingsError(f"{out} is the stack itself: name another file")
    writer_of(out, wanted.bits)  # what cannot be written is said before it is made
    if not out.parent.is_dir():
        raise SettingsError(f"{out} cannot be written: there is no folder {out.parent}")
    with ThreadPoolExecutor(os.cpu_count() or 1, "develop") as threads:
        begun = time.perf_counter()
        threads.submit(develop, Plate(np.zeros(SMALL, np.float32)), recipe)  # loads kernels while the file is read
        frames, plates = zip(*(_opened(path, wanted, threads) for path in paths), strict=True)
        if WhiteBalance("catalogue") in recipe:
            plates = tuple(_with_stars(plate, frame, wanted, say) for plate, frame in zip(plates, frames, strict=True))
        clock: Say = say if timed else lambda _: None
        clock(f"{'read':20s} {time.perf_counter() - begun:7.3f} s")
        if wanted.palette is None:
            done = develop(plates[0], recipe, threads, in_place=True)
        else:
            done = _composed(frames, plates, wanted.palette, recipe, threads)
        for act, seconds in zip(done.names, done.seconds, strict=True):
            clock(f"{act:20s} {seconds:7.3f} s")
        for told_by in filter(None, (getattr(act, "told_by", "") for act in done.acts)):
            say(f"White balance: {told_by}.")
        begun = time.perf_counter()
        _write(out, done.plate, wanted, about(frames, wanted.title), threads)
        clock(f"{'written':20s} {time.perf_counter() - begun:7.3f} s")
    return 0


def _opened(path: Path, wanted: Wanted, threads: Executor) -> tuple[Frame, Plate]:
    """Read a stack, its px and their noise side by side."""
    noise = threads.submit(read_noise, path)
    frame = stack_in(path)
    with contextlib.suppress(ValueError):  # its memory may be a buffer's
        frame.data.flags.writeable = True  # nobody else has the frame
    plate = plate_of_frame(frame, noise.result())
    plate = plate.with_data(np.require(plate.data, requirements="W"))
    return frame, shrunk(upright(plate, frame), wanted.longest_px)


def _with_stars(plate: Plate, frame: Frame, wanted: Wanted, say: Say) -> Plate:
    """Return a plate that knows the colours of its stars, or say why it does not."""
    if len(plate.data) != 3:
        return plate
    stars, why = colours_on(wanted.star_colours, frame.header.wcs, frame.data.shape[:2])
    if stars is None:
        say(f"{why}.")
        return plate
    if frame.header.row_order == "BOTTOM-UP":
        stars[:, 0] = 1 - stars[:, 0]
    return plate.with_data(plate.data, known_stars=stars)


def _composed(
    frames: Sequence[Frame], plates: Sequence[Plate], palette: str, recipe: Recipe, threads: Executor
) -> Developed:
    """Join stacks of several filters into one picture."""
    from livestack.develop.compose import compose, filter_named, palette_of

    by_filter = {filter_named(frame.header.filter) or "": plate for frame, plate in zip(frames, plates, strict=True)}
    return compose(by_filter, palette_of(palette), recipe, threads)


def _write(out: Path, plate: Plate, wanted: Wanted, said: About, threads: Executor) -> None:
    """Write a developed plate as a picture."""
    picture = np.moveaxis(plate.data, 0, 2) if len(plate.data) == 3 else plate.data[0]
    if wanted.caption:
        from livestack.show.caption import captioned

        picture = captioned(picture, said.title, said.description)
    try:
        write_image(out, picture, wanted.bits, said, wanted.quality, threads)
    except OSError as error:
        raise SettingsError(f"{out} cannot be written: {error.strerror or error}") from None


def stack_in(path: Path) -> Frame:
    """Open a stack file.

    Raises
    ------
    SettingsError
        It is not there, cannot be read, or is no stack.
    """
    if not path.is_file():
        raise SettingsError(f"{path} is {'no stack but a folder' if path.is_dir() else 'not there'}")
    try:
        frame = open_frame(path)
    except FrameError as error:
        raise SettingsError(error.sentence) from None
    if frame.header.cfa is not None:
        raise SettingsError(f"{path.name} is a raw sub, a mosaic of colours: stack it first (livestack stack)")
    return frame


def plate_of_frame(frame: Frame, told: tuple[Array, Array] | None) -> Plate:
    """Plate of a stack: its px, and where the file says it their noise and coverage."""
    data = frame.data[None] if frame.data.ndim == 2 else np.moveaxis(frame.data, 2, 0)
    noise, coverage = told or (None, None)
    if noise is not None and noise.shape != data.shape:
        noise = coverage = None
    sky = frame.header.sky_matrix
    data = np.ascontiguousarray(data, np.float32)
    return Plate(data, noise, coverage=coverage, sky_matrix=sky, daylight=frame.header.daylight)


def upright(plate: Plate, frame: Frame) -> Plate:
    """Return the plate of a stack with its first row on top, whose rows may run upwards."""
    if frame.header.row_order != "BOTTOM-UP":
        return plate
    noise, coverage = (
        None if planes is None else np.ascontiguousarray(planes[..., ::-1, :])
        for planes in (plate.noise, plate.coverage)
    )
    sky = plate.sky_matrix and (plate.sky_matrix[0], -plate.sky_matrix[1], plate.sky_matrix[2], -plate.sky_matrix[3])
    data = np.ascontiguousarray(plate.data[:, ::-1])
    return plate.with_data(data, noise=noise, coverage=coverage, sky_matrix=sky)


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
    return plate.with_data(smaller(plate.data), noise=noise, coverage=coverage)


def about(frames: Sequence[Frame], title: str | None = None) -> About:
    """Say what stacks are of; in other words than their target where a title is given."""
    header = frames[0].header
    n = sum(int(frame.header.raw.get("STACKCNT") or 0) for frame in frames)
    live_s = sum(float(frame.header.raw.get("LIVETIME") or 0) for frame in frames)
    filters = ", ".join(filter(None, (frame.header.filter for frame in frames)))
    words = [count(n, "sub") if n else "", f"{span(live_s).replace(THIN, ' ')} in all" if live_s else ""]
    words += [f"filter {filters}" if filters else "", header.telescope or ""]
    return About(
        title=header.target or "" if title is None else title,
        description=", ".join(filter(None, words)),
        taken=header.time_utc.strftime("%Y:%m:%d %H:%M:%S") if header.time_utc else "",
        camera=header.camera or "",
        software=f"livestack {VERSION}",
        exposure_s=header.exposure_s,
        focal_mm=header.focal_mm,
    )
