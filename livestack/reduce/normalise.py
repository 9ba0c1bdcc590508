"""Bring a sub to the stack's sky and find its noise, from small blocks of the difference: stars and nebulae cancel."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Executor

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view

from livestack.frame import Array
from livestack.reduce.bands import each_part
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.fold import Light, typical_weight
from livestack.reduce.kernels import Pose, Sensor, subtract_sky, warp_and_normalise
from livestack.reduce.level import IN_ANY_ORDER
from livestack.reduce.medians import median_of_bits
from livestack.stack import Shape, Stack

BLOCK = 32
MESH = 12
"""Blocks of 32 × 32 px, on a mesh of 12 × 12 over the grid."""
SAMPLED, TOLD = 18, 12
"""Blocks sampled, and told of, at a time."""
LEAST_BLOCKS = 12
BIWEIGHT = 4.685
"""Tukey's constant: what is so many σ off counts nothing; 95 % efficient for Gaussian noise."""
CURVED_FROM = 48
"""Fewer usable blocks than this: a level; a plane; from here on a curved surface."""


@njit(**(INNER | IN_ANY_ORDER))
def _biweight(values: Array, middle: float, reach: float) -> float:
    """Mean of values, each counting the less the farther from the middle it lies, and nothing beyond reach."""
    per_reach = 1 / reach if reach > 0 else 0.0
    for _ in range(3):
        total = weights = 0.0
        for i in range(values.size):
            off = values[i] - middle
            u = off * per_reach
            near = abs(u) < 1  # what is NaN is not
            rest = 1 - u * u if near else 0.0
            total += rest * rest * (off if near else 0.0)
            weights += rest * rest
        middle += total / weights if weights > 0 else 0.0
    return middle


@njit(**OPTIONS)
def _tell(blocks: Array, medians: Array, spreads: Array, middles: Array) -> None:
    """Median, 1.4826 MAD and, where there is room for it, biweight of each of (N, n) blocks.

    They are NaN where half of its px are missing.
    """
    keys, off = np.empty(blocks.shape[1], np.int32), np.empty(blocks.shape[1], np.float32)
    for k in range(len(blocks)):
        block = blocks[k]
        medians[k] = median_of_bits(block.view(np.int32), keys)
        for i in range(block.size):
            off[i] = abs(block[i] - medians[k])
        spreads[k] = F(1.4826) * median_of_bits(off.view(np.int32), keys)
        if middles.size:
            middles[k] = medians[k]
            if np.isfinite(medians[k]):
                middles[k] = _biweight(block, float(medians[k]), BIWEIGHT * float(spreads[k]))


def _spread(blocks: Array) -> Array:
    """1.4826 MAD of each of (C, B, h, w) blocks, (C, B); NaN where half of its px are missing."""
    spreads = np.empty(blocks.shape[:2], np.float32)
    flat = np.ascontiguousarray(blocks.reshape(spreads.size, -1), np.float32)
    _tell(flat, np.empty(spreads.size, np.float32), spreads.ravel(), np.empty(0))
    return spreads


def _middle(blocks: Array, threads: Executor | None = None) -> Array:
    """Middle of each of (C, B, h, w) blocks, (C, B) float64; NaN where half of its px are missing.

    Tukey's biweight from the median: as good as a mean where nothing but sky is, so that the noise of a block is the
    same whatever it is compared with, and blind to what stands out.
    """
    middles = np.empty(blocks.shape[:2])
    flat, out = np.ascontiguousarray(blocks.reshape(middles.size, -1), np.float32), middles.ravel()
    medians, spreads = np.empty((2, out.size), np.float32)
    each_part(out.size, TOLD, threads, lambda k0, k1: _tell(flat[k0:k1], medians[k0:k1], spreads[k0:k1], out[k0:k1]))
    return middles


def _corners(height: int, width: int) -> Array:
    """(B, 4) int64: y, x, rows, columns of each block."""
    h, w = min(BLOCK, height), min(BLOCK, width)
    ys = np.unique(np.linspace(0, height - h, MESH).round().astype(np.int64))
    xs = np.unique(np.linspace(0, width - w, MESH).round().astype(np.int64))
    return np.array([(y, x, h, w) for y in ys for x in xs], np.int64)


