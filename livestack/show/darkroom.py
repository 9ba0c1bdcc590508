"""Where the pictures of a window are developed: beside it, for that takes longer than a hand notices."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from livestack.develop.chain import Recipe
from livestack.develop.live import Memo, Settled, footing, shown, steady
from livestack.develop.plate import Plate
from livestack.frame import Array, Picture
from livestack.priority import give_way
from livestack.show.greys import Greys, in_grey
from livestack.show.light import Light, light_of
from livestack.show.pinned import with_light
from livestack.show.removed import lit
from livestack.show.threads import Threads

T = TypeVar("T")
Images = tuple[Array, ...]
Sight = tuple[tuple[bool, ...], tuple[str, int]]
_KEPT = 2  # who looks from one to the other, or wipes, has both at once


@dataclass(frozen=True, eq=False, slots=True)
class Order:
    """What is to be developed.

    Attributes
    ----------
    stack : Picture
        By which the recipe is settled.
    picture : Picture
        What is shown: the stack, or the last sub, to which all is done as to the stack.
    removed : Picture, optional
        Is lit on the stack.
    shrink : float
        Size over that of the picture.
    beside : Picture, optional
        To be seen beside it: the last sub, on the same grid.
    greys : Greys, optional
        How the picture is drawn where it is no light but numbers.
    is_turned : bool
        Someone turns knobs: how the light of the stack is spread is told too, and what can be is remembered.
    softly : bool
        It came by itself, or is for who did not ask: what was on screen may pass over into it.
    is_held : bool
        The acts stay as they are, whatever became of the stack: a hand is on the picture, or an eye is near.
    finish : callable, optional
        What is done to the images there, so that the face need not.
    """

    stack: Picture
    picture: Picture
    removed: Picture | None
    recipe: Recipe
    shrink: float = 1.0
    beside: Picture | None = None
    greys: Greys | None = None
    is_turned: bool = False
    softly: bool = False
    is_held: bool = False
    finish: Callable[[Images], object] | None = None

    def is_like(self, other: Order | None) -> bool:
        """Whether it is the same order: of the same pictures, not of equal ones."""
        if other is None or self._how != other._how:
            return False
        return all(one is another for one, another in zip(self._pictures, other._pictures, strict=True))

    def follows(self, before: Sight) -> bool:
        """Whether it is the same view, and what was on screen may pass over into it."""
        return self.softly and self.sight[0] == before[0]

    @property
    def sight(self) -> Sight:
        """What is seen, to be compared when the pictures are gone: of which kind, and which picture."""
        kind = self.picture is self.stack, self.removed is None, self.greys is None
        return kind, (self.picture.stack, self.picture.version)

    def is_of(self, picture: Picture) -> bool:
        """Whether it takes this picture, not an equal one."""
        return any(one is picture for one in self._pictures)

    @property
    def _how(self) -> tuple[object, ...]:
        return self.recipe, self.shrink, self.greys, self.is_turned, self.is_held

    @property
    def _pictures(self) -> tuple[Picture | None, ...]:
        return self.stack, self.picture, self.removed, self.beside


class Done(NamedTuple):
    """What became of an order: the picture, and what is beside it; how long that took; and its light, if asked for.

    `acts` are what it was developed by: the same ones until they are told anew; `finished` is what the order's `finish`
    made of the images.
    """

    order: Order
    images: Images
    seconds: float
    acts: object
    light: Light | None = None
    finished: object = None


class Darkroom:
    """Develops in a thread of its own; of what is asked for meanwhile only the newest is done.

    All methods are for one thread, the face's; none of them waits. `settle` says by what a stack is developed, see
    `livestack.develop.live.steady`.
    """

    def __init__(self, settle: Callable[..., Settled] = steady) -> None:
        self._settle = settle
        named = ("develop", 1), ("other", 1), ("kernel", os.cpu_count() or 1)
        self._work, self._other, self._kernels = (Threads(n, name, give_way) for name, n in named)
        self._settled: Settled | None = None
        self._memo: Memo | None = None
        self._next: Order | None = None
        self._doing: Future[Done] | None = None
        self._light: tuple[Plate, Light] | None = None
        self._kept: list[tuple[Order, Settled, Array]] = []
        self._read: list[tuple[Picture, Picture]] = []

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be taken."""
        return self._doing is not None

    def ask(self, order: Order) -> None:
        """Ask for a picture, in place of what was asked for and is not begun."""
        if self._work.are_closed:
            return
        if self._doing is None:
            self._doing = self._work.submit(lambda: self._develop_all(order))
        else:
            self._next = order

    def take(self) -> Done | None:
        """Return what is done, uint8 as it is shown; None when nothing is."""
        if self._doing is None or not self._doing.done():
            return None
        doing, self._doing = self._doing, None
        if self._next is not None:
            order, self._next = self._next, None
            self.ask(order)
        return doing.result()

    def then(self, order: Order, use: Callable[[Array], T]) -> Future[T]:
        """Develop a picture and use it, there; called off once this is closed."""
        return self._work.submit(lambda: use(self._develop(order)))

    def run(self, work: Callable[[Executor], T]) -> Future[T]:
        """Do something else, which no picture waits for; it gets the threads of the kernels. Called off as `then`."""
        return self._other.submit(lambda: work(self._kernels))

    def close(self) -> None:
        """Begin nothing more, and have nothing more to be taken."""
        self._doing = self._next = None
        for work in (self._work, self._other):
            work.close()

    def _develop_all(self, order: Order) -> Done:
        begun = time.perf_counter()
        images: Images = (self._develop(order),)
        if order.beside is not None:
            images = (*images, self._develop(replace(order, picture=order.beside, beside=None)))
        acts = None if self._settled is None else self._settled.acts
        finished = None if order.finish is None else order.finish(images)
        seconds = time.perf_counter() - begun
        light = self._light_of(order) if order.is_turned else None
        return Done(order, images, seconds, acts, light, finished)

    def _light_of(self, order: Order) -> Light:
        plate = footing(self._with_light(order.stack), order.recipe, self._kernels, self._memo)
        if self._light is None or self._light[0] is not plate:
            self._light = plate, light_of(plate, self._kernels)
        return self._light[1]

    def _develop(self, order: Order) -> Array:
        """Return the picture of an order; one that was made just before by the same acts as it is."""
        self._read = [one for one in self._read if order.is_of(one[0])]
        order = replace(order, stack=self._with_light(order.stack), picture=self._with_light(order.picture))
        stack, before = order.stack, self._settled
        self._kept = [one for one in self._kept if one[0].stack is stack]  # no older picture is asked for again
        if not order.is_turned:
            self._memo = self._light = None
        elif self._memo is None:
            self._memo = Memo()
        if before is None or not order.is_held or not _is_of(before, stack, order.recipe):
            self._settled = self._settle(before, stack, order.recipe, self._kernels, self._memo)
        settled = self._settled
        assert settled is not None
        alone = replace(order, beside=None, is_held=False, finish=None)
        for kept, by, image in self._kept:
            if by is settled and kept.is_like(alone):
                return image
        image = self._image(alone, settled)
        self._kept = [*self._kept[1 - _KEPT :], (alone, settled, image)]
        return image

    def _with_light(self, picture: Picture) -> Picture:
        """Return a picture with its light; one that was read for this view before, and is the same, as it is."""
        for known, read in self._read:
            if known is picture:
                return read
        try:
            read = with_light(picture)
        except OSError:
            return picture  # dark, until there is a next one or the disk answers
        if read is not picture:
            self._read.append((picture, read))
        return read

    def _image(self, order: Order, settled: Settled) -> Array:
        stack, picture = order.stack, order.picture
        if order.greys is not None:
            return in_grey(picture, stack, order.greys, order.shrink)
        if picture is not stack and (picture.data.shape, picture.stack) != (stack.data.shape, stack.stack):
            settled = steady(None, picture, order.recipe, self._kernels)  # of another stack
        elif picture is not stack:
            picture = replace(picture, noise_adu=stack.noise_adu)  # what differs is in the data
        if order.removed is not None:
            return lit(picture, order.removed, settled, order.shrink, self._kernels)
        return shown(picture, settled, order.shrink, self._kernels, self._memo)


def _is_of(settled: Settled, stack: Picture, recipe: Recipe) -> bool:
    """Whether it was this recipe that was settled, on this stack."""
    n_channels = 1 if stack.data.ndim == 2 else stack.data.shape[2]
    return (settled.stack, settled.n_channels, settled.recipe) == (stack.stack, n_channels, recipe)
