"""Trails in a residual: satellites, aircraft, meteors.

A straight line is a trail when it is a narrow ridge against its own neighbourhood, too: clouds and gradients make broad
ones.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import zero_plane
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.lines import CLIP, Line, find_lines
from livestack.reduce.residual import Residual, robust_sigma, sparse_step

RUN_THRESHOLD = 5.8
"""Least strength of a line's best run as a narrow ridge, in σ; noise runs stay below 5.1."""
AXIS_DEG = 1.5
AXIS_THRESHOLD = 20.0
"""Lines along the sensor's rows or columns are read-out pattern unless they are this strong."""
SEGMENTS = 16
LEAST_RUN = 3
LEAST_SEEN = 0.5
"""Of its run a trail is seen in so much at least: the arc of a ring, bright in one segment, is none."""
BLOCK = 4
CORE = 1.5
SIDE_FROM, SIDE_TO = 6.0, 11.0
"""A trail is a ridge of this half width, px of the guide, above side bands at this distance."""
MOST_TILT = 0.35
"""Sides that differ by more of the height are a step: the edge of something dark is no trail."""
ALIGN = 4.0
"""How far the ends of a line may lie beside the trail, px of the guide."""
MAX_HALF = 8
MARGIN = 1.0


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail found in one sub, px of the residual it was found in.

    Attributes
    ----------
    x0, y0, x1, y1 : float
        End points of what is seen.
    low, high : float
        Edges across the line, px from the axis.
    brightness : float
        Median excess on the axis where it is seen, in σ of the noise of a px.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    low: float
    high: float
    brightness: float

    @property
    def length(self) -> float:
        """Length, px."""
        return math.hypot(self.x1 - self.x0, self.y1 - self.y0)

    @property
    def line(self) -> Array:
        """First end and direction: x, y, ux, uy."""
        return np.array([self.x0, self.y0, (self.x1 - self.x0) / self.length, (self.y1 - self.y0) / self.length])


@njit(**INNER)
def _columns(line: Array, y: int, reach: float, width: int) -> tuple[int, int]:
    """First and last + 1 column of row y that may lie within reach of a line."""
    x0, y0, ux, uy = line
    if abs(uy) * width < 1:
        return (0, width) if abs((y - y0) * ux) <= reach + 1 else (0, 0)
    middle, half = x0 + (y - y0) * ux / uy, reach / abs(uy) + 1
    return int(min(max(middle - half, 0), width)), int(min(max(middle + half + 1, 0), width))


@njit(**OPTIONS)
def _ridge(z: Array, ok: Array, line: Array, edges: Array) -> tuple[Array, Array]:
    """Height of the core above its sides, and tilt of these, per segment along a line; σ, as in Welch's t."""
    x0, y0, ux, uy = line
    n = edges.size - 1
    core, side = np.zeros((n, 2)), np.zeros((n, 2, 2))
    start, width = edges[0], (edges[n] - edges[0]) / n
    for y in range(z.shape[0]):
        first, last = _columns(line, y, SIDE_TO, z.shape[1])
        for x in range(first, last):
            if not ok[y, x]:
                continue
            d = (x - x0) * uy - (y - y0) * ux
            if abs(d) > SIDE_TO or CORE < abs(d) <= SIDE_FROM:
                continue
            k = min(max(int(((x - x0) * ux + (y - y0) * uy - start) / width), 0), n - 1)
            v = min(max(z[y, x], F(-CLIP)), F(CLIP))
            if abs(d) <= CORE:
                core[k, 0] += v
                core[k, 1] += 1
            else:
                side[k, int(d > 0), 0] += v
                side[k, int(d > 0), 1] += 1
    height, tilt = np.zeros(n), np.zeros(n)
    for k in range(n):
        n_side = side[k, 0, 1] + side[k, 1, 1]
        if core[k, 1] >= 20 and n_side >= 40:
            error = math.sqrt(1.3 / core[k, 1] + 3.0 / n_side)
            height[k] = (core[k, 0] / core[k, 1] - (side[k, 0, 0] + side[k, 1, 0]) / n_side) / error
            left, right = side[k, 0, 0] / max(side[k, 0, 1], 1), side[k, 1, 0] / max(side[k, 1, 1], 1)
            tilt[k] = (left - right) / 2 / error
        else:
            height[k] = np.nan
    return height, tilt


