"""What a hand may change of how the picture is developed: a preset, and a few numbers of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from livestack.develop.background import Background
from livestack.develop.chain import STEPS, Recipe, Step
from livestack.develop.colour import Saturation, Scnr
from livestack.develop.denoise import Denoise
from livestack.develop.tone import Asinh, Ghs, Mtf
from livestack.show.words import percent

_ORDER = tuple(STEPS.values())


@dataclass(frozen=True, slots=True)
class Knob:
    """A number of a step.

    Attributes
    ----------
    steps : tuple of type
        Which has it: the first of them that is in a recipe; the first of all is put in where none is.
    least, most : float
        What may be chosen.
    absent : float, optional
        What a recipe without the step has; None = nothing can be chosen there.
    say : callable
        A value in words.
    """

    name: str
    steps: tuple[type[Any], ...]
    number: str
    least: float
    most: float
    absent: float | None
    say: Callable[[float], str]

    def value(self, recipe: Recipe) -> float | None:
        """Return the number a recipe has."""
        step = self._step(recipe)
        return self.absent if step is None else float(getattr(step, self.number))

    def turned(self, recipe: Recipe, value: float) -> Recipe:
        """Return a recipe with another number."""
        step = self._step(recipe)
        if step is not None:
            changed: Any = replace(step, **{self.number: value})  # type: ignore[type-var]
            return tuple(changed if each is step else each for each in recipe)
        return recipe if self.absent is None else put(recipe, self.steps[0](**{self.number: value}))

    def _step(self, recipe: Recipe) -> Step | None:
        return next((step for step in recipe if isinstance(step, self.steps)), None)


def put(recipe: Recipe, step: Step) -> Recipe:
    """Return a recipe with one more step, at its usual place."""
    place = _ORDER.index(type(step))
    at = next((k for k, each in enumerate(recipe) if _ORDER.index(type(each)) > place), len(recipe))
    return (*recipe[:at], step, *recipe[at:])


def has_glow_removed(recipe: Recipe) -> bool:
    """Whether the gradient of the sky is taken off."""
    return any(isinstance(step, Background) for step in recipe)


def with_glow_removed(recipe: Recipe, removed: bool, preset: Recipe) -> Recipe:
    """Return a recipe that takes the gradient off, as its preset does, or leaves it."""
    rest = tuple(step for step in recipe if not isinstance(step, Background))
    step = next((step for step in preset if isinstance(step, Background)), Background())
    return put(rest, step) if removed else rest


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _times(value: float) -> str:
    return f"{value:.1f}×"


KNOBS = (
    Knob("Black", (Mtf, Asinh, Ghs), "shadows", 0.0, 6.0, None, _plain),
    Knob("Midtone", (Mtf, Asinh), "target", 0.02, 0.4, None, _plain),
    Knob("White", (Mtf, Asinh), "highlights", 0.02, 1.0, None, percent),
    Knob("Remove green", (Scnr,), "amount", 0.0, 1.0, 0.0, percent),
    Knob("Colour", (Saturation,), "amount", 0.0, 3.0, 1.0, _times),
    Knob("Smooth grain", (Denoise,), "strength", 0.0, 2.0, 0.0, percent),
)
"""All of them, as they stand on a panel."""
