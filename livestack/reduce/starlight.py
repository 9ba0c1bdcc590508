"""Px that stand off in the light of a star, where none stands alone: by what the px about them tell of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.filling import REACH, weights_at
from livestack.reduce.resample import six

LIT_SIGMA = 6.0
"""A px is in star light if those of its colour around it differ by so many σ."""
OFF_SIGMA = 2.5
"""It is listed if it is off by so many σ of all that may make it so."""
UNTOLD, UNTOLD_CFA = 0.1, 0.07
"""How far a px of a star is off what the others tell of it, σ, as a share of how far these differ (see `_range`)."""
FULL_SHARE = 0.95
"""Beside a px this near the sub's brightest nothing is told: a full well has no shape."""


@njit(**INNER)
def may_be_lit(plane: Array, y: int, x0: int, step: int, limit: float, out: Array) -> None:
    """Px of a row, from column x0 on, about which the 8 px at `step` px differ by more than a limit."""
    above, row, below = plane[y - step], plane[y], plane[y + step]
    for x in range(out.size):
        a, b, c = above[x0 + x - step], above[x0 + x], above[x0 + x + step]
        d, e = row[x0 + x - step], row[x0 + x + step]
        f, g, h = below[x0 + x - step], below[x0 + x], below[x0 + x + step]
        high = max(a, b, c, d, e, f, g, h)
        low = min(a, b, c, d, e, f, g, h)
        out[x] = high - low > limit


@njit(**INNER)
def _range(plane: Array, y: int, x: int, step: int) -> Any:
    """How far the px about one differ at the most: the 8 px beside it, or on a CFA (step 2) those of each colour."""
    most = F(0)
    for j in range(step):
        for i in range(step):
            high, low = F(-np.inf), F(np.inf)
            for yy in range(y - step + j, y + step + 1, step):
                for xx in range(x - step + i, x + step + 1, step):
                    if yy != y or xx != x:
                        high, low = max(high, plane[yy, xx]), min(low, plane[yy, xx])
            most = max(most, high - low)
    return most


@njit(**INNER)
def is_full(raw: Array, y: int, x: int, full: float) -> bool:
    """Whether a px about this one is full; raw (H, W)."""
    for yy in range(max(y - REACH, 0), min(y + REACH + 1, raw.shape[0])):
        for xx in range(max(x - REACH, 0), min(x + REACH + 1, raw.shape[1])):
            if (yy != y or xx != x) and raw[yy, xx] >= full:
                return True
    return False


@njit(**INNER)
def stands_off(
    plane: Array, at: tuple[int, int], place: tuple[int, int], colours: Array, noise: float
) -> tuple[Any, Any]:
    """How far a px at `at` of a plane is off what the px about it tell: (ADU, σ).

    Parameters
    ----------
    place : where on the sensor it lies.
    noise : of one px, ADU.
    """
    y, x = at
    weights = weights_at(colours, place[0], place[1])
    told, noisier = F(0), F(1)
    for j in range(2 * REACH + 1):
        for i in range(2 * REACH + 1):
            told += weights[j, i] * plane[y - REACH + j, x - REACH + i]
            noisier += weights[j, i] * weights[j, i]
    height = plane[y, x] - told
    is_cfa = colours.shape[0] > 0
    untold = F(UNTOLD_CFA if is_cfa else UNTOLD) * _range(plane, y, x, 2 if is_cfa else 1)
    return height, height / np.sqrt(F(noise * noise) * noisier + untold * untold)


@njit(**OPTIONS)
def _sampled(picture: Array, y: float, x: float) -> float:
    """Lanczos-3 of a picture (H, W) at a place; NaN where it does not reach."""
    top, left = int(np.floor(y)) - 2, int(np.floor(x)) - 2
    if not (0 <= top < picture.shape[0] - 5 and 0 <= left < picture.shape[1] - 5):
        return np.nan
    across, down = six(F(x - np.floor(x))), six(F(y - np.floor(y)))
    total = 0.0
    for j in range(6):
        for i in range(6):
            total += down[j] * across[i] * picture[top + j, left + i]
    return total


@njit(**OPTIONS)
def off_in_stack(mean: Array, matrix: Array, colours: Array, px: Array, width: int, out: Array) -> None:
    """How far a stack is off, at the place of each px in a sub, what it shows at those of the px about it tell.

    Parameters
    ----------
    mean : (C, H, W) ADU.
    matrix : (3, 3), sub → grid.
    px : (N,) y · width + x.
    out : (N,) to write, ADU; NaN where the stack does not reach.
    """
    for k in range(px.size):
        y, x = px[k] // width, px[k] % width
        weights = weights_at(colours, y, x)
        off = 0.0
        for j in range(-REACH, REACH + 1):
            for i in range(-REACH, REACH + 1):
                weight = 1.0 if i == 0 and j == 0 else -weights[REACH + j, REACH + i]
                w = matrix[2, 0] * (x + i) + matrix[2, 1] * (y + j) + matrix[2, 2]
                gx = (matrix[0, 0] * (x + i) + matrix[0, 1] * (y + j) + matrix[0, 2]) / w
                gy = (matrix[1, 0] * (x + i) + matrix[1, 1] * (y + j) + matrix[1, 2]) / w
                c = colours[(y + j) & 1, (x + i) & 1] if colours.shape[0] > 0 else 0
                off += weight * _sampled(mean[c], gy, gx)
        out[k] = off
