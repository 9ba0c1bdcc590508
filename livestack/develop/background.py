"""What lies over the whole picture and is no object: light pollution, moonlight, what a flat left.

A polynomial through the sky, of low order: anything finer would eat nebulae. Cells that stand above it are left out of
the next fit, by the scatter of those below it alone, for light only adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from livestack.develop.cells import fit_cells, gather_cells, tell_cells
from livestack.develop.kernels import take_off
from livestack.develop.plate import PX_ROWS, Plate
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce.bands import each_part

ORDERS = (0, 1, 2, 4)
CELLS, LEAST_SIDE_PX = 1500, 16
SAMPLES_A_SIDE = 12
"""So many px of a cell's side are looked at."""
MOST_FITS = 12
ABOVE, BELOW = 2.0, 4.0
"""Cells farther off than so many σ are left out of the next fit."""
CORNER, BENDS = 6, 4
"""A corner is a sixth of each side; a sky that bends there has this order."""
TOO_DARK, TOO_BRIGHT = 2.0, 4.0
"""So many σ of the cells a corner may be off: nothing but the sky is too dark, but what is bright may be a nebula."""
STAYS, UNEVEN = 1 / 3, 0.55
"""Of a corner that is the sky's a higher order leaves less, and less of the scatter of its cells if it is bright.

A nebula has shapes that no polynomial follows.
"""


def _kept(data: Array) -> Array:
    """Return a view that cannot be written to: the kernel is compiled for pictures that nobody may change, too."""
    view = data.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Surface:
    """A level for each channel that varies slowly, and a factor; it does not depend on the size of the picture.

    Attributes
    ----------
    coefficients : tuple
        Per channel (n, n) numbers: of vⁱ uʲ, where u and v run from −½ to ½ along rows and columns.
    gains : tuple of float
    told_by : str
        From what, where that is worth a word.
    """

    coefficients: tuple[tuple[tuple[float, ...], ...], ...]
    gains: tuple[float, ...]
    told_by: str = field(default="", compare=False)

    def __call__(self, plate: Plate, threads: Executor | None = None, *, in_place: bool = False) -> Plate:
        """Take the level off, and multiply."""
        out: Array = plate.data if in_place else new_plane(plate.shape, np.float32)
        parts = list(zip(_kept(plate.data), map(np.array, self.coefficients), self.gains, out, strict=True))

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
        nothing = _kept(np.zeros(shape[1:], np.float32))
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
    corners : bool
        Order 2 gives way to 4 where it leaves a corner that 4 explains: the glow of an amplifier, vignetting.
    """

    name: ClassVar[str] = "background"
    order: int = 2
    corners: bool = True

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise SettingsError(f"background: order is one of {', '.join(map(str, ORDERS))}, not {self.order}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Surface:
        """Tell the sky of each channel."""
        n = len(plate.data)
        cells = each_part(n, 1, threads, lambda c, _: cells_of(plate.data[c]))

        def fitted(order: int) -> list[Array]:
            return each_part(n, 1, threads, lambda c, _: fit_surface(*cells[c], order))

        surfaces = fitted(self.order)
        if self.corners and self.order == 2:
            plain = _corners_of(cells, surfaces, threads)
            if ((plain[:, 0] < -TOO_DARK) | (plain[:, 0] > TOO_BRIGHT)).any():
                higher = fitted(BENDS)
                surfaces = higher if _explained(plain, _corners_of(cells, higher, threads)) else surfaces
        return Surface(tuple(tuple(map(tuple, surface.tolist())) for surface in surfaces), (1.0,) * n)


def _places(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return where cells lie, v and u."""
    v, u = np.meshgrid(*((np.arange(n) + 0.5) / n - 0.5 for n in shape), indexing="ij")
    return v, u


def _corners_of(cells: Sequence[tuple[Array, Array]], surfaces: Sequence[Array], threads: Executor | None) -> Array:
    return np.stack(each_part(len(cells), 1, threads, lambda c, _: _corners(*cells[c], surfaces[c])))


def _corners(levels: Array, errors: Array, surface: Array) -> Array:
    """Tell how far cells of the four corners are off a surface, and their scatter: (2, 4), in σ of those below it."""
    if not np.isfinite(levels).any():
        return np.zeros((2, 4))
    v, u = _places(levels.shape)
    off = levels - np.polynomial.polynomial.polyval2d(v, u, surface)
    below = -off[off < 0]
    sigma = max(
        1.4826 * float(np.median(below)) if below.size else 0.0, float(np.median(errors[np.isfinite(errors)])), 1e-9
    )
    high, wide = (max(n // CORNER, 1) for n in levels.shape)
    parts = off[:high, :wide], off[:high, -wide:], off[-high:, :wide], off[-high:, -wide:]
    known = [part[np.isfinite(part)] for part in parts]
    return np.array([[f(part) / sigma if part.size else 0.0 for part in known] for f in (np.median, np.std)])


def _explained(plain: Array, higher: Array) -> bool:
    """Whether a higher order explains a corner that is off, in each channel where it is: (C, 2, 4) of both."""
    (off, uneven), (left, rest) = plain.swapaxes(0, 1), higher.swapaxes(0, 1)
    dark, bright = off < -TOO_DARK, off > TOO_BRIGHT
    gone = np.abs(left) < STAYS * np.abs(off)
    told = np.where(dark, gone, gone & (rest < UNEVEN * uneven))
    return bool(((dark | bright).any(axis=0) & (told | ~(dark | bright)).all(axis=0)).any())


def fit_surface(levels: Array, errors: Array, order: int) -> Array:
    """Polynomial through the sky of cells (ny, nx), NaN = not known: (order + 1, order + 1) coefficients of vⁱ uʲ."""
    out = np.zeros((order + 1, order + 1))
    known = np.isfinite(levels)
    if not known.any():
        return out
    v, u = _places(levels.shape)
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
