"""Trails too short or too wide to stand out as lines of the picture: what is masked and long, narrow, straight."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import zero_plane
from livestack.reduce.compile import OPTIONS
from livestack.reduce.objects import join_runs
from livestack.reduce.residual import Residual
from livestack.reduce.trails import Trail, brightness, mark_trail

BLOCK = 4
GAP = 5
"""What lies in neighbouring blocks of so many px belongs together: a star may cut a streak; so do px up to twice GAP
apart along it."""
LEAST_LENGTH = 24.0
"""What is shorter, px, may as well be the track of a cosmic ray."""
LEAST_ASPECT = 4.0
LEAST_FILL = 0.5
MOST_STRAY = 0.15
"""Of what is masked at most this share may lie off the axis."""
LEAST_BETWEEN = 0.3
"""Two parts of a trail are this bright between them at least, of what the fainter is."""
BESIDE = 6.0
"""A line this near a streak, px, is the same trail."""
MOST_LONGER = 1.5
AXIS_DEG, AXIS_BRIGHTNESS = 3.0, 5.0
"""Along the sensor's rows and columns it may be read-out pattern unless it is so bright."""


def find_streaks(residual: Residual, mask: Array, sensor_angle_deg: float) -> list[Trail]:
    """Find the trails among what is masked, longest first, and mark the gaps in them in `mask`.

    Parameters
    ----------
    mask : (h, w) bool
        What the spatial test left out; changed in place.
    sensor_angle_deg : float
        Direction of the sensor's rows in this picture.
    """
    y, x = np.divmod(np.flatnonzero(mask), mask.shape[1])
    found = []
    for mine in _parts(y, x):
        trail = _streak(residual, x[mine], y[mine])
        if trail is not None and not _may_be_pattern(trail, sensor_angle_deg):
            found.append(trail)
    for trail in found:
        _close_gaps(mask, trail, residual)
    return _joined(residual, sorted(found, key=lambda trail: -trail.length))


