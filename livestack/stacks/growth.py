"""One stack as it grows: its subs, the first look, the looks, and what is shown.

A `Growth` depends on nothing but the order, the content and the journaled figures of its subs: folding them again into
a fresh one gives the same bits. A stack changes its mind at its looks and nowhere else.
"""

from __future__ import annotations

import array
import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

import numpy as np

from livestack.events import Looked, SubAccepted
from livestack.frame import Array, Frame
from livestack.reduce import fold as folding
from livestack.reduce.defects import Spikes, defects_of, spikes_of
from livestack.reduce.fixed_pattern import pair_noise
from livestack.reduce.fold import Light, Rule
from livestack.reduce.guide import guide_of, guide_of_stack
from livestack.reduce.judge import Sight
from livestack.reduce.normalise import sample_noise
from livestack.reduce.outshone import defects_in_star_light
from livestack.reduce.preview import NO_SKETCH, NO_VIEWS, Views, new_preview, new_sketch
from livestack.reduce.sensor import colours_of, sensor_of
from livestack.stack import Drops, FirstLook, Shape, Stack
from livestack.stacks.core import Core, Folded, judged_into, what_was_found
from livestack.stacks.founding import Founding, light_of
from livestack.stacks.knowledge import Knowledge, known_of_stack
from livestack.stacks.lean import Subs
from livestack.stacks.strips import judged_in_place

RUINED_LINES = 4
RUINED_SHARE = 0.02
HELD_UNIT = 16.0
"""Samples held aside are half floats of so many σ of the founding sub: up to 10⁶ σ, each to a 2000th of itself."""

ReadSub = Callable[[SubAccepted], Frame]


@dataclass(frozen=True, slots=True)
class Look:
    """A look, and what was found in each sub, by number."""

    event: Looked
    folded: dict[int, Folded]

    def ruined(self, subs: list[SubAccepted]) -> list[SubAccepted]:
        """Subs that are lines all over, with fewer or longer stars than the others: the tracking was not on yet."""
        found = []
        for sub in subs:
            others = [other for other in subs if other is not sub]
            masked, n_stars, elongation = (
                float(np.median([value(other) for other in others]))
                for value in (
                    lambda s: self.folded[s.no].masked,
                    lambda s: s.quality["n_stars"],
                    lambda s: s.quality["elongation"],
                )
            )
            folded = self.folded[sub.no]
            lines = len(folded.trails) >= RUINED_LINES and folded.masked > max(RUINED_SHARE, 10 * masked)
            if lines and (sub.quality["n_stars"] < 0.65 * n_stars or sub.quality["elongation"] > 1.15 * elongation):
                found.append(sub)
        return found


