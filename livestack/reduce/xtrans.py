"""X-Trans mosaics: colours interpolated by weights for each px of the 6 × 6 cell, of the 5 × 5 px about it.

The best linear prediction (universal kriging, Matheron 1969) of a scene that is, in each colour, a plane of its own
plus detail that the colours share to a good part, as stars and galaxies do. So a flat field and a slope come out
exactly in each colour, a px keeps its own colour as it is, and what a star lacks in one colour is told by the others.
With nothing shared, a white star of 2.5 px FWHM gains or loses 4 % of its red by where it falls on the few red px; so
it is 1.7 %, and nothing on average.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import XTRANS, Array
from livestack.reduce.compile import INNER, F

CELL = 6
REACH = 2
"""Every px of X-Trans has all colours within so many px."""
SHARED = 0.8
"""Correlation of the detail of two colours."""
LENGTH_PX = 1.2
"""Reach of the Gaussian correlation of detail: of a star of FWHM 2.0 px, the smallest that a mosaic can show."""
RIDGE = 1e-6
"""Noise as a share of the detail: keeps the equations well conditioned."""
LUMINANCE = np.array([0.25, 0.5, 0.25])
"""Shares of red, green and blue, as in a cell of a Bayer mosaic."""

COLOURS = np.array(["RGB".index(letter) for letter in XTRANS]).reshape(CELL, CELL)


def interpolation() -> Array:
    """Return (6, 6, 3, 5, 5) float32: px of the cell `XTRANS`, colour wanted, px about it."""
    side = 2 * REACH + 1
    y, x = (offset.ravel() - REACH for offset in np.mgrid[:side, :side])
    near = np.exp(-((y[:, None] - y) ** 2 + (x[:, None] - x) ** 2) / (2 * LENGTH_PX**2))
    middle = len(y) // 2
    py, px = np.divmod(np.arange(CELL**2), CELL)
    colour = COLOURS[(py[:, None] + y) % CELL, (px[:, None] + x) % CELL]  # (36, 25)
    alike = np.where(colour[:, :, None] == colour[:, None, :], 1.0, SHARED)
    # unbiased for a plane in each colour: the weights of the wanted one add up to 1, all other moments to 0
    planes = [(colour == c) * moment for c in range(3) for moment in (np.ones(len(y)), y, x)]
    drift = np.stack(planes, axis=2)
    n, terms = len(y), len(planes)
    equations = np.zeros((CELL**2, n + terms, n + terms))
    equations[:, :n, :n] = near * alike + RIDGE * np.eye(n)
    equations[:, :n, n:] = drift
    equations[:, n:, :n] = drift.transpose(0, 2, 1)
    wanted = np.zeros((CELL**2, n + terms, 3))
    for c in range(3):
        wanted[:, :n, c] = near[middle] * np.where(colour == c, 1.0, SHARED)
        wanted[:, n + 3 * c, c] = 1
    weights = np.linalg.solve(equations, wanted)[:, :n].transpose(0, 2, 1)
    for c in range(3):
        weights[colour[:, middle] == c, c] = np.arange(n) == middle
    return np.ascontiguousarray(weights.reshape(CELL, CELL, 3, side, side), np.float32)


def luminance_of(weights: Array) -> Array:
    """Return (6, 6, 5, 5) float32: what interpolates and adds up the colours in one."""
    return np.ascontiguousarray(np.einsum("c,yxcji->yxji", LUMINANCE, weights), np.float32)


WEIGHTS = interpolation()
LUMINANCE_WEIGHTS = luminance_of(WEIGHTS)


@njit(**INNER)
def _weighed(cfa: Array, y: int, x: int, weights: Array) -> Any:
    """Sum of 5 × 5 px from (y, x) on, times weights."""
    total = F(0)
    for j in range(5):
        for i in range(5):
            total += weights[j, i] * cfa[y + j, x + i]
    return total


@njit(**INNER)
def place_in_cell(colours: Array) -> tuple[int, int]:
    """Where in the cell that the weights are for an X-Trans pattern starts."""
    n = CELL
    for y in range(n):
        for x in range(n):
            same = True
            for j in range(n):
                for i in range(n):
                    same &= colours[j, i] == COLOURS[(y + j) % n, (x + i) % n]
            if same:
                return y, x
    return 0, 0


@njit(**INNER)
def debayer(cfa: Array, colours: Array, y0: int, x0: int, out: Array) -> None:
    """`kernels.debayer` of an X-Trans mosaic; colours (6, 6)."""
    _, h, w = out.shape
    cell_y, cell_x = place_in_cell(colours)
    for y in range(h):
        py = (cell_y + y0 + y) % CELL
        for x in range(w):
            px = (cell_x + x0 + x) % CELL
            own = COLOURS[py, px]
            out[own, y, x] = cfa[y + 2, x + 2]
            for other in range(1, 3):
                c = (own + other) % 3
                out[c, y, x] = _weighed(cfa, y, x, WEIGHTS[py, px, c])


@njit(**INNER)
def luminance(cfa: Array, colours: Array, y0: int, x0: int, out: Array) -> None:
    """¼ red, ½ green, ¼ blue of each px, (h, w); cfa and colours as in `debayer`."""
    h, w = out.shape
    cell_y, cell_x = place_in_cell(colours)
    for y in range(h):
        py = (cell_y + y0 + y) % CELL
        for x in range(w):
            out[y, x] = _weighed(cfa, y, x, LUMINANCE_WEIGHTS[py, (cell_x + x0 + x) % CELL])
