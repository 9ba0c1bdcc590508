"""Folding a sub into the stack's arrays, band by band, in as many threads as there are.

The variants (plain, judged, first look) meet here and only here; the kernels are in `kernels` and `extremes`.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from livestack.frame import Array
from livestack.planes import new_plane
from livestack.reduce import accumulate, extremes, halves, shrink
from livestack.reduce.bands import each_band
from livestack.reduce.cells import Cells
from livestack.reduce.drizzle import fold_and_drop
from livestack.reduce.kernels import WIDEST_TILE, Sensor, Sketch, warp_and_normalise
from livestack.reduce.medians import median
from livestack.reduce.preview import NO_SKETCH, NO_VIEWS, Views, preview_step
from livestack.reduce.resample import CUBIC, LANCZOS
from livestack.stack import N_ASIDE, FirstLook, Stack

_NOWHERE = np.zeros((0, 0), np.float32)
_NOTHING_OUT = np.zeros((0, 0), np.bool_)


@dataclass(frozen=True, slots=True)
class Rule:
    """How a sample is judged against a template.

    Attributes
    ----------
    kappa_low, kappa_high : float
        A sample farther than so many σ below or above is out.
    kappa_aside : float
        The limit above for what a first look holds aside: it shows a mean of few, and judges nothing for good.
    nu : float
        Weight of the noise model, in degrees of freedom; 0 = only what the pixel itself showed.
    beta : float
        Share of the local contrast that counts as noise: keeps star cores.
    least : int
        Samples a pixel must have to be judged by; 0 = nothing is judged.
    clamp : bool
        Pull the sample to the limit instead of leaving it out.
    looks : tuple of int
        After which subs the subs so far are read again and judged anew; the last one is final.
    pictures : bool
        Judge a sub as a picture too, by spatial and line tests, once there was a look.
    """

    kappa_low: float = 4.0
    kappa_high: float = 4.0
    kappa_aside: float = 3.5
    nu: float = 8.0
    beta: float = 1.0
    least: int = 1
    clamp: bool = False
    looks: tuple[int, ...] = (4, 6, 8, 12)
    pictures: bool = True

    @property
    def numbers(self) -> tuple[float, float, float, int, int]:
        """What the kernels take."""
        return self.kappa_low, self.kappa_high, self.nu, self.least, int(self.clamp)

    @property
    def numbers_aside(self) -> tuple[float, float, float, int, int]:
        """What the kernels of a first look take."""
        return self.kappa_low, self.kappa_aside, self.nu, self.least, int(self.clamp)


REJECTORS: dict[str, Rule] = {
    "deferred": Rule(),
    "sigma": Rule(kappa_low=3.0, kappa_high=3.0, nu=0.0, beta=0.0, least=5, looks=(), pictures=False),
    "winsorised": Rule(kappa_low=4.0, kappa_high=3.0, nu=0.0, beta=0.0, least=5, clamp=True, looks=(), pictures=False),
    "none": Rule(least=0, looks=(), pictures=False),
}
"""Rejection by name."""


@dataclass(frozen=True, slots=True)
class Light:
    """A sub ready to be folded: raw px with everything that makes samples of them.

    Attributes
    ----------
    sensor : tuple
        Raw px and their calibration, from `sensor_of`.
    inverse : ndarray of float64
        (3, 3), grid px → sub px.
    sky : ndarray of float64
        (C, 6): the sub's sky as coefficients of 1, x, y, x², xy, y² at grid px; ADU of the sub.
    scale : float
        Transparency relative to the stack's scale.
    weight : float
    blocks : ndarray of float32, optional
        What `normalise.with_blocks` sampled of it.
    cells : Cells, optional
        What its guide is sampled of, where that is known.
    """

    sensor: Sensor
    inverse: Array
    sky: Array
    scale: float
    weight: float
    blocks: Array | None = None
    cells: Cells | None = None

    @property
    def pose(self) -> tuple[Array, int]:
        """What the kernels take: where the px lie, and how they are sampled there."""
        return self.inverse, CUBIC if self.sensor[4].size else LANCZOS

    @property
    def lies_on_grid(self) -> bool:
        """Whether its px are those of the grid, as the founding sub's."""
        return bool(np.array_equal(self.inverse, np.eye(3)))


