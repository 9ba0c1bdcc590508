"""What the raw px of a sub should be, as the demosaiced stack has it.

Demosaicing mixes colours and widens stars, the same way wherever a px lies, on average over even dither: what it makes
of light is known. The light beneath a stack is, to first order, the stack plus what demosaicing takes from the stack
itself (Van Cittert 1931). Sampled where a sub's px lie, that is what they should be.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, LEAF, F
from livestack.reduce.kernels import source_box, warp_and_normalise
from livestack.reduce.resample import LANCZOS
from livestack.reduce.warp import quarter_turn, reach_of, upright, warp_box

REACH = 2
"""So many px about a px say what its colours are."""
LEAST_TAP = 2e-3
"""What is less of a response is left out."""

Response = tuple[Array, Array]
"""Places (n, 4) int64 of taps: channel that is made, of which channel, dy, dx; and the share that each takes, (n,)."""


def response_of(colours: Array) -> Response:
    """Return what demosaicing makes of light, on average over all places in the cell of a mosaic.

    Parameters
    ----------
    colours : (2, 2) or (6, 6), as in `Sensor`.
    """
    return _response(tuple(map(tuple, colours.tolist())))


@functools.cache
def _response(colours: tuple[tuple[int, ...], ...]) -> Response:
    """Demosaic single px of light, one at each place of the cell."""
    hues, cell = np.array(colours), len(colours)
    side, wide = 3 * cell + 2 * REACH, 2 * REACH + 1
    empty, none_bad = np.empty((0, 0, 0), np.float32), (np.zeros(side + 1, np.int32), np.empty(0, np.int32))
    shape_alone, box, sky = np.empty((1, side, side), np.uint16), np.array([0, side, 0, side]), np.zeros((3, 6))
    found, seen = np.zeros((3, 3, wide, wide)), np.empty((3, side, side), np.float32)
    for y, x in np.ndindex(cell, cell):
        v, u = cell + REACH + y, cell + REACH + x
        light = np.zeros((1, side, side), np.float32)
        light[0, v, u] = 1
        warp_and_normalise((shape_alone, empty, empty, none_bad, hues, light), None, sky, 1.0, box, seen)
        # what a px sees of the light at dy, dx from it lies at −dy, −dx from the light
        about = seen[:, v - REACH : v + REACH + 1, u - REACH : u + REACH + 1]
        found[:, hues[v % cell, u % cell]] += about[:, ::-1, ::-1] / cell**2
    places = np.argwhere(np.abs(found) > LEAST_TAP)
    shares = found[tuple(places.T)]
    return np.ascontiguousarray(places - [0, 0, REACH, REACH], np.int64), shares.astype(np.float32)


@njit(**LEAF)
def _copy_covered(like: tuple[Array, Array], y0: int, x0: int, out: Array) -> None:
    """Copy a box of a stack's mean (C, H, W) from (y0, x0) on; NaN where it is not covered, or beyond the grid."""
    mean, coverage = like
    _, height, width = mean.shape
    first, last = min(max(-x0, 0), out.shape[2]), max(min(width - x0, out.shape[2]), 0)
    for c in range(out.shape[0]):
        for y in range(out.shape[1]):
            out[c, y] = F(np.nan)
            if 0 <= y0 + y < height:
                for x in range(first, last):
                    seen = coverage[0, y0 + y, x0 + x] > 0
                    out[c, y, x] = mean[c, y0 + y, x0 + x] if seen else F(np.nan)


@njit(**LEAF)
def _take_row(share: Any, row: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] -= share * row[x]


@njit(**INNER)
def light_beneath(like: tuple[Array, Array], response: Response, area: tuple[int, int, int, int]) -> Array:
    """Light (C, h, w) beneath an area (y0, y1, x0, x1) of a stack; NaN where not all about a px is covered.

    Parameters
    ----------
    like : mean (C, H, W) and coverage (1, H, W).
    """
    (y0, y1, x0, x1), (places, shares) = area, response
    channels, h, w = like[0].shape[0], y1 - y0, x1 - x0
    seen = np.empty((channels, h + 2 * REACH, w + 2 * REACH), np.float32)
    _copy_covered(like, y0 - REACH, x0 - REACH, seen)
    out = np.empty((channels, h, w), np.float32)
    for y in range(h):
        for c in range(channels):
            row = seen[c, y + REACH]
            for x in range(w):
                out[c, y, x] = F(2) * row[x + REACH]
        for k in range(shares.size):
            begin = REACH + places[k, 3]
            row = seen[places[k, 1], y + REACH + places[k, 2], begin : begin + w]
            _take_row(shares[k], row, out[places[k, 0], y])
    return out


@njit(**INNER)
def area_of(forward: Array, box: Array, px: Array, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Area of the grid that tells what some px should be, and what even dither makes of a box.

    Parameters
    ----------
    forward : (3, 3), sub → grid.
    box, px : y0, y1, x0, x1 on the grid, and on the sub.
    shape : of the grid.
    """
    y0, y1, x0, x1 = source_box(forward, px, shape, reach_of(forward, LANCZOS))
    if y1 <= y0 or x1 <= x0:
        y0, y1, x0, x1 = box[0], box[1], box[2], box[3]
    return min(y0, box[0] - 2), max(y1, box[1] + 2), min(x0, box[2] - 2), max(x1, box[3] + 2)


@njit(**INNER)
def foresee(
    light: Array, corner: tuple[int, int], forward: Array, shape: tuple[int, int], px: Array, hues: Array
) -> Array:
    """Return what px (y0, y1, x0, x1) of a sub should be, (h, w), each in its colour; NaN where that is not known.

    Parameters
    ----------
    light : from `light_beneath`, which begins at corner (y, x) of a grid of this shape.
    """
    (channels, _, _), (h, w) = light.shape, hues.shape
    out, all_colours = np.empty((h, w), np.float32), np.empty((channels, h, w), np.float32)
    turn = quarter_turn(forward, px)
    light, corner, shape, forward = upright(light, corner, shape, forward, turn)
    warp_box(light, corner, forward, shape, LANCZOS, px, all_colours)
    for y in range(h):
        for x in range(w):
            out[y, x] = all_colours[hues[y, x], y, x]
    return out


@njit(**LEAF)
def spread_taps(mean_square: Any) -> tuple[Any, Any, Any]:
    """Weights of px two away, one away and here that spread light as even dither does drops: up to the fourth moment.

    mean_square : of a coordinate of a drop's place, under even dither.
    """
    far = (F(2.4) * mean_square - F(1)) * mean_square / F(24)
    near = F(0.5) * mean_square - F(4) * far
    return far, near, F(1) - F(2) * (far + near)


@njit(**LEAF)
def _weigh(rows: tuple[Array, Array, Array, Array, Array], taps: tuple[Any, Any, Any], out: Array) -> None:
    (a, b, c, d, e), (far, near, here) = rows, taps
    for x in range(out.size):
        out[x] = here * c[x] + near * (b[x] + d[x]) + far * (a[x] + e[x])


@njit(**LEAF)
def spread_row(light: Array, y: int, x: int, taps: tuple[Any, Any, Any], line: Array, out: Array) -> None:
    """Spread light (h, w) as even dither does, along a row of n px that begins at (y, x); line: (n + 4,) to work in."""
    there = slice(x - 2, x + 2 + out.size)
    above = light[y - 2, there], light[y - 1, there]
    _weigh((*above, light[y, there], light[y + 1, there], light[y + 2, there]), taps, line)
    n = out.size
    _weigh((line[:n], line[1 : n + 1], line[2 : n + 2], line[3 : n + 3], line[4 : n + 4]), taps, out)
