"""The sensor's border: rows and columns that read-out, a field stop or an overscan keep from showing the sky.

Nothing in a frame says where they are. Left in, they drift over the stack with the dither, as dark or bright bands.
"""

from __future__ import annotations

import numpy as np

from livestack.frame import Array
from livestack.reduce import xtrans
from livestack.reduce.kernels import whole_luminance
from livestack.reduce.medians import median, middles

REACH = 32
"""A border is at most so many cells of 2 × 2 px wide."""
INSIDE = 64
"""Cells from the edge on that tell what the picture would be at the border."""
SURE_SIGMA, EDGE_SIGMA = 3.0, 1.0
"""A border steps by so many σ of a cell from line to line, and ends where it departs by less than so many."""
ALONG = 512
"""So many cells of a line tell its level."""
SHARP = 4.0
"""It steps so many times more than the picture inside does anywhere: a galaxy that leaves the picture does not."""
EDGE_SCATTER = 4.0
"""It ends within so many times the scatter of the lines inside: crowded fields and banding scatter, too."""


NO_MOSAIC = np.zeros((0, 0), np.int64)


def border_mask(planes: Array, pedestal: Array, colours: Array = NO_MOSAIC) -> Array | None:
    """Mark lines along the edges whose level departs from what the picture just inside tells.

    Parameters
    ----------
    planes : ndarray
        (P, H, W), CFA or not, ADU.
    pedestal : ndarray of float32
        The same shape, to be taken off, or empty.
    colours : ndarray of int64
        As `sensor.colours_of`.

    Returns
    -------
    ndarray of bool, optional
        (H, W), True = not sky; None where there is no such border.
    """
    _, height, width = planes.shape
    deep = 2 * INSIDE
    if min(height, width) < 2 * deep:
        return None
    widths: list[int] = []
    for edge in np.s_[:deep, :], np.s_[height - deep :, :], np.s_[:, :deep], np.s_[:, width - deep :]:
        strip, dark = planes[:, *edge], pedestal[:, *edge]
        if len(colours) == xtrans.CELL:
            light = strip.astype(np.float32) - (dark if dark.size else np.float32(0))
            strip = whole_luminance(light, colours, edge[0].start or 0, edge[1].start or 0)[None]
            dark = pedestal[:0]
        cells = _cells(strip, dark, *(max(1, n // (2 * ALONG)) for n in strip.shape[1:]))
        lines = cells if len(widths) < 2 else cells.T
        widths.append(2 * _border_lines(lines[::-1] if len(widths) % 2 else lines))
    top, bottom, left, right = widths
    if not any(widths):
        return None
    mask = np.ones((height, width), bool)
    mask[top : height - bottom, left : width - right] = False
    return mask


def _cells(strip: Array, pedestal: Array, step_y: int, step_x: int) -> Array:
    """Mean of all planes over every so many of the 2 × 2 px cells, float32: no colour of a Bayer mosaic is left."""
    planes, height, width = strip.shape
    with np.errstate(invalid="ignore"):
        pairs = []
        for y in (0, 1):
            rows = np.s_[:, y : height - height % 2 : 2 * step_y, : width - width % 2]
            light = strip[rows].astype(np.float32)
            if pedestal.size:
                light -= pedestal[rows]
            pairs.append(light[:, :, 0 :: 2 * step_x] + light[:, :, 1 :: 2 * step_x])
        means: Array = ((pairs[0] + pairs[1]) * np.float32(0.25 / planes)).sum(axis=0)
    return means


def _border_lines(cells: Array) -> int:
    """How many lines, from the edge on, of (INSIDE, n) cells are border."""
    known = np.isfinite(cells)
    if not known.any():
        return 0
    if not known.all():
        cells = np.where(known, cells, np.median(cells[known]))
    low, high, _ = middles(cells)
    level = (0.5 * (low + high)).astype(np.float64)
    across = np.abs(np.diff(cells[REACH:], axis=1))
    # a picture of few ADU stands still; then its quantum is all that is known
    quantum = float(across.min(initial=np.inf, where=across > 0))
    sigma = max(1.4826 * median(across) / np.sqrt(2), quantum)
    line = np.arange(INSIDE)
    # a slope through medians of eighths: a star on a line or two cannot bend it
    x = line[REACH:].reshape(8, -1).mean(axis=1)
    y = np.median(level[REACH:].reshape(8, -1), axis=1)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    departure = np.abs(level - y.mean() - slope * (line - x.mean()))
    scatter = 1.4826 * float(np.median(departure[REACH:]))
    beyond = departure[: REACH + 1] > max(EDGE_SIGMA * sigma, EDGE_SCATTER * scatter)
    # a single line may dip to the level of the picture; two do not
    ends = np.nonzero(~beyond[:-1] & ~beyond[1:])[0]
    width = int(ends[0]) if ends.size else REACH
    step = np.abs(level[2:] - level[:-2])
    sharp = step[:width].max(initial=0.0) > max(SURE_SIGMA * sigma, SHARP * step[REACH:].max())
    return width + 1 if sharp else 0
