"""How far a sub is from its template, px by px, in σ that know structure and surroundings."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.planes import new_plane, zero_plane
from livestack.reduce.bands import each_band, each_part
from livestack.reduce.boxes import CELL, along_row, box_mean
from livestack.reduce.compile import LEAF, OPTIONS, F
from livestack.reduce.fold import Change
from livestack.reduce.match import shift_at
from livestack.reduce.medians import middles
from livestack.stack import Stack

BOX = 33
"""Side of the high-pass box, guide px."""
LEAST_SIGMA = 0.4
ENOUGH = 100_000
"""Px that a median is taken of, evenly spread: it is then known to 0.3 % of σ."""
MOST_TELLING = 5.0
"""The surroundings are told by the residual clipped to so many σ."""
TILE = 88 * CELL
ROWS_PASSED = 256
"""Rows looked at in one call where few of them are read."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a residual is counted in: ADU, and how much of it is expected.

    Attributes
    ----------
    noise : float
        Variance of one guide px of the sub, ADU².
    weight : float
        Of the sub.
    nu : float
        Weight of the noise model, in degrees of freedom.
    beta : float
        Share of the local contrast that counts as noise.
    own : bool
        Whether what a px itself showed counts.
    """

    noise: float
    weight: float
    nu: float
    beta: float
    own: bool

    @property
    def numbers(self) -> tuple[float, float, float, float, bool]:
        """What the kernels take."""
        return self.noise, self.weight, self.nu, self.beta, self.own

    @property
    def sigma(self) -> float:
        """Noise of a px, ADU."""
        return math.sqrt(self.noise)


@dataclass(frozen=True, slots=True)
class Residual:
    """A sub less its matched template and its surroundings.

    Attributes
    ----------
    sample : ndarray of float32
        (h, w); NaN where the sub does not cover.
    template : Stack
        (1, h, w).
    contrast : ndarray of float32
        (h, w) of the template, squared, ADU²; from `match.guide_contrast`.
    measure : Measure
    z : ndarray of float32
        (h, w) residual in σ, and that in its own σ over plain sky; 0 where there is none.
    ok : ndarray of bool
        (h, w) plain sky: covered, and of little contrast.
    low : ndarray of float32
        What surrounds each cell of 3 × 3 px, σ.
    shift : ndarray of float32
        (h, w) what the match adds to the template, ADU.
    scale : float
        σ that one of z is.
    n_covered : int
        Px that the sub and the template cover.
    """

    sample: Array
    template: Stack
    contrast: Array
    measure: Measure
    z: Array
    ok: Array
    low: Array
    shift: Array
    scale: float
    n_covered: int

    def height(self, y: Array, x: Array) -> Array:
        """Residual at px in σ of the noise alone, NaN where there is none: what brightness is told in."""
        off = (self.sample[y, x] - self.template.mean[0, y, x] - self.shift[y, x]) / np.float32(self.measure.sigma)
        seen: Array = np.where(self.template.coverage[0, y, x] > 0, off - self.low[y // CELL, x // CELL], np.nan)
        return seen

    def structure(self, y: Array, x: Array) -> Array:
        """How far px may be off for what the sky is like there, in σ of the noise alone."""
        structure: Array = np.sqrt(self.contrast[y, x]) * np.float32(self.measure.beta / self.measure.sigma)
        return structure

    @property
    def change(self) -> Change:
        """How far stars and sky differ from the template's."""
        return Change(self.shift, self.low, self.measure.sigma)


@njit(**OPTIONS)
def _shift_band(mean: Array, squared: Array, least: float, match: Array, out: Array, rows: tuple[int, int]) -> None:
    for y in range(rows[0], rows[1]):
        for x in range(out.shape[1]):
            if squared[y, x] > F(least):
                out[y, x] = shift_at(mean, y, x, match)


def shift_of(template: tuple[Stack, Array], noise: float, match: Array, threads: Executor | None) -> Array:
    """Return the `shift` of a residual again, from the same template and contrast, noise of the sub and match."""
    stack, contrast = template
    out: Array = zero_plane(contrast.shape, np.float32)

    def band(y0: int, y1: int) -> None:
        _shift_band(stack.mean[0], contrast, 4 * noise, match, out, (y0, y1))

    if match.size:
        each_band(len(out), threads, band)
    return out


def _median(values: Array) -> float:
    return float(middles(values[None])[1][0])


def robust_sigma(values: Array) -> tuple[float, float]:
    """Median and 1.4826 MAD."""
    if not values.size:
        return 0.0, 0.0
    middle = _median(values)
    return middle, 1.4826 * _median(np.abs(values - np.float32(middle)))


def sparse_step(shape: tuple[int, ...]) -> int:
    """Every how many-th row and column of a picture makes a sample of `ENOUGH` px."""
    return max(1, int(math.sqrt(shape[0] * shape[1] / ENOUGH)))


