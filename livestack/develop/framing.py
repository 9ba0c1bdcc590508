"""What part of the stack is shown, and which way up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from livestack.develop.kernels import tell_bare
from livestack.develop.plate import PX_ROWS, Plate
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

LINE_SHARE = 0.02
"""So many px of an edge may be covered less."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a picture, as shares of its height and width from the top and the left."""

    top: float
    bottom: float
    left: float
    right: float

    def __call__(self, plate: Plate, threads: Executor | None = None, *, in_place: bool = False) -> Plate:
        """Cut the picture and all that belongs to it; in place: within the memory that it has."""
        _, h, w = plate.shape
        rows = slice(round(self.top * h), max(round(self.bottom * h), round(self.top * h) + 1))
        columns = slice(round(self.left * w), max(round(self.right * w), round(self.left * w) + 1))
        if (rows, columns) == (slice(0, h), slice(0, w)):
            return plate

        def cut(planes: Array) -> Array:
            return planes[..., rows, columns]

        plate = _each(plate, lambda planes: _moved_up(planes, cut) if in_place else _copied(planes, cut, threads))
        if plate.known_stars is None:
            return plate
        known = plate.known_stars * (h, w, 1.0) - (rows.start, columns.start, 0.0)
        return plate.with_data(plate.data, known_stars=known / (*plate.shape[1:], 1.0))


@dataclass(frozen=True, slots=True)
class Crop:
    """Cut away what few subs cover.

    Attributes
    ----------
    least : float
        Share of the best coverage that is kept.
    """

    name: ClassVar[str] = "crop"
    least: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1:
            raise SettingsError(f"crop: least is 0 to 1, not {self.least:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Window:
        """Tell what is covered well enough."""
        _, h, w = plate.shape
        coverage = plate.coverage if plate.coverage is not None else np.zeros((0, 0), np.uint16)
        least = self.least * float(coverage.max(initial=0))
        bare = np.empty((h, w), np.uint8)
        found = each_part(h, PX_ROWS, threads, lambda y0, y1: tell_bare(plate.data, coverage, least, (y0, y1), bare))
        top, bottom, left, right = _inner(bare) if any(found) else (0, h, 0, w)
        return Window(top / h, bottom / h, left / w, right / w)


def _inner(bare: Array) -> tuple[int, int, int, int]:
    """Rectangle whose edges are covered: the edge that lacks most goes, line by line."""
    h, w = bare.shape
    sums = cv2.integral(bare)
    top, bottom, left, right = 0, h, 0, w

    def lacks(t: int, b: int, l: int, r: int) -> float:  # noqa: E741 - left
        return float(sums[b, r] - sums[t, r] - sums[b, l] + sums[t, l]) / max((b - t) * (r - l), 1)

    while bottom - top > 1 and right - left > 1:
        edges = (
            lacks(top, top + 1, left, right),
            lacks(bottom - 1, bottom, left, right),
            lacks(top, bottom, left, left + 1),
            lacks(top, bottom, right - 1, right),
        )
        worst = int(np.argmax(edges))
        if edges[worst] <= LINE_SHARE:
            return top, bottom, left, right
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    return 0, h, 0, w


@dataclass(frozen=True, slots=True)
class Turn:
    """Turn the picture, and mirror it.

    Attributes
    ----------
    degrees : int
        0, 90, 180 or 270, counterclockwise.
    mirrored : bool
        Left and right are exchanged, after the turn.
    """

    name: ClassVar[str] = "turn"
    degrees: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.degrees not in (0, 90, 180, 270):
            raise SettingsError(f"turn: degrees are 0, 90, 180 or 270, not {self.degrees}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Turn:
        """Nothing is told before."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Turn the picture and all that belongs to it."""
        if not (self.degrees or self.mirrored):
            return plate

        def turned(planes: Array) -> Array:
            out = np.rot90(planes, self.degrees // 90, axes=(-2, -1))
            return out[..., ::-1] if self.mirrored else out

        plate = _each(plate, lambda planes: _copied(planes, turned, threads))
        if plate.known_stars is None:
            return plate
        y, x, colour = plate.known_stars.T
        for _ in range(self.degrees // 90):
            y, x = 1 - x, y
        known = np.stack([y, 1 - x if self.mirrored else x, colour], axis=1)
        return plate.with_data(plate.data, known_stars=known)


@dataclass(frozen=True, slots=True)
class NorthUp:
    """Turn the picture by quarters until north is up, or nearest to it, and east on the left; needs a solved stack."""

    name: ClassVar[str] = "north up"

    def settle(self, plate: Plate, threads: Executor | None = None) -> Turn:
        """Tell which turn that is.

        Raises
        ------
        SettingsError
            The stack does not say how it lies on the sky.
        """
        if plate.sky_matrix is None:
            raise SettingsError("north up: the stack does not say how it lies on the sky; solve it first, or use turn")
        east_x, east_y, north_x, north_y = plate.sky_matrix
        # y runs downwards: a quarter turn counterclockwise brings (x, y) to (y, −x)
        ups = (-north_y, north_x, north_y, -north_x)
        quarters = max(range(4), key=lambda k: ups[k])
        mirrored = east_x * north_y - east_y * north_x < 0
        return Turn(90 * quarters, mirrored)


def _each(plate: Plate, change: Callable[[Array], Array]) -> Plate:
    """Do the same to the data, the noise and the coverage."""
    noise, coverage = (None if planes is None else change(planes) for planes in (plate.noise, plate.coverage))
    return plate.with_data(change(plate.data), noise=noise, coverage=coverage)


def _copied(planes: Array, change: Callable[[Array], Array], threads: Executor | None) -> Array:
    """Return a part of planes, or a turn, as a new array; what is the same everywhere takes no memory."""
    source = change(planes)
    if not any(source.strides[-2:]):
        return source
    out = np.empty(source.shape, source.dtype)

    def copy(y0: int, y1: int) -> None:
        out[..., y0:y1, :] = source[..., y0:y1, :]

    each_part(source.shape[-2], PX_ROWS, threads, copy)
    return out


def _moved_up(planes: Array, cut: Callable[[Array], Array]) -> Array:
    """Return a part of planes where they begin: row by row, for each goes to where others were read before."""
    source = cut(planes)
    if not any(source.strides[-2:]):
        return source
    out = planes.reshape(-1)[: source.size].reshape(source.shape)
    for row in np.ndindex(source.shape[:-1]):
        out[row] = source[row]
    return out
