"""The first look's kernels: hold a pixel's extremes aside, and re-admit them from the inside out.

A satellite in one of the first subs is the highest sample of its pixels; held aside it never touches the core, and what
is shown takes it back only when it agrees with the rest. The channels of a px stay together, in the order of luminance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.halves import LEAST_IN_CORE, Aside, Rule, from_half, half, hold_row
from livestack.reduce.kernels import Sensor, Sketch, blank_box, sketch_box, tile_width, warp_and_normalise
from livestack.reduce.outliers import Sums
from livestack.reduce.structure import expected_variance
from livestack.stack import N_ASIDE, N_LOW

Place = tuple[int, int]


@njit(**INNER)
def _light_of(v: Array) -> Any:
    """Luminance of the channels (C,) of a sample: ¼ red, ½ green, ¼ blue."""
    return v[0] if v.size == 1 else F(0.25) * v[0] + F(0.5) * v[1] + F(0.25) * v[2]


@njit(**INNER)
def _put(aside: Aside, k: int, at: Place, v: Array, owner: int) -> None:
    y, x = at
    for c in range(v.size):
        aside[0][k, c, y, x] = half(v[c] / aside[3])
    aside[1][k, y, x] = owner


@njit(**INNER)
def _move(aside: Aside, k: int, to: int, at: Place) -> None:
    y, x = at
    for c in range(aside[0].shape[1]):
        aside[0][to, c, y, x] = aside[0][k, c, y, x]
    aside[1][to, y, x] = aside[1][k, y, x]


@njit(**INNER)
def _take(aside: Aside, k: int, at: Place, v: Array) -> Any:
    """Take a held sample into v (C,); returns its owner."""
    y, x = at
    for c in range(v.size):
        v[c] = from_half(aside[0][k, c, y, x]) * aside[3]
    return aside[1][k, y, x]


@njit(**INNER)
def _light_at(aside: Aside, k: int, at: Place) -> Any:
    """Luminance of a held sample."""
    y, x = at
    if aside[0].shape[1] == 1:
        return from_half(aside[0][k, 0, y, x]) * aside[3]
    red, green, blue = aside[0][k, 0, y, x], aside[0][k, 1, y, x], aside[0][k, 2, y, x]
    light = F(0.25) * from_half(red) + F(0.5) * from_half(green) + F(0.25) * from_half(blue)
    return light * aside[3]


@njit(**OPTIONS)
def lowest_rows(aside: Aside, y0: int, out: Array, seen: Array) -> None:
    """Put the lowest of the held samples from row y0 on into out (C, rows, W), and whether there is one into seen."""
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            seen[0, y, x] = min(aside[2][y0 + y, x], 1)
            for c in range(out.shape[0]):
                out[c, y, x] = from_half(aside[0][0, c, y0 + y, x]) * aside[3]


@njit(**INNER)
def _hold_aside(aside: Aside, at: Place, v: Array, owner: int, pushed: Array) -> Any:
    """Insert a sample v (C,) into the extremes, ascending in luminance.

    Returns the owner of what goes into the core, which is left in `pushed` (C,), or −1: nothing does.
    """
    y, x = at
    n, light = int(aside[2][y, x]), _light_of(v)
    if n < N_ASIDE:
        q = n
        while q > 0 and _light_at(aside, q - 1, at) > light:
            _move(aside, q - 1, q, at)
            q -= 1
        _put(aside, q, at, v, owner)
        aside[2][y, x] = n + 1
        return -1
    if light > _light_at(aside, N_LOW, at):
        out, q = int(_take(aside, N_LOW, at, pushed)), N_LOW
        while q < N_ASIDE - 1 and _light_at(aside, q + 1, at) < light:
            _move(aside, q + 1, q, at)
            q += 1
        _put(aside, q, at, v, owner)
        return out
    if light < _light_at(aside, N_LOW - 1, at):
        out, q = int(_take(aside, N_LOW - 1, at, pushed)), N_LOW - 1
        while q > 0 and _light_at(aside, q - 1, at) > light:
            _move(aside, q - 1, q, at)
            q -= 1
        _put(aside, q, at, v, owner)
        return out
    for c in range(v.size):
        pushed[c] = v[c]
    return owner


@njit(**INNER)
def _agrees(v: Array, w: Any, at: Place, core: Sums, noise: Array, s: Any, limits: tuple[Any, Any], nu: Any) -> bool:
    """Whether all channels of a sample v (C,) of weight w lie within the limits about the mean of a px, in σ."""
    y, x = at
    n, total = int(core[3][0, y, x]), core[2][0, y, x]
    for c in range(v.size):
        d = v[c] - core[0][c, y, x]
        variance = expected_variance(noise[c] / w, s, n, core[1][c, y, x], w, total, nu)
        kappa = limits[1] if d > 0 else limits[0]
        if d * d > kappa * kappa * variance:
            return False
    return True


@njit(**INNER)
def _take_in(v: Array, w: Any, at: Place, core: Sums) -> None:
    """Add a sample v (C,) of weight w to the mean of a px."""
    y, x = at
    core[3][0, y, x] += 1
    total = core[2][0, y, x] + w
    core[2][0, y, x] = total
    for c in range(v.size):
        d = v[c] - core[0][c, y, x]
        g = d * (w / total)
        core[0][c, y, x] += g
        core[1][c, y, x] += w * d * (d - g)


@njit(**OPTIONS)
def hold_band(
    sensor: Sensor,
    pose: tuple[Array, int],
    sky: Array,
    scale: float,
    index: int,
    weights: Array,
    core: Sums,
    aside: Aside,
    noise: Array,
    structure: Array,
    rule: Rule,
    sketch: Sketch,
    y0: int,
    y1: int,
) -> None:
    """Fold one band of a sub into a first look; what is no longer an extreme is judged before it enters the core.

    Only what is too bright is kept out: where the core holds trails that most of its subs had, the sky lies below it.

    Parameters
    ----------
    index : which sub of the first look this is, 0-based.
    weights : (n,) weight by index.
    aside : half floats (N_ASIDE, C, H, W), owners (N_ASIDE, H, W), counts (H, W), and the unit of the half floats.
    noise, structure, rule : as in `readmit_band`; structure (0, 0) = nothing is judged.
    sketch : as in `sketch_box`.
    """
    channels, _, width = core[0].shape
    box = np.empty(4, np.int64)
    columns = tile_width(pose[0])
    sample = np.empty((channels, y1 - y0, columns), np.float32)
    for x0 in range(0, width, columns):
        box[0], box[1], box[2], box[3] = y0, y1, x0, min(x0 + columns, width)
        if not warp_and_normalise(sensor, pose, sky, scale, box, sample):
            blank_box(box, sketch)
            continue
        sketch_box(sample, box, sketch)
        for y in range(y0, y1):
            rows, cut = sample[:, y - y0, : box[3] - x0], (y, x0, box[3])
            n = _held_alike(aside[2][y, x0 : box[3]], rows)
            if n >= 0:
                hold_row(aside, cut, n, rows, index, weights, core, noise, structure, rule)
            else:
                _hold_px_by_px(aside, cut, rows, index, weights, core, noise, structure, rule)


@njit(**OPTIONS)
def hold_founder(sample: Array, box: Array, aside: Aside, sketch: Sketch) -> None:
    """Hold the samples (C, ≥ rows, ≥ columns) of a grid box of the first sub of all: each is the only one so far."""
    sketch_box(sample, box, sketch)
    channels = sample.shape[0]
    for y in range(box[0], box[1]):
        for x in range(box[2], box[3]):
            covered = True
            for c in range(channels):
                covered &= np.isfinite(sample[c, y - box[0], x - box[2]])
            if covered:
                for c in range(channels):
                    aside[0][0, c, y, x] = half(sample[c, y - box[0], x - box[2]] / aside[3])
                aside[1][0, y, x], aside[2][y, x] = 0, 1


@njit(**INNER)
def _held_alike(counts: Array, sample: Array) -> int:
    """How many samples each px of a row holds, where it is as many for all and the sub covers them all; else −1."""
    n, other, uncovered = counts[0], 0, 0
    for x in range(counts.size):
        other += counts[x] != n
    for c in range(sample.shape[0]):
        for x in range(counts.size):
            uncovered += not np.abs(sample[c, x]) <= F(3e38)
    return int(n) if other == 0 and uncovered == 0 else -1


@njit(**OPTIONS)
def _hold_px_by_px(
    aside: Aside,
    cut: tuple[int, int, int],
    sample: Array,
    index: int,
    weights: Array,
    core: Sums,
    noise: Array,
    structure: Array,
    rule: Rule,
) -> None:
    """`hold_row` for px that hold different numbers of samples, or that the sub does not cover."""
    y, x0, x1 = cut
    v, pushed = np.empty(sample.shape[0], np.float32), np.empty(sample.shape[0], np.float32)
    limits = F(np.inf), F(rule[1])
    for x in range(x0, x1):
        covered = True
        for c in range(v.size):
            v[c] = sample[c, x - x0]
            covered &= np.isfinite(v[c])
        owner = _hold_aside(aside, (y, x), v, index, pushed) if covered else -1
        if owner < 0:
            continue
        judges = structure.size > 0 and core[3][0, y, x] >= LEAST_IN_CORE
        s = structure[y >> 1, x >> 1] if judges else F(0)
        if not judges or _agrees(pushed, weights[owner], (y, x), core, noise, s, limits, F(rule[2])):
            _take_in(pushed, weights[owner], (y, x), core)
        else:
            core[4][0, y, x] += 1


@njit(**INNER)
def _copy_row(core: Sums, result: Sums, y: int) -> None:
    for c in range(core[0].shape[0]):
        _copy(core[0][c, y], result[0][c, y])
        _copy(core[1][c, y], result[1][c, y])
    _copy(core[2][0, y], result[2][0, y])
    _copy(core[3][0, y], result[3][0, y])
    _copy(core[4][0, y], result[4][0, y])


@njit(**INNER)
def _copy(source: Array, out: Array) -> None:
    for x in range(out.size):  # numba takes seconds to compile the copy of a slice
        out[x] = source[x]


@njit(**OPTIONS)
def readmit_band(
    core: Sums,
    aside: Aside,
    weights: Array,
    noise: Array,
    structure: Array,
    rule: Rule,
    result: Sums,
    y0: int,
    y1: int,
) -> None:
    """Make what a first look shows: its core with the extremes re-admitted while they agree, nearest first.

    Parameters
    ----------
    noise : (C,) variance of a sample of weight 1, ADU².
    structure : (H/2, W/2) local contrast, ADU.
    rule : kappa_low, kappa_high, nu, and two that are not used here.
    result : mean, m2 (C, H, W), weight, coverage, rejected (1, H, W) to write; it may be the core itself.
    """
    channels, _, width = core[0].shape
    v, limits = np.empty(channels, np.float32), (F(rule[0]), F(rule[1]))
    for y in range(y0, y1):
        _copy_row(core, result, y)
        for x in range(width):
            at, held, s = (y, x), int(aside[2][y, x]), structure[y >> 1, x >> 1]
            low, high = min(N_LOW, held) - 1, min(N_LOW, held)
            if result[3][0, y, x] == 0 and held > 0:
                # the lower median: what is wrong is mostly too bright
                k = (held - 1) // 2
                owner = _take(aside, k, at, v)
                _take_in(v, weights[owner], at, result)
                low, high = k - 1, k + 1
            while low >= 0 or high < held:
                mu = _light_of(result[0][:, y, x])
                take_low = high >= held or (
                    low >= 0 and mu - _light_at(aside, low, at) < _light_at(aside, high, at) - mu
                )
                k = low if take_low else high
                owner = _take(aside, k, at, v)
                if not _agrees(v, weights[owner], at, result, noise, s, limits, F(rule[2])):
                    # the rest of this side lies farther out
                    if take_low:
                        result[4][0, y, x] += low + 1
                        low = -1
                    else:
                        result[4][0, y, x] += held - high
                        high = held
                    continue
                _take_in(v, weights[owner], at, result)
                if take_low:
                    low -= 1
                else:
                    high += 1
