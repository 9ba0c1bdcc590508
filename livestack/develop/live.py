"""The picture of a stack while it grows: developed in the size of a screen, and steady from sub to sub.

Window, page, report and the preview beside the stack file all show it by these functions. The chain is settled on the
preview at milestones of the stack only; between them its acts stay, so that what is on screen changes where the data
do, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from livestack.develop.chain import PRESETS, Act, Developed, Recipe, apply, develop, settle
from livestack.develop.colour import Neutralise, WhiteBalance
from livestack.develop.denoise import Denoise
from livestack.develop.framing import Crop, Turn
from livestack.develop.plate import PX_ROWS, Plate, plate_of
from livestack.develop.plate import smaller as smaller_plate
from livestack.develop.tone import Asinh, Curves, Ghs, Mtf
from livestack.frame import Array, Picture
from livestack.reduce.bands import each_part

SETTLED_PX = 1_500_000
"""The chain is settled on a preview of at most about so many px, as a screen shows them."""
SKY_MOVES, LIGHT_MOVES = 3 / 255, 0.05
"""New acts are taken where the sky would move by more, or what is brighter by more than this share."""
_BRIGHTER = (0.9, 0.99, 0.999)
COMPARED_PX = 12_000
"""They are compared by the means over squares of px, at most so many: in these is hardly any grain."""
_AT_A_GLANCE = (Neutralise, WhiteBalance, Mtf, Asinh, Ghs)
"""What is done to a sub that is of no stack yet: on a first start, what compiles in a second instead of six."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A recipe, settled on a stack.

    Attributes
    ----------
    acts : tuple of callable
        What is done to a preview of any size.
    n_channels : int
        Of the plate it was settled on.
    stack : str
    n_subs : int
        Of the stack when that was last looked at.
    """

    recipe: Recipe
    acts: tuple[Act, ...]
    n_channels: int
    stack: str
    n_subs: int

    @property
    def linear(self) -> tuple[Act, ...]:
        """What is done while light is still ADU."""
        return self.acts[: _curve_in(self.acts)]

    @property
    def stretched(self) -> tuple[Act, ...]:
        """The rest, from the curve on."""
        return self.acts[_curve_in(self.acts) :]


def _curve_in(steps: Sequence[object]) -> int:
    """Which of some steps, or of what they became, is the first curve."""
    return next((k for k, step in enumerate(steps) if isinstance(step, Curves | Mtf | Asinh | Ghs)), len(steps))


@dataclass(slots=True)
class Memo:
    """Linear plates as they were last: who turns a knob of the curve, or of what follows it, waits for no more."""

    _kept: dict[str, tuple[Picture, object, Any]] = field(default_factory=dict)

    def recall(self, place: str, picture: Picture, key: object, make: Callable[[], Any]) -> Any:
        """Return what was last made of a picture there, if by the same key; else make it."""
        kept = self._kept.get(place)
        if kept is None or kept[0] is not picture or kept[1] != key:
            kept = self._kept[place] = picture, key, make()
        return kept[2]


def whole(recipe: Recipe) -> Recipe:
    """Return a recipe without what moves or cuts: each px stays where it is in the stack."""
    return tuple(step for step in recipe if not isinstance(step, Crop | Turn))


def is_automatic(recipe: Recipe) -> bool:
    """Whether a recipe without what moves or cuts is a preset's: nobody set a number of it."""
    return any(recipe == whole(preset) for preset in PRESETS.values())


def milestone(n_subs: int) -> int:
    """Return the largest of 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48 … that is not above `n_subs`."""
    if n_subs < 3:
        return max(n_subs, 0)
    power = 1 << (n_subs.bit_length() - 1)
    return power + power // 2 if n_subs >= power + power // 2 else power


def steady(
    kept: Settled | None, picture: Picture, recipe: Recipe, threads: Executor | None = None, memo: Memo | None = None
) -> Settled:
    """Return how to show a stack: as before, or settled anew when it is time and makes a difference.

    Between the milestones the acts stay bit for bit, so that the sky does not flicker from sub to sub. At one, new
    acts are taken only if the sky would move by more than 3/255, or what is brighter by more than 5 %. A recipe with a
    number of one's own is settled once for a stack: nothing moves by itself any more.
    """
    n, n_channels = picture.n_subs, 1 if picture.data.ndim == 2 else picture.data.shape[2]
    same = kept is not None and (kept.stack, kept.n_channels, kept.recipe) == (picture.stack, n_channels, recipe)
    if kept is not None and same and not is_automatic(recipe):
        return kept
    same = kept is not None and same and 2 * n >= kept.n_subs
    if kept is not None and same and milestone(n) <= milestone(kept.n_subs):
        return kept
    plate, made = _linear(picture, recipe, threads, memo)
    steps = _steps(picture, recipe)
    acts = (*made.acts, *settle(made.plate, steps[_curve_in(steps) :], threads))
    if kept is not None and same and _are_alike(kept.acts, acts, smaller_plate(plate, COMPARED_PX, threads), threads):
        acts = kept.acts
    return Settled(recipe, acts, n_channels, picture.stack, n)


