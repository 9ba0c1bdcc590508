"""Camera RAW into frames, by LibRaw: the only module that imports rawpy, and only in the child process.

LibRaw opens some files that end in the middle and leaves the rest of the picture as the memory was: zero, or part of an
earlier file. Three signs give that away: a file that is smaller than any noise can be packed, a DNG whose strips lie
beyond its end, and rows of nothing but zero at the bottom of the picture. Noise sees to it that not even a bias with
its black level taken off by the camera has such rows.
"""

from __future__ import annotations

import faulthandler
import json
import math
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array, Frame, Header
from livestack.read import bayer, ifd
from livestack.read.decoder import DECODE_LIMIT_S, DECODERS
from livestack.read.exif import exif_of
from livestack.read.files import check_size, make_frame, opened
from livestack.read.header import DAYLIGHT, exposure_of, make_header, time_of
from livestack.read.image import tiff_complete
from livestack.read.keywords import shown
from livestack.read.names import suffix_of

EMPTY_ROWS: Final = 16
"""So many rows of exact zeros at the bottom are no picture."""
LEAST_BITS: Final = 0.2
"""Per px; the strongest lossy packing of real pictures takes 1."""
N_COLOURS: Final = 3
NEVER_BLACK_0: Final = frozenset({".cr2", ".cr3", ".crw"})
"""Canon's: their sensors have a pedestal and a masked border, so where LibRaw finds no black level it knows the camera
not yet. Other makers do write zero, and what lies beyond their picture may be lit: there the level is believed."""
LEAST_BORDER_PX: Final = 8
UNIX_EPOCH_YEAR: Final = 1970
ENOUGH: Final = {"DATE-OBS", "EXPTIME", "INSTRUME", "ISOSPEED"}
"""What a header without pixels must say."""


def read_frame(path: Path) -> Frame:
    """Decode a camera RAW file in a child process.

    Returns
    -------
    Frame
        data (H, W) CFA or mono, (H, W, 3) of a linear DNG; the visible part of the sensor, black level subtracted.
        uint16 where the black level is 0, else float32. ADU of the camera.

    Raises
    ------
    FrameError
        unreadable, truncated, or mismatched (patterns that are neither Bayer nor X-Trans).
    """
    answer, data = DECODERS.ask(_checked(path), pixels=True)
    assert data is not None
    return make_frame(data, _header(path, answer))


def read_header(path: Path) -> Header:
    """Read size, camera, time and exposure, without decoding where the EXIF directory says enough.

    LibRaw knows pattern and levels only after decoding: cfa and saturation_adu may be None here.

    Raises
    ------
    FrameError
        As `read_frame`.
    """
    return _header(path, DECODERS.ask(_checked(path), pixels=False)[0])


def read_time(path: Path) -> datetime | None:
    """Read the middle of the exposure (UTC); from the EXIF directory alone where the format has one."""
    if keywords := _exif(path):
        return time_of(keywords, exposure_of(keywords))
    return read_header(path).time_utc


def is_complete(path: Path) -> bool | None:
    """None: only the decoder can say; but a DNG tells where its strips end."""
    with opened(path) as (stream, size):
        return tiff_complete(stream, size) if suffix_of(path) == ".dng" else None


def _checked(path: Path) -> Path:
    """Refuse, without waking a child, what is no file or empty."""
    with opened(path):
        return path


def _header(path: Path, answer: dict[str, Any]) -> Header:
    height, width = answer["size"]
    return make_header(path, answer["keywords"], (height, width), colour=answer["colour"], cfa=answer["cfa"])


def _exif(path: Path) -> dict[str, Any]:
    """Return what the EXIF directory says; nothing where the format has none or it is cut off."""
    with opened(path) as (stream, size):
        return exif_of(stream, size)


# What follows runs in the child.


