"""Previews of a stack, of its last sub and of what was left out of it, as screens are to show them."""

from __future__ import annotations

import math
from concurrent.futures import Executor

import numpy as np

from livestack.events import SubAccepted
from livestack.frame import Array, Picture
from livestack.reduce.cells import CELL
from livestack.reduce.guide import guide_shape
from livestack.reduce.preview import brightest, preview, preview_step
from livestack.stack import Stack
from livestack.stacks.growth import Growth

GRAIN_PX = 10_000
"""About so many px, evenly spread, tell a stack's noise: to half a percent of it, whatever the camera."""


def stack_picture(growth: Growth, threads: Executor | None, version: int, plane: Array | None = None) -> Picture:
    """Preview of a stack as it is shown; `plane`, from `plane_of`, where its data were told of before."""
    shown = growth.shown()
    if plane is None:
        made = growth.preview if growth.preview is not None and growth.preview.size else preview(shown, threads)
        plane = plane_of(made)
    return Picture(
        data=plane,
        scale=1 / preview_step(*shown.shape[1:]),
        version=version,
        stack=growth.name,
        n_subs=shown.n_subs,
        exposure_s=shown.exposure_s,
        noise_adu=_grain(shown, growth),
        row_order=growth.founding.header.row_order,
    )


def plane_of(preview: Array) -> Array:
    """Return colours (h, w, 3), or the one plane (h, w), which nobody may change any more."""
    preview.flags.writeable = False
    return preview[:, :, 0] if preview.shape[2] == 1 else preview


def sub_picture(growth: Growth, sub: SubAccepted, version: int) -> Picture | None:
    """Preview of the last sub on the stack's grid: a sample per preview px, so its grain is a sub's."""
    if growth.sketch is None:
        return None
    return Picture(
        data=plane_of(growth.sketch),
        scale=1 / preview_step(*growth.founding.shape[1:]),
        version=version,
        stack=growth.name,
        n_subs=1,
        exposure_s=sub.exposure_s or 0.0,
        noise_adu=float(sub.quality["noise_adu"]),
        row_order=growth.founding.header.row_order,
    )


def removed_picture(growth: Growth, version: int, threads: Executor | None = None) -> Picture:
    """Preview of what was left out of a stack: luminance above the stack, ADU, the brightest of each px; 0 = nothing.

    On the guide's px, or the brightest of k × k of them where that is more than a screen needs.
    """
    core, founding = growth.core, growth.founding
    _, height, width = guide_shape(founding.shape)
    # before the first look nothing was judged, and so nothing left out
    whole = core.removed if core is not None and core.removed is not None else np.zeros((height, width), np.float32)
    k = math.ceil(preview_step(*founding.shape[1:]) / CELL)
    data = brightest(whole, k, threads)
    data.flags.writeable = False
    return Picture(
        data=data,
        scale=1 / (CELL * k),
        version=version,
        stack=growth.name,
        n_subs=len(growth.subs),
        exposure_s=growth.shown().exposure_s,
        noise_adu=0.0,
        row_order=founding.header.row_order,
    )


def _grain(stack: Stack, growth: Growth) -> float:
    """Typical standard error of the mean, ADU; of one sub while there is only one."""
    step = max(1, math.isqrt(stack.shape[1] * stack.shape[2] // GRAIN_PX))
    some = stack.told((slice(None), slice(step // 2, None, step), slice(step // 2, None, step)))
    n = some.coverage.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(some.m2 / ((n - 1) * some.weight))
    seen = error[np.broadcast_to(n >= 2, error.shape)]
    return float(np.median(seen)) if seen.size else growth.founding.quality.noise_adu
