"""What cameras say of an exposure, under the names that a FITS header would use.

EXIF is a TIFF directory. TIFF, DNG and most makers' RAW files are one themselves; a JPEG carries one in a segment,
Fujifilm's RAF carries such a JPEG, and Canon's CR3 carries several in boxes of their own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from livestack.read.ifd import CutShort, Directory, offsets, read_directories

MAKE, MODEL, DATE_TIME = 271, 272, 306
EXPOSURE_TIME, ISO, DATE_ORIGINAL, OFFSET_ORIGINAL, SUBSECOND_ORIGINAL = 33434, 34855, 36867, 36881, 37521
FOCAL_LENGTH: Final = 37386

CR3_MAGIC: Final = b"ftypcrx "
CR3_BOXES: Final = (b"CMT1", b"CMT2")
CR3_REACH: Final = 1 << 18
"""The boxes lie in the first kilobytes, before previews and pixels."""
RAF_MAGIC: Final = b"FUJIFILM"
RAF_JPEG: Final = slice(84, 92)
"""Offset and length of the JPEG, big-endian."""

JPEG_MAGIC: Final = b"\xff\xd8"
EXIF_MARK: Final = b"Exif\0\0"
START_OF_SCAN, APP1 = 0xDA, 0xE1
BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})


def exif_of(stream: BinaryIO, size: int) -> dict[str, Any]:
    """Return what the EXIF of a camera file of `size` bytes says; nothing where there is none or it is damaged."""
    stream.seek(0)
    head = stream.read(RAF_JPEG.stop)
    if head[4:12] == CR3_MAGIC:
        return _cr3(head + stream.read(CR3_REACH))
    if head.startswith(RAF_MAGIC):
        stream.seek(int.from_bytes(head[RAF_JPEG][:4], "big"))
        return jpeg_exif(io.BytesIO(stream.read(min(size, int.from_bytes(head[RAF_JPEG][4:], "big")))))
    return _of_directories(stream, size)


def exif_in(block: bytes) -> dict[str, Any]:
    """Return what an EXIF block inside another file says; nothing where it is damaged."""
    return _of_directories(io.BytesIO(block), len(block))


def jpeg_exif(stream: BinaryIO) -> dict[str, Any]:
    """Return what the EXIF segment of a JPEG says."""
    if stream.read(len(JPEG_MAGIC)) != JPEG_MAGIC:
        return {}
    blocks = (content for marker, content in jpeg_segments(stream) if marker == APP1 and content.startswith(EXIF_MARK))
    return next((exif_in(block[len(EXIF_MARK) :]) for block in blocks), {})


def jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Walk over (marker, content) up to the first scan, whose content is all the rest."""
    stream.seek(len(JPEG_MAGIC))
    while len(head := stream.read(2)) == 2 and head[0] == 0xFF:
        if head[1] in BARE_MARKERS:
            continue
        if head[1] == 0xFF:
            stream.seek(-1, 1)
            continue
        length = int.from_bytes(stream.read(2), "big")
        if head[1] == START_OF_SCAN:
            yield head[1], stream.read()
            return
        content = stream.read(max(0, length - 2))
        if len(content) < length - 2:
            return
        yield head[1], content


def _cr3(content: bytes) -> dict[str, Any]:
    tags: Directory = {}
    for name in CR3_BOXES:
        at = content.find(name)
        if at >= 4:
            block = content[at + 4 : at - 4 + int.from_bytes(content[at - 4 : at], "big")]
            try:
                tags = {**tags, **_merged(read_directories(io.BytesIO(block), len(block)))}
            except CutShort:
                continue
    return _keywords(tags)


def _of_directories(stream: BinaryIO, size: int) -> dict[str, Any]:
    try:
        return _keywords(_merged(read_directories(stream, size)))
    except CutShort:
        return {}


def _merged(directories: list[Directory]) -> Directory:
    tags: dict[int, Any] = {}
    for directory in directories:
        tags = {**directory, **tags}
    return tags


def _keywords(tags: Directory) -> dict[str, Any]:
    make, model = (str(tags.get(tag, "")).strip() for tag in (MAKE, MODEL))
    moment = str(tags.get(DATE_ORIGINAL) or tags.get(DATE_TIME, ""))
    if tags.get(DATE_ORIGINAL):
        subsecond = str(tags.get(SUBSECOND_ORIGINAL, "")).strip()
        moment = f"{moment}{'.' + subsecond if subsecond.isdigit() else ''}{tags.get(OFFSET_ORIGINAL, '')}"
    iso = offsets(tags, ISO)
    said = {
        "INSTRUME": model if not make or model.upper().startswith(make.split()[0].upper()) else f"{make} {model}",
        "DATE-OBS": moment,
        "EXPTIME": _number(tags, EXPOSURE_TIME),
        "ISOSPEED": iso[0] if iso else None,
        "FOCALLEN": _number(tags, FOCAL_LENGTH),
    }
    return {key: value for key, value in said.items() if value not in (None, "", 0, 0.0)}


def _number(tags: Directory, tag: int) -> float | None:
    value = tags.get(tag)
    return value if isinstance(value, int | float) else None
