"""One stack as it grows: its subs, the first look, the looks, and what is shown.

A `Growth` depends on nothing but the order, the content and the journaled figures of its subs: folding them again into
a fresh one gives the same bits. A stack changes its mind at its looks and nowhere else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from livestack.events import Looked, SubAccepted
from livestack.frame import Array, Frame, Header, Masters, Quality
from livestack.reduce import fold as folding
from livestack.reduce.fold import Light, Rule, Template
from livestack.reduce.normalise import sample_noise
from livestack.stack import N_ASIDE, FirstLook, Shape, Stack

ReadSub = Callable[[SubAccepted], Frame]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a look froze for the subs that follow.

    Attributes
    ----------
    id : str
    stars : structured ndarray of `STAR_DTYPE`
        The list to register on: grid px, fluxes on the stack's photometric scale; brightest first.
    no : int
        The sub the list comes from.
    """

    id: str
    stars: Array
    no: int


@dataclass(frozen=True, slots=True)
class Founding:
    """What a founding sub fixed for good: grid, facts, calibration and sky level (per channel) of a stack."""

    stack: str
    header: Header
    shape: Shape
    masters: Masters
    masters_id: str
    quality: Quality
    sky_adu: tuple[float, ...]


@dataclass(slots=True)
class Growth:
    """A stack and what it needs to grow; used by one thread at a time.

    Attributes
    ----------
    origin, knowledge : Knowledge
        What the founding sub knew, and what the last look knows.
    """

    founding: Founding
    origin: Knowledge
    rule: Rule
    threads: Executor | None
    subs: list[SubAccepted] = field(default_factory=list)
    knowledge: Knowledge = field(init=False)
    core: Stack | None = None
    first: FirstLook | None = None
    unit_noise: Array | None = None
    _shown: Stack | None = None

    def __post_init__(self) -> None:
        self.knowledge = self.origin
        if self.rule.looks:
            self.first = FirstLook(self.founding.shape)
        else:
            self.core = Stack(self.founding.shape)

    @property
    def name(self) -> str:
        """Name of the stack: target and filter."""
        return self.founding.stack

    def light(self, frame: Frame, sub: SubAccepted) -> Light:
        """Join the raw px and the journaled figures of a sub."""
        return light_of(
            frame,
            self.founding.masters,
            matrix=np.array(sub.matrix),
            sky=np.array(sub.offset).reshape(-1, 3),
            scale=sub.scale,
            weight=sub.weight,
        )

    def add(self, sub: SubAccepted, frame: Frame) -> float:
        """Fold the next sub; returns the share of its samples judged out (0 before the first look at the subs)."""
        light = self.light(frame, sub)
        fraction = 0.0
        if self.first is not None:
            self.unit_noise = self._noise(light) * light.weight
            folding.hold(self.first, light, self.threads)
            self.first.core.count(sub.exposure_s)
        if self.core is not None:
            fraction = self._fold(self.core, light, None)
            self.core.count(sub.exposure_s)
        self.subs.append(sub)
        self._shown = None
        return fraction

    def _noise(self, light: Light) -> Array:
        """Variance of one sample of the sub; for the first one its noise before any warp has to do."""
        if not self.subs:
            return np.full(self.founding.shape[0], max(self.founding.quality.noise_adu, 1e-6) ** 2)
        return sample_noise(self.shown(), light)

    def _fold(self, stack: Stack, light: Light, template: Template | None) -> float:
        noise = sample_noise(stack if template is None else template.sums, light)
        return folding.fold(stack, light, self.rule, noise, template, self.threads)

    def look_is_due(self) -> bool:
        """Whether the subs so far are to be read again now."""
        return self.first is not None and len(self.subs) in self.rule.looks

    def look(self, read: ReadSub, best_stars: Callable[[SubAccepted], Array]) -> Looked:
        """Read the subs so far again and judge them against what they agree on, into a fresh stack.

        Parameters
        ----------
        read : callable
            The raw frame of a sub; whoever calls has made sure that the files are there.
        best_stars : callable
            The star list of a sub, in its own px.
        """
        started = time.perf_counter()
        if self.first is None or self.unit_noise is None:
            raise RuntimeError("there is no first look to end")
        agreed = folding.readmit(self.first, self.rule, self.unit_noise, self.threads)
        # a trail that stayed on a star must not count as structure: it would grow from look to look
        template = Template(agreed, folding.lowest(self.first))
        identity = look_id(self.subs)
        fresh = Stack(self.founding.shape, identity)
        fractions = {}
        for sub in self.subs:
            fractions[str(sub.no)] = self._fold(fresh, self.light(read(sub), sub), template)
            fresh.count(sub.exposure_s)
        final = len(self.subs) >= self.rule.looks[-1]
        best = max(self.subs, key=lambda sub: (sub.weight / max(sub.quality["fwhm_px"], 0.1) ** 2, -sub.no))
        self.knowledge = Knowledge(identity, on_grid(best_stars(best), best), best.no)
        self.core, self._shown = fresh, None
        if final:
            self.first = None
        return Looked(self.name, len(self.subs), final, identity, fractions, time.perf_counter() - started)

    def fresh(self) -> Growth:
        """Return an empty growth on the same founding."""
        return Growth(self.founding, self.origin, self.rule, self.threads)

    def shown(self) -> Stack:
        """Return the stack as it is to be shown and saved; not a copy."""
        if self.core is not None:
            return self.core
        if not self.subs:
            return Stack(self.founding.shape)
        if self._shown is None:
            if self.first is None or self.unit_noise is None:
                raise RuntimeError("nothing was folded yet")
            self._shown = folding.readmit(self.first, self.rule, self.unit_noise, self.threads)
            self._shown.n_subs, self._shown.exposure_s = self.first.core.n_subs, self.first.core.exposure_s
        return self._shown


