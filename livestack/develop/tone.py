"""From light to what a screen can show: curves that lift what is faint and keep stars from burning out."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from livestack.develop.kernels import asinh_rows, brightest_square, ghs_rows, mtf_rows
from livestack.develop.plate import PX_ROWS, Plate
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

_MOST_SAMPLES = 60_000
_FEWER = 3
"""Every third of them tells the sky and its grain well enough."""
_RAMP = 20_001
"""Points of a curve among which its middle is looked for."""
_WHITE_QUANTILE = 0.9998
_SQUARES = 60_000
"""The brightest light that is no star's is told from the means over about so many squares of px."""
SQUARE_ROWS = 8
"""Rows of squares that are looked at in one go."""
_LEAST_RANGE, _MOST_RANGE = 40.0, 3000.0
"""Of white over black, in σ: a sky without a star is not blown up to white, a bright star does not darken all else."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a curve stands on, per channel.

    Attributes
    ----------
    sky, sigma, bright : tuple of float
        Level of the sky, its grain, and what nearly nothing is brighter than.
    core : tuple of float
        What no shape is brighter than: the brightest square of px in the mean, in which a star has little say.
    """

    sky: tuple[float, ...]
    sigma: tuple[float, ...]
    bright: tuple[float, ...]
    core: tuple[float, ...]

    def ends(self, c: int, shadows: float, highlights: float = 1.0, *, cores: bool = False) -> tuple[float, float]:
        """Return what becomes black in a channel, so many σ below the sky, and what becomes white.

        highlights: share of the brightest light; the sky stays far darker than white. cores: that of shapes too.
        """
        sigma = self.sigma[c]
        low = self.sky[c] - shadows * sigma
        bright = max(self.bright[c], self.core[c]) if cores else self.bright[c]
        whole = float(np.clip(bright - low, _LEAST_RANGE * sigma, _MOST_RANGE * sigma))
        return low, low + max(highlights * whole, _LEAST_RANGE * sigma)


def ground_of(plate: Plate, threads: Executor | None = None, *, linked: bool, cores: bool = True) -> Ground:
    """Measure a plate; linked: one ground for all channels; cores: the brightest shape too.

    The grain is that of the stack, not that of what was made smooth since: a sky is not black because it is.
    """
    c, h, w = plate.shape
    step = math.ceil(math.sqrt(h * w / _MOST_SAMPLES))
    sample = np.stack(each_part(c, 1, threads, lambda k, _: plate.data[k, ::step, ::step].reshape(-1)))
    known = np.isfinite(sample.sum(axis=0))
    if not known.any():
        return Ground((0.0,) * c, (1.0,) * c, (1.0,) * c, (1.0,) * c)
    seen = sample if known.all() else sample.compress(known, axis=1)
    sky, sigma, bright = np.array(each_part(c, 1, threads, lambda k, _: _levels_of(seen[k]))).T
    core = _cores_of(plate.data, threads) if cores else np.zeros(c)
    if plate.noise is not None and not plate.stretched:
        noise = plate.noise[:, :: 4 * step, :: 4 * step].reshape(c, -1)
        noise = np.sort(noise, axis=1)  # what is not known comes last
        middle = np.isfinite(noise).sum(axis=1) // 2
        sigma = np.maximum(sigma, np.nan_to_num(noise[np.arange(c), middle]) * plate.noise_scales[:c])
    sigma = np.maximum(sigma, 1e-6)
    if linked:
        sky, sigma = np.full(c, sky.mean()), np.full(c, np.sqrt((sigma**2).mean()))
        bright, core = np.full(c, bright.max()), np.full(c, core.max())
    return Ground(*(tuple(told.tolist()) for told in (sky, sigma, bright, core)))


