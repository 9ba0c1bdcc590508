"""Drizzle: raw px dropped onto the grid as they are, each colour for itself; nothing is interpolated between colours.

Drops have the size of a px (pixfrac 1) and the grid that of the sensor: the px of a colour and where they are, both
sampled bilinearly, and one divided by the other, are the same. What is dropped is what the fold of the demosaiced sub
took in: a sub is judged as without drizzle, to the last px.

A drop lies up to a px beside the px that it falls on, and of some dozens the places do not average out: that colours
small stars. What a raw px should be is known from the demosaiced stack (`foresee`): that is taken off its drop, and
what it would be on average under even dither put in its place (a control variate). Under even dither nothing is
changed by it, the width of stars included.
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
from livestack.reduce.foresee import Response, area_of, foresee, light_beneath, response_of, spread_row, spread_taps
from livestack.reduce.kernels import Sensor, calibrate, source_box, tile_width
from livestack.stack import Stack

if TYPE_CHECKING:
    from livestack.reduce.fold import Light

Sums = tuple[Array, Array, Array, Array]
Up = tuple[Array, Array, Array]
Size = tuple[int, int]

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
    poses, response = (light.inverse, np.linalg.inv(light.inverse)), response_of(light.sensor[4])

    def fold(y0: int, y1: int) -> tuple[int, int]:
        before = stack.coverage[0, y0:y1].copy()
        counts = fold_band(y0, y1)
        np.not_equal(stack.coverage[0, y0:y1], before, out=taken[y0:y1])
        return counts

    def drop(y0: int, y1: int) -> None:
        like = template.mean, template.coverage
        levels = light.sky, light.scale, light.weight
        drop_band(light.sensor, poses, levels, like, response, taken[y0:y1], drops.arrays, stack.top + y0)

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
def _sky_along(sky: Array, y: int, x0: int, factor: float, out: Array) -> None:
    """Sky (6,) along row y of the grid from x0 on, on the stack's scale."""
    slope = sky[1] + sky[4] * y
    level = F((sky[0] + sky[2] * y + sky[5] * y * y + (slope + sky[3] * x0) * x0) * factor)
    along, bend = F((slope + 2 * sky[3] * x0) * factor), F(sky[3] * factor)
    for i in range(out.size):
        out[i] = level + (along + bend * F(i)) * F(i)


@njit(**INNER)
def _take_up(tile: tuple[Array, Array, Array], first: Array, taken: Array, up: Up) -> None:
    """Put the four px (h, w) of a tile about each place, what they should be, and their colours, into up, each (4, n).

    The colour is NOTHING where a px is not used. Indices have no sign: of others it is asked at each px whether they
    count from the end.
    """
    (px, foreseen, hues), (raw, less, hue) = tile, up
    h, w = px.shape
    for i in range(np.uint64(taken.size)):
        for k in range(np.uint64(4)):
            v, u = first[0, i] + np.int64(k >> 1), first[1, i] + np.int64(k & 1)
            raw[k, i], less[k, i], hue[k, i] = F(0), F(0), NOTHING
            if taken[i] and 0 <= v < h and 0 <= u < w:
                light = px[np.uint64(v), np.uint64(u)]
                if np.abs(light) <= F(3e38):
                    raw[k, i], less[k, i] = light, foreseen[np.uint64(v), np.uint64(u)]
                    hue[k, i] = hues[np.uint64(v), np.uint64(u)]


@njit(**INNER)
def _drop(
    colour: int,
    up: Up,
    past: tuple[Array, Array],
    levels: tuple[Array, Array],
    factors: tuple[Any, Any],
    sums: tuple[Array, Array, Array, Array],
) -> None:
    """Drop one of the four px about each place onto a row of a colour (West 1979), if it is of that.

    Parameters
    ----------
    up : its values, what they should be, and their colours.
    past : how far it lies below and right of the place, each from −1 to 1.
    levels : the sky; and what px on average should be that even dither drops there, NaN where that is not known.
    factors : 1 / scale, weight.
    """
    (raw, less, hue), (along, across), (sky, even), (factor, weight) = up, past, levels, factors
    mean, m2, total, squares = sums
    for i in range(mean.size):
        share = (F(1) - np.abs(along[i])) * (F(1) - np.abs(across[i]))
        share = share if hue[i] == colour else F(0)
        luck = less[i] - even[i]
        value = raw[i] * factor - sky[i] - (luck if np.abs(luck) <= F(3e38) else F(0))
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
    up: Up, past: Array, levels: tuple[Array, Array], factors: tuple[Any, Any], sums: Sums, at: tuple[int, int]
) -> None:
    """Drop the px taken up onto a row of the grid that begins at (y, x); past (2, n) from `_places`."""
    (raw, less, hue), (sky, even), (mean, m2, total, squares), (y, x0), n = up, levels, sums, at, past.shape[1]
    columns = slice(x0, x0 + n)
    along, across = np.empty((2, n), np.float32), np.empty((2, n), np.float32)
    for k in range(2):
        for i in range(n):
            along[k, i], across[k, i] = F(k) - past[0, i], F(k) - past[1, i]
    for c in range(sky.shape[0]):
        row = mean[c, y, columns], m2[c, y, columns], total[c, y, columns], squares[c, y, columns]
        for k in range(4):
            one = raw[k], less[k], hue[k]
            _drop(c, one, (along[k >> 1], across[k & 1]), (sky[c], even[c]), factors, row)


