"""Which of a few hundred places are near each other. A search tree would be as slow, and 12 MB of a library."""

from __future__ import annotations

import numpy as np

from livestack.frame import Array


def pairs_within(xy: Array, reach: float) -> tuple[Array, Array]:
    """Pairs of (N, 2) places that are no farther apart: their numbers i and j, each pair once, by x."""
    order = np.argsort(xy[:, 0], kind="stable")
    ordered, place = xy[order], np.arange(len(xy))
    # those that follow within reach along x
    ahead = np.searchsorted(ordered[:, 0], ordered[:, 0] + reach, side="right") - place - 1
    i = np.repeat(place, ahead)
    j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(ahead) - ahead, ahead)
    near = ((ordered[i] - ordered[j]) ** 2).sum(axis=1) <= reach**2
    return order[i[near]], order[j[near]]


def mutual_pairs(xy: Array, others: Array, reach: float) -> Array:
    """Numbers (K, 2), by j, of (N, 2) places and (M, 2) others that are each other's nearest and no farther apart."""
    order = np.argsort(others[:, 0], kind="stable")
    ordered = others[order, 0]
    first = np.searchsorted(ordered, xy[:, 0] - reach, side="left")
    ahead = np.searchsorted(ordered, xy[:, 0] + reach, side="right") - first
    i = np.repeat(np.arange(len(xy)), ahead)
    j = order[first[i] + np.arange(len(i)) - np.repeat(np.cumsum(ahead) - ahead, ahead)]
    away = np.sqrt((xy[i, 0] - others[j, 0]) ** 2 + (xy[i, 1] - others[j, 1]) ** 2)
    near = away <= reach
    i, j, away = i[near], j[near], away[near]
    both = _is_first(i, np.lexsort((j, away, i))) & _is_first(j, np.lexsort((i, away, j)))
    pairs = np.stack([i[both], j[both]], axis=1)
    return pairs[np.argsort(pairs[:, 1], kind="stable")]


def _is_first(groups: Array, order: Array) -> Array:
    """Mark the first of each group in an order in which groups lie together."""
    first = np.zeros(len(groups), bool)
    first[order[np.diff(groups[order], prepend=-1) != 0]] = True
    return first
