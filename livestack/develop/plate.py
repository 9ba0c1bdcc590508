"""What is developed: a stack on its way from linear data to a picture."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from livestack.frame import Array, SkyMatrix
from livestack.reduce.bands import each_part

PX_ROWS = 64
"""Rows that are done at once."""
LEVELS_PX = 600_000
"""The levels of a picture are told on one of at most so many px."""


@dataclass(frozen=True, slots=True)
class Plate:
    """A picture in the making. What acts on it may write into its data: `chain.develop` works on a copy.

    Attributes
    ----------
    data : ndarray of float32
        (C, H, W) with C = 1 or 3; ADU until it is stretched, then 0…1; NaN = nothing there.
    noise : ndarray of float32, optional
        Standard error of each px, shaped as the data, by `np.broadcast_to` where it is the same everywhere; None = not
        known. It holds while the plate is linear.
    noise_scales : tuple of float
        Factor of each channel of the noise: what was multiplied since.
    coverage : ndarray, optional
        (H, W), how many subs cover each px.
    stretched : bool
        Whether it is as a screen shows it, no longer linear.
    sky_matrix : SkyMatrix, optional
        How it lies on the sky, where that is known.
    daylight : tuple of float, optional
        What red, green and blue are multiplied with to make daylight white, where the camera is known.
    known_stars : ndarray, optional
        (n, 3), stars whose colours are known: y and x as shares of height and width, and how much redder than the sun
        they are, mag; brightest first.
    """

    data: Array
    noise: Array | None = None
    noise_scales: tuple[float, ...] = (1.0, 1.0, 1.0)
    coverage: Array | None = None
    stretched: bool = False
    sky_matrix: SkyMatrix | None = None
    daylight: tuple[float, float, float] | None = None
    known_stars: Array | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        c, h, w = self.data.shape
        return c, h, w

    def with_data(self, data: Array, **changes: Any) -> Plate:
        """Return the plate with other data."""
        return dataclasses.replace(self, data=data, **changes)


def smaller(plate: Plate, most_px: int = LEVELS_PX, threads: Executor | None = None) -> Plate:
    """Return the means over squares of px, at most so many, without their noise; they are of known px alone."""
    _, h, w = plate.shape
    k = math.ceil(math.sqrt(h * w / most_px))
    if k <= 1:
        return plate
    size = w // k, h // k
    means = np.empty((len(plate.data), size[1], size[0]), np.float32)

    def mean(y0: int, y1: int) -> None:
        for plane, out in zip(plate.data, means, strict=True):
            whole = plane[y0 * k : y1 * k, : size[0] * k]
            cv2.resize(whole, (size[0], y1 - y0), out[y0:y1], interpolation=cv2.INTER_AREA)

    each_part(size[1], PX_ROWS, threads, mean)
    known = plate.known_stars
    if known is not None:  # px at the end that make no whole square are left out
        known = known * (h / (size[1] * k), w / (size[0] * k), 1.0)
    return Plate(means, stretched=plate.stretched, daylight=plate.daylight, known_stars=known)


def plate_of(picture: Array, noise_adu: float | None = None, threads: Executor | None = None) -> Plate:
    """Plate of a picture (H, W) or (H, W, 3), float32, of whose noise one figure is known."""
    if picture.ndim == 2:
        data = np.ascontiguousarray(picture[None], np.float32)
    else:
        data = np.empty((picture.shape[2], *picture.shape[:2]), np.float32)

        def split(y0: int, y1: int) -> None:
            cv2.split(np.ascontiguousarray(picture[y0:y1], np.float32), list(data[:, y0:y1]))

        each_part(len(picture), PX_ROWS, threads, split)
    noise = np.broadcast_to(np.float32(noise_adu), data.shape) if noise_adu else None
    return Plate(data, noise)


def picture_of(plate: Plate) -> Array:
    """Return (H, W) or (H, W, 3) of a plate."""
    return plate.data[0] if len(plate.data) == 1 else np.asarray(cv2.merge(list(plate.data)))
