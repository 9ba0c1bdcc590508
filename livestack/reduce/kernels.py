"""The compiled inner loops: calibrate, debayer, warp, test, accumulate; tile by tile.

Every kernel releases the GIL and works on one band of the grid, so bands may run in any number of threads: no sum
crosses a band, and the bits do not depend on who ran it. Sources are (P, H, W): one plane mono or CFA, three colour.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce import xtrans
from livestack.reduce.compile import INNER, LEAF, OPTIONS, F
from livestack.reduce.filling import fill
from livestack.reduce.warp import quarter_turn, reach_of, upright, upright_colours, warp_box

WIDEST_TILE, NARROWEST_TILE = 960, 240
"""Columns of the grid in one tile, the first where the sub is level with the grid; as many px of a preview fit."""
MOST_ROWS_MORE = 26
"""Rows of the source that a wide tile may take more than a narrow one, for its tilt."""
MARGIN = 4
"""Source px around a tile for debayer (2) and filling defects (2)."""

Sensor = tuple[Array, Array, Array, tuple[Array, Array], Array, Array]
"""Planes (P, H, W) uint16, pedestal and gain (P, H, W) or empty, bad px (where each row begins, columns), colours, and
planes (P, H, W) float32 in place of the first, of which then the shape alone counts; or empty. So every kernel is
compiled once, whatever the camera writes."""

Pose = tuple[Array, int] | None
"""(3, 3) grid → source px, and half the taps of the kernel. None = the sub's px are those of the grid, nothing is
sampled: a variant for the first sub of a night, which is compiled in a quarter of the time."""

Sketch = tuple[Array, int]
"""A preview of the sub to be written by the way, (h, w, C) or (0, 0, C) for none, and grid px per px of it."""


@njit(**LEAF)
def _reflect(i: int, n: int) -> int:
    """Index mirrored at the first and the last pixel: keeps the parity of a CFA."""
    if i < 0:
        i = -i
    if i >= n:
        i = 2 * (n - 1) - i
    return min(max(i, 0), n - 1)


@njit(**LEAF)
def _inside(i: int, n: int, cell: int) -> int:
    """Index of a px of the same colour within 0…n: mirrored; the cell of X-Trans, which has no mirror, repeated."""
    if cell <= 2:
        return int(_reflect(i, n))
    if i < 0:
        i = i % cell
    if i >= n:
        i = n - cell + (i - n) % cell
    return min(max(i, 0), n - 1)


@njit(**LEAF)
def _calibrate_row(
    raw: Array, pedestal: Array, gain: Array, place: tuple[int, int, int], out: Array, at: tuple[int, int, int]
) -> None:
    """(raw − pedestal) · gain of px from a place (p, y, x) on, into n px of out (P, h, w) from (y, x) on: at (y, x, n).

    Indices have no sign: of others it is asked at each px whether they count from the end.
    """
    p, y, x = np.uint64(place[0]), np.uint64(place[1]), np.uint64(place[2])
    v, u, n = np.uint64(at[0]), np.uint64(at[1]), np.uint64(at[2])
    if pedestal.size > 0 and gain.size > 0:
        for i in range(n):
            out[p, v, u + i] = (F(raw[p, y, x + i]) - pedestal[p, y, x + i]) * gain[p, y, x + i]
    elif pedestal.size > 0:
        for i in range(n):
            out[p, v, u + i] = F(raw[p, y, x + i]) - pedestal[p, y, x + i]
    elif gain.size > 0:
        for i in range(n):
            out[p, v, u + i] = F(raw[p, y, x + i]) * gain[p, y, x + i]
    else:
        for i in range(n):
            out[p, v, u + i] = F(raw[p, y, x + i])


@njit(**LEAF)
def _load(sensor: Sensor, y0: int, x0: int, out: Array) -> None:
    """(raw − pedestal) · gain of source px from (y0, x0) on into out (P, h, w), bad ones NaN; beyond it `_inside`."""
    raw, pedestal, gain, (starts, columns), colours, floats = sensor
    planes, height, width = raw.shape
    cell = colours.shape[0]
    _, h, w = out.shape
    first, last = min(max(0, -x0), w), max(0, min(w, width - x0))
    for p in range(planes):
        for y in range(h):
            yy = _inside(y0 + y, height, cell)
            n = max(last - first, 0)
            if floats.shape[0] > 0:
                _calibrate_row(floats, pedestal, gain, (p, yy, x0 + first), out, (y, first, n))
            else:
                _calibrate_row(raw, pedestal, gain, (p, yy, x0 + first), out, (y, first, n))
            for k in range(starts[yy], starts[yy + 1]):
                if first <= columns[k] - x0 < last:
                    out[p, y, columns[k] - x0] = F(np.nan)
            for x in range(first):
                out[p, y, x] = out[p, y, _inside(x0 + x, width, cell) - x0]
            for x in range(last, w):
                out[p, y, x] = out[p, y, _inside(x0 + x, width, cell) - x0]


@njit(**LEAF)
def _most_bad(sensor: Sensor, y0: int, x0: int, shape: tuple[int, int]) -> int:
    """So many px are bad at the most of rows and columns that `_load` made: mostly none, of a star's."""
    _, height, width = sensor[0].shape
    starts, cell = sensor[3][0], sensor[4].shape[0]
    h, w = shape
    most = h * (min(max(0, -x0), w) + w - max(0, min(w, width - x0)))
    for y in range(h):
        yy = _inside(y0 + y, height, cell)
        most += starts[yy + 1] - starts[yy]
    return int(most)


