"""Which colour lies over which pixel of the array as it is in memory: Bayer cells of 2 × 2 px, X-Trans of 6 × 6."""

from __future__ import annotations

import itertools
import math
from typing import Final

from livestack.frame import XTRANS

PATTERNS: Final = frozenset({"RGGB", "BGGR", "GRBG", "GBRG"})


def clean_pattern(text: str) -> str:
    """Return a pattern without quotes and blanks, in capitals."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def is_pattern(pattern: str) -> bool:
    """Whether this is a Bayer pattern, or X-Trans from wherever its picture starts."""
    return pattern in PATTERNS or pattern in XTRANS_PATTERNS


def looks_like_xtrans(pattern: str) -> bool:
    """Whether this is a 6 × 6 pattern, of X-Trans or not."""
    return len(pattern) == len(XTRANS) and set(pattern) <= set("RGB")


def shifted(pattern: str, rows: int, columns: int) -> str:
    """Return a square pattern as seen from so many px further down and to the right."""
    n = math.isqrt(len(pattern))
    return "".join(pattern[n * ((y + rows) % n) + (x + columns) % n] for y in range(n) for x in range(n))


XTRANS_PATTERNS: Final = frozenset(shifted(XTRANS, *shift) for shift in itertools.product(range(6), repeat=2))
"""Mirrored, the cell is one of these again."""


def in_memory(pattern: str, height: int, bottom_up: bool, x_offset: int = 0, y_offset: int = 0) -> str:
    """Return the colours of the first cell of the array, ``data[0, 0], data[0, 1], …``, rows as in the file.

    Parameters
    ----------
    pattern : str
        BAYERPAT: the top left of the sensor as one sees the picture.
    height : int
        Rows of the array, px.
    bottom_up : bool
        Whether the first row of the file is the bottom one, so that the pattern is seen from the last row upwards.
    x_offset, y_offset : int
        XBAYROFF, YBAYROFF: where the picture starts on the pattern, px.
    """
    seen = shifted(pattern, y_offset, x_offset)
    if not bottom_up:
        return seen
    n = math.isqrt(len(seen))
    rows = [seen[n * y : n * y + n] for y in range(n)]
    return "".join(rows[(height - 1 - y) % n] for y in range(n))