def _parts(y: Array, x: Array) -> Iterator[Array]:
    """Which px, in the order of rows and columns, lie in blocks that touch, part by part; only those that are long."""
    if not y.size:
        return
    wide = int(x.max()) // BLOCK + 2  # no run goes on in the next row
    of = y // BLOCK * wide + x // BLOCK
    blocks = np.unique(of)
    first = np.flatnonzero(np.diff(blocks, prepend=-2) > 1)
    last = np.append(first[1:], len(blocks)) - 1
    runs = np.stack([blocks[first] // wide, blocks[first] % wide, blocks[last] % wide + 1], axis=1)
    # what has less blocks than an object has px at the least is no streak
    joined, starts = join_runs(runs.astype(np.int32))
    for begin, end in itertools.pairwise(starts):
        rows, left, right = joined[begin:end].T
        if math.hypot(rows[-1] + 1 - rows[0], right.max() - left.min()) * BLOCK >= LEAST_LENGTH:
            mine = np.zeros(blocks[-1] + 1, bool)
            for row, a, b in joined[begin:end].tolist():
                mine[row * wide + a : row * wide + b] = True
            yield mine[of]


@njit(**OPTIONS)
def _is_beside(mask: Array, y: Array, x: Array, out: Array) -> None:
    """Whether px of a mask lie within `GAP` steps, none of them diagonal, of each px."""
    h, w = mask.shape
    for k in range(y.size):
        out[k] = False
        for yy in range(max(y[k] - GAP, 0), min(y[k] + GAP + 1, h)):
            left = GAP - abs(yy - y[k])
            for xx in range(max(x[k] - left, 0), min(x[k] + left + 1, w)):
                out[k] |= mask[yy, xx]


def _close_gaps(mask: Array, trail: Trail, residual: Residual) -> None:
    """Mark what a star hides of a trail, if the trail is more than what is uncertain of the star anyway.

    Where it is dark for longer, as between the flashes of an aircraft, there is sky.
    """
    whole = zero_plane(mask.shape, np.bool_)
    mark_trail(whole, trail)
    y, x = np.divmod(np.flatnonzero(whole), mask.shape[1])
    certain = residual.structure(y, x) < trail.brightness
    y, x = y[certain], x[certain]
    whole[:] = False
    whole[y, x] = mask[y, x]
    beside = np.empty(y.size, bool)
    _is_beside(whole, y, x, beside)
    mask[y[beside], x[beside]] = True


def _joined(residual: Residual, streaks: list[Trail]) -> list[Trail]:
    """Make one of streaks that lie on one line, if the trail is seen between them."""
    whole: list[Trail] = []
    for part in streaks:
        for k, other in enumerate(whole):
            trail = _through(residual, other, part)
            if trail is not None:
                whole[k] = trail
                break
        else:
            whole.append(part)
    return whole


def _through(residual: Residual, one: Trail, other: Trail) -> Trail | None:
    """Return the trail that both are parts of; None = they are two."""
    ends = [(t.x0, t.y0) for t in (one, other)] + [(t.x1, t.y1) for t in (one, other)]
    (ax, ay), (bx, by) = max(itertools.combinations(ends, 2), key=lambda pair: math.dist(*pair))
    half = max(one.high - one.low, other.high - other.low) / 2
    trail = Trail(ax, ay, bx, by, -half, half, min(one.brightness, other.brightness))
    x0, y0, ux, uy = trail.line
    if max(abs((x - x0) * uy - (y - y0) * ux) for x, y in ends) > half:
        return None
    between = np.sort([(x - x0) * ux + (y - y0) * uy for x, y in ends])[1:3]
    seen = brightness(residual, trail.line, between)
    return trail if seen > LEAST_BETWEEN * trail.brightness else None


def told_once(lines: list[Trail], streaks: list[Trail]) -> tuple[Trail, ...]:
    """Return what is told of trails that were found as lines, as streaks or as both.

    A streak says better where a trail begins, ends and how wide it is; a line sees all of one that is masked in parts.
    """
    told: list[Trail] = []
    for line in lines:
        same = [streak for streak in streaks if _share_beside(streak, line) > 0.5 or _share_beside(line, streak) > 0.5]
        if len(same) != 1 or line.length > MOST_LONGER * same[0].length:
            told.append(line)
            streaks = [streak for streak in streaks if streak not in same]
    return (*told, *streaks)


def _share_beside(one: Trail, other: Trail) -> float:
    """Share of one trail's axis that lies within the edges of another, or a few px from them."""
    x0, y0, ux, uy = other.line
    at = np.linspace(0, 1, 50)
    x, y = one.x0 + at * (one.x1 - one.x0), one.y0 + at * (one.y1 - one.y0)
    across, along = (x - x0) * uy - (y - y0) * ux, (x - x0) * ux + (y - y0) * uy
    near = (across > other.low - BESIDE) & (across < other.high + BESIDE) & (along > 0) & (along < other.length)
    return float(near.mean())


def _streak(residual: Residual, x: Array, y: Array) -> Trail | None:
    """Return the trail that these px are; None = they are something else."""
    kept = np.ones(x.size, bool)
    for _ in range(3):
        middle_x, middle_y = x[kept].mean(), y[kept].mean()
        spread, axes = np.linalg.eigh(np.cov(x[kept], y[kept]))
        ux, uy = axes[:, 1]
        across = (x - middle_x) * uy - (y - middle_y) * ux
        kept = np.abs(across) <= max(3 * math.sqrt(max(spread[0], 0.0)), 1.0)
    along = ((x - middle_x) * ux + (y - middle_y) * uy)[kept]
    # of a filled rectangle
    length, width = (math.sqrt(12 * value) for value in (spread[1], max(spread[0], 1 / 12)))
    if length < LEAST_LENGTH or length < LEAST_ASPECT * width:
        return None
    if kept.mean() < 1 - MOST_STRAY or kept.sum() < LEAST_FILL * length * width:
        return None
    start, end = float(along.min()), float(along.max())
    low, high = (float(edge) for edge in np.percentile(across[kept], [2, 98]))
    (ax, ay), (bx, by) = ((middle_x + at * ux, middle_y + at * uy) for at in (start, end))
    # an aircraft is dark between its flashes
    seen = kept & (np.abs(across) <= 0.5)
    return Trail(ax, ay, bx, by, low, high, float(np.nanmedian(residual.height(y[seen], x[seen]))))


def _may_be_pattern(trail: Trail, sensor_angle_deg: float) -> bool:
    off = (math.degrees(math.atan2(trail.y1 - trail.y0, trail.x1 - trail.x0)) - sensor_angle_deg) % 90
    return min(off, 90 - off) < AXIS_DEG and trail.brightness < AXIS_BRIGHTNESS