@dataclass(frozen=True, slots=True)
class Change:
    """How far a sub's stars and sky differ from the template's: no fault of a px. It is √(shift² + (σ · around)²).

    Attributes
    ----------
    shift : ndarray of float32
        (h, w) of the guide, ADU: seeing, place and shape of stars.
    around : ndarray of float32
        What surrounds each cell of 3 × 3 px of the guide, σ.
    sigma : float
        That σ, ADU.
    """

    shift: Array
    around: Array
    sigma: float


_NO_CHANGE = Change(_NOWHERE, _NOWHERE, 0.0)


@dataclass(frozen=True, slots=True)
class Against:
    """What a sub is judged against.

    Attributes
    ----------
    noise : ndarray of float64
        (C,) variance of one sample of this sub, ADU² on the stack's scale.
    template : Stack, optional
        None = the stack that it is folded into.
    stars : ndarray of float32, optional
        Local contrast, (H/2, W/2) ADU, that says where the stars are, from `contrast`; None = the template's.
    out : ndarray of bool, optional
        Px of the guide that are not sky.
    change : Change, optional
    """

    noise: Array
    template: Stack | None = None
    stars: Array | None = None
    out: Array | None = None
    change: Change | None = None


def fold(
    stack: Stack, light: Light, rule: Rule, against: Against, threads: Executor | None, views: Views = NO_VIEWS
) -> float:
    """Add a sub to a stack, each sample judged by `rule`.

    Parameters
    ----------
    views : Views
        Previews to be written by the way.

    Returns
    -------
    float
        Share of the sub's samples judged out.
    """
    covered, n_out = fold_rows(stack, light, rule, against, threads, views)
    return n_out / max(covered, 1)


def fold_rows(
    stack: Stack, light: Light, rule: Rule, against: Against, threads: Executor | None, views: Views = NO_VIEWS
) -> tuple[int, int]:
    """`fold` for a stack that may be some rows of its grid; returns how many samples are covered, and judged out."""
    template = stack if against.template is None else against.template
    stars = _NOWHERE
    if rule.least and rule.beta:
        stars = contrast(template, against.noise, rule, threads) if against.stars is None else against.stars
    change = against.change or _NO_CHANGE
    structure = stars, change.shift, change.around, change.sigma
    noise = against.noise.astype(np.float32)
    out = _NOTHING_OUT if against.out is None else against.out
    step = preview_step(*stack.shape[1:])

    def band(y0: int, y1: int) -> tuple[int, int]:
        counts: tuple[int, int] = accumulate.fold_band(
            light.sensor,
            light.pose,
            light.sky,
            light.scale,
            light.weight,
            stack.arrays,
            template.arrays,
            noise,
            structure,
            out,
            rule.numbers,
            (views.sketch, views.preview, step),
            stack.top,
            stack.top + y0,
            stack.top + y1,
        )
        return counts

    if stack.drops is None:
        n_in, n_out = each_band(stack.shape[1], threads, band)
    else:
        n_in, n_out = fold_and_drop(band, stack, template, light, threads)
    # a clamped sample is in, too
    return n_in if rule.clamp else n_in + n_out, n_out


def hold(
    first: FirstLook, light: Light, rule: Rule, noise: Array, threads: Executor | None, sketch: Array = NO_SKETCH
) -> None:
    """Add a sub to a first look: extremes aside, the rest, judged, into the core; `sketch` as in `fold`.

    What is too bright is told by the lowest samples so far, as soon as cores are large enough to judge.

    Parameters
    ----------
    noise : (C,) float64
        Variance of a sample of weight 1, ADU².
    """
    if len(first.weights) == N_ASIDE:
        first.begin_core()
    judges = len(first.weights) >= N_ASIDE + halves.LEAST_IN_CORE
    structure = lowest_contrast(first, noise, rule, threads) if judges else _NOWHERE
    noise = noise.astype(np.float32)
    first.weights.append(light.weight)
    weights = np.array(first.weights, np.float32)
    views = sketch, preview_step(*first.core.shape[1:])
    founds = len(weights) == 1 and light.lies_on_grid

    def band(y0: int, y1: int) -> None:
        if founds:
            _hold_founder(first, light, views, y0, y1)
            return
        extremes.hold_band(
            light.sensor,
            light.pose,
            light.sky,
            light.scale,
            len(weights) - 1,
            weights,
            first.core.arrays,
            first.held,
            noise,
            structure,
            rule.numbers_aside,
            views,
            y0,
            y1,
        )

    each_band(first.core.shape[1], threads, band)