def serve() -> None:
    """Answer requests, one line of JSON each, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        # LibRaw must not write between the answers.
        os.dup2(nowhere.fileno(), 1)
        for line in sys.stdin.buffer:
            request = json.loads(line)
            # Even if LibRaw never comes back and nobody is left to kill this process, it ends.
            faulthandler.dump_traceback_later(DECODE_LIMIT_S, exit=True, file=nowhere)
            answer, data = _answer(Path(request["path"]), request["pixels"])
            faulthandler.cancel_dump_traceback_later()
            if data is not None:
                answer |= {"shape": data.shape, "dtype": data.dtype.str}
            answers.write(json.dumps(answer).encode() + b"\n")
            if data is not None:
                answers.write(data.data.cast("B"))
            answers.flush()
            # not kept until the next one is decoded
            del data


def _answer(path: Path, pixels: bool) -> tuple[dict[str, Any], Array | None]:
    """Return what the parent needs, or the reason and sentence of a refusal."""
    import rawpy

    try:
        with opened(path) as (stream, _), rawpy.RawPy() as raw:
            # From memory: LibRaw takes no path that is not UTF-8.
            raw.open_buffer(stream)
            size, keywords = (raw.sizes.height, raw.sizes.width), _exif(path)
            check_size(path.name, size, 1 + N_COLOURS)
            if not pixels and keywords.keys() >= ENOUGH:
                return {"size": size, "colour": False, "cfa": None, "keywords": keywords}, None
            answer, data = _decode(path, raw, keywords)
        return answer, data if pixels else None
    except FrameError as error:
        return {"reason": error.reason, "sentence": error.sentence}, None
    except (rawpy.LibRawError, ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, ValueError) as error:
        return _refused(path, error), None


def _refused(path: Path, error: Exception) -> dict[str, Any]:
    """Return the refusal of a file that LibRaw cannot read."""
    said = error.args[0] if error.args else type(error).__name__
    said = shown(said.decode("latin-1") if isinstance(said, bytes) else said)
    if _ends_early(path):
        return {"reason": "truncated", "sentence": f"{path.name} ends in the middle ({said}); copy it again."}
    return {"reason": "unreadable", "sentence": f"{path.name} cannot be decoded ({said}); copy it again."}


def _ends_early(path: Path, main_only: bool = False) -> bool:
    """Whether the strips of a TIFF-like RAW file lie beyond its end."""
    with opened(path) as (stream, size):
        try:
            return ifd.picture_end(ifd.read_directories(stream, size), main_only) > size
        except ifd.CutShort:
            return True


def _decode(path: Path, raw: Any, keywords: dict[str, Any]) -> tuple[dict[str, Any], Array]:
    """Return size, pattern and keywords as plain numbers and text, and the visible pixels above black."""
    size = raw.sizes.height, raw.sizes.width
    colour = raw.raw_type.name == "Stack"
    cells = None if colour else _cells(path, raw)
    visible = raw.raw_image_visible
    data: Array = visible[..., :N_COLOURS] if colour else visible
    if data.shape[:2] != size:
        raise FrameError("unreadable", f"{path.name} is damaged: its size is not what its header says; copy it again.")
    _check_whole(path, data)
    levels = _levels(path, raw, colour, cells)
    answer = {
        "size": size,
        "colour": colour,
        "cfa": None if cells is None else _pattern(raw, cells),
        "keywords": _completed(keywords, raw, round(max(levels))),
    }
    return answer, _above_black(data, levels)


def _pattern(raw: Any, cells: list[int]) -> str:
    return "".join(raw.color_desc.decode("latin-1")[cell] for cell in cells)


def _cells(path: Path, raw: Any) -> list[int] | None:
    """Return the colour numbers of the first visible cell, 2x2 or 6x6 px; None for a sensor without a mosaic."""
    height, width = raw.raw_pattern.shape
    if height == 1:
        return None
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    cells = [raw.raw_color(top + y, left + x) for y in range(height) for x in range(width)]
    if height != width or not bayer.is_pattern(_pattern(raw, cells)):
        raise FrameError(
            "mismatched", f"{path.name}: its {width}x{height} colour pattern cannot be debayered; save it as RGB."
        )
    return cells


def _levels(path: Path, raw: Any, colour: bool, cells: list[int] | None) -> list[float]:
    """Return the black level of each colour (linear) or of each pixel of the 2x2 cell (CFA), ADU."""
    levels = raw.black_level_per_channel
    if colour:
        return list(levels[:N_COLOURS])
    if suffix_of(path) in NEVER_BLACK_0 and not any(levels):
        return masked_levels(raw.raw_image, raw.sizes.top_margin, raw.sizes.left_margin)
    return [levels[cell] for cell in cells or (0, 0, 0, 0)]


def masked_levels(sensor: Array, top: int, left: int) -> list[float]:
    """Return the black level of each pixel of the 2x2 cell, as the masked border of a sensor shows it.

    Parameters
    ----------
    sensor : (H, W) ndarray of uint16
        With its border.
    top, left : int
        Where the visible part starts, px.

    Returns
    -------
    list of float
        Means without the outer tenths, for some borders are not dark along their edges; 0 where it is too narrow.
    """
    if max(top, left) < LEAST_BORDER_PX:
        return [0.0] * 4
    # The cell is that of the visible part, and a border of odd width begins in its middle.
    border, down, across = (sensor[top:, :left], 0, left % 2) if left >= top else (sensor[:top, left:], top % 2, 0)
    levels = []
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        dark = np.sort(border[(y + down) % 2 :: 2, (x + across) % 2 :: 2], axis=None)
        levels.append(float(dark[len(dark) // 10 : len(dark) - len(dark) // 10].mean(dtype=np.float64)))
    return levels


def _completed(keywords: dict[str, Any], raw: Any, black: int) -> dict[str, Any]:
    """Return what EXIF says, what LibRaw found in the maker's own notes where it is silent, and the levels."""
    other = raw.other
    found = {"EXPTIME": other.shutter_speed, "ISOSPEED": other.iso_speed, "FOCALLEN": other.focal_length}
    # LibRaw computes in float32.
    keywords = {n: float(f"{v:.6g}") for n, v in found.items() if np.isfinite(v) and v > 0} | keywords
    if "DATE-OBS" not in keywords and other.timestamp.year > UNIX_EPOCH_YEAR:
        keywords["DATE-OBS"] = other.timestamp.isoformat()
    keywords |= _daylight(raw)
    return keywords | {"BLACK": black, "SATURATE": max(0, int(raw.white_level) - black)}


