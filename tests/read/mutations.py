"""Damage of every sort, done to small sound files of every format. A new format is one line in `SOUND`."""

from __future__ import annotations

import functools
import gzip
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import tifffile
from astropy.io import fits
from PIL import Image

from tests.read.writing import Array, noise, write_dng, write_fits, write_linear_dng, write_ser, write_xisf

Random = np.random.Generator
Write = Callable[[Path], object]
Damage = Callable[[bytearray, bytes, Random], None]

FRONT_BYTES: Final = 3000
"""Where the structure of a small file is."""
WORDS: Final = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
NUMBERS: Final = (
    *("0", "1", "-1", "3", "16", "255", "65536", "99999", "30000000", "2147483647", "4294967296", "9" * 19, "9" * 30),
    *("NaN", "inf", "1E309", "-0.5", "0.1", "T", "'x'", "", "/"),
)
NUMBER: Final = re.compile(rb"[-+]?\d+(?:\.\d+)?")
PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"


def _compressed(path: Path, data: Array, kind: str) -> None:
    fits.CompImageHDU(data, compression_type=kind).writeto(path)


def _jpeg(path: Path) -> None:
    exif = Image.Exif()
    exif[271], exif[306] = "Canon", "2026:01:02 03:04:05"
    exif.get_ifd(34665).update({33434: 2.5, 34855: 1600})
    Image.fromarray((noise((24, 32, 3)) % 256).astype("u1")).save(path, exif=exif)


def _packed(path: Path) -> None:
    plain = write_fits(path.with_suffix(""))
    path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()


def _png(path: Path, data: Array) -> None:
    path.write_bytes(cv2.imencode(".png", data)[1].tobytes())


KEYWORD: Final = (
    '<FITSKeyword name="EXPTIME" value="10." comment=""/><ColorFilterArray pattern="RGGB" width="2" height="2"/>'
)
SOUND: Final[dict[str, Write]] = {
    "u2.fits": functools.partial(
        write_fits, OBJECT="M 31", EXPTIME=10.0, BAYERPAT="RGGB", DATE__OBS="2026-01-02T03:04:05"
    ),
    "f4.fits": functools.partial(write_fits, data=noise((3, 20, 30), "f4"), CRVAL1=10.0, CTYPE1="RA---TAN"),
    "i4.fits": functools.partial(write_fits, data=noise(dtype="i4"), BLANK=7),
    "u1.fits": functools.partial(write_fits, data=(noise() % 256).astype("u1"), IMAGETYP="Dark Frame"),
    "rice.fits.fz": functools.partial(_compressed, data=noise((40, 40)), kind="RICE_1"),
    "gzip.fits.fz": functools.partial(_compressed, data=noise((40, 40), "f4"), kind="GZIP_2"),
    "hcompress.fits.fz": functools.partial(_compressed, data=noise((40, 40)), kind="HCOMPRESS_1"),
    "plio.fits.fz": functools.partial(_compressed, data=noise((40, 40), "i2"), kind="PLIO_1"),
    "u2.fits.gz": _packed,
    "cfa.dng": functools.partial(write_dng, data=noise((48, 64)), black=100, active_area=(2, 2, 46, 62)),
    "masked.cr2": functools.partial(write_dng, data=noise((48, 64)), active_area=(10, 12, 48, 64)),
    "linear.dng": functools.partial(write_linear_dng, data=noise((40, 40, 3)), black=(10, 20, 30)),
    "planes.tif": lambda path: tifffile.imwrite(path, noise((3, 20, 30)), photometric="rgb", planarconfig="separate"),
    "zlib.tif": lambda path: tifffile.imwrite(path, noise(), compression="zlib", predictor=True),
    "f4.tif": lambda path: tifffile.imwrite(path, noise(dtype="f4"), bigtiff=True, byteorder=">"),
    "tiles.tif": lambda path: tifffile.imwrite(path, noise((64, 64)), tile=(16, 16), compression="zlib"),
    "separate.tif": lambda path: tifffile.imwrite(
        path, noise((3, 20, 30)), photometric="rgb", planarconfig="separate", compression="zlib", predictor=True
    ),
    "u2.ser": functools.partial(write_ser, frames=noise((1, 24, 32)), colour=8),
    "bgr.ser": functools.partial(write_ser, frames=noise((2, 24, 32, 3)), colour=101, times=[1 << 59, (1 << 59) + 9]),
    "u2.png": functools.partial(_png, data=noise((24, 32, 3))),
    "u1.png": functools.partial(_png, data=(noise() % 256).astype("u1")),
    "a.jpg": _jpeg,
    "u2.xisf": functools.partial(write_xisf, data=noise(), children=KEYWORD),
    "f4.xisf": functools.partial(write_xisf, data=noise((24, 32, 3), "f4"), codec="zlib+sh", bounds="0:1"),
    "lz4.xisf": functools.partial(write_xisf, data=noise(), codec="lz4+sh", imageType="Light"),
    "planes.xisf": functools.partial(write_xisf, data=noise((24, 32, 3)), codec="zstd+sh", byteOrder="big"),
    "zstd.xisf": functools.partial(write_xisf, data=noise(), codec="zstd"),
    "inline.xisf": functools.partial(write_xisf, data=noise(), location="inline:base64"),
}
"""Name of a small file, suffix and all → what writes it."""


