"""A stack that judges what is folded into it: its sums, its guide, and where its stars are."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from livestack.allocation import zeros
from livestack.frame import Array
from livestack.reduce import fold as folding
from livestack.reduce.bands import beside
from livestack.reduce.fold import Light, Rule
from livestack.reduce.guide import fold_guide, guide_shape
from livestack.reduce.judge import Judgement, Sight, judge
from livestack.reduce.normalise import sample_noise
from livestack.reduce.trails import Trail
from livestack.stack import Drops, Shape, Stack
from livestack.stacks.checkpoint import Checkpoint

GROWN = 1.25
"""Where the stars of a stack are is told anew when it holds so many times the subs it held when that was told."""


@dataclass(slots=True)
class Core:
    """A stack and, where subs are judged as pictures, what that needs.

    Attributes
    ----------
    stack : Stack
    guide : Stack, optional
    removed : ndarray of float32, optional
        The brightest of what was taken out, (h, w) ADU.
    contrast : ndarray of float32, optional
        Local contrast, (H/2, W/2) ADU, from `fold.contrast`; None = to be told.
    guide_contrast : ndarray of float32, optional
        That of the guide, squared, (h, w) ADU², as of `judge`; None = to be told.
    told_at : int
        How many subs the stack held when these were told.
    n_removals : int
        How often something may have been joined to what was taken out.
    """

    stack: Stack
    guide: Stack | None = None
    removed: Array | None = None
    contrast: Array | None = None
    guide_contrast: Array | None = None
    told_at: int = 0
    n_removals: int = 0

    @classmethod
    def empty(cls, shape: Shape, template: str, *, pictures: bool, drizzled: bool = False) -> Core:
        """Return a core without subs."""
        stack, small = Stack(shape, template), guide_shape(shape)
        stack.drops = Drops(shape) if drizzled else None
        if not pictures:
            return cls(stack)
        return cls(stack, Stack(small, template), zeros(small[1:], np.float32))

    def forget_old_contrast(self) -> None:
        """Let go of contrasts of a stack that has grown since: it was noisier, and knew fewer stars."""
        if self.stack.n_subs >= GROWN * self.told_at:
            self.contrast = self.guide_contrast = None
            self.told_at = self.stack.n_subs


def core_of(kept: Checkpoint) -> Core:
    """Return the core that a checkpoint keeps."""
    guide = kept.guide if kept.guide.mean.size else None
    removed, *told = (
        picture if picture.size else None for picture in (kept.removed, kept.contrast, kept.guide_contrast)
    )
    return Core(kept.stack, guide, removed, told[0], told[1], kept.told_at)


@dataclass(frozen=True, slots=True)
class Folded:
    """What was found while a sub was folded.

    Attributes
    ----------
    fraction : float
        Share of its samples judged out.
    trails : tuple of Trail
        Px of the guide.
    masked : float
        Share of the guide that was taken out.
    distrusted : bool
        The mask was too large to be believed.
    """

    fraction: float
    trails: tuple[Trail, ...] = ()
    masked: float = 0.0
    distrusted: bool = False


def judged_into(
    core: Core, sub: tuple[Light, Sight | None], template: Core, rule: Rule, threads: Executor | None
) -> tuple[folding.Against, Judgement | None]:
    """Judge a sub as a picture and fold it into the guide of a core; returns what its px are to be judged against."""
    light, sight = sub
    noise_seen = beside(threads, lambda: sample_noise(template.stack, light))
    template.forget_old_contrast()
    judgement = None
    if sight is not None and template.guide is not None and core.guide is not None and core.removed is not None:
        judgement = judge(sight, template.guide, rule, threads, template.guide_contrast)
        template.guide_contrast = judgement.contrast
        judged = judgement.out, template.guide.mean[0]
        fold_guide(core.guide, sight.sample, light.weight, judged, core.removed, threads)
        core.n_removals += judgement.fraction > 0
    noise = noise_seen()
    if template.contrast is None and rule.beta:
        template.contrast = folding.contrast(template.stack, noise, rule, threads)
    against = folding.Against(
        noise,
        None if template is core else template.stack,
        template.contrast,
        judgement.out if judgement else None,
        judgement.change if judgement else None,
    )
    return against, judgement


def what_was_found(fraction: float, judgement: Judgement | None) -> Folded:
    """Join the share of a sub's samples judged out and what was judged of it as a picture."""
    if judgement is None:
        return Folded(fraction)
    return Folded(fraction, judgement.trails, judgement.fraction, judgement.distrusted)
