"""Hot and cold px that a star outshines in most subs, told by what the stack does not show at their places."""

from __future__ import annotations

import math

import numpy as np

from livestack.frame import Array
from livestack.reduce.defects import BEYOND_SHARE, Spikes, beyond_two_stars, often, places_of
from livestack.reduce.starlight import off_in_stack

LIT_SHARE = 2 / 3
"""A defect in star light is off in so many of the subs."""
LEFT_SHARE = 0.5
"""So much of its height the stack does not show there: a star is in the stack, wherever the dither puts it."""
TOLD_SIGMA, MOST_SIGMA = 15.0, 5.0
"""By so many σ in all subs together, each of them counting so many at the most."""
MOVED_PX = 0.5
"""So far the dither carries the sky at the least: two stars that hardly move would make it in no third place."""
SHADOW = 0.9
"""What a defect makes of the px about it, which are told by it, is less than this share of its own height."""


def defects_in_star_light(
    found: list[Spikes], matrices: list[Array], mean: Array, scales: list[float], colours: Array
) -> Array:
    """Hot and cold px of a sensor that stand off in the light of stars, or alone where a star has left them.

    What a stack of the subs shows at a px' place in each of them is light, and is taken off first. Without dither it
    shows a defect, too: then none is told.

    Parameters
    ----------
    mean : ndarray of float32
        (C, H, W), of the stack.
    scales : list of float
        Transparency of each sub on the scale of the stack.
    colours : ndarray of int
        (2, 2) colours of a CFA, or (0, 0).

    Returns
    -------
    ndarray of int32
        y · width + x, ascending.
    """
    width = mean.shape[2]
    both = [_with_lit(each) for each in found]
    px, heights = often([(one, height) for one, height, _ in both])
    _, sigmas = often([(one, sigma) for one, _, sigma in both])
    seen = heights != 0
    height = np.abs(heights).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    told = (seen.sum(axis=0) >= LIT_SHARE * len(found)) & _is_highest(px, height, width)
    px, heights, sigmas, seen, height = px[told], heights[:, told], sigmas[:, told], seen[:, told], height[told]
    noise = heights / np.where(seen, sigmas, 1)
    off = np.empty_like(heights)
    for row, matrix in zip(off, matrices, strict=True):
        off_in_stack(mean, matrix, colours, px, width, row)
    off *= np.array(scales)[:, None]
    sign = np.sign(heights.sum(axis=0))
    left = np.where(seen & np.isfinite(off), (heights - off) * sign, 0.0)
    sigmas = np.clip(left / np.where(seen, noise * sign, 1), -MOST_SIGMA, MOST_SIGMA)
    told = (sigmas.sum(axis=0) >= TOLD_SIGMA) & (left.sum(axis=0) >= LEFT_SHARE * height * seen.sum(axis=0))
    places = places_of(px, matrices, width)
    least = max(math.ceil(BEYOND_SHARE * len(found)), 2)
    for k in np.flatnonzero(told):
        told[k] = beyond_two_stars(places[:, k].copy(), seen[:, k], MOVED_PX) >= least
    out: Array = px[told].astype(np.int32)
    return out


def _with_lit(sub: Spikes) -> tuple[Array, Array, Array]:
    """Px that stand off or alone in a sub, their heights, ADU, and how many σ these are."""
    if sub.lit is None:
        return sub.px, sub.height, sub.height / np.float32(sub.noise_adu)
    new = ~np.isin(sub.px, sub.lit.px, assume_unique=True)
    px = np.concatenate([sub.lit.px, sub.px[new]])
    height = np.concatenate([sub.lit.height, sub.height[new]])
    sigmas = np.concatenate([sub.lit.sigmas, sub.height[new] / np.float32(sub.noise_adu)])
    return px, height, sigmas


def _is_highest(px: Array, height: Array, width: int) -> Array:
    """Whether no other px within 2 px is so much higher that its light alone would make this one stand off."""
    y, x = np.divmod(px, width)
    out = np.ones(len(px), np.bool_)
    first = np.searchsorted(y, y - 2)
    last = np.searchsorted(y, y + 3)
    for k in range(len(px)):
        near = slice(first[k], last[k])
        beside = (np.abs(x[near] - x[k]) <= 2) & (height[near] * SHADOW > height[k])
        out[k] = not beside.any()
    return out
