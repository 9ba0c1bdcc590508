"""Drizzle: raw px dropped onto the grid as they are, each colour for itself; nothing is interpolated between colours.

Drops have the size of a px (pixfrac 1) and the grid that of the sensor: the px of a colour and where they are, both
sampled bilinearly, and one divided by the other, are the same. What is dropped is what the fold of the demosaiced sub
took in: a sub is judged as without drizzle, to the last px.

A drop lies up to a px beside the px that it falls on, and of some dozens the places do not average out: that colours
small stars. How the light runs about a px is known from the demosaiced stack, to second order; what that says of a
drop's place, less what it would say on average under even dither, is taken off the drop (a control variate). Under even
dither nothing is changed by it, the width of stars included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.bands import each_band
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.kernels import Sensor, calibrate, source_box, tile_width
from livestack.stack import Stack

if TYPE_CHECKING:
    from livestack.reduce.fold import Light

Sums = tuple[Array, Array, Array, Array]


def fold_and_drop(
    fold_band: Callable[[int, int], tuple[int, int]],
    stack: Stack,
    template: Stack,
    light: Light,
    threads: Executor | None,
) -> list[int]:
    """Run a fold of a sub over all bands of a stack, then drop its raw px where it was taken in.

    Returns the sums of the fold's two counts.
    """
    drops = stack.drops
    if drops is None:
        raise ValueError("the stack is not drizzled")
    taken = np.empty(stack.shape[1:], np.bool_)

    def fold(y0: int, y1: int) -> tuple[int, int]:
        before = stack.coverage[0, y0:y1].copy()
        counts = fold_band(y0, y1)
        np.not_equal(stack.coverage[0, y0:y1], before, out=taken[y0:y1])
        return counts

    def drop(y0: int, y1: int) -> None:
        like = template.mean, template.coverage
        levels = light.sky, light.scale, light.weight
        drop_band(light.sensor, light.inverse, levels, like, taken[y0:y1], drops.arrays, stack.top + y0)

    counts = each_band(stack.shape[1], threads, fold)
    each_band(stack.shape[1], threads, drop)
    return counts


def evenness(matrices: Sequence[Array], shape: tuple[int, int], colours: Array) -> float:
    """How evenly drops of each colour fall: on the px of the grid with the least, in what even dither gives it.

    The median of five places on the grid, for its turning spreads what does not move.

    Parameters
    ----------
    matrices : sequence of ndarray of float64
        (3, 3), sub → grid.
    shape : (H, W) of the grid.
    colours : (2, 2) or (6, 6) of the sensor.
    """
    height, width = shape
    cell, inverses = len(colours), np.linalg.inv(np.stack(matrices))
    v, u = np.mgrid[:cell, :cell]
    told = []
    for fy, fx in ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
        px = np.stack([int(fx * width) + u.ravel(), int(fy * height) + v.ravel(), np.ones(u.size)])
        x, y, w = np.moveaxis(inverses @ px, 1, 0)
        x, y = x / w, y / w
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        dropped = np.zeros((3, u.size))
        for dy, share_y in ((0, 1 - y + top), (1, y - top)):
            for dx, share_x in ((0, 1 - x + left), (1, x - left)):
                colour = colours[(top + dy) % cell, (left + dx) % cell]
                for c in range(3):
                    dropped[c] += np.where(colour == c, share_y * share_x, 0).sum(axis=0)
        even = len(inverses) * np.array([np.mean(colours == c) for c in range(3)])
        told.append((dropped.min(axis=1) / even).min())
    return float(np.median(told))


@njit(**INNER)
def _forget_bad(bad: tuple[Array, Array], y0: int, x0: int, px: Array) -> None:
    """NaN where px (h, w) from source (y0, x0) on are bad: another sub has better ones there."""
    starts, columns = bad
    for y in range(px.shape[0]):
        for k in range(starts[y0 + y], starts[y0 + y + 1]):
            x = columns[k] - x0
            if 0 <= x < px.shape[1]:
                px[y, x] = F(np.nan)


@njit(**INNER)
def _colours(colours: Array, y0: int, x0: int, out: Array) -> None:
    """Colour of each px of out (h, w), from source (y0, x0) on."""
    cell = colours.shape[0]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = colours[(y0 + y) % cell, (x0 + x) % cell]


@njit(**INNER)
def _places(inverse: Array, y: int, x0: int, first: Array, shares: Array) -> None:
    """Where px of a row of the grid from x0 on lie: the source px above to the left (2, n), and how far past it (2, n).

    Both y, then x.
    """
    for i in range(first.shape[1]):
        x = x0 + i
        depth = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        sx = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / depth
        sy = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / depth
        top, left = np.floor(sy), np.floor(sx)
        first[0, i], first[1, i] = int(top), int(left)
        shares[0, i], shares[1, i] = F(sy - top), F(sx - left)


@njit(**INNER)
def _whole(coverage: Array, y: int, x0: int, whole: Array) -> None:
    """Whether all 3 × 3 px about those of a row of the grid are covered: 1 or 0."""
    height, width = coverage.shape[1:]
    for i in range(whole.size):
        whole[i] = F(1) if 0 < y < height - 1 and 0 < x0 + i < width - 1 else F(0)
    for v in range(max(y - 1, 0), min(y + 2, height)):
        for dx in range(-1, 2):
            for i in range(max(1 - x0, 0), min(width - 1 - x0, whole.size)):
                whole[i] = whole[i] if coverage[0, v, x0 + i + dx] > 0 else F(0)


@njit(**INNER)
def _runs(mean: Array, y: int, x0: int, moments: Array, curve: Array, whole: Array, out: Array) -> None:
    """Tell what is taken off drops on px of a row: out (6, n), times 1, x, y, xx, xy and yy of a drop's place.

    The first is the sky, less what even dither makes of the second order. Without neighbours it is the sky alone.

    Parameters
    ----------
    moments : mean xx, yy, xy of the place of a drop under even dither.
    curve : sky along the row, from x0 on.
    """
    level, slope, bend = curve
    for i in range(whole.size):
        out[0, i] = F(level + (slope + bend * i) * i)
        for k in range(1, 6):
            out[k, i] = F(0)
    if not 0 < y < mean.shape[0] - 1:
        return
    upper, row, lower = mean[y - 1], mean[y], mean[y + 1]
    for i in range(max(1 - x0, 0), min(mean.shape[1] - 1 - x0, whole.size)):
        x, some = x0 + i, whole[i]
        xx = F(0.5) * (row[x + 1] + row[x - 1]) - row[x]
        yy = F(0.5) * (lower[x] + upper[x]) - row[x]
        xy = F(0.25) * (lower[x + 1] - lower[x - 1] - upper[x + 1] + upper[x - 1])
        out[0, i] -= some * (xx * moments[0] + yy * moments[1] + xy * moments[2])
        out[1, i] = some * F(0.5) * (row[x + 1] - row[x - 1])
        out[2, i] = some * F(0.5) * (lower[x] - upper[x])
        out[3, i], out[4, i], out[5, i] = some * xx, some * xy, some * yy


@njit(**INNER)
def _drop_row(
    px: Array,
    hues: Array,
    places: tuple[Array, Array],
    forward: Array,
    runs: Array,
    factors: tuple[Any, Any],
    taken: Array,
    sums: Sums,
    at: tuple[int, int],
) -> None:
    """Drop px (h, w) onto a row of the grid that begins at (y, x), where it is taken (West 1979).

    Indices have no sign: of others it is asked at each px whether they count from the end.

    Parameters
    ----------
    hues : (h, w) colour of the px.
    places : from `_places`, from px (0, 0) on.
    forward : (2, 2), step on the sub → step on the grid.
    runs : (C, 6, n) from `_runs`.
    factors : 1 / scale, weight.
    """
    (first, past), (factor, weight), (mean, m2, total, squares) = places, factors, sums
    h, w = px.shape
    row, column = np.uint64(at[0]), np.uint64(at[1])
    a, b, d, e = forward[0, 0], forward[0, 1], forward[1, 0], forward[1, 1]
    for i in range(np.uint64(taken.size)):
        if not taken[i]:
            continue
        top, left, down, right = first[0, i], first[1, i], past[0, i], past[1, i]
        for k in range(4):
            v, u = top + (k >> 1), left + (k & 1)
            if not (0 <= v < h and 0 <= u < w):
                continue
            raw, c = px[np.uint64(v), np.uint64(u)], np.uint64(hues[np.uint64(v), np.uint64(u)])
            along, across = F(k >> 1) - down, F(k & 1) - right
            share = (F(1) - np.abs(along)) * (F(1) - np.abs(across))
            if not (share > 0 and np.abs(raw) <= F(3e38)):
                continue
            x, y, to = a * across + b * along, d * across + e * along, column + i
            off = runs[c, 0, i] + (runs[c, 1, i] + runs[c, 3, i] * x + runs[c, 4, i] * y) * x
            value = raw * factor - off - (runs[c, 2, i] + runs[c, 5, i] * y) * y
            added = weight * share
            new = total[c, row, to] + added
            away = value - mean[c, row, to]
            step = away * (added / new)
            mean[c, row, to] += step
            m2[c, row, to] += added * away * (away - step)
            total[c, row, to] = new
            squares[c, row, to] += added * share


@njit(**INNER)
def _steps(inverse: Array) -> tuple[Array, Array]:
    """How a small step on the sub goes on the grid, (2, 2), and the mean squares xx, yy, xy of drops evenly spread."""
    a, b, d, e = inverse[0, 0], inverse[0, 1], inverse[1, 0], inverse[1, 1]
    scale = inverse[2, 2] / (a * e - b * d)
    forward, moments = np.empty((2, 2), np.float32), np.empty(3, np.float32)
    forward[0, 0], forward[0, 1], forward[1, 0], forward[1, 1] = e * scale, -b * scale, -d * scale, a * scale
    # of a drop that counts by what falls on a px, each coordinate has 1/6
    moments[0] = (forward[0, 0] ** 2 + forward[0, 1] ** 2) / F(6)
    moments[1] = (forward[1, 0] ** 2 + forward[1, 1] ** 2) / F(6)
    moments[2] = (forward[0, 0] * forward[1, 0] + forward[0, 1] * forward[1, 1]) / F(6)
    return forward, moments


@njit(**INNER)
def _sky_along(sky: Array, y: int, x0: int, factor: float) -> tuple[float, float, float]:
    """Sky (6,) along row y of the grid as a level, slope and bend from x0 on, on the stack's scale."""
    slope = sky[1] + sky[4] * y
    level = sky[0] + sky[2] * y + sky[5] * y * y + (slope + sky[3] * x0) * x0
    return level * factor, (slope + 2 * sky[3] * x0) * factor, sky[3] * factor


