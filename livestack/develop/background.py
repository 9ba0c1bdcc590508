"""What lies over the whole picture and is no object: light pollution, moonlight, what a flat left.

A polynomial through the sky, of low order: anything finer would eat nebulae. Cells that stand above it are left out of
the next fit, by the scatter of those below it alone, for light only adds.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from livestack.develop.cells import fit_cells, gather_cells, tell_cells
from livestack.develop.kernels import take_off
from livestack.develop.plate import PX_ROWS, Plate
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

ORDERS = (0, 1, 2, 4)
CELLS, LEAST_SIDE_PX = 1500, 16
SAMPLES_A_SIDE = 12
"""So many px of a cell's side are looked at."""
MOST_FITS = 12
ABOVE, BELOW = 2.0, 4.0
"""Cells farther off than so many σ are left out of the next fit."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A level for each channel that varies slowly, and a factor; it does not depend on the size of the picture.

    Attributes
    ----------
    coefficients : tuple
        Per channel (n, n) numbers: of vⁱ uʲ, where u and v run from −½ to ½ along rows and columns.
    gains : tuple of float
    """

    coefficients: tuple[tuple[tuple[float, ...], ...], ...]
    gains: tuple[float, ...]

    def __call__(self, plate: Plate, threads: Executor | None = None, *, in_place: bool = False) -> Plate:
        """Take the level off, and multiply."""
        out = plate.data if in_place else np.empty_like(plate.data)
        parts = list(zip(plate.data, map(np.array, self.coefficients), self.gains, out, strict=True))

        def band(y0: int, y1: int) -> None:
            for plane, surface, gain, to in parts:
                take_off(plane, surface, gain, (y0, y1), to)

        each_part(plate.shape[1], PX_ROWS, threads, band)
        scales = tuple(scale * gain for scale, gain in zip(plate.noise_scales, self.gains, strict=False))
        return plate.with_data(out, noise_scales=scales)

    def then(self, other: Surface) -> Surface:
        """Return what does at once what this does and another after it."""
        coefficients, gains = [], []
        for one, two, gain, more in zip(self.coefficients, other.coefficients, self.gains, other.gains, strict=True):
            both = np.zeros((max(len(one), len(two)),) * 2)
            both[: len(one), : len(one)] = one
            both[: len(two), : len(two)] += np.array(two) / gain
            coefficients.append(tuple(map(tuple, both.tolist())))
            gains.append(gain * more)
        return Surface(tuple(coefficients), tuple(gains))

    def level(self, shape: tuple[int, int, int]) -> Array:
        """Return what is taken off a picture of this shape, (C, H, W) float32."""
        out = np.empty(shape, np.float32)
        nothing = np.zeros(shape[1:], np.float32)
        for surface, to in zip(self.coefficients, out, strict=True):
            take_off(nothing, np.array(surface), -1.0, (0, shape[1]), to)
        return out


@dataclass(frozen=True, slots=True)
class Background:
    """Take the gradient of the sky off.

    Attributes
    ----------
    order : int
        Of the polynomial: 0, 1, 2, or 4 for a sky that bends a lot, which costs a large nebula a sixth of its light.
    """

    name: ClassVar[str] = "background"
    order: int = 2

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise SettingsError(f"background: order is one of {', '.join(map(str, ORDERS))}, not {self.order}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Surface:
        """Tell the sky of each channel."""
        surfaces = each_part(len(plate.data), 1, threads, lambda c, _: fit_surface(plate.data[c], self.order))
        return Surface(tuple(tuple(map(tuple, surface.tolist())) for surface in surfaces), (1.0,) * len(surfaces))


def fit_surface(plane: Array, order: int) -> Array:
    """Polynomial through the sky of a plane (H, W), NaN = not known: (order + 1, order + 1) coefficients of vⁱ uʲ."""
    levels, errors = cells_of(plane)
    out = np.zeros((order + 1, order + 1))
    known = np.isfinite(levels)
    if not known.any():
        return out
    v, u = np.meshgrid(*((np.arange(n) + 0.5) / n - 0.5 for n in levels.shape), indexing="ij")
    powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    terms = np.stack([v[known] ** i * u[known] ** j for i, j in powers])
    level, least = levels[known].astype(np.float64), float(np.median(errors[known]))
    found = fit_cells(terms, level, least, (ABOVE, BELOW), MOST_FITS)
    for (i, j), value in zip(powers, found, strict=True):
        out[i, j] = value
    return out


def cells_of(plane: Array) -> tuple[Array, Array]:
    """Sky levels of the cells of a plane and their errors, (ny, nx) float32; NaN where little is known."""
    h, w = plane.shape
    side = max(LEAST_SIDE_PX, int(np.sqrt(h * w / CELLS)))
    ny, nx = max(1, h // side), max(1, w // side)
    stride = round(side / SAMPLES_A_SIDE)
    levels, errors = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    least = max(1, (side // stride) ** 2 // 2)
    values = np.full((ny, nx, (side // stride + 2) ** 2), np.nan, np.float32)
    gather_cells(plane, stride, values)
    values.sort(axis=2)  # what is not known comes last
    tell_cells(values, least, levels, errors)
    return levels, errors
