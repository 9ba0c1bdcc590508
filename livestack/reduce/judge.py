"""Is what differs from the stack sky or not? A sub is judged as a picture, on the guide, once for all channels.

Pixel test with a σ that knows structure, spatial test with hysteresis, line test; before them a template matched to the
sub's own seeing, shift and shape, so that stars cancel.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce.bands import beside, each_band
from livestack.reduce.fold import Change, Rule
from livestack.reduce.match import NO_MATCH, contrast_band, match_template
from livestack.reduce.medians import median
from livestack.reduce.outliers import is_disputed
from livestack.reduce.patches import count_unexplained, find_patches, hidden_stars
from livestack.reduce.residual import Measure, difference_noise, residual_of, sparse_step
from livestack.reduce.streaks import find_streaks, told_once
from livestack.reduce.trails import Trail, find_trails, lines_of
from livestack.stack import Stack

SHARPER = 0.6
"""3 × 3 px of the guide reach twice as far as 3 × 3 px of the stack, and see so much more contrast."""
NEAR_HIT = 2
"""Guide px about a hit of the pixel test that need no other explanation."""
MOST_MASKED = 0.05
PER_LINE = 0.03
OWN_VARIANCE_FROM = 10
LEAST_COVERED = 100
"""A sub that covers fewer of the sampled px of the guide is not judged."""


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
    change : Change, optional
        How far this sub's stars and sky differ from the template's.
    contrast : ndarray of float32, optional
        (h, w) of the template, squared, ADU².
    match : ndarray of float64
        From `match_template`: with it the change's shift can be told again.
    """

    out: Array
    trails: tuple[Trail, ...]
    fraction: float
    distrusted: bool
    noise: float
    change: Change | None = None
    contrast: Array | None = None
    match: Array = field(default_factory=lambda: NO_MATCH)


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


def judge(
    sight: Sight, template: Stack, rule: Rule, threads: Executor | None = None, contrast: Array | None = None
) -> Judgement:
    """Judge a sub against a template, both on the guide.

    Parameters
    ----------
    template : Stack
        (1, h, w); its m2 counts from the 11th sub on.
    contrast : ndarray of float32, optional
        Of the template, as an earlier judgement told it; None = it is told now.
    """
    measure = _measure(sight, template, rule, threads)
    if measure is None:
        nothing = np.zeros(sight.sample.shape, bool)
        return Judgement(nothing, (), 0.0, False, 0.0, contrast=contrast)
    if contrast is None:
        contrast = _contrast(template, measure.noise * sight.weight, threads)
    match = match_template(sight.sample, template, contrast, sight.stars, measure.noise)
    residual = residual_of(sight.sample, (template, contrast), measure, match, threads)
    # what takes longest of a judgement, and needs no mask
    lines_seen = beside(threads, lambda: lines_of(residual, threads))
    mask = find_patches(residual.z, residual.ok, threads)
    streaks = find_streaks(residual, mask, sight.sensor_angle_deg)
    lines = find_trails(residual, mask, sight.sensor_angle_deg, lines_seen())
    mask.ravel()[hidden_stars(mask, residual.ok)] = True
    places = _believed(mask, sight.sample, template)
    limits = -rule.kappa_low / residual.scale, rule.kappa_high / residual.scale
    unexplained = count_unexplained(residual.z, places, NEAR_HIT, *limits)
    distrusted = unexplained > (MOST_MASKED + PER_LINE * len(lines)) * residual.n_covered
    told = measure.noise, residual.change, contrast, match
    if distrusted:
        # single px are judged where they are, at full resolution
        return Judgement(np.zeros_like(mask), tuple(lines), 0.0, True, *told)
    return Judgement(mask, told_once(lines, streaks), places.size / residual.n_covered, False, *told)


def _contrast(template: Stack, own: float, threads: Executor | None) -> Array:
    """Squared contrast of a template, (h, w) ADU²; own = variance of a px of weight 1."""
    out = new_plane(template.shape[1:], np.float32)
    each_band(len(out), threads, lambda y0, y1: contrast_band(template.mean[0], template.weight[0], own, out, y0, y1))
    return out


def _measure(sight: Sight, template: Stack, rule: Rule, threads: Executor | None) -> Measure | None:
    """Tell what the residual of a sub is counted in; None = it hardly covers the template."""
    mean, m2, total, coverage, _ = (array[0] for array in template.arrays)
    step = sparse_step(mean.shape)
    sampled = coverage[::step, ::step]
    covered = (sampled > 0) & np.isfinite(sight.sample[::step, ::step])
    if np.count_nonzero(covered) < LEAST_COVERED:
        return None
    typical = median(total[::step, ::step][covered])
    noise = difference_noise(sight.sample, mean, coverage, threads) / (1 + sight.weight / typical)
    many = 2 * np.count_nonzero(sampled[covered] > OWN_VARIANCE_FROM) > np.count_nonzero(covered)
    own = many and bool(m2[::step, ::step].any())
    return Measure(max(noise, 1e-12), sight.weight, rule.nu, SHARPER * rule.beta, bool(own))


def _believed(mask: Array, sample: Array, template: Stack) -> Array:
    """Take out of a mask what is not covered and where the template may be wrong; returns flat places of the rest."""
    coverage, rejected = template.coverage[0].ravel(), template.rejected[0].ravel()
    places = np.flatnonzero(mask)
    n = coverage[places].astype(np.int32)
    kept = np.isfinite(sample.ravel()[places]) & (n > 0) & ~is_disputed(n, rejected[places])
    mask.ravel()[places[~kept]] = False
    believed: Array = places[kept]
    return believed
