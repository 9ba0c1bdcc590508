"""Stars in flats: a twilight sky shows them, and what stays of one in the flat is a hole in every light."""

from __future__ import annotations

import cv2
import numpy as np

from livestack.frame import Array
from livestack.reduce.proof import colour_planes
from livestack.reduce.sensor import colours_of

PEAK_SIGMA = 8.0
LEAST_BESIDE = 0.1
"""What is beside a star's peak, on either axis, has so much of its height and more; beside a hot px is nothing."""
LEAST_STARS = 10
"""Fewer may be cosmic rays or flaws of the sensor."""
CELL = 2
"""Px on a side of what is compared: a star is several of these wide, noise and hot px are one."""
MOST_CELLS = 1024
"""So many cells on a side, in the middle, are enough to tell."""
ROWS = 96
"""Of cells at a time: whole cells of any CFA, and no copy of the frame."""
EDGE = 8
"""Cells along the edges where a sensor's border, not the sky, makes peaks."""


def has_stars(flat: Array, cfa: str | None) -> bool:
    """Whether bright, compact, round peaks stand in a flat: dust is dark, and hot px stand alone.

    Parameters
    ----------
    flat : (H, W) or (H, W, 3), bias subtracted.
    """
    h, w = (min(side // CELL, MOST_CELLS) for side in flat.shape[:2])
    if min(h, w) < 4 * EDGE:
        return False
    cfa_side = len(colours_of(cfa)) or 1
    # the part begins where the pattern does
    y, x = ((side - n * CELL) // 2 // cfa_side * cfa_side for side, n in zip(flat.shape, (h, w), strict=False))
    level = _even(flat[y : y + h * CELL, x : x + w * CELL], cfa)
    smooth = cv2.medianBlur(level, 5)
    dark = smooth <= 0.1 * np.median(smooth)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.divide(level, smooth, out=level)
    above -= 1
    np.nan_to_num(above, copy=False, posinf=0.0, neginf=0.0)
    above[dark] = 0
    del level, smooth
    sigma = 1.4826 * float(np.median(np.abs(above[above != 0]))) if above.any() else 0.0
    beside = [np.minimum(np.roll(above, 1, axis), np.roll(above, -1, axis)) for axis in (0, 1)]
    round_ = np.minimum(*beside) > LEAST_BESIDE * above
    highest = above >= cv2.dilate(above, np.ones((3, 3), np.uint8))
    star = (above > PEAK_SIGMA * sigma) & round_ & highest
    return int(star[EDGE:-EDGE, EDGE:-EDGE].sum()) >= LEAST_STARS


def _even(part: Array, cfa: str | None) -> Array:
    """Return cells of a flat (h, w), its colours brought to one level."""
    side = len(colours_of(cfa)) or 1
    sparse = [_grey(part[y :: 4 * side, x :: 4 * side]) for y in range(side) for x in range(side)]
    levels = [max(float(np.median(colour)), 1e-6) for colour in sparse]
    cells = np.empty((part.shape[0] // CELL, part.shape[1] // CELL), np.float32)
    for top in range(0, len(cells), ROWS):
        rows = cells[top : top + ROWS]
        band = _grey(part[top * CELL : (top + len(rows)) * CELL])
        for colour, level in zip(colour_planes(band, cfa), levels, strict=True):
            colour[:] /= level
        rows[:] = cv2.resize(band, rows.shape[::-1], interpolation=cv2.INTER_AREA)
    return cells


def _grey(part: Array) -> Array:
    """Return some of a flat as numbers, (h, w) float32, a copy."""
    values = part.astype(np.float32)
    return np.nan_to_num(values if values.ndim == 2 else values.mean(axis=2), copy=False)
