"""A px that is known to be bad, told by the px about it: the best linear prediction, as X-Trans is interpolated.

In the core of a star of 2.5 px FWHM the mean of its neighbours is off by a third of the peak, rms, and by more than
half on a mosaic, where the px of its colour are two px away. The weights here know how far detail reaches, and that
colours share it: so it is 6 %, and 15 % on a mosaic. They are constants, and unbiased for a slope in each colour.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce import xtrans
from livestack.reduce.compile import INNER, F

REACH = 2
RIDGE = 0.03
"""Noise as a share of the detail: so much that a px is not noisier than those it is told by."""


def weights_of(colours: Array) -> Array:
    """Return (n, n, 5, 5) float32: for each px of a cell of colours (n, n), the weights of the px about it.

    Kriging with a Gaussian correlation (Matheron 1969), the px itself left out.
    """
    n, side = len(colours), 2 * REACH + 1
    y, x = (offset.ravel() - REACH for offset in np.mgrid[:side, :side])
    middle = len(y) // 2
    known = np.arange(len(y)) != middle
    near = np.exp(-((y[:, None] - y) ** 2 + (x[:, None] - x) ** 2) / (2 * xtrans.LENGTH_PX**2))
    out = np.zeros((n, n, len(y)))
    for py in range(n):
        for px in range(n):
            colour = colours[(py + y) % n, (px + x) % n]
            alike = near * np.where(colour[:, None] == colour, 1.0, xtrans.SHARED) + RIDGE * np.eye(len(y))
            # unbiased for a plane in each colour: the weights of its own add up to 1, all other moments to 0
            planes = [(colour == c) * moment for c in np.unique(colour) for moment in (np.ones(len(y)), y, x)]
            drift = np.stack(planes, axis=1)
            terms = drift.shape[1]
            equations = np.block(
                [[alike[np.ix_(known, known)], drift[known]], [drift[known].T, np.zeros((terms, terms))]]
            )
            wanted = np.concatenate([alike[known, middle], drift[middle]])
            out[py, px, known] = np.linalg.lstsq(equations, wanted)[0][: known.sum()]
    return np.ascontiguousarray(out.reshape(n, n, side, side), np.float32)


_MONO = weights_of(np.zeros((1, 1), np.int64))[0, 0]
# red and blue are alike, and so are both greens
_GREEN, _OTHER = weights_of(np.array([[1, 0], [2, 1]]))[0]
_XTRANS = weights_of(xtrans.COLOURS)


@njit(**INNER)
def weights_at(colours: Array, y: int, x: int) -> Any:
    """(5, 5) of the px about the one at y, x; on X-Trans these are counted from where its cell begins."""
    n = colours.shape[0]
    if n == 0:
        return _MONO
    if n == xtrans.CELL:
        return _XTRANS[y % n, x % n]
    return _GREEN if colours[y & 1, x & 1] == 1 else _OTHER


@njit(**INNER)
def fill(data: Array, bad: Array, colours: Array, y0: int, x0: int) -> None:
    """Replace bad px, which are NaN, of data (P, h, w) that starts at source (y0, x0), from px that are measured.

    Where another one is bad within 2 px, it is the mean of its neighbours of the same colour, if more than half of
    these are good. A larger hole (overscan, a dead area) keeps NaN, and whatever touches it later is not covered.

    Parameters
    ----------
    bad : (N, 2) of int: their y, x in data.
    colours : (2, 2) or (6, 6) CFA colours, or (0, 0).
    """
    n = colours.shape[0]
    cell_y, cell_x = xtrans.place_in_cell(colours) if n == xtrans.CELL else (0, 0)
    value = np.empty(len(bad), np.float32)
    for p in range(data.shape[0]):
        plane = data[p]
        for k in range(len(bad)):
            y, x = bad[k, 0], bad[k, 1]
            value[k] = _predicted(plane, y, x, weights_at(colours, cell_y + y0 + y, cell_x + x0 + x))
            if not np.isfinite(value[k]):
                value[k] = _mean_of_its_colour(plane, y, x, colours, y0, x0)
        for k in range(len(bad)):
            plane[bad[k, 0], bad[k, 1]] = value[k]


@njit(**INNER)
def _predicted(plane: Array, y: int, x: int, weights: Array) -> Any:
    """Sum of weights (5, 5) times the px about one; NaN where one of them is bad or missing."""
    h, w = plane.shape
    if y < REACH or y >= h - REACH or x < REACH or x >= w - REACH:
        return F(np.nan)
    total = F(0)
    for j in range(2 * REACH + 1):
        for i in range(2 * REACH + 1):
            if j != REACH or i != REACH:
                total += weights[j, i] * plane[y - REACH + j, x - REACH + i]
    return total


@njit(**INNER)
def _mean_of_its_colour(plane: Array, y: int, x: int, colours: Array, y0: int, x0: int) -> Any:
    """Mean of the good px of its colour around it, weighed by 1/r² on X-Trans, where they are not on a lattice."""
    h, w = plane.shape
    n = colours.shape[0]
    reach, step = (1, 1) if n == 0 else (2, 1 if n == xtrans.CELL else 2)
    total, share, n_all, n_good = F(0), F(0), 0, 0
    for yy in range(y - reach, y + reach + 1, step):
        for xx in range(x - reach, x + reach + 1, step):
            if yy == y and xx == x:
                continue
            if n == xtrans.CELL:
                if not (0 <= yy < h and 0 <= xx < w):
                    continue
                if colours[(y0 + yy) % n, (x0 + xx) % n] != colours[(y0 + y) % n, (x0 + x) % n]:
                    continue
            n_all += 1
            if 0 <= yy < h and 0 <= xx < w and np.isfinite(plane[yy, xx]):
                near = F(1) / F((yy - y) ** 2 + (xx - x) ** 2) if n == xtrans.CELL else F(1)
                total += near * plane[yy, xx]
                share += near
                n_good += 1
    return total / share if 2 * n_good > n_all else F(np.nan)