@njit(**INNER)
def _ridge_height(z: Array, ok: Array, x0: float, y0: float, x1: float, y1: float) -> float:
    """Mean of the clipped residual over three px across a line from end to end."""
    height, width = z.shape
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    total, n = 0.0, 0
    for step in range(int(length) + 1):
        for across in (-1.0, 0.0, 1.0):
            x = math.floor(x0 + step * ux + across * uy + 0.5)
            y = math.floor(y0 + step * uy - across * ux + 0.5)
            if 0 <= x < width and 0 <= y < height and ok[y, x]:
                total += min(max(z[y, x], F(-CLIP)), F(CLIP))
                n += 1
    return total / max(n, 1)


@njit(**OPTIONS)
def _aligned(z: Array, ok: Array, line: Array, span: Array) -> Array:
    """Move both ends of a line sideways to where the ridge is highest: the transform knows it to a bin or two only."""
    x0, y0, ux, uy = line
    best, best_a, best_b = -np.inf, 0.0, 0.0
    for a in np.arange(-ALIGN, ALIGN + 0.1, 0.5):
        for b in np.arange(-ALIGN, ALIGN + 0.1, 0.5):
            height = _ridge_height(
                z,
                ok,
                x0 + span[0] * ux + a * uy,
                y0 + span[0] * uy - a * ux,
                x0 + span[1] * ux + b * uy,
                y0 + span[1] * uy - b * ux,
            )
            if height > best:
                best, best_a, best_b = height, a, b
    turn = (best_b - best_a) / (span[1] - span[0])
    offset = best_a - span[0] * turn
    norm = math.sqrt(1 + turn * turn)
    return np.array([x0 + offset * uy, y0 - offset * ux, (ux + turn * uy) / norm, (uy - turn * ux) / norm])


@njit(**OPTIONS)
def _extent(ok: Array, line: Array) -> tuple[float, float]:
    """First and last position along a line that lies on usable px."""
    x0, y0, ux, uy = line
    low, high = np.inf, -np.inf
    for y in range(ok.shape[0]):
        first, last = _columns(line, y, CORE, ok.shape[1])
        for x in range(first, last):
            if ok[y, x] and abs((x - x0) * uy - (y - y0) * ux) <= CORE:
                along = (x - x0) * ux + (y - y0) * uy
                low, high = min(low, along), max(high, along)
    return low, high


@njit(**OPTIONS)
def _profile(z: Array, ok: Array, line: Array, span: Array) -> tuple[Array, Array]:
    """Sum and count of the clipped residual by distance from the axis, −MAX_HALF…MAX_HALF, within span along it."""
    x0, y0, ux, uy = line
    sums, counts = np.zeros(2 * MAX_HALF + 1), np.zeros(2 * MAX_HALF + 1)
    for y in range(z.shape[0]):
        first, last = _columns(line, y, MAX_HALF + 0.5, z.shape[1])
        for x in range(first, last):
            if ok[y, x]:
                d = (x - x0) * uy - (y - y0) * ux
                along = (x - x0) * ux + (y - y0) * uy
                if abs(d) < MAX_HALF + 0.5 and span[0] <= along <= span[1]:
                    k = math.floor(d + 0.5) + MAX_HALF
                    sums[k] += min(max(z[y, x], F(-CLIP)), F(6))
                    counts[k] += 1
    return sums, counts


def mark_trail(mask: Array, trail: Trail) -> None:
    """Mark the px of a trail."""
    _paint(mask, trail.line, np.array([0.0, trail.length]), np.array([trail.low, trail.high]))


@njit(**OPTIONS)
def _paint(mask: Array, line: Array, span: Array, across: Array) -> None:
    """Mark px within span along a line and within the edges across it."""
    x0, y0, ux, uy = line
    for y in range(mask.shape[0]):
        first, last = _columns(line, y, max(abs(across[0]), abs(across[1])), mask.shape[1])
        for x in range(first, last):
            d = (x - x0) * uy - (y - y0) * ux
            along = (x - x0) * ux + (y - y0) * uy
            if across[0] <= d <= across[1] and span[0] <= along <= span[1]:
                mask[y, x] = True


