"""Pictures that stay on disk until they are looked at: a page keeps what it made of them, not their light.

The engine replaces its files as a whole; one that is open, and held, stays what it was. So a picture is the same
whenever it is read, and is in memory only while something is made of it. Windows lets nobody replace a file that is
open: there, and where it is not of this kind, a picture is kept in memory.
"""

from __future__ import annotations

import json
import math
import os
import weakref
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from livestack import reused
from livestack.frame import Array, Picture
from livestack.picture import picture_of, read_picture

_ROWS = 64
_ASPECT = 1.5
"""Of the largest picture: what is nearer to a square has as many px as one of this aspect, not more."""


class Held:
    """A file that is there as long as this is; any thread may read it."""

    def __init__(self, path: Path) -> None:
        with reused.open_as_it_is(path) as file:
            self._file = os.dup(file.fileno())  # the lock is its, too
        weakref.finalize(self, os.close, self._file)

    def opened(self) -> BinaryIO:
        """Return it to be read from its begin, by one thread before all others."""
        return os.fdopen(os.dup(self._file), "rb")

    def read(self, begin: int, n_bytes: int) -> bytes:
        """Return so many bytes from a place on."""
        data = os.pread(self._file, n_bytes, begin)
        if len(data) != n_bytes:
            raise OSError(f"{len(data)} of {n_bytes} bytes were read")
        return data


@dataclass(frozen=True, slots=True)
class Pinned(Picture):
    """What is known of a picture on disk; its `data` have its shape and no light.

    Attributes
    ----------
    file : Held
    begin : int
        Where the light begins there, bytes.
    full : tuple of int
        (H, W) or (H, W, 3) there; `data` may be smaller.
    """

    file: Held | None = None
    begin: int = 0
    full: tuple[int, ...] = ()

    def read(self) -> Picture:
        """Return it with its light.

        Raises
        ------
        OSError
            The disk does not answer.
        """
        assert self.file is not None
        data = _read(self.file, self.begin, self.full, self.data.shape)
        data.flags.writeable = False
        facts = {fact.name: getattr(self, fact.name) for fact in fields(Picture)}
        return Picture(**{**facts, "data": data})


def with_light(picture: Picture) -> Picture:
    """Return a picture that can be developed: read now, where it stayed on disk."""
    return picture.read() if isinstance(picture, Pinned) else picture


def pinned(path: Path, longest_px: int) -> Picture | None:
    """Return a picture that is on disk, at most so long and of so many px; None when there is none, or it is cut."""
    if os.name == "nt":
        picture = read_picture(path)
        return None if picture is None else _smaller(picture, longest_px)
    try:
        held = Held(path)
        with held.opened() as file:
            np.lib.format.read_magic(file)
            full, is_turned, kind = np.lib.format.read_array_header_1_0(file)
            begin = file.tell()
            file.seek(math.prod(full) * kind.itemsize, os.SEEK_CUR)
            facts = json.loads(file.read())
        if is_turned or kind != np.float32:
            return read_picture(path)
    except (OSError, ValueError, EOFError):
        return None
    shape = _shape(full, longest_px)
    known = picture_of(np.broadcast_to(np.float32(0), shape).view(), facts)
    known = replace(known, scale=known.scale * shape[1] / full[1])
    own = {fact.name: getattr(known, fact.name) for fact in fields(Picture)}
    return Pinned(**own, file=held, begin=begin, full=full)


def _shape(full: tuple[int, ...], longest_px: int) -> tuple[int, ...]:
    shrink = min(1.0, longest_px / max(full[:2]), longest_px / math.sqrt(_ASPECT * full[0] * full[1]))
    height, width = (max(1, round(n * shrink)) for n in full[:2])
    return height, width, *full[2:]


def _smaller(picture: Picture, longest_px: int) -> Picture:
    shape = _shape(picture.data.shape, longest_px)
    if shape == picture.data.shape:
        return picture
    data = np.asarray(cv2.resize(picture.data, shape[1::-1], interpolation=cv2.INTER_AREA))
    data.flags.writeable = False
    return replace(picture, data=data, scale=picture.scale * shape[1] / picture.data.shape[1])


def _read(file: Held, begin: int, full: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Read (H, W) or (H, W, 3) float32 as means over areas of another shape, a few rows at a time."""
    out = np.zeros(shape, np.float32)
    row_bytes = 4 * math.prod(full[1:])
    edges = np.linspace(0, shape[0], full[0] + 1)
    for top in range(0, full[0], _ROWS):
        n = min(_ROWS, full[0] - top)
        rows = np.frombuffer(file.read(begin + top * row_bytes, n * row_bytes), np.float32).reshape(n, *full[1:])
        if shape == full:
            out[top : top + n] = rows
            continue
        rows = np.asarray(cv2.resize(rows, (shape[1], n), interpolation=cv2.INTER_AREA))
        for row, above, below in zip(rows, edges[top : top + n], edges[top + 1 : top + n + 1], strict=True):
            first = int(above + 1e-9)
            share = min(first + 1.0, below) - above
            out[first] += row * np.float32(share)
            if below - first > 1 + 1e-9:
                out[first + 1] += row * np.float32(below - first - 1)
    return out
