"""A picture for an audience is changed less, and later, than that of who works with it."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import replace

from livestack.develop.chain import Recipe
from livestack.develop.live import Memo, Settled, steady
from livestack.develop.tone import Curves
from livestack.frame import Picture


def gently(
    kept: Settled | None, picture: Picture, recipe: Recipe, threads: Executor | None = None, memo: Memo | None = None
) -> Settled:
    """Return how to show a stack, as `steady` has it, with each curve moved by half the step only."""
    new = steady(kept, picture, recipe, threads, memo)
    if kept is None or new.acts is kept.acts or (kept.stack, kept.recipe) != (new.stack, new.recipe):
        return new
    if len(kept.acts) != len(new.acts):
        return new
    acts = tuple(
        halfway(one, other) if isinstance(one, Curves) and isinstance(other, Curves) else other
        for one, other in zip(kept.acts, new.acts, strict=True)
    )
    return replace(new, acts=acts)


def halfway(one: Curves, other: Curves) -> Curves:
    """Return the curve between two of a kind: black in the middle, range and shape at their geometric means."""
    if (one.kind, len(one.shape)) != (other.kind, len(other.shape)):
        return other
    black = tuple((a + b) / 2 for a, b in zip(one.black, other.black, strict=True))
    ranges = (
        math.sqrt((w - b) * (v - a)) for b, w, a, v in zip(one.black, one.white, other.black, other.white, strict=True)
    )
    shape = tuple(
        tuple(_mean(a, b) for a, b in zip(mine, its, strict=True))
        for mine, its in zip(one.shape, other.shape, strict=True)
    )
    return Curves(other.kind, black, tuple(b + r for b, r in zip(black, ranges, strict=True)), shape)


def _mean(a: float, b: float) -> float:
    return math.sqrt(a * b) if a > 0 and b > 0 else (a + b) / 2
