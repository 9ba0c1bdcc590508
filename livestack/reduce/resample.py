"""Sampling along rows, then along columns: one-dimensional interpolation, sixteen samples at a time (`lanes`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable

from livestack.frame import Array
from livestack.reduce.compile import ARITHMETIC, INNER, LEAF, OPTIONS, F
from livestack.reduce.lanes import LANES, sampler

CUBIC, LANCZOS = 2, 3
"""Half the taps of a kernel: Catmull–Rom's bicubic (Keys 1981, a = −½), and Lanczos-3."""
NONE, LEVEL, TILTED, STEEP = SPREADS = 0, 1, 4, 10
"""By so many px more may one of LANES samples of a line lie past than another."""

Place = tuple[int, int, int]
"""Index of the first px in all of them, and so many px from tap to tap and from channel to channel."""
Line = tuple[Any, Any, int]
"""t0, dt, and which of SPREADS: sample i lies t0 + dt · i past the px before sample 0."""


def _lanczos_terms() -> tuple[Array, Array]:
    """Coefficients (3, 4) of the even and odd parts of the weights of Lanczos-3 about t = ½, in (t − ½)².

    Weight k and its mirror image 5 − k are even ± odd; within 1e-5 of the kernel, and their sum is 1.
    """
    t = np.linspace(0, 1, 4001)
    offset = np.arange(-2, 4) - t[:, None]
    weights = np.sinc(offset) * np.sinc(offset / 3)
    weights /= weights.sum(axis=1, keepdims=True)
    powers = (t - 0.5)[:, None] ** (2 * np.arange(4))
    even, odd = (weights[:, :3] + weights[:, :2:-1]) / 2, (weights[:, :3] - weights[:, :2:-1]) / 2
    evens = np.linalg.lstsq(powers, even)[0].T
    odds = np.linalg.lstsq((t - 0.5)[:, None] * powers, odd)[0].T
    evens[2] = np.array([0.5, 0, 0, 0]) - evens[0] - evens[1]
    return evens.astype(np.float32), odds.astype(np.float32)


_EVEN, _ODD = _lanczos_terms()
_E0, _E1, _E2 = (tuple(row) for row in _EVEN)
_O0, _O1, _O2 = (tuple(row) for row in _ODD)


@register_jitable(**ARITHMETIC)
def _pair(even: Any, odd: Any, q: Any, s: Any) -> tuple[Any, Any]:
    e = even[0] + q * (even[1] + q * (even[2] + q * even[3]))
    o = s * (odd[0] + q * (odd[1] + q * (odd[2] + q * odd[3])))
    return e + o, e - o


