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
Step = tuple[Any, Any, Any, Any]
Run = tuple[Array, Array, Array, Array, Array, Array]
Rows = tuple[Array, Array, Array, Array, Array]

NOTHING = np.uint8(255)
"""No colour."""


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
        row, k = colours[(y0 + y) % cell], x0 % cell
        for x in range(out.shape[1]):
            out[y, x] = row[k]
            k = k + 1 if k + 1 < cell else 0


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
    """Whether all 5 × 5 px about those of a row of the grid are covered: 1 or 0."""
    height, width = coverage.shape[1:]
    for i in range(whole.size):
        whole[i] = F(1) if 1 < y < height - 2 and 1 < x0 + i < width - 2 else F(0)
    for v in range(max(y - 2, 0), min(y + 3, height)):
        for dx in range(-2, 3):
            for i in range(max(2 - x0, 0), min(width - 2 - x0, whole.size)):
                whole[i] = whole[i] if coverage[0, v, x0 + i + dx] > 0 else F(0)


@njit(**INNER)
def _sky_along(sky: Array, y: int, x0: int, factor: float, out: Array) -> None:
    """Sky (6,) along row y of the grid from x0 on, on the stack's scale."""
    slope = sky[1] + sky[4] * y
    level = F((sky[0] + sky[2] * y + sky[5] * y * y + (slope + sky[3] * x0) * x0) * factor)
    along, bend = F((slope + 2 * sky[3] * x0) * factor), F(sky[3] * factor)
    for i in range(out.size):
        out[i] = level + (along + bend * F(i)) * F(i)


@njit(**INNER)
def _slope(before: Any, less: Any, more: Any, after: Any) -> Any:
    """First derivative of five px in a row, to fourth order."""
    return F(2 / 3) * (more - less) - F(1 / 12) * (after - before)


@njit(**INNER)
def _bend(before: Any, less: Any, here: Any, more: Any, after: Any) -> Any:
    """Half the second derivative of five px in a row, to fourth order."""
    return F(2 / 3) * (more + less) - F(1 / 24) * (after + before) - F(5 / 4) * here


@njit(**INNER)
def _run_along(row: Array, whole: Array, mean_xx: Any, out: tuple[Array, Array, Array]) -> None:
    """Tell how the light runs along a row about its px, of n + 4."""
    off, of_x, of_xx = out
    for i in range(whole.size):
        xx = whole[i] * _bend(row[i], row[i + 1], row[i + 2], row[i + 3], row[i + 4])
        off[i] -= xx * mean_xx
        of_x[i], of_xx[i] = whole[i] * _slope(row[i], row[i + 1], row[i + 3], row[i + 4]), xx


@njit(**INNER)
def _run_across(rows: Rows, whole: Array, mean_yy: Any, out: tuple[Array, Array, Array]) -> None:
    """Tell how the light runs across a row about its px, of five rows of n + 4."""
    (first, upper, row, lower, last), (off, of_y, of_yy) = rows, out
    for i in range(whole.size):
        k = i + 2
        yy = whole[i] * _bend(first[k], upper[k], row[k], lower[k], last[k])
        off[i] -= yy * mean_yy
        of_y[i], of_yy[i] = whole[i] * _slope(first[k], upper[k], lower[k], last[k]), yy


@njit(**INNER)
def _run_askew(upper: Array, lower: Array, whole: Array, mean_xy: Any, out: tuple[Array, Array]) -> None:
    """Tell how the light runs along both diagonals, of the rows above and below, of n + 4."""
    off, of_xy = out
    for i in range(whole.size):
        xy = whole[i] * F(0.25) * (lower[i + 3] - lower[i + 1] - upper[i + 3] + upper[i + 1])
        off[i] -= xy * mean_xy
        of_xy[i] = xy


@njit(**INNER)
def _runs(mean: Array, y: int, x0: int, moments: tuple[Any, Any, Any], whole: Array, out: Array) -> None:
    """Tell what is taken off drops on px of a row of a colour: out (6, n), times 1, x, y, xx, xy, yy of a drop's place.

    The first begins as the sky: off it goes what even dither makes of the second order.

    Parameters
    ----------
    mean : (H, W) of the stack that shows how the light runs.
    moments : mean xx, yy, xy of the place of a drop under even dither.
    whole : (n,) from `_whole`.
    """
    out[1:] = F(0)
    low, high = max(x0, 2), min(x0 + whole.size, mean.shape[1] - 2)
    if not 1 < y < mean.shape[0] - 2 or high <= low:
        return
    here, there = slice(low - x0, high - x0), slice(low - 2, high + 2)
    rows = mean[y - 2, there], mean[y - 1, there], mean[y, there], mean[y + 1, there], mean[y + 2, there]
    off, some = out[0, here], whole[here]
    _run_along(rows[2], some, moments[0], (off, out[1, here], out[3, here]))
    _run_across(rows, some, moments[1], (off, out[2, here], out[5, here]))
    _run_askew(rows[1], rows[3], some, moments[2], (off, out[4, here]))


