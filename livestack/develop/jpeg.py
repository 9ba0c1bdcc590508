"""JPEG in strips, as many at once as there are threads.

Each strip is encoded for itself. Their scans follow one another behind one header, restart markers between them: that
is what one encoder would have written which restarts there (ITU-T T.81, B.2.4.4 and E.1.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import cv2

from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

BLOCK_PX, MOST_BLOCKS, MOST_PX = 8, 65535, 65535
"""Side of a block; most blocks of an interval between restarts; longest side of a picture."""
STRIP_BLOCKS = 16
"""Rows of blocks of a strip, where an interval holds so many."""
START, SCAN, FRAME, RESTART, INTERVAL, END = 0xD8, 0xDA, 0xC0, 0xD0, 0xDD, 0xD9
APPLICATIONS = range(0xE0, 0xF0)
"""Markers: what programs say of a picture."""


def jpeg_of(
    shape: tuple[int, ...], rows_of: Callable[[int, int], Array], quality: int, said: bytes, threads: Executor | None
) -> list[bytes]:
    """Encode a picture, colours at its full size; returns the parts of a file.

    Parameters
    ----------
    shape : (H, W) or (H, W, 3).
    rows_of : gives some rows of it, grey or BGR uint8.
    said : a JPEG whose words about a picture are taken over.

    Raises
    ------
    SettingsError
        It is too large for a JPEG.
    """
    height, width = shape[:2]
    if max(height, width) > MOST_PX:
        raise SettingsError(f"a JPEG has at most {MOST_PX} px a side; choose a smaller --size, or .png or .tif")
    across = -(-width // BLOCK_PX)
    strip = min(STRIP_BLOCKS, MOST_BLOCKS // across)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]

    def encode(y0: int, y1: int) -> bytes:
        done, encoded = cv2.imencode(".jpg", rows_of(y0, y1), options)
        if not done:
            raise OSError("the picture could not be encoded as JPEG")
        return bytes(encoded.tobytes())

    strips = each_part(height, strip * BLOCK_PX, threads, encode)
    words = [segment for marker, segment in _segments(said) if marker in APPLICATIONS]
    tables = [_of_height(segment, height) for marker, segment in _segments(strips[0]) if marker not in APPLICATIONS]
    interval = _marker(INTERVAL) + (4).to_bytes(2) + (strip * across).to_bytes(2)
    head = b"".join([_marker(START), *words, *tables[:-1], interval, tables[-1]])
    parts = [head, _scan(strips[0])]
    for k, encoded in enumerate(strips[1:]):
        parts += [_marker(RESTART + k % 8), _scan(encoded)]
    return [*parts, _marker(END)]


def _marker(kind: int) -> bytes:
    return bytes((0xFF, kind))


def _segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each part of a JPEG before its scan, the head of that last."""
    at, marker = 2, START
    while marker != SCAN:
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        yield marker, jpeg[at:end]
        at = end


def _scan(jpeg: bytes) -> bytes:
    """Return the px of a JPEG, as they are coded."""
    begin = 2 + sum(len(segment) for _, segment in _segments(jpeg))
    return jpeg[begin:-2]


def _of_height(segment: bytes, height: int) -> bytes:
    """Return a segment, with another height if it is the one that tells it."""
    return segment[:5] + height.to_bytes(2) + segment[7:] if segment[1] == FRAME else segment
