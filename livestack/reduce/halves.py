"""Rows of a first look: its held samples are half floats, and a row in which all px hold alike is held at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.outliers import Sums
from livestack.reduce.structure import expected_variance
from livestack.stack import N_ASIDE, N_LOW

LEAST_IN_CORE = 3
"""A core of fewer samples judges nothing."""

Rule = tuple[float, float, float, int, int]
Aside = tuple[Array, Array, Array, Any]


@njit(**OPTIONS)
def half(x: Any) -> Any:
    """Bits of a number as a half float (IEEE 754), rounded to the nearest, the largest in place of infinity."""
    # the exponent is biased by 15, not 127; what is too small for it becomes subnormal in both
    bits = np.float32(np.abs(x) * F(2.0**-112)).view(np.int32)
    code = (bits + 0xFFF + ((bits >> 13) & 1)) >> 13
    return np.uint16((0x7BFF if code > 0x7BFF else code) | (0x8000 if x < 0 else 0))


@njit(**OPTIONS)
def from_half(code: Any) -> Any:
    """Inverse of `half`."""
    x = np.int32((np.int32(code) & 0x7FFF) << 13).view(np.float32) * F(2.0**112)
    return -x if code & 0x8000 else x


@njit(**INNER)
def _light_row(rows: Array, out: Array) -> None:
    """Luminance of rows (C, w): ¼ red, ½ green, ¼ blue."""
    if rows.shape[0] == 1:
        for x in range(out.size):
            out[x] = rows[0, x]
        return
    red, green, blue = rows[0], rows[1], rows[2]
    for x in range(out.size):
        out[x] = F(0.25) * red[x] + F(0.5) * green[x] + F(0.25) * blue[x]


@njit(**INNER)
def _decode(codes: Array, unit: Any, out: Array) -> None:
    for x in range(out.size):
        out[x] = from_half(codes[x]) * unit


@njit(**INNER)
def _encode(row: Array, unit: Any, out: Array) -> None:
    for x in range(out.size):
        out[x] = half(row[x] / unit)


@njit(**INNER)
def _count_below(held: Array, light: Array, equal_too: bool, below: Array) -> None:
    """Count the held samples that a new one is brighter than, or as bright as."""
    if equal_too:
        for x in range(light.size):
            below[x] += held[x] <= light[x]
    else:
        for x in range(light.size):
            below[x] += held[x] < light[x]


@njit(**INNER)
def _insert_last(held: tuple[Array, Array, Array], n: int, new: Array, below: Array) -> None:
    """Insert values of a row into n < 3 others of each px, at the places that are told."""
    for k in range(n, -1, -1):
        to = held[k]
        before = held[max(k - 1, 0)]
        for x in range(new.size):
            to[x] = to[x] if k < below[x] else (new[x] if k == below[x] else before[x])


@njit(**INNER)
def _insert(held: tuple[Array, Array, Array], new: Array, below: Array, pushed: Array) -> None:
    """Insert values of a row into 3 others of each px: of the 4 the second lowest is left over.

    Of a low and two high ones, a new one that lies between them is not kept itself.
    """
    low, middle, high = held
    for x in range(new.size):
        a, b, c, v, q = low[x], middle[x], high[x], new[x], below[x]
        pushed[x] = a if q == 0 else (v if q == 1 else b)
        low[x] = v if q == 0 else a
        middle[x] = b if q < 2 else (v if q == 2 else c)
        high[x] = v if q == 3 else c


@njit(**INNER)
def _variances(rows: tuple[Array, Array, Array, Array, Array], noise: Any, nu: Any, out: Array) -> None:
    """`expected_variance` along a row: of structure, count, m2, weight and total."""
    structure, count, m2, weight, total = rows
    for x in range(out.size):
        out[x] = expected_variance(noise / weight[x], structure[x], int(count[x]), m2[x], weight[x], total[x], nu)


@njit(**INNER)
def _mark_bright(v: Array, mean: Array, variance: Array, kappa: Any, far: Array) -> None:
    for x in range(v.size):
        d = v[x] - mean[x]
        far[x] |= (d > 0) & (d * d > kappa * kappa * variance[x])


@njit(**INNER)
def _take_in_row(pushed: Array, far: Array, weight: Array, at: tuple[int, int, int], core: Sums, share: Array) -> None:
    """Add rows of samples (C, w) to the means, but what is marked."""
    y, x0, x1 = at
    mean, m2 = core[0][:, y, x0:x1], core[1][:, y, x0:x1]
    total, n, rejected = core[2][0, y, x0:x1], core[3][0, y, x0:x1], core[4][0, y, x0:x1]
    for x in range(share.size):
        weight[x] = F(0) if far[x] else weight[x]
        total[x] += weight[x]
        share[x] = weight[x] / total[x]
        n[x] += np.uint16(far[x] == 0)
        rejected[x] += np.uint16(far[x] != 0)
    for c in range(mean.shape[0]):
        row, square, v = mean[c], m2[c], pushed[c]
        for x in range(share.size):
            d = v[x] - row[x]
            g = d * share[x]
            row[x] += g
            square[x] += weight[x] * d * (d - g)


@njit(**OPTIONS)
def hold_row(
    aside: Aside,
    cut: tuple[int, int, int],
    n: int,
    sample: Array,
    index: int,
    weights: Array,
    core: Sums,
    noise: Array,
    structure: Array,
    rule: Rule,
) -> None:
    """Hold the samples of a row, and add what is no extreme any more to the core, if it agrees with it.

    Parameters
    ----------
    cut : row, first column and end.
    n : how many samples each px of it holds.
    sample : (C, w) float32, all of them covered.
    index, weights, core, noise, structure, rule : as in `extremes.hold_band`.
    """
    y, x0, x1 = cut
    channels, w = sample.shape
    light, held, below = np.empty(w, np.float32), np.empty((channels, w), np.float32), np.zeros(w, np.uint8)
    held_light = np.empty(w, np.float32)
    _light_row(sample, light)
    for k in range(n):
        for c in range(channels):
            _decode(aside[0][k, c, y, x0:x1], aside[3], held[c])
        _light_row(held, held_light)
        # of equals the one that is held stays, as an extreme or at the end
        _count_below(held_light, light, n < N_ASIDE or k < N_LOW, below)
    codes, left = np.empty(w, np.uint16), np.empty(w, np.uint16)
    pushed = np.empty((channels, w), np.float32)
    for c in range(channels):
        of_px = aside[0][0, c, y, x0:x1], aside[0][1, c, y, x0:x1], aside[0][2, c, y, x0:x1]
        _encode(sample[c], aside[3], codes)
        if n < N_ASIDE:
            _insert_last(of_px, n, codes, below)
            continue
        _insert(of_px, codes, below, left)
        _decode(left, aside[3], pushed[c])
        _keep_own(sample[c], below, pushed[c])
    owner, new = np.empty(w, np.uint8), np.full(w, index, np.uint8)
    owners = aside[1][0, y, x0:x1], aside[1][1, y, x0:x1], aside[1][2, y, x0:x1]
    if n < N_ASIDE:
        _insert_last(owners, n, new, below)
        aside[2][y, x0:x1] = n + 1
        return
    _insert(owners, new, below, owner)
    _add_pushed(pushed, owner, cut, weights, core, noise, structure, rule)


@njit(**INNER)
def _keep_own(sample: Array, below: Array, pushed: Array) -> None:
    """Put back what was never held, and so never rounded."""
    for x in range(sample.size):
        pushed[x] = sample[x] if below[x] == N_LOW else pushed[x]


@njit(**INNER)
def _add_pushed(
    pushed: Array,
    owner: Array,
    cut: tuple[int, int, int],
    weights: Array,
    core: Sums,
    noise: Array,
    structure: Array,
    rule: Rule,
) -> None:
    """Judge rows of samples (C, w) that are no extremes any more, and add them to the core."""
    y, x0, x1 = cut
    channels, w = pushed.shape
    weight, around, variance = np.empty(w, np.float32), np.empty(w, np.float32), np.empty(w, np.float32)
    far = np.zeros(w, np.uint8)
    for x in range(w):
        weight[x] = weights[owner[x]]
    if structure.size == 0:
        _take_in_row(pushed, far, weight, cut, core, variance)
        return
    for x in range(w):
        around[x] = structure[y >> 1, (x0 + x) >> 1]
    count, total = core[3][0, y, x0:x1], core[2][0, y, x0:x1]
    for c in range(channels):
        rows = around, count, core[1][c, y, x0:x1], weight, total
        _variances(rows, noise[c], F(rule[2]), variance)
        _mark_bright(pushed[c], core[0][c, y, x0:x1], variance, F(rule[1]), far)
    for x in range(w):
        far[x] = far[x] if count[x] >= LEAST_IN_CORE else 0
    _take_in_row(pushed, far, weight, cut, core, variance)
