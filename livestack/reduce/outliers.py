"""Which samples of a tile are no sky: each px against what it should show, and what touches one that is none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import LEAF, OPTIONS, F
from livestack.reduce.flags import OUT, STRONG, far_off, far_off_in_any, has_any, is_any
from livestack.reduce.structure import Structure, expected_variance, structure_at

Sums = tuple[Array, Array, Array, Array, Array]
"""Mean, m2, weight, coverage and rejected."""

STRONG_SIGMA = 5.0
"""A sample this far above is no noise: what touches it, in any channel, is part of it (cosmic ray, hot px)."""
WEAK_SIGMA = 0.5
"""A sample this far off is out when it touches what is part of something; noise alone is not taken with it."""
MOST_OUTVOTED = 6
"""So many samples may be judged out in a row before the first that is taken in: trails may coincide in some subs."""
OWN_VARIANCE_FROM = 10
"""A px' own variance counts from the next sample on."""


@njit(**OPTIONS)
def is_disputed(coverage: Any, rejected: Any) -> Any:
    """Whether a px (or each of an array) judged out so many more samples than it took in that the stack is wrong.

    It then takes in every third sample until it agrees with them: nothing is frozen out for the night.
    """
    return rejected > 2 * coverage + MOST_OUTVOTED


@njit(**LEAF)
def _off(
    v: Any, at: tuple[int, int, int], weight: Any, template: Sums, noise: Array, structure: Structure, nu: Any
) -> tuple[Any, Any]:
    """How far a sample at (channel, y, x) of the stack is from the mean, and the variance it should have."""
    c, y, x = at
    n = template[3][0, y, x]
    s = structure_at(structure, y >> 1, x >> 1)
    by_itself = n > OWN_VARIANCE_FROM or nu == 0
    own, seen = (template[1][c, y, x], n) if by_itself else (F(0), 1)
    return v - template[0][c, y, x], expected_variance(noise[c], s, seen, own, weight, template[2][0, y, x], nu)


@njit(**LEAF)
def _judge_px(
    sample: Array,
    at: tuple[int, int],
    place: tuple[int, int],
    weight: Any,
    template: Sums,
    noise: Array,
    structure: Structure,
    rule: tuple[float, float, float, int, int],
) -> tuple[int, int]:
    """Judge the samples of a px at `at` of the tile, or pull them to the limit: (flag of the px, how many were pulled).

    One judgement for all channels: what is no sky in one of them is none in the others.
    """
    y, x = place
    n, n_pulled, flag = template[3][0, y, x], 0, 0
    if n < rule[3] or is_disputed(n, template[4][0, y, x]):
        return 0, 0
    for c in range(sample.shape[0]):
        if not np.abs(sample[c, at[0], at[1]]) <= F(3e38):
            continue
        d, variance = _off(sample[c, at[0], at[1]], (c, y, x), weight, template, noise, structure, F(rule[2]))
        kappa = F(rule[1]) if d > 0 else F(rule[0])
        if not d * d > kappa * kappa * variance:
            continue
        if rule[4] != 0:
            sample[c, at[0], at[1]] = template[0][c, y, x] + np.sign(d) * kappa * np.sqrt(variance)
            n_pulled += 1
        else:
            strong = d > 0 and d * d > F(STRONG_SIGMA * STRONG_SIGMA) * variance
            flag = max(flag, STRONG if strong else OUT)
    return flag, n_pulled


@njit(**LEAF)
def flag(
    sample: Array,
    box: Array,
    weight: Any,
    template: Sums,
    noise: Array,
    structure: Structure,
    rule: tuple[float, float, float, int, int],
    flags: Array,
    far: Array,
    plain: Array,
) -> tuple[int, int]:
    """Judge the samples of a tile. Returns how many px are flagged, and how many samples were pulled to the limit.

    far : (columns,) uint8 to work with, whole words of eight.
    plain : (rows,) bool, becomes whether all samples of a row are there and near what they should show.
    """
    least_kappa, x0, x1 = min(F(rule[0]), F(rule[1])), box[2], box[3]
    w, mean, limit = x1 - x0, template[0], least_kappa * least_kappa
    words = far.view(np.uint64)
    n_flagged = n_pulled = 0
    for ty in range(box[1] - box[0]):
        y = box[0] + ty
        # a px' variance is never below the noise: most samples need no closer look
        if sample.shape[0] == 3:
            rows = sample[0, ty, :w], sample[1, ty, :w], sample[2, ty, :w]
            means = mean[0, y, x0:x1], mean[1, y, x0:x1], mean[2, y, x0:x1]
            far_off_in_any(rows, means, (limit * noise[0], limit * noise[1], limit * noise[2]), far)
        else:
            far_off(sample[0, ty, :w], mean[0, y, x0:x1], limit * noise[0], far)
        plain[ty] = not is_any(words)
        if plain[ty]:
            continue
        for k in range(words.size):
            if words[k] == 0:
                continue
            for tx in range(8 * k, min(8 * k + 8, w)):
                if far[tx]:
                    flag, pulled = _judge_px(sample, (ty, tx), (y, x0 + tx), weight, template, noise, structure, rule)
                    flags[ty, tx] = flag
                    n_flagged += flag > 0
                    n_pulled += pulled
    return n_flagged, n_pulled


