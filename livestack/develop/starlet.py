"""The compiled starlet transform (isotropic, undecimated; Starck and Murtagh 2006).

Beyond its edges a picture is its mirror image.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit

from livestack.develop.plate import PX_ROWS
from livestack.frame import Array
from livestack.reduce.bands import each_part
from livestack.reduce.compile import INNER, LEAF, OPTIONS, F

LANES = 16
"""Rows begin at multiples of so many px: vectors that straddle no lines of the cache are twice as fast."""
SIDE = 16
"""Px at either side of a tile that are looked at, a multiple of that: scales of steps 2 and 4 see 2 · (2 + 4) + 4."""
NORMS = (0.8908, 0.2007, 0.0856, 0.0413)
"""σ of each scale of white noise of σ 1."""
BEYOND = 3e38
"""Nothing that is known is as large."""


@njit(**LEAF)
def _mirrored(i: int, n: int) -> int:
    """Index mirrored at the first and the last px."""
    if n == 1:
        return 0
    period = 2 * (n - 1)
    i = abs(i) % period
    return period - i if i >= n else i


@njit(**LEAF)
def _mirror_ends(line: Array, begin: int, n: int) -> None:
    """Fill a line, of which n px from one on are there."""
    for x in range(begin):
        line[x] = line[begin + _mirrored(x - begin, n)]
    for x in range(begin + n, line.size):
        line[x] = line[begin + _mirrored(x - begin, n)]


@njit(**LEAF)
def _spline(a: Array, b: Array, c: Array, d: Array, e: Array, out: Array) -> None:
    """Weigh five lines by a cubic B-spline."""
    for x in range(out.size):
        out[x] = F(0.375) * c[x] + F(0.25) * (b[x] + d[x]) + F(0.0625) * (a[x] + e[x])


@njit(**LEAF)
def _smooth_along(line: Array, step: int, out: Array) -> None:
    """Smooth a line but for its ends: out begins 2 · step px later."""
    n = out.size
    two, three, four, five = line[step:], line[2 * step :], line[3 * step :], line[4 * step :]
    _spline(line[:n], two[:n], three[:n], four[:n], five[:n], out)


@njit(**OPTIONS)
def smooth(plane: Array, step: int, rows: tuple[int, int], out: Array) -> None:
    """Convolve some rows with a cubic B-spline whose taps lie `step` px apart."""
    h, w = plane.shape
    reach = 2 * step
    line = np.empty(w + 2 * reach, np.float32)
    for y in range(rows[0], rows[1]):
        a, b = plane[_mirrored(y - reach, h)], plane[_mirrored(y - step, h)]
        d, e = plane[_mirrored(y + step, h)], plane[_mirrored(y + reach, h)]
        _spline(a, b, plane[y], d, e, line[reach : reach + w])
        _mirror_ends(line, reach, w)
        _smooth_along(line, step, out[y])


def smoothed(plane: Array, step: int, threads: Executor | None) -> Array:
    """Return the scale after a plane (H, W), which a plane is smoothed into, `step` px apart."""
    out = np.empty_like(plane)
    each_part(len(plane), PX_ROWS, threads, lambda y0, y1: smooth(plane, step, (y0, y1), out))
    return out


@njit(**LEAF)
def _take_in(row: Array, begin: int, least: Any, usual: Any, line: Array) -> None:
    """Fill a line with a row from a px on; what is no number, or not above the least, is as usual."""
    ahead = max(-begin, 0)
    n = min(row.size - max(begin, 0), line.size - ahead)
    seen, to = row[max(begin, 0) :], line[ahead : ahead + n]
    for x in range(n):
        to[x] = seen[x] if (seen[x] > least) & (seen[x] < F(BEYOND)) else usual
    _mirror_ends(line, ahead, n)


@njit(**LEAF)
def _part(line: Array, even: Array, odd: Array) -> None:
    """Part the px of a line."""
    for x in range(odd.size):
        even[x] = line[2 * x]
        odd[x] = line[2 * x + 1]


@njit(**LEAF)
def _every_second(even: Array, odd: Array, out: Array) -> None:
    """Smooth every second px of a line, of its even px and its odd ones."""
    for x in range(out.size):
        ends = F(0.0625) * (even[x] + even[x + 2])
        out[x] = F(0.375) * even[x + 1] + F(0.25) * (odd[x] + odd[x + 1]) + ends


@njit(**LEAF)
def _halve(
    plane: Array, known: tuple[Any, Any], rows: tuple[int, int], room: tuple[Array, Array, Array], out: Array
) -> None:
    """`halve`, in room for five rows, a line of as many px, and two of half as many; known: least, and usual."""
    h, (least, usual), (lines, line, parted) = len(plane), known, room
    for y in range(rows[0], rows[1]):
        for j in range(0 if y == rows[0] else 3, 5):
            _take_in(plane[_mirrored(2 * y - 2 + j, h)], -2, least, usual, lines[(2 * y + j) % 5])
        a, b, c = lines[2 * y % 5], lines[(2 * y + 1) % 5], lines[(2 * y + 2) % 5]
        _spline(a, b, c, lines[(2 * y + 3) % 5], lines[(2 * y + 4) % 5], line)
        _part(line, parted[0], parted[1])
        _every_second(parted[0], parted[1], out[y])


@njit(**OPTIONS)
def halve(plane: Array, least: float, usual: float, rows: tuple[int, int], out: Array) -> None:
    """Smooth every second px of every second row, which are some rows of out.

    A px that is not known, or not above the least, is as usual.
    """
    wide = plane.shape[1] + 4 + plane.shape[1] % 2  # of an odd one no px asks for the last
    lines, line, parted = (
        np.empty((5, wide), np.float32),
        np.empty(wide, np.float32),
        np.empty((2, wide // 2), np.float32),
    )
    _halve(plane, (F(least), F(usual)), rows, (lines, line, parted), out)


@njit(**LEAF)
def _difference(finer: Array, coarser: Array, between: Array) -> None:
    for x in range(between.size):
        between[x] = finer[x] - coarser[x]


@njit(**LEAF)
def _squares(a: Array, b: Array, c: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] = a[x] * a[x] + b[x] * b[x] + c[x] * c[x]


@njit(**LEAF)
def _keep(energy: Array, step: int, between: Array, limits: Array, kept: Array) -> None:
    """Add what stands out of its noise; energy begins `step` px earlier than all else.

    limits: t² of each px, or (1,): of all.
    """
    n = kept.size
    left, middle, right = energy[:n], energy[step : step + n], energy[2 * step : 2 * step + n]
    if limits.size == 1:
        limit = limits[0]
        for x in range(n):
            own = max(between[x] * between[x], limit)
            kept[x] += between[x] * (F(1) - limit / max(F(4 / 9) * (left[x] + middle[x] + right[x]), own))
    else:
        for x in range(n):
            own = max(between[x] * between[x], limits[x])
            kept[x] += between[x] * (F(1) - limits[x] / max(F(4 / 9) * (left[x] + middle[x] + right[x]), own))


@njit(**LEAF)
def _finish(coarsest: Array, row: Array, out: Array) -> None:
    """Add the coarsest scale where something is known."""
    for x in range(out.size):
        out[x] += coarsest[x] if abs(row[x]) < F(BEYOND) else F(np.nan)


@njit(**LEAF)
def _double(halved: Array, place: tuple[int, int], line: Array, out: Array) -> None:
    """Tell a row, from a place (y, x) on, of what is told of every second px of every second row: linear between."""
    y, begin, last = place[0], place[1] // 2, len(halved) - 1
    n = min(out.size // 2 + 1, halved.shape[1] - begin)
    one, other = halved[y // 2, begin:], halved[min((y + 1) // 2, last), begin:]
    for x in range(n):
        line[x] = F(0.5) * (one[x] + other[x])
    line[n] = line[n - 1]
    for x in range(out.size // 2):
        out[2 * x] = line[x]
        out[2 * x + 1] = F(0.5) * (line[x] + line[x + 1])
    if out.size % 2:
        out[out.size - 1] = line[out.size // 2]


@njit(**LEAF)
def _take_off(less: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] -= less[x]


@njit(**LEAF)
def _limits(noise: Array, square: Any, out: Array) -> None:
    for x in range(out.size):
        out[x] = square * noise[x] * noise[x]


@njit(**INNER)
def _scratch(n: int, wide: int) -> Array:
    """Rows (n, wide) that begin where a line of the cache does."""
    room = np.empty(n * wide + LANES, np.float32)
    begin = (-room.ctypes.data // 4) % LANES
    return room[begin : begin + n * wide].reshape(n, wide)


@njit(**LEAF)
def _keep_row(
    between: tuple[Array, Array, Array],
    noise: Array,
    square: Any,
    place: tuple[int, int, int],
    lines: Array,
    out: Array,
) -> None:
    """Add to a row what a scale has there that stands out of its noise.

    Parameters
    ----------
    between : three rows of what lies between the scale and the coarser one, `step` apart, SIDE px longer at each end.
    noise : as in `denoise_tile`.
    place : y and x where the row begins, and step.
    lines : (3, wide) that may be written into.
    """
    above, middle, below = between
    y, x, step = place
    energy, limits, line = lines[0], lines[1], lines[2]
    _squares(above, middle, below, energy)
    if noise.size:
        _double(noise, (y, x), line, limits[: out.size])
        _limits(limits[: out.size], square, limits[: out.size])
    else:
        limits = limits[:1]
        limits[0] = square
    _keep(energy[SIDE - step :], step, middle[SIDE:], limits, out)


@njit(**LEAF)
def _reach_of(first_step: int, n: int) -> int:
    """So many px about those of a tile are looked at by n scales."""
    return first_step * (2 * ((1 << n) - 1) + (1 << n) // 2)


@njit(**LEAF)
def _stream(
    planes: tuple[Array, Array, Array],
    usual: float,
    limits: tuple[Array, int],
    tile: tuple[int, int, int, int],
    room: tuple[Array, Array, Array, Array, Array],
    out: Array,
) -> None:
    """`denoise_tile` of a plane, its noise and that of coarser scales.

    room : where the rows of each scale begin, how many there are, and room for them, what is between, and a row.
    """
    (plane, errors, coarser_noise), (squares, first_step), (top, bottom, left, right) = planes, limits, tile
    begins, deep, scales, between, lines = room
    n, wide = squares.size, lines.shape[1]
    reach = _reach_of(first_step, n)
    for newest in range(top - reach, bottom + reach):
        _take_in(plane[_mirrored(newest, len(plane))], left - SIDE, F(-BEYOND), F(usual), scales[newest % deep[0]])
        if top <= newest < bottom:
            out[newest, left:right] = F(0)
        at = newest
        for k in range(n):
            b, d, step = begins[k], deep[k], first_step << k
            at -= 2 * step
            if at < top - reach + 2 * (2 * step - first_step):
                break
            rows = scales[b : b + d]
            above, finer, below = rows[(at - step) % d], rows[at % d], rows[(at + step) % d]
            _spline(rows[(at - 2 * step) % d], above, finer, below, rows[(at + 2 * step) % d], lines[0])
            coarser = scales[begins[k + 1] + at % deep[k + 1]]
            _smooth_along(lines[0], step, coarser[2 * step : wide - 2 * step])
            coarser[: 2 * step] = coarser[wide - 2 * step :] = F(0)  # nobody looks there
            if top - step <= at < bottom + step:
                _difference(finer, coarser, between[b + at % d])
            if k == n - 1 and top <= at < bottom:
                _finish(coarser[SIDE:], plane[at, left:right], out[at, left:right])
                if coarser_noise.size:
                    _double(coarser_noise, (at, left), lines[1], lines[0, : right - left])
                    _take_off(lines[0], out[at, left:right])
            done = at - step
            if top <= done < bottom:
                three = between[b + (done - step) % d], between[b + done % d], between[b + (done + step) % d]
                _keep_row(three, errors, squares[k], (done, left, step), lines, out[done, left:right])


@njit(**OPTIONS)
def denoise_tile(
    plane: Array,
    noise: tuple[Array, float],
    limits: tuple[Array, int],
    coarser_noise: Array,
    tile: tuple[int, int, int, int],
    out: Array,
) -> None:
    """Weaken what two scales or one of a tile hold that may be noise; what is not known becomes NaN.

    A difference w of two scales is weakened to w · (1 − t² / e), as Wiener's filter does, where e is its own square or
    four times the mean of those 3 × 3 about it, `step` px apart, whichever is more: where something is, it is seldom
    alone. Rows stream through all scales at once, each behind the finer one by its reach, so that what is between them
    stays in the cache.

    Parameters
    ----------
    plane : (H, W).
    noise : of every second px of every second row, or (0, 0): 1 everywhere; and what a px is where it is not known.
    limits : (n,) float32, t² of each scale, in squares of the noise; and the step of the first, each next twice that.
    coarser_noise : every second px of every second row of what else is taken off, or (0, 0).
    tile : first and last row and column, the last ones excluded; the first column is even.
    """
    squares, first_step = limits
    _, _, left, right = tile
    n = squares.size
    wide = (right - left + 2 * SIDE + LANES - 1) // LANES * LANES
    begins, deep = np.zeros(n + 2, np.int64), np.ones(n + 1, np.int64)
    for k in range(n + 1):
        deep[k] = (4 * first_step << k) + 1 if k < n else 1
        begins[k + 1] = begins[k] + deep[k]
    scales, between, lines = _scratch(begins[n + 1], wide), _scratch(begins[n], wide), _scratch(3, wide)
    room = begins, deep, scales, between, lines
    _stream((plane, noise[0], coarser_noise), noise[1], limits, tile, room, out)
