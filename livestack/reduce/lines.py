"""Straight lines in a picture by a fast Radon transform (Götz and Druck 1996; Brady 1998): sums along every line."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import OPTIONS, F

MAX_GRID = 512
"""The transform runs on at most so many bins a side."""
THRESHOLD = 5.5
"""Least strength, in σ, of a line over the whole picture."""
MOST_LINES = 4
CLIP = 4.0
"""The residual is clipped to so many σ: one star that changed is no line."""


@njit(**OPTIONS)
def _line_sums(a: Array) -> Array:
    """R[s, x + H] = sum of a (H × W, H = 2^k) along the line from x in the first row to x + s in the last."""
    height, width = a.shape
    wide = width + height
    now = np.zeros((height, 1, wide), np.float32)
    now[:, 0, height:] = a
    rows = 1
    while rows < height:
        new = np.zeros((now.shape[0] // 2, 2 * rows, wide), np.float32)
        for b in range(new.shape[0]):
            for s in range(2 * rows):
                upper = s // 2
                shift = s - upper
                top, below, out = now[2 * b, upper], now[2 * b + 1, upper], new[b, s]
                for x in range(wide - shift):
                    out[x] = top[x] + below[x + shift]
                for x in range(wide - shift, wide):
                    out[x] = top[x]
        now = new
        rows *= 2
    result: Array = now[0]
    return result


@njit(**OPTIONS)
def _strongest(sums: Array, counts: Array, least: float) -> tuple[float, int, int, int]:
    """Strongest line of one or three bins width: (σ, s, x, width)."""
    best, best_s, best_x, best_w = 0.0, 0, 0, 1
    n_s, wide = sums.shape
    for s in range(n_s):
        for x in range(1, wide - 1):
            n = counts[s, x]
            if n > least:
                v = sums[s, x] / math.sqrt(n)
                if v > best:
                    best, best_s, best_x, best_w = v, s, x, 1
            n3 = n + counts[s, x - 1] + counts[s, x + 1]
            if n3 > 3 * least:
                v = (sums[s, x - 1] + sums[s, x] + sums[s, x + 1]) / math.sqrt(n3)
                if v > best:
                    best, best_s, best_x, best_w = v, s, x, 3
    return best, best_s, best_x, best_w


@njit(**OPTIONS)
def _binned(z: Array, ok: Array, step: int, size: int) -> tuple[Array, Array]:
    """Bin the clipped residual: sums over step × step px and how many px count, each (size, size)."""
    sums = np.zeros((size, size), np.float32)
    counts = np.zeros((size, size), np.float32)
    h, w = z.shape[0] // step, z.shape[1] // step
    for y in range(h * step):
        for x in range(w * step):
            if ok[y, x]:
                sums[y // step, x // step] += min(max(z[y, x], F(-CLIP)), F(CLIP))
                counts[y // step, x // step] += F(1)
    return sums, counts


def find_lines(z: Array, ok: Array) -> list[tuple[float, float, float, float, float]]:
    """Lines that stand out of a residual whose sums have unit noise: (x0, y0, x1, y1, σ), strongest first, px of `z`.

    Parameters
    ----------
    z : (h, w) float32
    ok : (h, w) bool
        Px that may be used.
    """
    step = max(1, math.ceil(max(z.shape) / MAX_GRID))
    size = 1 << math.ceil(math.log2(max(max(z.shape) // step, 2)))
    sums, counts = _binned(z, ok, step, size)
    full = counts > step * step / 2
    if full.sum() < 100:
        return []
    middle = float(np.median(sums[full] / counts[full]))
    sums = (sums - middle * counts).astype(np.float32)
    lines = []
    for _ in range(MOST_LINES):
        line = _strongest_line(sums, counts, 0.15 * size * step * step)
        if line[4] < THRESHOLD:
            break
        x0, y0, x1, y1, sn = line
        lines.append(
            ((x0 + 0.5) * step - 0.5, (y0 + 0.5) * step - 0.5, (x1 + 0.5) * step - 0.5, (y1 + 0.5) * step - 0.5, sn)
        )
        _erase(sums, counts, x0, y0, x1, y1)
    return lines


def _strongest_line(sums: Array, counts: Array, least: float) -> tuple[float, float, float, float, float]:
    """Over the four octants of direction."""
    size = sums.shape[0]
    best = (0.0, 0.0, 0.0, 0.0, 0.0)
    for octant in range(4):
        a, n = sums, counts
        if octant >= 2:
            a, n = a.T, n.T
        if octant % 2:
            a, n = a[:, ::-1], n[:, ::-1]
        sn, s, x, _ = _strongest(_line_sums(np.ascontiguousarray(a)), _line_sums(np.ascontiguousarray(n)), least)
        if sn > best[4]:
            ends = []
            for px, py in ((x - size, 0.0), (x - size + s, size - 1.0)):
                qx = size - 1 - px if octant % 2 else px
                ends += [py, qx] if octant >= 2 else [qx, py]
            best = (float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]), float(sn))
    return best


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
