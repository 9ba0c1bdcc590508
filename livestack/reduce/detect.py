"""Where the stars of a frame are: objects in a picture of its luminance, which is made band by band.

The luminance of a Bayer mosaic is the mean of the 2 × 2 px from each px on: it is centred half a px further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sep
from numba import njit

from livestack.frame import Array
from livestack.reduce import xtrans
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.kernels import Sensor, calibrate

THRESHOLD_SIGMA = 4.0
MIN_AREA_PX = 5
DEBLEND_LEVELS = 16
"""Half of what sep takes, which are as many searches of each object, and find the same stars."""
LARGE_PX = 8_000_000
"""Frames with more px than this are binned 2 × 2 to find stars; they are always measured at full resolution."""
BINNED_NOISE = 0.6
"""Noise of a binned px over that of a px: between 0.5, and 0.75 of a mosaic, whose luminance is smooth."""

ROWS, COLUMNS = 128, 1024
"""Px that are calibrated at a time: they stay in the cache."""
SAMPLED_PX = 250_000
"""About so many px of a frame tell its noise and its level."""
COARSE = 2
"""Px of the picture searched that a px of its sky is wide: the sky is smooth."""
MESH_PX, LEAST_MESH_PX = 64, 16
"""Side of the cells by which the sky is told; of a cell, at least so many px a side must be there."""

SMALL_STACK_PX, LARGE_STACK_PX = 300_000, 3_000_000
"""A search holds at most so many px at a time, and touches memory for all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes
    ----------
    objects : structured ndarray (N,)
        As sep tells them, in px of the luminance: x, y, a, b, flux.
    sky, rms : float
        Level and noise of the luminance, ADU.
    level : ndarray of float32
        (h, w) sky, ADU; its px are `coarse` px of the luminance wide.
    coarse : int
    noise : float
        Noise of one px of one colour, ADU; NaN = cannot be told.
    picture : ndarray of float32
        The luminance above the sky that was searched; its px are `step` px of the luminance wide.
    """

    objects: Array
    sky: float
    rms: float
    level: Array
    coarse: int
    noise: float
    picture: Array
    step: int


@njit(**OPTIONS)
def luminance(sensor: Sensor, y0: int, x0: int, margin: int, data: Array, out: Array) -> None:
    """Luminance (h, w) of the source px from (y0, x0) on; NaN = not known.

    data (P, h + 2 · margin, w + 2 · margin) becomes the calibrated and repaired px. A margin of 4 px is enough, two for
    filling and two for X-Trans.
    """
    colours = sensor[4]
    calibrate(sensor, y0 - margin, x0 - margin, data)
    h, w = out.shape
    if colours.shape[0] == xtrans.CELL:
        k = margin - xtrans.REACH
        xtrans.luminance(data[0, k : k + h + 4, k : k + w + 4], colours, y0, x0, out)
        return
    planes = data.shape[0]
    inside = slice(margin, margin + w + 1)
    for y in range(h):
        row, first = out[y], data[0, margin + y, inside]
        if colours.shape[0] > 0:
            _mean_of_cells(first, data[0, margin + y + 1, inside], row)
            continue
        for x in range(w):  # numba compiles a copy of a slice for seconds
            row[x] = first[x]
        for p in range(1, planes):
            more = data[p, margin + y, inside]
            for x in range(w):
                row[x] += more[x]
        if planes > 1:
            for x in range(w):
                row[x] *= F(1.0 / planes)


@njit(**OPTIONS)
def _mean_of_cells(one: Array, two: Array, out: Array) -> None:
    """Mean of 2 × 2 px from each px of two rows on."""
    for x in range(out.size):
        out[x] = F(0.25) * ((one[x] + one[x + 1]) + (two[x] + two[x + 1]))


@njit(**OPTIONS)
def _survey(sensor: Sensor, step: int, stride: int, search: Array, sample: Array, differences: Array) -> None:
    """Fill search (H / step, W / step) with the mean luminance, sample (H / stride, W / stride) with that of single px.

    differences (H / stride, W / stride) becomes `_second_difference` of the first plane, NaN at the edges.
    """
    planes, height, width = sensor[0].shape
    cell = max(sensor[4].shape[0], 1)
    margin = max(4, cell + 2)
    for y0 in range(0, height, ROWS):
        for x0 in range(0, width, COLUMNS):
            rows, columns = min(ROWS, height - y0), min(COLUMNS, width - x0)
            data = np.empty((planes, rows + 2 * margin, columns + 2 * margin), np.float32)
            light = np.empty((rows, columns), np.float32)
            luminance(sensor, y0, x0, margin, data, light)
            _bin(light, step, y0 // step, x0 // step, search)
            for y in range(-(-y0 // stride), min(-(-(y0 + rows) // stride), sample.shape[0])):
                for x in range(-(-x0 // stride), min(-(-(x0 + columns) // stride), sample.shape[1])):
                    yy, xx = y * stride - y0, x * stride - x0
                    sample[y, x] = light[yy, xx]
                    inside = cell <= y * stride < height - cell and cell <= x * stride < width - cell
                    here = _second_difference(data[0], margin + yy, margin + xx, cell)
                    differences[y, x] = here if inside else F(np.nan)


@njit(**OPTIONS)
def _bin(light: Array, step: int, y0: int, x0: int, out: Array) -> None:
    """Mean of each px, or of each 2 × 2 px, of a tile that begins at (y0, x0) of out."""
    for y in range(min(light.shape[0] // step, out.shape[0] - y0)):
        row, one = out[y0 + y, x0 : x0 + light.shape[1] // step], light[y * step]
        if step == 1:
            for x in range(row.size):
                row[x] = one[x]
            continue
        two = light[y * step + 1]
        for x in range(row.size):
            row[x] = F(0.25) * ((one[2 * x] + one[2 * x + 1]) + (two[2 * x] + two[2 * x + 1]))


@njit(**OPTIONS)
def _second_difference(plane: Array, y: int, x: int, cell: int) -> Any:
    """Value of the 3 × 3 mask (1 −2 1; −2 4 −2; 1 −2 1) at same-colour distance."""
    u, m, d = plane[y - cell], plane[y], plane[y + cell]
    corners = u[x - cell] + u[x + cell] + d[x - cell] + d[x + cell]
    return corners - F(2) * (u[x] + d[x] + m[x - cell] + m[x + cell]) + F(4) * m[x]


@njit(**OPTIONS)
def _coarse(picture: Array, out: Array, missing: Array) -> None:
    """Mean of the known ones of 2 × 2 px; missing = none is."""
    for y in range(out.shape[0]):
        row = out[y]
        one, two = picture[2 * y], picture[2 * y + 1]
        for x in range(row.size):
            row[x] = F(0.25) * ((one[2 * x] + one[2 * x + 1]) + (two[2 * x] + two[2 * x + 1]))
        for x in range(row.size):
            missing[y, x] = False
            if not np.isfinite(row[x]):
                cell = picture[COARSE * y : COARSE * y + COARSE, COARSE * x : COARSE * x + COARSE]
                total, n = F(0), 0
                for j in range(COARSE):
                    for i in range(COARSE):
                        if np.isfinite(cell[j, i]):
                            total += cell[j, i]
                            n += 1
                row[x], missing[y, x] = total / F(max(n, 1)), n == 0


@njit(**OPTIONS)
def _take_off(picture: Array, level: Array) -> None:
    """Subtract a level of half the resolution; what is not known becomes 0."""
    h, w = level.shape
    for y in range(picture.shape[0]):
        row, sky = picture[y], level[min(y // COARSE, h - 1)]
        for x in range(row.size):
            value = row[x] - sky[min(x // COARSE, w - 1)]
            row[x] = value if np.isfinite(value) else F(0)


def find(sensor: Sensor) -> Found:
    """Look for objects in a frame's luminance.

    Parameters
    ----------
    sensor : tuple
        Raw px and their calibration.
    """
    _, h, w = sensor[0].shape
    step = 2 if h * w > LARGE_PX else 1
    stride = _stride(h, w, len(sensor[4]))
    search = np.empty((h // step, w // step), np.float32)
    sample, differences = np.empty((2, h // stride, w // stride), np.float32)
    _survey(sensor, step, stride, search, sample, differences)
    noise = noise_of(differences[np.isfinite(differences)])
    known = np.isfinite(sample)
    if not known.any() or min(search.shape) < COARSE:
        return Found(_nothing(), 0.0, 0.0, np.zeros((1, 1), np.float32), max(h, w), noise, search, step)
    sky = float(np.median(sample[known]))
    level = _level(search, sky, MESH_PX // step // COARSE)
    _take_off(search, level)
    coarse = COARSE * step
    rows, columns = (
        np.minimum(np.arange(n) * stride // coarse, m - 1) for n, m in zip(sample.shape, level.shape, strict=True)
    )
    sample -= level[rows][:, columns]
    sample[~known] = 0
    mesh = max(MESH_PX // stride, LEAST_MESH_PX)
    rms = float(sep.Background(sample, mask=None if known.all() else ~known, bw=mesh, bh=mesh).globalrms)
    objects = _objects(search, rms * (BINNED_NOISE if step == 2 else 1.0))
    for name in ("x", "y"):
        objects[name] = step * objects[name] + (step - 1) / 2
    for name in ("a", "b"):
        objects[name] *= step
    # a binned px is the mean of four
    objects["flux"] *= step**2
    return Found(objects, sky, rms, level, coarse, noise, search, step)


def _stride(height: int, width: int, cell: int) -> int:
    """Every how many px one is taken to tell level and noise: of every place in a cell some."""
    stride = max(1, int(np.sqrt(height * width / SAMPLED_PX))) | 1
    return stride + 2 if stride % 3 == 0 and cell % 3 == 0 else stride


def _level(search: Array, sky: float, mesh: int) -> Array:
    """Sky of a picture at half its resolution."""
    shape = search.shape[0] // COARSE, search.shape[1] // COARSE
    coarse, missing = np.empty(shape, np.float32), np.empty(shape, np.bool_)
    _coarse(search, coarse, missing)
    some = bool(missing.any())
    if some:
        coarse[missing] = sky
    background: Array = sep.Background(coarse, mask=missing if some else None, bw=mesh, bh=mesh).back()
    return background


def _objects(search: Array, rms: float) -> Array:
    """Objects above the threshold; a field too dense for the buffers is searched less deep."""
    threshold = THRESHOLD_SIGMA * max(rms, 1e-6)
    for _ in range(5):
        try:
            found: Array = sep.extract(
                search, threshold, minarea=MIN_AREA_PX, deblend_nthresh=DEBLEND_LEVELS, deblend_cont=0.005
            )
        except Exception as error:
            if "buffer" not in str(error) and "overflow" not in str(error):
                raise
            if "buffer" in str(error) and sep.get_extract_pixstack() < LARGE_STACK_PX <= search.size:
                sep.set_extract_pixstack(LARGE_STACK_PX)
            else:
                threshold *= 3
        else:
            return found
    return _nothing()


def _nothing() -> Array:
    found: Array = sep.extract(np.zeros((8, 8), np.float32), 1.0)
    return found


def noise_of(differences: Array) -> float:
    """Noise of one px, ADU, stars and gradients cancelled: robust spread of second differences / 6 (Immerkær 1996)."""
    if not differences.size:
        return float("nan")
    kept = np.abs(differences.astype(np.float64))
    spread = 1.4826 * float(np.median(kept))
    # a MAD of whole ADU comes in steps: finish with the rms inside 3 σ, whose variance is 0.9733 of a Gaussian's
    for _ in range(3):
        inside = kept[kept <= 3 * spread]
        if spread > 0 and len(inside):
            spread = math.sqrt(float((inside**2).mean()) / 0.9733)
    return spread / 6.0
