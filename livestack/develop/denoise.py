"""Less grain, with the stars and the shapes left: wavelets, and what of them is above the noise of its place.

The starlet transform (isotropic, undecimated; Starck and Murtagh 2006): scale by scale, what is not above the standard
error of the px there is weakened, less so where others about it stand out too. What a warp, a debayer or a drizzle did
to the noise is measured at each scale.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from livestack.develop.plate import Plate
from livestack.develop.starlet import NORMS, denoise_tile, halve, smooth, smoothed
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

USUAL_SHARE = 0.8
"""Noise that is not known has about so much of its finest scale left, after a warp."""
SLACK = 1.15
LIMITS = (4.0, 3.0, 2.5, 2.0)
"""σ of a scale, from the finest on, that are kept out."""
TILE = 576, 1024
"""Rows and columns at most that are done at once: what is between the scales of so many stays in the cache."""
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

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Take the grain of a plate away; what is not known stays so."""
        channels, h, w = plate.shape
        n = sum(min(h, w) > 4 << k for k in range(len(LIMITS)))
        if self.strength == 0 or n < 2:
            return plate
        out = np.empty_like(plate.data)
        known = None if plate.noise is None else np.ascontiguousarray(plate.noise, np.float32)
        noises = np.empty((channels, 0, 0), np.float32) if known is None else known
        scales = (None,) * channels if known is None else plate.noise_scales

        usual = [(_usual(x, -np.inf, 0.0), _usual(y, 0.0, 1.0)) for x, y in zip(plate.data, noises, strict=True)]

        def tell(i: int, _: int) -> list[float]:
            c = i % channels  # what takes longest comes first
            if i < channels:
                return _noise_of_coarser(plate.data[c], noises[c], usual[c][0], n)
            return [_noise_of_finest(plate.data[c], noises[c])]

        told = each_part(2 * channels, 1, threads, tell)
        limits = [self._squares(told[c + channels] + told[c], scales[c]) for c in range(channels)]
        tiles = [(c, y, x) for c in range(channels) for y in _split(h, TILE[0]) for x in _split(w, TILE[1])]

        def do(i: int, _: int) -> None:
            c, rows, columns = tiles[i]
            denoise_tile(plate.data[c], noises[c], usual[c], limits[c], (*rows, *columns), out[c])

        each_part(len(tiles), 1, threads, do)
        return plate.with_data(out)

    def _squares(self, told: list[float], scale: float | None) -> Array:
        """Return t² of each scale, in squares of the noise, of the σ told of each.

        scale: what the noise was multiplied with since; None = only how it varies over the picture is known.
        """
        sigma = max(scale or told[0] / (USUAL_SHARE * NORMS[0]), 1e-12)
        most = sigma * _most_of_scales(told[0] / sigma)[: len(told)]
        return np.square(self.strength * np.array(LIMITS[: len(told)]) * np.minimum(told, most)).astype(np.float32)


def _split(n: int, most: int) -> list[tuple[int, int]]:
    """Parts of [0, n), as equal as can be, that are at most so large."""
    parts = -(-n // most)
    return [(k * n // parts, (k + 1) * n // parts) for k in range(parts)]


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


def _noise_of_coarser(plane: Array, noise: Array, usual: float, n: int) -> list[float]:
    """σ of each scale but the finest, over the noise.

    Of every 2ᵏth px of every 2ᵏth row: the next scale needs no other.
    """
    told = []
    finer = np.empty(((plane.shape[0] + 1) // 2, (plane.shape[1] + 1) // 2), np.float32)
    halve(plane, usual, (0, len(finer)), finer)
    for k in range(1, n):
        coarser = smoothed(finer, 1, None)
        step = -(-min(finer.shape) // SIDE)
        seen = np.s_[::step, ::step]
        told.append(_quietest(finer[seen] - coarser[seen], noise[:: step << k, :: step << k]))
        finer = np.ascontiguousarray(coarser[::2, ::2])
    return told


def _noise_of_finest(plane: Array, noise: Array) -> float:
    """σ of the finest scale over the noise, of strips of cells."""
    h, w = plane.shape
    tall = min(h, CELL)
    seen = np.concatenate([np.arange(x, min(x + CELL, w)) for x in range(0, w, max(CELL, w // STRIPS))])
    between, noises = [], []
    for y in range(0, h - tall + 1, max(tall, h // STRIPS)):
        above = min(y, 2)
        strip, rows = plane[y - above : y + tall + 2], np.s_[above : above + tall]
        soft = np.empty_like(strip)
        smooth(strip, 1, (above, above + tall), soft)
        between.append(strip[rows, seen] - soft[rows, seen])
        noises.append(noise[y : y + tall, seen] if noise.size else noise)
    return _quietest(np.concatenate(between), np.concatenate(noises))


def _quietest(between: Array, noise: Array) -> float:
    """σ of what lies between two scales, over the noise, in the quietest cells."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(between / noise if noise.size else between)
    np.nan_to_num(ratio, copy=False, posinf=0.0)  # nothing changes where nothing is known
    ny, nx = ratio.shape[0] // CELL, ratio.shape[1] // CELL
    if not ny or not nx:
        return 1.4826 * float(np.median(ratio))
    cells = ratio[: ny * CELL, : nx * CELL].reshape(ny, CELL, nx, CELL).swapaxes(1, 2).reshape(ny * nx, -1)
    cells.sort(axis=1)
    middle = cells.shape[1] // 2
    spread = np.sort(0.5 * (cells[:, middle - 1] + cells[:, middle]))
    spread = spread[spread > 0]
    return 1.4826 * float(spread[int(QUIET * len(spread))]) if spread.size else 0.0
