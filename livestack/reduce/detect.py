"""Where the stars of a frame are: objects in a picture of its luminance, which is made band by band.

The luminance of a Bayer mosaic is the mean of the 2 × 2 px from each px on: it is centred half a px further.
"""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce import xtrans
from livestack.reduce.bands import beside, each_part
from livestack.reduce.cells import NO_CELLS, join_light, join_px
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.kernels import Sensor, calibrate
from livestack.reduce.level import IN_ANY_ORDER, Level, level_along, smooth, tell, value_at
from livestack.reduce.objects import OBJECT_DTYPE, objects_in, sum_of_three

THRESHOLD_SIGMA = 4.0
LARGE_PX = 8_000_000
"""Frames with more px than this are binned 2 × 2 to find stars; they are always measured at full resolution."""
BINNED_NOISE = 0.6
"""Noise of a binned px over that of a px: between 0.5, and 0.75 of a mosaic, whose luminance is smooth."""

ROWS, COLUMNS = 128, 1024
"""Px that are calibrated at a time: they stay in the cache."""
SAMPLED_PX = 250_000
"""About so many px of a frame tell its noise and its level."""
MESH_PX, LEAST_MESH_PX, BOX = 64, 16, 2
"""Side of the cells by which the sky is told; of a sample so many px a side; of means of so many px squared."""
HALVINGS = 24


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes
    ----------
    objects : structured ndarray (N,) of `objects.OBJECT_DTYPE`
        In px of the luminance.
    sky, rms : float
        Level and noise of the luminance, ADU.
    level : Level
        Sky of the luminance, ADU.
    noise : float
        Noise of one px of one colour, ADU; NaN = cannot be told.
    picture : ndarray of float32
        The luminance that was searched, NaN = not known; its px are `step` px of the luminance wide.
    is_known : bool
        Whether there is anything to search.
    """

    objects: Array
    sky: float
    rms: float
    level: Level
    noise: float
    picture: Array
    step: int
    is_known: bool = True


@njit(**INNER)
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


@njit(**INNER)
def _mean_of_cells(one: Array, two: Array, out: Array) -> None:
    """Mean of 2 × 2 px from each px of two rows on."""
    for x in range(out.size):
        out[x] = F(0.25) * ((one[x] + one[x + 1]) + (two[x] + two[x + 1]))


@njit(**OPTIONS)
def _survey(
    sensor: Sensor,
    steps: tuple[int, int],
    rows: tuple[int, int],
    search: Array,
    samples: tuple[Array, Array],
    cells: Array,
) -> None:
    """Fill search (H / step, W / step) with the mean luminance, sample (H / stride, W / stride) with that of single px.

    Only from what lies in some rows of the sensor, from an even one on.

    Parameters
    ----------
    samples : sample, and differences (H / stride, W / stride), which become `_second_differences` of the first plane,
        NaN at the edges.
    cells : (H / 2, W / 2) become those that the guide is sampled of; (0, 0) = none.
    """
    step, stride = steps
    planes, _, width = sensor[0].shape
    cell = max(sensor[4].shape[0], 1)
    margin = max(4, cell + 2)
    binned = step == 2 and cell == 2
    for y0 in range(rows[0], rows[1], ROWS):
        for x0 in range(0, width, COLUMNS):
            many, columns = min(ROWS, rows[1] - y0), min(COLUMNS, width - x0)
            data = np.empty((planes, many + 2 * margin, columns + 2 * margin), np.float32)
            target = search[y0 // step : (y0 + many) // step, x0 // step : (x0 + columns) // step]
            light = target if step == 1 else np.empty((0 if binned else many, columns), np.float32)
            if binned:
                calibrate(sensor, y0 - margin, x0 - margin, data)
                _bin_mosaic(data[0, margin:, margin:], target)
            else:
                luminance(sensor, y0, x0, margin, data, light)
                if step == 2:
                    _bin(light, target)
            if cells.shape[0] > 0:
                some = cells[y0 // 2 : (y0 + many) // 2, x0 // 2 : (x0 + columns) // 2]
                if cell == xtrans.CELL:
                    join_light(light, some)
                else:
                    join_px(data, margin, some)
            _sample(sensor, stride, (y0, y0 + many, x0, x0 + columns), data, light, samples)


@njit(**INNER)
def _sample(
    sensor: Sensor,
    stride: int,
    box: tuple[int, int, int, int],
    data: Array,
    light: Array,
    samples: tuple[Array, Array],
) -> None:
    """Take what lies in a box of the sensor into the samples of `_survey`; light has rows unless px are binned."""
    sample, differences = samples
    _, height, width = sensor[0].shape
    y0, y1, x0, x1 = box
    cell = max(sensor[4].shape[0], 1)
    margin = (data.shape[1] - (y1 - y0)) // 2
    first, last = -(-x0 // stride), min(-(-x1 // stride), sample.shape[1])
    for y in range(-(-y0 // stride), min(-(-y1 // stride), sample.shape[0])):
        v, u = margin + y * stride - y0, margin + first * stride - x0
        if light.shape[0] == 0:
            _means_of_four(data[0, v], data[0, v + 1], (u, stride), sample[y, first:last])
        else:
            _take(light[v - margin], (u - margin, stride), sample[y, first:last])
        rows_about = data[0, v - cell], data[0, v], data[0, v + cell]
        _second_differences(rows_about, (u, stride, cell), differences[y, first:last])
        if not cell <= y * stride < height - cell:
            differences[y, first:last] = np.nan
        for x in range(first, last):
            if not cell <= x * stride < width - cell:
                differences[y, x] = np.nan


@njit(**INNER)
def _take(row: Array, places: tuple[int, int], out: Array) -> None:
    """Px of a row at places, which are where they begin and how far apart they are."""
    first, apart = np.uint64(places[0]), np.uint64(places[1])
    for k in range(np.uint64(out.size)):
        out[k] = row[first + apart * k]


@njit(**INNER)
def _means_of_four(one: Array, two: Array, places: tuple[int, int], out: Array) -> None:
    """Mean of the 2 × 2 px of two rows from each place on; places as in `_take`."""
    first, apart, after = np.uint64(places[0]), np.uint64(places[1]), np.uint64(1)
    for k in range(np.uint64(out.size)):
        x = first + apart * k
        out[k] = F(0.25) * ((one[x] + one[x + after]) + (two[x] + two[x + after]))


@njit(**INNER)
def _bin_mosaic(data: Array, out: Array) -> None:
    """Mean of 2 × 2 px of the luminance of a Bayer mosaic: of each 3 × 3 px, with weights 1 2 1, every other place."""
    h, w = out.shape
    column = np.empty(2 * w + 1, np.float32)
    for y in range(h):
        sum_of_three(data[2 * y], data[2 * y + 1], data[2 * y + 2], column)
        row = out[y]
        for x in range(np.uint64(w)):
            k = np.uint64(2) * x
            sides = column[k] + column[k + np.uint64(2)]
            row[x] = F(0.0625) * (sides + F(2) * column[k + np.uint64(1)])


@njit(**INNER)
def _bin(light: Array, out: Array) -> None:
    """Mean of each 2 × 2 px."""
    for y in range(out.shape[0]):
        row, one, two = out[y], light[2 * y], light[2 * y + 1]
        for x in range(row.size):
            row[x] = F(0.25) * ((one[2 * x] + one[2 * x + 1]) + (two[2 * x] + two[2 * x + 1]))


@njit(**INNER)
def _second_differences(rows: tuple[Array, Array, Array], places: tuple[int, int, int], out: Array) -> None:
    """Value of the 3 × 3 mask (1 −2 1; −2 4 −2; 1 −2 1) at same-colour distance; places as in `_take`, and the cell."""
    above, here, below = rows
    first, apart, cell = np.uint64(places[0]), np.uint64(places[1]), np.uint64(places[2])
    for k in range(np.uint64(out.size)):
        x = first + apart * k
        left, right = x - cell, x + cell
        corners = above[left] + above[right] + below[left] + below[right]
        cross = above[x] + below[x] + here[left] + here[right]
        out[k] = corners - F(2) * cross + F(4) * here[x]


@njit(**OPTIONS)
def _take_off(sample: Array, level: Level, stride: int) -> None:
    """Subtract a level from px that are so far apart."""
    row = np.empty(sample.shape[1], np.float32)
    for y in range(sample.shape[0]):
        level_along(level, float(stride * y), 0.0, float(stride), row)
        for x in range(row.size):
            sample[y, x] -= row[x]


def find(sensor: Sensor, threads: Executor | None = None, cells: Array = NO_CELLS) -> Found:
    """Look for objects in a frame's luminance.

    Parameters
    ----------
    sensor : tuple
        Raw px and their calibration.
    threads : Executor, optional
        Runs the bands of the kernels.
    cells : ndarray of float32, optional
        From `room_for_cells`; becomes them.
    """
    seen = sky_of(sensor, threads, cells)
    if not seen.is_known:
        return seen
    step, rms = seen.step, max(seen.rms, 1e-6)
    threshold = THRESHOLD_SIGMA * rms * (BINNED_NOISE if step == 2 else 1.0)
    objects = objects_in(seen.picture, seen.level, step, threshold, threads)
    for name in ("x", "y"):
        objects[name] = step * objects[name] + (step - 1) / 2
    for name in ("a", "b"):
        objects[name] *= step
    # a binned px is the mean of four
    objects["flux"] *= step**2
    return dataclasses.replace(seen, objects=objects)


def sky_of(sensor: Sensor, threads: Executor | None = None, cells: Array = NO_CELLS) -> Found:
    """Tell a frame's sky and noise, and make the picture to search: what `find` does before it looks for objects."""
    _, h, w = sensor[0].shape
    step = 2 if h * w > LARGE_PX else 1
    stride = _stride(h, w, len(sensor[4]))
    search = new_plane((h // step, w // step), np.float32)
    sample, differences = np.empty((2, h // stride, w // stride), np.float32)

    def survey(y0: int, y1: int) -> None:
        _survey(sensor, (step, stride), (y0, y1), search, (sample, differences), cells)

    each_part(h, ROWS, threads, survey)
    noise_seen = beside(threads, lambda: noise_of(differences[np.isfinite(differences)]))
    known = np.isfinite(sample)
    none = np.zeros(0, OBJECT_DTYPE)
    if not known.any() or min(search.shape) < BOX:
        nothing = smooth(np.zeros((1, 1), np.float32), (h, w), 0.0)
        return Found(none, 0.0, 0.0, nothing, noise_seen(), search, step, is_known=False)
    sky_seen = beside(threads, lambda: median_of(sample[known]))
    levels, _ = tell(search, MESH_PX // step, BOX, threads)
    sky = sky_seen()
    level = smooth(levels, (h, w), sky)
    _take_off(sample, level, stride)
    _, sigmas = tell(sample, max(MESH_PX // stride, LEAST_MESH_PX), 1, threads)
    told = sigmas[np.isfinite(sigmas)]
    rms = float(np.median(told)) if told.size else 0.0
    return Found(none, sky, rms, level, noise_seen(), search, step)


def _stride(height: int, width: int, cell: int) -> int:
    """Every how many px one is taken to tell level and noise: of every place in a cell some."""
    stride = max(1, int(np.sqrt(height * width / SAMPLED_PX))) | 1
    return stride + 2 if stride % 3 == 0 and cell % 3 == 0 else stride


def median_of(values: Array) -> float:
    """Median of values that are finite, to a millionth of their spread."""
    low, high = float(values.min()), float(values.max())
    return float(value_at(values, 0.5 * (len(values) - 1), low, high, HALVINGS))


@njit(**IN_ANY_ORDER)
def _squares_within(values: Array, limit: float) -> tuple[float, int]:
    """Sum of the squares of the values up to a limit, and how many they are."""
    total, n = 0.0, 0
    for i in range(values.size):
        value = float(values[i])
        within = value <= limit
        n += within
        total += value * value if within else 0.0
    return total, n


def noise_of(differences: Array) -> float:
    """Noise of one px, ADU, stars and gradients cancelled: robust spread of second differences / 6 (Immerkær 1996)."""
    if not differences.size:
        return float("nan")
    kept = np.abs(differences)
    spread = 1.4826 * median_of(kept)
    # a MAD of whole ADU comes in steps: finish with the rms inside 3 σ, whose variance is 0.9733 of a Gaussian's
    for _ in range(3):
        squares, number = _squares_within(kept, 3 * spread)
        if spread > 0 and number:
            spread = math.sqrt(squares / number / 0.9733)
    return spread / 6.0