@njit(**OPTIONS)
def _blocks(z: Array, ok: Array, step: int) -> tuple[Array, Array]:
    """Mean of the clipped residual of every step-th block both ways that is ok as a whole, and its first px."""
    h, w = z.shape[0] // BLOCK, z.shape[1] // BLOCK
    means, single, n = np.empty(h * w, np.float32), np.empty(h * w, np.float32), 0
    for by in range(0, h, step):
        for bx in range(0, w, step):
            total, whole = F(0), True
            for y in range(BLOCK * by, BLOCK * by + BLOCK):
                for x in range(BLOCK * bx, BLOCK * bx + BLOCK):
                    total += min(max(z[y, x], F(-CLIP)), F(CLIP))
                    whole &= ok[y, x]
            if whole:
                means[n] = total / F(BLOCK * BLOCK)
                single[n] = min(max(z[BLOCK * by, BLOCK * bx], F(-CLIP)), F(CLIP))
                n += 1
    return means[:n], single[:n]


def correlation(z: Array, ok: Array) -> float:
    """How much more the mean of 4 × 4 px scatters than that of as many independent ones: interpolation smooths noise.

    Sums along a line scatter by as much more.
    """
    means, single = _blocks(z, ok, sparse_step((z.shape[0] // BLOCK, z.shape[1] // BLOCK)))
    if means.size < 100:
        return 1.0
    return float(np.clip(BLOCK * robust_sigma(means)[1] / max(robust_sigma(single)[1], 1e-6), 1.0, 2.0))


def lines_of(residual: Residual, threads: Executor | None = None) -> tuple[list[Line], float]:
    """Lines that stand out of a residual, and the noise of sums along them: from `find_lines` and `correlation`."""
    unit = correlation(residual.z, residual.ok)
    return find_lines(residual.z, residual.ok, unit, threads), unit


def find_trails(
    residual: Residual, mask: Array, sensor_angle_deg: float, found: tuple[list[Line], float]
) -> list[Trail]:
    """Tell which lines of a residual are trails, and mark their px in `mask`.

    Parameters
    ----------
    sensor_angle_deg : float
        Direction of the sensor's rows in this picture.
    mask : (h, w) bool
        Changed in place.
    found : from `lines_of`.
    """
    lines, unit = found
    ok = residual.ok
    if not lines:
        return []
    trails = []
    painted = zero_plane(mask.shape, np.bool_)
    z = residual.z / np.float32(unit)
    for x0, y0, x1, y1, sn in lines:
        length = math.hypot(x1 - x0, y1 - y0)
        line = np.array([x0, y0, (x1 - x0) / length, (y1 - y0) / length])
        off = (math.degrees(math.atan2(line[3], line[2])) - sensor_angle_deg) % 90
        if min(off, 90 - off) < AXIS_DEG and sn < AXIS_THRESHOLD:
            continue
        run = _best_run(z, ok, line)
        if run is None or _is_painted(painted, line, run.span):
            continue
        line = _aligned(z, ok, line, run.core)
        run = _best_run(z, ok, line)
        if run is None:
            continue
        core, span = run.core, run.span
        low, high = _edges(z, ok, line, span)
        _paint(painted, line, span, np.array([low, high]))
        seen = _seen(z, ok, line, span, core)
        if seen[1] - seen[0] < LEAST_SEEN * (core[1] - core[0]):
            continue
        ends = line[:2] + np.outer(seen, line[2:])
        (ax, ay), (bx, by) = ends.tolist()
        trails.append(Trail(ax, ay, bx, by, low, high, brightness(residual, line, seen)))
    mask |= painted
    return trails


def _is_painted(painted: Array, line: Array, span: Array) -> bool:
    """Whether most of a line lies in a trail that was found before: the flank of a bright one."""
    along = np.arange(span[0], span[1])
    x = np.clip((line[0] + along * line[2]).round().astype(int), 0, painted.shape[1] - 1)
    y = np.clip((line[1] + along * line[3]).round().astype(int), 0, painted.shape[0] - 1)
    return bool(painted[y, x].mean() > 0.5)


@dataclass(frozen=True, slots=True)
class _Run:
    """Where along a line the ridge is: core is what was seen, span what is masked."""

    core: Array
    span: Array


def _best_run(z: Array, ok: Array, line: Array) -> _Run | None:
    """Find the run: a trail may begin or end inside the frame. None = no narrow ridge."""
    low, high = _extent(ok, line)
    if not high - low > SEGMENTS:
        return None
    edges = np.linspace(low, high, SEGMENTS + 1)
    heights, tilts = _ridge(z, ok, line, edges)
    usable = np.isfinite(heights)
    heights = np.where(usable, heights, 0.0)
    best = (0.0, 0, 0)
    n_above = [0, *np.cumsum(heights > 1).tolist()]
    for i in range(SEGMENTS):
        for j in range(i + LEAST_RUN, SEGMENTS + 1):
            if (n_above[j] - n_above[i]) / (j - i) < 0.7:
                continue
            run = heights[i:j]
            strength = run.sum() / math.sqrt(j - i)
            if strength > best[0] and np.median(run) > 1.4:  # a median takes longest
                best = (strength, i, j)
    strength, i, j = best
    if strength < RUN_THRESHOLD or abs(tilts[i:j].sum()) > MOST_TILT * heights[i:j].sum():
        return None
    core = np.array([edges[i], edges[j]])
    if j - i >= 0.6 * usable.sum():
        return _Run(core, np.array([low - 1, high + 1]))
    return _Run(core, np.array([edges[max(i - 1, 0)], edges[min(j + 1, SEGMENTS)]]))


def _edges(z: Array, ok: Array, line: Array, span: Array) -> tuple[float, float]:
    """Edges of a trail across its axis, with a margin."""
    sums, counts = _profile(z, ok, line, span)
    strength = sums / np.sqrt(np.maximum(counts, 1))
    centre = MAX_HALF - 3 + int(np.argmax(strength[MAX_HALF - 3 : MAX_HALF + 4]))
    edges = []
    for direction in (-1, 1):
        k, gap = centre, 0
        while 0 <= k + direction <= 2 * MAX_HALF and gap < 3:
            k += direction
            gap = 0 if strength[k] > 3 else gap + 1
        edges.append(k - direction * gap - MAX_HALF + direction * MARGIN)
    return edges[0], edges[1]


def _seen(z: Array, ok: Array, line: Array, span: Array, core: Array) -> Array:
    """First and last position where the ridge is seen: the run of most excess over half its height."""
    start = math.floor(span[0])
    sums, counts = _heights(z, ok, line, start, math.ceil(span[1]) - start + 1)
    heights = sums / np.maximum(counts, 1)
    along = start + np.arange(heights.size)
    usable = counts > 0
    in_core = usable & (along >= core[0]) & (along <= core[1])
    excess = np.cumsum(np.where(usable, heights - 0.5 * np.median(heights[in_core]), 0.0))
    before = np.concatenate([[0.0], excess[:-1]])
    lowest = np.minimum.accumulate(before)
    last = int(np.argmax(excess - lowest))
    first = int(np.argmin(before[: last + 1]))
    return np.array([float(along[first]), float(along[last])])


@njit(**OPTIONS)
def _heights(z: Array, ok: Array, line: Array, start: int, n: int) -> tuple[Array, Array]:
    """Sum and count of the clipped residual in the core, by position along a line from `start` on, px."""
    x0, y0, ux, uy = line
    sums, counts = np.zeros(n), np.zeros(n)
    for y in range(z.shape[0]):
        first, last = _columns(line, y, CORE, z.shape[1])
        for x in range(first, last):
            if ok[y, x] and abs((x - x0) * uy - (y - y0) * ux) <= CORE:
                k = math.floor((x - x0) * ux + (y - y0) * uy - start + 0.5)
                if 0 <= k < n:
                    sums[k] += min(max(z[y, x], F(-CLIP)), F(CLIP))
                    counts[k] += 1
    return sums, counts


def brightness(residual: Residual, line: Array, span: Array) -> float:
    """Median of the excess, not clipped, on the axis of a trail."""
    along = np.arange(span[0], span[1])
    x, y = ((line[k] + along * line[2 + k] + 0.5).astype(int) for k in (0, 1))
    height, width = residual.z.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    seen = residual.height(y[inside], x[inside])
    seen = seen[np.isfinite(seen)]
    return float(np.median(seen)) if seen.size else 0.0