@njit(**INNER)
def _bad_in(sensor: Sensor, y0: int, x0: int, plane: Array, most: int) -> Array:
    """(N, 2) y, x of the bad px of a plane that `_load` made: those listed, and their images beyond the sensor."""
    _, height, width = sensor[0].shape
    starts, columns = sensor[3]
    cell = sensor[4].shape[0]
    h, w = plane.shape
    first, last = min(max(0, -x0), w), max(0, min(w, width - x0))
    found = np.empty((most, 2), np.int64)
    n = 0
    for y in range(h):
        yy = _inside(y0 + y, height, cell)
        for k in range(starts[yy], starts[yy + 1]):
            if first <= columns[k] - x0 < last:
                found[n, 0], found[n, 1] = y, columns[k] - x0
                n += 1
        for begin, end in ((0, first), (last, w)):
            for x in range(begin, end):
                if np.isnan(plane[y, x]):
                    found[n, 0], found[n, 1] = y, x
                    n += 1
    return found[:n]


@njit(**INNER)
def calibrate(sensor: Sensor, y0: int, x0: int, out: Array) -> None:
    """Calibrated and repaired px (P, h, w) of the source from (y0, x0) on; NaN where nothing can be said."""
    _load(sensor, y0, x0, out)
    most = _most_bad(sensor, y0, x0, (out.shape[1], out.shape[2]))
    if most > 0:
        fill(out, _bad_in(sensor, y0, x0, out[0], most), sensor[4], y0, x0)


@njit(**OPTIONS)
def whole_luminance(planes: Array, colours: Array, y0: int, x0: int) -> Array:
    """`xtrans.luminance` of all px of a mosaic, (1, H, W) float32, that starts at source (y0, x0)."""
    _, h, w = planes.shape
    shape_alone = np.empty(planes.shape, np.uint16)
    wider = np.empty((1, h + 4, w + 4), np.float32)
    nothing = np.empty((0, 0, 0), np.float32)
    none_bad = np.zeros(h + 1, np.int32), np.empty(0, np.int32)
    _load((shape_alone, nothing, nothing, none_bad, colours, planes), -2, -2, wider)
    out = np.empty((h, w), np.float32)
    xtrans.luminance(wider[0], colours, y0, x0, out)
    return out


@njit(**LEAF)
def _debayer_row(
    rows: tuple[Array, Array, Array, Array, Array], at: int, green: Array, along: Array, across: Array
) -> None:
    """Colours of the middle of five rows, which begin two px before what is written.

    Parameters
    ----------
    at : parity of the px that are not green.
    along, across : the colour that these px have, and the one that no px of the row has.
    """
    uu, u, m, d, dd = rows
    for x in range(green.size):
        c, is_green = m[x + 2], (x & 1) != at
        beside, above = m[x + 1] + m[x + 3], u[x + 2] + d[x + 2]
        far_x, far_y = m[x] + m[x + 4], uu[x + 2] + dd[x + 2]
        diagonal, far = u[x + 1] + u[x + 3] + d[x + 1] + d[x + 3], far_x + far_y
        centre = F(5) * c - diagonal
        green[x] = c if is_green else (F(4) * c + F(2) * (beside + above) - far) * F(0.125)
        along[x] = (centre + F(4) * beside - far_x + F(0.5) * far_y) * F(0.125) if is_green else c
        corner = F(6) * c + F(2) * diagonal - F(1.5) * far
        across[x] = (centre + F(4) * above - far_y + F(0.5) * far_x if is_green else corner) * F(0.125)


