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
from livestack.reduce.compile import INNER, OPTIONS, F

LANES = 16
"""Rows begin at multiples of so many px: vectors that straddle no lines of the cache are twice as fast."""
SIDE = 16
"""Px at either side of a tile that are looked at, a multiple of that: scales of steps 2 and 4 see 2 · (2 + 4) + 4."""
NORMS = (0.8908, 0.2007, 0.0856, 0.0413)
"""σ of each scale of white noise of σ 1."""
BEYOND = 3e38
"""Nothing that is known is as large."""


@njit(**INNER)
def _mirrored(i: int, n: int) -> int:
    """Index mirrored at the first and the last px."""
    if n == 1:
        return 0
    period = 2 * (n - 1)
    i = abs(i) % period
    return period - i if i >= n else i


@njit(**INNER)
def _mirror_ends(line: Array, begin: int, n: int) -> None:
    """Fill a line, of which n px from one on are there."""
    for x in range(begin):
        line[x] = line[begin + _mirrored(x - begin, n)]
    for x in range(begin + n, line.size):
        line[x] = line[begin + _mirrored(x - begin, n)]


@njit(**INNER)
def _spline(a: Array, b: Array, c: Array, d: Array, e: Array, out: Array) -> None:
    """Weigh five lines by a cubic B-spline."""
    for x in range(out.size):
        out[x] = F(0.375) * c[x] + F(0.25) * (b[x] + d[x]) + F(0.0625) * (a[x] + e[x])


@njit(**INNER)
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


@njit(**INNER)
def _take_in(row: Array, begin: int, least: Any, usual: Any, line: Array) -> None:
    """Fill a line with a row from a px on; what is no number, or not above the least, is as usual."""
    ahead = max(-begin, 0)
    n = min(row.size - max(begin, 0), line.size - ahead)
    seen, to = row[max(begin, 0) :], line[ahead : ahead + n]
    for x in range(n):
        to[x] = seen[x] if (seen[x] > least) & (seen[x] < F(BEYOND)) else usual
    _mirror_ends(line, ahead, n)


@njit(**INNER)
def _every_second(line: Array, out: Array) -> None:
    for x in range(out.size):
        i = 2 * x
        ends = F(0.0625) * (line[i] + line[i + 4])
        out[x] = F(0.375) * line[i + 2] + F(0.25) * (line[i + 1] + line[i + 3]) + ends


@njit(**OPTIONS)
def halve(plane: Array, usual: float, rows: tuple[int, int], out: Array) -> None:
    """Smooth every second px of every second row, which are some rows of out; a px that is not known is as usual."""
    h, w = plane.shape
    lines, line = np.empty((5, w + 4), np.float32), np.empty(w + 4, np.float32)
    for y in range(rows[0], rows[1]):
        for j in range(0 if y == rows[0] else 3, 5):
            _take_in(plane[_mirrored(2 * y - 2 + j, h)], -2, F(-BEYOND), F(usual), lines[(2 * y + j) % 5])
        a, b, c = lines[2 * y % 5], lines[(2 * y + 1) % 5], lines[(2 * y + 2) % 5]
        _spline(a, b, c, lines[(2 * y + 3) % 5], lines[(2 * y + 4) % 5], line)
        _every_second(line, out[y])


@njit(**INNER)
def _take_in_certainty(noise: Array, place: tuple[int, int], usual: Any, line: Array) -> None:
    """Fill a line with 1 / noise, from a place (y, x) on."""
    if noise.size:
        _take_in(noise[place[0]], place[1], F(0), usual, line)
        for x in range(line.size):
            line[x] = F(1) / line[x]


@njit(**INNER)
def _between(finer: Array, coarser: Array, certainty: Array, between: Array, ratio: Array) -> None:
    """Tell what lies between two scales, and that over its noise."""
    for x in range(ratio.size):
        w = finer[x] - coarser[x]
        between[x] = w
        ratio[x] = w * certainty[x]


@njit(**INNER)
def _difference(finer: Array, coarser: Array, between: Array) -> None:
    for x in range(between.size):
        between[x] = finer[x] - coarser[x]


@njit(**INNER)
def _squares(a: Array, b: Array, c: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] = a[x] * a[x] + b[x] * b[x] + c[x] * c[x]


@njit(**INNER)
def _keep(energy: Array, step: int, ratio: Array, between: Array, square: Any, kept: Array) -> None:
    """Add what stands out of its noise; energy begins `step` px earlier than all else."""
    n = kept.size
    left, middle, right = energy[:n], energy[step : step + n], energy[2 * step : 2 * step + n]
    for x in range(n):
        own = max(ratio[x] * ratio[x], square)
        kept[x] += between[x] * (F(1) - square / max(F(4 / 9) * (left[x] + middle[x] + right[x]), own))


