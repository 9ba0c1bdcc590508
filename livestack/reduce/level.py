"""The level of a sky that varies slowly: told in cells, each by what most of its px are, and drawn through them.

A cell's level is SExtractor's (Bertin and Arnouts 1996): px are clipped about their median, and where stars do not
crowd it the mode follows from median and mean. A cell that a bright object fills takes the median of those about it.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.bands import each_part
from livestack.reduce.compile import INNER, OPTIONS, F

Level = tuple[Array, float, float]
"""Level of the cells, float32, with `EDGE` more about them on either side, and how many px high and wide a cell is."""

EDGE = 2
"""Cells about a mesh that a cubic needs: they go on as the last ones do."""
FIRST_CUT, CUT = 2.0, 3.0
"""σ at which px are cut off at first, and then until σ stays."""
MAX_CUTS, ALIKE = 8, 0.01
CROWDED = 0.3
"""A mean farther from the median, in σ, says that stars crowd the cell: then the median is the best guess."""
LEAST_KNOWN = 0.5
"""Share of a cell that must be known; other cells are told by those about them."""
IN_ANY_ORDER = OPTIONS | {"fastmath": OPTIONS["fastmath"] | {"reassoc"}}
"""Sums of many px at the same time."""
HALVINGS = 4
CELL_ROWS = 4
"""Rows of cells told at a time."""


@njit(**(INNER | IN_ANY_ORDER))
def _moments(values: Array, middle: float, reach: float) -> tuple[int, float, float]:
    """How many of the values lie within so far of a middle, their mean, and their σ."""
    centre, most = F(middle), F(reach)
    count, total, squares = 0, F(0), F(0)
    for i in range(values.size):
        offset = values[i] - centre
        inside = abs(offset) <= most
        offset = offset if inside else F(0)
        count += inside
        total += offset
        squares += offset * offset
    mean = total / F(max(count, 1))
    return count, float(centre + mean), float(np.sqrt(max(squares / F(max(count, 1)) - mean * mean, F(0))))


@njit(**INNER)
def count_below(values: Array, limit: float) -> int:
    """How many values lie below a limit."""
    n, most = np.int32(0), F(limit)
    for i in range(values.size):
        n += np.int32(values[i] < most)
    return int(n)


@njit(**OPTIONS)
def value_at(values: Array, rank: float, low: float, high: float, halvings: int) -> float:
    """Value that so many others lie below, to 2^-halvings of the way from low to high, between which it must lie."""
    bottom, top = (low, count_below(values, low)), (high, count_below(values, high))
    return float(value_between(values, rank, bottom, top, halvings))


@njit(**INNER)
def value_between(
    values: Array, rank: float, bottom: tuple[float, int], top: tuple[float, int], halvings: int
) -> float:
    """`value_at` between two limits below which so many lie."""
    low, below = bottom[0], float(bottom[1])
    high, above = top[0], float(top[1])
    for _ in range(halvings):
        middle = 0.5 * (low + high)
        n = count_below(values, middle)
        if n <= rank:
            low, below = middle, float(n)
        else:
            high, above = middle, float(n)
    if above <= below:
        return 0.5 * (low + high)
    return low + (high - low) * min(max((rank + 0.5 - below) / (above - below), 0.0), 1.0)


@njit(**INNER)
def _mode(values: Array) -> tuple[float, float]:
    """Level of a cell and σ of its px."""
    _, mean, sigma = _moments(values, values[0], np.inf)
    _, mean, sigma = _moments(values, mean, FIRST_CUT * sigma)
    median, reach = mean, CUT * sigma
    for _ in range(MAX_CUTS):
        first = count_below(values, median - reach)
        inside, mean, now = _moments(values, median, reach)
        rank = first + 0.5 * (inside - 1)
        low, high = mean - 0.5 * now, mean + 0.5 * now
        below, above = count_below(values, low), count_below(values, high)
        if below > rank or above <= rank:
            low, below, high = median - reach, first, median + reach
            above = count_below(values, high)
        median = value_between(values, rank, (low, below), (high, above), HALVINGS)
        settled = abs(now - sigma) <= ALIKE * sigma
        sigma, reach = now, CUT * now
        if settled:
            break
    if abs(mean - median) < CROWDED * sigma:
        return 2.5 * median - 1.5 * mean, sigma
    return median, sigma


@njit(**INNER)
def _gather(picture: Array, box: int, area: tuple[int, int, int, int], out: Array) -> int:
    """Means of the known ones among the box × box px of an area (top, bottom, left, right, in boxes); how many."""
    top, bottom, left, right = area
    n, width = 0, right - left
    for y in range(top, bottom):
        part = out[n : n + width]
        if box == 2:
            one, two = picture[2 * y, 2 * left : 2 * right], picture[2 * y + 1, 2 * left : 2 * right]
            for x in range(width):
                part[x] = F(0.25) * ((one[2 * x] + one[2 * x + 1]) + (two[2 * x] + two[2 * x + 1]))
        else:
            row = picture[y, left:right]
            for x in range(width):  # numba compiles a copy of a slice for seconds
                part[x] = row[x]
        known = 0
        for x in range(width):
            known += np.isfinite(part[x])
        if known < width:
            known = 0
            for x in range(width):
                part[known] = part[x]
                known += np.isfinite(part[x])
        n += known
    return n


@njit(**OPTIONS)
def _tell_cells(picture: Array, box: int, rows: tuple[int, int], levels: Array, sigmas: Array) -> None:
    """Levels and σ (ny, nx) of some rows of cells of a picture, told of box × box px; NaN = too little is known."""
    ny, nx = levels.shape
    h, w = picture.shape[0] // box, picture.shape[1] // box
    values = np.empty((h // ny + 1) * (w // nx + 1), np.float32)
    for j in range(rows[0], rows[1]):
        top, bottom = j * h // ny, (j + 1) * h // ny
        for i in range(nx):
            left, right = i * w // nx, (i + 1) * w // nx
            n = _gather(picture, box, (top, bottom, left, right), values)
            levels[j, i] = sigmas[j, i] = np.nan
            if n >= max(LEAST_KNOWN * (bottom - top) * (right - left), 1):
                levels[j, i], sigmas[j, i] = _mode(values[:n])


def _middle_of_nine(levels: Array) -> Array:
    """Median of the known ones of the 3 × 3 cells about each; NaN = none is."""
    (ny, nx), about = levels.shape, np.pad(levels, 1, constant_values=np.nan)
    nine = np.stack([about[y : y + ny, x : x + nx] for y, x in np.ndindex(3, 3)])
    known = np.isfinite(nine).sum(axis=0)[None]
    # what is not known is sorted last
    nine = np.sort(np.where(np.isfinite(nine), nine, np.float32(np.nan)), axis=0)
    lower, upper = (np.take_along_axis(nine, k // 2, axis=0)[0] for k in (np.maximum(known - 1, 0), known))
    middle: Array = np.float32(0.5) * (lower + upper)
    return middle


def tell(picture: Array, side: int, box: int, threads: Executor | None) -> tuple[Array, Array]:
    """Levels and σ (ny, nx) float32 of the cells of a picture; NaN where too little is known.

    Parameters
    ----------
    picture : (H, W) float32
        NaN = not known.
    side : int
        Px that a cell is about wide.
    box : int
        1, or 2: then the σ is that of means of 2 × 2 px, of which one is known if all are.
    """
    ny, nx = (max(1, (2 * n + side) // (2 * side)) for n in picture.shape)
    levels, sigmas = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    each_part(ny, CELL_ROWS, threads, lambda j0, j1: _tell_cells(picture, box, (j0, j1), levels, sigmas))
    return levels, sigmas


def smooth(levels: Array, shape: tuple[int, int], sky: float) -> Level:
    """Level that is drawn through cells, each the median of those about it.

    Parameters
    ----------
    shape : (H, W)
        Px that the cells cover.
    sky : float
        Level where no cell is known.
    """
    out = _middle_of_nine(levels)
    while not np.isfinite(out).all():
        if not np.isfinite(out).any():
            out[:] = sky
            break
        out = np.where(np.isfinite(out), out, _middle_of_nine(out))
    padded = (
        np.pad(out, EDGE, mode="reflect", reflect_type="odd") if min(out.shape) > EDGE else np.pad(out, EDGE, "edge")
    )
    ny, nx = levels.shape
    return padded, shape[0] / ny, shape[1] / nx


@njit(**INNER)
def _shares(t: float) -> tuple[float, float, float, float]:
    """Weights of four cells for a place t of the way from the second to the third (Catmull and Rom 1974)."""
    a = t * (t * (1.0 - 0.5 * t) - 0.5)
    b = 1.0 + t * t * (1.5 * t - 2.5)
    c = t * (0.5 + t * (2.0 - 1.5 * t))
    return a, b, c, t * t * (0.5 * t - 0.5)


@njit(**INNER)
def level_along(level: Level, y: float, x: float, step: float, out: Array) -> None:
    """Level along a row: of px (y, x), (y, x + step), …, as many as there are in out."""
    cells, height, width = level
    ny, nx = cells.shape[0] - 2 * EDGE, cells.shape[1] - 2 * EDGE
    v = (y + 0.5) / height - 0.5
    j = min(max(int(np.floor(v)), -1), ny - 1)
    p, q, r, s = _shares(v - j)
    p, q, r, s = F(p), F(q), F(r), F(s)
    one, two, three, four = cells[j + 1], cells[j + 2], cells[j + 3], cells[j + 4]
    u, grow = (x + 0.5) / width - 0.5, step / width
    done = 0
    while done < out.size:
        i = min(max(int(np.floor(u + grow * done)), -1), nx - 1)
        # so many px lie before the next cell's middle
        end = out.size if i == nx - 1 else min(max(int(np.ceil((i + 1 - u) / grow)), done + 1), out.size)
        a = p * one[i + 1] + q * two[i + 1] + r * three[i + 1] + s * four[i + 1]
        b = p * one[i + 2] + q * two[i + 2] + r * three[i + 2] + s * four[i + 2]
        c = p * one[i + 3] + q * two[i + 3] + r * three[i + 3] + s * four[i + 3]
        d = p * one[i + 4] + q * two[i + 4] + r * three[i + 4] + s * four[i + 4]
        k1, k2 = F(0.5) * (c - a), a - F(2.5) * b + F(2) * c - F(0.5) * d
        k3 = F(0.5) * (d - a) + F(1.5) * (b - c)
        begin, along = F(u + grow * done - i), F(grow)
        part = out[done:end]
        for n in range(part.size):
            t = begin + along * F(n)
            part[n] = b + t * (k1 + t * (k2 + t * k3))
        done = end
