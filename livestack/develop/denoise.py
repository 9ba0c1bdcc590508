"""Less grain, with the stars and the shapes left: wavelets, and what of them is above the noise of its place.

The starlet transform (isotropic, undecimated; Starck and Murtagh 2006): scale by scale, what is not above the standard
error of the px there is weakened, less so where others about it stand out too. What a warp, a debayer or a drizzle did
to the noise is measured at each scale.
"""

from __future__ import annotations

import itertools
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from livestack.develop.plate import PX_ROWS, Plate
from livestack.develop.starlet import BEYOND, NORMS, denoise_tile, halve, smooth, smoothed
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce.bands import each_part

USUAL_SHARE = 0.8
"""Noise that is not known has about so much of its finest scale left, after a warp."""
SLACK = 1.15
LIMITS = (4.0, 3.0, 2.5, 2.0)
"""σ of a scale, from the finest on, that are kept out."""
FINE = 2
"""So many scales are weakened px by px; of the noise of coarser ones every second px of every second row says all."""
TILE = 288, 4096
"""Rows and columns at most that are done at once: what is between the scales of so many columns stays in the cache, and
rows of 1080 part so that two cores have as much to do."""
NOTHING = np.zeros((0, 0), np.float32)
CELL, SIDE = 16, 192
"""The noise of a scale is told in cells of so many px a side; px are left out where there are far more than so many."""
USUAL_SIDE = 64
"""What is usual is told from so many px a side."""
STRIPS = 8
"""So many rows of cells are looked at for the finest scale, whose px are not left out: a debayer makes them differ."""
QUIET = 0.1
"""Share of the cells, the quietest, that hold noise alone."""


