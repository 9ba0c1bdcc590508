"""A look, strip by strip: what comes of some rows of the grid takes their place in the template that judged them.

So a look holds a stack and a strip, not two stacks, and reads each sub once per strip. As a picture a sub is judged
once, with the first strip; what that told is kept for the others, in a quarter of the bytes of one plane of the guide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from livestack.allocation import return_heap, zeros
from livestack.events import SubAccepted
from livestack.frame import Array
from livestack.reduce import fold as folding
from livestack.reduce.bands import BAND
from livestack.reduce.fold import Against, Change, Light, Rule
from livestack.reduce.guide import guide_shape
from livestack.reduce.judge import Judgement, Sight
from livestack.reduce.residual import shift_of
from livestack.stack import Shape, Stack
from livestack.stacks.core import Core, Folded, judged_into, what_was_found

STRIPS = 2
"""Of a look: each sub is read so often, and a RAW file takes a second to decode."""
HOLE_SHARE = 0.01

Lights = Callable[[], Iterable[tuple[SubAccepted, Light]]]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the first strip told of a sub.

    Attributes
    ----------
    against : Against
        Without what was told of it as a picture.
    found : Folded
        Without the share judged out.
    judgement : Judgement, optional
        Without planes of the guide.
    out : ndarray of uint8
        Px of the guide to leave out, as bits.
    change : Change, optional
        Without its shift, which is made again.
    """

    against: Against
    found: Folded
    judgement: Judgement | None
    out: Array
    change: Change | None

    def again(self, template: Core, threads: Executor | None) -> Against:
        """Return what the px of the sub are judged against, as with the first strip."""
        judgement, change, guide = self.judgement, self.change, template.guide
        if judgement is None or guide is None:
            return self.against
        out = np.unpackbits(self.out, count=guide.mean.size).view(np.bool_).reshape(guide.shape[1:])
        if change is not None and template.guide_contrast is not None:
            shift = shift_of((guide, template.guide_contrast), judgement.noise, judgement.match, threads)
            change = dataclasses.replace(change, shift=shift)
        return dataclasses.replace(self.against, out=out, change=change)


_NOTHING = np.zeros((0, 0), np.uint8)


def _told(against: Against, judgement: Judgement | None) -> _Told:
    found, plain = what_was_found(0.0, judgement), dataclasses.replace(against, out=None, change=None)
    if judgement is None:
        return _Told(plain, found, None, _NOTHING, None)
    change = judgement.change and dataclasses.replace(judgement.change, shift=_NOTHING)
    kept = dataclasses.replace(judgement, out=_NOTHING, change=None, contrast=None)
    return _Told(plain, found, kept, np.packbits(judgement.out), change)


def judged_in_place(
    template: Core,
    lights: Lights,
    sight: Callable[[Light, SubAccepted], Sight],
    identity: str,
    rule: Rule,
    threads: Executor | None,
) -> tuple[Core, dict[int, Folded]]:
    """Judge the subs of a stack by a template that they made, into a fresh core; its stack is where the template's was.

    Parameters
    ----------
    lights : callable
        Reads the subs in their order, anew each time.
    sight : callable
        A sub on the guide.
    identity : str
        Of the knowledge.
    """
    stack, fresh = template.stack, Core(template.stack)
    if template.guide is not None:
        small = guide_shape(stack.shape)
        fresh.guide, fresh.removed = Stack(small, identity), zeros(small[1:], np.float32)
    told: dict[int, _Told] = {}
    counts: dict[int, list[int]] = {}
    for strip in strips_of(stack.shape):
        strip.drops = stack.drops
        for sub, light in lights():
            if sub.no not in told:
                seen = None if template.guide is None else sight(light, sub)
                against, judgement = judged_into(fresh, (light, seen), template, rule, threads)
                told[sub.no], counts[sub.no] = _told(against, judgement), [0, 0]
                del seen, judgement
            else:
                against = told[sub.no].again(template, threads)
            covered, n_out = folding.fold_rows(strip, light, rule, against, threads)
            counts[sub.no][0] += covered
            counts[sub.no][1] += n_out
        _put(strip, stack)
        del strip  # the next one gets its room
        return_heap()
    stack.template = identity
    return fresh, {
        no: dataclasses.replace(told[no].found, fraction=n_out / max(covered, 1))
        for no, (covered, n_out) in counts.items()
    }


def strips_of(shape: Shape) -> Iterator[Stack]:
    """Empty stacks of some rows of a grid each, in whole bands: a fold of them has the bits of a fold of all."""
    channels, height, width = shape
    rows = -(-height // (STRIPS * BAND)) * BAND
    for top in range(0, height, rows):
        strip = Stack((channels, min(rows, height - top), width))
        strip.top = top
        yield strip
        del strip


def _put(strip: Stack, stack: Stack) -> None:
    """Put a strip into its place in what it was judged by.

    Where every sample was judged out, the template was wrong or the field is: keep it, with next to no weight.
    """
    rows = slice(strip.top, strip.top + strip.shape[1])
    hole = (strip.coverage[0] == 0) & (stack.coverage[0, rows] > 0)
    strip.mean[:, hole] = stack.mean[:, rows][:, hole]
    strip.weight[:, hole] = HOLE_SHARE * stack.weight[:, rows][:, hole]
    strip.coverage[:, hole] = 1
    strip.rejected[:, hole] -= 1
    for plane, part in zip(stack.arrays, strip.arrays, strict=True):
        plane[:, rows] = part
