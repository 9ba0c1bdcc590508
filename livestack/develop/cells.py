"""The sky in cells, and a surface through them: the compiled loops of what lies over the whole picture."""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS
from livestack.reduce.level import IN_ANY_ORDER, value_at

HALVINGS = 30
INDEPENDENT = 1e-10
"""A term of which others leave a smaller share is told by them already."""


@njit(**INNER)
def _rank(ordered: Array, n: int, share: float) -> float:
    """Value below which lies a share of n ordered values, between its neighbours."""
    place = share * (n - 1)
    k = int(place)
    more = ordered[min(k + 1, n - 1)]
    return float(ordered[k] + (place - k) * (more - ordered[k]))


@njit(**OPTIONS)
def gather_cells(plane: Array, stride: int, out: Array) -> None:
    """Put every stride-th px of cells into out (ny, nx, n)."""
    ny, nx, most = out.shape
    h, w = plane.shape
    for j in range(ny):
        for i in range(nx):
            n = 0
            for y in range(j * h // ny, (j + 1) * h // ny, stride):
                for x in range(i * w // nx, (i + 1) * w // nx, stride):
                    if n < most:
                        out[j, i, n] = plane[y, x]
                        n += 1


@njit(**OPTIONS)
def tell_cells(values: Array, least: int, levels: Array, errors: Array) -> None:
    """Sky level of cells (rows, nx), and its error, of ordered values (rows, nx, n), NaN last; NaN where few are known.

    A level is the median once what lies above 2.5 σ is cut off: stars. σ is that of the lower half, where none are.
    """
    for j in range(values.shape[0]):
        for i in range(values.shape[1]):
            ordered = values[j, i]
            n = ordered.size
            while n > 0 and not np.isfinite(ordered[n - 1]):
                n -= 1
            levels[j, i] = errors[j, i] = np.nan
            if n < least:
                continue
            median, sigma = 0.0, 0.0
            for _ in range(3):
                median = _rank(ordered, n, 0.5)
                sigma = median - _rank(ordered, n, 0.1587)
                while n > 1 and ordered[n - 1] > median + 2.5 * sigma:
                    n -= 1
            levels[j, i], errors[j, i] = median, 1.2533 * sigma / np.sqrt(n)


@njit(**(INNER | IN_ANY_ORDER))
def _equations(terms: Array, level: Array, kept: Array, gram: Array, right: Array) -> None:
    """Tell the normal equations of the cells that are kept, which have weight 1, others 0."""
    for i in range(len(terms)):
        total = 0.0
        for k in range(level.size):
            total += kept[k] * terms[i, k] * level[k]
        right[i] = total
        for j in range(i + 1):
            total = 0.0
            for k in range(level.size):
                total += kept[k] * terms[i, k] * terms[j, k]
            gram[i, j] = total


@njit(**INNER)
def _solve(gram: Array, right: Array, out: Array) -> None:
    """Solve normal equations by Cholesky, of which the lower triangle is there; both are written into."""
    n = right.size
    for j in range(n):
        own = gram[j, j]
        for k in range(j):
            gram[j, j] -= gram[j, k] * gram[j, k]
        gram[j, j] = np.sqrt(gram[j, j]) if gram[j, j] > INDEPENDENT * own else 0.0
        share = 1 / gram[j, j] if gram[j, j] > 0 else 0.0
        for i in range(j + 1, n):
            for k in range(j):
                gram[i, j] -= gram[i, k] * gram[j, k]
            gram[i, j] *= share
        for k in range(j):
            right[j] -= gram[j, k] * right[k]
        right[j] *= share
    for j in range(n - 1, -1, -1):
        out[j] = right[j]
        for i in range(j + 1, n):
            out[j] -= gram[i, j] * out[i]
        out[j] *= 1 / gram[j, j] if gram[j, j] > 0 else 0.0


@njit(**INNER)
def _below(terms: Array, level: Array, found: Array, off: Array, below: Array) -> int:
    """Tell how far each cell is off a surface, and gather how far those below it are; returns how many."""
    off[:] = level
    for i in range(len(terms)):
        for k in range(off.size):
            off[k] -= found[i] * terms[i, k]
    n = 0
    for k in range(off.size):
        if off[k] < 0:
            below[n] = -off[k]
            n += 1
    return n


@njit(**OPTIONS)
def fit_cells(terms: Array, level: Array, least: float, limits: tuple[float, float], fits: int) -> Array:
    """Fit a surface through cells (n,), without those that stand off it: the coefficients of its terms (p, n).

    Parameters
    ----------
    least : σ is at least that; it is that of the cells below the surface, for light only adds.
    limits : so many σ above and below the surface cells are left out of the next fit.
    fits : at most.
    """
    p, n = terms.shape
    kept, off, below = np.ones(n), np.empty(n), np.empty(n)
    gram, right, found = np.empty((p, p)), np.empty(p), np.zeros(p)
    for _ in range(fits):
        _equations(terms, level, kept, gram, right)
        _solve(gram, right, found)
        m, sigma = _below(terms, level, found, off, below), least
        if m:
            sigma = max(1.4826 * value_at(below[:m], 0.5 * (m - 1), 0.0, below[:m].max(), HALVINGS), least)
        many, same = 0, True
        for k in range(n):
            now = 1.0 if -limits[1] * sigma < off[k] < limits[0] * sigma else 0.0
            same &= now == kept[k]
            below[k] = now
            many += now > 0
        if many < 3 * p or same:
            break
        kept[:] = below
    return found
