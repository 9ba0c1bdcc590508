"""A stack at the size of a screen, and its local contrast at half size: row by row, so that loops are SIMD."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, LEAF, OPTIONS, F


@njit(**LEAF)
def _is_whole(one: Array, other: Array) -> bool:
    """Whether two rows are covered from end to end."""
    n = 0
    for x in range(one.size):
        n += (one[x] == 0) | (other[x] == 0)
    return n == 0


@njit(**LEAF)
def _halve(one: Array, other: Array, out: Array) -> None:
    for x in range(one.size // 2):
        out[x] = F(0.25) * (one[2 * x] + one[2 * x + 1] + other[2 * x] + other[2 * x + 1])
    if one.size % 2 == 1:
        out[one.size // 2] = F(0.5) * (one[-1] + other[-1])


@njit(**LEAF)
def _halve_covered(rows: tuple[Array, Array], coverage: tuple[Array, Array], out: Array) -> None:
    """2 × 2 means over what is covered; 0 where nothing is."""
    for x in range(out.size):
        total, n = F(0), 0
        for k in range(2):
            for xx in range(2 * x, min(2 * x + 2, rows[k].size)):
                if coverage[k][xx] > 0:
                    total += rows[k][xx]
                    n += 1
        out[x] = total / F(n) if n > 0 else F(0)


@njit(**LEAF)
def _raise_to(low: Array, high: Array, floor: Any, out: Array) -> None:
    """Square of the difference of 3 px, less its noise, where that is more than out."""
    w = out.size
    for x in range(1, w - 1):
        range_ = max(high[x - 1], high[x], high[x + 1]) - min(low[x - 1], low[x], low[x + 1])
        out[x] = max(out[x], range_ * range_ - floor)
    for x in (0, w - 1):
        e, f = max(x - 1, 0), min(x + 1, w - 1)
        range_ = max(high[e], high[x], high[f]) - min(low[e], low[x], low[f])
        out[x] = max(out[x], range_ * range_ - floor)


@njit(**LEAF)
def _bounds(u: Array, m: Array, d: Array, low: Array, high: Array) -> None:
    for x in range(m.size):
        low[x] = min(u[x], m[x], d[x])
        high[x] = max(u[x], m[x], d[x])


@njit(**OPTIONS)
def contrast_band(mean: Array, coverage: Array, noise: Array, beta: float, out: Array, y0: int, y1: int) -> None:
    """β × local contrast of a picture at half resolution: the largest over channels of 3×3 max − min of 2×2 means.

    Its own noise (2.2 σ of a 2×2 mean) is taken off in quadrature. Rows y0…y1 of out (H/2, W/2).

    Parameters
    ----------
    noise : (C,) variance of one px of `mean`, ADU².
    """
    channels, height, _ = mean.shape
    h, w = out.shape
    halves = np.empty((y1 - y0 + 2, w), np.float32)
    low, high = np.empty(w, np.float32), np.empty(w, np.float32)
    out[y0:y1] = F(0)
    for c in range(channels):
        seen = coverage[min(c, coverage.shape[0] - 1)]
        for k in range(halves.shape[0]):
            yy = min(max(y0 - 1 + k, 0), h - 1)
            a, b = 2 * yy, min(2 * yy + 1, height - 1)
            if _is_whole(seen[a], seen[b]):
                _halve(mean[c, a], mean[c, b], halves[k])
            else:
                _halve_covered((mean[c, a], mean[c, b]), (seen[a], seen[b]), halves[k])
        floor = F(2.2 * 2.2 / 4) * F(noise[c])
        for y in range(y0, y1):
            k = y - y0
            _bounds(halves[k], halves[k + 1], halves[k + 2], low, high)
            _raise_to(low, high, floor, out[y])
    for y in range(y0, y1):
        row = out[y]
        for x in range(w):
            row[x] = F(beta) * np.sqrt(row[x])


@njit(**LEAF)
def _add_row(row: Array, seen: Array, total: Array, n: Array) -> None:
    """Add what is covered of a row, and count it."""
    for x in range(row.size):
        total[x] += row[x] if seen[x] > 0 else F(0)
        n[x] += F(1) if seen[x] > 0 else F(0)


@njit(**LEAF)
def _add_whole_row(row: Array, total: Array) -> None:
    for x in range(row.size):
        total[x] += row[x]


@njit(**LEAF)
def _join(total: Array, step: int, n: Any, out: Array) -> None:
    """Mean of n px whose columns were added up, of every `step` columns."""
    share = F(1) / F(n)
    if step == 1:
        for x in range(out.size):
            out[x] = total[x] * share
    elif step == 2:
        for x in range(out.size):
            out[x] = (total[2 * x] + total[2 * x + 1]) * share
    elif step == 3:
        for x in range(out.size):
            out[x] = (total[3 * x] + total[3 * x + 1] + total[3 * x + 2]) * share
    else:
        for x in range(out.size):
            light = F(0)
            for xx in range(x * step, x * step + step):
                light += total[xx]
            out[x] = light * share


@njit(**LEAF)
def _join_covered(total: Array, n: Array, step: int, out: Array) -> None:
    """`_join` where not all px count; NaN where none does."""
    for x in range(out.size):
        light, px = F(0), F(0)
        for xx in range(x * step, x * step + step):
            light += total[xx]
            px += n[xx]
        out[x] = light * (F(1) / px) if px > 0 else F(np.nan)


@njit(**LEAF)
def _interleave(work: Array, channels: int, n: int, out: Array) -> None:
    """Put n px of planes, rows 2 and on of what is worked with, into px (n · C)."""
    if channels == 3:
        r, g, b = work[2, :n], work[3, :n], work[4, :n]
        for x in range(r.size):
            out[3 * x], out[3 * x + 1], out[3 * x + 2] = r[x], g[x], b[x]
    else:
        for x in range(out.size):  # numba compiles a copy of a slice for seconds
            out[x] = work[2, x]


@njit(**LEAF)
def _means(mean: Array, coverage: Array, step: int, place: tuple[int, int, int], work: Array) -> None:
    """Fill planes, rows 2 and on of `work`, as `preview_row` does."""
    y, x0, x1 = place
    columns, rows = slice(x0 * step, x1 * step), range(y * step, y * step + step)
    total, n = work[0, : (x1 - x0) * step], work[1, : (x1 - x0) * step]
    whole = True
    for yy in rows:
        seen = coverage[0, yy, columns]
        whole = whole and _is_whole(seen, seen)
    for c in range(mean.shape[0]):
        total[:], n[:] = F(0), F(0)
        for yy in rows:
            if whole:
                _add_whole_row(mean[c, yy, columns], total)
            else:
                _add_row(mean[c, yy, columns], coverage[0, yy, columns], total, n)
        if whole:
            _join(total, step, step * step, work[2 + c, : x1 - x0])
        else:
            _join_covered(total, n, step, work[2 + c, : x1 - x0])


@njit(**INNER)
def preview_row(mean: Array, coverage: Array, step: int, place: tuple[int, int, int], work: Array, out: Array) -> None:
    """Mean over step × step px of what is covered, for px x0…x1 of row y of out (h, w, C); NaN where nothing is.

    Parameters
    ----------
    place : y, x0, x1.
    work : (2 + C, ≥ step · (x1 − x0)) float32 to work with.
    """
    y, x0, x1 = place
    _means(mean, coverage, step, place, work)
    _interleave(work, mean.shape[0], x1 - x0, out[y, x0:x1].ravel())


@njit(**OPTIONS)
def preview_rows(mean: Array, coverage: Array, step: int, out: Array, y0: int, y1: int) -> None:
    """`preview_row` of rows y0…y1 of out, from end to end."""
    work = np.empty((2 + mean.shape[0], step * out.shape[1]), np.float32)
    for y in range(y0, y1):
        preview_row(mean, coverage, step, (y, 0, out.shape[1]), work, out)


@njit(**OPTIONS)
def brightest_band(data: Array, step: int, out: Array, y0: int, y1: int) -> None:
    """Largest of step × step px, rows y0…y1 of out (h, w)."""
    for y in range(y0, y1):
        row = out[y]
        for k in range(step):
            px = data[y * step + k]
            for x in range(row.size):
                most = px[x * step]
                for xx in range(x * step + 1, x * step + step):
                    most = max(most, px[xx])
                row[x] = most if k == 0 else max(row[x], most)
