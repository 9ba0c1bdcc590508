"""Where an engine's files come from: a folder that is watched, or files that are already there."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from livestack.engine.plan import Batches, Plan
from livestack.errors import LivestackError, NothingStacked, SettingsError
from livestack.frame import Identity
from livestack.read import file_of, frames_in, is_complete, is_frame_name, open_header, order_key, suffix_of
from livestack.read.names import FITS_SUFFIXES, PACKINGS, RAW_SUFFIXES, XISF_SUFFIXES, natural_key
from livestack.settings import Settings
from livestack.stacks.prepare import identity_of
from livestack.watch import Arrival, Ground, SourceChange, watch, why_none
from livestack.watch.scan import Tree

PACKED = tuple(suffix for suffix in FITS_SUFFIXES if suffix.endswith(PACKINGS))
ORIGINALS = tuple(suffix for suffix in FITS_SUFFIXES if suffix not in PACKED) + RAW_SUFFIXES
SECOND_FORMATS = {
    **{suffix: ORIGINALS for suffix in (*PACKED, *XISF_SUFFIXES)},
    **{suffix: (*ORIGINALS, *XISF_SUFFIXES) for suffix in (".tif", ".tiff", ".png")},
    **{suffix: (*ORIGINALS, *XISF_SUFFIXES, ".tif", ".tiff", ".png") for suffix in (".jpg", ".jpeg")},
}
"""Suffix → those of which it is only a copy, when a file of the same name has one: ``X.jpg`` beside ``X.cr2``."""


def watch_plan(folder: Path, settings: Settings, idle_s: float | None) -> Plan:
    """Watch a folder.

    Parameters
    ----------
    idle_s : float, optional
        Finish when nothing new came for so long.
    """

    def batches(known: list[Identity], stop: threading.Event) -> Batches:
        found = watch(
            folder,
            wanted=is_wanted,
            complete=is_complete,
            oldest=calibration_first,
            known=[dataclasses.replace(identity, path=file_of(identity.path)) for identity in known],
            settings=settings.watching,
            stop=stop,
        )
        return map(_frame_by_frame, found)

    return Plan(str(folder), batches, idle_s=idle_s, why_away=Ground(folder).why_away)


def lights_in(folder: Path, settings: Settings) -> list[Identity]:
    """Return the lights that are in a folder now: what a session that begins with ``--existing skip`` only lists."""
    lights = filter(_is_light, _frames_in(folder, recursive=settings.watching.recursive))
    return list(filter(None, map(_identity, lights)))


def find_files(paths: Sequence[Path], order: str) -> list[Path]:
    """Return the frames named and those in the folders named, each once, calibration frames first.

    Parameters
    ----------
    order : str
        oldest, or given: as named, folders in natural order.

    Raises
    ------
    SettingsError
        A path is not there.
    NothingStacked
        None is, or holds, a frame.
    """
    found = dict.fromkeys(file for path in paths for file in _files_of(path))
    files = [file for file in found if not is_copy(file, lambda path: path in found)]
    if not files:
        raise NothingStacked(f"no frame was found in {', '.join(str(path) for path in paths)}")
    # calibration frames are known before the first light founds a stack, whatever the order
    files.sort(key=calibration_first if order == "oldest" else _is_light)
    return [frame for file in files for frame in frames_in(file)]


def files_plan(folder: str, files: Iterable[Path]) -> Plan:
    """Take files once, in this order.

    Parameters
    ----------
    folder : str
        Words for where they are.
    """

    def batches(known: list[Identity], stop: threading.Event) -> Iterator[list[Arrival]]:
        seen = {(identity.path, identity.size, identity.mtime_ns) for identity in known}
        arrivals = []
        for file in files:
            identity = _identity(file)
            if identity and (identity.path, identity.size, identity.mtime_ns) not in seen:
                arrivals.append(Arrival(identity, is_complete(file) is not False))
        yield arrivals

    return Plan(folder, batches, idle_s=0.0, why_away=functools.partial(why_none, folder))


def is_wanted(path: Path) -> bool:
    """Whether a path in a watched folder may be a frame of its own, by its name and those beside it."""
    return is_frame_name(path) and not is_copy(path, Path.is_file)


def calibration_first(path: Path) -> Any:
    """Sorting key of one batch: calibration frames, then lights by age."""
    try:
        header = open_header(path)
    except LivestackError:
        return True, order_key(path)
    return header.kind == "light", order_key(path, header)


def _frame_by_frame(batch: list[Arrival] | SourceChange) -> list[Arrival] | SourceChange:
    """Put the frames of each video in its place: files are watched, frames are stacked."""
    if isinstance(batch, SourceChange):
        return batch
    return [
        Arrival(dataclasses.replace(arrival.identity, path=frame), arrival.complete or is_complete(frame) is True)
        for arrival in batch
        for frame in frames_in(arrival.identity.path)
    ]


def is_copy(path: Path, is_there: Callable[[Path], bool]) -> bool:
    """Whether the same exposure is there in a better format."""
    suffix = suffix_of(path)
    stem = path.name[: len(path.name) - len(suffix)]
    better = SECOND_FORMATS.get(suffix, ())
    return any(is_there(path.with_name(stem + other)) for name in better for other in (name, name.upper()))


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        os.scandir(path).close()  # raises where it may not be read: a scan of it finds nothing, without a word
        return sorted(_frames_in(path, recursive=True), key=natural_key)
    if file_of(path).is_file():
        return [path]
    raise SettingsError(f"{path} is {'neither a file nor a folder' if path.exists() else 'not there'}")


def _frames_in(folder: Path, *, recursive: bool) -> list[Path]:
    """Frames in a folder, as its watch would find them."""
    tree = Tree(str(folder), recursive, lambda path: is_wanted(Path(path)))
    return [Path(path) for path, _ in tree.scan(thorough=True)]


def _is_light(path: Path) -> bool:
    try:
        return open_header(path).kind == "light"
    except LivestackError:
        return True


def _identity(path: Path) -> Identity | None:
    """Which bytes a path holds now; None when it went away."""
    try:
        return identity_of(path)
    except OSError:
        return None
