"""Sampling along rows, then along columns: one-dimensional interpolation, with loops that are SIMD."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import OPTIONS, F

CUBIC, LANCZOS = 2, 3
"""Half the taps of a kernel: Catmull–Rom's bicubic (Keys 1981, a = −½), and Lanczos-3."""
STEEP = 1 / 64
"""A slope whose runs of px between the same two are too short for SIMD: the taps are gathered first."""
WIDEST = 8192
"""Columns of a box that is sampled row by row."""


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


_COUNT = np.arange(WIDEST, dtype=np.float32)
_EVEN, _ODD = _lanczos_terms()
_E0, _E1, _E2 = (tuple(row) for row in _EVEN)
_O0, _O1, _O2 = (tuple(row) for row in _ODD)


@njit(**OPTIONS)
def _pair(even: Any, odd: Any, q: Any, s: Any) -> tuple[Any, Any]:
    e = even[0] + q * (even[1] + q * (even[2] + q * even[3]))
    o = s * (odd[0] + q * (odd[1] + q * (odd[2] + q * odd[3])))
    return e + o, e - o


@njit(**OPTIONS)
def six(t: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Weights of Lanczos-3 at t."""
    s = t - F(0.5)
    q = s * s
    w0, w5 = _pair(_E0, _O0, q, s)
    w1, w4 = _pair(_E1, _O1, q, s)
    w2, w3 = _pair(_E2, _O2, q, s)
    return w0, w1, w2, w3, w4, w5


@njit(**OPTIONS)
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


@njit(**OPTIONS)
def _between(a: Any, b: Any, c: Any, d: Any, t: Any) -> Any:
    """Catmull–Rom at t between b and c."""
    return b + F(0.5) * t * (c - a + t * (F(2) * a - F(5) * b + F(4) * c - d + t * (F(3) * (b - c) + d - a)))


@njit(**OPTIONS)
def _cubic(a: Array, b: Array, c: Array, d: Array, t0: Any, dt: Any, x0: int, out: Array) -> None:
    """Bicubic between b and c; sample x is at t0 + dt · (x0 + x), whatever run it is part of."""
    along = _COUNT[x0 : x0 + out.size]
    for x in range(out.size):
        out[x] = _between(a[x], b[x], c[x], d[x], t0 + dt * along[x])


@njit(**OPTIONS)
def _lanczos(rows: tuple[Array, Array, Array, Array, Array, Array], t0: Any, dt: Any, x0: int, out: Array) -> None:
    """Lanczos-3 between the middle two of six rows, as `_cubic`."""
    a, b, c, d, e, f = rows
    along = _COUNT[x0 : x0 + out.size]
    for x in range(out.size):
        wa, wb, wc, wd, we, wf = six(t0 + dt * along[x])
        out[x] = wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x] + we * e[x] + wf * f[x]


@njit(**OPTIONS)
def _gather(flat: Array, first: Array, step: int, taps: Array) -> None:
    """Take `taps` (4 or 6, n) from px one after the other: tap j of sample x is px first[x] + j · step.

    Unsigned, for then no index can be one from the end.
    """
    one, two, three = np.uint64(step), np.uint64(2 * step), np.uint64(3 * step)
    a, b, c, d = taps[0], taps[1], taps[2], taps[3]
    for x in range(first.size):
        i = first[x]
        a[x], b[x], c[x], d[x] = flat[i], flat[i + one], flat[i + two], flat[i + three]
    if taps.shape[0] > 4:
        four, five = np.uint64(4 * step), np.uint64(5 * step)
        e, f = taps[4], taps[5]
        for x in range(first.size):
            e[x], f[x] = flat[first[x] + four], flat[first[x] + five]


@njit(**OPTIONS)
def _gathered(taps: Array, t: Array, out: Array) -> None:
    """Sample gathered taps (4 or 6, n), each at its own t."""
    a, b, c, d = taps[0], taps[1], taps[2], taps[3]
    if taps.shape[0] == 4:
        for x in range(out.size):
            out[x] = _between(a[x], b[x], c[x], d[x], t[x])
    else:
        e, f = taps[4], taps[5]
        for x in range(out.size):
            wa, wb, wc, wd, we, wf = six(t[x])
            out[x] = wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x] + we * e[x] + wf * f[x]


@njit(**OPTIONS)
def _along(row: Array, k: int, half: int, t0: Any, dt: Any, x0: int, out: Array) -> None:
    """Sample a row between px k + x and the next."""
    n = out.size
    b, c = row[k : k + n], row[k + 1 : k + 1 + n]
    a, d = row[k - 1 : k - 1 + n], row[k + 2 : k + 2 + n]
    if half == CUBIC:
        _cubic(a, b, c, d, t0, dt, x0, out)
    else:
        _lanczos((row[k - 2 : k - 2 + n], a, b, c, d, row[k + 3 : k + 3 + n]), t0, dt, x0, out)


@njit(**OPTIONS)
def _across(rows: Array, k: int, half: int, t0: Any, dt: Any, x0: int, out: Array) -> None:
    """Sample columns x0… of rows (h, w) between row k and the next."""
    x1 = x0 + out.size
    a, b, c, d = rows[k - 1, x0:x1], rows[k, x0:x1], rows[k + 1, x0:x1], rows[k + 2, x0:x1]
    if half == CUBIC:
        _cubic(a, b, c, d, t0, dt, x0, out)
    else:
        _lanczos((rows[k - 2, x0:x1], a, b, c, d, rows[k + 3, x0:x1]), t0, dt, x0, out)


@njit(**OPTIONS)
def _run(fraction: float, slope: float, x: int, end: int) -> tuple[int, int]:
    """Integer part of fraction + slope · x, and up to where (at most `end`) it stays."""
    m = int(np.floor(fraction + slope * x))
    if slope > 0:
        stop = int(min(np.ceil((m + 1 - fraction) / slope), float(end)))
    elif slope < 0:
        stop = int(min(np.floor((m - fraction) / slope) + 1, float(end)))
    else:
        stop = end
    return m, min(max(stop, x + 1), end)


@njit(**OPTIONS)
def _places(
    line: tuple[float, float, int], ends: tuple[int, int], pitch: tuple[int, int], first: Array, t: Array
) -> None:
    """Where the taps of steep samples begin, and how far each lies from the px before it.

    Parameters
    ----------
    line : fraction, slope, offset: sample x lies at offset + fraction + slope · x.
    ends : the px of which a sample may lie after; NaN as t elsewhere.
    pitch : of a px, and of a sample, in the px one after the other.
    first, t : (n,) to write.
    """
    fraction, slope, offset = line
    for x in range(t.size):
        place = fraction + slope * x
        whole = np.floor(place)
        at = int(whole) + offset
        inside = ends[0] <= at < ends[1]
        first[x] = np.uint64(((at if inside else ends[0]) - ends[0]) * pitch[0] + x * pitch[1])
        t[x] = F(place - whole) if inside else F(np.nan)


@njit(**OPTIONS)
def sample_rows(
    source: Array, corner: tuple[int, int], half: int, affine: Array, span: tuple[int, int, int, int], out: Array
) -> None:
    """Sample rows where the columns of a grid box cross them; out (C, h, columns), NaN where none is needed.

    Parameters
    ----------
    corner : y, x of the source's first px.
    affine : a, b, c, d, e, f: a grid px (x, y) lies at source x = a x + b y + c, y = d x + e y + f.
    span : y0, y1, x0, x1 of the grid box.
    """
    a, b, c, d, e, f = affine
    y0, y1, x0, x1 = span
    n, channels, width = x1 - x0, source.shape[0], source.shape[2]
    slope, shear = a - b * d / e - 1, b / e
    reach = half + 1.0
    taps, start_of, t_of = np.empty((2 * half, n), np.float32), np.empty(n, np.uint64), np.empty(n, np.float32)
    for j in range(source.shape[1]):
        yy = corner[0] + j
        # only where a column of the box comes within the reach of the row
        low, high = (yy - reach - e * (y1 - 1) - f) - d * x0, (yy + reach - e * y0 - f) - d * x0
        first, last = (0, n) if low <= 0 <= high else (0, 0)
        if d != 0:
            one, other = low / d, high / d
            first, last = max(int(min(one, other)), 0), min(int(max(one, other)) + 2, n)
        last = max(first, last)
        out[:, j, :first] = F(np.nan)
        out[:, j, last:] = F(np.nan)
        start = (slope + 1) * x0 + shear * (yy - f) + c
        base = int(np.floor(start))
        fraction, left = start - base, base - corner[1]
        if abs(slope) > STEEP:
            some = slice(0, last - first)
            line = (fraction + (slope + 1) * first, slope + 1, left)
            _places(line, (half - 1, width - half), (1, 0), start_of[some], t_of[some])
            for p in range(channels):
                _gather(source[p, j], start_of[some], 1, taps[:, some])
                _gathered(taps[:, some], t_of[some], out[p, j, first:last])
            continue
        x = first
        while x < last:
            m, stop = _run(fraction, slope, x, last)
            k = left + m
            safe, end = max(x, half - 1 - k), min(stop, width - half - k)
            end = max(safe, end)
            out[:, j, x : min(safe, stop)] = F(np.nan)
            out[:, j, max(end, x) : stop] = F(np.nan)
            if end > safe:
                for p in range(channels):
                    _along(source[p, j], k + safe, half, F(fraction - m), F(slope), safe, out[p, j, safe:end])
            x = stop


@njit(**OPTIONS)
def sample_columns(
    rows: Array, top: int, half: int, affine: Array, span: tuple[int, int, int, int], out: Array
) -> None:
    """Sample rows (C, h, w), as `sample_rows` left them, at the rows of the grid box; out (C, ≥ rows, ≥ columns)."""
    d, e, f = affine[3], affine[4], affine[5]
    y0, y1, x0, x1 = span
    n, channels, height = x1 - x0, rows.shape[0], rows.shape[1]
    taps, start_of, t_of = np.empty((2 * half, n), np.float32), np.empty(n, np.uint64), np.empty(n, np.float32)
    for y in range(y0, y1):
        start = d * x0 + e * y + f
        base = int(np.floor(start))
        fraction, above = start - base, base - top
        if abs(d) > STEEP:
            _places((fraction, d, above), (half - 1, height - half), (n, 1), start_of, t_of)
            for p in range(channels):
                _gather(rows[p].ravel(), start_of, n, taps)
                _gathered(taps, t_of, out[p, y - y0, :n])
            continue
        x = 0
        while x < n:
            m, stop = _run(fraction, d, x, n)
            k = above + m
            for p in range(channels):
                line = out[p, y - y0, x:stop]
                if k < half - 1 or k + half >= height:
                    line[:] = F(np.nan)
                else:
                    _across(rows[p], k, half, F(fraction - m), F(d), x, line)
            x = stop
