"""Stacks and subs at the size of a screen."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce import bands, shrink
from livestack.reduce.bands import each_band, each_part
from livestack.stack import Shape, Stack

MAX_PREVIEW_PX = 4_000_000
FEW_ROWS = 12
"""Of a preview of a drizzled stack: what is made on the way to them stays in the cache."""

NO_SKETCH = np.zeros((0, 0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Views:
    """Previews that a fold writes by the way, (h, w, C) float32; empty = none.

    Attributes
    ----------
    sketch : ndarray
        Of the sub, from `new_sketch`.
    preview : ndarray
        Of the stack with the sub in it, from `new_preview`.
    """

    sketch: Array = field(default_factory=lambda: NO_SKETCH)
    preview: Array = field(default_factory=lambda: NO_SKETCH)


NO_VIEWS = Views()


def preview(stack: Stack, threads: Executor | None) -> Array:
    """Return the stack's mean at preview size, (h, w, C), a px of it the mean of what is covered."""
    channels, height, width = stack.shape
    step = preview_step(height, width)
    out = new_plane((height // step, width // step, channels), np.float32)

    def band(y0: int, y1: int) -> None:
        shrink.preview_rows(stack.mean, stack.coverage, step, out, y0, y1)

    def few_rows(y0: int, y1: int) -> None:
        told = stack.told((slice(None), slice(y0 * step, y1 * step), slice(None)))
        shrink.preview_rows(told.mean, told.coverage, step, out[y0:y1], 0, y1 - y0)

    if stack.drops is None:
        each_band(out.shape[0], threads, band)
    else:
        each_part(out.shape[0], FEW_ROWS, threads, few_rows)
    return out


def brightest(data: Array, step: int, threads: Executor | None) -> Array:
    """Return the largest of each step × step px of (H, W): (H // step, W // step) float32."""
    height, width = data.shape
    out = new_plane((height // step, width // step), np.float32)

    def band(y0: int, y1: int) -> None:
        shrink.brightest_band(data, step, out, y0, y1)

    each_band(out.shape[0], threads, band)
    return out


def preview_step(height: int, width: int) -> int:
    """Stack px per preview px."""
    return max(1, int(np.ceil(np.sqrt(height * width / MAX_PREVIEW_PX))))


def new_preview(shape: Shape) -> Array:
    """Room for a preview of a stack, (h, w, C) float32, not filled; empty where its px would not fit into a band."""
    channels, height, width = shape
    step = preview_step(height, width)
    if bands.BAND % step:
        return NO_SKETCH
    return new_plane((height // step, width // step, channels), np.float32)


def new_sketch(shape: Shape) -> Array:
    """Room for a preview of one sub, (h, w, C) float32, not filled: a sample per px of it, so its grain is a sub's."""
    channels, height, width = shape
    step = preview_step(height, width)
    return new_plane((height // step, width // step, channels), np.float32)