@njit(**LEAF)
def debayer(cfa: Array, skip: int, colours: Array, y0: int, x0: int, out: Array) -> None:
    """Malvar, He and Cutler (2004) gradient-corrected linear interpolation.

    Px (skip, skip) of cfa, which is larger than out by `skip` px or more all round, is source (y0, x0); colours (2, 2)
    are 0 R, 1 G, 2 B by source parity; out (3, h, w).
    """
    _, h, w = out.shape
    first, last = skip - 2, skip + 2 + w
    for y in range(h):
        k = skip + y
        above = cfa[k - 2, first:last], cfa[k - 1, first:last]
        rows = (*above, cfa[k, first:last], cfa[k + 1, first:last], cfa[k + 2, first:last])
        py = (y0 + y) & 1
        green_first = colours[py, x0 & 1] == 1
        other = colours[py, (x0 + 1) & 1] if green_first else colours[py, x0 & 1]
        _debayer_row(rows, 1 if green_first else 0, out[1, y], out[other, y], out[2 - other, y])


@njit(**LEAF)
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


@njit(**LEAF)
def tile_width(inverse: Array) -> int:
    """Columns of a tile: as many as lie on the same rows of the source, or few more."""
    w = abs(inverse[2, 2])
    tilt = min(abs(inverse[1, 0]), abs(inverse[0, 0])) / w
    width = WIDEST_TILE
    while width > NARROWEST_TILE and tilt * width > MOST_ROWS_MORE:
        width //= 2
    return width


@njit(**INNER)
def source_tile(
    sensor: Sensor, area: tuple[int, int, int, int], inverse: Array, turn: tuple[bool, bool, bool]
) -> tuple[Array, tuple[int, int], tuple[int, int], Array]:
    """Calibrated, repaired and debayered px of a source area (y0, y1, x0, x1) or more, (C, h, w), made `upright`."""
    y0, y1, x0, x1 = area
    raw, colours = sensor[0], sensor[4]
    size = (raw.shape[1], raw.shape[2])
    data = np.empty((raw.shape[0], y1 - y0 + 2 * MARGIN, x1 - x0 + 2 * MARGIN), np.float32)
    calibrate(sensor, y0 - MARGIN, x0 - MARGIN, data)
    if colours.shape[0] == xtrans.CELL:
        # it has no mirror image
        colour = np.empty((3, y1 - y0, x1 - x0), np.float32)
        xtrans.debayer(data[0, 2:-2, 2:-2], colours, y0, x0, colour)
        colour, (top, left), size, inverse = upright(colour, (y0, x0), size, inverse, turn)
        return colour, (top, left), size, inverse
    data, (top, left), size, inverse = upright(data, (y0 - MARGIN, x0 - MARGIN), size, inverse, turn)
    if colours.shape[0] == 0:
        return data, (top, left), size, inverse
    top, left = top + MARGIN, left + MARGIN
    colour = np.empty((3, data.shape[1] - 2 * MARGIN, data.shape[2] - 2 * MARGIN), np.float32)
    debayer(data[0], MARGIN, upright_colours(colours, size, turn), top, left, colour)
    return colour, (top, left), size, inverse


@njit(**INNER)
def px_of_grid(sensor: Sensor, box: Array, out: Array) -> None:
    """Calibrated, repaired and debayered px of a box on the sensor (y0, y1, x0, x1), into out (C, rows, columns)."""
    y0, x0, h, w = box[0], box[2], box[1] - box[0], box[3] - box[2]
    raw, colours = sensor[0], sensor[4]
    data = np.empty((raw.shape[0], h + 2 * MARGIN, w + 2 * MARGIN), np.float32)
    calibrate(sensor, y0 - MARGIN, x0 - MARGIN, data)
    colour, skip = np.empty((out.shape[0] if colours.shape[0] else 0, h, w), np.float32), MARGIN
    if colours.shape[0] == xtrans.CELL:
        xtrans.debayer(data[0, 2:-2, 2:-2], colours, y0, x0, colour)
    elif colours.shape[0] > 0:
        debayer(data[0], MARGIN, colours, y0, x0, colour)
    if colours.shape[0] > 0:
        data, skip = colour, 0
    for c in range(out.shape[0]):
        for y in range(h):
            for x in range(w):
                out[c, y, x] = data[c, skip + y, skip + x]


