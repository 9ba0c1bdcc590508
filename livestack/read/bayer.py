"""Which colour lies over which pixel of the array as it is in memory."""

from __future__ import annotations

from typing import Final

PATTERNS: Final = frozenset({"RGGB", "BGGR", "GRBG", "GBRG"})
XTRANS_LENGTH: Final = 36


def clean_pattern(text: str) -> str:
    """Return a pattern without quotes and blanks, in capitals."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def is_xtrans(pattern: str) -> bool:
    """Whether this is the 6x6 pattern of a Fujifilm X-Trans sensor, row by row."""
    return len(pattern) == XTRANS_LENGTH and set(pattern) <= set("RGB")


def swap_rows(pattern: str) -> str:
    """Return the pattern one row further down."""
    return pattern[2:] + pattern[:2]


def swap_columns(pattern: str) -> str:
    """Return the pattern one column further right."""
    return pattern[1::-1] + pattern[:1:-1]


def in_memory(pattern: str, height: int, bottom_up: bool, x_offset: int = 0, y_offset: int = 0) -> str:
    """Return the colours of ``data[0, 0], data[0, 1], data[1, 0], data[1, 1]``, rows as in the file.

    Parameters
    ----------
    pattern : str
        BAYERPAT: the top left of the sensor as one sees the picture.
    height : int
        Rows of the array, px.
    bottom_up : bool
        Whether the first row of the file is the bottom one. An odd height then starts on the same kind of row.
    x_offset, y_offset : int
        XBAYROFF, YBAYROFF: where the picture starts on the pattern, px.
    """
    if bottom_up and height % 2 == 0:
        pattern = swap_rows(pattern)
    if x_offset % 2:
        pattern = swap_columns(pattern)
    if y_offset % 2:
        pattern = swap_rows(pattern)
    return pattern
