"""Objects in a picture: px that stand out of its sky together, as SExtractor finds them (Bertin and Arnouts 1996).

The picture is smoothed by 1 2 1 along both axes as it is read, and its sky is drawn along each row: neither is held.
What stands out is listed as runs along rows, band by band; runs that touch are an object, which is told from its px.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.bands import each_part
from livestack.reduce.blends import MIN_AREA_PX, divide
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.level import Level, level_along

ROWS = 128
"""Rows searched at a time."""
OBJECTS = 128
"""Objects told at a time."""
CHUNK = 64
"""Px that are looked at together: hardly any has a star."""
SKY_ROWS = 4
"""So many rows have the same threshold."""
SMALLEST_SPREAD = 0.00694
"""Objects of less spread, px⁴, are one px wide: they get the spread of a px more."""
REACH_OF_WINGS = 10.0
"""A bright object's wings are looked at within so many times the sum of both rms radii."""
MOST_SHARE = 0.5
"""No sky is left to speak of where so much of it stands out."""

OBJECT_DTYPE = np.dtype([(name, np.float64) for name in ("x", "y", "a", "b", "flux")])
X, Y, XX, YY, XY, LIGHT, FLUX, AREA, PEAK, FIFTH, A, B = range(12)
FIGURES = 12
"""Of an object: middle, second moments, smoothed light, light, px, highest px, the fifth highest, rms radii."""


@njit(**INNER)
def _smoothed(picture: Array, y: int, x0: int, columns: Array, out: Array) -> None:
    """Px of a row from x0 on, each the mean of the 3 × 3 about it with weights 1 2 1; beyond the edge the px at it.

    Parameters
    ----------
    columns : two longer than out, or more
        Scratch.
    """
    h, w = picture.shape
    above, row, below = picture[max(y - 1, 0)], picture[y], picture[min(y + 1, h - 1)]
    n = out.size
    first, last = min(max(0, 1 - x0), n), max(min(n, w - 1 - x0), 0)
    for begin, end in ((0, first), (max(first, last), n)):
        for k in range(begin, end):
            x = min(max(x0 + k, 0), w - 1)
            left, right = max(x - 1, 0), min(x + 1, w - 1)
            sides = (above[left] + above[right]) + (below[left] + below[right])
            cross = (above[x] + below[x]) + (row[left] + row[right])
            out[k] = F(0.0625) * (sides + F(2) * cross + F(4) * row[x])
    if last > first:
        begin, end = x0 + first - 1, x0 + last + 1
        sum_of_three(above[begin:end], row[begin:end], below[begin:end], columns[: end - begin])
        _mean_of_three(columns, out[first:last])


@njit(**INNER)
def sum_of_three(one: Array, two: Array, three: Array, out: Array) -> None:
    """1 2 1 of three rows."""
    for x in range(out.size):
        out[x] = (one[x] + three[x]) + F(2) * two[x]


@njit(**INNER)
def _mean_of_three(sums: Array, out: Array) -> None:
    first, second, third = sums[: out.size], sums[1 : out.size + 1], sums[2 : out.size + 2]
    for x in range(out.size):
        out[x] = F(0.0625) * ((first[x] + third[x]) + F(2) * second[x])


@njit(**INNER)
def _sky_along(sky: tuple[Level, int], y: int, x0: int, out: Array) -> None:
    """Level of px of a picture whose px are so many px of the sky's wide, along a row."""
    level, step = sky
    middle = 0.5 * (step - 1)
    level_along(level, step * y + middle, step * x0 + middle, float(step), out)


@njit(**INNER)
def _count_above(light: Array, limit: Array, out: Array) -> None:
    """How many px of each CHUNK of a row lie above a limit; the last one may be shorter."""
    for c in range(out.size):
        begin, n = np.uint64(c * CHUNK), np.int32(0)
        for x in range(np.uint64(min(CHUNK, light.size - c * CHUNK))):
            n += np.int32(light[begin + x] > limit[begin + x])
        out[c] = n


