"""Straight lines in a residual: satellites, aircraft, meteors.

A fast Radon transform (Götz and Druck 1996; Brady 1998) sums the residual along every straight line; what stands out
must also be a narrow ridge against its own neighbourhood, for clouds and gradients make broad ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.kernels import OPTIONS, F

MAX_GRID = 512
"""The transform runs on at most so many bins a side."""
THRESHOLD = 5.5
RUN_THRESHOLD = 5.8
"""Least strength of a line over the whole picture, and of its best run as a narrow ridge; noise runs stay below 5.1."""
AXIS_DEG = 1.5
AXIS_THRESHOLD = 20.0
"""Lines along the sensor's rows or columns are read-out pattern unless they are this strong."""
MOST_LINES = 4
SEGMENTS = 16
LEAST_RUN = 3
CLIP = 4.0
BLOCK = 4
CORE = 1.5
SIDE_FROM, SIDE_TO = 6.0, 11.0
"""A trail is a ridge of this half width, px of the guide, above side bands at this distance."""
MAX_HALF = 8
MARGIN = 1.0


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail found in one sub, px of the residual it was found in.

    Attributes
    ----------
    x0, y0, x1, y1 : float
        End points of what is masked.
    low, high : float
        Edges across the line, px from the axis.
    snr : float
        Strength of the whole line, in σ.
    brightness : float
        Mean residual on the axis, in σ of a px.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    low: float
    high: float
    snr: float
    brightness: float