@njit(**OPTIONS)
def _high_passed(sample: Array, mean: Array, coverage: Array, half: int, rows: tuple[int, int, int]) -> Array:
    """Return rows of the difference of two pictures less its mean in a box, where both cover; flat.

    rows : first, end, and every how many-th.
    """
    h, w = sample.shape
    first, end, step = rows
    out, n = np.empty(((end - first + step - 1) // step) * w, np.float32), 0
    low = np.empty(w, np.float32)
    for y in range(first, end, step):
        sums, counts = np.zeros(w, np.float32), np.zeros(w, np.float32)
        for yy in range(max(y - half, 0), min(y + half + 1, h)):
            a, b, seen = sample[yy], mean[yy], coverage[yy]
            for x in range(w):
                d = a[x] - b[x]
                good = seen[x] > 0 and not np.isnan(d)
                sums[x] += d if good else F(0)
                counts[x] += F(1) if good else F(0)
        along_row(sums, counts, half, low)
        for x in range(w):
            if coverage[y, x] > 0 and np.isfinite(sample[y, x]):
                out[n] = sample[y, x] - mean[y, x] - low[x]
                n += 1
    return out[:n]


def difference_noise(sample: Array, mean: Array, coverage: Array, threads: Executor | None = None) -> float:
    """Variance of the high-passed difference of two registered pictures: stars cancel, so crowding is not noise."""
    step = max(1, sample.size // ENOUGH)

    def some(y0: int, y1: int) -> Array:
        first = y0 + (step // 2 - y0) % step
        passed: Array = _high_passed(sample, mean, coverage, BOX // 2, (min(first, y1), y1, step))
        return passed

    return robust_sigma(np.concatenate(each_part(len(sample), ROWS_PASSED, threads, some)))[1] ** 2


@njit(**LEAF)
def _z_row(
    off: Array,
    squared: Array,
    shown: tuple[Array, Array, Array],
    numbers: tuple[float, float, float, float, bool],
    z: Array,
    ok: Array,
) -> int:
    """One row: what is off, ADU, in σ; NaN where there is none. Returns how many px there are.

    shown: m2, weight, coverage of the template.
    """
    noise, weight, nu, own = F(numbers[0]), F(numbers[1]), F(numbers[2]), numbers[4]
    beta2, plain, per_weight = F(numbers[3] ** 2), F(4 / 0.35**2 * numbers[0]), F(1 / numbers[1])
    m2, total, coverage = shown
    covered = 0
    for x in range(off.size):
        n = F(coverage[x]) - F(1)
        shrinks = own & (n > 0)
        variance = noise + beta2 * squared[x]
        # all but one division and one root are multiplied out
        shares = nu + n if shrinks else F(1)
        variance = nu * variance + per_weight * m2[x] if shrinks else variance
        least = noise * shares
        variance = variance if variance > least else least
        wide = total[x] if total[x] > F(1e-6) else F(1e-6)
        v = off[x] * np.sqrt(shares * wide / (variance * (wide + weight)))
        good = (n >= 0) & (np.abs(v) <= F(3e38))
        z[x] = v if good else F(np.nan)
        ok[x] = good & (squared[x] < plain)
    for x in range(off.size):
        covered += not np.isnan(z[x])
    return covered


@njit(**LEAF)
def _difference(seen: Array, expected: Array, squared: Array, least: Any, off: Array) -> int:
    """Difference of two rows; returns in how many px the contrast² is more than `least`."""
    n = 0
    for x in range(seen.size):
        off[x] = seen[x] - expected[x]
        n += squared[x] > least
    return n


@njit(**LEAF)
def _clear(row: Array) -> None:
    for x in range(row.size):
        row[x] = F(0)


@njit(**LEAF)
def _join_cells(z: Array, ok: Array, column: Array, number: Array) -> None:
    """Add the clipped z of a row to that of the rows above it, where ok."""
    for x in range(z.size):
        v = z[x] if z[x] < F(MOST_TELLING) else F(MOST_TELLING)
        v = v if v > F(-MOST_TELLING) else F(-MOST_TELLING)
        column[x] += v if ok[x] else F(0)
        number[x] += F(1) if ok[x] else F(0)


@njit(**LEAF)
def _into_cells(columns: Array, out: Array) -> None:
    """Sum the columns of each cell, and empty them; there are columns for whole cells."""
    for k in range(out.size):
        x = CELL * k
        out[k] = columns[x] + columns[x + 1] + columns[x + 2]
    columns[:] = F(0)


@njit(**LEAF)
def _residual_rows(
    sample: Array,
    template: tuple[Array, Array, Array, Array, Array],
    numbers: tuple[float, float, float, float, bool],
    match: Array,
    out: tuple[tuple[Array, Array, Array, Array, Array], tuple[Array, Array, Array]],
    rows: tuple[int, int],
) -> int:
    """`_residual_band`; out : what that fills, and rows of TILE px, the last two of them empty, as they are left."""
    mean, m2, total, coverage, squared = template
    (z, ok, shift, sums, counts), (off, column, number) = out
    y0, y1 = rows
    w = mean.shape[1]
    least = F(4 * numbers[0])
    n = 0
    for x0 in range(0, w, TILE):
        x1 = min(x0 + TILE, w)
        for y in range(y0, y1):
            row, seen, expected = squared[y, x0:x1], sample[y, x0:x1], mean[y, x0:x1]
            _clear(shift[y, x0:x1])
            if _difference(seen, expected, row, least, off) and match.size > 0:
                for x in range(x1 - x0):
                    if row[x] > least:
                        shift[y, x0 + x] = shift_at(mean, y, x0 + x, match)
                        off[x] -= shift[y, x0 + x]
            shown = (m2[y, x0:x1], total[y, x0:x1], coverage[y, x0:x1])
            n += _z_row(off[: x1 - x0], row, shown, numbers, z[y, x0:x1], ok[y, x0:x1])
            _join_cells(z[y, x0:x1], ok[y, x0:x1], column, number)
            if y % CELL == CELL - 1 or y == y1 - 1:
                first, last = x0 // CELL, (x1 + CELL - 1) // CELL
                _into_cells(column, sums[y // CELL, first:last])
                _into_cells(number, counts[y // CELL, first:last])
    return n


@njit(**OPTIONS)
def _residual_band(
    sample: Array,
    template: tuple[Array, Array, Array, Array, Array],
    numbers: tuple[float, float, float, float, bool],
    match: Array,
    out: tuple[Array, Array, Array, Array, Array],
    rows: tuple[int, int],
) -> tuple[int, int]:
    """Residual of some rows in σ, and its sums over cells; returns how many px are covered, and 0.

    Parameters
    ----------
    template : mean, m2, weight, coverage, squared contrast (h, w)
    match : as `match_template` returns it.
    out : z, ok, shift (h, w); sums and counts of z over what is ok, by cell.
    """
    work = np.empty(TILE, np.float32), np.zeros(TILE, np.float32), np.zeros(TILE, np.float32)
    return _residual_rows(sample, template, numbers, match, (out, work), rows), 0


@njit(**OPTIONS)
def _sampled(z: Array, ok: Array, low: Array, step: int) -> Array:
    """Every step-th px both ways of z less its surroundings, where ok; flat."""
    h, w = z.shape
    out, n = np.empty(((h + step - 1) // step) * ((w + step - 1) // step), np.float32), 0
    for y in range(step // 2, h, step):
        for x in range(step // 2, w, step):
            if ok[y, x]:
                out[n] = z[y, x] - low[y // CELL, x // CELL]
                n += 1
    return out[:n]


@njit(**LEAF)
def _scale_row(row: Array, around: Array, factor: Any) -> None:
    for x in range(row.size):
        v = (row[x] - around[x]) * factor
        row[x] = F(0) if np.isnan(v) else v


@njit(**LEAF)
def _spread(cells: Array, out: Array) -> None:
    """Row of cells as a row of px."""
    whole = out.size // CELL
    for k in range(whole):
        out[CELL * k], out[CELL * k + 1], out[CELL * k + 2] = cells[k], cells[k], cells[k]
    for x in range(CELL * whole, out.size):
        out[x] = cells[whole]


@njit(**OPTIONS)
def _scale_band(z: Array, low: Array, scale: float, y0: int, y1: int) -> None:
    """Rows y0…y1 of z less their surroundings, over their scale; 0 where there is none."""
    factor = F(1 / scale)
    around = np.empty(z.shape[1], np.float32)
    for y in range(y0, y1):
        if y % CELL == 0:
            _spread(low[y // CELL], around)
        _scale_row(z[y], around, factor)


def residual_of(
    sample: Array, template: tuple[Stack, Array], measure: Measure, match: Array, threads: Executor | None
) -> Residual:
    """Return what is left of a sub (h, w) when its matched template is taken off, and what surrounds each px.

    Thin cloud and glow are wide: what is judged stands out of its surroundings.
    """
    stack, contrast = template
    mean, m2, total, coverage, _ = (array[0] for array in stack.arrays)
    h, w = sample.shape
    z, ok, shift = new_plane((h, w), np.float32), new_plane((h, w), np.bool_), new_plane((h, w), np.float32)
    cells = -(-h // CELL), -(-w // CELL)
    sums, counts, low = np.zeros(cells, np.float32), np.zeros(cells, np.float32), np.empty(cells, np.float32)

    def residual_band(c0: int, c1: int) -> tuple[int, int]:
        rows = CELL * c0, min(CELL * c1, h)
        counted: tuple[int, int] = _residual_band(
            sample, (mean, m2, total, coverage, contrast), measure.numbers, match, (z, ok, shift, sums, counts), rows
        )
        return counted

    n_covered, _ = each_band(cells[0], threads, residual_band)
    box_mean(sums, counts, BOX // CELL // 2, low)
    scale = max(robust_sigma(_sampled(z, ok, low, sparse_step(z.shape)))[1], LEAST_SIGMA)

    def scale_band(c0: int, c1: int) -> None:
        _scale_band(z, low, scale, CELL * c0, min(CELL * c1, h))

    each_band(cells[0], threads, scale_band)
    return Residual(sample, stack, contrast, measure, z, ok, low, shift, scale, n_covered)