@dataclass(slots=True)
class Growth:
    """A stack and what it needs to grow; used by one thread at a time.

    Attributes
    ----------
    origin, knowledge : Knowledge
        What the founding sub told, and what the last look told.
    first : FirstLook, optional
        None once the final look is over; between looks it holds nothing.
    unit_noise : list of ndarray
        Of each sub up to the final look: variance of a sample, were its weight 1, (C,) ADU².
    sketch : ndarray of float32, optional
        Preview of the last sub added, from `preview.new_sketch`.
    preview : ndarray of float32, optional
        Preview of the stack, (h, w, C), as of the last sub added, where its fold made one.
    judged_again : bool
        Whether this is the second pass: nothing more is folded into it.
    """

    founding: Founding
    origin: Knowledge
    rule: Rule
    threads: Executor | None
    subs: Subs = field(default_factory=Subs)
    knowledge: Knowledge = field(init=False)
    core: Core | None = None
    first: FirstLook | None = None
    unit_noise: list[Array] = field(default_factory=list)
    spikes: list[Spikes] = field(default_factory=list)
    sketch: Array | None = None
    preview: Array | None = None
    judged_again: bool = False
    _shown: Stack | None = None
    _unsearched: tuple[Frame, SubAccepted] | None = None
    _measured: dict[str, array.array[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.knowledge = self.origin
        if self.rule.looks:
            self.first = self._nothing_held(self.founding.shape)
        else:
            self.core = self._empty("", pictures=False)

    def _empty(self, template: str, *, pictures: bool) -> Core:
        return Core.empty(self.founding.shape, template, pictures=pictures, drizzled=self.founding.is_drizzled)

    @property
    def name(self) -> str:
        """Name of the stack: target and filter."""
        return self.founding.stack

    def light(self, frame: Frame, sub: SubAccepted, defects: Array | None = None) -> Light:
        """Join the raw px and the journaled figures of a sub, without defects: those known so far, or others."""
        defects = self.knowledge.defects if defects is None else defects
        return light_of(
            sensor_of(frame, self.founding.masters, defects),
            matrix=np.array(sub.matrix),
            sky=_sky_of(sub),
            scale=sub.scale,
            weight=sub.weight,
        )

    def add(self, sub: SubAccepted, frame: Frame, placed: Light | None = None) -> Folded:
        """Fold the next sub; nothing is judged out before the first look at the subs.

        Parameters
        ----------
        placed : Light, optional
            The sub with its pose, scale and weight, as it was placed: what is made of its px need not be made again.
        """
        light = self.light(frame, sub) if placed is None else dataclasses.replace(placed, sky=_sky_of(sub))
        self.sketch = self.preview = None
        folded = Folded(0.0)
        if self.first is not None:
            self.unit_noise.append(self._noise(light) * light.weight)
            self.catch_up()
            self._unsearched = frame, sub
            self._shown = None  # as large as what is held: not both while that grows
            if self.core is None:
                self.sketch = new_sketch(self.founding.shape)
                self._hold(self.first, sub, light, self.unit_noise[-1], self.sketch)
        if self.core is not None:
            folded = self._fold(self.core, light, sub, self.core, self._new_views)
        self.subs.append(sub)
        self._shown = None
        return folded

    def measured(self, name: str) -> Array:
        """Return a figure of the quality of each sub, (n,) float64."""
        known = self._measured.setdefault(name, array.array("d"))
        known.extend(sub.quality[name] for sub in self.subs[len(known) :])
        return np.array(known)

    def _new_views(self) -> Views:
        self.sketch = new_sketch(self.founding.shape)
        # what is drizzled is not what the fold sees
        self.preview = NO_SKETCH if self.founding.is_drizzled else new_preview(self.founding.shape)
        return Views(self.sketch, self.preview)

    def _hold(self, first: FirstLook, sub: SubAccepted, light: Light, noise: Array, sketch: Array = NO_SKETCH) -> None:
        folding.hold(first, light, self.rule, noise, self.threads, sketch)
        first.core.count(sub.exposure_s)

    def catch_up(self) -> None:
        """Search the last sub for px that stand alone: only a look needs them, so it is told and shown before.

        No look before has a say in it.
        """
        if self._unsearched is not None:
            frame, sub = self._unsearched
            self._unsearched = None
            light = self.light(frame, sub, self.origin.defects)
            self.spikes.append(spikes_of(light, sub.quality["noise_adu"], self.threads))

    def _noise(self, light: Light) -> Array:
        """Variance of one sample of the sub; for the first one its noise before any warp has to do."""
        if not self.subs:
            return np.full(self.founding.shape[0], max(self.founding.quality.noise_adu, 1e-6) ** 2)
        return sample_noise(self.shown(), light)

    def _fold(
        self,
        core: Core,
        light: Light,
        sub: SubAccepted,
        template: Core,
        views: Callable[[], Views] = lambda: NO_VIEWS,
    ) -> Folded:
        """Judge a sub against a template, which may be the core itself, and fold it into the core."""
        sight = self._sight(light, sub) if core.guide is not None and template.guide is not None else None
        against, judgement = judged_into(core, (light, sight), template, self.rule, self.threads)
        del sight  # the next sub brings cells as large
        # not before: what a sub is judged on takes room, too
        fraction = folding.fold(core.stack, light, self.rule, against, self.threads, views())
        core.stack.count(sub.exposure_s)
        return what_was_found(fraction, judgement)

    def _sight(self, light: Light, sub: SubAccepted) -> Sight:
        stars = self.knowledge.stars
        return Sight(
            sample=guide_of(light, self.founding.shape, self.threads),
            weight=light.weight,
            stars=(np.stack([stars["x"], stars["y"]], axis=1) - 0.5) / 2,
            sensor_angle_deg=math.degrees(math.atan2(sub.matrix[1][0], sub.matrix[0][0])),
        )

    def look_is_due(self) -> bool:
        """Whether the subs so far are to be read again now."""
        return self.first is not None and len(self.subs) in self.rule.looks

    def subs_until_look(self) -> float:
        """How many more subs there must be until they are read again; inf = they will not be."""
        ahead = [n - len(self.subs) for n in self.rule.looks if n > len(self.subs)]
        return min(ahead, default=math.inf) if self.first is not None else math.inf

    def look(self, read: ReadSub) -> Look:
        """Read the subs so far again and judge them against what they agree on, into a fresh stack.

        Parameters
        ----------
        read : callable
            The raw frame of a sub; whoever calls has made sure that the files are there. Where it fails nothing is left
            of the growth: the subs must be folded again.
        """
        started = time.perf_counter()
        self.catch_up()
        self.preview = None
        first = self._held(read)
        # a trail that stayed on a star must not count as structure: it would grow from look to look
        stars = folding.lowest_contrast(first, self.unit_noise[-1], self.rule, self.threads)
        shown = folding.readmit(first, self.rule, self.unit_noise[-1], self.threads, stars)
        final = len(self.subs) >= self.rule.looks[-1]
        self.first = None if final else self._nothing_held((self.founding.shape[0], 0, 0))
        del first
        defects = self._defects(shown)
        guide = guide_of_stack(shown, self.threads) if self.rule.pictures else None
        shown.drops = Drops(shown.shape) if self.founding.is_drizzled else None
        template = Core(shown, guide, contrast=stars, told_at=shown.n_subs)
        identity = look_id(self.subs)

        def lights() -> Iterator[tuple[SubAccepted, Light]]:
            return ((sub, self.light(frame, sub, defects)) for sub, frame in self._frames(read))

        self.core, folded = judged_in_place(template, lights, self._sight, identity, self.rule, self.threads)
        del template, shown
        pair = read(self.subs[0]), read(self.subs[-1])
        noise = pair_noise(*pair, self.founding.masters_without(defects))
        del pair
        self.knowledge = known_of_stack(
            identity, self.core.stack, self.origin, self.founding.header.cfa, defects, self.threads
        )
        if final:
            self.spikes, self.unit_noise = [], []
        fractions = {str(no): f.fraction for no, f in folded.items()}
        seconds = time.perf_counter() - started
        event = Looked(self.name, len(self.subs), final, identity, fractions, seconds, len(defects), noise)
        return Look(event, folded)

    def _nothing_held(self, shape: Shape) -> FirstLook:
        noise_adu = self.founding.quality.noise_adu
        return FirstLook(shape, HELD_UNIT * noise_adu if noise_adu > 0 else HELD_UNIT)

    def _held(self, read: ReadSub) -> FirstLook:
        """Return a first look at the subs so far: after the first of the looks they are read and held again."""
        if self.first is None:
            raise RuntimeError("there is no first look to end")
        if self.core is None:
            self._shown = None
            return self.first
        self.core = self._shown = None
        self.first = self._nothing_held(self.founding.shape)
        for (sub, frame), noise in zip(self._frames(read), self.unit_noise, strict=True):
            self._hold(self.first, sub, self.light(frame, sub), noise)
        return self.first

    def _frames(self, read: ReadSub) -> Iterator[tuple[SubAccepted, Frame]]:
        """Subs with their raw frames; one is read while the one before is folded."""
        coming: Future[Frame] | None = None
        for k, sub in enumerate(self.subs):
            frame = coming.result() if coming else read(sub)
            if self.threads and k + 1 < len(self.subs):
                coming = self.threads.submit(read, self.subs[k + 1])
            yield sub, frame

    def _defects(self, shown: Stack) -> Array:
        """Hot and cold px that the subs so far show, and do not show in their stack."""
        matrices, scales = [np.array(sub.matrix) for sub in self.subs], [sub.scale for sub in self.subs]
        cfa = self.founding.header.cfa
        alone = defects_of(self.spikes, matrices, self.founding.shape[2], is_cfa=cfa is not None)
        return np.union1d(alone, defects_in_star_light(self.spikes, matrices, shown.mean, scales, colours_of(cfa)))

    def judge_again(self, read: ReadSub) -> None:
        """Judge every sub against the stack as it is now, into a fresh one: the second pass."""
        shown = self.shown()
        guide = self.core.guide if self.core is not None else None
        if guide is None and self.rule.pictures:
            guide = guide_of_stack(shown, self.threads)
        self.first, self.spikes, self._shown, self.preview, self._unsearched = None, [], None, None, None
        shown.drops = None  # they take no part in judging
        template = Core(shown, guide)
        self.core = self._empty(f"pass2:{look_id(self.subs)}", pictures=self.rule.pictures)
        for sub, frame in self._frames(read):
            self._fold(self.core, self.light(frame, sub), sub, template)
        self.judged_again = True

    def fresh(self) -> Growth:
        """Return an empty growth on the same founding."""
        return Growth(self.founding, self.origin, self.rule, self.threads)

    def shown(self) -> Stack:
        """Return the stack as it is to be shown and saved; not a copy."""
        if self.core is not None:
            return self.core.stack
        if not self.subs:
            return Stack(self.founding.shape)
        if self._shown is None:
            if self.first is None:
                raise RuntimeError("nothing was folded yet")
            self._shown = folding.readmit(self.first, self.rule, self.unit_noise[-1], self.threads)
        return self._shown


def _sky_of(sub: SubAccepted) -> Array:
    """(C, 6) float64."""
    return np.array(sub.offset).reshape(-1, 6)


def look_id(subs: Sequence[SubAccepted]) -> str:
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
