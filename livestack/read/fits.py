"""FITS files into frames, and back to the question whether one is whole.

Plain images are read by NumPy, tile-compressed ones by astropy; both some rows at a time, into the array that stays.
"""

from __future__ import annotations

import gzip
import math
import threading
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np

from livestack.errors import FrameError, SourceError
from livestack.frame import Array, Frame, Header
from livestack.planes import new_plane
from livestack.read.blocks import Hdu, axes_of, hdus
from livestack.read.files import MAX_SAMPLES, check_size, make_frame, opened, to_adu
from livestack.read.header import make_header
from livestack.read.keywords import number, shown
from livestack.read.streams import BLOCK_BYTES, drain, read_rows, stored_rows

STRUCTURE: Final = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND", "GROUPS", "PCOUNT", "GCOUNT", "BSCALE", "BZERO", "BLANK")
"""What describes one HDU's own data and is never inherited from the primary header."""
GZIP_MAGIC: Final = b"\x1f\x8b"
GZIP_TRAILER_BYTES: Final = 4
GZIP_SHORTEST: Final = 18
"""Header and trailer of a gzip file, bytes."""
DEFLATE_RATIO: Final = 1032
"""No deflate stream unpacks to more than this many times its length."""
MOST_BEHIND_BYTES: Final = 1 << 28
"""So far a gzip stream is followed behind the picture, to its checksum; one made to do harm has no end."""
UINT16_ZERO: Final = 32768
SCALING: Final = (("BSCALE", 1.0), ("BZERO", 0.0))
MAX_COLUMNS: Final = 999
MAX_BLOCK_PX: Final = 1024
"""The standard of tile compression knows blocks of 16 and 32 px."""
STORED: Final = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}

Plane = tuple[int, ...]
"""Which of its planes: (0,) to (2,), or () of what is stored px by px."""

_astropy_lock = threading.Lock()
"""Silencing astropy's warnings changes the process: one thread at a time."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image of a file.

    Attributes
    ----------
    shape : tuple of int
        As stored: (H, W), (3, H, W) or (H, W, 3).
    """

    hdu: Hdu
    index: int
    cards: Mapping[str, Any]
    shape: tuple[int, ...]
    compressed: bool

    @property
    def planes_first(self) -> bool:
        """Whether the colours are three planes."""
        return len(self.shape) == 3 and self.shape[0] == 3

    @property
    def planes(self) -> list[Plane]:
        """What is stored one after another."""
        return [(0,), (1,), (2,)] if self.planes_first else [()]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in px."""
        height, width = self.shape[1:] if self.planes_first else self.shape[:2]
        return height, width


def read_frame(path: Path) -> Frame:
    """Read the first image of a FITS file.

    Parameters
    ----------
    path : Path
        Plain, tile-compressed or gzipped.

    Returns
    -------
    Frame
        data (H, W), or (H, W, 3) of an image with three planes. uint16 where the file holds unsigned 16 bit,
        else float32; BLANK pixels are NaN. Floats from 0 to 1 come as ADU of 16 bits.

    Raises
    ------
    FrameError
        unreadable, truncated, or mismatched (a cube, a mosaic of no known pattern).
    """
    with _stream_of(path) as (stream, limit):
        image = _find_image(stream, path.name, limit)
        header = _header(path, image)
        if limit < image.hdu.data_end:
            raise _cut_short(path.name, image.hdu, limit)
        data = _decompress(stream, path.name, image) if image.compressed else _plain(stream, image)
        if isinstance(stream, gzip.GzipFile):
            drain(cast(BinaryIO, stream), MOST_BEHIND_BYTES)
    if image.cards["BITPIX"] < 0:
        data = to_adu(data)
    return make_frame(np.moveaxis(data, 0, 2) if image.planes_first else data, header)


def read_planes(path: Path, names: Iterable[str], first_of: Collection[str] = ()) -> dict[str, Array] | None:
    """Read images of a FITS file by their EXTNAME, uint16 or float32, as stored: (H, W) or (C, H, W).

    Parameters
    ----------
    first_of : collection of str
        Of these the first plane alone, (H, W).

    Returns
    -------
    dict or None
        None where one of them is not there whole, is compressed, or the file cannot be read.
    """
    out = {}
    try:
        with _stream_of(path) as (stream, limit):
            found = {hdu.cards.get("EXTNAME"): hdu for hdu in hdus(stream, path.name, limit)}
            for name in names:
                hdu = found[name]
                shape = _shape_of(axes_of(hdu.cards, path.name))
                if hdu.cards.get("XTENSION") != "IMAGE" or limit < hdu.data_end or len(shape) not in (2, 3):
                    return None
                image = Image(hdu, 0, hdu.cards, shape[-2:] if name in first_of else shape, compressed=False)
                out[name] = _plain(stream, image)
    except (FrameError, SourceError, KeyError, OSError, EOFError):
        return None
    return out


def read_header(path: Path) -> Header:
    """Read the header alone; the data may still be missing.

    Raises
    ------
    FrameError
        As `read_frame`.
    """
    with _stream_of(path) as (stream, limit):
        return _header(path, _find_image(stream, path.name, limit))


def is_complete(path: Path) -> bool | None:
    """Whether the file is as long as its headers say; None where it is no FITS file.

    Padding may be missing. A gzipped file is believed if its trailer names the length that the header asks for, else
    unpacked to the end.
    """
    with opened(path) as (file, size):
        packed = _is_gzip(file)
        if packed and size < GZIP_SHORTEST:
            return False
        if packed:
            return _gzip_is_complete(file, size, path.name)
        try:
            return max(hdu.data_end for hdu in hdus(file, path.name, size)) <= size
        except FrameError as error:
            return False if error.reason == "truncated" else None


def _gzip_is_complete(file: BinaryIO, size: int, name: str) -> bool | None:
    file.seek(max(0, size - GZIP_TRAILER_BYTES))
    length = int.from_bytes(file.read(GZIP_TRAILER_BYTES), "little")
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            first = next(hdus(cast(BinaryIO, stream), name, size * DEFLATE_RATIO))
            if length in (first.data_end, first.next_start):
                return True
            end = max(hdu.data_end for hdu in hdus(cast(BinaryIO, stream), name, size * DEFLATE_RATIO))
            drain(cast(BinaryIO, stream), end + MOST_BEHIND_BYTES - stream.tell())
            return end <= stream.tell()
    except EOFError:
        return False
    except (gzip.BadGzipFile, zlib.error):
        return None
    except FrameError as error:
        return False if error.reason == "truncated" else None


def _is_gzip(file: BinaryIO) -> bool:
    magic = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return GZIP_MAGIC.startswith(magic)


@contextmanager
def _stream_of(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, unpacked if need be; gives (stream, bytes that it can hold at most)."""
    with opened(path) as (file, size):
        try:
            if not _is_gzip(file):
                yield file, size
                return
            if size < GZIP_SHORTEST:
                raise EOFError
            with gzip.GzipFile(fileobj=file) as stream:
                yield cast(BinaryIO, stream), size * DEFLATE_RATIO
        except EOFError as error:
            raise FrameError("truncated", f"{path.name} ends in the middle ({size} bytes); copy it again.") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FrameError("unreadable", f"{path.name} cannot be unpacked: {shown(error)}; copy it again.") from error