@njit(**INNER)
def _list_runs(y: int, light: Array, limit: Array, above: Array, found: Array, n: int) -> int:
    """Add the runs of a row to n that were found; returns how many there are."""
    first, width = -1, light.size
    for c in range(above.size):
        if above[c] == 0 and first < 0:
            continue
        for x in range(c * CHUNK, min((c + 1) * CHUNK, width)):
            if light[x] > limit[x]:
                first = x if first < 0 else first
            elif first >= 0:
                found[n, 0], found[n, 1], found[n, 2] = y, first, x
                n, first = n + 1, -1
    if first >= 0:
        found[n, 0], found[n, 1], found[n, 2] = y, first, width
        n += 1
    return n


@njit(**OPTIONS)
def _runs(picture: Array, sky: tuple[Level, int], threshold: float, rows: tuple[int, int]) -> Array:
    """List runs of px that stand out, (N, 3) int32: row, first px, and the one after the last."""
    width = picture.shape[1]
    light, limit, scratch = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width + 2, np.float32)
    above = np.empty(-(-width // CHUNK), np.int32)
    found, n = np.empty((1024, 3), np.int32), 0
    for y in range(rows[0], rows[1]):
        _smoothed(picture, y, 0, scratch, light)
        if (y - rows[0]) % SKY_ROWS == 0:
            _sky_along(sky, y + SKY_ROWS // 2, 0, limit)
            for x in range(width):
                limit[x] += F(threshold)
        _count_above(light, limit, above)
        if n + width // 2 >= len(found):
            found = np.concatenate((found, np.empty((len(found) + width, 3), np.int32)))
        n = _list_runs(y, light, limit, above, found, n)
    return found[:n].copy()


@njit(**INNER)
def _first_of(parents: Array, run: int) -> int:
    """First of the runs that are known to be of an object."""
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return int(run)


@njit(**OPTIONS)
def join_runs(runs: Array) -> tuple[Array, Array]:
    """Sort runs object by object, and say where each begins; those that are too small are left out.

    Runs that touch, if only at a corner, are of one object; it is where its first run is.

    Parameters
    ----------
    runs : (N, 3) int32
        Row, first px, and the one after the last; in the order of rows and columns.
    """
    n = len(runs)
    parents, area, size = np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    above = 0
    for k in range(n):
        y, first, end = runs[k]
        while above < k and (runs[above, 0] < y - 1 or (runs[above, 0] == y - 1 and runs[above, 2] < first)):
            above += 1
        other = above
        while other < k and runs[other, 0] == y - 1 and runs[other, 1] <= end:
            one, two = _first_of(parents, other), _first_of(parents, k)
            parents[max(one, two)] = min(one, two)
            other += 1
    for k in range(n):
        top = _first_of(parents, k)
        area[top] += runs[k, 2] - runs[k, 1]
        size[top] += 1
    starts, total, many = np.zeros(n + 1, np.int64), 0, 0
    for k in range(n):
        if parents[k] == k and area[k] >= MIN_AREA_PX:
            # from now on, where its next run goes
            size[k], total = total, total + size[k]
            many += 1
            starts[many] = total
    out = np.empty((total, 3), np.int32)
    for k in range(n):
        top = _first_of(parents, k)
        if area[top] >= MIN_AREA_PX:
            for j in range(3):  # numba takes seconds to compile the copy of a row
                out[size[top], j] = runs[k, j]
            size[top] += 1
    return out, starts[: many + 1]


@njit(**INNER)
def _list_px(picture: Array, sky: tuple[Level, int], runs: Array, places: Array, light: Array) -> int:
    """Fill in the px of an object: places (N, 2) y, x from its corner on, and light (2, N) smoothed and not.

    Returns how many peaks there are.
    """
    left, widest = runs[0, 1], 0
    for k in range(len(runs)):
        left, widest = min(left, runs[k, 1]), max(widest, runs[k, 2] - runs[k, 1])
    rows, level = np.empty((4, widest + 4), np.float32), np.empty(widest, np.float32)
    n, peaks = 0, 0
    for k in range(len(runs)):
        y, first, end = runs[k]
        many = end - first
        for j in range(3):
            _smoothed(picture, min(max(y - 1 + j, 0), len(picture) - 1), first - 1, rows[3], rows[j, : many + 2])
        _sky_along(sky, y, first, level[:many])
        u, m, d = rows[0], rows[1], rows[2]
        for x in range(many):
            places[n, 0], places[n, 1] = y - runs[0, 0], first + x - left
            light[0, n], light[1, n] = m[x + 1] - level[x], picture[y, first + x] - level[x]
            here = m[x + 1]
            before = max(u[x], u[x + 1], u[x + 2], m[x])
            after = max(d[x], d[x + 1], d[x + 2], m[x + 2])
            peaks += before < here >= after
            n += 1
    return peaks


@njit(**INNER)
def _sum_up(places: Array, light: Array, labels: Array, core: Array, out: Array) -> None:
    """Figures (n, FIGURES) of objects from px that are labelled; places count from the corner of them all.

    The middle is that of the core, the spread that of all px about it.
    """
    out[:] = 0
    highest = np.zeros((len(out), MIN_AREA_PX), np.float32)
    sums = np.zeros((len(out), 3))
    for k in range(len(places)):
        to, top, value = out[labels[k]], highest[labels[k]], light[0, k]
        y, x, weight = float(places[k, 0]), float(places[k, 1]), float(value)
        to[LIGHT] += weight
        to[FLUX] += light[1, k]
        to[AREA] += 1
        to[X] += weight * x
        to[Y] += weight * y
        to[XX] += weight * x * x
        to[YY] += weight * y * y
        to[XY] += weight * x * y
        if core[k]:
            sums[labels[k], 0] += weight
            sums[labels[k], 1] += weight * x
            sums[labels[k], 2] += weight * y
        if value > top[-1]:
            j = MIN_AREA_PX - 1
            while j > 0 and top[j - 1] < value:
                top[j] = top[j - 1]
                j -= 1
            top[j] = value
    for k in range(len(out)):
        to, all_light = out[k], out[k, LIGHT]
        x, y = sums[k, 1] / sums[k, 0], sums[k, 2] / sums[k, 0]
        mean_x, mean_y = to[X] / all_light, to[Y] / all_light
        xx = to[XX] / all_light + x * x - 2 * mean_x * x
        yy = to[YY] / all_light + y * y - 2 * mean_y * y
        xy = to[XY] / all_light + x * y - mean_x * y - mean_y * x
        if xx * yy - xy * xy < SMALLEST_SPREAD:
            xx, yy = xx + 1 / 12, yy + 1 / 12
        half = np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
        to[X], to[Y], to[XX], to[YY], to[XY] = x, y, xx, yy, xy
        to[PEAK], to[FIFTH] = highest[k, 0], highest[k, -1]
        to[A], to[B] = np.sqrt(0.5 * (xx + yy) + half), np.sqrt(max(0.5 * (xx + yy) - half, 0.0))


@njit(**OPTIONS)
def _tell(
    picture: Array, sky: tuple[Level, int], threshold: float, runs: Array, starts: Array, which: tuple[int, int]
) -> Array:
    """Figures (N, FIGURES) of some objects, those that are blends divided."""
    most = 0
    for k in range(which[0], which[1]):
        area = 0
        for run in runs[starts[k] : starts[k + 1]]:
            area += run[2] - run[1]
        most = max(most, area)
    places, light = np.empty((most, 2), np.int32), np.empty((2, most), np.float32)
    labels, core = np.zeros(most, np.int32), np.ones(most, np.bool_)
    out, n = np.empty((2 * (which[1] - which[0]), FIGURES)), 0
    for k in range(which[0], which[1]):
        mine = runs[starts[k] : starts[k + 1]]
        peaks = _list_px(picture, sky, mine, places, light)
        area, left = 0, mine[0, 1]
        for run in mine:
            area += run[2] - run[1]
            left = min(left, run[1])
        labels[:area], core[:area], many = 0, True, 1
        if peaks > 1:
            many = divide(places[:area], light[0, :area], threshold, labels[:area], core[:area])
        while n + many > len(out):
            out = np.concatenate((out, np.empty_like(out)))
        _sum_up(places[:area], light[:, :area], labels[:area], core[:area], out[n : n + many])
        for one in range(n, n + many):
            out[one, X] += left
            out[one, Y] += mine[0, 0]
        n += many
    return out[:n].copy()


@njit(**OPTIONS)
def _stand_alone(objects: Array, threshold: float, keep: Array) -> None:
    """Say which objects would stand out without the wings of a brighter one near them.

    Parameters
    ----------
    objects : (N, FIGURES)
        In the order of Y.
    """
    n = len(objects)
    x, y, light = objects[:, X].copy(), objects[:, Y].copy(), objects[:, LIGHT].copy()
    keep[:] = True
    for k in range(n):
        bright = objects[k]
        xx, yy, xy = bright[XX], bright[YY], bright[XY]
        room = xx * yy - xy * xy
        # a profile 1 / (1 + r²) of its light, that falls to the threshold where its px end
        size = np.pi * bright[A] * bright[B]
        height = 0.5 * bright[LIGHT] / size
        falls = (height / threshold - 1.0) * size / bright[AREA]
        most = 2 * REACH_OF_WINGS * bright[A]
        for way in (-1, 1):
            m = k + way
            while 0 <= m < n and abs(y[m] - y[k]) < most:
                dx, dy = x[m] - x[k], y[m] - y[k]
                if abs(dx) < most and light[m] < light[k]:
                    faint = objects[m]
                    near = REACH_OF_WINGS * (bright[A] + min(faint[A], bright[A]))
                    far = (yy * dx * dx + xx * dy * dy - 2 * xy * dx * dy) / room
                    if dx * dx + dy * dy < near * near and height / (1.0 + falls * far) > faint[FIFTH] - threshold:
                        keep[m] = False
                m += way


def _all_runs(picture: Array, sky: tuple[Level, int], threshold: float, threads: Executor | None) -> Array:
    """List the runs of a picture."""
    parts = each_part(len(picture), ROWS, threads, lambda y0, y1: _runs(picture, sky, threshold, (y0, y1)))
    return np.concatenate(parts)


def objects_in(picture: Array, level: Level, step: int, threshold: float, threads: Executor | None) -> Array:
    """Find objects; a picture of which most stands out is searched less deep.

    Parameters
    ----------
    picture : (H, W) float32
        NaN = not known.
    level : Level
        Its sky.
    step : int
        So many px of the sky are a px of the picture wide.
    threshold : float
        How far a smoothed px must stand out of the sky.

    Returns
    -------
    structured ndarray (N,) of `OBJECT_DTYPE`
        Middle, rms radii and light, px of the picture; by rows.
    """
    sky = level, step
    runs = _all_runs(picture, sky, threshold, threads)
    for _ in range(4):
        if int((runs[:, 2] - runs[:, 1]).sum()) <= MOST_SHARE * picture.size:
            break
        threshold *= 3
        runs = _all_runs(picture, sky, threshold, threads)
    runs, starts = join_runs(runs)
    told = each_part(
        len(starts) - 1, OBJECTS, threads, lambda k0, k1: _tell(picture, sky, threshold, runs, starts, (k0, k1))
    )
    if not told:
        return np.zeros(0, OBJECT_DTYPE)
    figures = np.concatenate(told)
    figures = figures[np.argsort(figures[:, Y], kind="stable")]
    keep = np.empty(len(figures), np.bool_)
    _stand_alone(figures, threshold, keep)
    out = np.zeros(int(keep.sum()), OBJECT_DTYPE)
    for name, column in (("x", X), ("y", Y), ("a", A), ("b", B), ("flux", FLUX)):
        out[name] = figures[keep, column]
    return out
