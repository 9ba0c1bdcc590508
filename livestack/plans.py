"""Where an engine's files come from: a folder that is watched, or files that are already there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from livestack.errors import FrameError, SettingsError
from livestack.frame import Identity
from livestack.read import is_complete, is_frame_name, open_header, order_key
from livestack.runner import Batches, Plan, identity_of
from livestack.settings import Settings
from livestack.watch import Arrival, watch


def watch_plan(folder: Path, settings: Settings, *, is_new: bool, idle_s: float | None) -> Plan:
    """Watch a folder.

    Parameters
    ----------
    is_new : bool
        The session starts for the first time: what is there now is what ``--existing`` speaks of.
    idle_s : float, optional
        Finish when nothing new came for so long.
    """
    existing: set[Path] = set()
    began_ns = time.time_ns()
    if is_new and settings.processing.existing == "skip" and folder.is_dir():
        existing = {path for path in folder.rglob("*") if path.is_file()}

    def batches(known: list[Identity], stop: threading.Event) -> Batches:
        return watch(
            folder,
            wanted=is_frame_name,
            complete=is_complete,
            oldest=calibration_first,
            known=known,
            settings=settings.watching,
            stop=stop,
        )

    def skip(identity: Identity) -> bool:
        return identity.path in existing and identity.mtime_ns <= began_ns

    return Plan(str(folder), batches, skip, idle_s)


def files_plan(paths: Sequence[Path], order: str) -> Plan:
    """Take files and the files in folders, once.

    Parameters
    ----------
    order : str
        oldest, or given: as named, folders in natural order.

    Raises
    ------
    SettingsError
        A path is not there, or none holds a frame.
    """
    files = [file for path in paths for file in _files_of(path)]
    unique = list(dict.fromkeys(files))
    if not unique:
        raise SettingsError(f"no frame was found in {', '.join(str(path) for path in paths)}")
    # calibration frames are known before the first light founds a stack, whatever the order
    ordered = sorted(unique, key=calibration_first if order == "oldest" else _is_light)

    def batches(known: list[Identity], stop: threading.Event) -> Iterator[list[Arrival]]:
        seen = {(identity.path, identity.size, identity.mtime_ns) for identity in known}
        arrivals = []
        for file in ordered:
            try:
                identity = identity_of(file)
            except OSError:
                continue
            if (identity.path, identity.size, identity.mtime_ns) not in seen:
                arrivals.append(Arrival(identity, is_complete(file) is not False))
        yield arrivals

    return Plan(", ".join(str(path) for path in paths), batches, idle_s=0.0)


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.is_file() and is_frame_name(file)]
        return sorted(found, key=order_key)
    if not path.is_file():
        raise SettingsError(f"{path} is not there")
    return [path]


def calibration_first(path: Path) -> Any:
    """Sorting key of one batch: calibration frames, then lights by age."""
    return _is_light(path), order_key(path)


def _is_light(path: Path) -> bool:
    try:
        return open_header(path).kind == "light"
    except FrameError:
        return True
