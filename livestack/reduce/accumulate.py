"""The innermost loop: a sub's samples, each judged, into the running sums (Welford 1962; West 1979)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import LEAF, OPTIONS, F
from livestack.reduce.flags import (
    UNCOVERED,
    count_out,
    count_uncovered,
    count_uncovered_in_any,
    flag_uncovered,
    is_any,
    take_mean,
)
from livestack.reduce.kernels import Sensor, blank_box, sketch_box, tile_width, warp_and_normalise
from livestack.reduce.outliers import Sums, flag, leave_out, spread
from livestack.reduce.shrink import preview_row
from livestack.reduce.structure import Structure

Views = tuple[Array, Array, int]
"""A preview of the sub as in `sketch_box`, one of the sums with the sub in them, grid px per px of both."""


@njit(**LEAF)
def _shares_of_all(weight: Any, total: Array, coverage: Array, share: Array) -> None:
    """Share of the new total weight that each px of a row adds."""
    for x in range(total.size):
        new = total[x] + weight
        total[x], share[x] = new, weight / new
    for x in range(coverage.size):
        coverage[x] += np.uint16(1)


@njit(**LEAF)
def _shares(flags: Array, weight: Any, total: Array, coverage: Array, added: Array, share: Array) -> None:
    """`_shares_of_all` of a row where flagged px add nothing, and what the px add."""
    for x in range(total.size):
        added[x] = F(0) if flags[x] > 0 else weight
        new = total[x] + added[x]
        total[x] = new
        share[x] = added[x] / max(new, F(1e-30))
        coverage[x] += np.uint16(flags[x] == 0)


@njit(**LEAF)
def _welford_of_all(sample: Array, weight: Any, share: Array, mean: Array, m2: Array) -> None:
    for x in range(mean.size):
        d = sample[x] - mean[x]
        g = d * share[x]
        mean[x] += g
        m2[x] += weight * d * (d - g)


@njit(**LEAF)
def _welford(sample: Array, added: Array, share: Array, mean: Array, m2: Array) -> None:
    for x in range(mean.size):
        d = sample[x] - mean[x]
        g = d * share[x]
        mean[x] += g
        m2[x] += added[x] * d * (d - g)


@njit(**LEAF)
def _pass_over(sample: Array, ty: int, at: tuple[int, int, int], mean: Array, flags: Array) -> int:
    """Put the mean where a row of a tile is not covered, and flag it; returns how many px that are."""
    y, x0, x1 = at
    n = 0
    if sample.shape[0] == 3:
        n = count_uncovered_in_any(sample[0, ty, : x1 - x0], sample[1, ty, : x1 - x0], sample[2, ty, : x1 - x0])
    else:
        n = count_uncovered(sample[0, ty, : x1 - x0])
    if n == 0:
        return 0
    row = flags[ty, : x1 - x0]
    for c in range(sample.shape[0]):
        flag_uncovered(sample[c, ty, : x1 - x0], row)
    for c in range(sample.shape[0]):
        take_mean(sample[c, ty, : x1 - x0], mean[c, y, x0:x1], row)
    n = 0
    for x in range(row.size):
        n += row[x] == UNCOVERED
    return n


@njit(**LEAF)
def _preview(sums: Sums, box: Array, y: int, views: Views, work: Array) -> None:
    """Put what ends with row y of a box, which begins where px of the preview do, into that: it is in the cache."""
    _, out, step = views
    if out.shape[0] > 0 and (y + 1) % step == 0 and y // step < out.shape[0]:
        place = (y // step, box[2] // step, min(box[3] // step, out.shape[1]))
        preview_row(sums[0], sums[3], step, place, work, out)


@njit(**LEAF)
def _add(
    sample: Array,
    box: Array,
    top: int,
    weight: Any,
    flags: Array,
    plain: Array,
    accumulators: Sums,
    views: Views,
    work: Array,
) -> tuple[int, int]:
    """Add the px that are not flagged to accumulators whose first row is row `top` of the grid; returns (in, out).

    plain : (rows,) bool, whether all samples of a row are known to be there.
    work : (2 + C, columns) float32 to work with.
    """
    mean, m2, total, coverage, rejected = accumulators
    x0, x1 = box[2], box[3]
    w = x1 - x0
    added, share = work[0, :w], work[1, :w]
    words = flags.view(np.uint64)
    n_in = n_out = 0
    for ty in range(box[1] - box[0]):
        y = box[0] + ty - top
        n_covered = w if plain[ty] else w - _pass_over(sample, ty, (y, x0, x1), mean, flags)
        left_out = 0
        if n_covered == w and not is_any(words[ty]):
            _shares_of_all(weight, total[0, y, x0:x1], coverage[0, y, x0:x1], share)
            for c in range(sample.shape[0]):
                _welford_of_all(sample[c, ty, :w], weight, share, mean[c, y, x0:x1], m2[c, y, x0:x1])
        else:
            _shares(flags[ty, :w], weight, total[0, y, x0:x1], coverage[0, y, x0:x1], added, share)
            left_out = count_out(flags[ty, :w], rejected[0, y, x0:x1])
            for c in range(sample.shape[0]):
                _welford(sample[c, ty, :w], added, share, mean[c, y, x0:x1], m2[c, y, x0:x1])
        _preview(accumulators, box, y, views, work)
        n_in += n_covered - left_out
        n_out += left_out
    return n_in, n_out


@njit(**OPTIONS)
def fold_band(
    sensor: Sensor,
    pose: tuple[Array, int],
    sky: Array,
    scale: float,
    weight: float,
    accumulators: Sums,
    template: Sums,
    noise: Array,
    structure: Structure,
    out: Array,
    rule: tuple[float, float, float, int, int],
    views: Views,
    top: int,
    y0: int,
    y1: int,
) -> tuple[int, int]:
    """Fold one band of a sub into the accumulators, each px judged against the template. Returns px (in, out).

    Parameters
    ----------
    accumulators, template : mean, m2 (C, H, W), weight, coverage, rejected (1, H, W); they may be the same arrays.
    top : the row of the grid that the accumulators begin with; where they are all of it, 0.
    noise : (C,) variance of one sample of this sub, ADU².
    out : (H/2, W/2) px of the guide that are not sky, or (0, 0).
    rule : kappa_low, kappa_high, nu, least number of samples to judge by (0 = do not judge), clamp instead of reject.
    """
    channels, _, width = accumulators[0].shape
    n_in = n_out = 0
    box = np.empty(4, np.int64)
    columns = tile_width(pose[0])
    sample = np.empty((channels, y1 - y0, columns), np.float32)
    flags, hits = np.empty((y1 - y0, columns), np.uint8), np.empty((y1 - y0, columns), np.uint8)
    far, work = np.zeros(columns, np.uint8), np.empty((2 + channels, columns), np.float32)
    plain = np.zeros(y1 - y0, np.bool_)
    w = F(weight)
    for x0 in range(0, width, columns):
        box[0], box[1], box[2], box[3] = y0, y1, x0, min(x0 + columns, width)
        if not warp_and_normalise(sensor, pose, sky, scale, box, sample):
            blank_box(box, (views[0], views[2]))
            for y in range(y0, y1):
                _preview(accumulators, box, y - top, views, work)
            continue
        sketch_box(sample, box, (views[0], views[2]))
        flags[:] = 0
        n_flagged = 0
        if rule[3] > 0:
            n_flagged, n_pulled = flag(sample, box, w, template, noise, structure, rule, flags, far, plain)
            n_out += n_pulled
        if out.shape[0] > 0:
            if n_flagged > 0:
                spread(sample, box, w, template, noise, structure, F(rule[2]), flags, hits)
            leave_out(out, box, flags)
        added = _add(sample, box, top, w, flags, plain, accumulators, views, work)
        n_in += added[0]
        n_out += added[1]
    return n_in, n_out