@njit(**OPTIONS)
def _line_sums(a: Array) -> Array:
    """R[s, x + H] = sum of a (H × W, H = 2^k) along the line from x in the first row to x + s in the last."""
    height, width = a.shape
    wide = width + height
    now = np.zeros((height, 1, wide), np.float32)
    now[:, 0, height:] = a
    rows = 1
    while rows < height:
        new = np.zeros((now.shape[0] // 2, 2 * rows, wide), np.float32)
        for b in range(new.shape[0]):
            for s in range(2 * rows):
                upper = s // 2
                shift = s - upper
                top, below, out = now[2 * b, upper], now[2 * b + 1, upper], new[b, s]
                for x in range(wide - shift):
                    out[x] = top[x] + below[x + shift]
                for x in range(wide - shift, wide):
                    out[x] = top[x]
        now = new
        rows *= 2
    result: Array = now[0]
    return result


@njit(**OPTIONS)
def _strongest(sums: Array, counts: Array, least: float) -> tuple[float, int, int, int]:
    """Strongest line of one or three bins width: (σ, s, x, width)."""
    best, best_s, best_x, best_w = 0.0, 0, 0, 1
    n_s, wide = sums.shape
    for s in range(n_s):
        for x in range(1, wide - 1):
            n = counts[s, x]
            if n > least:
                v = sums[s, x] / math.sqrt(n)
                if v > best:
                    best, best_s, best_x, best_w = v, s, x, 1
            n3 = n + counts[s, x - 1] + counts[s, x + 1]
            if n3 > 3 * least:
                v = (sums[s, x - 1] + sums[s, x] + sums[s, x + 1]) / math.sqrt(n3)
                if v > best:
                    best, best_s, best_x, best_w = v, s, x, 3
    return best, best_s, best_x, best_w


@njit(**OPTIONS)
def _binned(z: Array, ok: Array, step: int, size: int) -> tuple[Array, Array]:
    """Bin the clipped residual: sums over step × step px and how many px count, each (size, size)."""
    sums = np.zeros((size, size), np.float32)
    counts = np.zeros((size, size), np.float32)
    h, w = z.shape[0] // step, z.shape[1] // step
    for y in range(h * step):
        for x in range(w * step):
            if ok[y, x]:
                sums[y // step, x // step] += min(max(z[y, x], F(-CLIP)), F(CLIP))
                counts[y // step, x // step] += F(1)
    return sums, counts


def find_lines(z: Array, ok: Array) -> list[tuple[float, float, float, float, float]]:
    """Lines that stand out of a residual whose sums have unit noise: (x0, y0, x1, y1, σ), strongest first, px of `z`.

    Parameters
    ----------
    z : (h, w) float32
    ok : (h, w) bool
        Px that may be used.
    """
    step = max(1, math.ceil(max(z.shape) / MAX_GRID))
    size = 1 << math.ceil(math.log2(max(max(z.shape) // step, 2)))
    sums, counts = _binned(z, ok, step, size)
    full = counts > step * step / 2
    if full.sum() < 100:
        return []
    middle = float(np.median(sums[full] / counts[full]))
    sums = (sums - middle * counts).astype(np.float32)
    lines = []
    for _ in range(MOST_LINES):
        line = _strongest_line(sums, counts, 0.15 * size * step * step)
        if line[4] < THRESHOLD:
            break
        x0, y0, x1, y1, sn = line
        lines.append(
            ((x0 + 0.5) * step - 0.5, (y0 + 0.5) * step - 0.5, (x1 + 0.5) * step - 0.5, (y1 + 0.5) * step - 0.5, sn)
        )
        _erase(sums, counts, x0, y0, x1, y1)
    return lines


def _strongest_line(sums: Array, counts: Array, least: float) -> tuple[float, float, float, float, float]:
    """Over the four octants of direction."""
    size = sums.shape[0]
    best = (0.0, 0.0, 0.0, 0.0, 0.0)
    for octant in range(4):
        a, n = sums, counts
        if octant >= 2:
            a, n = a.T, n.T
        if octant % 2:
            a, n = a[:, ::-1], n[:, ::-1]
        sn, s, x, _ = _strongest(_line_sums(np.ascontiguousarray(a)), _line_sums(np.ascontiguousarray(n)), least)
        if sn > best[4]:
            ends = []
            for px, py in ((x - size, 0.0), (x - size + s, size - 1.0)):
                qx = size - 1 - px if octant % 2 else px
                ends += [py, qx] if octant >= 2 else [qx, py]
            best = (float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]), float(sn))
    return best


@njit(**OPTIONS)
def _erase(sums: Array, counts: Array, x0: float, y0: float, x1: float, y1: float) -> None:
    """Take a line of five bins width out, so that the next one can be found."""
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    for y in range(sums.shape[0]):
        for x in range(sums.shape[1]):
            if abs((x - x0) * uy - (y - y0) * ux) <= 2.5:
                sums[y, x] = F(0)
                counts[y, x] = F(0)


@njit(**OPTIONS)
def _ridge(z: Array, ok: Array, line: Array, edges: Array) -> Array:
    """Per segment along a line: how far its core stands above its sides, in σ (Σ as in Welch's t, unit noise)."""
    x0, y0, ux, uy = line
    n = edges.size - 1
    core, side = np.zeros((n, 2)), np.zeros((n, 2))
    start, width = edges[0], (edges[n] - edges[0]) / n
    for y in range(z.shape[0]):
        for x in range(z.shape[1]):
            if not ok[y, x]:
                continue
            d = abs((x - x0) * uy - (y - y0) * ux)
            if d > SIDE_TO or CORE < d <= SIDE_FROM:
                continue
            k = min(max(int(((x - x0) * ux + (y - y0) * uy - start) / width), 0), n - 1)
            v = min(max(z[y, x], F(-CLIP)), F(CLIP))
            if d <= CORE:
                core[k, 0] += v
                core[k, 1] += 1
            else:
                side[k, 0] += v
                side[k, 1] += 1
    out = np.zeros(n)
    for k in range(n):
        if core[k, 1] >= 20 and side[k, 1] >= 40:
            height = core[k, 0] / core[k, 1] - side[k, 0] / side[k, 1]
            out[k] = height / math.sqrt(1.3 / core[k, 1] + 3.0 / side[k, 1])
        else:
            out[k] = np.nan
    return out


@njit(**OPTIONS)
def _extent(ok: Array, line: Array) -> tuple[float, float]:
    """First and last position along a line that lies on usable px."""
    x0, y0, ux, uy = line
    low, high = np.inf, -np.inf
    for y in range(ok.shape[0]):
        for x in range(ok.shape[1]):
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
        for x in range(z.shape[1]):
            if ok[y, x]:
                d = (x - x0) * uy - (y - y0) * ux
                along = (x - x0) * ux + (y - y0) * uy
                if abs(d) < MAX_HALF + 0.5 and span[0] <= along <= span[1]:
                    k = math.floor(d + 0.5) + MAX_HALF
                    sums[k] += min(max(z[y, x], F(-CLIP)), F(6))
                    counts[k] += 1
    return sums, counts


@njit(**OPTIONS)
def _paint(mask: Array, line: Array, span: Array, across: Array) -> None:
    """Mark px within span along a line and within the edges across it."""
    x0, y0, ux, uy = line
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            d = (x - x0) * uy - (y - y0) * ux
            along = (x - x0) * ux + (y - y0) * uy
            if across[0] <= d <= across[1] and span[0] <= along <= span[1]:
                mask[y, x] = True


def correlation(z: Array, ok: Array) -> float:
    """How much more the mean of 4 × 4 px scatters than that of as many independent ones: interpolation smooths noise.

    Sums along a line scatter by as much more.
    """
    h, w = z.shape[0] // BLOCK, z.shape[1] // BLOCK
    blocks = (h, BLOCK, w, BLOCK)
    whole = ok[: h * BLOCK, : w * BLOCK].reshape(blocks).all(axis=(1, 3))
    if whole.sum() < 100:
        return 1.0
    clipped = np.clip(z[: h * BLOCK, : w * BLOCK], -CLIP, CLIP)
    means = clipped.reshape(blocks).mean(axis=(1, 3))[whole]
    single = clipped[::BLOCK, ::BLOCK][whole]
    spread_of_means, spread = (float(np.median(np.abs(v - np.median(v)))) for v in (means, single))
    return float(np.clip(BLOCK * spread_of_means / max(spread, 1e-6), 1.0, 2.0))


def find_trails(z: Array, ok: Array, sensor_angle_deg: float, mask: Array) -> list[Trail]:
    """Find trails in a high-passed residual of unit noise and mark their px in `mask`.

    Parameters
    ----------
    z : (h, w) float32
    ok : (h, w) bool
    sensor_angle_deg : float
        Direction of the sensor's rows in this picture.
    mask : (h, w) bool
        Changed in place.
    """
    trails = []
    painted = np.zeros_like(mask)
    z = z / np.float32(correlation(z, ok))
    for x0, y0, x1, y1, sn in find_lines(z, ok):
        length = math.hypot(x1 - x0, y1 - y0)
        line = np.array([x0, y0, (x1 - x0) / length, (y1 - y0) / length])
        off = (math.degrees(math.atan2(line[3], line[2])) - sensor_angle_deg) % 90
        if min(off, 90 - off) < AXIS_DEG and sn < AXIS_THRESHOLD:
            continue
        span = _best_run(z, ok, line)
        if span is None or _is_painted(painted, line, span):
            continue
        low, high, height = _width(z, ok, line, span)
        _paint(painted, line, span, np.array([low, high]))
        ends = line[:2] + np.outer(span, line[2:])
        (ax, ay), (bx, by) = ends.tolist()
        trails.append(Trail(ax, ay, bx, by, low, high, sn, height))
    mask |= painted
    return trails


def _is_painted(painted: Array, line: Array, span: Array) -> bool:
    """Whether most of a line lies in a trail that was found before: the flank of a bright one."""
    along = np.arange(span[0], span[1])
    x = np.clip((line[0] + along * line[2]).round().astype(int), 0, painted.shape[1] - 1)
    y = np.clip((line[1] + along * line[3]).round().astype(int), 0, painted.shape[0] - 1)
    return bool(painted[y, x].mean() > 0.5)


def _best_run(z: Array, ok: Array, line: Array) -> Array | None:
    """Where along a line the ridge is: a trail may begin or end inside the frame. None = no narrow ridge."""
    low, high = _extent(ok, line)
    if not high - low > SEGMENTS:
        return None
    edges = np.linspace(low, high, SEGMENTS + 1)
    heights = _ridge(z, ok, line, edges)
    usable = np.isfinite(heights)
    heights = np.where(usable, heights, 0.0)
    best = (0.0, 0, 0)
    for i in range(SEGMENTS):
        for j in range(i + LEAST_RUN, SEGMENTS + 1):
            run = heights[i:j]
            strength = run.sum() / math.sqrt(j - i)
            if (run > 1).mean() >= 0.7 and np.median(run) > 1.4 and strength > best[0]:
                best = (strength, i, j)
    strength, i, j = best
    if strength < RUN_THRESHOLD:
        return None
    if j - i >= 0.6 * usable.sum():
        return np.array([low - 1, high + 1])
    return np.array([edges[max(i - 1, 0)], edges[min(j + 1, SEGMENTS)]])


def _width(z: Array, ok: Array, line: Array, span: Array) -> tuple[float, float, float]:
    """Edges of a trail across its axis, with a margin, and its height on the axis in σ."""
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
    return edges[0], edges[1], float(sums[centre] / max(counts[centre], 1))
