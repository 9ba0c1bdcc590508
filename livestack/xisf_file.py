"""A stack as XISF 1.0, for PixInsight: 32-bit floats from 0 to 1, the noise beside the mean, the FITS keywords kept."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from livestack.atomic import write_large
from livestack.frame import Array
from livestack.straight import Straight

ADU = 65535.0
"""What becomes 1."""
BLOCK = 4096
_STRUCTURE = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND", "BSCALE", "BZERO", "PCOUNT", "GCOUNT", "HISTORY", "COMMENT", "")


def write_xisf(path: Path, images: Mapping[str, Array], keywords: Mapping[str, Any], version: str) -> None:
    """Write images (C, H, W), ADU, by their names; the first is what other programs open.

    Raises
    ------
    OSError
        It cannot be written.
    """
    room = BLOCK
    while True:  # where the data begin depends on how much is said of where they begin
        header = _header(images, keywords, version, room)
        if 16 + len(header) <= room:
            break
        room += BLOCK

    def write(file: Straight) -> None:
        file.write(b"XISF0100" + struct.pack("<II", room - 16, 0) + header.ljust(room - 16, b"\0"))
        for planes in images.values():
            for plane in planes:
                file.write((plane * np.float32(1 / ADU)).astype("<f4").tobytes())

    write_large(path, write)


def _header(images: Mapping[str, Array], keywords: Mapping[str, Any], version: str, begin: int) -> bytes:
    said = "".join(
        f"<FITSKeyword name={quoteattr(name)} value={quoteattr(_written(value))} comment=''/>"
        for name, value in keywords.items()
        if not name.startswith(_STRUCTURE[:4]) and name not in _STRUCTURE
    )
    parts = []
    for name, planes in images.items():
        c, h, w = planes.shape
        size = 4 * planes.size
        parts.append(
            f"<Image id={quoteattr(name)} geometry='{w}:{h}:{c}' sampleFormat='Float32' bounds='0:1' "
            f"colorSpace='{'RGB' if c == 3 else 'Gray'}' location='attachment:{begin}:{size}'>{said}</Image>"
        )
        begin += size
    maker = f"<Property id='XISF:CreatorApplication' type='String'>livestack {version}</Property>"
    return (
        "<?xml version='1.0' encoding='UTF-8'?><xisf version='1.0' xmlns='http://www.pixinsight.com/xisf'>"
        f"{''.join(parts)}<Metadata>{maker}</Metadata></xisf>"
    ).encode()


def _written(value: Any) -> str:
    """Value of a FITS keyword as a header holds it."""
    if isinstance(value, bool):
        return "T" if value else "F"
    return "'{}'".format(value.replace("'", "''")) if isinstance(value, str) else str(value)
