"""What is darker than the sky, and no px wide: a warp leaves it beside stars that are cut off, and cold px do.

Light only adds: nothing in the sky is darker than the sky itself but by its grain. The stack keeps what was measured;
a picture need not show it.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from livestack.develop.kernels import count_below
from livestack.develop.plate import PX_ROWS, Plate
from livestack.develop.tone import ground_of
from livestack.frame import Array
from livestack.reduce.bands import each_part

DARKER = 5.0
"""σ below the sky, and below what surrounds it."""
REACH = 2
"""Surroundings are 5 × 5 px: what is as wide is no undershoot."""
AT_ONCE = 1 << 16
SAMPLED_PX = 10_000
"""So many px tell the sky and its grain."""


@dataclass(frozen=True, slots=True)
class Undershoot:
    """Fill px that are far darker than the sky, and than what surrounds them."""

    name: ClassVar[str] = "undershoot"

    def settle(self, plate: Plate, threads: Executor | None = None) -> Undershoot:
        """Nothing is told before: the noise is that of the picture it is applied to."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Fill them; what is not known stays so."""
        _, h, w = plate.shape
        step = max(1, math.isqrt(h * w // SAMPLED_PX))
        few = plate.data[:, ::step, ::step], None if plate.noise is None else plate.noise[:, ::step, ::step]
        ground = ground_of(plate.with_data(few[0], noise=few[1]), threads, linked=False, cores=False)

        depths = [DARKER * sigma for sigma in ground.sigma]
        limits = [sky - depth for sky, depth in zip(ground.sky, depths, strict=True)]

        def count(y0: int, y1: int) -> list[int]:
            return [count_below(plane, limit, (y0, y1)) for plane, limit in zip(plate.data, limits, strict=True)]

        # mostly there are none, which is seen faster than where they are
        dark = np.sum(each_part(h, PX_ROWS, threads, count), axis=0)
        for plane, limit, depth, n in zip(plate.data, limits, depths, dark, strict=True):
            if n:
                _fill(plane, limit, depth)
        return plate


def _fill(plane: Array, limit: float, depth: float) -> None:
    """Give px of a plane (H, W) below a limit the median of 5 × 5 px, where that is so much higher; in place."""
    h, w = plane.shape
    dark = np.flatnonzero(plane < np.float32(limit))
    y, x = np.divmod(dark, w)
    inside = (y >= REACH) & (y < h - REACH) & (x >= REACH) & (x < w - REACH)
    dark, flat = dark[inside], plane.reshape(-1)
    reach = np.arange(-REACH, REACH + 1)
    about = (reach[:, None] * w + reach).ravel()
    told = [np.sort(flat[some[:, None] + about], axis=1)[:, about.size // 2] for some in _parts(dark)]
    if told:
        level = np.concatenate(told)
        shallow = level - flat[dark] > np.float32(depth)
        flat[dark[shallow]] = level[shallow]


def _parts(px: Array) -> list[Array]:
    return [px[k : k + AT_ONCE] for k in range(0, len(px), AT_ONCE)]