def _find_image(stream: BinaryIO, name: str, limit: int) -> Image:
    """Return the first HDU with two axes, or three of which one is three colours."""
    primary: dict[str, Any] = {}
    odd_shape: tuple[int, ...] = ()
    for index, hdu in enumerate(hdus(stream, name, limit)):
        cards, compressed = _image_cards(hdu.cards)
        if not index:
            primary = {key: value for key, value in cards.items() if not key.startswith(STRUCTURE)}
        if cards is hdu.cards and (hdu.cards.get("XTENSION", "IMAGE") != "IMAGE" or cards.get("GROUPS") is True):
            continue
        shape = _shape_of(axes_of(cards, name))
        if 0 in shape:
            continue
        if len(shape) == 2 or (len(shape) == 3 and 3 in (shape[0], shape[2])):
            image = Image(hdu, index, {**primary, **cards}, shape, compressed)
            check_size(name, image.size, channels=3 if len(shape) == 3 else 1)
            return image
        odd_shape = odd_shape or shape
    if len(odd_shape) > 2:
        raise FrameError(
            "mismatched",
            f"{name} holds a cube of {' x '.join(map(str, odd_shape[::-1]))}, not one picture; save its frames singly.",
        )
    raise FrameError("unreadable", f"{name} holds no picture, only a header or tables.")