def _hold_founder(first: FirstLook, light: Light, views: Sketch, y0: int, y1: int) -> None:
    """Hold a band of the first sub of all, whose px are those of the grid.

    It is sampled by a kernel of its own, which samples its blocks too: only that much is compiled before it is in.
    """
    channels, _, width = first.core.shape
    sample = np.empty((channels, y1 - y0, WIDEST_TILE), np.float32)
    for x0 in range(0, width, WIDEST_TILE):
        box = np.array([y0, y1, x0, min(x0 + WIDEST_TILE, width)])
        warp_and_normalise(light.sensor, None, light.sky, light.scale, box, sample)
        extremes.hold_founder(sample, box, first.held, views)


def readmit(first: FirstLook, rule: Rule, noise: Array, threads: Executor | None, shape: Array | None = None) -> Stack:
    """Return what a first look shows, as a stack: extremes re-admitted where they agree with the rest.

    Parameters
    ----------
    noise : (C,) float64
        Variance of a sample of weight 1, ADU².
    shape : ndarray of float32, optional
        Contrast of the lowest samples, (H/2, W/2) ADU. Where it is given, the first look ends: its core becomes the
        stack.
    """
    weights = np.array(first.weights, np.float32)
    if shape is None:
        shown, shape = Stack(first.core.shape), lowest_contrast(first, noise, rule, threads)
    else:
        shown = first.core
    shown.n_subs, shown.exposure_s = first.core.n_subs, first.core.exposure_s
    noise32 = noise.astype(np.float32)

    def band(y0: int, y1: int) -> None:
        extremes.readmit_band(
            first.core.arrays, first.held, weights, noise32, shape, rule.numbers_aside, shown.arrays, y0, y1
        )

    each_band(shown.shape[1], threads, band)
    return shown


def lowest_contrast(first: FirstLook, noise: Array, rule: Rule, threads: Executor | None) -> Array:
    """β × local contrast of the lowest sample of each px, as `contrast`: it is free of trails, and shows the stars."""
    channels, height, width = first.core.shape
    out = new_plane(((height + 1) // 2, (width + 1) // 2), np.float32)

    def band(y0: int, y1: int) -> None:
        # a row more on either side: contrast is that of 3 × 3 px
        top, bottom = max(y0 - 1, 0), min(y1 + 1, len(out))
        n_rows = min(2 * bottom, height) - 2 * top
        low, seen = new_plane((channels, n_rows, width), np.float32), np.empty((1, n_rows, width), np.uint16)
        extremes.lowest_rows(first.held, 2 * top, low, seen)
        part = np.empty((bottom - top, out.shape[1]), np.float32)
        shrink.contrast_band(low, seen, noise.astype(np.float32), rule.beta, part, 0, len(part))
        out[y0:y1] = part[y0 - top : y1 - top]

    each_band(len(out), threads, band)
    return out


def contrast(stack: Stack, noise: Array, rule: Rule, threads: Executor | None) -> Array:
    """β × local contrast of a stack's mean at half resolution, (H/2, W/2) float32, ADU.

    Parameters
    ----------
    noise : (C,) float64
        Variance of one sample; the mean's own noise follows from the typical weight.
    """
    _, height, width = stack.shape
    out = new_plane(((height + 1) // 2, (width + 1) // 2), np.float32)
    own = (noise / np.array([typical_weight(plane) for plane in stack.weight])).astype(np.float32)

    def band(y0: int, y1: int) -> None:
        shrink.contrast_band(stack.mean, stack.coverage, own, rule.beta, out, y0, y1)

    each_band(out.shape[0], threads, band)
    return out


def coarser(sky: Array, step: float, middle: float) -> Array:
    """Return the coefficients of a sky, (…, 6), on a coarser grid whose px u lies at x = step · u + middle."""
    c, x, y, xx, xy, yy = np.moveaxis(sky, -1, 0)
    return np.stack(
        [
            c + middle * (x + y) + middle**2 * (xx + xy + yy),
            step * (x + middle * (2 * xx + xy)),
            step * (y + middle * (2 * yy + xy)),
            step**2 * xx,
            step**2 * xy,
            step**2 * yy,
        ],
        axis=-1,
    )


def typical_weight(weight: Array) -> float:
    """Median weight of a plane (H, W) over what is covered."""
    sparse = weight[::16, ::16]
    covered = sparse[sparse > 0]
    return median(covered) if covered.size else 1.0
