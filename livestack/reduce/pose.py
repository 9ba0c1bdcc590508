"""Matrices between two lists of matched positions: similarity, affine, homography, by least squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from livestack.frame import Array

HOMOGRAPHY_FROM = 60
AFFINE_FROM = 20
AKAIKE = 4.0
"""Twice Akaike's price of a parameter: it must lower the residual beyond what noise alone would."""
MAX_CONDITION = 1e6


def project(matrix: Array, xy: Array) -> Array:
    """Map (N, 2) positions through a 3 × 3 matrix."""
    moved = xy @ matrix[:2, :2].T + matrix[:2, 2]
    w = xy @ matrix[2, :2] + matrix[2, 2]
    projected: Array = moved / w[:, None]
    return projected


def fit(src: Array, ref: Array, weight: Array, price: float = AKAIKE) -> Array | None:
    """Weighted least-squares matrix: similarity for few stars, affine from 20, homography from 60 where it pays.

    None when the stars lie so that no matrix follows: all in one place.

    Parameters
    ----------
    src, ref : (N, 2) float64
        Positions, px.
    weight : (N,) float64
        1 / variance of their distance on an axis; only ratios count.
    price : float
        What a parameter must lower the cost by to be taken in.
    """
    models = [(_similarity_rows, 4, 0), (_affine_rows, 6, AFFINE_FROM), (_homography_rows, 8, HOMOGRAPHY_FROM)]
    weight = weight / weight.mean()
    fitted = [(_fit_linear(src, ref, weight, (rows, n)), n) for rows, n, least in models if len(src) >= least]
    candidates = [(matrix, n) for matrix, n in fitted if matrix is not None]
    n = 2 * len(src)

    def cost(candidate: tuple[Array, int]) -> float:
        matrix, parameters = candidate
        squared = float((weight * ((project(matrix, src) - ref) ** 2).sum(axis=1)).sum())
        return n * math.log(max(squared, 1e-12) / n) + price * parameters

    return min(candidates, key=cost)[0] if candidates else None


def _similarity_rows(x: Array, y: Array, u: Array, v: Array) -> tuple[Array, Array]:
    o, e = np.zeros_like(x), np.ones_like(x)
    return np.stack([np.stack([x, -y, e, o], 1), np.stack([y, x, o, e], 1)]), np.stack([u, v])


def _affine_rows(x: Array, y: Array, u: Array, v: Array) -> tuple[Array, Array]:
    o, e = np.zeros_like(x), np.ones_like(x)
    return np.stack([np.stack([x, y, e, o, o, o], 1), np.stack([o, o, o, x, y, e], 1)]), np.stack([u, v])


def _homography_rows(x: Array, y: Array, u: Array, v: Array) -> tuple[Array, Array]:
    o, e = np.zeros_like(x), np.ones_like(x)
    upper = np.stack([x, y, e, o, o, o, -u * x, -u * y], 1)
    lower = np.stack([o, o, o, x, y, e, -v * x, -v * y], 1)
    return np.stack([upper, lower]), np.stack([u, v])


def _fit_linear(src: Array, ref: Array, weight: Array, model: tuple[Any, int]) -> Array | None:
    """Solve the normal equations of a linear model in centred, scaled coordinates; sums in a fixed order.

    None when they cannot be solved: stars in a row say nothing of what is beside it.
    """
    rows, parameters = model
    to_src, to_ref = _unit(src), _unit(ref)
    x, y = project(to_src, src).T
    u, v = project(to_ref, ref).T
    design, wanted = rows(x, y, u, v)
    design, wanted = design.reshape(-1, parameters), wanted.reshape(-1)
    weighted = np.tile(weight, 2)[:, None] * design
    normal = (weighted[:, :, None] * design[:, None, :]).sum(axis=0)
    if np.linalg.cond(normal) > MAX_CONDITION:
        return None
    solution = np.linalg.solve(normal, (weighted * wanted[:, None]).sum(axis=0))
    if parameters == 4:
        a, b, tx, ty = solution
        inner = np.array([[a, -b, tx], [b, a, ty], [0, 0, 1]])
    elif parameters == 6:
        inner = np.array([solution[:3], solution[3:], [0, 0, 1]])
    else:
        inner = np.append(solution, 1.0).reshape(3, 3)
    matrix = np.linalg.inv(to_ref) @ inner @ to_src
    normalised: Array = matrix / matrix[2, 2]
    return normalised


def _unit(xy: Array) -> Array:
    """Matrix that brings positions to mean 0 and size about 1."""
    cx, cy = xy.mean(axis=0)
    s = 1 / max(float(np.abs(xy - (cx, cy)).max()), 1.0)
    return np.array([[s, 0, -s * cx], [0, s, -s * cy], [0, 0, 1]])
