"""Matrices between two lists of matched positions: similarity, affine, homography, by least squares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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


def fitter(src: Array, ref: Array, price: float = AKAIKE) -> Callable[[Array], Array | None]:
    """Weighted least-squares matrix: similarity for few stars, affine from 20, homography from 60 where it pays.

    Parameters
    ----------
    src, ref : (N, 2) float64
        Positions, px.
    price : float
        What a parameter must lower the cost by to be taken in.

    Returns
    -------
    callable
        Weights (N,) float64 → matrix: 1 / variance of the positions' distance on an axis; only ratios count. It is None
        when the stars lie so that no matrix follows: all in one place.
    """
    models = [(_similarity_rows, 4, 0), (_affine_rows, 6, AFFINE_FROM), (_homography_rows, 8, HOMOGRAPHY_FROM)]
    systems = [_system(src, ref, rows, n) for rows, n, least in models if len(src) >= least]
    n = 2 * len(src)

    def weighted(weight: Array) -> Array | None:
        weight = weight / weight.mean()
        fitted = [(_solved(system, weight), system.design.shape[1]) for system in systems]
        candidates = [(matrix, parameters) for matrix, parameters in fitted if matrix is not None]

        def cost(candidate: tuple[Array, int]) -> float:
            matrix, parameters = candidate
            squared = float((weight * ((project(matrix, src) - ref) ** 2).sum(axis=1)).sum())
            return n * math.log(max(squared, 1e-12) / n) + price * parameters

        return min(candidates, key=cost)[0] if candidates else None

    return weighted


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


@dataclass(frozen=True, slots=True)
class _System:
    """A linear model of positions, in centred and scaled coordinates, and the matrices to and from these."""

    design: Array
    wanted: Array
    to_src: Array
    from_ref: Array


def _system(src: Array, ref: Array, rows: Callable[..., tuple[Array, Array]], parameters: int) -> _System:
    to_src, to_ref = _unit(src), _unit(ref)
    x, y = project(to_src, src).T
    u, v = project(to_ref, ref).T
    design, wanted = rows(x, y, u, v)
    return _System(design.reshape(-1, parameters), wanted.reshape(-1, 1), to_src, np.linalg.inv(to_ref))


def _solved(system: _System, weight: Array) -> Array | None:
    """Solve the normal equations, sums in a fixed order.

    None when they cannot be solved: stars in a row say nothing of what is beside it.
    """
    design = system.design
    weighted = np.concatenate([weight, weight])[:, None] * design
    normal = weighted.T @ design  # so few that no library shares them among threads: the bits are the same each time
    spread = np.linalg.svd(normal, compute_uv=False)
    if spread[0] > MAX_CONDITION * spread[-1]:
        return None
    solution = np.linalg.solve(normal, weighted.T @ system.wanted[:, 0])
    parameters = design.shape[1]
    if parameters == 4:
        a, b, tx, ty = solution
        inner = np.array([[a, -b, tx], [b, a, ty], [0, 0, 1]])
    elif parameters == 6:
        inner = np.array([solution[:3], solution[3:], [0, 0, 1]])
    else:
        inner = np.append(solution, 1.0).reshape(3, 3)
    matrix = system.from_ref @ inner @ system.to_src
    normalised: Array = matrix / matrix[2, 2]
    return normalised


def _unit(xy: Array) -> Array:
    """Matrix that brings positions to mean 0 and size about 1."""
    cx, cy = xy.mean(axis=0)
    s = 1 / max(float(np.abs(xy - (cx, cy)).max()), 1.0)
    return np.array([[s, 0, -s * cx], [0, s, -s * cy], [0, 0, 1]])
