"""The stars of a stack, for the marks on its picture: found in the preview, as those of a sub are."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from livestack.frame import Array, Picture
from livestack.reduce.detect import find
from livestack.reduce.measure import stars_of
from livestack.reduce.sensor import bare

BOX_WIDENING_PX2 = 0.46
"""What the mean over a px adds to FWHM², in px so wide: 8 ln 2 / 12."""
KNOT = 3.0
"""What is so many times as wide as the typical star is a knot of a nebula, or a galaxy."""


def stars_of_preview(picture: Picture, threads: Executor | None = None) -> Array:
    """Find stars and measure them: x, y, FWHM, (N, 3) in px of the stack's array, brightest first."""
    data, step = picture.data, 1 / picture.scale
    light = data if data.ndim == 2 else data.mean(axis=2)
    sensor = bare(np.ascontiguousarray(light[None], dtype=np.float32))
    stars = stars_of(sensor, find(sensor, threads), threads)
    stars = stars[stars["fwhm"] <= KNOT * np.median(stars["fwhm"])] if len(stars) else stars
    narrower = np.maximum(stars["fwhm"] ** 2 - BOX_WIDENING_PX2 * (1 - 1 / step**2), 0.25)
    places = [step * (stars[axis] + 0.5) - 0.5 for axis in ("x", "y")]
    return np.stack([*places, step * np.sqrt(narrower)], axis=1)
