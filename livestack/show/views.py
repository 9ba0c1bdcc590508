"""The six views of a stack: what each is drawn of, and the words and numbers that belong to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from livestack.develop.chain import Recipe
from livestack.engine.maps import MAPS
from livestack.frame import Picture
from livestack.show.darkroom import Order
from livestack.show.greys import Greys
from livestack.show.removed import belongs, legend
from livestack.show.state import NightState
from livestack.show.words import THIN, fixed, span

STACK, LAST, DIFFERENCE, NOISE, COVERAGE, REMOVED = "stack", "last", "difference", "noise", "coverage", "removed"
_MEANINGS = {
    DIFFERENCE: "Last sub minus stack",
    NOISE: "Noise of each pixel of the stack",
    COVERAGE: "Subs that cover each pixel",
}
VIEWS: Final[tuple[tuple[str, str, str], ...]] = (
    (STACK, "Stack", "Stack  A"),
    (LAST, "Last sub", "Space changes between stack and last sub"),
    (DIFFERENCE, "Difference", f"{_MEANINGS[DIFFERENCE]}  E"),
    (NOISE, "Noise", f"{_MEANINGS[NOISE]}  V"),
    (COVERAGE, "Coverage", f"{_MEANINGS[COVERAGE]}  C"),
    (REMOVED, "Removed", "What was removed  M"),
)
"""Name, word, tip."""
DIFFERENCE_SIGMA = 5.0
"""Differences of so many times their own noise are black or brightest."""
_SAMPLE = 65_536
_DARK, _BRIGHT, _BRIGHT_FIELD = 20, 160, 100  # what is of one value all over is no lamp, least of all at night


@dataclass(frozen=True, slots=True)
class Pictures:
    """The newest pictures of a session; `map` is that of the view, where it is one."""

    stack: Picture | None = None
    last: Picture | None = None
    removed: Picture | None = None
    map: Picture | None = None

    def are(self, others: Pictures) -> bool:
        """Whether they are the same, not equal ones."""
        mine, theirs = ((each.stack, each.last, each.removed, each.map) for each in (self, others))
        return all(one is another for one, another in zip(mine, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Legend:
    """What a view shows: words, and for a map its greys and what the darkest and the brightest of them are."""

    text: str = ""
    greys: Greys | None = None
    ends: tuple[str, str] = ("", "")


def on_one_grid(stack: Picture | None, last: Picture | None) -> bool:
    """Whether the last sub is one of the stack's, px for px."""
    if stack is None or last is None or stack.n_subs < 2:
        return False
    return (stack.stack, stack.scale, stack.data.shape) == (last.stack, last.scale, last.data.shape)


def is_map(view: str) -> bool:
    """Whether a view shows a map that has to be asked for."""
    return view in MAPS


def one_sub(last: Picture | None) -> str:
    """Name the last sub."""
    return "" if last is None else f"One sub, {span(last.exposure_s)}"


def order_of(view: str, pictures: Pictures, recipe: Recipe, *, beside: bool = False) -> Order | None:
    """Return what is to be developed for a view; the stack where there is nothing else to show yet.

    Parameters
    ----------
    beside : bool
        The last sub too, to be seen beside the stack.
    """
    last = pictures.last
    stack = pictures.stack or last
    if stack is None:
        return None
    if view == LAST and last is not None:
        return Order(stack, last, None, recipe)
    if view == REMOVED and belongs(pictures.stack, pictures.removed):
        return Order(stack, stack, pictures.removed, recipe)
    if view == DIFFERENCE and last is not None and on_one_grid(stack, last):
        return Order(stack, last, None, recipe, greys=_greys_of_difference(stack, last))
    found = _map_shown(view, pictures)
    if found is not None:
        return Order(stack, found, None, recipe, greys=_greys_of_map(view, found))
    return Order(stack, stack, None, recipe, beside=last if beside and on_one_grid(stack, last) else None)


def legend_of(view: str, pictures: Pictures, order: Order | None, state: NightState, *, alive: bool) -> Legend:
    """Return what a view says of itself."""
    stack, last = pictures.stack, pictures.last
    if order is None or view == STACK:
        return Legend()
    if view == LAST:
        return Legend(one_sub(last))
    if view == REMOVED:
        return Legend(legend(state, stack, pictures.removed))
    if order.greys is not None:
        text = _MEANINGS[view] + (f", {order.picture.stack}" if stack is not None and stack.parts else "")
        return Legend(text, order.greys, _ends(view, order.greys))
    return Legend(why_alone(stack, last) if view == DIFFERENCE else _why_no_map(view, stack, alive=alive))


def why_alone(stack: Picture | None, last: Picture | None) -> str:
    """Say why a stack cannot be compared with a sub."""
    if stack is None or stack.n_subs < 2:
        return "One sub so far"
    if last is None:
        return "The last sub is not known yet"
    return "The last sub is of another stack"


def _why_no_map(view: str, stack: Picture | None, *, alive: bool) -> str:
    if view == NOISE and (stack is None or stack.n_subs < 2):
        return "Noise is known from the second sub on"
    name = view.capitalize()
    return f"{name} comes in a moment" if alive else f"{name} is not in this session: no stack was saved"


def _map_shown(view: str, pictures: Pictures) -> Picture | None:
    """Return the map of the stack, as far as there is one with something in it."""
    stack, found = pictures.stack, pictures.map
    if not is_map(view) or stack is None or found is None or found.stack not in (stack.stack, *stack.parts):
        return None
    return found if view == COVERAGE or found.n_subs > 1 else None


def _greys_of_difference(stack: Picture, last: Picture) -> Greys:
    channels = 1 if last.data.ndim == 2 else last.data.shape[2]
    end = _rounded(DIFFERENCE_SIGMA * math.hypot(stack.noise_adu, last.noise_adu) / math.sqrt(channels), up=True)
    return Greys(-end, end, 0, _BRIGHT, less_stack=True)


def _greys_of_map(view: str, found: Picture) -> Greys:
    if view == COVERAGE:
        return Greys(0.0, float(max(found.n_subs, 1)), 0, _BRIGHT_FIELD)
    step = max(1, math.isqrt(found.data.size // _SAMPLE))
    some = found.data[::step, ::step]
    some = some[np.isfinite(some)]
    low, high = np.percentile(some, (1, 99)) if some.size else (0.0, 1.0)
    return Greys(_rounded(float(low), up=False), _rounded(float(high), up=True), _DARK, _BRIGHT)


def _rounded(value: float, *, up: bool) -> float:
    """Round outwards to two digits: what is shown does not change with every sub."""
    if value <= 0 or not math.isfinite(value):
        return 0.0 if not up else 1.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(unit * (math.ceil(value / unit - 1e-9) if up else math.floor(value / unit + 1e-9)))


def _ends(view: str, greys: Greys) -> tuple[str, str]:
    if view == COVERAGE:
        return "0", f"{greys.high:,.0f}{THIN}{'sub' if greys.high == 1 else 'subs'}"
    digits = 0 if greys.high >= 20 else 1 if greys.high >= 2 else 2
    plus = "+" if greys.low < 0 else ""
    return fixed(greys.low, digits), f"{plus}{fixed(greys.high, digits)}{THIN}ADU"
