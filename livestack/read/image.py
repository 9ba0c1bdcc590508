"""TIFF, PNG and JPEG into frames. A stretched picture stays stretched; floats from 0 to 1 come as ADU of 16 bits."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array, Frame, Header
from livestack.read import ifd
from livestack.read.blocks import CARD, parse_cards
from livestack.read.exif import APP1, EXIF_MARK, JPEG_MAGIC, START_OF_SCAN, exif_in, exif_of, jpeg_segments
from livestack.read.files import check_size, make_frame, opened
from livestack.read.header import make_header
from livestack.read.image_tiff import read_tiff
from livestack.read.keywords import shown
from livestack.read.names import suffix_of
from livestack.read.streams import pieces_of

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
END_OF_PNG: Final = b"IEND"
END_OF_JPEG: Final = b"\xff\xd9"
START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_NOTE: Final = (
    "the subs are JPEG, 8 bit and stretched by the camera: faint light is lost and brightness is not true; "
    "record RAW or FITS"
)


def read_frame(path: Path) -> Frame:
    """Read the first picture of a TIFF, or a PNG or JPEG.

    Returns
    -------
    Frame
        data (H, W) or (H, W, 3) RGB; uint16 where the file holds unsigned 16 bit, else float32. Transparency is
        left out.

    Raises
    ------
    FrameError
        unreadable, truncated, or mismatched (a palette).
    """
    header = read_header(path)
    if is_complete(path) is False:
        raise _cut_short(path)
    data = read_tiff(path) if suffix_of(path) in (".tif", ".tiff") else _read_cv(path)
    if data.shape[:2] != header.size:
        raise FrameError("unreadable", f"{path.name} is damaged: its size is not what its header says.")
    return make_frame(data, header)


def read_header(path: Path) -> Header:
    """Read size, time and exposure without decoding.

    Raises
    ------
    FrameError
        As `read_frame`.
    """
    with opened(path) as (stream, size):
        suffix = suffix_of(path)
        if suffix in (".tif", ".tiff"):
            found = _tiff_header(stream, size)
        else:
            found = _png_header(stream) if suffix == ".png" else _jpeg_header(stream)
    if found is None:
        raise FrameError("unreadable", f"{path.name} is not a {suffix[1:].upper()} file.")
    keywords, shape, colour = found
    if shape is None:
        raise _cut_short(path)
    check_size(path.name, shape, channels=3 if colour else 1)
    header = make_header(path, keywords, shape, colour)
    return header if suffix in (".tif", ".tiff", ".png") else replace(header, note=JPEG_NOTE)


def is_complete(path: Path) -> bool | None:
    """Whether the end of the file is there; None where it is not of the kind its name says."""
    with opened(path) as (stream, size):
        suffix = suffix_of(path)
        if suffix == ".png":
            return _png_complete(stream)
        return tiff_complete(stream, size) if suffix in (".tif", ".tiff") else _jpeg_complete(stream)


def tiff_complete(stream: BinaryIO, size: int) -> bool | None:
    """Whether all directories and strips of a TIFF-like file lie inside it; None where it is no TIFF."""
    try:
        directories = ifd.read_directories(stream, size)
    except ifd.CutShort:
        return False
    return ifd.picture_end(directories) <= size if directories else None


def _cut_short(path: Path) -> FrameError:
    return FrameError("truncated", f"{path.name} ends in the middle; copy it again when it is finished.")


Found = tuple[dict[str, Any], tuple[int, int] | None, bool]
"""Keywords, (H, W) or None where the file ends before it says, and whether it is in colour."""


def _tiff_header(stream: BinaryIO, size: int) -> Found | None:
    try:
        directories = ifd.read_directories(stream, size)
    except ifd.CutShort:
        return {}, None, False
    if not directories:
        return None
    first = directories[0]
    lengths = [first.get(tag) for tag in (ifd.LENGTH, ifd.WIDTH)]
    height, width = (found if isinstance(found, int) else 0 for found in lengths)
    keywords = exif_of(stream, size)
    description = first.get(ifd.DESCRIPTION)
    if isinstance(description, str) and description.startswith("SIMPLE"):
        # AstroTIFF: the FITS header, card by card, in the description.
        lines = description.splitlines()
        if len(lines) < 2:
            lines = [description[at : at + CARD] for at in range(0, len(description), CARD)]
        keywords |= {key: value for key, value in parse_cards(lines).items() if not key.startswith("NAXIS")}
    samples = first.get(ifd.SAMPLES, 1)
    return keywords, (height, width), isinstance(samples, int) and samples >= 3


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Walk over (type, offset of the data, length)."""
    at = len(PNG_MAGIC)
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, at + 8, length
        at += 12 + length