def sky_blocks(light: Light, shape: Shape) -> Array:
    """Return samples of a sub in the blocks that sky is told by: (C, B, h, w) float32, NaN where there is none."""
    blocks = _sampled(light, shape).copy()
    _normalise(blocks, _corners(*shape[1:]), light.sky, light.scale)
    return blocks


def with_blocks(light: Light, shape: Shape, threads: Executor | None = None) -> Light:
    """Return the light with its samples in the blocks that sky and noise are told by."""
    return dataclasses.replace(light, blocks=_sampled(light, shape, threads))


@njit(**OPTIONS)
def _sample_blocks(sensor: Sensor, pose: Pose, no_sky: Array, corners: Array, blocks: Array) -> None:
    """Sample blocks (B, C, h, w) of a sub as it is; what it does not touch stays."""
    box = np.empty(4, np.int64)
    for k in range(len(corners)):
        box[0], box[1] = corners[k, 0], corners[k, 0] + corners[k, 2]
        box[2], box[3] = corners[k, 1], corners[k, 1] + corners[k, 3]
        warp_and_normalise(sensor, pose, no_sky, 1.0, box, blocks[k])


def _sampled(light: Light, shape: Shape, threads: Executor | None = None) -> Array:
    """Return samples of a sub as it is, its sky in them, (C, B, h, w)."""
    if light.blocks is not None:
        return light.blocks
    corners, no_sky = _corners(*shape[1:]), np.zeros((shape[0], 6))
    blocks = np.full((len(corners), shape[0], *corners[0, 2:]), np.nan, np.float32)
    pose = None if light.lies_on_grid else light.pose
    each_part(
        len(corners),
        SAMPLED,
        threads,
        lambda k0, k1: _sample_blocks(light.sensor, pose, no_sky, corners[k0:k1], blocks[k0:k1]),
    )
    return np.ascontiguousarray(blocks.swapaxes(0, 1))


@njit(**OPTIONS)
def _normalise(blocks: Array, corners: Array, sky: Array, scale: float) -> None:
    """Take the sky off blocks (C, B, h, w), and bring them to the stack's scale, as the fold does."""
    factor = F(1.0 / scale)
    for c in range(blocks.shape[0]):
        for b in range(blocks.shape[1]):
            for y in range(blocks.shape[2]):
                subtract_sky(blocks[c, b, y], sky[c], corners[b, 1], corners[b, 0] + y, factor)


def sky_blocks_of_stack(stack: Stack) -> Array:
    """Mean of a stack in the blocks that the sky of its subs is told by, as `sky_blocks`."""
    corners = _corners(*stack.shape[1:])
    (y, x), size = corners[:, :2].T, (corners[0, 2], corners[0, 3])
    mean, coverage = (sliding_window_view(plane, size, (1, 2))[:, y, x] for plane in (stack.mean, stack.coverage))
    mean[np.broadcast_to(coverage == 0, mean.shape)] = np.nan
    return mean


def sky_level(light: Light, shape: Shape) -> Array:
    """Sky of a founding sub: (C, 6) float64, a level and no slope, ADU."""
    sky = np.zeros((shape[0], 6))
    blocks = _middle(_sampled(light, shape) * np.float32(1 / light.scale))
    # below the median of the blocks: many may hold the object
    levels = np.nanpercentile(blocks, 40, axis=1)
    sky[:, 0] = np.where(np.isfinite(levels), levels, 0.0)
    return sky


def sky_surface(blocks: Array, light: Light, shape: Shape, threads: Executor | None = None) -> Array:
    """Sky of a sub: (C, 6) float64, coefficients of 1, x, y, x², xy, y² at grid px, ADU of the sub.

    A surface through the middles of (sample − scale · known) of the blocks: a level for few blocks, a plane for more,
    curved for many.

    Parameters
    ----------
    blocks : (C, B, h, w) float32
        What the field shows without its sky, such as `sky_blocks` of the founding sub.
    """
    return light.scale * _surfaces(_sampled(light, shape) * np.float32(1 / light.scale) - blocks, shape, threads)


