"""Flags of the px of a row, set and counted many at a time: no loop here branches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import LEAF, F

OUT, STRONG, UNCOVERED = 1, 2, 3
"""Judged out, and so far off that what touches it is out too; not on the sensor."""


@njit(**LEAF)
def far_off(sample: Array, mean: Array, limit: Any, far: Array) -> None:
    """Mark the samples of a row whose square distance from the mean is above a limit, and those that are none."""
    for x in range(mean.size):
        d = sample[x] - mean[x]
        far[x] = not d * d <= limit


@njit(**LEAF)
def far_off_in_any(
    sample: tuple[Array, Array, Array], mean: tuple[Array, Array, Array], limit: tuple[Any, Any, Any], far: Array
) -> None:
    """`far_off` of a row in three colours."""
    r, g, b = sample
    mean_r, mean_g, mean_b = mean
    limit_r, limit_g, limit_b = limit
    for x in range(r.size):
        dr, dg, db = r[x] - mean_r[x], g[x] - mean_g[x], b[x] - mean_b[x]
        far[x] = not (dr * dr <= limit_r) & (dg * dg <= limit_g) & (db * db <= limit_b)


@njit(**LEAF)
def is_any(words: Array) -> bool:
    """Whether anything is marked in a row that is looked at eight px at a time."""
    seen = np.uint64(0)
    for k in range(words.size):
        seen |= words[k]
    return bool(seen)


@njit(**LEAF)
def has_any(marks: Array) -> bool:
    """Whether anything is marked in a row of any length."""
    seen = False
    for x in range(marks.size):
        seen |= marks[x]
    return seen


@njit(**LEAF)
def count_out(flags: Array, rejected: Array) -> int:
    """Count what is judged out of a row, in each px and in all."""
    n = 0
    for x in range(flags.size):
        hit = (flags[x] == OUT) | (flags[x] == STRONG)
        rejected[x] += np.uint16(hit)
        n += hit
    return n


@njit(**LEAF)
def count_uncovered(row: Array) -> int:
    """Count the samples of a row that are none: not finite."""
    n = np.int32(0)
    for x in range(row.size):
        n = np.int32(n + np.int32(not np.abs(row[x]) <= F(3e38)))
    return int(n)


@njit(**LEAF)
def count_uncovered_in_any(r: Array, g: Array, b: Array) -> int:
    """`count_uncovered` of a row in three colours: px that lack one of them."""
    n = np.int32(0)
    for x in range(r.size):
        there = (np.abs(r[x]) <= F(3e38)) & (np.abs(g[x]) <= F(3e38)) & (np.abs(b[x]) <= F(3e38))
        n = np.int32(n + np.int32(not there))
    return int(n)


@njit(**LEAF)
def flag_uncovered(row: Array, flags: Array) -> None:
    """Flag the px of a row where a sample is none."""
    for x in range(flags.size):
        flags[x] = flags[x] if np.abs(row[x]) <= F(3e38) else np.uint8(UNCOVERED)


@njit(**LEAF)
def take_mean(row: Array, mean: Array, flags: Array) -> None:
    """Put the mean where px are not covered: there it stays."""
    for x in range(row.size):
        row[x] = mean[x] if flags[x] == np.uint8(UNCOVERED) else row[x]
