"""Bytes of a file on their way into the array that stays: in pieces, unpacked, some rows at a time.

What is in memory is one picture and a block, not the packed file, the unpacked one and the picture.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

import numpy as np

from livestack.frame import Array

BLOCK_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 16

Pieces = Iterator[bytes | memoryview]


class PieceStream(io.RawIOBase):
    """Pieces of bytes as one stream."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Return True: that is what it is for."""
        return True

    def readinto(self, into: Any) -> int:
        """Read what is left of the piece in hand, or of the next; 0 behind the last."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        n_bytes = min(len(into), len(self._piece))
        into[:n_bytes] = self._piece[:n_bytes]
        self._piece = self._piece[n_bytes:]
        return n_bytes


def joined(pieces: Pieces) -> BinaryIO:
    """Return a stream of pieces, one after another."""
    return cast(BinaryIO, PieceStream(pieces))


def pieces_of(stream: BinaryIO, n_bytes: int) -> Pieces:
    """Read so many bytes, from where the stream is.

    Raises
    ------
    EOFError
        The stream ends before.
    """
    while n_bytes:
        piece = stream.read(min(PIECE_BYTES, n_bytes))
        if not piece:
            raise EOFError("it ends too soon")
        yield piece
        n_bytes -= len(piece)


def inflated(stream: BinaryIO) -> Pieces:
    """Unpack a zlib stream, never more than a piece ahead.

    Raises
    ------
    EOFError
        It ends before its checksum.
    zlib.error
        It is damaged.
    """
    unzip = zlib.decompressobj()
    while not unzip.eof:
        packed = stream.read(PIECE_BYTES)
        if not packed:
            raise EOFError("it ends too soon")
        piece = unzip.decompress(packed, PIECE_BYTES)
        while piece:
            yield piece
            piece = unzip.decompress(unzip.unconsumed_tail, PIECE_BYTES)


def drain(stream: BinaryIO, most_bytes: float = math.inf) -> None:
    """Read what is left, up to so many bytes: some streams compare their checksum only at the end."""
    done = 0
    while done < most_bytes and (piece := stream.read(PIECE_BYTES)):
        done += len(piece)


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
            raise EOFError("it ends too soon")
        done += n_bytes


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
    for rows, samples in stored_rows(stream, shape, dtype, anew=dtype.isnative):
        # a copy that turns the bytes round is faster than to do so in place
        yield rows, samples if dtype.isnative else samples.astype(dtype.newbyteorder("="))


def stored_rows(
    stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any], *, anew: bool = False
) -> Iterator[tuple[slice, Array]]:
    """`read_rows` in the byte order they are stored in; unless made anew they hold until the next ones are read."""
    at_once = max(1, BLOCK_BYTES // (math.prod(shape[1:]) * dtype.itemsize))
    for top in range(0, shape[0], at_once):
        if top == 0 or anew:
            room = np.empty((min(at_once, shape[0]), *shape[1:]), dtype)
        rows = room[: shape[0] - top]
        fill(stream, rows.data.cast("B"))
        yield slice(top, top + len(rows)), rows