def bytes_needed(shape: Shape, n_looks: int) -> int:
    """Memory of a stack at its peak: the sums, what a first look holds aside, and a second set of sums at a look."""
    sums = 3 * 4 + 2 * 2
    aside = N_ASIDE * 5 + 1
    channels, height, width = shape
    return channels * height * width * (3 * sums + aside if n_looks else 2 * sums)


def light_of(frame: Frame, masters: Masters, *, matrix: Array, sky: Array, scale: float, weight: float) -> Light:
    """Join raw px, masters and figures into what is folded. `matrix` is sub → grid."""
    pedestal, gain = folding.calibration_planes(frame, masters)
    return Light(
        planes=folding.planes_of(frame.data),
        pedestal=pedestal,
        gain=gain,
        colours=folding.colours_of(frame.header.cfa),
        inverse=np.linalg.inv(matrix),
        sky=sky,
        scale=scale,
        weight=weight,
    )


def look_id(subs: list[SubAccepted]) -> str:
    """Name of the knowledge a look at these subs gives: their content and figures, nothing else."""
    digest = hashlib.sha256()
    for sub in subs:
        digest.update(repr((sub.sha256, sub.matrix, sub.offset, sub.scale, sub.weight)).encode())
    return digest.hexdigest()[:16]


def on_grid(stars: Array, sub: SubAccepted) -> Array:
    """Star list of a sub moved to the grid and to the stack's photometric scale."""
    matrix = np.array(sub.matrix)
    moved = stars.copy()
    w = matrix[2, 0] * stars["x"] + matrix[2, 1] * stars["y"] + matrix[2, 2]
    moved["x"] = (matrix[0, 0] * stars["x"] + matrix[0, 1] * stars["y"] + matrix[0, 2]) / w
    moved["y"] = (matrix[1, 0] * stars["x"] + matrix[1, 1] * stars["y"] + matrix[1, 2]) / w
    moved["flux"] /= sub.scale
    return moved