def _levels_of(sample: Array) -> tuple[float, float, float]:
    """Level of the sky, its grain, and what nearly nothing is brighter than, of px (n,)."""
    few, most = sample[::_FEWER], int(_WHITE_QUANTILE * (len(sample) - 1))
    middle = len(few) // 2
    sky = float(np.partition(few, middle)[middle])
    sigma = 1.4826 * float(np.partition(np.abs(few - np.float32(sky)), middle)[middle])
    return sky, sigma, float(np.partition(sample, most)[most])


def _cores_of(data: Array, threads: Executor | None) -> Array:
    """Brightest mean over a square of px of each plane (C, H, W), in the size of which the sky is sampled: (C,)."""
    _, h, w = data.shape
    k = min(math.ceil(math.sqrt(h * w / _SQUARES)), h, w)

    def some(j0: int, j1: int) -> list[float]:
        return [brightest_square(plane, k, (j0, j1)) for plane in data]

    most: Array = np.array(each_part(h // k, SQUARE_ROWS, threads, some)).max(axis=0)
    return most


@dataclass(frozen=True, slots=True)
class Curves:
    """A curve for each channel, settled: black, white and a shape.

    Attributes
    ----------
    kind : str
        mtf, asinh or ghs.
    black, white : tuple of float
        What becomes 0 and 1.
    shape : tuple of tuple of float
        Numbers of the curve, per channel.
    """

    kind: str
    black: tuple[float, ...]
    white: tuple[float, ...]
    shape: tuple[tuple[float, ...], ...]

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Return the stretched plate, 0…1; what is not known is black."""
        data, f = plate.data, np.float32
        black = np.array(self.black, f)
        unit = np.array([1 / (w - b) for b, w in zip(self.black, self.white, strict=True)], f)
        shape = np.array(self.shape, f)
        rows: Any = {"mtf": mtf_rows, "asinh": asinh_rows, "ghs": ghs_rows}[self.kind]
        each_part(data.shape[1], PX_ROWS, threads, lambda y0, y1: rows(data, black, unit, shape, (y0, y1)))
        return plate.with_data(data, stretched=True, noise=None)


def midtone_of(kind: str, shape: tuple[float, ...]) -> float:
    """Share of white that a curve shows half as bright as white."""
    if kind == "mtf":
        return shape[0]
    if kind == "asinh":
        return math.sinh(0.5 / shape[1]) / shape[0]
    curve = Curves("ghs", (0.0,), (1.0,), (shape,))
    ramp = np.linspace(0.0, 1.0, _RAMP, dtype=np.float32)[None, None]
    return float(np.interp(0.5, curve(Plate(ramp.copy())).data[0, 0], ramp[0, 0]))


def _check(step: str, target: float | None, highlights: float) -> None:
    if target is not None and not 0 < target < 1:
        raise SettingsError(f"{step}: target lies between 0 and 1, not at {target:g}")
    if not 0 < highlights <= 1:
        raise SettingsError(f"{step}: highlights lie above 0 and up to 1, not at {highlights:g}")


def mtf(x: Array, midtone: float) -> Array:
    """Midtones transfer function: 0 → 0, `midtone` → 1/2, 1 → 1; strictly rising between."""
    return np.asarray((midtone - 1.0) * x / ((2.0 * midtone - 1.0) * x - midtone))


@dataclass(frozen=True, slots=True)
class Mtf:
    """Midtones transfer function, found automatically: black lies below the sky, the sky is brought to a dark grey.

    Attributes
    ----------
    target : float
        Where the sky comes to lie, 0…1.
    shadows : float
        σ below the sky that become black, of the grain before it was taken away; 2.8 where it is still there.
    linked : bool
        One curve for all channels: colours stay what they are.
    highlights : float
        Share of the brightest light from which on all is white.
    colour : float
        How much of its colour what is bright keeps, 0…1, where all channels have one curve: a curve for each makes
        cores of galaxies and stars pale.
    """

    name: ClassVar[str] = "mtf"
    target: float = 0.13
    shadows: float = 1.5
    linked: bool = True
    highlights: float = 1.0
    colour: float = 0.5

    def __post_init__(self) -> None:
        _check("mtf", self.target, self.highlights)
        if not 0 <= self.colour <= 1:
            raise SettingsError(f"mtf: colour is 0 to 1, not {self.colour:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Curves:
        """Tell black, white and midtone."""
        return self.on(ground_of(plate, threads, linked=self.linked))

    def on(self, ground: Ground) -> Curves:
        """Return the curves on a ground."""
        black, white, shape = [], [], []
        for c, sky in enumerate(ground.sky):
            low, high = ground.ends(c, self.shadows, self.highlights, cores=True)
            black.append(low)
            white.append(high)
            midtone = float(mtf(np.asarray((sky - low) / (high - low)), self.target))
            shape.append((midtone, self.colour if self.linked else 0.0))
        return Curves("mtf", tuple(black), tuple(white), tuple(shape))


@dataclass(frozen=True, slots=True)
class Asinh:
    """Inverse hyperbolic sine of the luminance, with the colours kept (Lupton et al. 2004).

    Attributes
    ----------
    target : float
        Where the sky comes to lie, 0…1.
    shadows : float
        σ below the sky that become black.
    highlights : float
        Share of the brightest light from which on all is white.
    """

    name: ClassVar[str] = "asinh"
    target: float = 0.14
    shadows: float = 2.8
    highlights: float = 1.0

    def __post_init__(self) -> None:
        _check("asinh", self.target, self.highlights)

    def settle(self, plate: Plate, threads: Executor | None = None) -> Curves:
        """Tell black, white and softening."""
        return self.on(ground_of(plate, threads, linked=True, cores=False))

    def on(self, ground: Ground) -> Curves:
        """Return the curves on a ground, the same for all channels."""
        low, high = ground.ends(0, self.shadows, self.highlights)
        beta = softening((ground.sky[0] - low) / (high - low), self.target)
        n = len(ground.sky)
        return Curves("asinh", (low,) * n, (high,) * n, ((beta, 1 / math.asinh(beta)),) * n)


def softening(place: float, target: float) -> float:
    """β for which asinh(β x) / asinh(β) brings a place to a target; by bisection, for it rises with β."""
    low, high = 1e-3, 1e9
    for _ in range(100):
        middle = math.sqrt(low * high)
        if math.asinh(middle * place) / math.asinh(middle) < target:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


@dataclass(frozen=True, slots=True)
class Ghs:
    """Generalised hyperbolic stretch (Payne and Cranfield 2021): contrast where one wants it most.

    Attributes
    ----------
    amount : float
        ln(D + 1), 0 = nothing.
    local : float
        b: how much the contrast is kept about the point; 0 = exponential, 1 = harmonic.
    point : float
        σ above the sky about which the contrast is greatest.
    shadows : float
        σ below the sky that become black.
    highlights : float
        Share of the brightest light from which on all is white.
    """

    name: ClassVar[str] = "ghs"
    amount: float = 5.0
    local: float = 1.0
    point: float = 1.0
    shadows: float = 2.8
    highlights: float = 1.0

    def __post_init__(self) -> None:
        _check("ghs", None, self.highlights)
        if not (0 <= self.amount <= 20 and 0 <= self.local <= 20):
            raise SettingsError(f"ghs: amount and local are 0 to 20, not {self.amount:g} and {self.local:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Curves:
        """Tell black, white, and where the point lies."""
        return self.on(ground_of(plate, threads, linked=True, cores=False))

    def on(self, ground: Ground) -> Curves:
        """Return the curves on a ground, the same for all channels."""
        (low, high), n = ground.ends(0, self.shadows, self.highlights), len(ground.sky)
        point = float(np.clip((self.shadows + self.point) * ground.sigma[0] / (high - low), 0, 1))
        return Curves("ghs", (low,) * n, (high,) * n, ((math.expm1(self.amount), self.local, point),) * n)