@njit(**LEAF)
def _is_followed(flags: Array, y: int, x: int, h: int, w: int) -> bool:
    """Whether a hit is strong or has another one beside it in a tile of h × w px: then it is part of something."""
    if flags[y, x] == STRONG:
        return True
    for yy in range(max(y - 1, 0), min(y + 2, h)):
        for xx in range(max(x - 1, 0), min(x + 2, w)):
            if flags[yy, xx] >= OUT and (yy != y or xx != x):
                return True
    return False


@njit(**LEAF)
def _stands_out(
    sample: Array,
    at: tuple[int, int],
    place: tuple[int, int],
    weight: Any,
    template: Sums,
    noise: Array,
    structure: Structure,
    nu: Any,
) -> bool:
    """Whether a px of a tile is off by more than `WEAK_SIGMA` in any channel."""
    for c in range(sample.shape[0]):
        where = (c, place[0], place[1])
        d, variance = _off(sample[c, at[0], at[1]], where, weight, template, noise, structure, nu)
        if d * d > F(WEAK_SIGMA * WEAK_SIGMA) * variance:
            return True
    return False


@njit(**LEAF)
def _spread_from(
    at: tuple[int, int],
    sample: Array,
    box: Array,
    weight: Any,
    template: Sums,
    noise: Array,
    structure: Structure,
    nu: Any,
    flags: Array,
) -> None:
    """Flag what stands out beside a hit of a tile."""
    y, x = at
    h, w = box[1] - box[0], box[3] - box[2]
    for yy in range(max(y - 1, 0), min(y + 2, h)):
        for xx in range(max(x - 1, 0), min(x + 2, w)):
            place = box[0] + yy, box[2] + xx
            if flags[yy, xx] == 0 and _stands_out(sample, (yy, xx), place, weight, template, noise, structure, nu):
                flags[yy, xx] = OUT


@njit(**LEAF)
def spread(
    sample: Array,
    box: Array,
    weight: Any,
    template: Sums,
    noise: Array,
    structure: Structure,
    nu: Any,
    flags: Array,
    hits: Array,
) -> None:
    """Flag what stands out beside a strong hit or two hits; hits : as large as flags, to work with."""
    h, w = box[1] - box[0], box[3] - box[2]
    words = hits.view(np.uint64)
    for y in range(h):
        for x in range(flags.shape[1]):
            hits[y, x] = flags[y, x]
    for y in range(h):
        if not is_any(words[y]):
            continue
        for k in range(words.shape[1]):
            if words[y, k] == 0:
                continue
            for x in range(8 * k, min(8 * k + 8, w)):
                if hits[y, x] != 0 and _is_followed(hits, y, x, h, w):
                    _spread_from((y, x), sample, box, weight, template, noise, structure, nu, flags)


@njit(**LEAF)
def leave_out(out: Array, box: Array, flags: Array) -> int:
    """Flag what the guide leaves out (h, w); returns how many px that are."""
    h, w = out.shape
    first, last = min(box[2] >> 1, w - 1), min((box[3] + 1) >> 1, w)
    n = 0
    for ty in range(box[1] - box[0]):
        row = out[min((box[0] + ty) >> 1, h - 1)]
        if not has_any(row[first:last]):
            continue
        for k in range(first, last):
            if not row[k]:
                continue
            # a column more than twice those of the guide goes with its last one
            end = box[3] if k == w - 1 else min(2 * k + 2, box[3])
            for x in range(max(2 * k, box[2]), end):
                flags[ty, x - box[2]] = max(flags[ty, x - box[2]], OUT)
                n += 1
    return n
