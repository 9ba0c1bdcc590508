"""What a hand may change of how the picture is developed: a preset, and a few numbers of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from livestack.develop.chain import STEPS, Recipe, Step
from livestack.develop.colour import Saturation, Scnr
from livestack.develop.denoise import Denoise
from livestack.develop.tone import Asinh, Ghs, Mtf
from livestack.show.light import Curve, Light, Marks, curve_of
from livestack.show.words import percent

_ORDER = tuple(STEPS.values())
_HALVINGS = 40


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


def has(recipe: Recipe, kind: type[Any]) -> bool:
    """Whether a step is in a recipe."""
    return any(isinstance(step, kind) for step in recipe)


def with_step(recipe: Recipe, kind: type[Any], wanted: bool, preset: Recipe) -> Recipe:
    """Return a recipe with a step as its preset has it, or without."""
    rest = tuple(step for step in recipe if not isinstance(step, kind))
    step = next((step for step in preset if isinstance(step, kind)), None)
    return put(rest, step or kind()) if wanted else rest


def with_curve(recipe: Recipe, kind: type[Any], preset: Recipe) -> Recipe:
    """Return a recipe with another curve: that of the preset, where it is of this kind."""
    now, its = curve_of(recipe), curve_of(preset)
    if isinstance(now, kind):
        return recipe
    rest = tuple(step for step in recipe if step is not now)
    return put(rest, its if its is not None and isinstance(its, kind) else kind())


def with_channels_linked(recipe: Recipe, linked: bool) -> Recipe:
    """Return a recipe whose curve is one for all channels, or one for each."""
    return tuple(replace(step, linked=linked) if isinstance(step, Mtf) else step for step in recipe)


def moved(recipe: Recipe, light: Light, which: int, level: float) -> Recipe:
    """Return a recipe whose black (0), midtone (1) or white (2) is as near to a level as its knob can be turned."""
    curve = curve_of(recipe)
    knob = next((knob for knob in HANDLES[which] if isinstance(curve, knob.steps)), None)
    if knob is None or curve is None:
        return recipe

    def at(value: float) -> float:
        turned: Any = replace(curve, **{knob.number: value})  # type: ignore[arg-type]
        return _marks(turned, light)[which]

    low, high = knob.least, knob.most
    rises = at(high) > at(low)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if (at(middle) < level) == rises:
            low = middle
        else:
            high = middle
    return knob.turned(recipe, 0.5 * (low + high))


def _marks(curve: Curve, light: Light) -> Marks:
    return light.marks(curve) or (0.0, 0.0, 0.0)


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _times(value: float) -> str:
    return f"{value:.1f}×"


CURVES: tuple[tuple[str, type[Any]], ...] = (("Auto", Mtf), ("Asinh", Asinh), ("GHS", Ghs))
"""Curves by name."""

BLACK = Knob("Black", (Mtf, Asinh, Ghs), "shadows", 0.0, 6.0, None, _plain)
MIDTONE = Knob("Midtone", (Mtf, Asinh), "target", 0.02, 0.4, None, _plain)
LIFT = Knob("Lift", (Ghs,), "amount", 0.5, 12.0, None, _plain)
WHITE = Knob("White", (Mtf, Asinh, Ghs), "highlights", 0.02, 1.0, None, percent)
GREEN = Knob("Remove green", (Scnr,), "amount", 0.0, 1.0, 0.0, percent)
COLOUR = Knob("Colour", (Saturation,), "amount", 0.0, 3.0, 1.0, _times)
GRAIN = Knob("Smooth grain", (Denoise,), "strength", 0.0, 2.0, 0.0, percent)
OF_CURVE, OF_COLOUR = (BLACK, MIDTONE, LIFT, WHITE), (GREEN, COLOUR, GRAIN)
KNOBS = (*OF_CURVE, *OF_COLOUR)
"""All of them, as they stand on a panel."""
HANDLES = (BLACK,), (MIDTONE, LIFT), (WHITE,)
"""Which of them the handles of a histogram turn: those of black, midtone and white."""
