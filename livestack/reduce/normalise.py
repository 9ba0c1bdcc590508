"""Bring a sub to the stack's sky and find its noise, from small blocks of the difference: stars and nebulae cancel."""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.fold import Light, typical_weight
from livestack.reduce.kernels import OPTIONS, F, warp_and_normalise
from livestack.stack import Stack

BLOCK = 32
MESH = 12
"""Blocks of 32 × 32 px, on a mesh of 12 × 12 over the grid."""
LEAST_BLOCKS = 12
"""Fewer usable blocks than this: a level, no slope."""


@njit(**OPTIONS)
def _block_statistics(
    light: tuple[Array, Array, Array, Array, Array, Array],
    sky: Array,
    scale: float,
    against: tuple[Array, Array],
    corners: Array,
    out: Array,
) -> None:
    """Median and 1.4826 MAD of (sample − mean) per channel and block into out (C, B, 2); NaN where half is missing.

    Parameters
    ----------
    against : mean and coverage of a stack.
    """
    mean, coverage = against
    channels = mean.shape[0]
    box = np.empty(4, np.int64)
    for b in range(corners.shape[0]):
        y0, x0, h, w = corners[b]
        box[0], box[1], box[2], box[3] = y0, y0 + h, x0, x0 + w
        sample = np.full((channels, h, w), F(np.nan), np.float32)
        touched = warp_and_normalise(light, sky, scale, box, sample)
        for c in range(channels):
            out[c, b, 0] = out[c, b, 1] = np.nan
            if not touched:
                continue
            values = np.empty(h * w, np.float32)
            n = 0
            for y in range(h):
                for x in range(w):
                    if np.isfinite(sample[c, y, x]) and coverage[c, y0 + y, x0 + x] > 0:
                        values[n] = sample[c, y, x] - mean[c, y0 + y, x0 + x]
                        n += 1
            if 2 * n < h * w:
                continue
            middle = np.median(values[:n])
            out[c, b, 0] = middle
            out[c, b, 1] = 1.4826 * np.median(np.abs(values[:n] - middle))


def _corners(height: int, width: int) -> Array:
    """(B, 4) int64: y, x, rows, columns of each block."""
    h, w = min(BLOCK, height), min(BLOCK, width)
    ys = np.unique(np.linspace(0, height - h, MESH).round().astype(np.int64))
    xs = np.unique(np.linspace(0, width - w, MESH).round().astype(np.int64))
    return np.array([(y, x, h, w) for y in ys for x in xs], np.int64)


def _statistics(stack: Stack, light: Light, sky: Array, scale: float) -> tuple[Array, Array]:
    _, height, width = stack.shape
    corners = _corners(height, width)
    out = np.empty((stack.shape[0], len(corners), 2), np.float64)
    _block_statistics(light.arrays, sky, scale, (stack.mean, stack.coverage), corners, out)
    return corners, out


def sky_level(light: Light, stack_shape: tuple[int, int, int]) -> Array:
    """Sky of a founding sub: (C, 3) float64, the median over blocks of their medians; no slope. ADU."""
    blank = Stack(stack_shape)
    blank.coverage[:] = 1
    sky = np.zeros((stack_shape[0], 3))
    _, blocks = _statistics(blank, light, sky, 1.0)
    # the lower quartile of the blocks' medians: the rest may hold the object
    levels = np.nanpercentile(blocks[:, :, 0], 40, axis=1)
    sky[:, 0] = np.where(np.isfinite(levels), levels, 0.0)
    return sky


def sky_plane(stack: Stack, light: Light) -> Array:
    """Level and slope of a sub's sky over the stack's: (C, 3) float64, ADU of the sub.

    A plane through the medians of (sample − scale · mean) of the blocks, refitted three times without those that
    lie farther than 4 of their robust σ.
    """
    scale = light.scale
    unscaled = np.zeros((stack.shape[0], 3))
    scaled = Stack((0, 0, 0))
    scaled.mean, scaled.coverage = stack.mean, stack.coverage
    corners, blocks = _statistics(scaled, light, unscaled, scale)
    centre = corners[:, :2] + corners[:, 2:] / 2 - 0.5
    sky = np.zeros((stack.shape[0], 3))
    for c in range(stack.shape[0]):
        sky[c] = _plane(centre, blocks[c, :, 0] * scale)
    return sky


def _plane(centre: Array, level: Array) -> Array:
    """Fit (level at the origin, slope along x, slope along y)."""
    good = np.isfinite(level)
    if not good.any():
        return np.zeros(3)
    fit = np.array([np.median(level[good]), 0.0, 0.0])
    if good.sum() < LEAST_BLOCKS:
        return fit
    # centred and scaled, so that the 3 × 3 system is well conditioned
    middle, half = centre[good].mean(axis=0), max(float(np.ptp(centre[good])), 1.0)
    y, x = ((centre - middle) / half).T
    design = np.stack([np.ones_like(x), x, y], axis=1)
    for _ in range(3):
        rows, values = design[good], level[good]
        normal = (rows[:, :, None] * rows[:, None, :]).sum(axis=0)
        if np.linalg.cond(normal) > 1e6:
            return fit
        a, b, c = np.linalg.solve(normal, (rows * values[:, None]).sum(axis=0))
        residual = level - design @ np.array([a, b, c])
        spread = 1.4826 * np.median(np.abs(residual[good]))
        fit = np.array([a - (b * middle[1] + c * middle[0]) / half, b / half, c / half])
        kept = np.isfinite(level) & (np.abs(residual) <= max(4 * spread, 1e-9))
        if kept.sum() < LEAST_BLOCKS or (kept == good).all():
            break
        good = kept
    return fit


def sample_noise(stack: Stack, light: Light) -> Array:
    """Variance of one sample of a sub on the stack's scale, (C,) float64, ADU²: from the difference to the mean.

    Stars cancel in the difference, so crowding does not read as noise. The mean's own share is taken off.
    """
    _, blocks = _statistics(stack, light, light.sky, light.scale)
    variance = np.full(stack.shape[0], np.nan)
    for c in range(stack.shape[0]):
        spread = blocks[c, :, 1][np.isfinite(blocks[c, :, 1])]
        if len(spread):
            variance[c] = np.median(spread) ** 2 / (1 + light.weight / typical_weight(stack.weight[c]))
    return np.where(np.isfinite(variance), np.maximum(variance, 1e-12), 1e12)
