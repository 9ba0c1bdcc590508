"""A pedestal in 16 bits: numbers of steps so small that nothing is lost which frames of a camera hold.

It is read three times for each sub, and is there all night: as float32 it is twice as long a way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NONE = 65535
"""Stands for what is not known."""
MOST = NONE - 1
FINE = 1 / 64
"""Steps are finer than this, ADU, unless a plane spans more than that many of them."""
SPARED = 1e-5
"""Of such a plane so small a share may lie above what the steps reach: it counts as not known."""
ROWS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A plane of which each px is base + step · number.

    Attributes
    ----------
    numbers : ndarray of uint16
        Any shape; `NONE` = not known.
    base, step : float
        The step is a power of two, and the base a multiple of it: each level is a float32, without rounding.
    """

    numbers: Array
    base: float = 0.0
    step: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the plane."""
        return self.numbers.shape

    @property
    def size(self) -> int:
        """Number of its px."""
        return self.numbers.size

    def __getitem__(self, px: Any) -> Array:
        """Return the levels of some px, float32; NaN = not known."""
        numbers = self.numbers[px]
        levels: Array = numbers.astype(np.float32)
        levels *= np.float32(self.step)
        levels += np.float32(self.base)
        levels[numbers == NONE] = np.nan
        return levels

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return all levels, as NumPy asks for them."""
        levels = self[...]
        return levels if dtype is None else levels.astype(dtype)

    def unknown(self) -> Array:
        """Return which px are not known."""
        unknown: Array = self.numbers == NONE
        return unknown


NO_STEPS = Steps(np.zeros((0, 0, 0), np.uint16))


def steps_of(plane: Array, bad: Array | None = None) -> Steps:
    """Return a plane in steps; what is not finite is not known.

    Parameters
    ----------
    plane : ndarray of float32
        (H, W) or (H, W, 3).
    bad : ndarray of bool, optional
        (H, W), px that need no level: hot ones would make all steps wider.
    """
    low, high = math.inf, -math.inf
    for rows in _bands(plane):
        known = _known(plane[rows])
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    if low > high:
        return Steps(np.full(plane.shape, NONE, np.uint16))
    step = 2.0 ** math.ceil(math.log2((high - low) / MOST)) if high > low else 1.0
    if step > FINE:
        step = _spared(plane, bad, low, step)
    # a level of its own needs no steps
    base = math.floor(low / step) * step if high > low else low
    numbers = np.empty(plane.shape, np.uint16)
    for rows in _bands(plane):
        told = (plane[rows] - np.float32(base)) * np.float32(1 / step)
        within = told <= MOST  # nor is NaN
        numbers[rows] = np.where(within, np.rint(told), NONE)
    numbers.flags.writeable = False
    return Steps(numbers, base, step)


def _spared(plane: Array, bad: Array | None, low: float, widest: float) -> float:
    """Return the finest step, not below `FINE`, whose reach all but a few px lie within."""
    step = FINE
    while step < widest:
        n = 0
        for rows in _bands(plane):
            above = plane[rows] > low + step * (MOST - 1)
            if bad is not None:
                above &= ~(bad[rows] if above.ndim == 2 else bad[rows, :, None])
            n += int(np.count_nonzero(above))
        if n <= SPARED * plane.size:
            break
        step *= 2
    return step


def _bands(plane: Array) -> Iterator[slice]:
    """Rows that the processor keeps at hand."""
    return (slice(top, top + ROWS) for top in range(0, len(plane), ROWS))


def _known(part: Array) -> Array:
    return part if np.isfinite(part.sum()) else part[np.isfinite(part)]