def _png_header(stream: BinaryIO) -> Found | None:
    magic = stream.read(len(PNG_MAGIC))
    if magic != PNG_MAGIC:
        return ({}, None, False) if PNG_MAGIC.startswith(magic) else None
    keywords: dict[str, Any] = {}
    size, colour = None, False
    for kind, offset, length in _png_chunks(stream):
        if kind in (b"IHDR", b"eXIf"):
            stream.seek(offset)
            block = stream.read(min(length, 1 << 20))
            if kind == b"eXIf":
                keywords = exif_in(block)
            elif len(block) >= 10:
                width, height, _, colours = struct.unpack_from(">IIBB", block)
                size, colour = (height, width), bool(colours & 2)
        elif kind == b"IDAT":
            break
    return keywords, size, colour


def _png_complete(stream: BinaryIO) -> bool | None:
    if stream.read(len(PNG_MAGIC)) != PNG_MAGIC:
        return None
    for kind, offset, length in _png_chunks(stream):
        if kind == END_OF_PNG:
            stream.seek(offset + length)
            return len(stream.read(4)) == 4
    return False


def _jpeg_header(stream: BinaryIO) -> Found | None:
    if stream.read(2) != JPEG_MAGIC:
        return None
    keywords: dict[str, Any] = {}
    for marker, content in jpeg_segments(stream):
        if marker == APP1 and content.startswith(EXIF_MARK):
            keywords = exif_in(content[len(EXIF_MARK) :])
        elif marker in START_OF_FRAME and len(content) >= 6:
            height, width, n_colours = struct.unpack_from(">HHB", content, 1)
            return keywords, (height, width), n_colours >= 3
    return keywords, None, False


def _jpeg_complete(stream: BinaryIO) -> bool | None:
    if stream.read(2) != JPEG_MAGIC:
        return None
    # A thumbnail in the EXIF block has an end of its own: only one after the scan began counts.
    return any(marker == START_OF_SCAN and END_OF_JPEG in content for marker, content in jpeg_segments(stream))


def _read_cv(path: Path) -> Array:
    """Decode PNG or JPEG; OpenCV keeps 16 bit."""
    import cv2

    with opened(path) as (stream, _):
        try:
            if suffix_of(path) == ".png":
                _check_png(path.name, stream)
            stream.seek(0)
            if _is_plain(path):
                data = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            else:
                data = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_UNCHANGED)
        except EOFError as error:
            raise _cut_short(path) from error
        except cv2.error as error:
            raise FrameError(
                "unreadable", f"{path.name} cannot be decoded: {shown(error.err)}; copy it again."
            ) from error
    if data is None:
        raise FrameError("unreadable", f"{path.name} cannot be decoded: it is damaged; copy it again.")
    pixels: Array = data if data.ndim == 2 else data[..., 2::-1]
    return np.ascontiguousarray(pixels, np.uint16 if pixels.dtype == np.uint16 else np.float32)


def _is_plain(path: Path) -> bool:
    """Whether OpenCV finds a file by its name: it takes UTF-8, and on Windows ASCII alone."""
    name = str(path)
    return name.isascii() or (os.name == "posix" and name.encode(errors="replace").decode() == name)


def _check_png(name: str, stream: BinaryIO) -> None:
    """Refuse a damaged PNG: the decoder would fill in zeros and say nothing."""
    stream.seek(len(PNG_MAGIC))
    for kind, offset, length in _png_chunks(stream):
        stream.seek(offset - len(kind))
        found = 0
        for piece in pieces_of(stream, len(kind) + length):
            found = zlib.crc32(piece, found)
        if found != int.from_bytes(stream.read(4), "big"):
            at = offset - 8
            raise FrameError("unreadable", f"{name} is damaged: a checksum at byte {at} is wrong; copy it again.")
        if kind == END_OF_PNG:
            return
