"""The first look's kernels: hold a pixel's extremes aside, and re-admit them from the inside out.

A satellite in one of the first subs is the highest sample of its pixels; held aside it never touches the core, and what
is shown takes it back only when it agrees with the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.accumulate import expected_variance
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.kernels import Sensor, Sketch, sketch_box, tile_width, warp_and_normalise
from livestack.stack import N_ASIDE, N_LOW

CHANGE = 1.5
"""The guide shows a star's change diluted by its coarser px."""


@njit(**OPTIONS)
def _hold_aside(values: Array, owners: Array, n: int, v: float, owner: int) -> tuple[int, Any, int]:
    """Insert into ascending extremes: (how many are held now, what goes into the core, its owner or −1)."""
    if n < N_ASIDE:
        q = n
        while q > 0 and values[q - 1] > v:
            values[q], owners[q] = values[q - 1], owners[q - 1]
            q -= 1
        values[q], owners[q] = v, owner
        return n + 1, F(0), -1
    if v > values[N_LOW]:
        out, out_owner = values[N_LOW], owners[N_LOW]
        q = N_LOW
        while q < N_ASIDE - 1 and values[q + 1] < v:
            values[q], owners[q] = values[q + 1], owners[q + 1]
            q += 1
        values[q], owners[q] = v, owner
        return n, out, int(out_owner)
    if v < values[N_LOW - 1]:
        out, out_owner = values[N_LOW - 1], owners[N_LOW - 1]
        q = N_LOW - 1
        while q > 0 and values[q - 1] > v:
            values[q], owners[q] = values[q - 1], owners[q - 1]
            q -= 1
        values[q], owners[q] = v, owner
        return n, out, int(out_owner)
    return n, v, owner


@njit(**OPTIONS)
def hold_band(
    sensor: Sensor,
    pose: tuple[Array, int],
    sky: Array,
    scale: float,
    index: int,
    weights: Array,
    core: tuple[Array, Array, Array, Array, Array],
    aside: tuple[Array, Array, Array],
    noise: Array,
    structure: Array,
    rule: tuple[float, float, float, int, int],
    sketch: Sketch,
    y0: int,
    y1: int,
) -> None:
    """Fold one band of a sub into a first look; what is no longer an extreme is judged before it enters the core.

    Parameters
    ----------
    index : which sub of the first look this is, 0-based.
    weights : (n,) weight by index.
    aside : values (N_ASIDE, C, H, W), owners (N_ASIDE, C, H, W), counts (C, H, W).
    noise, structure, rule : as in `readmit_band`.
    sketch : as in `sketch_box`.
    """
    mean, m2, total, coverage, rejected = core
    kappa_low, kappa_high, nu = F(rule[0]), F(rule[1]), F(rule[2])
    values, owners, counts = aside
    channels, _, width = mean.shape
    box = np.empty(4, np.int64)
    columns = tile_width(pose[0])
    sample = np.empty((channels, y1 - y0, columns), np.float32)
    for x0 in range(0, width, columns):
        box[0], box[1], box[2], box[3] = y0, y1, x0, min(x0 + columns, width)
        if not warp_and_normalise(sensor, pose, sky, scale, box, sample):
            continue
        sketch_box(sample, box, sketch)
        for c in range(channels):
            for y in range(y0, y1):
                for x in range(x0, box[3]):
                    v = sample[c, y - y0, x - x0]
                    if not np.isfinite(v):
                        continue
                    held, v, owner = _hold_aside(values[:, c, y, x], owners[:, c, y, x], counts[c, y, x], v, index)
                    counts[c, y, x] = held
                    if owner < 0:
                        continue
                    w, n = weights[owner], coverage[c, y, x]
                    d = v - mean[c, y, x]
                    if n >= 3:
                        variance = expected_variance(
                            noise[c] / w, structure[y >> 1, x >> 1], n, m2[c, y, x], w, total[c, y, x], nu
                        )
                        kappa = kappa_high if d > 0 else kappa_low
                        if d * d > kappa * kappa * variance:
                            rejected[c, y, x] += 1
                            continue
                    coverage[c, y, x] += 1
                    new = total[c, y, x] + w
                    total[c, y, x] = new
                    g = d * (w / new)
                    mean[c, y, x] += g
                    m2[c, y, x] += w * d * (d - g)


