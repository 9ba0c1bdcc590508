"""Files into frames.

One door for every format: `open_frame` and `open_header` raise `FrameError` with one sentence, whatever bytes a file
holds. By name alone: `suffix_of`, `is_frame_name`, `file_of`. Without decoding: `is_complete`, `order_key`; `frames_in`
and `share_of` for files that hold many frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

from livestack.errors import FrameError, LivestackError
from livestack.frame import Frame, Header
from livestack.read import fits, image, raw, ser, xisf
from livestack.read.decoder import DECODERS
from livestack.read.files import opened
from livestack.read.names import (
    FITS_SUFFIXES,
    IMAGE_SUFFIXES,
    RAW_SUFFIXES,
    SER_SUFFIX,
    XISF_SUFFIXES,
    NaturalKey,
    file_of,
    has_number,
    is_stray,
    natural_key,
    suffix_of,
)
from livestack.read.times import time_in_name

__all__ = [
    "READERS",
    "close_decoders",
    "file_of",
    "frames_in",
    "is_complete",
    "is_frame_name",
    "open_frame",
    "open_header",
    "order_key",
    "share_of",
    "suffix_of",
]

MODULES: Final = (
    *((suffix, fits) for suffix in FITS_SUFFIXES),
    *((suffix, image) for suffix in IMAGE_SUFFIXES),
    *((suffix, raw) for suffix in RAW_SUFFIXES),
    (SER_SUFFIX, ser),
    *((suffix, xisf) for suffix in XISF_SUFFIXES),
)
READERS: dict[str, Callable[[Path], Frame]] = {suffix: module.read_frame for suffix, module in MODULES}
"""Suffix → what reads it. A reader added here is used by every door; its header is then its frame's."""
HEADERS: Final[dict[str, Callable[[Path], Header]]] = {suffix: module.read_header for suffix, module in MODULES}
COMPLETE: Final[dict[str, Callable[[Path], bool | None]]] = {suffix: module.is_complete for suffix, module in MODULES}

NO_TIME_S: Final = 0.0
"""Where frames without a time, but with a number in their name, stand: before all others, by their number."""


def is_frame_name(path: Path) -> bool:
    """Whether the name alone allows this to be a frame.

    It has a reader and is not hidden, temporary, a thumbnail, a NINA name still to be filled in, or some program's
    finished stack. Masters are frames: their header's kind says so.
    """
    return suffix_of(path) in READERS and not is_stray(path)


def is_complete(path: Path) -> bool | None:
    """Whether the file holds as much as it declares, without decoding; never raises.

    Returns
    -------
    bool, optional
        False also for a file that cannot be opened now: gone, or locked by who writes it. None = this format, or this
        file, does not say; the decoder will.
    """
    said = COMPLETE.get(suffix_of(path))
    try:
        if said:
            return said(path)
        with opened(path):
            return None
    except LivestackError:
        return False


def frames_in(path: Path) -> list[Path]:
    """Return the frames of a file: itself, or those of a video, each a path of its own; never raises."""
    return ser.frames_in(path) if suffix_of(path) == SER_SUFFIX and file_of(path) == path else [path]


def share_of(path: Path) -> bytes:
    """Return the bytes that make a frame of a video this frame: what the video says of all, its px and its time.

    Raises
    ------
    FrameError, SourceError
        As `open_frame`.
    """
    return ser.share_of(path)


def open_frame(path: Path) -> Frame:
    """Read one file.

    Parameters
    ----------
    path : Path
        Its suffix chooses the reader.

    Returns
    -------
    Frame
        data uint16 or float32, (H, W) or (H, W, 3), ADU, native byte order, read-only; contiguous, or of colours that a
        FITS file holds as planes a view of those.

    Raises
    ------
    FrameError
        unreadable, truncated, mismatched, vanished: with one sentence, whatever the file holds.
    SourceError
        The disk or the share failed.
    """
    return _reader_of(path)(path)


def open_header(path: Path) -> Header:
    """Read only what a file says of itself; cheaper than `open_frame`, and the data may be missing.

    Of camera RAW, cfa and saturation_adu may be None here: only the decoder knows them.

    Raises
    ------
    FrameError, SourceError
        As `open_frame`.
    """
    reader = _reader_of(path)
    header = HEADERS.get(suffix_of(path))
    return header(path) if header else reader(path).header


def order_key(path: Path, header: Header | None = None) -> tuple[float, NaturalKey]:
    """Return the key that sorts files oldest first; never raises. `header`: its own, where that was read already.

    The first part is seconds since 1970: of the header's time, else of a time in the name, else of the file's last
    change. A name with a number but no time is better ordered by that number than by when it was copied; a number is
    no time, so all such files share `NO_TIME_S` and the second part, the natural path, orders them.
    """
    try:
        is_raw = suffix_of(path) in RAW_SUFFIXES
        moment = raw.read_time(path) if is_raw else (header or open_header(path)).time_utc
    except (LivestackError, OSError):
        moment = None
    moment = moment or time_in_name(path.name)
    if moment:
        return moment.timestamp(), natural_key(path)
    if has_number(path):
        return NO_TIME_S, natural_key(path)
    try:
        return file_of(path).stat().st_mtime, natural_key(path)
    except OSError:
        return math.inf, natural_key(path)


def close_decoders() -> None:
    """End the child processes that decode camera RAW; they are started again when needed."""
    DECODERS.close()


def _reader_of(path: Path) -> Callable[[Path], Frame]:
    reader = READERS.get(suffix_of(path))
    if reader is None:
        raise FrameError("unreadable", f"{path.name}: livestack reads no {suffix_of(path) or 'nameless'} files.")
    return reader
