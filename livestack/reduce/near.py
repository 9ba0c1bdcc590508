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


def nearest_both_ways(xy: Array, others: Array) -> tuple[Array, Array, Array]:
    """Distance of each of (N, 2) places to the nearest of (M, 2) others, which that is, and which is nearest to those.

    Nothing is near where one of the lists is empty.
    """
    if not len(xy) or not len(others):
        return np.full(len(xy), np.inf), np.zeros(len(xy), np.int64), np.zeros(len(others), np.int64)
    squared = (xy[:, :1] - others[:, 0]) ** 2 + (xy[:, 1:] - others[:, 1]) ** 2
    there = squared.argmin(axis=1)
    return np.sqrt(squared[np.arange(len(xy)), there]), there, squared.argmin(axis=0)
