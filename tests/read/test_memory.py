"""How much memory a sound file takes while it is read: never more than two pictures, however little it was packed.

Each file is noise over all bits, which no codec makes smaller: the packed bytes are as many as the picture's. A process
of its own reads it, and the system tells how far its memory grew, buffers of the libraries included.
"""

from __future__ import annotations

import functools
import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest
import tifffile
from astropy.io import fits

from tests.read.writing import Array, write_dng, write_fits, write_linear_dng, write_ser, write_xisf

Write = Callable[[Path, Array], object]

MOST_PICTURES: Final = 2.0
SPARE_BYTES: Final = 3_000_000
"""Blocks in hand, and what the allocators of libraries keep; 8 to 4 % of the pictures here."""
SHAPE: Final = (3000, 4000)

CHILD: Final = """
import sys
from pathlib import Path
from livestack.read import open_frame
from livestack.read.decoder import DECODERS

def kept(pid, what):
    return next(int(line.split()[1]) * 1024 for line in open(f"/proc/{pid}/status") if line.startswith(what))

small, big = map(Path, sys.argv[1:])
open_frame(small)
pids = ["self", *(child.pid for child in DECODERS.idle)]
before = []
for pid in pids:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before.append(kept(pid, "VmHWM"))
frame = open_frame(big)
again = open_frame(big) if len(pids) > 1 else None
print(frame.data.nbytes, *(kept(pid, "VmHWM") - was for pid, was in zip(pids, before)))
"""
"""A small file first: what is loaded once is not the picture's. A decoder's child reads twice, for it stays."""


def colours(data: Array) -> Array:
    return np.dstack([data, data[::-1], data[:, ::-1]])


def floats(data: Array) -> Array:
    """0 to 1, every bit of the fraction in use."""
    return (data * np.float32(1.0000123 / 65537)).astype("f4")


def _gzipped(path: Path, data: Array) -> None:
    plain = write_fits(path.with_suffix(""), data)
    path.write_bytes(gzip.compress(plain.read_bytes(), 1, mtime=0))
    plain.unlink()


def _tiles(path: Path, data: Array, kind: str) -> None:
    fits.CompImageHDU(data, compression_type=kind, quantize_level=0).writeto(path)


def _cv(path: Path, data: Array) -> None:
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1] if path.suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 100]
    path.write_bytes(cv2.imencode(path.suffix, data, options)[1].tobytes())


def _of(write: Callable[..., object], change: Callable[[Array], Array] = np.asarray, **options: object) -> Write:
    return lambda path, data: write(path, change(data), **options)


ZLIB: Final = functools.partial(tifffile.imwrite, compression="zlib", predictor=True)
FILES: Final[dict[str, Write]] = {
    "u2.fits": write_fits,
    "u1.fits": _of(write_fits, lambda data: (data % 256).astype("u1")),
    "u4.fits": _of(write_fits, lambda data: data.astype("u4")),
    "f4.fits": _of(write_fits, floats),
    "f8.fits": _of(write_fits, lambda data: data.astype("f8")),
    "planes.fits": _of(write_fits, lambda data: np.moveaxis(colours(data), -1, 0)),
    "blank.fits": _of(write_fits, lambda data: data.astype("i2"), BLANK=7),
    "u2.fits.gz": _gzipped,
    "rice.fits.fz": functools.partial(_tiles, kind="RICE_1"),
    "hcompress.fits.fz": functools.partial(_tiles, kind="HCOMPRESS_1"),
    "gzip.fits.fz": _of(functools.partial(_tiles, kind="GZIP_2"), floats),
    "u2.tif": tifffile.imwrite,
    "f4.tif": _of(tifffile.imwrite, floats, byteorder=">"),
    "f8.tif": _of(tifffile.imwrite, lambda data: data.astype("f8")),
    "planes.tif": _of(
        tifffile.imwrite, lambda data: np.moveaxis(colours(data), -1, 0), photometric="rgb", planarconfig="separate"
    ),
    "alpha.tif": _of(tifffile.imwrite, lambda data: np.dstack([colours(data), data]), photometric="rgb"),
    "negative.tif": _of(tifffile.imwrite, photometric="miniswhite"),
    "strips.tif": _of(ZLIB, rowsperstrip=64),
    "tiles.tif": _of(ZLIB, tile=(256, 256)),
    "f8z.tif": _of(tifffile.imwrite, lambda data: data / 65537, compression="zlib", rowsperstrip=64),
    "planesz.tif": _of(
        ZLIB,
        lambda data: np.moveaxis(colours(data), -1, 0),
        photometric="rgb",
        planarconfig="separate",
        rowsperstrip=64,
    ),
    "grey.png": _cv,
    "rgb.png": _of(_cv, colours),
    "grey.jpg": _of(_cv, lambda data: (data % 256).astype("u1")),
    "rgb.jpg": _of(_cv, lambda data: (colours(data) % 256).astype("u1")),
    "u2.xisf": write_xisf,
    "big.xisf": _of(write_xisf, byteOrder="big"),
    "f4.xisf": _of(write_xisf, floats, bounds="0:1"),
    "f8.xisf": _of(write_xisf, lambda data: data.astype("f8")),
    "planes.xisf": _of(write_xisf, colours),
    "zlib.xisf": _of(write_xisf, codec="zlib"),
    "zlibsh.xisf": _of(write_xisf, floats, codec="zlib+sh", bounds="0:1"),
    "zlibrgb.xisf": _of(write_xisf, colours, codec="zlib+sh"),
    "zstd.xisf": _of(write_xisf, codec="zstd+sh"),
    "lz4.xisf": _of(write_xisf, codec="lz4"),
    "lz4sh.xisf": _of(write_xisf, codec="lz4+sh"),
    "u2.ser": _of(write_ser, lambda data: data[None], colour=8),
    "u1.ser": _of(write_ser, lambda data: (data[None] % 256).astype("u1")),
    "big.ser": _of(write_ser, lambda data: data[None], big_endian=True),
    "bgr.ser": _of(write_ser, lambda data: colours(data)[None], colour=101),
    "cfa.dng": _of(write_dng, lambda data: data // 4),
    "black.dng": _of(write_dng, lambda data: data // 4, black=100),
    "linear.dng": _of(write_linear_dng, lambda data: colours(data) // 4, black=(1, 2, 3)),
}
"""Name of a file → what writes it."""


def taken(write: Write, name: str, folder: Path) -> list[float]:
    """Return how many pictures the memory grew by of each process that reads a file: this one's, a decoder's."""
    paths = folder / f"small_{name}", folder / f"large_{name}"
    random = np.random.default_rng(1)
    for path, shape in zip(paths, ((64, 64), SHAPE), strict=True):
        write(path, random.integers(0, 65536, shape, "u2"))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)], capture_output=True, text=True, check=True, timeout=60
    )
    picture, *grown = map(int, done.stdout.split())
    return [max(0, n_bytes - SPARE_BYTES) / picture for n_bytes in grown]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is told by /proc")
@pytest.mark.parametrize("name", FILES)
def test_a_sound_file_takes_no_more_than_two_pictures(name: str, tmp_path: Path) -> None:
    for n_pictures in taken(FILES[name], name, tmp_path):
        assert n_pictures <= MOST_PICTURES
