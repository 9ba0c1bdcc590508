"""How light is spread over a linear picture, and where its curve stands: for who turns black, midtone and white.

The sky of a stack is a spike and its stars reach a thousand times as far. Bins are as wide as the grain at the sky and
the wider the farther from it (inverse hyperbolic sine), so that both are seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from livestack.develop.colour import sky_of
from livestack.develop.tone import Curves, midtone_of
from livestack.frame import Array

SAMPLED_PX = 400_000
"""Counted are about so many px of each channel."""
BELOW_GRAIN, BELOW_SIGMA = 6.5, 10.0
"""Bins begin so many times the grain, or σ, beneath the sky: black may be put that low."""
LEAST_ABOVE = 50.0
"""They go so many times the grain above it, however dark the picture."""
SOFTENED = np.array([1, 4, 6, 4, 1]) / 16
"""Of few px the count of a bin is luck: neighbours have a say."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of the px of a picture.

    Attributes
    ----------
    counts : ndarray of float32
        (C, bins), logarithms of the counts of each channel, 0 to 1 where most px are.
    edges : ndarray of float64
        (bins + 1,) levels, rising.
    """

    counts: Array
    edges: Array

    def place(self, level: float) -> float:
        """Where a level lies across the bins, drawn equally wide: 0 to 1."""
        return float(np.interp(level, self.edges, np.linspace(0.0, 1.0, len(self.edges))))

    def level(self, place: float) -> float:
        """Level at a place across the bins, 0 to 1."""
        return float(np.interp(place, np.linspace(0.0, 1.0, len(self.edges)), self.edges))


def histogram(planes: Array, bins: int = 256, grain: float = 0.0) -> Histogram:
    """Count the px of a linear picture; what is not known has no say.

    Parameters
    ----------
    planes : ndarray of float32
        (C, H, W), or (H, W).
    grain : float
        Noise of a px before it was made smooth, in whose multiples black is put beneath the sky; 0 = not known.
    """
    planes = planes if planes.ndim == 3 else planes[None]
    step = max(1, math.ceil(math.sqrt(planes[0].size / SAMPLED_PX)))
    seen = [plane[np.isfinite(plane)] for plane in planes[:, ::step, ::step]]
    skies = [sky_of(plane) for plane in planes]
    known = [(sky, px) for sky, px in zip(skies, seen, strict=True) if px.size]
    sigma = max([_spread(px, sky) for sky, px in known], default=0.0) or grain or 1.0
    low = min(skies) - max(BELOW_GRAIN * grain, BELOW_SIGMA * sigma)
    most = max([float(px.max()) for _, px in known], default=0.0)
    high = max(most, max(skies) + LEAST_ABOVE * max(grain, sigma))
    middle = float(np.mean(skies))
    begin, end = math.asinh((low - middle) / sigma), math.asinh((high - middle) / sigma)
    edges = middle + sigma * np.sinh(np.linspace(begin, end, bins + 1))
    per_bin = np.float32(bins / (end - begin))
    counts = np.zeros((len(planes), bins), np.float32)
    for px, out in zip(seen, counts, strict=True):
        at = (np.arcsinh((px - np.float32(middle)) / np.float32(sigma)) - np.float32(begin)) * per_bin
        out[:] = np.convolve(np.bincount(at.clip(0, bins - 1).astype(np.intp), minlength=bins), SOFTENED, "same")
    counts = np.log1p(counts, out=counts)
    counts /= max(float(counts.max()), 1.0)
    return Histogram(counts, edges)


def _spread(px: Array, sky: float) -> float:
    """σ of the px of the sky: half of what lies beneath it is within .6745 of it."""
    beneath = px[px < sky]
    return float(sky - np.median(beneath)) / 0.6745 if beneath.size else 0.0


def marks(acts: Iterable[object]) -> tuple[float, float, float] | None:
    """Levels that a picture's curve shows black, half as bright as white, and white; None where there is no curve.

    They are the means over the channels, on the scale of what the curve is applied to.

    Parameters
    ----------
    acts : iterable of callable
        What a recipe was settled to.
    """
    curves = next((act for act in acts if isinstance(act, Curves)), None)
    if curves is None:
        return None
    black, white = float(np.mean(curves.black)), float(np.mean(curves.white))
    middle = float(np.mean([midtone_of(curves.kind, shape) for shape in curves.shape]))
    return black, black + middle * (white - black), white
