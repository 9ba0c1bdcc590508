"""Luminance of the 2 × 2 cells of a sub's sensor, of which its guide is sampled: ¼ red, ½ green, ¼ blue.

What searches a sub for stars has its calibrated px at hand, and leaves their cells: they are not calibrated once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce import xtrans
from livestack.reduce.compile import LEAF, OPTIONS, F
from livestack.reduce.kernels import Sensor, calibrate

CELL = 2
MIRRORED = 4
"""Cells that are needed beside those of a mirror image: for its px' margins."""
NO_CELLS = np.zeros((0, 0), np.float32)


@dataclass(slots=True)
class Cells:
    """Cells that wait for the guide: they take as much memory as it does, and go when it is sampled.

    Attributes
    ----------
    plane : ndarray of float32, optional
        (H/2, W/2) ADU; None once they were taken.
    """

    plane: Array | None

    def take(self) -> Array | None:
        """Hand them over, once."""
        plane, self.plane = self.plane, None
        return plane


def room_for_cells(sensor: Sensor) -> Array:
    """Return a plane for the cells of a sensor, not filled."""
    _, height, width = sensor[0].shape
    return new_plane((height // CELL, width // CELL), np.float32)


@njit(**LEAF)
def _join_rows(one: Array, other: Array, share: Any, out: Array) -> None:
    """Share of the sums of 2 × 2 px of two rows."""
    for x in range(np.uint64(out.size)):
        k = np.uint64(2) * x
        out[x] = share * (one[k] + one[k + np.uint64(1)] + other[k] + other[k + np.uint64(1)])


@njit(**LEAF)
def _add_rows(one: Array, other: Array, share: Any, out: Array) -> None:
    for x in range(np.uint64(out.size)):
        k = np.uint64(2) * x
        out[x] += share * (one[k] + one[k + np.uint64(1)] + other[k] + other[k + np.uint64(1)])


@njit(**LEAF)
def join_px(data: Array, corner: int, out: Array) -> None:
    """Cells (h, w) of calibrated px (P, H, W), or of the luminance of X-Trans, from row and column `corner` on."""
    for y in range(out.shape[0]):
        v = corner + 2 * y
        if data.shape[0] == 1:
            _join_rows(data[0, v, corner:], data[0, v + 1, corner:], F(0.25), out[y])
            continue
        _join_rows(data[0, v, corner:], data[0, v + 1, corner:], F(0.0625), out[y])
        _add_rows(data[1, v, corner:], data[1, v + 1, corner:], F(0.125), out[y])
        _add_rows(data[2, v, corner:], data[2, v + 1, corner:], F(0.0625), out[y])


@njit(**LEAF)
def join_light(light: Array, out: Array) -> None:
    """Cells (h, w) of px whose luminance is known."""
    for y in range(out.shape[0]):
        _join_rows(light[2 * y], light[2 * y + 1], F(0.25), out[y])


@njit(**OPTIONS)
def _make(sensor: Sensor, area: tuple[int, int, int, int], out: Array) -> None:
    """Cells of an area (y0, y1, x0, x1), in cells, which go on beyond the sensor; out (h, w) or more."""
    y0, y1, x0, x1 = area
    raw, colours = sensor[0], sensor[4]
    # two px for defects, and two more where luminance is interpolated
    margin = 4 if colours.shape[0] > 2 else 2
    data = np.empty((raw.shape[0], 2 * (y1 - y0) + 2 * margin, 2 * (x1 - x0) + 2 * margin), np.float32)
    calibrate(sensor, 2 * y0 - margin, 2 * x0 - margin, data)
    if margin > 2:
        light = np.empty((1, data.shape[1] - 4, data.shape[2] - 4), np.float32)
        xtrans.luminance(data[0], colours, 2 * y0 - 2, 2 * x0 - 2, light[0])
        data = light
    join_px(data, 2, out[: y1 - y0, : x1 - x0])


@njit(**OPTIONS)
def cells_of(sensor: Sensor, known: Array, area: tuple[int, int, int, int], out: Array) -> None:
    """Cells of an area (y0, y1, x0, x1), which go on beyond the sensor: those that are known, or made of its px."""
    if known.shape[0] == 0:
        _make(sensor, area, out)
        return
    y0, y1, x0, x1 = area
    top, bottom, left, right = max(y0, 0), min(y1, known.shape[0]), max(x0, 0), min(x1, known.shape[1])
    for y in range(top, bottom):
        row, to = known[y, left:right], out[y - y0, left - x0 : right - x0]
        for x in range(row.size):  # numba compiles a copy of a slice for seconds
            to[x] = row[x]
    for beyond in ((y0, top, x0, x1), (bottom, y1, x0, x1), (top, bottom, x0, left), (top, bottom, right, x1)):
        if beyond[0] < beyond[1] and beyond[2] < beyond[3]:
            _make_beyond(sensor, beyond, known.shape[1], out[beyond[0] - y0 :, beyond[2] - x0 :])


@njit(**OPTIONS)
def _make_beyond(sensor: Sensor, area: tuple[int, int, int, int], width: int, out: Array) -> None:
    """`_make` of what lies beyond a sensor of so many cells, together with those that it mirrors."""
    y0, y1, x0, x1 = area
    first, last = min(x0, 2 * width - x1 - MIRRORED), max(x1, MIRRORED - x0)
    some = np.empty((y1 - y0, last - first), np.float32)
    _make(sensor, (y0, y1, first, last), some)
    for y in range(y1 - y0):
        for x in range(x1 - x0):
            out[y, x] = some[y, x0 - first + x]


@njit(**OPTIONS)
def mend(cells: Array, sensor: Sensor, px: Array) -> None:
    """Make those cells anew that px of a sensor, y · width + x, have a part in: they are known to be bad by now."""
    width = sensor[0].shape[2]
    # px are filled from 5 × 5 px, and luminance of X-Trans is that of as many
    reach = 2 if sensor[4].shape[0] == xtrans.CELL else 1
    for k in range(px.size):
        y, x = px[k] // width // 2, px[k] % width // 2
        y0, y1 = max(y - reach, 0), min(y + reach + 1, cells.shape[0])
        x0, x1 = max(x - reach, 0), min(x + reach + 1, cells.shape[1])
        if y0 < y1 and x0 < x1:
            _make(sensor, (y0, y1, x0, x1), cells[y0:y1, x0:x1])