def footing(picture: Picture, recipe: Recipe, threads: Executor | None = None, memo: Memo | None = None) -> Plate:
    """Return what the curve of a recipe is settled on; it is not to be written into."""
    return _linear(picture, recipe, threads, memo)[1].plate


def _steps(picture: Picture, recipe: Recipe) -> Recipe:
    return recipe if picture.stack else tuple(step for step in recipe if isinstance(step, _AT_A_GLANCE))


def _linear(picture: Picture, recipe: Recipe, threads: Executor | None, memo: Memo | None) -> tuple[Plate, Developed]:
    """Return a preview of about the px of a screen, and what comes before the curve, settled on it."""
    steps = _steps(picture, recipe)
    steps = steps[: _curve_in(steps)]

    def make() -> tuple[Plate, Developed]:
        height, width = picture.data.shape[:2]
        plate = plate_of_preview(picture, 1 / max(1, math.ceil(math.sqrt(height * width / SETTLED_PX))), threads)
        return plate, develop(plate, steps, threads)

    made: tuple[Plate, Developed] = (memo or Memo()).recall("settled", picture, steps, make)
    return made


def _are_alike(some: Sequence[Act], others: Sequence[Act], plate: Plate, threads: Executor | None) -> bool:
    """Whether they make pictures of a plate with the same sky, and about as much light above it."""
    known = np.isfinite(plate.data).all(axis=0)
    if not known.any():
        return True
    without_grain = ([act for act in acts if not isinstance(act, Denoise)] for acts in (some, others))
    one, other = (apply(plate, acts, threads).data[:, known] for acts in without_grain)
    levels = np.quantile([one, other], (0.5, *_BRIGHTER), axis=2)
    sky, brighter = np.abs(levels[0, 0] - levels[0, 1]), np.abs(levels[1:, 0] / levels[1:, 1].clip(1e-3) - 1)
    return bool(sky.max() <= SKY_MOVES and brighter.max() <= LIGHT_MOVES)


def plate_of_preview(picture: Picture, shrink: float = 1.0, threads: Executor | None = None) -> Plate:
    """Plate of a preview, upright and shrunk; the mean of n px has 1/√n of their noise."""
    noise_adu = picture.noise_adu * picture.scale * min(shrink, 1.0)
    return plate_of(smaller(upright(picture), shrink), noise_adu, threads)


def upright(picture: Picture) -> Array:
    """Return the data with the top of the sky picture in row 0."""
    return picture.data[::-1] if picture.row_order == "BOTTOM-UP" else picture.data


def smaller(data: Array, shrink: float) -> Array:
    """Return (H, W) or (H, W, 3) shrunk by a factor of at most 1."""
    if shrink >= 1:
        return data
    size = max(1, round(data.shape[1] * shrink)), max(1, round(data.shape[0] * shrink))
    return np.asarray(cv2.resize(np.ascontiguousarray(data), size, interpolation=cv2.INTER_AREA))


def shown(
    picture: Picture,
    settled: Settled,
    shrink: float = 1.0,
    threads: Executor | None = None,
    memo: Memo | None = None,
) -> Array:
    """Return a preview as it is shown, upright and shrunk: (H, W) or (H, W, 3) uint8; NaN is black."""
    plate = linear_of(picture, settled, shrink, threads, memo)
    alone = memo is None and _is_own(plate, picture)
    return as_shown(apply(plate, settled.stretched, threads, in_place=alone), threads)


def _is_own(plate: Plate, picture: Picture) -> bool:
    """Whether a plate may be written into: one of one channel may be the picture itself."""
    return not np.may_share_memory(plate.data, picture.data)


def linear_of(
    picture: Picture,
    settled: Settled,
    shrink: float = 1.0,
    threads: Executor | None = None,
    memo: Memo | None = None,
) -> Plate:
    """Return what the curve of a preview is applied to, which a histogram counts; one of a memo is to stay as it is."""

    def linear() -> Plate:
        plate = plate_of_preview(picture, shrink, threads)
        return apply(plate, settled.linear, threads, in_place=_is_own(plate, picture))

    plate: Plate = (memo or Memo()).recall("shown", picture, (shrink, settled.linear), linear)
    return plate


def as_shown(plate: Plate, threads: Executor | None = None) -> Array:
    """Return a developed plate as (H, W) or (H, W, 3) uint8."""
    channels, height, width = plate.shape
    out = np.empty((height, width) if channels == 1 else (height, width, channels), np.uint8)

    def rows(y0: int, y1: int) -> None:
        cv2.merge([cv2.convertScaleAbs(plane, alpha=255) for plane in plate.data[:, y0:y1]], out[y0:y1])

    each_part(height, PX_ROWS, threads, rows)
    return out
