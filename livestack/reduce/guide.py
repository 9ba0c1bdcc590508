"""The guide: luminance at half resolution, on which a sub is judged as a picture, not px by px.

Luminance is ¼ red, ½ green, ¼ blue: a 2 × 2 cell of a CFA. A sub's guide is binned on its own sensor and then warped;
the stack's guide is a `Stack` of its own, folded with the same judgement.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce import xtrans
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.filling import fill
from livestack.reduce.fold import Light, coarser, each_band
from livestack.reduce.kernels import load, source_box, subtract_sky
from livestack.stack import Shape, Stack

CELL = 2
TILE = 512
"""Columns of the guide in one tile."""

_NOTHING = np.zeros(0, np.float32)
_TO_FULL = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])


def guide_shape(shape: Shape) -> Shape:
    """Shape of the guide of a stack."""
    return 1, shape[1] // CELL, shape[2] // CELL


@njit(**OPTIONS)
def _share(planes: int, plane: int) -> Any:
    """Share of a px of a plane in the luminance of its cell: ¼ of what its colour has."""
    return F(0.25) if planes == 1 else (F(0.125) if plane == 1 else F(0.0625))


@njit(**OPTIONS)
def _cell(raw: Array, pedestal: Array, gain: Array, colours: Array, y: int, x: int) -> Any:
    """Luminance of a cell of which a px is bad, or of X-Trans: from the px about it, too."""
    # two px for defects, and two more where luminance is interpolated
    margin = 4 if colours.shape[0] > CELL else 2
    side = 2 + 2 * margin
    data = np.empty((raw.shape[0], side, side), np.float32)
    load(raw, pedestal, gain, 2 * y - margin, 2 * x - margin, colours.shape[0], data)
    fill(data, colours, 2 * y - margin, 2 * x - margin)
    if colours.shape[0] > CELL:
        luminance = np.empty((1, 6, 6), np.float32)
        xtrans.luminance(data[0], colours, 2 * y - 2, 2 * x - 2, luminance[0])
        data = luminance
    total = F(0)
    for p in range(raw.shape[0]):
        total += _share(raw.shape[0], p) * (data[p, 2, 2] + data[p, 2, 3] + data[p, 3, 2] + data[p, 3, 3])
    return total


@njit(**OPTIONS)
def _add_row(raw: Array, pedestal: Array, gain: Array, at: tuple[int, int, int], out: Array) -> None:
    """Add calibrated px of a row from (plane, y, x) on."""
    p, y, first = at
    near = slice(first, first + out.size)
    r = raw[p, y, near]
    d = pedestal[p, y, near] if pedestal.shape[0] > 0 else _NOTHING
    g = gain[p, y, near] if gain.shape[0] > 0 else _NOTHING
    if d.size > 0 and g.size > 0:
        for x in range(out.size):
            out[x] += (F(r[x]) - d[x]) * g[x]
    elif d.size > 0:
        for x in range(out.size):
            out[x] += F(r[x]) - d[x]
    elif g.size > 0:
        for x in range(out.size):
            out[x] += F(r[x]) * g[x]
    else:
        for x in range(out.size):
            out[x] += F(r[x])


@njit(**OPTIONS)
def _cell_row(raw: Array, pedestal: Array, gain: Array, y: int, first: int, out: Array) -> None:
    """Luminance of the cells of a row from cell `first` on: the mean of calibrated px."""
    both = np.empty(2 * out.size, np.float32)
    out[:] = F(0)
    for p in range(raw.shape[0]):
        both[:] = F(0)
        for yy in (2 * y, 2 * y + 1):
            _add_row(raw, pedestal, gain, (p, yy, 2 * first), both)
        share = _share(raw.shape[0], p)
        for x in range(out.size):
            out[x] += share * (both[2 * x] + both[2 * x + 1])


@njit(**OPTIONS)
def _cells(
    raw: Array, pedestal: Array, gain: Array, colours: Array, area: tuple[int, int, int, int], out: Array
) -> None:
    """Luminance of each 2 × 2 cell of calibrated px; area is in cells. Those beyond the sensor repeat its last."""
    y0, y1, x0, x1 = area
    height, width = raw.shape[1] // CELL, raw.shape[2] // CELL
    first, last = max(x0, 0), min(x1, width)
    for y in range(y0, y1):
        row, yy = out[y - y0], min(max(y, 0), height - 1)
        inside = row[first - x0 : last - x0]
        if colours.shape[0] <= CELL:
            _cell_row(raw, pedestal, gain, yy, first, inside)
        for x in range(inside.size):
            if colours.shape[0] > CELL or not np.isfinite(inside[x]):
                inside[x] = _cell(raw, pedestal, gain, colours, yy, first + x)
        row[: first - x0] = inside[0]
        row[last - x0 :] = inside[-1]


@njit(**OPTIONS)
def _places(inverse: Array, y: int, x0: int, whole: tuple[Array, Array], step: tuple[Array, Array]) -> None:
    """Where the px of a grid row from (y, x0) on lie in the source: x and y of the cell, and how far from there.

    x is less the place in the row: it stays the same while both go on together.
    """
    (ix, iy), (fx, fy) = whole, step
    for k in range(ix.size):
        x = x0 + k
        w = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        sx = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) * (1 / w)
        sy = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) * (1 / w)
        left, top = np.floor(sx), np.floor(sy)
        fx[k], fy[k] = F(sx - left), F(sy - top)
        ix[k], iy[k] = np.int32(left) - np.int32(k), np.int32(top)


@njit(**OPTIONS)
def _bicubic_run(rows: tuple[Array, Array, Array, Array], fx: Array, fy: Array, out: Array) -> None:
    """Catmull–Rom bicubic (Keys 1981, a = −½) of px that follow one another in the source; rows have three more."""
    r0, r1, r2, r3 = rows
    for k in range(out.size):
        t, s = fx[k], fy[k]
        t2, s2 = t * t, s * s
        t3, s3 = t2 * t, s2 * s
        a0, a1 = F(-0.5) * t + t2 - F(0.5) * t3, F(1) - F(2.5) * t2 + F(1.5) * t3
        a2, a3 = F(0.5) * t + F(2) * t2 - F(1.5) * t3, F(0.5) * (t3 - t2)
        b0, b1 = F(-0.5) * s + s2 - F(0.5) * s3, F(1) - F(2.5) * s2 + F(1.5) * s3
        b2, b3 = F(0.5) * s + F(2) * s2 - F(1.5) * s3, F(0.5) * (s3 - s2)
        v0 = a0 * r0[k] + a1 * r0[k + 1] + a2 * r0[k + 2] + a3 * r0[k + 3]
        v1 = a0 * r1[k] + a1 * r1[k + 1] + a2 * r1[k + 2] + a3 * r1[k + 3]
        v2 = a0 * r2[k] + a1 * r2[k + 1] + a2 * r2[k + 2] + a3 * r2[k + 3]
        v3 = a0 * r3[k] + a1 * r3[k + 1] + a2 * r3[k + 2] + a3 * r3[k + 3]
        out[k] = b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3


@njit(**OPTIONS)
def _warp_run(
    cells: Array,
    corner: tuple[int, int],
    size: tuple[int, int],
    at: tuple[int, int],
    step: tuple[Array, Array],
    out: Array,
) -> None:
    """Sample px that follow one another in grid and source, the first at source `at` (y, x); NaN = not covered.

    Parameters
    ----------
    corner : source (y, x) of the first of the cells.
    step : how far right and below of a cell each px lies.
    """
    y, x = at
    height, width = size
    fx, fy = step
    out[:] = F(np.nan)
    first, last = max(-x, 0), min(width - x, out.size)
    if not 0 <= y < height or first >= last:
        return
    top, left = y - corner[0], x - corner[1]
    if fx[0] == 0 and fx[-1] == 0 and fy[0] == 0 and fy[-1] == 0:
        # what is missing beside it does not matter
        out[first:last] = cells[top, left + first : left + last]
        return
    near = slice(left + first - 1, left + last + 2)
    rows = (cells[top - 1, near], cells[top, near], cells[top + 1, near], cells[top + 2, near])
    _bicubic_run(rows, fx[first:last], fy[first:last], out[first:last])
    # at the edge of the source only what lies on a row or column of it has all it needs
    if y < 1 or y >= height - 2:
        for k in range(first, last):
            out[k] = out[k] if fy[k] == 0 else F(np.nan)
    for k in range(first, last):
        if 1 <= x + k < width - 2:
            break
        out[k] = out[k] if fx[k] == 0 else F(np.nan)
    for k in range(max(first, width - 2 - x), last):
        out[k] = out[k] if fx[k] == 0 else F(np.nan)


@njit(**OPTIONS)
def _warp_row(
    cells: Array,
    area: tuple[int, int, int, int],
    size: tuple[int, int],
    inverse: Array,
    at: tuple[int, int],
    out: Array,
) -> None:
    """Sample cells of an area of a sub of that size at the px of a grid row that starts at (y, x)."""
    n = out.size
    ix, iy = np.empty(n, np.int32), np.empty(n, np.int32)
    fx, fy = np.empty(n, np.float32), np.empty(n, np.float32)
    _places(inverse, at[0], at[1], (ix, iy), (fx, fy))
    k = 0
    while k < n:
        end = k + 1
        while end < n and ix[end] == ix[k] and iy[end] == iy[k]:
            end += 1
        start = (int(iy[k]), int(ix[k]) + k)
        _warp_run(cells, (area[0], area[2]), size, start, (fx[k:end], fy[k:end]), out[k:end])
        k = end


@njit(**OPTIONS)
def _guide_band(
    light: tuple[Array, Array, Array, Array, Array, Array], sky: Array, scale: float, out: Array, y0: int, y1: int
) -> None:
    """Sample a sub on the stack's guide, rows y0…y1 of out (h, w)."""
    raw, pedestal, gain, colours, inverse, _ = light
    size = (raw.shape[1] // CELL, raw.shape[2] // CELL)
    box = np.empty(4, np.int64)
    factor = F(1.0 / scale)
    for x0 in range(0, out.shape[1], TILE):
        x1 = min(x0 + TILE, out.shape[1])
        box[0], box[1], box[2], box[3] = y0, y1, x0, x1
        area = source_box(inverse, box, size, 4)
        if area[1] <= area[0] or area[3] <= area[2]:
            out[y0:y1, x0:x1] = F(np.nan)
            continue
        cells = np.empty((area[1] - area[0], area[3] - area[2]), np.float32)
        _cells(raw, pedestal, gain, colours, area, cells)
        for y in range(y0, y1):
            row = out[y, x0:x1]
            _warp_row(cells, area, size, inverse, (y, x0), row)
            subtract_sky(row, sky, x0, y, factor)


def guide_of(light: Light, shape: Shape, threads: Executor | None) -> Array:
    """Sample a sub on the guide of a stack of this shape: (h, w) float32, NaN where it does not cover."""
    _, h, w = guide_shape(shape)
    raw, pedestal, gain, colours, inverse, table = light.arrays
    coarse = np.linalg.inv(_TO_FULL) @ inverse @ _TO_FULL
    shares = np.array([0.25, 0.5, 0.25]) if len(light.sky) == 3 else np.ones(1)
    sky = coarser(shares @ light.sky, CELL, 0.5)
    out = np.empty((h, w), np.float32)

    def band(y0: int, y1: int) -> None:
        _guide_band((raw, pedestal, gain, colours, coarse, table), sky, light.scale, out, y0, y1)

    each_band(h, threads, band)
    return out


@njit(**OPTIONS)
def _bin_band(mean: Array, weight: Array, coverage: Array, out: tuple[Array, Array, Array], y0: int, y1: int) -> None:
    """Guide of a stack: shares of its channels, mean weight and least coverage of each cell."""
    channels = mean.shape[0]
    for y in range(y0, y1):
        for x in range(out[0].shape[1]):
            total, wide, n = F(0), F(0), 65535
            for c in range(channels):
                share = F(0.25) if channels == 1 else (F(0.125) if c == 1 else F(0.0625))
                for yy in (2 * y, 2 * y + 1):
                    for xx in (2 * x, 2 * x + 1):
                        total += share * mean[c, yy, xx]
                        wide += weight[c, yy, xx] / F(4 * channels)
                        n = min(n, int(coverage[c, yy, xx]))
            out[0][y, x], out[1][y, x], out[2][y, x] = total, wide, n


def guide_of_stack(stack: Stack, threads: Executor | None) -> Stack:
    """Guide of a stack by binning it: a template to judge by; it knows no variance."""
    guide = Stack(guide_shape(stack.shape), stack.template)
    out = (guide.mean[0], guide.weight[0], guide.coverage[0])

    def band(y0: int, y1: int) -> None:
        _bin_band(stack.mean, stack.weight, stack.coverage, out, y0, y1)

    each_band(guide.shape[1], threads, band)
    return guide


@njit(**OPTIONS)
def fold_guide(
    guide: tuple[Array, Array, Array, Array, Array],
    sample: Array,
    weight: float,
    judged: tuple[Array, Array],
    removed: Array,
) -> None:
    """Welford on the guide, leaving out what is judged out; the brightest of that is kept in `removed`.

    judged: what is out, and the template (h, w) it was judged against: `removed` is what stood above that.
    """
    out, template = judged
    mean, m2, total, coverage, rejected = guide
    w = F(weight)
    for y in range(sample.shape[0]):
        for x in range(sample.shape[1]):
            v = sample[y, x]
            if not np.isfinite(v):
                continue
            if out[y, x]:
                rejected[0, y, x] += 1
                removed[y, x] = max(removed[y, x], v - template[y, x])
                continue
            coverage[0, y, x] += 1
            new = total[0, y, x] + w
            total[0, y, x] = new
            d = v - mean[0, y, x]
            g = d * (w / new)
            mean[0, y, x] += g
            m2[0, y, x] += w * d * (d - g)
