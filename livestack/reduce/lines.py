"""Straight lines in a picture by a fast Radon transform (Götz and Druck 1996; Brady 1998): sums along every line."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.bands import each_part
from livestack.reduce.compile import INNER, LEAF, OPTIONS, F
from livestack.reduce.medians import median

MAX_GRID = 512
"""The transform runs on at most so many bins a side."""
THRESHOLD = 5.5
"""Least strength, in σ, of a line over the whole picture."""
MOST_LINES = 4
CLIP = 4.0
"""The residual is clipped to so many σ: one star that changed is no line."""

TOGETHER = 16
"""Columns copied together when rows and columns are exchanged."""
MOST_COUNTED = 65535
"""So many px along a line are counted as whole numbers of half the size: there is half as much to go through."""

Line = tuple[float, float, float, float, float]
"""x0, y0, x1, y1, and its strength, σ."""


@njit(**LEAF)
def _add_rows(top: Array, below: Array, out: Array) -> None:
    """Sum of a row and one that ends before it."""
    for x in range(below.size):
        out[x] = top[x] + below[x]
    for x in range(below.size, out.size):
        out[x] = top[x]


@njit(**LEAF)
def _double(now: Array, rows: int, height: int, new: Array) -> None:
    """From sums of blocks of so many rows to those of twice as many.

    Row 2 rows · b + s holds block b at shift s; blocks beyond the picture stay empty.
    """
    first = len(now) - 2 * rows  # farther left no line down so many rows meets the picture
    for at in range(0, height, 2 * rows):
        for s in range(2 * rows):
            upper = s // 2
            _add_rows(now[at + upper, first:], now[at + rows + upper, first + s - upper :], new[at + s, first:])


@njit(**LEAF)
def _double_twice(now: Array, rows: int, height: int, work: Array, new: Array) -> None:
    """`_double` done twice: what is between, two rows at a time (2, w), stays in the nearest cache."""
    middle = len(now) - 2 * rows
    first = middle - 2 * rows
    one, other = work[0], work[1]
    one[first:middle] = 0
    other[first:middle] = 0
    for at in range(0, height, 4 * rows):
        for s in range(2 * rows):
            upper = s // 2
            shift, k = middle + s - upper, at + upper
            _add_rows(now[k, middle:], now[k + rows, shift:], one[middle:])
            _add_rows(now[k + 2 * rows, middle:], now[k + 3 * rows, shift:], other[middle:])
            for more in range(2):
                _add_rows(one[first:], other[first + s + more :], new[at + 2 * s + more, first:])


@njit(**OPTIONS)
def _line_sums(a: Array, mirrored: bool) -> Array:
    """R[s, x + H] = sum of a (h × W) along the line from x in the first row to x + s in row H − 1; H = 2^k ≥ h.

    mirrored : left and right of `a` are exchanged first.
    """
    height, width = a.shape
    full = 1
    while full < height:
        full *= 2
    wide = width + full
    now, new = np.zeros((full, wide), a.dtype), np.zeros((full, wide), a.dtype)
    work = np.empty((2, wide), a.dtype)
    for y in range(height):
        row, to = a[y], now[y, full:]
        if mirrored:
            for x in range(width):
                to[x] = row[width - 1 - x]
        else:
            for x in range(width):
                to[x] = row[x]
    rows = 1
    while rows < full:
        if 2 * rows < full:
            _double_twice(now, rows, height, work, new)
            rows *= 4
        else:
            _double(now, rows, height, new)
            rows *= 2
        now, new = new, now
    return now


@njit(**OPTIONS)
def _exchanged(a: Array, out: Array) -> None:
    """Copy of (h, w) with rows and columns exchanged, by columns that lie in the cache together."""
    h, w = a.shape
    for x0 in range(0, w, TOGETHER):
        for y in range(h):
            for x in range(x0, min(x0 + TOGETHER, w)):
                out[x, y] = a[y, x]


@njit(**INNER)
def _has_stronger(a: Array, n: Array, few: Any, best: Any) -> int:
    """How many lines of a row of sums are stronger than the best so far: mostly none, and that is soon told."""
    found = 0
    for x in range(a.size - 2):
        v, m = a[x + 1], F(n[x + 1])
        wide, many = a[x] + v + a[x + 2], F(n[x]) + m + F(n[x + 2])
        found += (m > few) & (v > 0) & (v * v > best * m)
        found += (many > F(3) * few) & (wide > 0) & (wide * wide > best * many)
    return found


@njit(**OPTIONS)
def _strongest(sums: Array, counts: Array, least: float) -> tuple[float, int, int]:
    """Strongest line of one or three bins width: (σ, s, x)."""
    best, best_s, best_x = F(0), 0, 0
    n_s, wide = sums.shape
    few = F(least)
    for s in range(n_s):
        a, n = sums[s], counts[s]
        if not _has_stronger(a, n, few, best):
            continue
        for x in range(wide - 2):
            v, m = a[x + 1], F(n[x + 1])
            if m > few and v > 0 and v * v > best * m:
                best, best_s, best_x = v * v / m, s, x + 1
            v, m = a[x] + v + a[x + 2], F(n[x]) + m + F(n[x + 2])
            if m > F(3) * few and v > 0 and v * v > best * m:
                best, best_s, best_x = v * v / m, s, x + 1
    return math.sqrt(best), best_s, best_x


@njit(**OPTIONS)
def _binned(z: Array, ok: Array, unit: float, step: int) -> tuple[Array, Array]:
    """Bin the clipped residual, in units: sums over step × step px and how many px count."""
    h, w = z.shape[0] // step, z.shape[1] // step
    sums, counts = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
    factor = F(1 / unit)
    column, number = np.empty(w * step, np.float32), np.empty(w * step, np.float32)
    for by in range(h):
        column[:], number[:] = F(0), F(0)
        for y in range(by * step, by * step + step):
            row, good = z[y], ok[y]
            for x in range(w * step):
                v = row[x] * factor
                v = v if v < F(CLIP) else F(CLIP)
                v = v if v > F(-CLIP) else F(-CLIP)
                column[x] += v if good[x] else F(0)
                number[x] += F(1) if good[x] else F(0)
        for bx in range(w):
            for x in range(bx * step, bx * step + step):
                sums[by, bx] += column[x]
                counts[by, bx] += number[x]
    return sums, counts


def find_lines(z: Array, ok: Array, unit: float = 1.0, threads: Executor | None = None) -> list[Line]:
    """Lines that stand out of a residual: (x0, y0, x1, y1, σ), strongest first, px of `z`.

    Parameters
    ----------
    z : (h, w) float32
    ok : (h, w) bool
        Px that may be used.
    unit : float
        Noise of a sum over z, of that of as many independent px of unit noise.
    """
    step = max(1, math.ceil(max(z.shape) / MAX_GRID))
    size = 1 << math.ceil(math.log2(max(max(z.shape) // step, 2)))
    sums, counts = _binned(z, ok, unit, step)
    full = counts > step * step / 2
    if full.sum() < 100:
        return []
    middle = median(sums[full] / counts[full])
    sums = (sums - middle * counts).astype(np.float32)
    lines = []
    for _ in range(MOST_LINES):
        line = _strongest_line(sums, counts, 0.15 * size * step * step, threads)
        if line[4] < THRESHOLD:
            break
        x0, y0, x1, y1, sn = line
        lines.append(
            ((x0 + 0.5) * step - 0.5, (y0 + 0.5) * step - 0.5, (x1 + 0.5) * step - 0.5, (y1 + 0.5) * step - 0.5, sn)
        )
        _erase(sums, counts, x0, y0, x1, y1)
    return lines


def _strongest_line(sums: Array, counts: Array, least: float, threads: Executor | None) -> Line:
    """Over the four octants of direction."""
    whole = counts.astype(np.uint16) if max(counts.shape) * counts.max() <= MOST_COUNTED else counts
    pairs = ((sums, whole), (_turned(sums), _turned(whole)))
    found = each_part(4, 1, threads, lambda octant, _: _strongest_in(octant, *pairs[octant // 2], least))
    return max(found, key=lambda line: line[4])


def _turned(a: Array) -> Array:
    out = np.empty(a.shape[::-1], a.dtype)
    _exchanged(a, out)
    return out


def _strongest_in(octant: int, a: Array, n: Array, least: float) -> Line:
    """Strongest line of an octant; from 2 on x and y of the picture are exchanged. Turned, lines lead down right."""
    of_sums, of_counts = _line_sums(a, bool(octant % 2)), _line_sums(n, bool(octant % 2))
    sn, s, x = _strongest(of_sums, of_counts, least)
    size = len(of_sums)
    ends: list[float] = []
    for px, py in ((x - size, 0.0), (x - size + s, size - 1.0)):
        qx = a.shape[1] - 1 - px if octant % 2 else px
        ends += [py, qx] if octant >= 2 else [qx, py]
    return float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]), float(sn)


@njit(**OPTIONS)
def _erase(sums: Array, counts: Array, x0: float, y0: float, x1: float, y1: float) -> None:
    """Take a line of five bins width out, so that the next one can be found."""
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    for y in range(sums.shape[0]):
        for x in range(sums.shape[1]):
            if abs((x - x0) * uy - (y - y0) * ux) <= 2.5:
                sums[y, x] = F(0)
                counts[y, x] = F(0)
