"""Damaged files, by the hundred: whatever the bytes, a frame or one FrameError, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from astropy.io import fits
from PIL import Image

from livestack.errors import REASONS, FrameError
from livestack.read import close_decoders, is_complete, open_frame, open_header, order_key
from tests.read.writing import noise, write_dng, write_fits, write_ser

ROUNDS = 150


def specimens(folder: Path) -> dict[str, Path]:
    """One small sound file of each sort."""
    paths = {
        name: folder / f"sound_{name}" for name in ("fits", "fz", "gz", "dng", "tif", "zlib.tif", "png", "jpg", "ser")
    }
    names = {name: path.with_suffix(suffix) for name, (path, suffix) in zip(paths, _suffixes(paths), strict=True)}
    write_fits(names["fits"], OBJECT="M 31", EXPTIME=10.0, BAYERPAT="RGGB", DATE__OBS="2026-01-02T03:04:05")
    fits.CompImageHDU(noise((40, 40))).writeto(names["fz"])
    names["gz"].write_bytes(gzip.compress(names["fits"].read_bytes()))
    write_dng(names["dng"], noise((48, 64)))
    tifffile.imwrite(names["tif"], noise((3, 20, 30)), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(names["zlib.tif"], noise(), compression="zlib", predictor=True)
    cv2.imwrite(str(names["png"]), noise())
    write_ser(names["ser"], noise((1, 24, 32)), 8)
    exif = Image.Exif()
    exif[271], exif[306] = "Canon", "2026:01:02 03:04:05"
    Image.fromarray(noise().astype("u1")).save(names["jpg"], exif=exif)
    return names


def _suffixes(paths: dict[str, Path]) -> list[tuple[Path, str]]:
    endings = {"fz": ".fits.fz", "gz": ".fits.gz", "zlib.tif": ".tif"}
    return [
        (path.with_name(path.name.replace(".", "_")), endings.get(name, f".{name}")) for name, path in paths.items()
    ]


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """A few bytes changed, a piece lost, doubled or zeroed, mostly near the front, where the structure is."""
    data = bytearray(content)
    for _ in range(random.integers(1, 6)):
        reach = len(data) if random.random() < 0.4 else min(len(data), 1500)
        at = int(random.integers(0, max(1, reach)))
        length = int(random.integers(1, 40))
        match random.integers(0, 5):
            case 0 | 1:
                data[at : at + 1] = bytes([random.integers(0, 256)])
            case 2:
                data[at : at + length] = random.bytes(length)
            case 3:
                del data[at : at + length]
            case _:
                data[at : at + length] = b"\0" * length if random.random() < 0.5 else data[at : at + length] * 2
    return bytes(data[: int(random.integers(1, len(data) + 1))] if random.random() < 0.1 else data)


@pytest.mark.parametrize("sort", ["fits", "fz", "gz", "dng", "tif", "zlib.tif", "png", "jpg", "ser"])
def test_damage_is_only_ever_a_frame_error(sort: str, tmp_path: Path) -> None:
    sound = specimens(tmp_path)[sort]
    open_frame(sound)
    content = sound.read_bytes()
    random = np.random.default_rng(2026)
    refusals = 0
    for i in range(ROUNDS):
        path = tmp_path / f"{i}_{sound.name.replace('sound', 'bad')}"
        path.write_bytes(damaged(content, random))
        for look in (open_frame, open_header):
            try:
                look(path)
            except FrameError as error:
                refusals += look is open_frame
                assert error.reason in REASONS
                assert path.name in error.sentence and "\n" not in error.sentence
        assert is_complete(path) in (True, False, None)
        order_key(path)
        path.unlink()
    close_decoders()
    assert refusals > ROUNDS // 10, "the damage is real"
