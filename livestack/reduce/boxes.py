"""Means over boxes from running sums: of px, or of cells of 3 × 3 px where what is wanted varies slowly."""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS, F

CELL = 3
"""A box of 33 px is one of 11 cells: that it moves by cells, not by px, changes its mean by less than 0.01 σ."""


@njit(**OPTIONS)
def _join(sums: Array, counts: Array, row: tuple[Array, Array], sign: float) -> None:
    for x in range(sums.size):
        sums[x] += sign * row[0][x]
        counts[x] += sign * row[1][x]


@njit(**INNER)
def along_row(sums: Array, counts: Array, half: int, out: Array) -> None:
    """Divide sums by counts in a window of 2 half + 1 about each place of a row."""
    w = sums.size
    total, n = 0.0, 0.0
    for x in range(-half, w):
        if x + half < w:
            total += sums[x + half]
            n += counts[x + half]
        if x - half - 1 >= 0:
            total -= sums[x - half - 1]
            n -= counts[x - half - 1]
        if x >= 0:
            out[x] = F(total / max(n, 1.0))


@njit(**OPTIONS)
def box_mean(sums: Array, counts: Array, half: int, out: Array) -> None:
    """Divide sums by counts, all (h, w), in a (2 half + 1)² box about each place; float64 running sums."""
    h, w = sums.shape
    columns, numbers = np.zeros(w), np.zeros(w)
    for y in range(-half, h):
        if y + half < h:
            _join(columns, numbers, (sums[y + half], counts[y + half]), 1.0)
        if y - half - 1 >= 0:
            _join(columns, numbers, (sums[y - half - 1], counts[y - half - 1]), -1.0)
        if y >= 0:
            along_row(columns, numbers, half, out[y])
