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
CURVED_FROM = 48
"""Fewer usable blocks than this: a level; a plane; from here on a curved surface."""


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
    """Sky of a founding sub: (C, 6) float64, the median over blocks of their medians; no slope. ADU."""
    blank = Stack(stack_shape)
    blank.coverage[:] = 1
    sky = np.zeros((stack_shape[0], 6))
    _, blocks = _statistics(blank, light, sky, 1.0)
    # the lower quartile of the blocks' medians: the rest may hold the object
    levels = np.nanpercentile(blocks[:, :, 0], 40, axis=1)
    sky[:, 0] = np.where(np.isfinite(levels), levels, 0.0)
    return sky


def sky_surface(stack: Stack, light: Light) -> Array:
    """Sky of a sub over the stack's: (C, 6) float64, coefficients of 1, x, y, x², xy, y² at grid px, ADU of the sub.

    A surface through the medians of (sample − scale · mean) of the blocks: a level for few blocks, a plane for more,
    curved for many.
    """
    unscaled = np.zeros((stack.shape[0], 6))
    corners, blocks = _statistics(stack, light, unscaled, light.scale)
    centre = corners[:, :2] + corners[:, 2:] / 2 - 0.5
    # on a small grid the blocks overlap
    independent = stack.shape[1] * stack.shape[2] / BLOCK**2
    return np.stack([_surface(centre, blocks[c, :, 0] * light.scale, independent) for c in range(stack.shape[0])])


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
    design = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)[:, :terms]
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
    _, blocks = _statistics(stack, light, light.sky, light.scale)
    variance = np.full(stack.shape[0], np.nan)
    for c in range(stack.shape[0]):
        spread = blocks[c, :, 1][np.isfinite(blocks[c, :, 1])]
        if len(spread):
            variance[c] = np.median(spread) ** 2 / (1 + light.weight / typical_weight(stack.weight[c]))
    return np.where(np.isfinite(variance), np.maximum(variance, 1e-12), 1e12)
