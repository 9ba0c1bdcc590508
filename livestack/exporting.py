"""The stacks of a session as files for others: as they are, or developed."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from livestack.atomic import write_atomically
from livestack.develop.chain import Recipe
from livestack.developing import Say, Wanted, develop_files, plate_of_frame, stack_in
from livestack.errors import SettingsError
from livestack.product import read_noise
from livestack.version import VERSION

CHUNK = 1 << 20


def export_session(session: Path, out: str, only: str | None, recipe: Recipe, wanted: Wanted, say: Say) -> int:
    """Write the stacks of a session as files for others; returns the exit code.

    Parameters
    ----------
    out : str
        A file, for one stack: .fits and .xisf are the stack as it is, with its noise; any picture is developed. Or a
        folder (there already, or ending in /), for all of them as they are and as JPEG.
    only : str, optional
        Name of the stack.

    Raises
    ------
    SettingsError
        There is no such stack, or there are several for one file.
    """
    from livestack.sessions import Home, folder_of

    home = Home(session)
    if folder_of(home) is None:
        raise SettingsError(f"{session} is not a livestack session")
    stacks = {path.stem: path for path in sorted(home.stack.glob("*.fits"))}
    if only is not None:
        stacks = {name: path for name, path in stacks.items() if name == only}
    if not stacks:
        raise SettingsError(f"{session} has no stack{f' {only}' if only else ''} yet")
    target = Path(out)
    if wanted.palette is not None and not _is_folder(out):
        _made(target.parent)
        develop_files(list(stacks.values()), target, recipe, wanted, say, timed=False)
        say(f"Written {target}")
        return 0
    for to, path in _targets(stacks, out, session).items():
        _export(path, to, recipe, wanted, say)
        say(f"Written {to}")
    return 0


def _is_folder(out: str) -> bool:
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def _targets(stacks: Mapping[str, Path], out: str, session: Path) -> dict[Path, Path]:
    """Which file is written of which stack."""
    target = Path(out)
    if _is_folder(out):
        _made(target)
        return {target / f"{name}{suffix}": path for name, path in stacks.items() for suffix in (".fits", ".jpg")}
    if len(stacks) > 1:
        raise SettingsError(
            f"{session} has the stacks {', '.join(stacks)}: choose one with --stack, join them with --palette, "
            "or name a folder"
        )
    _made(target.parent)
    return {target: next(iter(stacks.values()))}


def _export(path: Path, to: Path, recipe: Recipe, wanted: Wanted, say: Say) -> None:
    """Write a stack file as its new name says."""
    if to.exists() and to.samefile(path):
        raise SettingsError(f"{to} is the session's own stack: name another file")
    if to.suffix.lower() in (".fits", ".fit", ".fts"):
        _copied(path, to)
    elif to.suffix.lower() == ".xisf":
        _as_xisf(path, to)
    else:
        develop_files([path], to, recipe, dataclasses.replace(wanted, palette=None), say, timed=False)


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


def _as_xisf(path: Path, to: Path) -> None:
    from livestack.xisf_file import write_xisf

    frame = stack_in(path)
    plate = plate_of_frame(frame, read_noise(path))
    noise = {} if plate.noise is None else {"stderr": plate.noise}
    try:
        write_xisf(to, {"mean": plate.data, **noise}, frame.header.raw, VERSION)
    except OSError as error:
        raise SettingsError(f"{to} cannot be written: {error.strerror}") from None