def specimen(name: str, folder: Path) -> bytes:
    """Return the bytes of one sound file."""
    path = folder / f"sound_{name}"
    SOUND[name](path)
    content = path.read_bytes()
    path.unlink()
    return content


def mutated(content: bytes, other: bytes, random: Random) -> bytes:
    """Return a damaged copy.

    Parameters
    ----------
    other : bytes
        Another file, of which a part may be put in.
    """
    if content.startswith(b"\x1f\x8b") and random.random() < 0.5:
        return gzip.compress(mutated(gzip.decompress(content), other, random), 1, mtime=0)
    data = bytearray(content)
    for _ in range(random.integers(1, 5)):
        DAMAGES[random.integers(len(DAMAGES))](data, other, random)
    return _mended(bytes(data)) if random.random() < 0.6 else bytes(data)


def _place(data: bytearray, random: Random) -> int:
    """Choose a place, mostly near the front."""
    reach = min(len(data), FRONT_BYTES) if random.random() < 0.6 else len(data)
    return int(random.integers(0, max(1, reach)))


def _flip_bits(data: bytearray, _: bytes, random: Random) -> None:
    for _ in range(random.integers(1, 9)):
        if data:
            data[_place(data, random) % len(data)] ^= 1 << int(random.integers(0, 8))


def _scramble(data: bytearray, _: bytes, random: Random) -> None:
    at, length = _place(data, random), int(random.integers(1, 40))
    data[at : at + length] = random.bytes(length)


def _zero(data: bytearray, _: bytes, random: Random) -> None:
    at = _place(data, random)
    length = min(len(data) - at, int(random.integers(1, 3000)))
    data[at : at + length] = bytes(max(0, length))


def _cut(data: bytearray, _: bytes, random: Random) -> None:
    del data[_place(data, random) :]


def _lose(data: bytearray, _: bytes, random: Random) -> None:
    at = _place(data, random)
    del data[at : at + int(random.integers(1, 200))]


def _double(data: bytearray, _: bytes, random: Random) -> None:
    at, length = _place(data, random), int(random.integers(1, 3000))
    data[at:at] = data[at : at + length]


def _swap(data: bytearray, _: bytes, random: Random) -> None:
    length = int(random.integers(1, 1000))
    one, two = sorted(_place(data, random) for _ in range(2))
    if one + length <= two and two + length <= len(data):
        data[one : one + length], data[two : two + length] = data[two : two + length], data[one : one + length]


def _splice(data: bytearray, other: bytes, random: Random) -> None:
    """Go on as another file, from the same place or from any."""
    at = _place(data, random)
    data[at:] = other[at if random.random() < 0.5 else int(random.integers(0, len(other) + 1)) :]


def _change_number(data: bytearray, _: bytes, random: Random) -> None:
    """Write something else where a header has a number: huge, negative, no number at all."""
    found = list(NUMBER.finditer(data, 0, 2 * FRONT_BYTES))
    if not found:
        return
    start, end = found[random.integers(len(found))].span()
    new = NUMBERS[random.integers(len(NUMBERS))].encode()
    if data.startswith(b"SIMPLE"):  # a card keeps its length
        room = len(bytes(data[start // 80 * 80 : start])) - len(bytes(data[start // 80 * 80 : start]).rstrip(b" "))
        start -= max(0, min(room, len(new) - (end - start)))
        new = new.rjust(end - start)[: end - start]
    data[start:end] = new


def _change_word(data: bytearray, _: bytes, random: Random) -> None:
    """Write an extreme number where a binary header may have a length, an offset or a tag."""
    at = _place(data, random) & ~1
    form = ("<H", "<I", ">H", ">I", "<Q")[random.integers(5)]
    word = WORDS[random.integers(len(WORDS))] & ((1 << 8 * struct.calcsize(form)) - 1)
    packed = struct.pack(form, word)
    data[at : at + len(packed)] = packed


DAMAGES: Final[tuple[Damage, ...]] = (
    *(_flip_bits, _scramble, _zero, _cut, _lose, _double, _swap, _splice),
    *(_change_number, _change_number, _change_word, _change_word),
)


def _mended(content: bytes) -> bytes:
    """Set right the sums and lengths that would give the damage away at the door."""
    if content.startswith(b"XISF0100") and (end := content.find(b"</xisf>")) > 0:
        return content[:8] + (end - 9).to_bytes(4, "little") + content[12:]
    if not content.startswith(PNG_MAGIC):
        return content
    chunks, at = [PNG_MAGIC], len(PNG_MAGIC)
    while at + 12 <= len(content):
        length = min(int.from_bytes(content[at : at + 4], "big"), len(content) - at - 12)
        body = content[at + 4 : at + 8 + length]
        chunks.append(length.to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big"))
        at += 12 + length
    return b"".join(chunks)