def _image_cards(cards: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the cards of the image that a compressed one stands for, and whether it is compressed."""
    if cards.get("ZIMAGE") is not True:
        return cards, False
    inner = {key: value for key, value in cards.items() if not key.startswith(("TTYPE", "TFORM", "NAXIS"))}
    for key, value in cards.items():
        if key == "ZBITPIX" or key.startswith("ZNAXIS"):
            inner[key[1:]] = value
    return inner, True


def _shape_of(axes: list[int]) -> tuple[int, ...]:
    """Return the array shape, slowest axis first, without trailing axes of length 1."""
    while len(axes) > 2 and axes[-1] == 1:
        axes = axes[:-1]
    return tuple(axes[::-1])


def _header(path: Path, image: Image) -> Header:
    return make_header(path, image.cards, image.size, colour=len(image.shape) == 3)


def _cut_short(name: str, hdu: Hdu, size: int) -> FrameError:
    return FrameError(
        "truncated", f"{name} has {size} bytes but its picture needs {hdu.data_end}; copy it again when it is finished."
    )


def _gathered(image: Image, blocks: Iterable[tuple[Plane, slice, Array]]) -> Array:
    """Put blocks of rows together, as stored: uint16 unless one of them is float32."""
    data = np.empty(0, np.uint16)
    for plane, rows, values in blocks:
        if not data.size:
            data = new_plane(image.shape, values.dtype)
        elif data.dtype == np.uint16 != values.dtype:
            data = data.astype(np.float32)
        into: Array = data[plane]
        into[rows] = values
    return data


def _plain(stream: BinaryIO, image: Image) -> Array:
    """Read an uncompressed image, uint16 or float32; the usual one is turned round where it stays."""
    if image.cards["BITPIX"] != 16 or _scaling(image.cards) != (1, UINT16_ZERO) or "BLANK" in image.cards:
        return _gathered(image, _plain_blocks(stream, image))
    data = new_plane(image.shape, np.uint16)
    stream.seek(image.hdu.data_start)
    for into in (data[plane] for plane in image.planes):
        for rows, samples in stored_rows(stream, into.shape, np.dtype(">u2")):
            into[rows] = samples
            into[rows] ^= np.uint16(UINT16_ZERO)
    return data


def _plain_blocks(stream: BinaryIO, image: Image) -> Iterator[tuple[Plane, slice, Array]]:
    stored = np.dtype(STORED[image.cards["BITPIX"]])
    stream.seek(image.hdu.data_start)
    for plane in image.planes:
        for rows, samples in read_rows(stream, image.shape[len(plane) :], stored):
            yield plane, rows, _physical(samples, image.cards)


def _scaling(cards: Mapping[str, Any]) -> tuple[float, float]:
    """BSCALE and BZERO."""
    scale, zero = (default if (said := number(cards.get(key))) is None else said for key, default in SCALING)
    return scale, zero


def _physical(stored: Array, cards: Mapping[str, Any]) -> Array:
    """Apply BSCALE, BZERO and BLANK.

    Parameters
    ----------
    stored : ndarray
        Native byte order; may be overwritten.

    Returns
    -------
    ndarray of uint16 or float32
    """
    scale, zero = _scaling(cards)
    blank = cards.get("BLANK") if stored.dtype.kind in "iu" else None
    missing = stored == blank if isinstance(blank, int) else None
    if missing is not None and not missing.any():
        missing = None
    if stored.dtype == np.int16 and (scale, zero) == (1, UINT16_ZERO) and missing is None:
        unsigned = stored.view(np.uint16)
        unsigned ^= np.uint16(UINT16_ZERO)
        return unsigned
    # 32 bits and more do not fit float32 before the zero point is added.
    wide = np.float64 if stored.dtype.itemsize > 2 and (scale, zero) != (1, 0) else np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        values: Array = stored.astype(wide, copy=False)
        if scale != 1:
            values *= scale
        if zero:
            values += zero
        if missing is not None:
            values[missing] = np.nan
        return values.astype(np.float32, copy=False)


def _tiles_make_sense(cards: Mapping[str, Any]) -> bool:
    """Whether what astropy and its codecs believe without a look may be believed: an odd number ends the process."""
    settings = {str(cards[key]).strip(): cards.get(f"ZVAL{key[5:]}") for key in cards if key.startswith("ZNAME")}
    return (
        _is_within(cards.get("TFIELDS"), MAX_COLUMNS)
        and settings.get("BYTEPIX", 4) in (1, 2, 4, 8)
        and _is_within(settings.get("BLOCKSIZE", 32), MAX_BLOCK_PX)
        and all(_is_within(cards[key], MAX_SAMPLES) for key in cards if key.startswith("ZTILE"))
    )


def _is_within(value: object, most: int) -> bool:
    # not `in range(…)`: that walks through it for what is no whole number
    return isinstance(value, int) and 0 < value <= most


def _decompress(stream: BinaryIO, name: str, image: Image) -> Array:
    """Read a tile-compressed image."""
    from astropy.io import fits

    if not _tiles_make_sense(image.hdu.cards):
        raise FrameError("unreadable", f"{name}: the table of its compressed picture is damaged; copy it again.")
    try:
        with _astropy_lock, warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            stream.seek(0)
            # Not closed: that would close our stream.
            return _gathered(image, _tile_blocks(fits.open(stream, memmap=False)[image.index], image))
    except Exception as error:  # the one that the tile codecs raise has no public name
        raise FrameError(
            "unreadable", f"{name}: its compressed picture is damaged ({shown(error)}); copy it again."
        ) from error


def _tile_blocks(hdu: Any, image: Image) -> Iterator[tuple[Plane, slice, Array]]:
    """Read a tile-compressed image, whole tiles at a time."""
    height, width = image.size
    above = hdu.shape[: -len(image.shape)]
    if hdu.shape != (*above, *image.shape) or math.prod(above) != 1:
        raise ValueError("it is of another size")
    tile_rows = image.hdu.cards.get(f"ZTILE{2 if image.planes_first else len(image.shape)}", 1)
    at_once = tile_rows * max(1, BLOCK_BYTES // (4 * width * tile_rows))
    for plane in image.planes:
        place = (0,) * len(above) + plane
        for top in range(0, height, at_once):
            rows = slice(top, min(top + at_once, height))
            values = np.asarray(hdu.section[(*place, rows)])
            yield plane, rows, values if values.dtype == np.uint16 else values.astype(np.float32)
