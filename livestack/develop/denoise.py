"""Less grain, with the stars and the shapes left: wavelets, and what of them is above the noise of its place.

The starlet transform (isotropic, undecimated; Starck and Murtagh 2006): scale by scale, what is not above the standard
error of the px there is weakened, less so where others about it stand out too. What a warp, a debayer or a drizzle did
to the noise is measured at each scale.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from livestack.develop.kernels import keep_significant, smooth
from livestack.develop.plate import Plate
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

NORMS = (0.8908, 0.2007, 0.0856, 0.0413)
"""σ of each scale of white noise of σ 1."""
USUAL_SHARE = 0.8
"""Noise that is not known has about so much of its finest scale left, after a warp."""
SLACK = 1.15
LIMITS = (4.0, 3.0, 2.5, 2.0)
"""σ of a scale, from the finest on, that are kept out."""
PX_ROWS = 64
SAMPLED_A_SIDE, CELL = 256, 16
"""The noise of a scale is told from so many px a side, in cells of so many of them."""
QUIET = 0.1
"""Share of the cells, the quietest, that hold noise alone."""


@dataclass(frozen=True, slots=True)
class Denoise:
    """Take grain away, most where there is most of it.

    Attributes
    ----------
    strength : float
        1 = as measured to be best for a stack of few subs; 0 = nothing.
    """

    name: ClassVar[str] = "denoise"
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 4:
            raise SettingsError(f"denoise: strength is 0 to 4, not {self.strength:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Denoise:
        """Nothing is told before: the noise is that of the picture it is applied to."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Take the grain of a plate away; what is not known stays so."""
        if self.strength == 0:
            return plate
        scratch = np.empty((3, *plate.data.shape[1:]), np.float32)
        alike = np.ones(plate.data.shape[1:], np.float32) if plate.noise is None else None
        for c, plane in enumerate(plate.data):
            bare = None if _is_known(plane) else ~np.isfinite(plane)
            if bare is not None:
                plane[bare] = np.nanmedian(plane[::4, ::4]) if not bare[::4, ::4].all() else 0
            certainty = alike if alike is not None else _certainty(plate.noise[c])  # type: ignore[index]
            scale = plate.noise_scales[c] if alike is None else None
            denoise_plane(plane, (certainty, scale), self.strength, scratch, threads)
            if bare is not None:
                plane[bare] = np.nan
        return plate


def _is_known(plane: Array) -> bool:
    """Whether all of a plane is finite, at one glance."""
    return bool(np.isfinite(plane.sum()))


def _certainty(noise: Array) -> Array:
    """1 / noise of each px (H, W); where it is not known, the typical one."""
    if not (_is_known(noise) and noise.min() > 0):
        known = np.isfinite(noise) & (noise > 0)
        noise = np.where(known, noise, np.float32(np.median(noise[known]) if known.any() else 1))
    return np.reciprocal(noise, dtype=np.float32)


def denoise_plane(
    plane: Array, known: tuple[Array, float | None], strength: float, scratch: Array, threads: Executor | None
) -> None:
    """Denoise (H, W) in place.

    Parameters
    ----------
    known : (H, W) float32, and a number
        1 / noise, and what the noise was multiplied with since; None = only how it varies over the picture is known.
    scratch : (3, H, W) float32
    """
    (certainty, scale), kept, finer = known, scratch[2], plane
    scales = [k for k in range(len(LIMITS)) if min(plane.shape) > 4 << k]
    if len(scales) < 2:
        return
    kept[:] = 0
    most = np.array(NORMS)
    for k in scales:
        step, coarser = 1 << k, scratch[k % 2]
        by_rows(len(plane), threads, smooth, finer, step, coarser)
        told = _noise_of_scale(finer, coarser, certainty)
        if k == 0:
            sigma = max(scale or told / (USUAL_SHARE * NORMS[0]), 1e-12)
            most = sigma * _most_of_scales(told / sigma)
        limits = strength * LIMITS[k] * min(told, float(most[k])), step
        by_rows(len(plane), threads, keep_significant, (finer, coarser), certainty, limits, kept)
        finer = coarser
    np.add(kept, finer, out=plane)


def _most_of_scales(finest: float) -> Array:
    """Noise of each scale at most, over that of a px: what a warp or a debayer took from the finest is in the others.

    In crowded fields there is no place where a coarse scale holds noise alone, and more is told than there is.
    """
    power = np.array(NORMS) ** 2
    share = min(finest**2 / power[0], 1.0)
    others = (1 - share * power[0]) / (1 - power[0])
    return np.asarray(SLACK * np.sqrt(power * np.array([share, others, others, others])))


def by_rows(height: int, threads: Executor | None, kernel: Callable[..., None], *arrays: object) -> None:
    """Run a kernel, whose last argument but one is which rows, over all rows."""
    *sources, out = arrays
    each_part(height, PX_ROWS, threads, lambda y0, y1: kernel(*sources, (y0, y1), out))


def _noise_of_scale(finer: Array, coarser: Array, certainty: Array) -> float:
    """σ of what lies between two scales, over the noise: of the quietest cells, where nothing else is."""
    step = max(1, int(np.sqrt(finer.size)) // SAMPLED_A_SIDE) | 1
    seen = np.s_[::step, ::step]
    ratio = np.abs((finer[seen] - coarser[seen]) * certainty[seen])
    ny, nx = ratio.shape[0] // CELL, ratio.shape[1] // CELL
    if not ny or not nx:
        return 1.4826 * float(np.median(ratio))
    cells = ratio[: ny * CELL, : nx * CELL].reshape(ny, CELL, nx, CELL).swapaxes(1, 2).reshape(ny * nx, -1)
    cells.sort(axis=1)
    middle = cells.shape[1] // 2
    spread = np.sort(0.5 * (cells[:, middle - 1] + cells[:, middle]))
    spread = spread[spread > 0]  # nothing changes where nothing is known
    return 1.4826 * float(spread[int(QUIET * len(spread))]) if spread.size else 0.0
