"""A similarity between two star lists by vote of their triangles: no random draw, and quick to find that none fits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.spatial import KDTree

from livestack.frame import Array

NEIGHBOURS = 6
"""Triangles are made of a star and its nearest, itself included."""
SHAPE_TOLERANCE = 0.02
"""How far the side ratios of two triangles may be apart."""
CORNER_TOLERANCE_PX = 3.0
VOTE_TOLERANCE_PX = 12.0
"""How far apart two triangles may place the middle and the edge of the frame to agree."""
LEAST_VOTES = 3


def vote(src: Array, ref: Array, max_scale_error: float) -> Array | None:
    """Return the (3, 3) similarity that most triangles agree on, or None.

    Parameters
    ----------
    src, ref : (N, 2) float64
        Positions, px.
    max_scale_error : float
        Pairs of triangles whose sizes differ by more are no pairs.
    """
    pairs = _alike(src, ref)
    if pairs is None:
        return None
    z, w = pairs
    z_middle, w_middle = z.mean(axis=1), w.mean(axis=1)
    z, w = z - z_middle[:, None], w - w_middle[:, None]
    size = (abs(z) ** 2).sum(axis=1)
    turn = (z.conj() * w).sum(axis=1) / size
    corner = abs(turn[:, None] * z - w).max(axis=1)
    kept = (abs(abs(turn) - 1) <= max_scale_error) & (corner <= CORNER_TOLERANCE_PX)
    if kept.sum() < LEAST_VOTES:
        return None
    low, high = src.min(axis=0), src.max(axis=0)
    middle, half = complex(*(low + high) / 2), float(np.hypot(*(high - low))) / 2
    turn, size = turn[kept], size[kept]
    place = turn * (middle - z_middle[kept]) + w_middle[kept]
    stand = np.stack([place.real, place.imag, half * turn.real, half * turn.imag], axis=1)
    agree = KDTree(stand).query_ball_point(stand, VOTE_TOLERANCE_PX)
    best = max(agree, key=len)
    if len(best) < LEAST_VOTES:
        return None
    # a large triangle tells the rotation better
    a = complex(np.average(turn[best], weights=size[best]))
    t = complex(np.average(place[best], weights=size[best])) - a * middle
    return np.array([[a.real, -a.imag, t.real], [a.imag, a.real, t.imag], [0, 0, 1.0]])


def _alike(src: Array, ref: Array) -> tuple[Array, Array] | None:
    """Corners (M, 3) complex of the triangles of both lists that have one shape, in the same order."""
    (src_corners, src_shape), (ref_corners, ref_shape) = _triangles(src), _triangles(ref)
    if not len(src_shape) or not len(ref_shape):
        return None
    found = KDTree(ref_shape).query_ball_point(src_shape, SHAPE_TOLERANCE, return_sorted=True)
    i = np.repeat(np.arange(len(found)), [len(near) for near in found])
    if not len(i):
        return None
    j = np.concatenate([np.asarray(near, np.int64) for near in found])
    return src_corners[i], ref_corners[j]


def _triangles(xy: Array) -> tuple[Array, Array]:
    """Triangles of near stars: corners (T, 3) complex, opposite the shortest side first, and (T, 2) side ratios."""
    if len(xy) < 3:
        return np.zeros((0, 3), complex), np.zeros((0, 2))
    k = min(NEIGHBOURS, len(xy))
    near = KDTree(xy).query(xy, k)[1]
    chosen = np.array(list(combinations(range(k), 3)))
    stars = np.unique(np.sort(near[:, chosen].reshape(-1, 3), axis=1), axis=0)
    corners = xy[stars, 0] + 1j * xy[stars, 1]
    sides = abs(np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1))
    order = np.argsort(sides, axis=1, kind="stable")
    corners, sides = np.take_along_axis(corners, order, axis=1), np.take_along_axis(sides, order, axis=1)
    real = sides[:, 0] > 0
    return corners[real], sides[real, :2] / sides[real, 2:]
