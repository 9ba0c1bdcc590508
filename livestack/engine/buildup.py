"""How a stack grew: its preview, small, as it was with 1, 2, 3 … subs, for who wants to see it grow once more.

``cache/buildup/<stack>/00012.npy`` is the preview with twelve subs: float16 in units that are a power of two, so that
no star is too bright for it, and with the facts of a `Picture` as one JSON line behind the array. Steps may be deleted
at any time; who reads them shows those that are there.
"""

from __future__ import annotations

import contextlib
import logging
import math
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from livestack.frame import Array, Picture
from livestack.picture import facts_of, picture_of, read_array, read_facts, write_array

log = logging.getLogger("livestack")

LONGEST_PX = 1024
"""Of a step. The previews of many sensors are so long already."""
PER_OCTAVE = 8
"""So many steps are kept while the subs double; the first ones are all kept."""
MOST_WAITING = 2
"""Steps that wait for the disk; more are left out."""
_TOP = 2.0**15
"""The brightest px is at most this, which float16 holds; the faintest it holds fully is 2²⁹ times fainter."""


@dataclass(frozen=True, slots=True)
class Step:
    """A stack as it was.

    Attributes
    ----------
    time : datetime, optional
        Of the sub that was the last one.
    """

    path: Path
    n_subs: int
    time: datetime | None
    exposure_s: float
    noise_adu: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A picture to be kept, the time of its last sub, and what says whose stack it is: its founding sub."""

    picture: Picture
    time_utc: str | None
    founding: str


@dataclass(slots=True)
class BuildUp:
    """Keeps the steps of the stacks of a session; for the thread that integrates, and written by another.

    Parameters
    ----------
    cache : Path
        Folder of the session.
    writer : Executor
        Of one thread.
    """

    cache: Path
    writer: Executor
    _kept: dict[str, tuple[str, int]] = field(default_factory=dict)
    _waiting: list[Moment] = field(default_factory=list)

    def is_due(self, stack: str, n: int) -> bool:
        """Whether a stack of `n` subs may be a step: fewer than the last, or as many, judged again, are one, too."""
        kept = self._kept.get(stack, ("", 0))[1]
        return n > 0 and (n <= kept or _step_below(n) > kept)

    def keep(self, moment: Moment) -> None:
        """Keep a picture, if it is a step; of a disk that does not answer, or is full, it is left out."""
        stack, n = moment.picture.stack, moment.picture.n_subs
        if self._kept.get(stack, ("", 0))[0] != moment.founding:
            self._kept.pop(stack, None)
        if len(self._waiting) < MOST_WAITING and self.is_due(stack, n):
            self._kept[stack] = moment.founding, n
            self._waiting.append(moment)
            self.writer.submit(self._write_next)

    def _write_next(self) -> None:
        moment = self._waiting[0]
        try:
            write_step(folder_of(self.cache, moment.picture.stack), moment)
        except OSError as error:
            log.warning("a step of the build-up could not be written: %s", error.strerror)
        finally:
            del self._waiting[0]


def _step_below(n: int) -> int:
    """Return the largest of 1, 2 … 15, 16, 18 … 30, 32, 36 … that is not above n."""
    apart = 1 << max(0, n.bit_length() - PER_OCTAVE.bit_length())
    return n // apart * apart


def folder_of(cache: Path, stack: str) -> Path:
    """Where the steps of a stack lie."""
    return cache / "buildup" / stack


def write_step(folder: Path, moment: Moment) -> None:
    """Write a step; what is there of another stack of this name, or with more subs, is of a past that is no more.

    Raises
    ------
    OSError
        The disk does not take it; nothing is left of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture = moment.picture
    others = sorted(folder.glob("*.npy"), key=_number)
    is_its_own = not others or (read_facts(others[-1]) or {}).get("founding") == moment.founding
    for path in others:  # all of one stack, as what is written here always is
        if not is_its_own or _number(path) > picture.n_subs:
            path.unlink(missing_ok=True)
    data, shrink = _small(picture.data)
    unit = _unit_of(data)
    facts = facts_of(replace(picture, scale=picture.scale * shrink))
    facts |= {"unit": unit, "time_utc": moment.time_utc, "founding": moment.founding}
    write_array(folder / f"{picture.n_subs:05d}.npy", _halves(data, 1 / unit), facts)


def steps(session: Path, stack: str) -> tuple[Step, ...]:
    """Return the steps of a stack that are there, by their subs; none where they were deleted, or are another's."""
    found = []
    for path in sorted(folder_of(session / "cache", stack).glob("*.npy"), key=_number):
        with contextlib.suppress(OSError):
            stat = path.stat()
            facts = _facts(path, stat.st_mtime_ns, stat.st_ino)
            if facts is not None:
                time = datetime.fromisoformat(facts["time_utc"]) if facts["time_utc"] else None
                found.append(Step(path, facts["n_subs"], time, facts["exposure_s"], facts["noise_adu"]))
    return tuple(found)


def read_step(step: Step) -> Picture | None:
    """Return the preview of a step, ADU above the sky as float32; None where it is gone, or cannot be read."""
    read = read_array(step.path)
    if read is None:
        return None
    data, facts = read
    return picture_of(data.astype(np.float32) * np.float32(facts["unit"]), facts)


@lru_cache(maxsize=1024)
def _facts(path: Path, mtime_ns: int, inode: int) -> dict[str, Any] | None:
    return read_facts(path)


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isdecimal() else 0


def _small(data: Array) -> tuple[Array, float]:
    """Return a preview at most so large, and what it was shrunk by."""
    height, width = data.shape[:2]
    shrink = LONGEST_PX / max(height, width)
    if shrink >= 1:
        return data, 1.0
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    return np.asarray(cv2.resize(data, size, interpolation=cv2.INTER_AREA)), shrink


def _halves(data: Array, factor: float) -> Array:
    """Return data times a power of two as float16."""
    try:
        return np.asarray(cv2.multiply(data, np.full(4, factor), dtype=cv2.CV_16F))
    except cv2.error:  # before OpenCV 5; NumPy does the same in four times as long
        return np.multiply(data, factor, dtype=np.float32).astype(np.float16)


def _unit_of(data: Array) -> float:
    """Return the power of two by which data are divided so that float16 holds them best."""
    largest = float(np.nanmax(np.abs(data), initial=0.0, where=np.isfinite(data)))
    return 2.0 ** math.ceil(math.log2(largest / _TOP)) if largest > 0 else 1.0