@njit(**LEAF)
def subtract_sky(row: Array, sky: Array, x0: int, y: int, factor: float) -> None:
    """(row − sky) · factor for a row that begins at grid (x0, y); the surface is written anew about x0."""
    slope = sky[1] + sky[4] * y
    level = F(sky[0] + sky[2] * y + sky[5] * y * y + slope * x0 + sky[3] * x0 * x0)
    along, bend = F(slope + 2 * sky[3] * x0), F(sky[3])
    for x in range(row.size):
        at = F(np.int32(x))  # as many of these are converted at a time as there are samples
        row[x] = (row[x] - (level + (along + bend * at) * at)) * factor


@njit(**INNER)
def _warp(sensor: Sensor, pose: Pose, box: Array, out: Array) -> bool:
    """One grid box of a sub as it is, into out (C, rows, columns). False = the sub does not touch the box."""
    if pose is None:
        px_of_grid(sensor, box, out)
        return True
    inverse, half = pose
    area = source_box(inverse, box, (sensor[0].shape[1], sensor[0].shape[2]), reach_of(inverse, half))
    if area[1] <= area[0] or area[3] <= area[2]:
        return False
    source, corner, size, inverse = source_tile(sensor, area, inverse, quarter_turn(inverse, box))
    warp_box(source, corner, inverse, size, half, box, out)
    return True


@njit(**OPTIONS)
def warp_and_normalise(sensor: Sensor, pose: Pose, sky: Array, scale: float, box: Array, out: Array) -> bool:
    """One grid box of a sub as samples of the stack: (value − sky) / scale. False = the sub does not touch the box.

    Parameters
    ----------
    sky : (C, 6) float64: coefficients of 1, x, y, x², xy, y² at grid px, ADU.
    out : (C, rows, columns) float32, of the box or more; NaN = not covered.
    """
    if not _warp(sensor, pose, box, out):
        return False
    factor, n = F(1.0 / scale), box[3] - box[2]
    for c in range(out.shape[0]):
        for y in range(box[1] - box[0]):
            subtract_sky(out[c, y, :n], sky[c], box[2], box[0] + y, factor)
    return True


@njit(**LEAF)
def _take_every(row: Array, step: int, out: Array) -> None:
    """Put every step-th sample into out."""
    if step == 1:
        for x in range(out.size):
            out[x] = row[x]
        return
    for x in range(out.size):
        out[x] = row[np.uint64(step * x)]


@njit(**LEAF)
def _take_every_colour(r: Array, g: Array, b: Array, step: int, out: Array) -> None:
    """Put every step-th sample of three rows into the px of out, (3 n); the usual step is written out."""
    if step == 3:
        for x in range(np.uint64(out.size // 3)):
            out[3 * x], out[3 * x + 1], out[3 * x + 2] = r[3 * x], g[3 * x], b[3 * x]
    else:
        for x in range(np.uint64(out.size // 3)):
            at = np.uint64(step) * x
            out[3 * x], out[3 * x + 1], out[3 * x + 2] = r[at], g[at], b[at]


@njit(**INNER)
def sketch_box(sample: Array, box: Array, sketch: Sketch) -> None:
    """Put every step-th sample of a grid box, of every step-th row, into a preview of the sub.

    Parameters
    ----------
    sample : (C, ≥ rows, ≥ columns) float32, of the box.
    """
    out, step = sketch
    y0, y1, x0, x1 = _sketched(box, sketch)
    tx = x0 * step + step // 2 - box[2]
    for y in range(y0, y1):
        ty = y * step + step // 2 - box[0]
        row = out[y, x0:x1].ravel()
        if out.shape[2] == 3:
            _take_every_colour(sample[0, ty, tx:], sample[1, ty, tx:], sample[2, ty, tx:], step, row)
        else:
            _take_every(sample[0, ty, tx:], step, row)


@njit(**INNER)
def blank_box(box: Array, sketch: Sketch) -> None:
    """`sketch_box` of a box that the sub does not touch: NaN."""
    y0, y1, x0, x1 = _sketched(box, sketch)
    for y in range(y0, y1):
        for x in range(x0, x1):
            for c in range(sketch[0].shape[2]):
                sketch[0][y, x, c] = F(np.nan)


@njit(**LEAF)
def _sketched(box: Array, sketch: Sketch) -> tuple[int, int, int, int]:
    """Px (y0, y1, x0, x1) of a preview of which a box holds the samples."""
    out, step = sketch
    skipped = step - 1 - step // 2
    y0, x0 = (box[0] + skipped) // step, (box[2] + skipped) // step
    y1, x1 = (box[1] + skipped) // step, (box[3] + skipped) // step
    return y0, min(y1, out.shape[0]), x0, min(x1, out.shape[1])