@njit(**OPTIONS)
def readmit_band(
    core: tuple[Array, Array, Array, Array, Array],
    aside: tuple[Array, Array, Array],
    weights: Array,
    noise: Array,
    structure: Array,
    rule: tuple[float, float, float, int, int],
    result: tuple[Array, Array, Array, Array, Array],
    y0: int,
    y1: int,
) -> None:
    """Make what a first look shows: its core with the extremes re-admitted while they agree, nearest first.

    Parameters
    ----------
    noise : (C,) variance of a sample of weight 1, ADU².
    structure : (H/2, W/2) local contrast, ADU.
    rule : kappa_low, kappa_high, nu, and two that are not used here.
    result : mean, m2 (C, H, W), weight, coverage, rejected (1, H, W) to write: of the channel that lost most.
    """
    values, owners, counts = aside
    kappa_low, kappa_high, nu = F(rule[0]), F(rule[1]), F(rule[2])
    channels, _, width = core[0].shape
    for y in range(y0, y1):
        for x in range(width):
            least, fewest, most_out = F(np.inf), 65535, 0
            s = structure[y >> 1, x >> 1]
            for c in range(channels):
                n, held, before = int(core[3][c, y, x]), int(counts[c, y, x]), core[4][c, y, x]
                mu, q, total = core[0][c, y, x], core[1][c, y, x], core[2][c, y, x]
                low, high, out = min(N_LOW, held) - 1, min(N_LOW, held), 0
                if n == 0 and held > 0:
                    # the lower median: what is wrong is mostly too bright
                    k = (held - 1) // 2
                    mu, q, total, n = values[k, c, y, x], F(0), weights[owners[k, c, y, x]], 1
                    low, high = k - 1, k + 1
                while low >= 0 or high < held:
                    take_low = high >= held or (low >= 0 and mu - values[low, c, y, x] < values[high, c, y, x] - mu)
                    k = low if take_low else high
                    w = weights[owners[k, c, y, x]]
                    d = values[k, c, y, x] - mu
                    variance = expected_variance(noise[c] / w, s, n, q, w, total, nu)
                    kappa = kappa_high if d > 0 else kappa_low
                    if d * d > kappa * kappa * variance:
                        # the rest of this side lies farther out
                        if take_low:
                            out, low = out + low + 1, -1
                        else:
                            out, high = out + held - high, held
                        continue
                    n += 1
                    total += w
                    g = d * (w / total)
                    mu += g
                    q += w * d * (d - g)
                    if take_low:
                        low -= 1
                    else:
                        high += 1
                result[0][c, y, x], result[1][c, y, x] = mu, q
                least, fewest, most_out = min(least, total), min(fewest, n), max(most_out, before + out)
            result[2][0, y, x], result[3][0, y, x], result[4][0, y, x] = least, fewest, most_out


@njit(**OPTIONS)
def _is_whole(one: Array, other: Array) -> bool:
    """Whether two rows are covered from end to end."""
    n = 0
    for x in range(one.size):
        n += (one[x] == 0) | (other[x] == 0)
    return n == 0