def tied_sky(blocks: Array, reference: Array, shape: Shape) -> Array:
    """Blocks moved by a surface so that their sky is that of the reference's.

    Subs that are brought to either then have the same sky, whatever the noise of the two.
    """
    corners = _corners(*shape[1:])
    (y0, x0), (h, w) = corners[:, :2].T[:, :, None, None], corners[0, 2:]
    y, x = np.broadcast_arrays(y0 + np.arange(h)[:, None], x0 + np.arange(w))
    surfaces = np.einsum("ck,kbhw->cbhw", _surfaces(reference - blocks, shape), _terms(y, x))
    moved: Array = blocks + surfaces.astype(np.float32)
    return moved


def _surfaces(differences: Array, shape: Shape, threads: Executor | None = None) -> Array:
    """Surface through the middles of (C, B, h, w) blocks: (C, 6)."""
    corners = _corners(*shape[1:])
    middles = _middle(differences, threads)
    centre = corners[:, :2] + corners[:, 2:] / 2 - 0.5
    # on a small grid the blocks overlap
    independent = shape[1] * shape[2] / BLOCK**2
    return np.stack([_surface(centre, middle, independent) for middle in middles])


def _surface(centre: Array, level: Array, independent: float) -> Array:
    """Fit, and fit again without blocks farther than 4 robust σ, three times at most."""
    good = np.isfinite(level)
    fit = np.zeros(6)
    if not good.any():
        return fit
    fit[0] = np.median(level[good])
    n_blocks = min(int(good.sum()), independent)
    if n_blocks < LEAST_BLOCKS:
        return fit
    terms = 6 if n_blocks >= CURVED_FROM else 3
    # centred and scaled, so that the system is well conditioned
    (my, mx), s = centre[good].mean(axis=0), 1 / max(float(np.ptp(centre[good])), 1.0)
    y, x = ((centre - (my, mx)) * s).T
    design = _terms(y, x)[:terms].T
    for _ in range(3):
        rows, values = design[good], level[good]
        normal = (rows[:, :, None] * rows[:, None, :]).sum(axis=0)
        if np.linalg.cond(normal) > 1e7:
            return fit
        k = np.zeros(6)
        k[:terms] = np.linalg.solve(normal, (rows * values[:, None]).sum(axis=0))
        residual = np.abs(level - design @ k[:terms])
        fit = _at_origin(k, mx, my, s)
        kept = np.isfinite(level) & (residual <= max(4 * 1.4826 * float(np.median(residual[good])), 1e-9))
        if kept.sum() < LEAST_BLOCKS or (kept == good).all():
            break
        good = kept
    return fit


def _terms(y: Array, x: Array) -> Array:
    """Return what the coefficients of a surface are multiplied with, along the first axis."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).astype(np.float64)


def _at_origin(k: Array, mx: float, my: float, s: float) -> Array:
    """Coefficients in u = s (x − mx), v = s (y − my) as coefficients in x and y."""
    c, u, v, uu, uv, vv = k
    return np.array(
        [
            c - s * (u * mx + v * my) + s * s * (uu * mx * mx + uv * mx * my + vv * my * my),
            s * u - s * s * (2 * uu * mx + uv * my),
            s * v - s * s * (2 * vv * my + uv * mx),
            s * s * uu,
            s * s * uv,
            s * s * vv,
        ]
    )


def sample_noise(stack: Stack, light: Light) -> Array:
    """Variance of one sample of a sub on the stack's scale, (C,) float64, ADU²: from the difference to the mean.

    Stars cancel in the difference, so crowding does not read as noise. The mean's own share is taken off.
    """
    spreads = _spread(sky_blocks(light, stack.shape) - sky_blocks_of_stack(stack))
    variance = np.full(stack.shape[0], np.nan)
    share = np.broadcast_to([1 + light.weight / typical_weight(plane) for plane in stack.weight], variance.shape)
    for c in range(stack.shape[0]):
        known = spreads[c][np.isfinite(spreads[c])]
        if len(known):
            variance[c] = float(np.median(known)) ** 2 / share[c]
    return np.where(np.isfinite(variance), np.maximum(variance, 1e-12), 1e12)
