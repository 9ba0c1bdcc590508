"""Which of a few hundred places are near each other. A search tree would be as slow, and 12 MB of a library."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import OPTIONS


def pairs_within(xy: Array, reach: float) -> tuple[Array, Array]:
    """Pairs of (N, 2) places that are no farther apart: their numbers i and j, each pair once, by x."""
    order = np.argsort(xy[:, 0], kind="stable")
    i, j = _pairs_ahead(xy[order], reach)
    return order[i], order[j]


@njit(**OPTIONS)
def _pairs_ahead(xy: Array, reach: float) -> tuple[Array, Array]:
    """Pairs of places, ordered by x, with those that follow."""
    n, far = 0, reach * reach
    i, j = np.empty(len(xy) + 16, np.int64), np.empty(len(xy) + 16, np.int64)
    for k in range(len(xy)):
        m = k + 1
        while m < len(xy) and xy[m, 0] <= xy[k, 0] + reach:
            dx, dy = xy[m, 0] - xy[k, 0], xy[m, 1] - xy[k, 1]
            if dx * dx + dy * dy <= far:
                if n == len(i):
                    more_i, more_j = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
                    more_i[:n], more_j[:n] = i, j
                    i, j = more_i, more_j
                i[n], j[n] = k, m
                n += 1
            m += 1
    return i[:n], j[:n]


def mutual_pairs(xy: Array, others: Array, reach: float) -> Array:
    """Numbers (K, 2), by j, of (N, 2) places and (M, 2) others that are each other's nearest and no farther apart."""
    pairs: Array = _mutual(xy, others, np.argsort(others[:, 0], kind="stable"), reach)
    return pairs


@njit(**OPTIONS)
def _mutual(xy: Array, others: Array, order: Array, reach: float) -> Array:
    """`mutual_pairs`; order : of the others by x. Of what is as near the first counts."""
    n, m = len(xy), len(others)
    to, back = np.full(n, -1, np.int64), np.full(m, -1, np.int64)
    nearest = np.full(m, math.inf)
    for i in range(n):
        x, best = xy[i, 0], math.inf
        low, high = 0, m
        while low < high:
            middle = (low + high) // 2
            if others[order[middle], 0] < x - reach:
                low = middle + 1
            else:
                high = middle
        while low < m and others[order[low], 0] <= x + reach:
            j = order[low]
            away = math.hypot(x - others[j, 0], xy[i, 1] - others[j, 1])
            if away <= reach:
                if away < best or (away == best and j < to[i]):
                    best, to[i] = away, j
                if away < nearest[j]:
                    nearest[j], back[j] = away, i
            low += 1
    pairs, k = np.empty((m, 2), np.int64), 0
    for j in range(m):
        if back[j] >= 0 and to[back[j]] == j:
            pairs[k, 0], pairs[k, 1] = back[j], j
            k += 1
    return pairs[:k]