@njit(**INNER)
def _take_up(px: Array, hues: Array, first: Array, taken: Array, raw: Array, hue: Array) -> None:
    """Put the four px (h, w) about each place, and their colours, into raw and hue (4, n); NOTHING where none is used.

    Indices have no sign: of others it is asked at each px whether they count from the end.
    """
    h, w = px.shape
    for i in range(np.uint64(taken.size)):
        for k in range(np.uint64(4)):
            v, u = first[0, i] + np.int64(k >> 1), first[1, i] + np.int64(k & 1)
            raw[k, i], hue[k, i] = F(0), NOTHING
            if taken[i] and 0 <= v < h and 0 <= u < w:
                light = px[np.uint64(v), np.uint64(u)]
                if np.abs(light) <= F(3e38):
                    raw[k, i], hue[k, i] = light, hues[np.uint64(v), np.uint64(u)]


@njit(**INNER)
def _drop(
    colour: int,
    up: tuple[Array, Array],
    past: tuple[Array, Array],
    step: Step,
    run: Run,
    factors: tuple[Any, Any],
    sums: tuple[Array, Array, Array, Array],
) -> None:
    """Drop one of the four px about each place onto a row of a colour (West 1979), if it is of that.

    Parameters
    ----------
    up : its values and colours.
    past : how far it lies below and right of the place, each from −1 to 1.
    step : the four numbers that make a step on the grid of one on the sub.
    run : from `_runs`.
    factors : 1 / scale, weight.
    """
    (raw, hue), (along, across), (a, b, d, e), (factor, weight) = up, past, step, factors
    (off, of_x, of_y, of_xx, of_xy, of_yy), (mean, m2, total, squares) = run, sums
    for i in range(mean.size):
        share = (F(1) - np.abs(along[i])) * (F(1) - np.abs(across[i]))
        share = share if hue[i] == colour else F(0)
        x, y = a * across[i] + b * along[i], d * across[i] + e * along[i]
        value = raw[i] * factor - off[i] - (of_x[i] + of_xx[i] * x + of_xy[i] * y) * x - (of_y[i] + of_yy[i] * y) * y
        added = weight * share
        new = total[i] + added
        away = value - mean[i]
        nearer = away * (added / max(new, F(1e-30)))
        mean[i] += nearer
        m2[i] += added * away * (away - nearer)
        total[i] = new
        squares[i] += added * share


@njit(**INNER)
def _drop_row(
    up: tuple[Array, Array],
    past: Array,
    step: Step,
    runs: Array,
    factors: tuple[Any, Any],
    sums: Sums,
    at: tuple[int, int],
) -> None:
    """Drop the px taken up onto a row of the grid that begins at (y, x); past (2, n) from `_places`."""
    (raw, hue), (mean, m2, total, squares), (y, x0), n = up, sums, at, past.shape[1]
    columns = slice(x0, x0 + n)
    along, across = np.empty((2, n), np.float32), np.empty((2, n), np.float32)
    for k in range(2):
        for i in range(n):
            along[k, i], across[k, i] = F(k) - past[0, i], F(k) - past[1, i]
    for c in range(runs.shape[0]):
        run = runs[c, 0], runs[c, 1], runs[c, 2], runs[c, 3], runs[c, 4], runs[c, 5]
        row = mean[c, y, columns], m2[c, y, columns], total[c, y, columns], squares[c, y, columns]
        for k in range(4):
            _drop(c, (raw[k], hue[k]), (along[k >> 1], across[k & 1]), step, run, factors, row)


@njit(**INNER)
def _steps(inverse: Array) -> tuple[Step, tuple[Any, Any, Any]]:
    """How a small step on the sub goes on the grid, and the mean squares xx, yy, xy there of drops evenly spread.

    Of a drop that counts by what falls on a px, each coordinate has 1/6 on the sub.
    """
    a, b, d, e = inverse[0, 0], inverse[0, 1], inverse[1, 0], inverse[1, 1]
    scale = inverse[2, 2] / (a * e - b * d)
    a, b, d, e = e * scale, -b * scale, -d * scale, a * scale
    return (F(a), F(b), F(d), F(e)), (F((a * a + b * b) / 6), F((d * d + e * e) / 6), F((a * d + b * e) / 6))


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
    step, moments = _steps(inverse)
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
        raw, hue = np.empty((4, x1 - x0), np.float32), np.empty((4, x1 - x0), np.uint8)
        for y in range(y0, y0 + rows):
            _places(inverse, y, x0, first, past)
            first[0] -= top
            first[1] -= left
            _whole(like[1], y, x0, whole)
            for c in range(channels):
                _sky_along(sky[c], y, x0, 1 / scale, runs[c, 0])
                _runs(like[0][c], y, x0, moments, whole, runs[c])
            _take_up(px[0], hues, first, taken[y - y0, x0:x1], raw, hue)
            _drop_row((raw, hue), past, step, runs, (F(1 / scale), F(weight)), sums, (y, x0))