@njit(**OPTIONS)
def drop_band(
    sensor: Sensor,
    inverse: Array,
    levels: tuple[Array, float, float],
    like: tuple[Array, Array],
    taken: Array,
    sums: Sums,
    y0: int,
) -> None:
    """Drop a band of a sub onto the grid.

    Parameters
    ----------
    inverse : (3, 3), grid → sub px.
    levels : sky, scale and weight, as in `Light`.
    like : mean (C, H, W) and coverage (1, H, W) of a stack that shows how the light runs about a px.
    taken : (rows, W) of bool: px of the grid that the sub goes into.
    sums : mean, m2, weight, squares (C, H, W) of `Drops`.
    y0 : first row of the band on the grid.
    """
    (rows, width), (sky, scale, weight) = taken.shape, levels
    size, channels = (sensor[0].shape[1], sensor[0].shape[2]), sky.shape[0]
    forward, moments = _steps(inverse)
    box, columns = np.empty(4, np.int64), tile_width(inverse)
    for x0 in range(0, width, columns):
        x1 = min(x0 + columns, width)
        box[0], box[1], box[2], box[3] = y0, y0 + rows, x0, x1
        area = source_box(inverse, box, size, 2)
        top, bottom, left, right = max(area[0], 0), min(area[1], size[0]), max(area[2], 0), min(area[3], size[1])
        if bottom <= top or right <= left:
            continue
        px, hues = (
            np.empty((1, bottom - top, right - left), np.float32),
            np.empty((bottom - top, right - left), np.uint8),
        )
        calibrate(sensor, top, left, px)
        _forget_bad(sensor[3], top, left, px[0])
        _colours(sensor[4], top, left, hues)
        first, past = np.empty((2, x1 - x0), np.int64), np.empty((2, x1 - x0), np.float32)
        runs, whole = np.empty((channels, 6, x1 - x0), np.float32), np.empty(x1 - x0, np.float32)
        for y in range(y0, y0 + rows):
            _places(inverse, y, x0, first, past)
            first[0] -= top
            first[1] -= left
            _whole(like[1], y, x0, whole)
            for c in range(channels):
                _runs(like[0][c], y, x0, moments, _sky_along(sky[c], y, x0, 1 / scale), whole, runs[c])
            factors, row = (F(1 / scale), F(weight)), taken[y - y0, x0:x1]
            _drop_row(px[0], hues, (first, past), forward, runs, factors, row, sums, (y, x0))
