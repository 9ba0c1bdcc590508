"""The guide: luminance at half resolution, on which a sub is judged as a picture, not px by px.

Luminance is ¼ red, ½ green, ¼ blue: a 2 × 2 cell of a CFA. A sub's guide is binned on its own sensor and then warped;
the stack's guide is a `Stack` of its own, folded with the same judgement.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce.bands import each_band
from livestack.reduce.cells import CELL, NO_CELLS, Cells, cells_of, mend
from livestack.reduce.compile import BORROWING, LEAF, OPTIONS, F
from livestack.reduce.flags import has_any
from livestack.reduce.fold import Light, coarser
from livestack.reduce.kernels import Sensor, source_box, subtract_sky, tile_width
from livestack.reduce.resample import CUBIC
from livestack.reduce.warp import quarter_turn, reach_of, upright, warp_box
from livestack.stack import Shape, Stack

MOST_MENDED = 1 / 2000
"""Of all cells."""

_TO_FULL = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])


def guide_shape(shape: Shape) -> Shape:
    """Shape of the guide of a stack."""
    return 1, shape[1] // CELL, shape[2] // CELL


@njit(**OPTIONS)
def _guide_band(
    sensor: Sensor, known: Array, pose: tuple[Array, int], sky: Array, scale: float, out: Array, y0: int, y1: int
) -> None:
    """Sample a sub on the stack's guide, rows y0…y1 of out (h, w); pose as in `kernels.warp_and_normalise`.

    known : as in `cells_of`.
    """
    inverse, half = pose
    size = (sensor[0].shape[1] // 2, sensor[0].shape[2] // 2)
    width = out.shape[1]
    box = np.empty(4, np.int64)
    factor = F(1.0 / scale)
    columns = tile_width(inverse)
    for x0 in range(0, width, columns):
        x1 = min(x0 + columns, width)
        box[0], box[1], box[2], box[3] = y0, y1, x0, x1
        area = source_box(inverse, box, size, reach_of(inverse, half))
        if area[1] <= area[0] or area[3] <= area[2]:
            for y in range(y0, y1):
                for x in range(x0, x1):
                    out[y, x] = F(np.nan)
            continue
        cells = np.empty((1, area[1] - area[0], area[3] - area[2]), np.float32)
        cells_of(sensor, known, area, cells[0])
        sample = np.empty((1, y1 - y0, x1 - x0), np.float32)
        turned = upright(cells, (area[0], area[2]), size, inverse, quarter_turn(inverse, box))
        warp_box(turned[0], turned[1], turned[3], turned[2], half, box, sample)
        for y in range(y0, y1):
            for x in range(x0, x1):
                out[y, x] = sample[0, y - y0, x - x0]
            subtract_sky(out[y, x0:x1], sky, x0, y, factor)


def with_cells(light: Light, cells: Cells | None, px: Array) -> Light:
    """Return the light with the cells its guide is sampled of, made when some px, y · width + x, were not known as bad.

    Where there are many of them the cells go: all of them are then made anew as fast.
    """
    if cells is None or cells.plane is None or px.size > MOST_MENDED * cells.plane.size:
        return light
    mend(cells.plane, light.sensor, px)
    return dataclasses.replace(light, cells=cells)


def guide_of(light: Light, shape: Shape, threads: Executor | None) -> Array:
    """Sample a sub on the guide of a stack of this shape: (h, w) float32, NaN where it does not cover.

    Cells that wait with the light are taken; made of its px they are the same bits.
    """
    _, h, w = guide_shape(shape)
    coarse = np.linalg.inv(_TO_FULL) @ light.inverse @ _TO_FULL
    shares = np.array([0.25, 0.5, 0.25]) if len(light.sky) == 3 else np.ones(1)
    sky = coarser(shares @ light.sky, CELL, 0.5)
    out = new_plane((h, w), np.float32)
    known = light.cells.take() if light.cells is not None else None
    cells = NO_CELLS if known is None else known

    def band(y0: int, y1: int) -> None:
        _guide_band(light.sensor, cells, (coarse, CUBIC), sky, light.scale, out, y0, y1)

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
                        wide += weight[0, yy, xx] / F(4 * channels)
                        n = min(n, int(coverage[0, yy, xx]))
            out[0][y, x], out[1][y, x], out[2][y, x] = total, wide, n


def guide_of_stack(stack: Stack, threads: Executor | None) -> Stack:
    """Guide of a stack by binning it: a template to judge by; it knows no variance."""
    guide = Stack(guide_shape(stack.shape), stack.template)
    out = (guide.mean[0], guide.weight[0], guide.coverage[0])

    def band(y0: int, y1: int) -> None:
        _bin_band(stack.mean, stack.weight, stack.coverage, out, y0, y1)

    each_band(guide.shape[1], threads, band)
    return guide


@njit(**LEAF)
def _seen_row(row: Array, coverage: Array) -> None:
    """Count a row of which nothing is out."""
    for x in range(row.size):
        coverage[x] += np.uint16(np.abs(row[x]) <= F(3e38))


@njit(**LEAF)
def _judged_row(row: Array, out: Array, expected: Array, removed: Array, counts: tuple[Array, Array]) -> None:
    """Count what of a row is in, and out; of the brightest that is out keep how far it stood above the template."""
    coverage, rejected = counts
    for x in range(row.size):
        covered = np.abs(row[x]) <= F(3e38)
        left_out = covered & out[x]
        coverage[x] += np.uint16(covered & ~left_out)
        rejected[x] += np.uint16(left_out)
        above = row[x] - expected[x]
        removed[x] = above if left_out & (above > removed[x]) else removed[x]


@njit(**LEAF)
def _add_row(row: Array, out: Array, weight: Any, sums: tuple[Array, Array, Array]) -> None:
    """Welford on what of a row is in."""
    mean, m2, total = sums
    for x in range(row.size):
        inside = (np.abs(row[x]) <= F(3e38)) & ~out[x]
        added = weight if inside else F(0)
        new = total[x] + added
        total[x] = new
        d = row[x] - mean[x] if inside else F(0)
        g = d * (added / max(new, F(1e-30)))
        mean[x] += g
        m2[x] += added * d * (d - g)


@njit(**BORROWING)
def _fold_guide_band(
    guide: tuple[Array, Array, Array, Array, Array],
    sample: Array,
    weight: float,
    judged: tuple[Array, Array],
    removed: Array,
    y0: int,
    y1: int,
) -> None:
    out, template = judged
    mean, m2, total, coverage, rejected = guide
    for y in range(y0, y1):
        if has_any(out[y]):
            # the template may be the guide itself
            _judged_row(sample[y], out[y], template[y], removed[y], (coverage[0, y], rejected[0, y]))
        else:
            _seen_row(sample[y], coverage[0, y])
        _add_row(sample[y], out[y], F(weight), (mean[0, y], m2[0, y], total[0, y]))


def fold_guide(
    guide: Stack, sample: Array, weight: float, judged: tuple[Array, Array], removed: Array, threads: Executor | None
) -> None:
    """Welford on the guide, leaving out what is judged out; the brightest of that is kept in `removed`.

    judged: what is out, and the template (h, w) it was judged against: `removed` is what stood above that.
    """

    def band(y0: int, y1: int) -> None:
        _fold_guide_band(guide.arrays, sample, weight, judged, removed, y0, y1)

    each_band(len(sample), threads, band)
