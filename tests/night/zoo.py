"""Files that are no pictures, or hardly: what lies in a folder after years of nights."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

CUTS = (80, 2879, 2880, 5760, 30000, 300000)
"""Bytes at which a frame is torn."""
NO_PICTURES = {"size_1x": "unreadable", "size_3x": "unreadable", "cube": "mismatched"}


def write_zoo(folder: Path, frame: Path) -> dict[str, str]:
    """Fill a folder; returns each file's name with the reason it must be left out for, or ``silence``.

    Parameters
    ----------
    frame : Path
        A FITS frame to tear.
    """
    folder.mkdir(parents=True)
    told = {name: "silence" for name in _no_files(folder)}
    for cut in CUTS:
        (folder / f"torn_{cut}.fit").write_bytes(frame.read_bytes()[:cut])
        told[f"torn_{cut}.fit"] = "truncated"
    packed = gzip.compress(frame.read_bytes())
    (folder / "torn.fit.gz").write_bytes(packed[: len(packed) // 2])
    told["torn.fit.gz"] = "truncated"
    for name, content in {**_headers(), **_other_bytes()}.items():
        (folder / name).write_bytes(content)
        told[name] = "unreadable"
    told |= {"torn_huge.fits": "truncated", "endless.fits": "truncated"}
    for name, data in _pictures().items():
        fits.PrimaryHDU(data).writeto(folder / name)
        told[name] = next((reason for start, reason in NO_PICTURES.items() if name.startswith(start)), "too_few_stars")
    _odd_headers(folder)
    return told | {path.name: "too_few_stars" for path in folder.glob("odd_*.fits")}


def _no_files(folder: Path) -> list[str]:
    """What is not a file with something in it: never opened, never waited for."""
    for name in ("empty_1.fits", "empty_2.cr2", "empty_3.jpg", "empty_4.tif"):
        (folder / name).touch()
    for name in ("folder_1.fits", "folder_2.cr2"):
        (folder / name).mkdir()
    for name in ("pipe_1.fits", "pipe_2.nef"):
        os.mkfifo(folder / name)
    links = {"broken.fits": "/nowhere/x.fits", "loop.fits": "loop.fits", "zeros.fits": "/dev/zero"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    return [path.name for path in folder.iterdir()]


def _headers() -> dict[str, bytes]:
    """FITS headers that lie."""
    pictures = {
        "huge.fits": {"BITPIX": 16, "NAXIS": 2, "NAXIS1": 2_000_000, "NAXIS2": 2_000_000},
        "torn_huge.fits": {"BITPIX": 16, "NAXIS": 2, "NAXIS1": 20_000, "NAXIS2": 10_000},
        "negative.fits": {"BITPIX": 16, "NAXIS": 2, "NAXIS1": -5, "NAXIS2": 100},
        "words.fits": {"BITPIX": 16, "NAXIS": 2, "NAXIS1": "'abc'", "NAXIS2": 100},
        "bits.fits": {"BITPIX": 13, "NAXIS": 2, "NAXIS1": 20, "NAXIS2": 20},
        "axes.fits": {"BITPIX": 16, "NAXIS": 999},
    }
    made = {}
    for name, cards in pictures.items():
        lines = [f"{key:8}= {value:>20}".ljust(80) for key, value in {"SIMPLE": "T", **cards}.items()]
        made[name] = "".join([*lines, "END".ljust(80)]).encode().ljust(2880) + bytes(2880)
    made["endless.fits"] = (b"SIMPLE  =                    T".ljust(80) + b"COMMENT x".ljust(80) * 35) * 20
    return made


def _other_bytes() -> dict[str, bytes]:
    noise = np.random.default_rng(3).bytes
    web = b"<html>Welcome to the hotel's network</html>" * 50
    return {
        "text.fits": b"this is not a picture\n" * 500,
        "noise_1.fit": noise(50_000),
        "noise_2.png": noise(5_000),
        "noise_3.nef": noise(100_000),
        "noise_4.fits.gz": b"\x1f\x8b" + noise(4_000),
        "noise_5.fits.fz": noise(9_000),
        "text_2.fits.gz": gzip.compress(b"hello" * 1000),
        "web_1.cr2": web,
        "web_2.jpg": web,
        "web_3.tif": web,
    }


def _pictures() -> dict[str, Any]:
    """Pictures without a star in them, of every size and kind of number."""
    rng = np.random.default_rng(4)
    sky = rng.normal(1000, 10, (200, 300)).astype(np.float32)
    half = sky.copy()
    half[:, :150] = np.nan
    flawed = sky.copy()
    flawed[::7] = np.inf
    sizes = [(1, 1), (1, 5000), (3, 3000), (4, 4), (5, 5), (8, 8), (64, 64)]
    return {
        **{f"size_{h}x{w}.fits": rng.normal(1000, 10, (h, w)).astype(np.uint16) for h, w in sizes},
        "grey.fits": np.full((200, 300), 500, np.uint16),
        "black.fits": np.zeros((200, 300), np.uint16),
        "white.fits": np.full((200, 300), 65535, np.uint16),
        "nan.fits": np.full((200, 300), np.nan, np.float32),
        "inf.fits": np.full((200, 300), np.inf, np.float32),
        "half_nan.fits": half,
        "some_inf.fits": flawed,
        "sky.fits": sky,
        "below_zero.fits": (sky - 1000) * np.float32(1e29),
        "almost_zero.fits": (sky - 1000) * np.float32(1e-31),
        "int64.fits": sky.astype(np.int64),
        "four_axes.fits": sky[None, None],
        "cube_2.fits": np.stack([sky, sky]),
        "cube_5.fits": np.stack([sky] * 5),
        "colours_last.fits": np.stack([sky] * 3, axis=2),  # read as what it is: three colours
    }


def _odd_headers(folder: Path) -> None:
    """Pictures without a star whose header says what cannot be."""
    sky = np.random.default_rng(5).normal(1000, 10, (101, 121)).astype(np.uint16)
    headers = {
        "odd_size": {"BAYERPAT": "RGGB"},
        "odd_pattern": {"BAYERPAT": "XYZW"},
        "odd_words": {"EXPTIME": "long", "GAIN": "high", "XBINNING": "two", "DATE-OBS": "yesterday"},
        "odd_names": {"OBJECT": "../../etc/passwd", "FILTER": "a/b\\c:*?", "INSTRUME": "\t"},
        "odd_times": {"EXPTIME": -5.0, "DATE-OBS": "0000-00-00T99:99:99"},
    }
    for name, cards in headers.items():
        header = fits.Header()
        for key, value in cards.items():
            header[key] = value.replace("\t", " ") if isinstance(value, str) else value
        fits.PrimaryHDU(sky, header).writeto(folder / f"{name}.fits")
