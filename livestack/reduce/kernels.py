"""The compiled inner loops: calibrate, debayer, warp, test, accumulate; tile by tile.

Every kernel releases the GIL and works on one band of the grid, so bands may run in any number of threads: no sum
crosses a band, and the bits do not depend on who ran it. Sources are (P, H, W): one plane mono or CFA, three colour.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce import xtrans
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.filling import fill

BAND = 64
"""Rows of the grid in one call: a constant, never a function of the machine."""
TILE = 256
"""Columns of the grid in one tile."""
MARGIN = 4
"""Source px around a tile for debayer (2) and filling defects (2)."""


@njit(**OPTIONS)
def _reflect(i: int, n: int) -> int:
    """Index mirrored at the first and the last pixel: keeps the parity of a CFA."""
    if i < 0:
        i = -i
    if i >= n:
        i = 2 * (n - 1) - i
    return min(max(i, 0), n - 1)


@njit(**OPTIONS)
def _inside(i: int, n: int, cell: int) -> int:
    """Index of a px of the same colour within 0…n: mirrored; the cell of X-Trans, which has no mirror, repeated."""
    if cell <= 2:
        return int(_reflect(i, n))
    if i < 0:
        i = i % cell
    if i >= n:
        i = n - cell + (i - n) % cell
    return min(max(i, 0), n - 1)


@njit(**OPTIONS)
def load(raw: Array, pedestal: Array, gain: Array, y0: int, x0: int, cell: int, out: Array) -> None:
    """(raw − pedestal) · gain of source px from (y0, x0) on into out (P, h, w); beyond the sensor as `_inside` says."""
    planes, height, width = raw.shape
    _, h, w = out.shape
    first, last = max(0, -x0), min(w, width - x0)
    for p in range(planes):
        for y in range(h):
            yy = _inside(y0 + y, height, cell)
            row = out[p, y]
            r = raw[p, yy]
            for x in range(first, last):
                row[x] = F(r[x0 + x])
            if pedestal.shape[0] > 0:
                d = pedestal[p, yy]
                for x in range(first, last):
                    row[x] -= d[x0 + x]
            if gain.shape[0] > 0:
                g = gain[p, yy]
                for x in range(first, last):
                    row[x] *= g[x0 + x]
            for x in range(first):
                row[x] = row[_inside(x0 + x, width, cell) - x0]
            for x in range(last, w):
                row[x] = row[_inside(x0 + x, width, cell) - x0]


@njit(**OPTIONS)
def whole_luminance(planes: Array, colours: Array, y0: int, x0: int) -> Array:
    """`xtrans.luminance` of all px of a mosaic, (1, H, W) float32, that starts at source (y0, x0)."""
    _, h, w = planes.shape
    nothing = np.empty((0, 0, 0), np.float32)
    wider = np.empty((1, h + 4, w + 4), np.float32)
    load(planes, nothing, nothing, -2, -2, colours.shape[0], wider)
    out = np.empty((h, w), np.float32)
    xtrans.luminance(wider[0], colours, y0, x0, out)
    return out


@njit(**OPTIONS)
def debayer(cfa: Array, colours: Array, y0: int, x0: int, out: Array) -> None:
    """Malvar, He and Cutler (2004) gradient-corrected linear interpolation.

    cfa (h + 4, w + 4) starts at source (y0 − 2, x0 − 2); colours (2, 2) are 0 R, 1 G, 2 B by source parity;
    out (3, h, w).
    """
    _, h, w = out.shape
    for y in range(h):
        py = (y0 + y) & 1
        uu, u, m, d, dd = cfa[y], cfa[y + 1], cfa[y + 2], cfa[y + 3], cfa[y + 4]
        green_first = colours[py, x0 & 1] == 1
        other = colours[py, (x0 + 1) & 1] if green_first else colours[py, x0 & 1]
        along, across, green = out[other], out[2 - other], out[1]
        at = 1 if green_first else 0
        for x in range(w):
            c = m[x + 2]
            cross = m[x + 1] + m[x + 3] + u[x + 2] + d[x + 2]
            far = m[x] + m[x + 4] + uu[x + 2] + dd[x + 2]
            here = (x & 1) == at
            green[y, x] = (F(4) * c + F(2) * cross - far) * F(0.125) if here else c
        for x in range(w):
            c = m[x + 2]
            diagonal = u[x + 1] + u[x + 3] + d[x + 1] + d[x + 3]
            between = F(5) * c + F(4) * (m[x + 1] + m[x + 3]) - diagonal - (m[x] + m[x + 4])
            here = (x & 1) == at
            along[y, x] = c if here else (between + F(0.5) * (uu[x + 2] + dd[x + 2])) * F(0.125)
        for x in range(w):
            c = m[x + 2]
            diagonal = u[x + 1] + u[x + 3] + d[x + 1] + d[x + 3]
            far = m[x] + m[x + 4] + uu[x + 2] + dd[x + 2]
            below = F(5) * c + F(4) * (u[x + 2] + d[x + 2]) - diagonal - (uu[x + 2] + dd[x + 2])
            corner = (F(6) * c + F(2) * diagonal - F(1.5) * far) * F(0.125)
            here = (x & 1) == at
            across[y, x] = corner if here else (below + F(0.5) * (m[x] + m[x + 4])) * F(0.125)


@njit(**OPTIONS)
def source_box(inverse: Array, box: Array, shape: tuple[int, int], pad: int) -> tuple[int, int, int, int]:
    """Source rows and columns (y0, y1, x0, x1) that a grid box (y0, y1, x0, x1) needs; empty = it lies outside."""
    low_y, high_y, low_x, high_x = np.inf, -np.inf, np.inf, -np.inf
    for gy in (box[0], box[1] - 1):
        for gx in (box[2], box[3] - 1):
            w = inverse[2, 0] * gx + inverse[2, 1] * gy + inverse[2, 2]
            sx = (inverse[0, 0] * gx + inverse[0, 1] * gy + inverse[0, 2]) / w
            sy = (inverse[1, 0] * gx + inverse[1, 1] * gy + inverse[1, 2]) / w
            low_y, high_y = min(low_y, sy), max(high_y, sy)
            low_x, high_x = min(low_x, sx), max(high_x, sx)
    y0, y1 = int(np.floor(low_y)) - pad, int(np.floor(high_y)) + pad + 1
    x0, x1 = int(np.floor(low_x)) - pad, int(np.floor(high_x)) + pad + 1
    y0, y1 = max(y0, -pad), min(y1, shape[0] + pad)
    x0, x1 = max(x0, -pad), min(x1, shape[1] + pad)
    if high_y < 0 or low_y > shape[0] - 1 or high_x < 0 or low_x > shape[1] - 1:
        return 0, 0, 0, 0
    return y0, y1, x0, x1


@njit(**OPTIONS)
def source_tile(raw: Array, pedestal: Array, gain: Array, colours: Array, area: tuple[int, int, int, int]) -> Array:
    """Calibrated, repaired and debayered source px of an area (y0, y1, x0, x1), as (C, h, w)."""
    y0, y1, x0, x1 = area
    planes = raw.shape[0]
    is_cfa = colours.shape[0] > 0
    data = np.empty((planes, y1 - y0 + 2 * MARGIN, x1 - x0 + 2 * MARGIN), np.float32)
    load(raw, pedestal, gain, y0 - MARGIN, x0 - MARGIN, colours.shape[0], data)
    fill(data, colours, y0 - MARGIN, x0 - MARGIN)
    if not is_cfa:
        return data[:, MARGIN : MARGIN + y1 - y0, MARGIN : MARGIN + x1 - x0].copy()
    colour = np.empty((3, y1 - y0, x1 - x0), np.float32)
    if colours.shape[0] == xtrans.CELL:
        xtrans.debayer(data[0, 2:-2, 2:-2], colours, y0, x0, colour)
    else:
        debayer(data[0, 2:-2, 2:-2], colours, y0, x0, colour)
    return colour


@njit(**OPTIONS)
def _bicubic(source: Array, y: int, x: int, fy: float, fx: float, out: Array) -> None:
    """Catmull–Rom bicubic (Keys 1981, a = −½) of all channels at source (y + fy, x + fx)."""
    t, s = F(fx), F(fy)
    t2, s2 = t * t, s * s
    t3, s3 = t2 * t, s2 * s
    a0, a1 = F(-0.5) * t + t2 - F(0.5) * t3, F(1) - F(2.5) * t2 + F(1.5) * t3
    a2, a3 = F(0.5) * t + F(2) * t2 - F(1.5) * t3, F(0.5) * (t3 - t2)
    b0, b1 = F(-0.5) * s + s2 - F(0.5) * s3, F(1) - F(2.5) * s2 + F(1.5) * s3
    b2, b3 = F(0.5) * s + F(2) * s2 - F(1.5) * s3, F(0.5) * (s3 - s2)
    for c in range(source.shape[0]):
        r0, r1, r2, r3 = source[c, y - 1], source[c, y], source[c, y + 1], source[c, y + 2]
        v0 = a0 * r0[x - 1] + a1 * r0[x] + a2 * r0[x + 1] + a3 * r0[x + 2]
        v1 = a0 * r1[x - 1] + a1 * r1[x] + a2 * r1[x + 1] + a3 * r1[x + 2]
        v2 = a0 * r2[x - 1] + a1 * r2[x] + a2 * r2[x + 1] + a3 * r2[x + 2]
        v3 = a0 * r3[x - 1] + a1 * r3[x] + a2 * r3[x + 1] + a3 * r3[x + 2]
        out[c] = b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3


@njit(**OPTIONS)
def _lanczos(source: Array, y: int, x: int, wy: Array, wx: Array, out: Array) -> None:
    """Lanczos-3 of all channels; wy, wx: six normalised weights each."""
    for c in range(source.shape[0]):
        total = F(0)
        for j in range(6):
            r = source[c, y - 2 + j]
            total += wy[j] * (
                wx[0] * r[x - 2]
                + wx[1] * r[x - 1]
                + wx[2] * r[x]
                + wx[3] * r[x + 1]
                + wx[4] * r[x + 2]
                + wx[5] * r[x + 3]
            )
        out[c] = total


@njit(**OPTIONS)
def warp_box(
    source: Array,
    area: tuple[int, int, int, int],
    inverse: Array,
    size: tuple[int, int],
    table: Array,
    box: Array,
    out: Array,
) -> None:
    """Sample the source at the px of a grid box (y0, y1, x0, x1); NaN where the sub does not cover.

    Parameters
    ----------
    source : (C, h, w) from `source_tile` of `area`.
    inverse : (3, 3) grid → source px.
    size : (H, W) of the whole source.
    table : (K + 1, 6) Lanczos weights, or (0, 6) for bicubic.
    out : (C, box rows, box columns).
    """
    height, width = size
    oy, ox = area[0], area[2]
    lanczos = table.shape[0] > 0
    before, after = (2, 3) if lanczos else (1, 2)
    steps = table.shape[0] - 1
    channels = source.shape[0]
    value = np.empty(channels, np.float32)
    for gy in range(box[0], box[1]):
        for gx in range(box[2], box[3]):
            w = inverse[2, 0] * gx + inverse[2, 1] * gy + inverse[2, 2]
            sx = (inverse[0, 0] * gx + inverse[0, 1] * gy + inverse[0, 2]) / w
            sy = (inverse[1, 0] * gx + inverse[1, 1] * gy + inverse[1, 2]) / w
            ix, iy = int(np.floor(sx)), int(np.floor(sy))
            fx, fy = sx - ix, sy - iy
            inside_x = (ix - before >= 0 and ix + after < width) or (fx == 0 and 0 <= ix < width)
            inside_y = (iy - before >= 0 and iy + after < height) or (fy == 0 and 0 <= iy < height)
            if not (inside_x and inside_y):
                for c in range(channels):
                    out[c, gy - box[0], gx - box[2]] = F(np.nan)
                continue
            if fx == 0 and fy == 0:
                for c in range(channels):
                    out[c, gy - box[0], gx - box[2]] = source[c, iy - oy, ix - ox]
                continue
            if lanczos:
                _lanczos(source, iy - oy, ix - ox, table[int(fy * steps + 0.5)], table[int(fx * steps + 0.5)], value)
            else:
                _bicubic(source, iy - oy, ix - ox, fy, fx, value)
            for c in range(channels):
                out[c, gy - box[0], gx - box[2]] = value[c]


@njit(**OPTIONS)
def subtract_sky(row: Array, sky: Array, x0: int, y: int, factor: float) -> None:
    """(row − sky) · factor for a row that begins at grid (x0, y); the surface is written anew about x0."""
    slope = sky[1] + sky[4] * y
    level = F(sky[0] + sky[2] * y + sky[5] * y * y + slope * x0 + sky[3] * x0 * x0)
    along, bend = F(slope + 2 * sky[3] * x0), F(sky[3])
    for x in range(row.size):
        row[x] = (row[x] - (level + (along + bend * F(x)) * F(x))) * factor


@njit(**OPTIONS)
def warp_and_normalise(
    light: tuple[Array, Array, Array, Array, Array, Array], sky: Array, scale: float, box: Array, out: Array
) -> bool:
    """One grid box of a sub as samples of the stack: (value − sky) / scale. False = the sub does not touch the box.

    Parameters
    ----------
    light : raw, pedestal, gain, colours, inverse, table
    sky : (C, 6) float64: coefficients of 1, x, y, x², xy, y² at grid px, ADU.
    out : (C, rows, columns) float32; NaN = not covered.
    """
    raw, pedestal, gain, colours, inverse, table = light
    size = (raw.shape[1], raw.shape[2])
    area = source_box(inverse, box, size, 4)
    if area[1] <= area[0] or area[3] <= area[2]:
        return False
    source = source_tile(raw, pedestal, gain, colours, area)
    warp_box(source, area, inverse, size, table, box, out)
    factor = F(1.0 / scale)
    for c in range(out.shape[0]):
        for y in range(box[1] - box[0]):
            subtract_sky(out[c, y], sky[c], box[2], box[0] + y, factor)
    return True
