"""Dust in front of the sensor: how deep its shadows stand in a light, as a flat shows where they are."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from livestack.frame import Array
from livestack.reduce import xtrans

CELL = 4
"""Px on a side of what is compared: holds all colours of a mosaic alike, except X-Trans, whose cell does."""
WIDE = 8.0
"""Structure is what departs from the mean of so many cells about it: shadows, not the vignette."""
EDGE = int(2 * WIDE)
"""Cells along the edges that are not looked at."""
ROWS = 32
"""Rows of cells that are made at once."""
DEEP = 0.01
"""A shadow takes so much of the light and more."""
LEAST_CELLS = 30
SURE = 0.25
"""How deep the shadows stand in a light must be known to this share of how deep they are in the flat."""


def structure_of(px: Callable[[slice], Array], shape: tuple[int, ...], cfa: str | None) -> Array | None:
    """Return what cells (h, w) depart from those about them, as a share, stars aside; None where there are too few.

    Parameters
    ----------
    px : callable
        Gives rows of a picture of this shape, (H, W) or (H, W, 3).
    """
    cell = xtrans.CELL if len(cfa or "") == xtrans.CELL**2 else CELL
    if min(shape[:2]) < 4 * EDGE * cell:
        return None
    h, w = (side // cell for side in shape[:2])
    level = np.empty((h, w), np.float32)
    for top in range(0, h, ROWS):  # what the processor keeps at hand: one pass over memory
        bottom = min(top + ROWS, h)
        part = px(slice(top * cell, bottom * cell))[:, : w * cell]
        part = part.astype(np.float32, copy=False)
        part = part if np.isfinite(part.sum()) else np.nan_to_num(part)
        part = part if part.ndim == 2 else part.mean(axis=2)
        level[top:bottom] = cv2.resize(part, (w, bottom - top), interpolation=cv2.INTER_AREA)
    smooth = cv2.medianBlur(level, 5)
    wide = cv2.GaussianBlur(smooth, (0, 0), WIDE)
    return np.asarray(np.where(wide > 0.1 * np.median(wide), smooth / np.maximum(wide, 1e-6) - 1, 0.0))


def dust_depth(light: Array, flat: Array, cfa: str | None) -> float | None:
    """Return how deep the shadows that a flat shows stand in a light, as a share of the light; None = cannot be told.

    The light's structure is a multiple of the flat's (least squares, without what stands out), which times their usual
    depth in the flat is the depth: nothing is left of them once the light is divided by a flat that fits.

    Parameters
    ----------
    light : (H, W) or (H, W, 3), pedestal off; divided by the flat or not.
    flat : normalised, as the light.
    """
    shown, seen = (structure_of(data.__getitem__, data.shape, cfa) for data in (flat, light))
    return None if shown is None or seen is None else depth_of(shown, seen)


def depth_of(shown: Array, seen: Array) -> float | None:
    """Return what `dust_depth` does, from the structure (h, w) of a flat and of a light."""
    # at the edges, where there is nothing beyond, the vignette is structure
    shown, seen = (part[EDGE:-EDGE, EDGE:-EDGE] for part in (shown, seen))
    shadow = shown < -DEEP
    if shadow.sum() < LEAST_CELLS:
        return None
    depth, here = shown[shadow], seen[shadow]
    share = float((depth * here).sum() / (depth * depth).sum())
    for _ in range(3):
        off = here - share * depth
        kept = np.abs(off) <= 3 * 1.4826 * float(np.median(np.abs(off))) + 1e-6
        share = float((depth * here)[kept].sum() / (depth * depth)[kept].sum())
    # the median of 5 x 5 cells makes that many of them one
    error = 5 * float(off[kept].std()) / math.sqrt(float((depth * depth)[kept].sum()))
    return share * float(-np.median(depth)) if error < SURE else None