@njit(**OPTIONS)
def _halve(one: Array, other: Array, out: Array) -> None:
    for x in range(one.size // 2):
        out[x] = F(0.25) * (one[2 * x] + one[2 * x + 1] + other[2 * x] + other[2 * x + 1])
    if one.size % 2 == 1:
        out[one.size // 2] = F(0.5) * (one[-1] + other[-1])


@njit(**OPTIONS)
def _halve_covered(rows: tuple[Array, Array], coverage: tuple[Array, Array], out: Array) -> None:
    """2 × 2 means over what is covered; 0 where nothing is."""
    for x in range(out.size):
        total, n = F(0), 0
        for k in range(2):
            for xx in range(2 * x, min(2 * x + 2, rows[k].size)):
                if coverage[k][xx] > 0:
                    total += rows[k][xx]
                    n += 1
        out[x] = total / F(n) if n > 0 else F(0)


@njit(**OPTIONS)
def _raise_to(low: Array, high: Array, floor: Any, out: Array) -> None:
    """Square of the difference of 3 px, less its noise, where that is more than out."""
    w = out.size
    for x in range(1, w - 1):
        range_ = max(high[x - 1], high[x], high[x + 1]) - min(low[x - 1], low[x], low[x + 1])
        out[x] = max(out[x], range_ * range_ - floor)
    for x in (0, w - 1):
        e, f = max(x - 1, 0), min(x + 1, w - 1)
        range_ = max(high[e], high[x], high[f]) - min(low[e], low[x], low[f])
        out[x] = max(out[x], range_ * range_ - floor)


@njit(**OPTIONS)
def _bounds(u: Array, m: Array, d: Array, low: Array, high: Array) -> None:
    for x in range(m.size):
        low[x] = min(u[x], m[x], d[x])
        high[x] = max(u[x], m[x], d[x])


@njit(**OPTIONS)
def _add_change(change: Array, squared: Array) -> None:
    for x in range(change.size):
        squared[x] += F(CHANGE * CHANGE) * change[x] * change[x]


@njit(**OPTIONS)
def contrast_band(
    mean: Array, coverage: Array, noise: Array, beta: float, change: Array, out: Array, y0: int, y1: int
) -> None:
    """β × local contrast of a picture at half resolution: the largest over channels of 3×3 max − min of 2×2 means.

    Its own noise (2.2 σ of a 2×2 mean) is taken off in quadrature. Rows y0…y1 of out (H/2, W/2).

    Parameters
    ----------
    noise : (C,) variance of one px of `mean`, ADU².
    change : how far a sub's stars differ from the picture's, (H/2, W/2) or less of it, ADU: it counts, too.
    """
    channels, height, _ = mean.shape
    h, w = out.shape
    halves = np.empty((y1 - y0 + 2, w), np.float32)
    low, high = np.empty(w, np.float32), np.empty(w, np.float32)
    out[y0:y1] = F(0)
    for c in range(channels):
        seen = coverage[min(c, coverage.shape[0] - 1)]
        for k in range(halves.shape[0]):
            yy = min(max(y0 - 1 + k, 0), h - 1)
            a, b = 2 * yy, min(2 * yy + 1, height - 1)
            if _is_whole(seen[a], seen[b]):
                _halve(mean[c, a], mean[c, b], halves[k])
            else:
                _halve_covered((mean[c, a], mean[c, b]), (seen[a], seen[b]), halves[k])
        floor = F(2.2 * 2.2 / 4) * F(noise[c])
        for y in range(y0, y1):
            k = y - y0
            _bounds(halves[k], halves[k + 1], halves[k + 2], low, high)
            _raise_to(low, high, floor, out[y])
    for y in range(y0, y1):
        row = out[y]
        for x in range(w):
            row[x] *= F(beta * beta)
        if y < change.shape[0]:
            _add_change(change[y], row)
        for x in range(w):
            row[x] = np.sqrt(row[x])


@njit(**OPTIONS)
def _add_row(row: Array, seen: Array, total: Array, n: Array) -> None:
    """Add what is covered of a row, and count it."""
    for x in range(row.size):
        total[x] += row[x] if seen[x] > 0 else F(0)
        n[x] += F(1) if seen[x] > 0 else F(0)


@njit(**OPTIONS)
def _add_whole_row(row: Array, total: Array) -> None:
    for x in range(row.size):
        total[x] += row[x]


@njit(**OPTIONS)
def preview_band(mean: Array, coverage: Array, step: int, out: Array, y0: int, y1: int) -> None:
    """Mean over step × step px of what is covered, rows y0…y1 of out (h, w, C); NaN where nothing is."""
    channels, height, width = mean.shape
    total, n = np.empty(width, np.float32), np.empty(width, np.float32)
    for c in range(channels):
        seen = coverage[min(c, coverage.shape[0] - 1)]
        for y in range(y0, y1):
            first, last = y * step, min(y * step + step, height)
            total[:], n[:] = F(0), F(last - first)
            whole = True
            for yy in range(first, last):
                whole = whole and _is_whole(seen[yy], seen[yy])
            if whole:
                for yy in range(first, last):
                    _add_whole_row(mean[c, yy], total)
            else:
                n[:] = F(0)
                for yy in range(first, last):
                    _add_row(mean[c, yy], seen[yy], total, n)
            for x in range(out.shape[1]):
                light, px = F(0), F(0)
                for xx in range(x * step, min(x * step + step, width)):
                    light += total[xx]
                    px += n[xx]
                out[y, x, c] = light / px if px > 0 else F(np.nan)


@njit(**OPTIONS)
def brightest_band(data: Array, step: int, out: Array, y0: int, y1: int) -> None:
    """Largest of step × step px, rows y0…y1 of out (h, w)."""
    for y in range(y0, y1):
        row = out[y]
        for k in range(step):
            px = data[y * step + k]
            for x in range(row.size):
                most = px[x * step]
                for xx in range(x * step + 1, x * step + step):
                    most = max(most, px[xx])
                row[x] = most if k == 0 else max(row[x], most)
