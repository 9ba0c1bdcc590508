"""A template as one sub would show it: its shift, seeing and shape, to first order."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import OPTIONS, F

FIT_PX = 15_000
LEAST_FIT_PX = 300
STAR_REACH = 2
"""Guide px about a star that are its own."""
MOST_SCALE = 0.3
"""A sub is photometrically scaled already: a larger change of scale is not its seeing."""


@njit(**OPTIONS)
def _terms(mean: Array, where: Array, out: Array) -> None:
    """Rows of the match at flat positions: 1, μ, ∂x, ∂y, ∇², ∂xx − ∂yy, ∂xy."""
    h, w = mean.shape
    for k in range(where.size):
        y, x = where[k] // w, where[k] % w
        u, d = max(y - 1, 0), min(y + 1, h - 1)
        e, f = max(x - 1, 0), min(x + 1, w - 1)
        m = mean[y, x]
        xx, yy = mean[y, e] + mean[y, f] - F(2) * m, mean[u, x] + mean[d, x] - F(2) * m
        out[k, 0], out[k, 1] = 1.0, m
        out[k, 2], out[k, 3] = F(0.5) * (mean[y, f] - mean[y, e]), F(0.5) * (mean[d, x] - mean[u, x])
        out[k, 4], out[k, 5] = xx + yy, xx - yy
        out[k, 6] = F(0.25) * (mean[d, f] - mean[d, e] - mean[u, f] + mean[u, e])


@njit(**OPTIONS)
def _matched(mean: Array, contrast: Array, least: float, k: Array, out: Array) -> None:
    """Template with the fitted change where there is structure."""
    h, w = mean.shape
    row, at = np.empty((1, 7)), np.empty(1, np.int64)
    for y in range(h):
        for x in range(w):
            out[y, x] = mean[y, x]
            if contrast[y, x] > least:
                at[0] = y * w + x
                _terms(mean, at, row)
                change = 0.0
                for i in range(7):
                    change += k[i] * row[0, i]
                out[y, x] += F(change)


@njit(**OPTIONS)
def mark_stars(x: Array, y: Array, out: Array) -> None:
    """Mark the px about stars at (x, y) in out (h, w)."""
    h, w = out.shape
    for k in range(x.size):
        for yy in range(max(int(y[k]) - STAR_REACH, 0), min(int(y[k]) + STAR_REACH + 2, h)):
            for xx in range(max(int(x[k]) - STAR_REACH, 0), min(int(x[k]) + STAR_REACH + 2, w)):
                out[yy, xx] = True


def match_template(sample: Array, mean: Array, usable: Array, contrast: Array, noise: float) -> Array:
    """Return the template as this sub's seeing, shift and shape would show it, to first order.

    A robust least-squares fit of the difference: scale, shift, width, elongation, level.

    Parameters
    ----------
    usable : (h, w) bool
        Px about stars that the sub covers. A trail left in the template must not be fitted: it would match itself.
    """
    where = np.flatnonzero((contrast > 5 * math.sqrt(noise)) & usable)
    if len(where) < LEAST_FIT_PX:
        return mean
    if len(where) > FIT_PX:
        strongest = np.argsort(-contrast.ravel()[where], kind="stable")[:FIT_PX]
        where = where[strongest]
    rows = np.empty((len(where), 7))
    _terms(mean, where, rows)
    wanted = (sample.ravel()[where] - mean.ravel()[where]).astype(np.float64)
    weight = 1 / np.sqrt(noise + (0.15 * contrast.ravel()[where].astype(np.float64)) ** 2)
    good = np.ones(len(where), bool)
    k = np.zeros(7)
    for _ in range(3):
        a, b = rows[good] * weight[good, None], wanted[good] * weight[good]
        scale = np.sqrt((a**2).sum(axis=0)) + 1e-30
        a /= scale
        normal = np.einsum("ij,ik->jk", a, a) + 1e-9 * np.eye(7)
        k = np.linalg.solve(normal, np.einsum("ij,i->j", a, b)) / scale
        residual = np.abs((wanted - rows @ k) * weight)
        good = residual < max(4 * 1.4826 * float(np.median(residual)), 1e-6)
        if good.sum() < LEAST_FIT_PX // 2:
            return mean
    if abs(k[1]) > MOST_SCALE:
        return mean
    out = np.empty_like(mean)
    _matched(mean, contrast, 2 * math.sqrt(noise), k, out)
    return out