@dataclass(frozen=True, slots=True)
class Denoise:
    """Take grain away, most where there is most of it.

    Attributes
    ----------
    strength : float
        1 = as measured to be best for a stack of few subs; 0 = nothing.
    """

    name: ClassVar[str] = "denoise"
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 4:
            raise SettingsError(f"denoise: strength is 0 to 4, not {self.strength:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Denoise:
        """Nothing is told before: the noise is that of the picture it is applied to."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None, *, in_place: bool = False) -> Plate:
        """Take the grain of a plate away; what is not known stays so.

        In place one plane after another is, which takes a little longer and the memory of a plane.
        """
        channels, h, w = plate.shape
        n = sum(min(h, w) > 4 << k for k in range(len(LIMITS)))
        if self.strength == 0 or n < FINE:
            return plate
        noises, levels = _noises_of(plate)
        planes, told = _told(plate.data, noises, n, threads)
        squares = []
        for (coarser, _), (finest, _), level in zip(told[:channels], told[channels:], levels, strict=True):
            squares.append(self._squares(finest + coarser, level))
        taken = [NOTHING] * channels
        if n > FINE:
            coarse = [half for _, half in told[:channels]]
            kept = _weakened(coarse, [t[FINE:] for t in squares], 1 << FINE - 1, taken, threads)
            taken = [np.subtract(half.plane, k, out=k) for half, k in zip(coarse, kept, strict=True)]
        fine = [t[:FINE] for t in squares]
        if not in_place:
            return plate.with_data(_weakened(planes, fine, 1, taken, threads))
        for c, plane in enumerate(plate.data):
            this = slice(c, c + 1)
            _replace(plane, _weakened(planes[this], fine[this], 1, taken[this], threads)[0], threads)
        return plate

    def _squares(self, told: list[float], level: float | None) -> Array:
        """Return t² of each scale, in squares of the noise, of the σ told of each; level: from `_noises_of`."""
        sigma = max(level or told[0] / (USUAL_SHARE * NORMS[0]), 1e-12)
        most = sigma * _most_of_scales(told[0] / sigma)[: len(told)]
        return np.square(self.strength * np.array(LIMITS[: len(told)]) * np.minimum(told, most)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A plane and its noise.

    Attributes
    ----------
    plane : (H, W)
    noise : of every second px of every second row, smoothed; (0, 0) where it is the same everywhere, or not known.
    usual, usual_noise : float
        What is taken for what is not known.
    """

    plane: Array
    noise: Array
    usual: float
    usual_noise: float


def _seen(planes: Array, noises: Array, threads: Executor | None) -> tuple[list[Seen], Array]:
    """Return planes as they are seen, and each smoothed: every second px of every second row of it.

    The noise of a px that few subs tell is itself uncertain, but that of those about it is the same: it is smoothed.
    """
    channels, h, w = planes.shape
    known = noises.size > 0
    both = [*planes, *(noises if known else ())]

    def usual(i: int, _: int) -> float:
        return _usual(both[i], -np.inf, 0.0) if i < channels else _usual(both[i], 0.0, 1.0)

    usually = each_part(len(both), 1, threads, usual)
    size = (h + 1) // 2, (w + 1) // 2
    halves = np.empty((channels, *size), np.float32)
    noise = np.empty_like(halves) if known else noises
    smooth_ones = [*halves, *noise]

    def some(y0: int, y1: int) -> None:
        for i, plane in enumerate(both):
            halve(plane, -BEYOND if i < channels else 0.0, usually[i], (y0, y1), smooth_ones[i])

    each_part(size[0], PX_ROWS, threads, some)
    usual_noises = usually[channels:] if known else [1.0] * channels
    seen = [Seen(*each) for each in zip(planes, noise, usually[:channels], usual_noises, strict=True)]
    return seen, halves


def _told(
    planes: Array, noises: Array, n: int, threads: Executor | None
) -> tuple[list[Seen], list[tuple[list[float], Seen]]]:
    """Return planes as they are seen; and what is told of the coarser scales of each, then of the finest."""
    seen, halves = _seen(planes, noises, threads)
    channels = len(planes)

    def tell(i: int, _: int) -> tuple[list[float], Seen]:
        one = seen[i % channels]  # what takes longest comes first
        return _noise_of_coarser(one, halves[i], n) if i < channels else ([_noise_of_finest(one)], one)

    return seen, each_part(2 * channels, 1, threads, tell)


def _noises_of(plate: Plate) -> tuple[Array, list[float | None]]:
    """Noise of each channel: how it varies, (H, W), or (0, 0) where it does not; and what that is multiplied with.

    A factor of None is not known.
    """
    noise, channels, nothing = plate.noise, len(plate.data), np.zeros((len(plate.data), 0, 0), np.float32)
    if noise is None:
        return nothing, [None] * channels
    scales = plate.noise_scales[:channels]
    if noise.strides[1:] == (0, 0):
        levels = [scale * float(plane[0, 0]) for scale, plane in zip(scales, noise, strict=True)]
        return nothing, [level if level > 0 else None for level in levels]
    return np.ascontiguousarray(noise, np.float32), list(scales)


def _weakened(
    planes: list[Seen], limits: list[Array], first_step: int, taken: list[Array], threads: Executor | None
) -> Array:
    """Weaken what scales of planes hold that may be noise: (C, H, W)."""
    h, w = planes[0].plane.shape
    out: Array = new_plane((len(planes), h, w), np.float32)
    tiles = [(c, y, x) for y in _split(h, TILE[0]) for x in _split(w, TILE[1]) for c in range(len(planes))]

    def do(i: int, _: int) -> None:
        c, rows, columns = tiles[i]
        seen = planes[c]
        noise = seen.noise, seen.usual
        denoise_tile(seen.plane, noise, (limits[c], first_step), taken[c], (*rows, *columns), out[c])

    each_part(len(tiles), 1, threads, do)
    return out


def _replace(plane: Array, by: Array, threads: Executor | None) -> None:
    def copy(y0: int, y1: int) -> None:
        plane[y0:y1] = by[y0:y1]

    each_part(len(plane), PX_ROWS, threads, copy)


def _split(n: int, most: int) -> list[tuple[int, int]]:
    """Parts of [0, n), about as large as each other and at most so large, that begin at even places."""
    parts = -(-n // most)
    ends = [k * n // parts // 2 * 2 for k in range(parts)] + [n]
    return list(itertools.pairwise(ends))


def _usual(plane: Array, above: float, otherwise: float) -> float:
    """Median of what is known of a plane and above something; of a sample."""
    step = max(1, min(plane.shape) // USUAL_SIDE)
    sample = plane[::step, ::step]
    sample = np.sort(sample[np.isfinite(sample) & (sample > above)])
    return float(sample[sample.size // 2]) if sample.size else otherwise


def _most_of_scales(finest: float) -> Array:
    """Noise of each scale at most, over that of a px: what a warp or a debayer took from the finest is in the others.

    In crowded fields there is no place where a coarse scale holds noise alone, and more is told than there is.
    """
    power = np.array(NORMS) ** 2
    share = min(finest**2 / power[0], 1.0)
    others = (1 - share * power[0]) / (1 - power[0])
    return np.asarray(SLACK * np.sqrt(power * np.array([share, others, others, others])))


def _noise_of_coarser(seen: Seen, finer: Array, n: int) -> tuple[list[float], Seen]:
    """σ of each scale but the finest, over the noise; and every second px of every second row after the fine scales.

    A scale is told from every 2ᵏth px of every 2ᵏth row: the next one needs no other.

    Parameters
    ----------
    finer : every second px of every second row after the finest scale.
    """
    told, half = [], finer
    for k in range(1, n):
        coarser = smoothed(finer, 1, None)
        step = -(-min(finer.shape) // SIDE)
        some, there = np.s_[::step, ::step], np.s_[:: step << k, :: step << k]
        noise = seen.noise[:: step << k - 1, :: step << k - 1]
        told.append(_quietest(finer[some] - coarser[some], noise, seen.plane[there]))
        if k < FINE:
            half = coarser
        finer = np.ascontiguousarray(coarser[::2, ::2])
    return told, Seen(half, np.ascontiguousarray(seen.noise[::2, ::2]), seen.usual, seen.usual_noise)


def _noise_of_finest(seen: Seen) -> float:
    """σ of the finest scale over the noise, of strips of cells."""
    plane, noise = seen.plane, seen.noise
    h, w = plane.shape
    tall = min(h, CELL)
    some = np.concatenate([np.arange(x, min(x + CELL, w)) for x in range(0, w, max(CELL, w // STRIPS))])
    between, noises, px = [], [], []
    for y in range(0, h - tall + 1, max(tall, h // STRIPS)):
        above = min(y, 2)
        strip, rows = plane[y - above : y + tall + 2], np.s_[above : above + tall]
        soft = np.empty_like(strip)
        smooth(strip, 1, (above, above + tall), soft)
        between.append(strip[rows, some] - soft[rows, some])
        noises.append(noise[np.arange(y, y + tall)[:, None] // 2, some // 2] if noise.size else noise)
        px.append(plane[y : y + tall, some])
    return _quietest(np.concatenate(between), np.concatenate(noises), np.concatenate(px))


def _quietest(between: Array, noise: Array, px: Array) -> float:
    """σ of what lies between two scales, over the noise, in the quietest cells of which half is known at least."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(between / noise if noise.size else between)
    ratio[~(np.isfinite(px) & np.isfinite(ratio))] = np.nan
    ny, nx = max(ratio.shape[0] // CELL, 1), max(ratio.shape[1] // CELL, 1)
    tall, wide = min(ratio.shape[0], CELL), min(ratio.shape[1], CELL)
    cells = ratio[: ny * tall, : nx * wide].reshape(ny, tall, nx, wide).swapaxes(1, 2).reshape(ny * nx, -1)
    cells.sort(axis=1)  # what is not known comes last
    known = np.isfinite(cells).sum(axis=1)
    cells, known = cells[2 * known >= tall * wide], known[2 * known >= tall * wide]
    rows = np.arange(len(cells))
    spread = np.sort(0.5 * (cells[rows, (known - 1) // 2] + cells[rows, known // 2]))
    spread = spread[spread > 0]
    return 1.4826 * float(spread[int(QUIET * len(spread))]) if spread.size else 0.0
