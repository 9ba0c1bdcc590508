"""Files as camera programs write them, small."""

from __future__ import annotations

import base64
import math
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import lz4.block
import numpy as np
import numpy.typing as npt
import tifffile
import zstandard
from astropy.io import fits

Array = npt.NDArray[Any]


def noise(shape: tuple[int, ...] = (24, 32), dtype: str = "u2", seed: int = 1) -> Array:
    """A frame of nothing but noise around 1000 ADU."""
    return np.random.default_rng(seed).normal(1000, 30, shape).astype(dtype)


def write_fits(path: Path, data: Array | None = None, **cards: Any) -> Path:
    """Write one image; a keyword with a hyphen is given with two underscores (``DATE__OBS``)."""
    hdu = fits.PrimaryHDU(noise() if data is None else data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, value in cards.items():
            hdu.header[key.replace("__", "-")] = value
        hdu.writeto(path, overwrite=True, output_verify="ignore")
    return path


def write_text_header(path: Path, lines: str, data: Array | None = None) -> Path:
    """Write a header as it stands, card by card, above an unsigned 16-bit image."""
    image = noise() if data is None else data
    shape = image.shape[::-1]
    cards = ["SIMPLE  =                    T", "BITPIX  =                   16", f"NAXIS   = {image.ndim:20d}"]
    cards += [f"NAXIS{i + 1}  = {length:20d}" for i, length in enumerate(shape)]
    cards += ["BZERO   =                32768", "BSCALE  =                    1"]
    cards += [line for line in lines.splitlines() if line.strip()] + ["END"]
    header = "".join(card.ljust(80)[:80] for card in cards).encode("latin-1")
    pixels = (image.astype("u2") ^ 0x8000).astype(">u2").tobytes()
    path.write_bytes(_blocks(header, b" ") + _blocks(pixels, b"\0"))
    return path


def _blocks(content: bytes, fill: bytes) -> bytes:
    return content + fill * (-len(content) % 2880)


def write_dng(
    path: Path,
    data: Array,
    pattern: str = "RGGB",
    black: int = 0,
    white: int = 16383,
    active_area: tuple[int, int, int, int] | None = None,
) -> Path:
    """Write a CFA DNG, uncompressed; active_area is (top, left, bottom, right) px."""
    cfa = bytes("RGB".index(colour) for colour in pattern)
    tags = [
        (33421, "H", 2, (math.isqrt(len(cfa)),) * 2, True),
        (33422, "B", len(cfa), cfa, True),
        (50706, "B", 4, b"\1\4\0\0", True),
        (50707, "B", 4, b"\1\1\0\0", True),
        (50708, "s", 0, "Testcam One", True),
        (50714, "H", 1, black, True),
        (50717, "I", 1, white, True),
        (50721, "2i", 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
        (50778, "H", 1, 21, True),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),
        (33434, "2I", 1, (30, 1), True),
        (34855, "H", 1, 800, True),
        (306, "s", 0, "2026:01:02 03:04:05", True),
        (271, "s", 0, "Testcam", True),
        (272, "s", 0, "Testcam One", True),
    ]
    if active_area:
        tags.append((50829, "I", 4, active_area, True))
    tifffile.imwrite(path, data, photometric=32803, extratags=tags, metadata=None, software=False)
    return path


def write_ser(path: Path, frames: Array, colour: int = 0, **facts: Any) -> Path:
    """Write a SER video of (N, H, W) or (N, H, W, 3) frames, 8-bit or 16-bit by their dtype.

    facts: depth (bits), count, big_endian, start and times (100 ns since the year 1).
    """
    deep = frames.dtype.itemsize == 2
    head = struct.pack(
        "<14s7i40s40s40s2q",
        b"LUCAM-RECORDER",
        0,
        colour,
        int(facts.get("big_endian", False)),
        frames.shape[2],
        frames.shape[1],
        facts.get("depth", 16 if deep else 8),
        facts.get("count", len(frames)),
        b"somebody",
        b"ZWO ASI290MM",
        b"C8",
        0,
        facts.get("start", 0),
    )
    order = ">u2" if facts.get("big_endian", False) else "<u2"
    pixels = frames.astype(order if deep else "u1").tobytes()
    path.write_bytes(head + pixels + np.array(facts.get("times", []), "<i8").tobytes())
    return path


def write_linear_dng(path: Path, data: Array, black: tuple[int, int, int]) -> Path:
    """Write a DNG of three colours per px, (H, W, 3) uint16, each with its black level."""
    tags = [
        (50706, "B", 4, b"\1\4\0\0", True),
        (50707, "B", 4, b"\1\1\0\0", True),
        (50708, "s", 0, "Testcam One", True),
        (50713, "H", 2, (1, 1), True),
        (50714, "H", 3, black, True),
        (50717, "I", 3, (16383, 16383, 16383), True),
        (50721, "2i", 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
        (50778, "H", 1, 21, True),
        (33434, "2I", 1, (30, 1), True),
        (271, "s", 0, "Testcam", True),
    ]
    tifffile.imwrite(path, data, photometric="linear_raw", extratags=tags, metadata=None, software=False)
    return path


def write_xisf(path: Path, data: Array, children: str = "", codec: str = "", **attributes: str) -> Path:
    """Write a monolithic XISF file of one (H, W) or (H, W, 3) image.

    Parameters
    ----------
    children : str
        XML below the image: keywords, properties, a CFA.
    codec : str
        zlib, lz4, lz4hc or zstd, with +sh for shuffled bytes; nothing for neither.
    **attributes : str
        Of the image; ``pixelStorage``, ``byteOrder`` and ``location`` (``inline:hex``, ``embedded``) are obeyed.
    """
    names = {"u1": "UInt8", "u2": "UInt16", "u4": "UInt32", "f4": "Float32", "f8": "Float64"}
    planes = data[..., None] if data.ndim == 2 else data
    stored = planes if attributes.get("pixelStorage") == "Normal" else np.moveaxis(planes, -1, 0)
    order = ">" if attributes.get("byteOrder") == "big" else "<"
    plain = np.ascontiguousarray(stored, stored.dtype.newbyteorder(order)).tobytes()
    said = {
        "geometry": f"{data.shape[1]}:{data.shape[0]}:{planes.shape[2]}",
        "sampleFormat": names[data.dtype.str[1:]],
        "colorSpace": "RGB" if data.ndim == 3 else "Gray",
    }
    block, packing = _packed(plain, codec, data.dtype.itemsize)
    kind, _, encoding = attributes.pop("location", "attachment").partition(":")
    written = block.hex() if encoding == "hex" else base64.b64encode(block).decode()
    content = {"attachment": "", "inline": written, "embedded": f'<Data encoding="base64" {packing}>{written}</Data>'}
    places = {"attachment": f"attachment:4096:{len(block)}", "embedded": "embedded"}
    said["location"] = places.get(kind, f"{kind}:{encoding}")
    listed = " ".join(f'{key}="{value}"' for key, value in (said | attributes).items())
    image = f"<Image {listed} {packing if kind != 'embedded' else ''}>{content[kind]}{children}</Image>"
    header = f'<xisf version="1.0" xmlns="http://www.pixinsight.com/xisf">{image}<Metadata/></xisf>'.encode()
    path.write_bytes(b"XISF0100" + len(header).to_bytes(4, "little") + bytes(4) + header)
    if kind == "attachment":
        path.write_bytes(path.read_bytes().ljust(4096, b"\0") + block)
    return path


def _packed(plain: bytes, codec: str, item: int) -> tuple[bytes, str]:
    """Return a block as a codec makes it, and the attribute that says so."""
    if not codec:
        return plain, ""
    name, _, shuffled = codec.partition("+")
    block = np.frombuffer(plain, "u1").reshape(-1, item).T.tobytes() if shuffled else plain
    modes = {"lz4": "fast", "lz4hc": "high_compression"}
    if name in modes:
        block = lz4.block.compress(block, mode=modes[name], store_size=False)
    else:
        block = zlib.compress(block) if name == "zlib" else zstandard.ZstdCompressor().compress(block)
    return block, f'compression="{codec}:{len(plain)}{f":{item}" if shuffled else ""}"'


def torn(path: Path, n_bytes: int) -> Path:
    """Write the first bytes of a file beside it, as an interrupted copy would."""
    part = path.with_name(f"torn_{n_bytes}_{path.name}")
    part.write_bytes(path.read_bytes()[:n_bytes])
    return part
