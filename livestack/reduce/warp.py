"""Where the px of a sub lie on the grid: samples of a source tile at the px of a box of the grid.

Along rows, then along columns (Catmull and Smith 1980), so that neighbours share their weights and the loops are
SIMD; a flip or a turn by a right angle is taken off first. What turns or bends too much for that is sampled px by px.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.lanes import LANES
from livestack.reduce.resample import CUBIC, four, sample_columns, sample_rows, six, spread_of

MOST_SHEAR = 0.6
"""Rows are sampled this much askew at most: 31°."""
MOST_BEND_PX = 1e-3
"""So far from a plane map a box may be to count as one."""


@njit(**INNER)
def _swapped(source: Array) -> Array:
    """Copy of (C, h, w) with rows and columns exchanged."""
    channels, h, w = source.shape
    out = np.empty((channels, w, h), np.float32)
    for p in range(channels):
        for x in range(w):
            for y in range(h):
                out[p, x, y] = source[p, y, x]
    return out


@njit(**INNER)
def _mirrored(source: Array, left_right: bool, up_down: bool) -> Array:
    """Copy of (C, h, w) that runs the other way."""
    channels, h, w = source.shape
    out = np.empty_like(source)
    for p in range(channels):
        for y in range(h):
            row, to = source[p, h - 1 - y] if up_down else source[p, y], out[p, y]
            for x in range(w):
                to[x] = row[w - 1 - x] if left_right else row[x]
    return out


@njit(**INNER)
def _at(inverse: Array, x: float, y: float) -> tuple[float, float]:
    """Source x, y of a grid px."""
    w = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
    return (
        (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / w,
        (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / w,
    )


@njit(**INNER)
def _plane_map(inverse: Array, box: Array) -> tuple[bool, Array]:
    """Map of a box as a, b, c, d, e, f, and whether it is one: a perspective may bend too much for that."""
    if inverse[2, 0] == 0 and inverse[2, 1] == 0:
        return True, inverse[:2].copy().ravel() / inverse[2, 2]
    y0, x0, h, w = box[0], box[2], box[1] - box[0], box[3] - box[2]
    ox, oy = _at(inverse, x0, y0)
    rx, ry = _at(inverse, x0 + w, y0)
    dx, dy = _at(inverse, x0, y0 + h)
    a, d, b, e = (rx - ox) / w, (ry - oy) / w, (dx - ox) / h, (dy - oy) / h
    bend = 0.0
    for u, v in ((0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 1.0)):
        sx, sy = _at(inverse, x0 + u * w, y0 + v * h)
        bend = max(bend, abs(ox + u * (rx - ox) + v * (dx - ox) - sx), abs(oy + u * (ry - oy) + v * (dy - oy) - sy))
    affine = np.array([a, b, ox - a * x0 - b * y0, d, e, oy - d * x0 - e * y0])
    return bend <= MOST_BEND_PX, affine


@njit(**INNER)
def quarter_turn(inverse: Array, box: Array) -> tuple[bool, bool, bool]:
    """Say what makes the source run as a box of the grid does, or nearly.

    Returns
    -------
    Whether rows and columns are to be exchanged, and then x and y mirrored.
    """
    a, b, _, d, e, _ = _plane_map(inverse, box)[1]
    swap = abs(a) < abs(b)
    return swap, (d if swap else a) < 0, (b if swap else e) < 0


@njit(**OPTIONS)
def upright(
    source: Array, corner: tuple[int, int], size: tuple[int, int], inverse: Array, turn: tuple[bool, bool, bool]
) -> tuple[Array, tuple[int, int], tuple[int, int], Array]:
    """Source px (C, h, w), their corner, the size of the whole and the map to it, as if it were mounted otherwise.

    turn: from `quarter_turn`.
    """
    swap, left_right, up_down = turn
    y0, x0 = corner
    height, width = size
    row_x, row_y = inverse[0].copy(), inverse[1].copy()
    if swap:
        source, y0, x0, height, width, row_x, row_y = _swapped(source), x0, y0, width, height, row_y, row_x
    if left_right or up_down:
        source = _mirrored(source, left_right, up_down)
    if left_right:
        x0, row_x = width - x0 - source.shape[2], (width - 1) * inverse[2] - row_x
    if up_down:
        y0, row_y = height - y0 - source.shape[1], (height - 1) * inverse[2] - row_y
    turned = np.empty((3, 3))
    turned[0], turned[1], turned[2] = row_x, row_y, inverse[2]
    return source, (y0, x0), (height, width), turned


@njit(**INNER)
def upright_colours(colours: Array, size: tuple[int, int], turn: tuple[bool, bool, bool]) -> Array:
    """Colours of a mosaic by place in its cell, where `upright` made a whole of this size of it."""
    swap, left_right, up_down = turn
    out, cell = np.empty_like(colours), colours.shape[0]
    for y in range(cell):
        for x in range(cell):
            v = (size[0] - 1 - y) % cell if up_down else y
            u = (size[1] - 1 - x) % cell if left_right else x
            out[y, x] = colours[u, v] if swap else colours[v, u]
    return out


@njit(**INNER)
def _is_covered(sx: float, sy: float, half: int, size: tuple[int, int]) -> bool:
    """Whether all px that a sample is made of are on the sensor, or it is one of them."""
    ix, iy = int(np.floor(sx)), int(np.floor(sy))
    inside_x = (ix - half + 1 >= 0 and ix + half < size[1]) or (sx == ix and 0 <= ix < size[1])
    inside_y = (iy - half + 1 >= 0 and iy + half < size[0]) or (sy == iy and 0 <= iy < size[0])
    return inside_x and inside_y


@njit(**INNER)
def _is_inside(inverse: Array, x: int, y: int, half: int, size: tuple[int, int]) -> bool:
    """Whether a grid px lies so far within the sensor that its sample is covered, whatever its fraction."""
    sx, sy = _at(inverse, x, y)
    return bool((half < sx < size[1] - 1 - half) & (half < sy < size[0] - 1 - half))


@njit(**INNER)
def _uncover(inverse: Array, box: Array, half: int, size: tuple[int, int], out: Array) -> None:
    """NaN where the sub does not cover the grid: from both ends of a row as far as the first px well inside.

    A line crosses a sensor once, so between two such px all are covered.
    """
    inside = True
    for gy in (box[0], box[1] - 1):
        for gx in (box[2], box[3] - 1):
            inside &= _is_inside(inverse, gx, gy, half, size)
    if inside:
        return
    for gy in range(box[0], box[1]):
        first, last = box[2], box[3]
        while first < last and not _is_inside(inverse, first, gy, half, size):
            first += 1
        while first < last and not _is_inside(inverse, last - 1, gy, half, size):
            last -= 1
        _uncover_row(inverse, box, gy, (box[2], first), half, size, out)
        _uncover_row(inverse, box, gy, (last, box[3]), half, size, out)


@njit(**INNER)
def _uncover_row(
    inverse: Array, box: Array, gy: int, columns: tuple[int, int], half: int, size: tuple[int, int], out: Array
) -> None:
    """Ask of each px of a part of a row."""
    for gx in range(columns[0], columns[1]):
        sx, sy = _at(inverse, gx, gy)
        if not _is_covered(sx, sy, half, size):
            for c in range(out.shape[0]):
                out[c, gy - box[0], gx - box[2]] = F(np.nan)


@njit(**INNER)
def _copy(source: Array, corner: tuple[int, int], shift: tuple[int, int], box: Array, out: Array) -> None:
    """Sample a sub that lies whole px off the grid: its px."""
    y, x = box[0] + shift[0] - corner[0], box[2] + shift[1] - corner[1]
    h, w = source.shape[1:]
    n = box[3] - box[2]
    first, last = max(0, -x), min(n, w - x)
    for c in range(source.shape[0]):
        for j in range(box[1] - box[0]):
            row = out[c, j]
            row[:n] = F(np.nan)
            if 0 <= y + j < h:
                # not by slices: what numba would say of their lengths takes two seconds to compile
                for i in range(first, last):
                    row[i] = source[c, y + j, x + i]


@njit(**INNER)
def _warp_px_by_px(
    source: Array,
    corner: tuple[int, int],
    inverse: Array,
    size: tuple[int, int],
    half: int,
    box: Array,
    out: Array,
) -> None:
    """`warp_box` for any map."""
    wy, wx = np.empty(2 * half, np.float32), np.empty(2 * half, np.float32)
    for gy in range(box[0], box[1]):
        for gx in range(box[2], box[3]):
            sx, sy = _at(inverse, gx, gy)
            covered = _is_covered(sx, sy, half, size)
            ix, iy = int(np.floor(sx)), int(np.floor(sy))
            if half == CUBIC:
                wy[0], wy[1], wy[2], wy[3] = four(F(sy - iy))
                wx[0], wx[1], wx[2], wx[3] = four(F(sx - ix))
            else:
                wy[0], wy[1], wy[2], wy[3], wy[4], wy[5] = six(F(sy - iy))
                wx[0], wx[1], wx[2], wx[3], wx[4], wx[5] = six(F(sx - ix))
            y, x = iy - corner[0] - half + 1, ix - corner[1] - half + 1
            for c in range(source.shape[0]):
                total = F(0) if covered else F(np.nan)
                if covered:
                    for j in range(2 * half):
                        row, along = source[c, y + j], F(0)
                        for i in range(2 * half):
                            along += wx[i] * row[x + i]
                        total += wy[j] * along
                out[c, gy - box[0], gx - box[2]] = total


@njit(**INNER)
def reach_of(inverse: Array, half: int) -> int:
    """So many px about those that a box maps to are needed to sample it."""
    b, e = max(abs(inverse[0, 1]), 1e-9), max(abs(inverse[1, 1]), 1e-9)
    shear = min(b / e, e / b)
    return half + 2 + int(min(shear, MOST_SHEAR) * half)


@njit(**INNER)
def warp_box(
    source: Array,
    corner: tuple[int, int],
    inverse: Array,
    size: tuple[int, int],
    half: int,
    box: Array,
    out: Array,
) -> None:
    """Sample an upright source at the px of a grid box (y0, y1, x0, x1); NaN where the sub does not cover.

    Parameters
    ----------
    source : (C, h, w) from `kernels.source_tile`.
    corner : y, x of its first px.
    inverse : (3, 3) grid → source px.
    size : (H, W) of the whole source.
    half : CUBIC or LANCZOS.
    out : (C, box rows or more, box columns or more).
    """
    is_plane, affine = _plane_map(inverse, box)
    a, b, c, d, e, f = affine
    if is_plane and a == 1 and e == 1 and b == 0 and d == 0 and c == np.floor(c) and f == np.floor(f):
        _copy(source, corner, (int(f), int(c)), box, out)
        _uncover(inverse, box, half, size, out)
        return
    if is_plane and a > 0 and e > 0:
        is_plane = abs(b) <= MOST_SHEAR * e and abs(d) <= MOST_SHEAR * a
        is_plane = is_plane and min(spread_of(d), spread_of(a - b * d / e - 1)) >= 0
    else:
        is_plane = False
    if not is_plane:
        _warp_px_by_px(source, corner, inverse, size, half, box, out)
        return
    span = (box[0], box[1], box[2], box[3])
    rows = np.empty((source.shape[0], source.shape[1], (box[3] - box[2] + LANES - 1) // LANES * LANES), np.float32)
    sample_rows(source, corner, half, affine, span, rows)
    sample_columns(rows, corner[0], half, affine, span, out)
    _uncover(inverse, box, half, size, out)
