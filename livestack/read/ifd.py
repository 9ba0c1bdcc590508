"""TIFF directories: where the strips of a TIFF, DNG or other camera file lie.

Reads numbers only, never pixels, and never beyond what is there: the file may be damaged or unfinished.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

MAGICS: Final = {42: 4, 43: 8, 0x4F52: 4, 0x5352: 4, 0x55: 4}
"""TIFF, BigTIFF, Olympus (two) and Panasonic → bytes of an offset."""
FORMATS: Final = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
FORMATS_BIG: Final = {**FORMATS, 13: "I", 16: "Q", 17: "q", 18: "Q"}
MAX_DIRECTORIES: Final = 256
MAX_VALUE_BYTES: Final = 1 << 20

NEW_SUBFILE_TYPE, WIDTH, LENGTH, DESCRIPTION, SAMPLES = 254, 256, 257, 270, 277
STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 273, 279, 324, 325
SUB_IFDS, EXIF_IFD = 330, 34665

Directory = Mapping[int, Any]


class CutShort(EOFError):  # noqa: N818 - it says what happened
    """A directory lies beyond the end of the file."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How numbers are written in one file."""

    order: str
    offset_bytes: int

    @property
    def offset(self) -> str:
        """The struct format of an offset."""
        return "I" if self.offset_bytes == 4 else "Q"


def read_directories(stream: BinaryIO, size: int) -> list[Directory]:
    """Return every directory of a TIFF-like file: the chain, then what hangs below it (SubIFDs, EXIF).

    Returns
    -------
    list of mapping
        Tag → number, text, bytes, or a tuple of numbers. Empty where this is no TIFF.

    Raises
    ------
    CutShort
        A directory, or a value of one, lies beyond `size` bytes.
    """
    stream.seek(0)
    head = stream.read(16)
    if len(head) < 8 or head[:2] not in (b"II", b"MM"):
        return []
    order = "<" if head[:2] == b"II" else ">"
    offset_bytes = MAGICS.get(struct.unpack(f"{order}H", head[2:4])[0], 0)
    layout = Layout(order, offset_bytes)
    if not offset_bytes or len(head) < 2 * offset_bytes:
        return []
    (first,) = struct.unpack_from(order + layout.offset, head, offset_bytes)
    directories: list[Directory] = []
    waiting, seen = [first], {0}
    while waiting and len(directories) < MAX_DIRECTORIES:
        offset = waiting.pop(0)
        if offset in seen:
            continue
        seen.add(offset)
        directory, following = _read_directory(stream, size, layout, offset)
        directories.append(directory)
        below = (offsets(directory, tag) for tag in (SUB_IFDS, EXIF_IFD))
        waiting += [following, *(at for found in below for at in found)]
    return directories


def _read_directory(stream: BinaryIO, size: int, layout: Layout, offset: int) -> tuple[Directory, int]:
    """Return the entries of one directory, and the offset of the next (0 = none)."""
    count_format = layout.order + ("H" if layout.offset_bytes == 4 else "Q")
    entry_bytes = 4 + 2 * layout.offset_bytes
    (count,) = _unpack(stream, size, count_format, offset)
    start = offset + struct.calcsize(count_format)
    end = start + count * entry_bytes
    if end + layout.offset_bytes > size:
        raise CutShort
    if count * entry_bytes > MAX_VALUE_BYTES:
        return {}, 0
    stream.seek(start)
    table = stream.read(count * entry_bytes)
    found = {}
    for at in range(0, len(table) - entry_bytes + 1, entry_bytes):
        tag, kind, n = struct.unpack_from(f"{layout.order}HH{layout.offset}", table, at)
        field = table[at + 4 + layout.offset_bytes : at + entry_bytes]
        if (value := _value(stream, size, layout, (kind, n, field))) is not None:
            found[tag] = value
    return found, _unpack(stream, size, layout.order + layout.offset, end)[0]


def _value(stream: BinaryIO, size: int, layout: Layout, entry: tuple[int, int, bytes]) -> Any:
    """Return the value of one entry (kind, count, field); None where it makes no sense or is too long to matter."""
    kind, n, field = entry
    code = FORMATS_BIG.get(kind)
    if code is None or not n:
        return None
    n_bytes = struct.calcsize("<" + code) * n
    if n_bytes > MAX_VALUE_BYTES:
        return None
    if n_bytes > len(field):
        (offset,) = struct.unpack(layout.order + layout.offset, field)
        if offset + n_bytes > size:
            raise CutShort
        stream.seek(offset)
        field = stream.read(n_bytes)
    if code == "s":
        return field[:n].rstrip(b"\0").decode("latin-1") if kind == 2 else field[:n]
    numbers = struct.unpack(layout.order + code * n, field[:n_bytes])
    if len(code) == 2:
        numbers = tuple(a / b if b else 0.0 for a, b in zip(numbers[::2], numbers[1::2], strict=True))
    return numbers if len(numbers) > 1 else numbers[0]


def _unpack(stream: BinaryIO, size: int, form: str, offset: int) -> tuple[int, ...]:
    n_bytes = struct.calcsize(form)
    if offset + n_bytes > size:
        raise CutShort
    stream.seek(offset)
    return struct.unpack(form, stream.read(n_bytes))


def offsets(directory: Directory, tag: int) -> tuple[int, ...]:
    """Return the whole numbers of a tag, however many there are."""
    value = directory.get(tag, ())
    values = value if isinstance(value, tuple) else (value,)
    return tuple(found for found in values if isinstance(found, int))


def picture_end(directories: list[Directory], main_only: bool = False) -> int:
    """Return where the last strip or tile ends, bytes from the start of the file.

    Parameters
    ----------
    directories : list of mapping
        As `read_directories` gives them.
    main_only : bool
        Count the full-size picture alone, not previews.
    """
    end = 0
    for directory in directories:
        if main_only and directory.get(NEW_SUBFILE_TYPE, 0) != 0:
            continue
        for at, length in ((STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTES)):
            starts, lengths = offsets(directory, at), offsets(directory, length)
            end = max([end, *starts, *(start + n for start, n in zip(starts, lengths, strict=False))])
    return end