@njit(**INNER)
def _mean_square(forward: Array) -> Any:
    """Mean square of a coordinate on the grid of drops evenly spread: of what falls on a px, 1/6 on the sub."""
    return F(abs(forward[0, 0] * forward[1, 1] - forward[0, 1] * forward[1, 0]) / forward[2, 2] ** 2 / 6)


@njit(**INNER)
def _tile(
    sensor: Sensor, area: tuple[int, int, int, int], light: Array, corner: tuple[int, int], forward: Array, grid: Size
) -> tuple[Array, Array, Array]:
    """Px of an area (y0, y1, x0, x1) of a sub as they are, what they should be, and their colours, each (h, w)."""
    top, bottom, left, right = area
    px, hues = np.empty((1, bottom - top, right - left), np.float32), np.empty((bottom - top, right - left), np.uint8)
    calibrate(sensor, top, left, px)
    _forget_bad(sensor[3], top, left, px[0])
    _colours(sensor[4], top, left, hues)
    box = np.array([top, bottom, left, right])
    return px[0], foresee(light, corner, forward, grid, box, hues), hues


@njit(**OPTIONS)
def drop_band(
    sensor: Sensor,
    poses: tuple[Array, Array],
    levels: tuple[Array, float, float],
    like: tuple[Array, Array],
    response: Response,
    taken: Array,
    sums: Sums,
    y0: int,
) -> None:
    """Drop a band of a sub onto the grid.

    Parameters
    ----------
    poses : (3, 3), grid → sub px and back.
    levels : sky, scale and weight, as in `Light`.
    like : mean (C, H, W) and coverage (1, H, W) of a stack that says what px should be.
    response : of that stack to light, from `foresee.response_of`.
    taken : (rows, W) of bool: px of the grid that the sub goes into.
    sums : mean, m2, weight, squares (C, H, W) of `Drops`.
    y0 : first row of the band on the grid.
    """
    (rows, width), (sky, scale, weight), (inverse, forward) = taken.shape, levels, poses
    size, grid, channels = (
        (sensor[0].shape[1], sensor[0].shape[2]),
        (like[0].shape[1], like[0].shape[2]),
        sky.shape[0],
    )
    taps, box, columns = spread_taps(_mean_square(forward)), np.empty(4, np.int64), tile_width(inverse)
    for x0 in range(0, width, columns):
        x1 = min(x0 + columns, width)
        n = x1 - x0
        box[0], box[1], box[2], box[3] = y0, y0 + rows, x0, x1
        area = source_box(inverse, box, size, 2)
        top, bottom, left, right = max(area[0], 0), min(area[1], size[0]), max(area[2], 0), min(area[3], size[1])
        if bottom <= top or right <= left:
            continue
        beneath = area_of(forward, box, np.array([top, bottom, left, right]), grid)
        corner = beneath[0], beneath[2]
        light = light_beneath(like, response, beneath)
        tile = _tile(sensor, (top, bottom, left, right), light, corner, forward, grid)
        first, past, line = np.empty((2, n), np.int64), np.empty((2, n), np.float32), np.empty(n + 4, np.float32)
        along, even = np.empty((channels, n), np.float32), np.empty((channels, n), np.float32)
        raw, less, hue = np.empty((4, n), np.float32), np.empty((4, n), np.float32), np.empty((4, n), np.uint8)
        for y in range(y0, y0 + rows):
            _places(inverse, y, x0, first, past)
            first[0] -= top
            first[1] -= left
            for c in range(channels):
                _sky_along(sky[c], y, x0, 1 / scale, along[c])
                spread_row(light[c], y - corner[0], x0 - corner[1], taps, line, even[c])
            _take_up(tile, first, taken[y - y0, x0:x1], (raw, less, hue))
            _drop_row((raw, less, hue), past, (along, even), (F(1 / scale), F(weight)), sums, (y, x0))
