"""Samples of a file into the array that stays, some rows at a time: a picture and a block are in memory, not two."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import numpy as np

from livestack.frame import Array

BLOCK_BYTES: Final = 1 << 20


def read_rows(stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[tuple[slice, Array]]:
    """Read samples that lie one after another, from where the stream is.

    Parameters
    ----------
    shape : tuple of int
        (H, W) or (H, W, channels).
    dtype : dtype
        As stored.

    Yields
    ------
    slice, ndarray
        Which rows, and their samples in native byte order; they may be overwritten.

    Raises
    ------
    EOFError
        The stream ends before.
    """
    at_once = max(1, BLOCK_BYTES // (math.prod(shape[1:]) * dtype.itemsize))
    for top in range(0, shape[0], at_once):
        rows = np.empty((min(at_once, shape[0] - top), *shape[1:]), dtype)
        fill(stream, rows.data.cast("B"))
        if not dtype.isnative:
            rows = rows.byteswap(inplace=True).view(dtype.newbyteorder("="))
        yield slice(top, top + len(rows)), rows


def drain(stream: BinaryIO) -> None:
    """Read what is left: some streams compare their checksum only at the end."""
    while stream.read(BLOCK_BYTES):
        pass


def fill(stream: BinaryIO, into: memoryview) -> None:
    """Read as much as a buffer holds.

    Raises
    ------
    EOFError
        The stream ends before.
    """
    done = 0
    while done < len(into):
        # A stream that unpacks gives what it has unpacked so far.
        n_bytes = stream.readinto(into[done:])  # type: ignore[attr-defined]
        if not n_bytes:
            raise EOFError
        done += n_bytes