@register_jitable(**ARITHMETIC)
def six(t: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Weights of Lanczos-3 at t."""
    s = t - F(0.5)
    q = s * s
    w0, w5 = _pair(_E0, _O0, q, s)
    w1, w4 = _pair(_E1, _O1, q, s)
    w2, w3 = _pair(_E2, _O2, q, s)
    return w0, w1, w2, w3, w4, w5


@register_jitable(**ARITHMETIC)
def four(t: Any) -> tuple[Any, Any, Any, Any]:
    """Weights of Catmull–Rom at t."""
    t2 = t * t
    t3 = t2 * t
    return (
        F(-0.5) * t + t2 - F(0.5) * t3,
        F(1) - F(2.5) * t2 + F(1.5) * t3,
        F(0.5) * t + F(2) * t2 - F(1.5) * t3,
        F(0.5) * (t3 - t2),
    )


def _blocks(weights: Callable[[Any], Any], taps: int, channels: int) -> Any:
    """Kernel of n samples, whole LANES of them, for each of SPREADS; its arguments are those of `lanes.sampler`."""
    none, level, tilted, steep = (sampler(weights, taps, spread, channels) for spread in SPREADS)

    @njit(**ARITHMETIC)
    def blocks(flat: Array, at: Place, line: Line, n: int, out: Array, to: Place) -> None:
        first, step, pitch = at
        t0, dt, spread = line
        x, _, out_pitch = to
        for i in range(0, n, LANES):
            if spread == NONE:
                none(flat, first + i, step, pitch, t0 + dt * F(i), dt, out, x + i, out_pitch)
            elif spread == LEVEL:
                level(flat, first + i, step, pitch, t0 + dt * F(i), dt, out, x + i, out_pitch)
            elif spread == TILTED:
                tilted(flat, first + i, step, pitch, t0 + dt * F(i), dt, out, x + i, out_pitch)
            else:
                steep(flat, first + i, step, pitch, t0 + dt * F(i), dt, out, x + i, out_pitch)

    return blocks


_cubic, _cubic_colour = _blocks(four, 2 * CUBIC, 1), _blocks(four, 2 * CUBIC, 3)
_lanczos, _lanczos_colour = _blocks(six, 2 * LANCZOS, 1), _blocks(six, 2 * LANCZOS, 3)


@njit(**LEAF)
def _sample(flat: Array, at: Place, line: Line, n: int, out: Array, to: Place, half: int, channels: int) -> None:
    """Make n samples, whole LANES of them, from taps that are all there."""
    if half == CUBIC and channels == 3:
        _cubic_colour(flat, at, line, n, out, to)
    elif half == CUBIC:
        for p in range(channels):
            _cubic(flat, _channel(at, p), line, n, out, _channel(to, p))
    elif channels == 3:
        _lanczos_colour(flat, at, line, n, out, to)
    else:
        for p in range(channels):
            _lanczos(flat, _channel(at, p), line, n, out, _channel(to, p))


@njit(**LEAF)
def _channel(place: Place, p: int) -> Place:
    """Place of channel p, where `place` is that of the first."""
    return place[0] + p * place[2], place[1], place[2]


@njit(**INNER)
def _sample_at_an_end(
    flat: Array, at: Place, line: Line, n: int, out: Array, to: Place, half: int, channels: int
) -> None:
    """`_sample` of any n, where px may lie before the first or after the last: they are NaN."""
    begin, step, pitch = at
    t0, dt, spread = line
    x, _, out_pitch = to
    taps = np.empty((channels, 2 * half + spread, LANES), np.float32)
    some = np.empty((channels, LANES), np.float32)
    for i in range(0, n, LANES):
        for p in range(channels):
            for j in range(taps.shape[1]):
                for lane in range(LANES):
                    k = begin + i + lane + j * step + p * pitch
                    taps[p, j, lane] = flat[k] if 0 <= k < flat.size else F(np.nan)
        here, run = (0, LANES, taps.shape[1] * LANES), (t0 + dt * F(i), dt, spread)
        _sample(taps.ravel(), here, run, LANES, some.ravel(), (0, 0, LANES), half, channels)
        for p in range(channels):
            for lane in range(min(n - i, LANES)):
                out[x + i + lane + p * out_pitch] = some[p, lane]


@njit(**OPTIONS)
def spread_of(slope: float) -> int:
    """Which of SPREADS LANES samples on a slope may need; −1 = more than there is."""
    for spread in (LEVEL, TILTED, STEEP):
        if abs(slope) * LANES <= spread:
            return spread
    return -1


@njit(**LEAF)
def _sample_line(
    flat: Array,
    at: Place,
    line: tuple[float, float],
    span: tuple[int, int, int],
    out: Array,
    to: Place,
    half: int,
    channels: int,
) -> None:
    """Sample along a line of the grid, whose sample x lies fraction + slope · x past px at + x.

    What has its taps on another line becomes anything: nothing that a sub covers has.

    Parameters
    ----------
    line : fraction, slope.
    span : the first and last samples that are needed, and how many there are: neighbours may be made, too, for the bits
        of a sample do not depend on what is needed.
    to : where sample 0 goes.
    """
    fraction, slope = line
    spread = spread_of(slope)
    # as far as samples lie on two px, they are made in one go
    most = 4 * LANES if 4 * abs(slope) * LANES <= LEVEL else LANES
    x, last = span[0] // most * most, min((span[1] + most - 1) // most * most, span[2])
    while x < last:
        n = most if last - x >= most else min(last - x, LANES)
        place = fraction + slope * x
        other = place + slope * (most - 1)
        whole = np.floor(min(place, other))
        needed = NONE if np.floor(max(place, other)) == whole else spread
        begin = at[0] + (int(whole) - half + 1) * at[1] + x
        end = begin + n + (2 * half + needed - 1) * at[1] + (channels - 1) * at[2]
        here, there = (begin, at[1], at[2]), (to[0] + x, 0, to[2])
        run = F(place - whole), F(slope), needed
        if n % LANES == 0 and begin >= 0 and end <= flat.size:
            _sample(flat, here, run, n, out, there, half, channels)
        else:
            _sample_at_an_end(flat, here, run, n, out, there, half, channels)
        x += n


@njit(**OPTIONS)
def sample_rows(
    source: Array, corner: tuple[int, int], half: int, affine: Array, span: tuple[int, int, int, int], out: Array
) -> None:
    """Sample rows where the columns of a grid box cross them; out (C, h, ≥ columns), NaN where none is needed.

    Parameters
    ----------
    corner : y, x of the source's first px.
    affine : a, b, c, d, e, f: a grid px (x, y) lies at source x = a x + b y + c, y = d x + e y + f.
    span : y0, y1, x0, x1 of the grid box.
    out : whole LANES of columns are the fastest.
    """
    a, b, c, d, e, f = affine
    y0, y1, x0, x1 = span
    channels, height, width = source.shape
    n = x1 - x0
    slope, shear = a - b * d / e - 1, b / e
    reach = half + 1.0
    flat, to, columns = source.ravel(), out.ravel(), out.shape[2]
    for j in range(height):
        yy = corner[0] + j
        # only where a column of the box comes within the reach of the row
        low, high = (yy - reach - e * (y1 - 1) - f) - d * x0, (yy + reach - e * y0 - f) - d * x0
        first, last = (0, n) if low <= 0 <= high else (0, 0)
        if d != 0:
            one, other = low / d, high / d
            first, last = max(int(min(one, other)), 0), min(int(max(one, other)) + 2, n)
        out[:, j, :first] = F(np.nan)
        out[:, j, max(first, last) :] = F(np.nan)
        start = (slope + 1) * x0 + shear * (yy - f) + c
        base = int(np.floor(start))
        here, there = (j * width + base - corner[1], 1, height * width), (j * columns, 0, height * columns)
        _sample_line(flat, here, (start - base, slope), (first, last, columns), to, there, half, channels)


@njit(**OPTIONS)
def sample_columns(
    rows: Array, top: int, half: int, affine: Array, span: tuple[int, int, int, int], out: Array
) -> None:
    """Sample rows (C, h, w), as `sample_rows` left them, at the rows of the grid box; out (C, ≥ rows, ≥ columns)."""
    d, e, f = affine[3], affine[4], affine[5]
    y0, y1, x0, x1 = span
    channels, height, width = rows.shape
    flat, to, columns = rows.ravel(), out.ravel(), min(width, out.shape[2])
    for y in range(y0, y1):
        start = d * x0 + e * y + f
        base = int(np.floor(start))
        here, there = ((base - top) * width, width, height * width), ((y - y0) * out.shape[2], 0, out[0].size)
        _sample_line(flat, here, (start - base, d), (0, x1 - x0, columns), to, there, half, channels)
