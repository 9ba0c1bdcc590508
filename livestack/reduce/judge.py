"""Is what differs from the stack sky or not? A sub is judged as a picture, on the guide, once for all channels.

Pixel test with a σ that knows structure, spatial test with hysteresis, line test; before them a template matched to the
sub's own seeing, shift and shape, so that stars cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.accumulate import is_disputed
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.fold import Rule
from livestack.reduce.match import mark_stars, match_template
from livestack.reduce.streaks import find_streaks, told_once
from livestack.reduce.trails import Trail, find_trails
from livestack.stack import Stack

BOX = 33
"""Side of the high-pass box, guide px."""
SEED, GROW = 5.0, 2.0
STEPS = 6
LEAST_SIGMA = 0.4
SHARPER = 0.6
"""3 × 3 px of the guide reach twice as far as 3 × 3 px of the stack, and see so much more contrast."""
EXTENDED_PX = 7
"""So many masked px in 5 × 5 are more than a speck."""
NEAR_HIT = 2
"""Guide px about a hit of the pixel test that need no other explanation."""
ABOUT, MOST_ABOUT = 17, 0.6
"""A star goes where more than this share of the sky in a box of so many guide px about it does."""
HALO = 8
"""So far from a star, guide px, what is masked is not its halo."""
LEAST_WIDE = 0.01
"""What hides whole stars is at least this share of the picture."""
MOST_MASKED = 0.05
PER_LINE = 0.03
OWN_VARIANCE_FROM = 10


@dataclass(frozen=True, slots=True)
class Judgement:
    """What of a sub is not sky.

    Attributes
    ----------
    out : ndarray of bool
        (h, w) guide px to leave out.
    trails : tuple of Trail
        In guide px.
    fraction : float
        Share of the covered guide px that is left out.
    distrusted : bool
        The mask was so large that only the pixel test was believed.
    noise : float
        Variance of one guide px of the sub, ADU².
    change : ndarray of float32
        (h, w) how far this sub's stars and sky differ from the template's, ADU: no fault of a px.
    """

    out: Array
    trails: tuple[Trail, ...]
    fraction: float
    distrusted: bool
    noise: float
    change: Array


@njit(**OPTIONS)
def _join_row(sums: Array, counts: Array, data: Array, ok: Array, sign: float) -> None:
    for x in range(sums.size):
        if ok[x]:
            sums[x] += sign * data[x]
            counts[x] += sign


@njit(**OPTIONS)
def _box_mean(data: Array, ok: Array, half: int, out: Array) -> None:
    """Mean of data over ok px in a (2 half + 1)² box; float64 running sums."""
    h, w = data.shape
    sums, counts = np.zeros(w), np.zeros(w)
    for y in range(-half, h):
        if y + half < h:
            _join_row(sums, counts, data[y + half], ok[y + half], 1.0)
        if y - half - 1 >= 0:
            _join_row(sums, counts, data[y - half - 1], ok[y - half - 1], -1.0)
        if y < 0:
            continue
        total, n = 0.0, 0.0
        for x in range(-half, w):
            if x + half < w:
                total += sums[x + half]
                n += counts[x + half]
            if x - half - 1 >= 0:
                total -= sums[x - half - 1]
                n -= counts[x - half - 1]
            if x >= 0:
                out[y, x] = F(total / max(n, 1.0))


@njit(**OPTIONS)
def _smooth(data: Array, out: Array) -> None:
    """3 × 3 Gaussian of σ 0.6 px."""
    h, w = data.shape
    a, b = F(0.666), F(0.167)
    for y in range(h):
        u, d = data[max(y - 1, 0)], data[min(y + 1, h - 1)]
        m = data[y]
        for x in range(w):
            e, f = max(x - 1, 0), min(x + 1, w - 1)
            middle = a * m[x] + b * (m[e] + m[f])
            out[y, x] = a * middle + b * (a * (u[x] + d[x]) + b * (u[e] + u[f] + d[e] + d[f]))


@njit(**OPTIONS)
def _contrast(mean: Array, noise: Array, out: Array) -> None:
    """3 × 3 max − min, its own noise (2.2 σ) taken off in quadrature. noise: (h, w) variance of `mean`."""
    h, w = mean.shape
    for y in range(h):
        for x in range(w):
            low = high = mean[y, x]
            for yy in range(max(y - 1, 0), min(y + 2, h)):
                for xx in range(max(x - 1, 0), min(x + 2, w)):
                    low, high = min(low, mean[yy, xx]), max(high, mean[yy, xx])
            squared = (high - low) * (high - low) - F(4.84) * noise[y, x]
            out[y, x] = math.sqrt(squared) if squared > 0 else F(0)


@njit(**OPTIONS)
def _residual(
    sample: Array, matched: Array, guide: tuple[Array, Array, Array], contrast: Array, numbers: Array, z: Array
) -> None:
    """Residual in σ, 0 where there is none.

    Parameters
    ----------
    guide : m2, weight, coverage (h, w) of the template.
    numbers : noise, weight, ν, β, whether the px' own variance counts.
    z : (h, w) to write.
    """
    noise, w, nu, beta, own = numbers
    m2, total, coverage = guide
    for y in range(z.shape[0]):
        for x in range(z.shape[1]):
            z[y, x] = F(0)
            if not (np.isfinite(sample[y, x]) and coverage[y, x] > 0):
                continue
            c = beta * contrast[y, x]
            variance = noise + c * c
            n = coverage[y, x] - 1
            if own > 0 and n > 0:
                variance = (nu * variance + m2[y, x] / w) / (nu + n)
            variance = max(variance, noise) * (1 + w / max(total[y, x], 1e-6))
            z[y, x] = (sample[y, x] - matched[y, x]) / math.sqrt(variance)


@njit(**OPTIONS)
def _blurred(z: Array, out: Array) -> None:
    """3 × 3 mean of the residual clipped to ±4: a lone bright px cannot make a patch of itself."""
    h, w = z.shape
    for y in range(h):
        for x in range(w):
            total = F(0)
            for yy in range(y - 1, y + 2):
                for xx in range(x - 1, x + 2):
                    v = z[min(max(yy, 0), h - 1), min(max(xx, 0), w - 1)]
                    total += min(max(v, F(-4)), F(4))
            out[y, x] = total / F(9)


@njit(**OPTIONS)
def _widened(mask: Array, allowed: Array, out: Array) -> int:
    """Px of `allowed` next to the mask join it; returns how many did."""
    h, w = mask.shape
    n = 0
    out[:] = mask
    for y in range(h):
        for x in range(w):
            if mask[y, x]:
                for yy in range(max(y - 1, 0), min(y + 2, h)):
                    for xx in range(max(x - 1, 0), min(x + 2, w)):
                        if allowed[yy, xx] and not out[yy, xx]:
                            out[yy, xx] = True
                            n += 1
    return n


@njit(**OPTIONS)
def _mark_extended(mask: Array, least: int, out: Array) -> None:
    h, w = mask.shape
    for y in range(h):
        for x in range(w):
            out[y, x] = False
            if mask[y, x]:
                n = 0
                for yy in range(max(y - 2, 0), min(y + 3, h)):
                    for xx in range(max(x - 2, 0), min(x + 3, w)):
                        n += mask[yy, xx]
                out[y, x] = n >= least


def _extended(mask: Array) -> Array:
    """Px of a mask with many others about them."""
    out = np.empty_like(mask)
    _mark_extended(mask, EXTENDED_PX, out)
    return out


def _dilated(mask: Array, steps: int, allowed: Array | None = None) -> Array:
    everywhere = np.ones_like(mask) if allowed is None else allowed
    for _ in range(steps):
        out = np.empty_like(mask)
        n = _widened(mask, everywhere, out)
        mask = out
        if n == 0:
            break
    return mask


def _robust_sigma(values: Array) -> tuple[float, float]:
    """Median and 1.4826 MAD of at most about 200,000 of the values."""
    some = values[:: max(1, values.size // 200_000)]
    if not some.size:
        return 0.0, 0.0
    middle = float(np.median(some))
    return middle, 1.4826 * float(np.median(np.abs(some - middle)))


def difference_noise(difference: Array, valid: Array) -> float:
    """Variance of the high-passed difference of two registered pictures: stars cancel, so crowding is not noise."""
    low = np.empty_like(difference)
    filled = np.where(valid, difference, np.float32(0))
    _box_mean(filled, valid, BOX // 2, low)
    return _robust_sigma((filled - low)[valid])[1] ** 2


@dataclass(frozen=True, slots=True)
class Sight:
    """A sub on the guide.

    Attributes
    ----------
    sample : ndarray of float32
        (h, w); NaN where the sub does not cover.
    weight : float
    stars : ndarray of float64
        (N, 2) x, y of the stars of the field, guide px.
    sensor_angle_deg : float
        Direction of the sensor's rows on the grid: lines along them are read-out pattern.
    """

    sample: Array
    weight: float
    stars: Array
    sensor_angle_deg: float = 0.0


def judge(sight: Sight, template: Stack, rule: Rule) -> Judgement:
    """Judge a sub against a template, both on the guide.

    Parameters
    ----------
    template : Stack
        (1, h, w); its m2 counts from the 11th sub on.
    """
    sample, weight = sight.sample, sight.weight
    mean, m2, total, coverage, rejected = (array[0] for array in template.arrays)
    valid = np.isfinite(sample) & (coverage > 0)
    if valid.sum() < 100:
        nothing = np.zeros(sample.shape, bool)
        return Judgement(nothing, (), 0.0, False, 0.0, np.zeros(sample.shape, np.float32))
    typical = float(np.median(total[valid][::16]))
    noise = difference_noise(sample - mean, valid) / (1 + weight / typical)
    noise = max(noise, 1e-12)
    smooth, contrast = np.empty_like(mean), np.empty_like(mean)
    _smooth(mean, smooth)
    own = (noise * weight / np.maximum(total, 1e-6)).astype(np.float32)
    _contrast(smooth, own, contrast)
    stars = np.zeros(mean.shape, bool)
    mark_stars(sight.stars[:, 0], sight.stars[:, 1], stars)
    matched = match_template(sample, mean, valid & stars, contrast, noise)
    n = int(np.median(coverage[valid][::16]))
    numbers = np.array([noise, weight, rule.nu, SHARPER * rule.beta, float(n > OWN_VARIANCE_FROM and m2.any())])
    z = np.empty_like(mean)
    _residual(sample, matched, (m2, total, coverage), contrast, numbers, z)
    ok = ((0.35 * contrast) ** 2 < 4 * noise) & valid
    # thin cloud and glow are wide: what is judged stands out of its surroundings
    low = np.empty_like(z)
    _box_mean(np.clip(z, -5, 5), ok, BOX // 2, low)
    z -= low
    z[~valid] = 0
    hit = (z > rule.kappa_high) | (z < -rule.kappa_low)
    sigma = np.float32(math.sqrt(noise))
    change = np.hypot(matched - mean, sigma * low)
    # what follows counts in σ of the residual as it is
    z /= np.float32(max(_robust_sigma(z[ok])[1], LEAST_SIGMA))
    mask = _spatial(z, ok)
    height = np.where(valid, (sample - matched) / sigma - low, np.float32(np.nan))
    streaks = find_streaks(height, np.float32(SHARPER * rule.beta) / sigma * contrast, mask, sight.sensor_angle_deg)
    lines = find_trails(z, ok, height, sight.sensor_angle_deg, mask)
    mask |= _surrounded(mask, ok)
    mask &= valid & ~is_disputed(coverage.astype(np.int32), rejected)
    unexplained = mask & ~_dilated(hit, NEAR_HIT)
    n_valid = int(valid.sum())
    distrusted = unexplained.sum() > (MOST_MASKED + PER_LINE * len(lines)) * n_valid
    # single px are judged where they are, at full resolution
    out = np.zeros_like(mask) if distrusted else mask
    trails = tuple(lines) if distrusted else told_once(lines, streaks)
    return Judgement(out, trails, float(out.sum() / n_valid), bool(distrusted), noise, change)


def _surrounded(mask: Array, ok: Array) -> Array:
    """Px of stars (not ok) inside something wide that is masked: their contrast hides what lies on them too.

    A star's own halo, masked for its seeing, is nothing wide: what counts reaches away from all stars.
    """
    if mask.sum() < LEAST_WIDE * mask.size:
        return np.zeros_like(mask)
    away = mask & ok & ~_dilated(~ok, HALO)
    wide = _dilated(_extended(away), 3 * HALO, mask)
    share = np.empty(mask.shape, np.float32)
    _box_mean(wide.astype(np.float32), ok, ABOUT // 2, share)
    return ~ok & (share > MOST_ABOUT)


def _spatial(z: Array, ok: Array) -> Array:
    """Px that belong together and stand out together: seeds, grown over weaker neighbours, then one px more."""
    blurred = np.empty_like(z)
    _blurred(z, blurred)
    middle, sigma = _robust_sigma(blurred[ok])
    if sigma <= 0:
        return np.zeros(z.shape, bool)
    blurred = (blurred - np.float32(middle)) / np.float32(sigma)
    seeds = blurred > SEED
    weaker = (blurred > GROW) | (z > GROW + 1)
    grown = _dilated(seeds, STEPS, weaker)
    # a speck (cosmic ray, hot px) is seen to its edge at full resolution; only what is larger has faint flanks
    return grown | _dilated(grown & _extended(grown), 1)
