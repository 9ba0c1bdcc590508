"""What one has to know of a picture to turn its curve: how its light is spread, and what the curve stands on."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from livestack.develop.chain import Recipe
from livestack.develop.histogram import Histogram, histogram, marks
from livestack.develop.plate import Plate
from livestack.develop.tone import Asinh, Ghs, Ground, Mtf, ground_of

Curve = Mtf | Asinh | Ghs
Marks = tuple[float, float, float]


@dataclass(frozen=True, eq=False, slots=True)
class Light:
    """The light of a linear picture.

    Attributes
    ----------
    histogram : Histogram
    linked, apart : Ground
        What one curve for all channels stands on, and what a curve for each does.
    """

    histogram: Histogram
    linked: Ground
    apart: Ground

    def marks(self, curve: Curve) -> Marks | None:
        """Return the levels that a curve shows black, half as bright as white, and white."""
        is_linked = not isinstance(curve, Mtf) or curve.linked
        return marks((curve.on(self.linked if is_linked else self.apart),))


def light_of(plate: Plate, threads: Executor | None = None) -> Light:
    """Look at what a curve is settled on."""
    linked, apart = (ground_of(plate, threads, linked=each) for each in (True, False))
    return Light(histogram(plate.data, grain=float(np.mean(linked.sigma))), linked, apart)


def curve_of(recipe: Recipe) -> Curve | None:
    """Return the curve of a recipe."""
    return next((step for step in recipe if isinstance(step, Curve)), None)