@njit(**INNER)
def _finish(coarsest: Array, row: Array, out: Array) -> None:
    """Add the coarsest scale where something is known."""
    for x in range(out.size):
        out[x] += coarsest[x] if abs(row[x]) < F(BEYOND) else F(np.nan)


@njit(**INNER)
def _take_off_halved(halved: Array, place: tuple[int, int], line: Array, out: Array) -> None:
    """Take a row, from a place (y, x) on, of what is told of every second px and row off; it is linear between."""
    if not halved.size:
        return
    y, begin, last = place[0], place[1] // 2, len(halved) - 1
    n = min(out.size // 2 + 1, halved.shape[1] - begin)
    one, other = halved[y // 2, begin:], halved[min((y + 1) // 2, last), begin:]
    for x in range(n):
        line[x] = F(0.5) * (one[x] + other[x])
    line[n] = line[n - 1]
    for x in range(out.size // 2):
        i = 2 * x
        out[i] -= line[x]
        out[i + 1] -= F(0.5) * (line[x] + line[x + 1])
    if out.size % 2:
        out[out.size - 1] -= line[out.size // 2]


@njit(**INNER)
def _scratch(n: int, wide: int) -> Array:
    """Rows (n, wide) that begin where a line of the cache does."""
    room = np.empty(n * wide + LANES, np.float32)
    begin = (-room.ctypes.data // 4) % LANES
    return room[begin : begin + n * wide].reshape(n, wide)


@njit(**OPTIONS)
def denoise_tile(
    seen: tuple[Array, Array],
    usual: tuple[float, float],
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
    seen : plane (H, W), and its noise, of which (0, 0) is 1 everywhere.
    usual : what a px is taken for, and its noise, where it is not known.
    limits : (n,) float32, t² of each scale, in squares of the noise; and the step of the first, each next twice that.
    coarser_noise : every second px of every second row of what else is taken off, or (0, 0).
    tile : first and last row and column, the last ones excluded; the first column is even.
    """
    plane, noise = seen
    squares, first_step = limits
    top, bottom, left, right = tile
    h, n = len(plane), squares.size
    lag = 2 * first_step * ((1 << n) - 1)
    reach = lag + first_step * (1 << n) // 2
    wide = (right - left + 2 * SIDE + LANES - 1) // LANES * LANES
    begins, deep = np.empty(n + 2, np.int64), np.empty(n + 1, np.int64)
    begins[0] = 0
    for k in range(n + 1):
        deep[k] = (4 * first_step << k) + 1 if k < n else 1
        begins[k + 1] = begins[k] + deep[k]
    scales = _scratch(begins[n + 1], wide)
    between = _scratch(begins[n], wide)
    ratios = _scratch(begins[n], wide) if noise.size else between
    certainty, line = _scratch(lag + 1, wide), _scratch(1, wide)[0]
    for newest in range(top - reach, bottom + reach):
        y = _mirrored(newest, h)
        _take_in(plane[y], left - SIDE, F(-BEYOND), F(usual[0]), scales[newest % deep[0]])
        _take_in_certainty(noise, (y, left - SIDE), F(usual[1]), certainty[newest % (lag + 1)])
        if top <= newest < bottom:
            out[newest, left:right] = F(0)
        at = newest
        for k in range(n):
            step = first_step << k
            at -= 2 * step
            if at < top - reach + 2 * (2 * step - first_step):
                break
            b, d = begins[k], deep[k]
            above, finer, below = scales[b + (at - step) % d], scales[b + at % d], scales[b + (at + step) % d]
            _spline(scales[b + (at - 2 * step) % d], above, finer, below, scales[b + (at + 2 * step) % d], line)
            coarser = scales[begins[k + 1] + at % deep[k + 1]]
            _smooth_along(line, step, coarser[2 * step : wide - 2 * step])
            coarser[: 2 * step] = coarser[wide - 2 * step :] = F(0)  # nobody looks there
            if top - step <= at < bottom + step and not noise.size:
                _difference(finer, coarser, between[b + at % d])
            elif top - step <= at < bottom + step:
                _between(finer, coarser, certainty[at % (lag + 1)], between[b + at % d], ratios[b + at % d])
            if k == n - 1 and top <= at < bottom:
                _finish(coarser[SIDE:], plane[at, left:right], out[at, left:right])
                _take_off_halved(coarser_noise, (at, left), line, out[at, left:right])
            done = at - step
            if top <= done < bottom:
                i, kept = b + done % d, out[done, left:right]
                _squares(ratios[b + (done - step) % d], ratios[i], ratios[b + (done + step) % d], line)
                _keep(line[SIDE - step :], step, ratios[i, SIDE:], between[i, SIDE:], squares[k], kept)
