"""Opening files that may be anything: errors of the disk in words, and what no file may make us allocate."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from livestack.errors import FrameError, SourceError
from livestack.frame import Array, Frame, Header

MAX_SAMPLES: Final = 300_000_000
"""More than any sensor has, colour included: a header that asks for more is damaged."""
WHITE_ADU: Final = 65535
NORMALISED_MOST: Final = 2.0
PART_PX: Final = 1 << 18
MIN_SIDE_PX: Final = 4
DISK_FAILED: Final = frozenset(
    getattr(errno, name)
    for name in ["EIO", "ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO"]
    if hasattr(errno, name)
)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file to read; gives (stream, size in bytes).

    Raises
    ------
    FrameError
        vanished, unreadable, or truncated (empty): this one file.
    SourceError
        The disk or the share failed.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FrameError("unreadable", f"{path.name} is not a regular file.")
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if not size and not stream.peek(1):
                raise FrameError("truncated", f"{path.name} is empty: nothing was written into it.")
            yield stream, size
    except FileNotFoundError as error:
        raise FrameError("vanished", f"{path.name} is gone.") from error
    except OSError as error:
        if error.errno in DISK_FAILED:
            raise SourceError(f"{path.parent} cannot be read: {error.strerror}. Check the disk or share.") from error
        raise FrameError("unreadable", f"{path.name} cannot be read: {error.strerror or error}.") from error


def check_size(name: str, size: tuple[int, int], channels: int = 1) -> None:
    """Refuse sizes (H, W) in px that are no picture, before anything is allocated."""
    height, width = size
    if height < MIN_SIDE_PX or width < MIN_SIDE_PX:
        raise FrameError("unreadable", f"{name} holds no picture: its size is {width} x {height} px.")
    if height * width * channels > MAX_SAMPLES:
        raise FrameError(
            "unreadable",
            f"{name} says it is {width} x {height} px, more than any camera has: its header is damaged; copy it again.",
        )


def to_adu(values: Array) -> Array:
    """Bring floats that are normalised, from 0 to 1, to the scale of a camera of 16 bits; others stay.

    Siril, PixInsight and others divide by 65535. Where no pixel exceeds 2 that was done; the margin is for flats
    divided out. No frame in ADU is so dark, for its noise alone is more.

    Parameters
    ----------
    values : ndarray of float32
        Contiguous; overwritten.
    """
    flat = values.reshape(-1)
    # not fmin and fmax of all: a NaN of the signalling sort makes them forget what they saw
    for at in range(0, flat.size, PART_PX):
        part = np.abs(flat[at : at + PART_PX])
        if part[np.isfinite(part)].max(initial=0) > NORMALISED_MOST:
            return values
    with np.errstate(invalid="ignore"):
        values *= np.float32(WHITE_ADU)
    return values


def make_frame(data: Array, header: Header) -> Frame:
    """Return a frame whose array nobody can change."""
    data.setflags(write=False)
    return Frame(data=data, header=header)