def _daylight(raw: Any) -> dict[str, float]:
    """Return what makes daylight white; nothing of a camera that LibRaw does not know."""
    factors = [float(f"{factor:.6g}") for factor in raw.daylight_whitebalance[:N_COLOURS]]
    known = all(math.isfinite(factor) and factor > 0 for factor in factors) and len(set(factors)) > 1
    return dict(zip(DAYLIGHT, factors, strict=True)) if known else {}


def _check_whole(path: Path, data: Array) -> None:
    """Refuse a picture of which only a part is there."""
    if suffix_of(path) == ".dng" and _ends_early(path, main_only=True):
        raise FrameError("truncated", f"{path.name} ends before its picture does; copy it again when it is finished.")
    if 8 * path.stat().st_size < LEAST_BITS * data.size or not data[-EMPTY_ROWS:].any():
        raise FrameError("truncated", f"{path.name}: a part of its picture is missing; copy it again.")


def _above_black(data: Array, levels: list[float]) -> Array:
    """Return a copy without the black level of each colour (linear) or of each pixel of the cell (CFA)."""
    if not any(levels):
        return np.array(data)
    values = data.astype(np.float32)
    if data.ndim == N_COLOURS:
        values -= np.array(levels, np.float32)
    else:
        n = math.isqrt(len(levels))
        for i, level in enumerate(levels):
            values[i // n :: n, i % n :: n] -= level
    return values
