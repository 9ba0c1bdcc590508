"""A template as one sub would show it: its shift, seeing and shape, to first order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import BORROWING, INNER, LEAF, OPTIONS, F
from livestack.reduce.medians import middle_of
from livestack.stack import Stack

FIT_PX = 15_000
LEAST_FIT_PX = 300
TILE = 256
"""Px of a row at a time: what is in work stays in the cache."""
STAR_REACH = 2
"""Guide px about a star that are its own."""
MOST_SCALE = 0.3
"""A sub is photometrically scaled already: a larger change of scale is not its seeing."""

NO_MATCH = np.zeros(0)


@njit(**LEAF)
def _smooth_row(mean: Array, y: int, x0: int, along: Array, out: Array) -> None:
    """3 × 3 Gaussian of σ 0.6 px at columns x0 − 1 and on of row y; along: room for two px more."""
    h, w = mean.shape
    a, b = F(0.666), F(0.167)
    y = min(max(y, 0), h - 1)
    u, m, d = mean[max(y - 1, 0)], mean[y], mean[min(y + 1, h - 1)]
    n = along.size
    first, last = max(2 - x0, 0), min(w - x0 + 2, n)
    near = slice(x0 - 2 + first, x0 - 2 + last)
    inside, u, m, d = along[first:last], u[near], m[near], d[near]
    for k in range(inside.size):
        inside[k] = a * m[k] + b * (u[k] + d[k])
    along[:first] = along[first]
    along[last:] = along[last - 1]
    for k in range(n - 2):
        out[k] = a * along[k + 1] + b * (along[k] + along[k + 2])
    if x0 == 0:
        out[0] = out[1]
    if x0 + n - 4 == w:
        out[n - 3] = out[n - 4]


@njit(**INNER)
def contrast_box(mean: Array, total: Array, own: float, box: tuple[int, int, int, int], out: Array) -> None:
    """Square of the contrast of a smoothed template: 3 × 3 max − min, its own noise (2.2 σ) taken off in quadrature.

    Parameters
    ----------
    mean, total : (h, w) of the template; total = its weight.
    own : variance of a px of weight 1.
    box : (y0, y1, x0, x1)
    out : (≥ y1 − y0, ≥ x1 − x0)
    """
    y0, y1, x0, x1 = box
    n = x1 - x0
    along, smooth = np.empty(n + 4, np.float32), np.empty(n + 2, np.float32)
    high, low = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
    factor = F(4.84 * own)
    for y in range(y0 - 1, y1 + 1):
        _smooth_row(mean, y, x0, along, smooth)
        top, bottom = high[(y + 1) % 3], low[(y + 1) % 3]
        for x in range(n):
            p, q, r = smooth[x], smooth[x + 1], smooth[x + 2]
            up, down = (p, q) if p > q else (q, p)
            top[x] = up if up > r else r
            bottom[x] = down if down < r else r
        if y <= y0:
            continue
        weight, row = total[y - 1, x0:x1], out[y - 1 - y0]
        for x in range(n):
            up = high[0, x] if high[0, x] > high[1, x] else high[1, x]
            up = up if up > high[2, x] else high[2, x]
            down = low[0, x] if low[0, x] < low[1, x] else low[1, x]
            down = down if down < low[2, x] else low[2, x]
            wide = weight[x] if weight[x] > F(1e-6) else F(1e-6)
            squared = (up - down) * (up - down) - factor / wide
            row[x] = squared if squared > 0 else F(0)


@njit(**OPTIONS)
def contrast_band(mean: Array, total: Array, own: float, out: Array, y0: int, y1: int) -> None:
    """`contrast_box` of rows y0…y1 of a picture, into those of out (h, w)."""
    w = mean.shape[1]
    for x0 in range(0, w, TILE):
        x1 = min(x0 + TILE, w)
        contrast_box(mean, total, own, (y0, y1, x0, x1), out[y0:y1, x0:x1])


@njit(**LEAF)
def _terms(mean: Array, y: int, x: int) -> tuple[Any, ...]:
    """Terms of the match at a px beside the level: μ, ∂x, ∂y, ∇², ∂xx − ∂yy, ∂xy."""
    h, w = mean.shape
    u, d = max(y - 1, 0), min(y + 1, h - 1)
    e, f = max(x - 1, 0), min(x + 1, w - 1)
    m = mean[y, x]
    xx, yy = mean[y, e] + mean[y, f] - F(2) * m, mean[u, x] + mean[d, x] - F(2) * m
    return (
        m,
        F(0.5) * (mean[y, f] - mean[y, e]),
        F(0.5) * (mean[d, x] - mean[u, x]),
        xx + yy,
        xx - yy,
        F(0.25) * (mean[d, f] - mean[d, e] - mean[u, f] + mean[u, e]),
    )


@njit(**LEAF)
def shift_at(mean: Array, y: int, x: int, match: Array) -> Any:
    """Tell what a match, (7,) float64, adds to the template at a px."""
    a, b, c, d, e, f = _terms(mean, y, x)
    return F(match[0] + match[1] * a + match[2] * b + match[3] * c + match[4] * d + match[5] * e + match[6] * f)


@njit(**OPTIONS)
def _star_px(sample: Array, template: tuple[Array, Array, Array], stars: Array, least: float) -> tuple[Array, Array]:
    """Px about stars whose squared contrast is more than `least`: rows (N, 8), match and difference; contrast².

    template: mean, squared contrast, coverage (h, w).
    """
    mean, squared, coverage = template
    h, w = mean.shape
    side = 2 * STAR_REACH + 2
    rows = np.empty((side * side * len(stars), 8))
    contrast = np.empty(side * side * len(stars), np.float32)
    seen = np.zeros((h, w), np.bool_)
    n = 0
    for k in range(len(stars)):
        left, top = int(stars[k, 0]) - STAR_REACH, int(stars[k, 1]) - STAR_REACH
        y0, y1, x0, x1 = max(top, 0), min(top + side, h), max(left, 0), min(left + side, w)
        if y1 <= y0 or x1 <= x0:
            continue
        for y in range(y0, y1):
            for x in range(x0, x1):
                if seen[y, x] or not squared[y, x] > least:
                    continue
                seen[y, x] = True
                if coverage[y, x] > 0 and np.isfinite(sample[y, x]):
                    rows[n, 0] = 1
                    rows[n, 1], rows[n, 2], rows[n, 3], rows[n, 4], rows[n, 5], rows[n, 6] = _terms(mean, y, x)
                    rows[n, 7], contrast[n] = sample[y, x] - mean[y, x], squared[y, x]
                    n += 1
    return rows[:n], contrast[:n]


@njit(**BORROWING)
def _add_products(rows: Array, good: Array, out: Array) -> None:
    """Add up the products of the first seven columns of rows (N, 8) with all of them, (7, 8), where good."""
    for n in range(len(rows)):
        if good[n]:
            row = rows[n]
            for i in range(7):
                for j in range(8):
                    out[i, j] += row[i] * row[j]


def match_template(sample: Array, template: Stack, contrast: Array, stars: Array, noise: float) -> Array:
    """Return how this sub's seeing, shift and shape show in the template, to first order: `shift_at` tells it.

    A robust least-squares fit of the difference: level, scale, shift, width, elongation. It is made on stars: a trail
    left in the template must not be fitted, for it would match itself.

    Parameters
    ----------
    sample : (h, w)
    template : (1, h, w)
    contrast : (h, w) of the template, squared, ADU².
    stars : (N, 2) x, y
    noise : variance of a px of the sub, ADU².

    Returns
    -------
    ndarray of float64
        (7,), or (0,) where the template is to stay as it is.
    """
    arrays = template.mean[0], contrast, template.coverage[0]
    rows, squared = _star_px(sample, arrays, stars, 25 * noise)
    if len(rows) < LEAST_FIT_PX:
        return NO_MATCH
    if len(rows) > FIT_PX:
        strongest = squared >= np.partition(squared, -FIT_PX)[-FIT_PX]
        rows, squared = rows[strongest], squared[strongest]
    rows *= (1 / np.sqrt(noise + 0.15**2 * squared.astype(np.float64)))[:, None]
    good = np.ones(len(rows), bool)
    k = np.zeros(7)
    for _ in range(3):
        sums = np.zeros((7, 8))
        _add_products(rows, good, sums)
        scale = np.sqrt(np.diagonal(sums)) + 1e-30
        normal = sums[:, :7] / np.outer(scale, scale) + 1e-9 * np.eye(7)
        k = np.linalg.solve(normal, sums[:, 7] / scale) / scale
        residual = np.abs(rows[:, 7] - np.einsum("ij,j->i", rows[:, :7], k))
        good = residual < max(4 * 1.4826 * middle_of(residual), 1e-6)
        if good.sum() < LEAST_FIT_PX // 2:
            return NO_MATCH
    return k if abs(k[1]) <= MOST_SCALE else NO_MATCH
