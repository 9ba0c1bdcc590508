"""The pixels of a TIFF: tifffile tells where its strips or tiles lie; they are read one after another."""

from __future__ import annotations

import logging
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array
from livestack.read.files import check_size, opened, to_adu
from livestack.read.keywords import shown
from livestack.read.streams import BLOCK_BYTES, inflated, joined, pieces_of, read_rows

GREY, COLOUR, INVERTED, CFA = 1, 2, 0, 32803
UNCOMPRESSED: Final = 1
DEFLATE: Final = (8, 32946)
WHOLE_BYTES: Final = (8, 16, 32, 64)
SEPARATE: Final = 2
DIFFERENCES: Final = 2
"""Each sample less the one to its left."""
WIDEST_TILE_PX: Final = 4096
"""A tile may be wider than a small picture."""
MOST_CHANNELS: Final = 16
"""Three colours, and masks and transparency besides."""
TIFF_ERRORS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What tifffile raises on damaged files; its own TiffFileError comes from Exception and is added when it is loaded."""

Block = tuple[int, int, int, Array]
"""Plane, top and left (px), samples (h, w, samples per px)."""


def read_tiff(path: Path) -> Array:
    """Read the first picture.

    Returns
    -------
    ndarray
        (H, W) or (H, W, 3); uint16 where the file holds that, else float32. Transparency is left out.

    Raises
    ------
    FrameError
        unreadable, or mismatched (a palette).
    """
    import tifffile

    # What it would log is told in the sentence of the FrameError.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        with opened(path) as (stream, _), tifffile.TiffFile(stream) as tiff:
            page: Any = tiff.pages[0]
            _check(path.name, page)
            data = np.empty(_shape(page), np.uint16 if page.dtype == np.uint16 else np.float32)
            with np.errstate(over="ignore", invalid="ignore"):
                for plane, top, left, samples in _blocks(stream, page):
                    _put(data, page, (plane, top, left, samples))
    except (*TIFF_ERRORS, tifffile.TiffFileError) as error:
        raise _refused(path.name, error) from error
    return to_adu(data) if page.dtype.kind == "f" else data


def _check(name: str, page: Any) -> None:
    """Refuse what is no picture, or not all there, before anything is allocated."""
    if int(page.photometric) not in (GREY, COLOUR, INVERTED, CFA):
        raise FrameError("mismatched", f"{name} has a palette or another colour model; save it as RGB.")
    check_size(name, (page.imagelength, page.imagewidth), page.samplesperpixel)
    too_wide = page.is_tiled and page.tilewidth > page.imagewidth + WIDEST_TILE_PX
    if (
        len(page.dataoffsets) != math.prod(page.chunked)
        or page.samplesperpixel > MOST_CHANNELS
        or too_wide
        or _is_short(page)
    ):
        raise FrameError("unreadable", f"{name} is damaged: parts of its picture are not listed.")
    if page.imagedepth != 1 or page.dtype is None or page.dtype.kind not in "buif":
        raise FrameError(
            "mismatched", f"{name} holds {page.bitspersample}-bit samples of an odd kind, or a cube; save it as 16 bit."
        )


def _is_short(page: Any) -> bool:
    """Whether an uncompressed page has fewer bytes than its samples need."""
    n_samples = page.imagelength * page.imagewidth * page.samplesperpixel
    return bool(page.compression == UNCOMPRESSED and sum(page.databytecounts) < n_samples * page.bitspersample // 8)


def _shape(page: Any) -> tuple[int, ...]:
    """Return (H, W), or (H, W, 3) in colour."""
    size = page.imagelength, page.imagewidth
    return (*size, 3) if page.samplesperpixel >= 3 else size


def _put(data: Array, page: Any, block: Block) -> None:
    """Put samples where they belong, without channels that are no colours, and as a positive."""
    plane, top, left, samples = block
    samples = samples[: data.shape[0] - top, : data.shape[1] - left]
    if int(page.photometric) == INVERTED:
        white = np.iinfo(samples.dtype).max if samples.dtype.kind in "iu" else 1
        samples = np.asarray(white - samples, samples.dtype)
    place = data[top : top + samples.shape[0], left : left + samples.shape[1]]
    if data.ndim == 2 and plane == 0:
        place[...] = samples[..., 0]
    elif data.ndim == 3 and int(page.planarconfig) != SEPARATE:
        place[...] = samples[..., :3]
    elif data.ndim == 3 and plane < 3:
        place[..., plane] = samples[..., 0]


def _blocks(stream: BinaryIO, page: Any) -> Iterator[Block]:
    """Read the strips or tiles of a page, no more than a few rows of one at a time where the codec allows it."""
    if not _is_streamed(page):
        for segment, (plane, _, top, left, _), _ in page.segments(maxworkers=1, buffersize=BLOCK_BYTES):
            if segment is None:
                raise ValueError("a part of it is empty")
            yield plane, top, left, segment[0]
        return
    height, width = page.imagelength, page.imagewidth
    if page.is_tiled:
        tall, wide = page.tilelength, page.tilewidth
    else:
        tall, wide = min(page.rowsperstrip, height), width
    n_samples = 1 if int(page.planarconfig) == SEPARATE else page.samplesperpixel
    down, across = -(-height // tall), -(-width // wide)
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    for i, (offset, n_bytes) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        (plane, row), column = divmod(i // across, down), i % across
        rows = tall if page.is_tiled else min(tall, height - row * tall)
        stream.seek(offset)
        packed = joined(pieces_of(stream, n_bytes))
        content = packed if page.compression == UNCOMPRESSED else joined(inflated(packed))
        for block, samples in read_rows(content, (rows, wide, n_samples), dtype):
            if page.predictor == DIFFERENCES:
                np.cumsum(samples, axis=1, dtype=samples.dtype, out=samples)
            yield plane, row * tall + block.start, column * wide, samples
        # a checksum is compared behind the last sample
        content.read(1)


def _is_streamed(page: Any) -> bool:
    """Whether samples come as NumPy has them, or packed by zlib."""
    return bool(
        page.compression in (UNCOMPRESSED, *DEFLATE)
        and page.bitspersample in WHOLE_BYTES
        and page.bitspersample == 8 * page.dtype.itemsize
        and page.fillorder == 1
        and (page.predictor == 1 or (page.predictor == DIFFERENCES and page.dtype.kind in "iu"))
        and not page.is_subsampled
    )


def _refused(name: str, error: Exception) -> FrameError:
    if "imagecodecs" in str(error):
        return FrameError(
            "unreadable",
            f"{name} is compressed in a way that needs the package imagecodecs; install it, or save uncompressed.",
        )
    return FrameError("unreadable", f"{name} is damaged ({shown(str(error) or type(error).__name__)}); copy it again.")
