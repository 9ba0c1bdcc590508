"""Px of a residual that belong together and stand out together. Most subs have few: lists of px, not pictures."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import zero_plane
from livestack.reduce.bands import each_band
from livestack.reduce.boxes import box_mean
from livestack.reduce.compile import INNER, LEAF, OPTIONS, F
from livestack.reduce.residual import robust_sigma, sparse_step

SEED, GROW = 5.0, 2.0
STEPS = 6
CLIP = 4.0
"""A lone bright px cannot make a patch of itself."""
EXTENDED_PX = 7
"""So many masked px in 5 × 5 are more than a speck."""
ABOUT, MOST_ABOUT = 17, 0.6
"""A star goes where more than this share of the sky in a box of so many guide px about it does."""
HALO = 8
"""So far from a star, guide px, what is masked is not its halo."""
LEAST_WIDE = 0.01
"""What hides whole stars is at least this share of the picture."""


@njit(**INNER)
def _blurred(z: Array, y: int, x: int) -> Any:
    """3 × 3 mean of the clipped residual at a px."""
    h, w = z.shape
    total = F(0)
    for yy in range(y - 1, y + 2):
        for xx in range(x - 1, x + 2):
            v = z[min(max(yy, 0), h - 1), min(max(xx, 0), w - 1)]
            total += min(max(v, F(-CLIP)), F(CLIP))
    return total / F(9)


@njit(**LEAF)
def _clip_row(row: Array, out: Array) -> None:
    """Clip a row, and go on at both ends with the px that is there."""
    w = row.size
    for x in range(w):
        v = row[x] if row[x] < F(CLIP) else F(CLIP)
        out[x + 1] = v if v > F(-CLIP) else F(-CLIP)
    out[0], out[w + 1] = out[1], out[w]


@njit(**LEAF)
def _blur_row(rows: Array, out: Array) -> None:
    """Means of 3 × 3 px of three clipped rows, summed in the order of `_blurred`."""
    above, here, below = rows[0], rows[1], rows[2]
    for x in range(out.size):
        total = above[x] + above[x + 1] + above[x + 2]
        total = total + here[x] + here[x + 1] + here[x + 2]
        out[x] = (total + below[x] + below[x + 1] + below[x + 2]) / F(9)


@njit(**OPTIONS)
def _sampled(z: Array, ok: Array, step: int) -> Array:
    """`_blurred` of every step-th px both ways, where ok; flat."""
    h, w = z.shape
    out, n = np.empty(((h + step - 1) // step) * ((w + step - 1) // step), np.float32), 0
    rows, blurred = np.empty((3, w + 2), np.float32), np.empty(w, np.float32)
    for y in range(step // 2, h, step):
        for k in range(3):
            _clip_row(z[min(max(y - 1 + k, 0), h - 1)], rows[k])
        _blur_row(rows, blurred)
        for x in range(step // 2, w, step):
            if ok[y, x]:
                out[n] = blurred[x]
                n += 1
    return out[:n]


@njit(**OPTIONS)
def _mark_above(z: Array, least: float, out: Array, y0: int, y1: int) -> None:
    """Mark px of rows y0…y1 whose `_blurred` is above a limit."""
    h, w = z.shape
    clipped, sums = np.empty(w + 2, np.float32), np.empty((3, w), np.float32)
    limit = F(9 * least)
    for y in range(y0 - 1, y1 + 1):
        along = sums[(y + 1) % 3]
        _clip_row(z[min(max(y, 0), h - 1)], clipped)
        for x in range(w):
            along[x] = clipped[x] + clipped[x + 1] + clipped[x + 2]
        if y <= y0:
            continue
        n = 0
        for x in range(w):
            n += 1 if sums[0, x] + sums[1, x] + sums[2, x] > limit else 0
        if n > 0:
            for x in range(w):
                if sums[0, x] + sums[1, x] + sums[2, x] > limit:
                    out[y - 1, x] = True


@njit(**OPTIONS)
def _grow(mask: Array, seeds: Array, z: Array, least: float, steps: int) -> Array:
    """Take weaker neighbours into a mask, step by step: all its px, flat places.

    seeds: flat places of what is masked; least: of what is blurred.
    """
    h, w = mask.shape
    places, n, first = np.empty(max(2 * seeds.size, 1024), np.int64), seeds.size, 0
    places[:n] = seeds
    for _ in range(steps):
        last = n
        for k in range(first, last):
            y, x = places[k] // w, places[k] % w
            for yy in range(max(y - 1, 0), min(y + 2, h)):
                for xx in range(max(x - 1, 0), min(x + 2, w)):
                    if mask[yy, xx] or not (z[yy, xx] > F(GROW + 1) or _blurred(z, yy, xx) > least):
                        continue
                    mask[yy, xx] = True
                    if n == places.size:
                        wider = np.empty(2 * n, np.int64)
                        wider[:n] = places
                        places = wider
                    places[n] = yy * w + xx
                    n += 1
        first = last
    return places[:n]


@njit(**OPTIONS)
def _extended(mask: Array, places: Array) -> Array:
    """Those of the flat places of a mask that have many masked px about them."""
    h, w = mask.shape
    kept = np.empty(places.size, np.bool_)
    for k in range(places.size):
        y, x = places[k] // w, places[k] % w
        n = 0
        for yy in range(max(y - 2, 0), min(y + 3, h)):
            for xx in range(max(x - 2, 0), min(x + 3, w)):
                n += mask[yy, xx]
        kept[k] = n >= EXTENDED_PX
    return places[kept]


@njit(**OPTIONS)
def _mark_about(mask: Array, places: Array, reach: int) -> None:
    """Mark the px within reach of flat places."""
    w = mask.shape[1]
    for k in range(places.size):
        y, x = places[k] // w, places[k] % w
        mask[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True


def find_patches(z: Array, ok: Array, threads: Executor | None) -> Array:
    """Return what stands out together, (h, w) bool: seeds, grown over weaker neighbours, then one px more.

    Parameters
    ----------
    z : (h, w) float32
        Residual of unit noise.
    ok : (h, w) bool
        Px that tell the noise.
    """
    mask: Array = zero_plane(z.shape, np.bool_)
    middle, sigma = robust_sigma(_sampled(z, ok, sparse_step(z.shape)))
    if sigma <= 0:
        return mask
    each_band(len(z), threads, lambda y0, y1: _mark_above(z, middle + SEED * sigma, mask, y0, y1))
    seeds = np.flatnonzero(mask)
    places = _grow(mask, seeds, z, middle + GROW * sigma, STEPS)
    # a speck (cosmic ray, hot px) is seen to its edge at full resolution; only what is larger has faint flanks
    _mark_about(mask, _extended(mask, places), 1)
    return mask


@njit(**INNER)
def _is_near(z: Array, y: int, x: int, reach: int, low: float, high: float) -> bool:
    """Whether a px within reach of another lies outside the limits."""
    for yy in range(max(y - reach, 0), min(y + reach + 1, z.shape[0])):
        for xx in range(max(x - reach, 0), min(x + reach + 1, z.shape[1])):
            if z[yy, xx] > high or z[yy, xx] < low:
                return True
    return False


@njit(**OPTIONS)
def count_unexplained(z: Array, places: Array, reach: int, low: float, high: float) -> int:
    """How many of the flat places have no px outside the limits within reach."""
    n = 0
    for k in range(places.size):
        n += not _is_near(z, places[k] // z.shape[1], places[k] % z.shape[1], reach, low, high)
    return n


@njit(**OPTIONS)
def _keep_away(places: Array, ok: Array, reach: int) -> Array:
    """Those of the flat places that have only what is ok within reach."""
    w = ok.shape[1]
    kept = np.empty(places.size, np.bool_)
    for k in range(places.size):
        y, x = places[k] // w, places[k] % w
        kept[k] = ok[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1].all()
    return places[kept]


@njit(**OPTIONS)
def _spread_within(mask: Array, places: Array, n: int, allowed: Array, steps: int) -> None:
    """Take px of `allowed` within so many steps into a mask. places: flat, of its n px, with room for all."""
    h, w = mask.shape
    first = 0
    for _ in range(steps):
        last = n
        for k in range(first, last):
            y, x = places[k] // w, places[k] % w
            for yy in range(max(y - 1, 0), min(y + 2, h)):
                for xx in range(max(x - 1, 0), min(x + 2, w)):
                    if allowed[yy, xx] and not mask[yy, xx]:
                        mask[yy, xx] = True
                        places[n] = yy * w + xx
                        n += 1
        first = last


def hidden_stars(mask: Array, ok: Array) -> Array:
    """Px of stars (not ok) inside something wide that is masked: their contrast hides what lies on them too.

    A star's own halo, masked for its seeing, is nothing wide: what counts reaches away from all stars.

    Returns
    -------
    ndarray of int64
        Flat places.
    """
    masked = np.flatnonzero(mask)
    if masked.size < LEAST_WIDE * mask.size:
        return masked[:0]
    away = np.zeros_like(mask)
    places = _keep_away(masked, ok, HALO)
    away.ravel()[places] = True
    places = _extended(away, places)
    wide, room = np.zeros_like(mask), np.empty_like(masked)
    wide.ravel()[places], room[: places.size] = True, places
    _spread_within(wide, room, places.size, mask, 3 * HALO)
    share = np.empty(mask.shape, np.float32)
    box_mean((wide & ok).astype(np.float32), ok.astype(np.float32), ABOUT // 2, share)
    return np.flatnonzero(~ok & (share > MOST_ABOUT))
