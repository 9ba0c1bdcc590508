"""What an operator may change of how guests see the picture, and the recipe that it makes."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from livestack.develop.background import Background, Surface
from livestack.develop.chain import PRESETS, Recipe
from livestack.develop.live import whole
from livestack.develop.plate import Plate
from livestack.errors import SettingsError
from livestack.events import Json
from livestack.show.light import curve_of
from livestack.show.taste import COLOUR, GRAIN, LIFT, MIDTONE, Knob
from livestack.show.words import percent


@dataclass(frozen=True, slots=True)
class Look:
    """How the picture is developed for guests; None = as its preset has it.

    Attributes
    ----------
    preset : str
    brightness : float, optional
        0…1 of what the curve's middle can be turned to.
    glow : float, optional
        Share of the sky's gradient that is taken off, 0…1.
    colour : float, optional
        Times, 0…3.
    grain : float, optional
        How much of it is smoothed, 0…2.
    """

    preset: str = "auto"
    brightness: float | None = None
    glow: float | None = None
    colour: float | None = None
    grain: float | None = None


LIMITS: Final[dict[str, tuple[float, float]]] = {
    "brightness": (0.0, 1.0),
    "glow": (0.0, 1.0),
    "colour": (COLOUR.least, COLOUR.most),
    "grain": (GRAIN.least, GRAIN.most),
}
"""Least and most of each number."""


@dataclass(frozen=True, slots=True)
class Glow(Background):
    """Take the gradient of the sky off in part."""

    amount: float = 1.0

    def settle(self, plate: Plate, threads: Executor | None = None) -> Surface:
        """Tell the sky of each channel; its level in the middle goes whole, what differs from that in part."""
        told = Background.settle(self, plate, threads)
        partly = tuple(
            tuple(tuple(c if i == j == 0 else self.amount * c for j, c in enumerate(row)) for i, row in enumerate(each))
            for each in told.coefficients
        )
        return replace(told, coefficients=partly)


def recipe_of(look: Look) -> Recipe:
    """Return the recipe of a look: px stay where they are in the stack."""
    recipe = whole(PRESETS[look.preset])
    if look.brightness is not None:
        knob = _middle(recipe)
        recipe = knob.turned(recipe, _between(knob, look.brightness))
    if look.colour is not None:
        recipe = COLOUR.turned(recipe, look.colour)
    if look.grain is not None:
        recipe = GRAIN.turned(recipe, look.grain)
    if look.glow is not None:
        recipe = tuple(
            Glow(each.order, each.corners, look.glow) if isinstance(each, Background) else each for each in recipe
        )
    return recipe


def values(look: Look) -> dict[str, float]:
    """Return the numbers of a look, those of its preset where none was chosen."""
    recipe = whole(PRESETS[look.preset])
    knob = _middle(recipe)
    usual = {
        "brightness": _share(knob, knob.value(recipe) or knob.least),
        "glow": 1.0,
        "colour": COLOUR.value(recipe) or 0.0,
        "grain": GRAIN.value(recipe) or 0.0,
    }
    return {name: usual[name] if (own := getattr(look, name)) is None else own for name in LIMITS}


def say(name: str, value: float) -> str:
    """Return a number of a look in words."""
    return COLOUR.say(value) if name == "colour" else percent(value)


def changed_look(look: Look, change: Json) -> Look:
    """Return a look with other values, None for those of the preset.

    Raises
    ------
    SettingsError
        There is no such value, or it is not what can be chosen.
    """
    known = {field.name for field in fields(Look)}
    for name, value in change.items():
        if name not in known:
            raise SettingsError("there is no such control")
        if name == "preset":
            if value not in PRESETS:
                raise SettingsError("there is no such preset")
            continue
        if value is None:
            continue
        least, most = LIMITS[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not least <= value <= most:
            raise SettingsError(f"{name} is {least:g} to {most:g}")
    made: dict[str, Any] = {name: float(v) if isinstance(v, int) else v for name, v in change.items()}
    return replace(look, **made)


def _middle(recipe: Recipe) -> Knob:
    return MIDTONE if isinstance(curve_of(recipe), MIDTONE.steps) else LIFT


def _between(knob: Knob, share: float) -> float:
    return float(knob.least * (knob.most / knob.least) ** share)


def _share(knob: Knob, value: float) -> float:
    return math.log(value / knob.least) / math.log(knob.most / knob.least)
