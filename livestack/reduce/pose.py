"""Matrices between two lists of matched positions: similarity, affine, homography, by least squares."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import LEAF, OPTIONS

HOMOGRAPHY_FROM = 60
AFFINE_FROM = 20
AKAIKE = 4.0
"""Twice Akaike's price of a parameter: it must lower the residual beyond what noise alone would."""
MAX_CONDITION = 1e6
OFF_SIGMA = 4.0
"""A star this many σ off says nothing of the pose: it is two stars, or a trail lies on it."""
CENTROID_PX = 0.01
"""Error of a centroid on each axis, however bright the star, at the least: seeing, px, the lens."""
ROUNDS = 4


Units = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Of two lists: mean x and y, and what makes their size about 1."""


def project(matrix: Array, xy: Array) -> Array:
    """Map (N, 2) positions through a 3 × 3 matrix."""
    moved = xy @ matrix[:2, :2].T + matrix[:2, 2]
    w = xy @ matrix[2, :2] + matrix[2, 2]
    projected: Array = moved / w[:, None]
    return projected


def fit(src: Array, ref: Array, weight: Array, price: float = AKAIKE) -> Array | None:
    """Weighted least-squares matrix: similarity for few stars, affine from 20, homography from 60 where it pays.

    Parameters
    ----------
    src, ref : (N, 2) float64
        Positions, px.
    weight : (N,) float64
        1 / variance of the positions' distance on an axis; only ratios count.
    price : float
        What a parameter must lower the cost by to be taken in.

    Returns
    -------
    ndarray of float64, optional
        (3, 3); None when the stars lie so that no matrix follows: all in one place, or in a row.
    """
    matrix = np.empty((3, 3))
    return matrix if _fit_once(src, ref, weight, price, matrix) else None


def fit_pairs(src: Array, ref: Array, error: Array, price: float = AKAIKE) -> Array | None:
    """Fit matched places, each counting by its own error and by the unrest common to all, and not where it is off.

    Parameters
    ----------
    error : (N,) float64
        Of the distance of two places on an axis, px; brightest first. The others and what it returns are as of `fit`.
    """
    matrix = np.empty((3, 3))
    return matrix if _fit_pairs(src, ref, error, price, matrix) else None


@njit(**LEAF)
def _unit(xy: Array) -> tuple[float, float, float]:
    """Mean of positions, and what they are multiplied with to be of size about 1."""
    n = len(xy)
    cx = cy = most = 0.0
    for k in range(n):
        cx += xy[k, 0]
        cy += xy[k, 1]
    cx, cy = cx / n, cy / n
    for k in range(n):
        most = max(most, abs(xy[k, 0] - cx), abs(xy[k, 1] - cy))
    return cx, cy, 1 / max(most, 1.0)


@njit(**LEAF)
def _add_moments(
    src: Array,
    ref: Array,
    weight: Array,
    units: Units,
    moments: Array,
) -> None:
    """Add up (4, 6) weight · (1, u, v, u² + v²) · (x², xy, y², x, y, 1) in centred and scaled coordinates."""
    (cx, cy, s), (cu, cv, t) = units
    for k in range(len(src)):
        x, y = s * (src[k, 0] - cx), s * (src[k, 1] - cy)
        u, v = t * (ref[k, 0] - cu), t * (ref[k, 1] - cv)
        terms = (x * x, x * y, y * y, x, y, 1.0)
        w = weight[k]
        factors = (w, w * u, w * v, w * (u * u + v * v))
        for a in range(4):
            for b in range(6):
                moments[a, b] += factors[a] * terms[b]


@njit(**LEAF)
def _similarity(m: Array, normal: Array, wanted: Array) -> None:
    """Make normal equations of a, b, tx, ty with u = a x − b y + tx, v = b x + a y + ty."""
    normal[:4, :4] = 0
    for k in range(2):
        normal[k, k], normal[2 + k, 2 + k] = m[0, 0] + m[0, 2], m[0, 5]
        normal[k, 2 + k] = normal[2 + k, k] = m[0, 3]
    normal[0, 3] = normal[3, 0] = m[0, 4]
    normal[1, 2] = normal[2, 1] = -m[0, 4]
    wanted[0], wanted[1] = m[1, 3] + m[2, 4], m[2, 3] - m[1, 4]
    wanted[2], wanted[3] = m[1, 5], m[2, 5]


@njit(**LEAF)
def _square(moments: Array, factor: float, out: Array) -> None:
    """Add up products of (x, y, 1) with (x, y, 1), or as many of them as there is room for."""
    at = ((0, 1, 3), (1, 2, 4), (3, 4, 5))
    for a in range(out.shape[0]):
        for b in range(out.shape[1]):
            out[a, b] = factor * moments[at[a][b]]


@njit(**LEAF)
def _homography(m: Array, normal: Array, wanted: Array) -> None:
    """Make normal equations of the eight numbers of a matrix that ends with 1; those of an affine one are its first."""
    normal[:] = 0
    for k in range(2):
        rows = slice(3 * k, 3 * k + 3)
        _square(m[0], 1.0, normal[rows, rows])
        _square(m[1 + k], -1.0, normal[rows, 6:])
        _square(m[1 + k], -1.0, normal[6:, rows])
        for a in range(3):
            wanted[3 * k + a] = m[1 + k, 3 + a]
        wanted[6 + k] = -m[3, 3 + k]
    _square(m[3], 1.0, normal[6:, 6:])


@njit(**LEAF)
def _sum_of_squares(a: Array) -> float:
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j] * a[i, j]
    return total


@njit(**LEAF)
def _invert(a: Array) -> bool:
    """Invert a symmetric matrix in its place (Gauss and Jordan); False where it cannot be: stars in a row."""
    n, before = len(a), _sum_of_squares(a)
    for k in range(n):
        pivot = a[k, k]
        if not pivot > 0:
            return False
        a[k, k] = 1.0
        for j in range(n):
            a[k, j] /= pivot
        for i in range(n):
            factor = a[i, k] if i != k else 0.0
            a[i, k] = a[i, k] if i == k else 0.0
            for j in range(n):
                a[i, j] -= factor * a[k, j]
    # at least the condition, at most n times as large
    return bool(before * _sum_of_squares(a) <= MAX_CONDITION * MAX_CONDITION)


@njit(**LEAF)
def _squared_off(matrix: Array, src: Array, ref: Array, k: int) -> float:
    """Square of how far a position, moved, is from where it should be."""
    x, y = src[k, 0], src[k, 1]
    w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    dx = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / w - ref[k, 0]
    dy = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / w - ref[k, 1]
    return float(dx * dx + dy * dy)


@njit(**LEAF)
def _at_scale(
    parameters: int,
    solution: Array,
    units: Units,
    work: tuple[Array, Array, Array],
) -> None:
    """Matrix of a solution in centred and scaled coordinates, into the first of the work (3, 3)."""
    out, inner, other = work
    (cx, cy, s), (cu, cv, t) = units
    inner[2, 0], inner[2, 1], inner[2, 2] = 0.0, 0.0, 1.0
    if parameters == 4:
        inner[0, 0], inner[0, 1], inner[0, 2] = solution[0], -solution[1], solution[2]
        inner[1, 0], inner[1, 1], inner[1, 2] = solution[1], solution[0], solution[3]
    else:
        for k in range(parameters):
            inner[k // 3, k % 3] = solution[k]
    for i in range(3):
        a, b = s * inner[i, 0], s * inner[i, 1]
        other[i, 0], other[i, 1], other[i, 2] = a, b, inner[i, 2] - a * cx - b * cy
    for j in range(3):
        last = other[2, j]
        out[0, j], out[1, j], out[2, j] = other[0, j] / t + cu * last, other[1, j] / t + cv * last, last
    last = out[2, 2]
    for i in range(3):
        for j in range(3):
            out[i, j] /= last


@njit(**LEAF)
def _solved(moments: Array, parameters: int, units: Units, work: tuple[Array, Array, Array], out: Array) -> bool:
    """Put the matrix of a model with so many parameters into out; whether there is one."""
    whole, (wanted, solution) = work[0], (work[1][0], work[1][1])
    if parameters == 4:
        _similarity(moments, whole, wanted)
    else:
        _homography(moments, whole, wanted)
    normal = whole[:parameters, :parameters]
    if not _invert(normal):
        return False
    for i in range(parameters):
        solution[i] = 0.0
        for j in range(parameters):
            solution[i] += normal[i, j] * wanted[j]
    _at_scale(parameters, solution, units, (out, work[2][0], work[2][1]))
    return True


@njit(**OPTIONS)
def _fit_once(src: Array, ref: Array, weight: Array, price: float, matrix: Array) -> bool:
    """`fit`, into a matrix; whether there is one. Sums are in the order of the stars: the same bits each time."""
    n, units, mean = len(src), (_unit(src), _unit(ref)), weight.mean()
    moments = np.zeros((4, 6))
    _add_moments(src, ref, weight / mean, units, moments)
    work = np.empty((8, 8)), np.empty((2, 8)), np.empty((2, 3, 3))
    one = np.empty((3, 3))
    found, least = False, 0.0
    for parameters, fewest in ((4, 0), (6, AFFINE_FROM), (8, HOMOGRAPHY_FROM)):
        if n < fewest or not _solved(moments, parameters, units, work, one):
            continue
        squared = 0.0
        for k in range(n):
            squared += weight[k] / mean * _squared_off(one, src, ref, k)
        cost = 2 * n * math.log(max(squared, 1e-12) / (2 * n)) + price * parameters
        if not found or cost < least:
            found, least = True, cost
            matrix[:] = one
    return found


@njit(**LEAF)
def _middle(values: Array) -> float:
    """Median of a few hundred values, by counting."""
    n, low, high = len(values), 0.0, 0.0
    for k in range(n):
        below = upto = 0
        for i in range(n):
            below += values[i] < values[k]
            upto += values[i] <= values[k]
        if below <= (n - 1) // 2 < upto:
            low = values[k]
        if below <= n // 2 < upto:
            high = values[k]
    return 0.5 * (low + high)


@njit(**OPTIONS)
def _fit_pairs(src: Array, ref: Array, error: Array, price: float, matrix: Array) -> bool:
    """`fit_pairs`, into a matrix; whether there is one."""
    n = len(src)
    weight, squared, unrest = np.empty(n), np.empty(n), np.empty(n // 2 + 1)
    least = 2 * CENTROID_PX * CENTROID_PX
    for k in range(n):
        weight[k] = 1 / (error[k] * error[k] + least)
    for _ in range(ROUNDS):
        if not _fit_once(src, ref, weight, price, matrix):
            return False
        for k in range(n):
            squared[k] = _squared_off(matrix, src, ref, k)
        # told by the brighter half; the median of a sum of two squares is 2 ln 2 variances
        for k in range(min(len(unrest), n)):
            unrest[k] = squared[k] / (2 * math.log(2.0)) - error[k] * error[k]
        common = max(_middle(unrest[: min(len(unrest), n)]), least)
        for k in range(n):
            variance = error[k] * error[k] + common
            off = squared[k] / (OFF_SIGMA * OFF_SIGMA * variance)
            taper = max(1 - off * off, 0.0)
            weight[k] = max(taper * taper, 1e-6) / variance
    return bool(_fit_once(src, ref, weight, price, matrix))
