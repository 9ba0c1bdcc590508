"""The chain: small frozen steps in any order, settled on one picture and applied to any size of it.

A step is *settled* on a plate: it measures what it needs and becomes an act, numbers alone. Acts do not depend on the
size of a picture, so they are told on a preview and applied to the whole, and kept while a stack grows.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from livestack.develop.background import Background, Surface
from livestack.develop.colour import Neutralise, Saturation, Scnr, WhiteBalance
from livestack.develop.denoise import Denoise
from livestack.develop.detail import Contrast, Stars
from livestack.develop.framing import Crop, NorthUp, Turn, Window
from livestack.develop.plate import Plate, smaller
from livestack.develop.sharpen import Sharpen
from livestack.develop.tone import Asinh, Ghs, Mtf
from livestack.develop.undershoot import Undershoot
from livestack.errors import SettingsError

Act = Callable[..., Plate]
"""Plate → plate; takes an executor for its kernels."""


class Step(Protocol):
    """One step: a frozen dataclass of what a user may choose."""

    name: ClassVar[str]

    def settle(self, plate: Plate, threads: Executor | None = None) -> Act:
        """Measure a plate and return what is to be done."""
        ...


STEPS: dict[str, type[Any]] = {
    kind.name: kind
    for kind in (
        Crop,
        Background,
        Neutralise,
        WhiteBalance,
        Undershoot,
        Sharpen,
        Denoise,
        Mtf,
        Asinh,
        Ghs,
        Scnr,
        Saturation,
        Stars,
        Contrast,
        Turn,
        NorthUp,
    )
}
"""Steps by name."""

LEVELS = (Background, Neutralise, WhiteBalance)
"""Steps that become surfaces, told on a small picture."""
NEW = (Window, Surface, Denoise, Turn)
"""Acts that leave the plate they are given as it is."""
EITHER = (Window, Surface, Denoise)
"""Of these, those that write into it where they are told to."""
BLIND = (Undershoot, Denoise, Scnr, Saturation, Stars, Contrast, Turn)
"""Steps that measure nothing when they are settled."""

Recipe = tuple[Step, ...]

_LINEAR: Recipe = (Crop(), Background(), Neutralise(), WhiteBalance(), Undershoot())

AUTO: Recipe = (*_LINEAR, Denoise(), Mtf(), Saturation())
WHOLE: Recipe = AUTO[1:]
"""The same, not cut: each px stays where it is in the stack."""

PRESETS: dict[str, Recipe] = {
    "auto": AUTO,
    "galaxy": (*_LINEAR, Denoise(), Mtf(0.11, 1.2), Contrast(0.4), Saturation(1.5)),
    "nebula": (*_LINEAR, Denoise(1.2), Mtf(0.13, 1.0), Stars(0.6), Contrast(0.4), Saturation(1.5)),
    "cluster": (*_LINEAR, Denoise(0.8), Asinh(0.1), Saturation(1.3)),
    "wide field": (Crop(), Background(4), *_LINEAR[2:], Denoise(), Mtf(0.12, 1.4), Stars(0.7), Saturation(1.4)),
    "comet": (*_LINEAR, Denoise(1.2), Mtf(0.13, 1.2), Contrast(0.3), Saturation(1.5)),
    "visitors": (*_LINEAR, Denoise(1.3), Mtf(0.13, 1.0), Contrast(0.5), Scnr(0.3), Saturation(1.8)),
}
"""Recipes by name."""


@dataclass(frozen=True, slots=True)
class Developed:
    """A picture and how it came about.

    Attributes
    ----------
    plate : Plate
    acts : tuple of callable
        The settled steps.
    names : tuple of str
    seconds : tuple of float
        Wall time of each step.
    """

    plate: Plate
    acts: tuple[Act, ...]
    names: tuple[str, ...]
    seconds: tuple[float, ...]


def develop(
    plate: Plate, recipe: Iterable[Step] = AUTO, threads: Executor | None = None, *, in_place: bool = False
) -> Developed:
    """Settle each step on what the steps before made, and apply it; the plate that is given stays as it is.

    Steps that tell a level are settled one after another on a small picture, and applied at once. In place the plate
    that is given is used up, and little memory is taken beside it.
    """
    given = None if in_place else plate
    acts: list[Act] = []
    names: list[str] = []
    seconds: list[float] = []
    for levels, group in itertools.groupby(recipe, lambda step: isinstance(step, LEVELS)):
        first, begun, steps = len(acts), time.perf_counter(), tuple(group)
        seen = smaller(plate, threads=threads) if levels else plate
        for left, step in zip(range(len(steps) - 1, -1, -1), steps, strict=True):
            act = step.settle(seen, threads)
            if not levels:
                seen = _acted(act, seen, given, threads)
            elif left:  # after the last nothing is told on the small picture
                seen = act(seen, threads)
            acts.append(act)
            names.append(step.name)
            begun, before = time.perf_counter(), begun
            seconds.append(begun - before)
        plate = _acted(_joined(acts[first:])[0], plate, given, threads) if levels else seen
        seconds[-1] += time.perf_counter() - begun
    return Developed(plate, tuple(acts), tuple(names), tuple(seconds))


def settle(plate: Plate, recipe: Iterable[Step], threads: Executor | None = None) -> tuple[Act, ...]:
    """Return the acts that `develop` would; what none of them is told from is not made."""
    steps = tuple(recipe)
    seeing = max((k for k, step in enumerate(steps) if not isinstance(step, BLIND)), default=0)
    before = develop(plate, steps[:seeing], threads)
    return (*before.acts, *(step.settle(before.plate, threads) for step in steps[seeing:]))


def apply(plate: Plate, acts: Iterable[Act], threads: Executor | None = None, *, in_place: bool = False) -> Plate:
    """Apply settled steps; the plate that is given stays as it is, or in place is used up where that saves time."""
    given = plate
    for act in _joined(acts):
        used_up = in_place and not isinstance(act, Denoise)  # which is faster into a new one
        plate = _acted(act, plate, None if used_up else given, threads)
    return plate


def _joined(acts: Iterable[Act]) -> list[Act]:
    """Join surfaces that follow one another into one."""
    joined: list[Act] = []
    for act in acts:
        before = joined[-1] if joined else None
        if isinstance(act, Surface) and isinstance(before, Surface):
            joined[-1] = before.then(act)
        else:
            joined.append(act)
    return joined


def _acted(act: Act, plate: Plate, given: Plate | None, threads: Executor | None) -> Plate:
    """Apply an act, to a copy where it would write into what was given; None = into that it may."""
    if given is None:
        return act(plate, threads, in_place=True) if isinstance(act, EITHER) else act(plate, threads)
    if plate.data is given.data and not isinstance(act, NEW):
        plate = plate.with_data(plate.data.copy())
    return act(plate, threads)


def recipe_to_toml(recipe: Iterable[Step]) -> str:
    """Write a recipe: one table for each step, in order."""
    import tomli_w

    return tomli_w.dumps({"step": [{"name": step.name, **dataclasses.asdict(step)} for step in recipe]})  # type: ignore[call-overload]


def recipe_of_toml(text: str, source: str = "recipe") -> Recipe:
    """Read a recipe.

    Raises
    ------
    SettingsError
        It is no TOML, or names a step or a number that is not known.
    """
    try:
        tables = tomllib.loads(text).get("step", [])
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is no TOML: {error}") from None
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{source}: write each step as a table, [[step]], with its name")
    return tuple(_step_of(table, source) for table in tables)


def _step_of(table: dict[str, Any], source: str) -> Step:
    chosen = dict(table)
    name = str(chosen.pop("name", ""))
    kind = STEPS.get(name)
    if kind is None:
        raise SettingsError(f"{source}: no step is called {name!r}; there are {', '.join(STEPS)}")
    defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(kind)}
    for key, value in chosen.items():
        if key not in defaults:
            raise SettingsError(f"{source}: {name} has no {key}; it has {', '.join(defaults) or 'nothing to choose'}")
        wanted = type(defaults[key])
        fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise SettingsError(f"{source}: {key} of {name} cannot be {value!r}")
        chosen[key] = wanted(value)
    step: Step = kind(**chosen)
    return step
