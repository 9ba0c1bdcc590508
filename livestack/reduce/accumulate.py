"""The innermost loop: a sub's samples, each judged, into the running sums (Welford 1962; West 1979)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.kernels import TILE, warp_and_normalise

STRONG_SIGMA = 5.0
"""A sample this far above is no noise: what touches it, in any channel, is part of it (cosmic ray, hot px)."""
WEAK_SIGMA = 0.5
"""A sample this far off is out when it touches what is part of something; noise alone is not taken with it."""
OUT, STRONG = 1, 2
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


@njit(**OPTIONS)
def expected_variance(noise: Any, structure: Any, n: int, m2: Any, weight: Any, total: Any, nu: Any) -> Any:
    """Variance of one sample about the mean: noise model shrunk towards what the pixel itself showed."""
    model = noise + structure * structure
    own = max(n - 1, 0)
    shrunk = (nu * model + m2 / weight) / (nu + own) if own > 0 else model
    return max(shrunk, noise) * (F(1) + weight / max(total, F(1e-6)))


@njit(**OPTIONS)
def _off(
    v: Any,
    at: tuple[int, int, int],
    weight: Any,
    template: tuple[Array, Array, Array, Array, Array],
    noise: Array,
    structure: Array,
    nu: Any,
) -> tuple[Any, Any]:
    """How far a sample at (channel, y, x) of the stack is from the mean, and the variance it should have."""
    c, y, x = at
    n = template[3][c, y, x]
    s = structure[y >> 1, x >> 1] if structure.shape[0] > 0 else F(0)
    by_itself = n > OWN_VARIANCE_FROM or nu == 0
    own, seen = (template[1][c, y, x], n) if by_itself else (F(0), 1)
    return v - template[0][c, y, x], expected_variance(noise[c], s, seen, own, weight, template[2][c, y, x], nu)


@njit(**OPTIONS)
def _flag(
    sample: Array,
    corner: tuple[int, int],
    weight: float,
    template: tuple[Array, Array, Array, Array, Array],
    noise: Array,
    structure: Array,
    rule: tuple[float, float, float, int, int],
    flags: Array,
) -> int:
    """Judge the samples of a tile: out or strong; or pull them to the limit. Returns how many were pulled."""
    mean, coverage, rejected = template[0], template[3], template[4]
    kappa_low, kappa_high, nu, least, clamp = F(rule[0]), F(rule[1]), F(rule[2]), rule[3], rule[4]
    least_kappa = min(kappa_low, kappa_high)
    w, n_pulled = F(weight), 0
    for c in range(flags.shape[0]):
        # a px' variance is never below the noise: most samples need no closer look
        surely_in = least_kappa * least_kappa * noise[c]
        for ty in range(flags.shape[1]):
            y = corner[0] + ty
            for tx in range(flags.shape[2]):
                x = corner[1] + tx
                v = sample[c, ty, tx]
                d = v - mean[c, y, x]
                n = coverage[c, y, x]
                if d * d <= surely_in or not np.isfinite(v) or n < least:
                    continue
                d, variance = _off(v, (c, y, x), w, template, noise, structure, nu)
                kappa = kappa_high if d > 0 else kappa_low
                if d * d <= kappa * kappa * variance or is_disputed(n, rejected[c, y, x]):
                    continue
                if clamp != 0:
                    sample[c, ty, tx] = mean[c, y, x] + np.sign(d) * kappa * np.sqrt(variance)
                    n_pulled += 1
                else:
                    strong = d > 0 and d * d > F(STRONG_SIGMA * STRONG_SIGMA) * variance
                    flags[c, ty, tx] = STRONG if strong else OUT
    return n_pulled


@njit(**OPTIONS)
def _highest(flags: Array, out: Array) -> None:
    """Highest flag of each px over the channels."""
    out[:] = flags[0]
    for c in range(1, flags.shape[0]):
        for y in range(out.shape[0]):
            for x in range(out.shape[1]):
                out[y, x] = max(out[y, x], flags[c, y, x])


@njit(**OPTIONS)
def _is_followed(highest: Array, y: int, x: int) -> bool:
    """Whether a hit is strong or has another one beside it: then it is part of something."""
    if highest[y, x] == STRONG:
        return True
    for yy in range(max(y - 1, 0), min(y + 2, highest.shape[0])):
        for xx in range(max(x - 1, 0), min(x + 2, highest.shape[1])):
            if highest[yy, xx] >= OUT and (yy != y or xx != x):
                return True
    return False


@njit(**OPTIONS)
def _stands_out(
    sample: Array,
    at: tuple[int, int],
    corner: tuple[int, int],
    weight: float,
    template: tuple[Array, Array, Array, Array, Array],
    noise: Array,
    structure: Array,
    nu: float,
) -> bool:
    """Whether a px of a tile is off by more than `WEAK_SIGMA` in any channel."""
    for c in range(sample.shape[0]):
        where = (c, corner[0] + at[0], corner[1] + at[1])
        d, variance = _off(sample[c, at[0], at[1]], where, F(weight), template, noise, structure, F(nu))
        if d * d > F(WEAK_SIGMA * WEAK_SIGMA) * variance:
            return True
    return False


@njit(**OPTIONS)
def _spread(
    sample: Array,
    corner: tuple[int, int],
    weight: float,
    template: tuple[Array, Array, Array, Array, Array],
    noise: Array,
    structure: Array,
    nu: float,
    out: Array,
    flags: Array,
) -> None:
    """Flag, in every channel, what the guide leaves out and what stands out beside a strong hit or two hits."""
    channels, h, w = flags.shape
    highest, reach = np.empty((h, w), np.uint8), np.zeros((h, w), np.bool_)
    _highest(flags, highest)
    for y in range(h):
        row = out[min((corner[0] + y) >> 1, out.shape[0] - 1)]
        for x in range(w):
            reach[y, x] |= row[min((corner[1] + x) >> 1, row.size - 1)]
            if highest[y, x] >= OUT and _is_followed(highest, y, x):
                for yy in range(max(y - 1, 0), min(y + 2, h)):
                    for xx in range(max(x - 1, 0), min(x + 2, w)):
                        if not reach[yy, xx]:
                            reach[yy, xx] = highest[yy, xx] >= OUT or _stands_out(
                                sample, (yy, xx), corner, weight, template, noise, structure, nu
                            )
    for c in range(channels):
        _mark(flags[c], reach)


@njit(**OPTIONS)
def _mark(flags: Array, reach: Array) -> None:
    for y in range(reach.shape[0]):
        for x in range(reach.shape[1]):
            if reach[y, x]:
                flags[y, x] = max(flags[y, x], OUT)


@njit(**OPTIONS)
def _add(
    sample: Array,
    corner: tuple[int, int],
    weight: float,
    flags: Array,
    accumulators: tuple[Array, Array, Array, Array, Array],
) -> tuple[int, int]:
    """Add the samples that are not flagged; returns (in, out)."""
    mean, m2, total, coverage, rejected = accumulators
    w = F(weight)
    n_in = n_out = 0
    for c in range(flags.shape[0]):
        for ty in range(flags.shape[1]):
            y = corner[0] + ty
            for tx in range(flags.shape[2]):
                v = sample[c, ty, tx]
                if not np.isfinite(v):
                    continue
                x = corner[1] + tx
                if flags[c, ty, tx] >= OUT:
                    rejected[c, y, x] += 1
                    n_out += 1
                    continue
                coverage[c, y, x] += 1
                new = total[c, y, x] + w
                total[c, y, x] = new
                d = v - mean[c, y, x]
                g = d * (w / new)
                mean[c, y, x] += g
                m2[c, y, x] += w * d * (d - g)
                n_in += 1
    return n_in, n_out


@njit(**OPTIONS)
def fold_band(
    light: tuple[Array, Array, Array, Array, Array, Array],
    sky: Array,
    scale: float,
    weight: float,
    accumulators: tuple[Array, Array, Array, Array, Array],
    template: tuple[Array, Array, Array, Array, Array],
    noise: Array,
    structure: Array,
    out: Array,
    rule: tuple[float, float, float, int, int],
    y0: int,
    y1: int,
) -> tuple[int, int]:
    """Fold one band of a sub into the accumulators, each sample judged against the template. Returns (in, out).

    Parameters
    ----------
    accumulators, template : mean, m2, weight, coverage, rejected; they may be the same arrays.
    noise : (C,) variance of one sample of this sub, ADU².
    structure : (H/2, W/2) local contrast of the template, ADU, or (0, 0).
    out : (H/2, W/2) px of the guide that are not sky, or (0, 0).
    rule : kappa_low, kappa_high, nu, least number of samples to judge by (0 = do not judge), clamp instead of reject.
    """
    channels, _, width = accumulators[0].shape
    n_in = n_out = 0
    box = np.empty(4, np.int64)
    for x0 in range(0, width, TILE):
        box[0], box[1], box[2], box[3] = y0, y1, x0, min(x0 + TILE, width)
        sample = np.empty((channels, y1 - y0, box[3] - x0), np.float32)
        if not warp_and_normalise(light, sky, scale, box, sample):
            continue
        flags = np.zeros(sample.shape, np.uint8)
        corner = (y0, x0)
        if rule[3] > 0:
            n_out += _flag(sample, corner, weight, template, noise, structure, rule, flags)
        if out.shape[0] > 0:
            _spread(sample, corner, weight, template, noise, structure, rule[2], out, flags)
        added = _add(sample, corner, weight, flags, accumulators)
        n_in += added[0]
        n_out += added[1]
    return n_in, n_out
