"""Frames that are already there: stacked by the same engine, and the result put where it was asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livestack.atomic import write_atomically
from livestack.commands.engine_room import Faces, run
from livestack.engine.plans import files_plan, find_files
from livestack.errors import SettingsError
from livestack.events import StackSaved
from livestack.sessions import Home, check_home
from livestack.settings import Settings
from livestack.show.console import Say, complain, say_json, say_line

SUFFIXES = (".fits", ".fit", ".fts")


@dataclass(frozen=True, slots=True)
class Out:
    """Where the result goes: one file, or a folder with a file per stack."""

    path: Path
    is_folder: bool


def parse_out(text: str) -> Out:
    """Read the value of ``--out``.

    Raises
    ------
    SettingsError
        It is neither a .fits file nor a folder, or it cannot be written: said before an hour of stacking.
    """
    path = Path(text).expanduser().absolute()
    is_folder = text.endswith(("/", os.sep)) or path.is_dir()
    if not is_folder and path.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"--out: {text} must be a .fits file, or a folder (ending in /)")
    if is_folder and path.exists() and not path.is_dir():
        raise SettingsError(f"--out: {text} is a file, not a folder")
    try:
        with tempfile.TemporaryFile(dir=next(above for above in (path, *path.parents) if above.is_dir())):
            return Out(path, is_folder)
    except OSError as error:
        raise SettingsError(f"--out: {text} cannot be written: {error.strerror}") from None


def stack_files(home: Home, paths: list[Path], order: str, settings: Settings, out: Out, *, as_json: bool) -> int:
    """Stack files and put the result at `out`; returns the exit code."""
    files = find_files(paths, order)
    if out.path in files:
        raise SettingsError(f"--out: {out.path} is one of the frames, and they are never written: name another file")
    folder = ", ".join(str(path) for path in paths)
    check_home(home, folder, [path for path in paths if path.is_dir()])
    with _telling(len(files), settings.processing.passes, as_json=as_json) as say:
        code = run(home, files_plan(folder, files), settings, Faces(say))
    if code == 0:
        for target in _deliver(home, out, set(files)):
            if not as_json:
                print(f"Saved {target}")
    elif code == 130:
        complain(f"stopped before the end: nothing was written to {out.path}")
    return code


@contextlib.contextmanager
def _telling(n_files: int, passes: int, *, as_json: bool) -> Iterator[Say]:
    if as_json:
        yield say_json
    elif sys.stdout.isatty():
        from livestack.show.progress import progress_bar

        with progress_bar(n_files, passes) as say:
            yield _but_saves(say)
    else:
        yield _but_saves(say_line)


def _but_saves(say: Say) -> Say:
    """Say nothing of what is saved in the session: it is not yet where it was asked for."""
    return lambda record: None if isinstance(record.event, StackSaved) else say(record)


def _deliver(home: Home, out: Out, frames: set[Path]) -> list[Path]:
    """Copy the session's stacks to where they were asked for; returns the files.

    Raises
    ------
    SettingsError
        There are several for one file, or a place cannot be written.
    """
    stacks = sorted(home.stack.glob("*.fits"))
    if not out.is_folder and len(stacks) > 1:
        names = ", ".join(stack.stem for stack in stacks)
        raise SettingsError(f"--out: {len(stacks)} stacks came out ({names}): name a folder (ending in /) for them")
    try:
        (out.path if out.is_folder else out.path.parent).mkdir(parents=True, exist_ok=True)
        targets = [out.path / stack.name if out.is_folder else out.path for stack in stacks]
        for stack, target in zip(stacks, targets, strict=True):
            if target in frames:
                raise SettingsError(f"--out: {target} is one of the frames, and they are never written")
            _copy(stack, target)
        return targets
    except OSError as error:
        raise SettingsError(f"--out: {out.path} cannot be written: {error.strerror}") from None


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        write_atomically(target, lambda out: shutil.copyfileobj(file, out, 1 << 20))
