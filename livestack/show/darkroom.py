"""Where the pictures of a window are developed: beside it, for that takes longer than a hand notices."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from livestack.develop.chain import Recipe
from livestack.develop.live import Memo, Settled, shown, steady
from livestack.frame import Array, Picture
from livestack.show.removed import lit

T = TypeVar("T")


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
    """

    stack: Picture
    picture: Picture
    removed: Picture | None
    recipe: Recipe
    shrink: float = 1.0

    def is_like(self, other: Order | None) -> bool:
        """Whether it is the same order: of the same pictures, not of equal ones."""
        if other is None or (self.recipe, self.shrink) != (other.recipe, other.shrink):
            return False
        mine, others = (self.stack, self.picture, self.removed), (other.stack, other.picture, other.removed)
        return all(one is another for one, another in zip(mine, others, strict=True))


class Darkroom:
    """Develops in a thread of its own; of what is asked for meanwhile only the newest is done.

    All methods are for one thread, the face's; none of them waits.
    """

    def __init__(self) -> None:
        self._work = ThreadPoolExecutor(1, "develop")
        self._kernels = ThreadPoolExecutor(os.cpu_count() or 1, "kernel")
        self._settled: Settled | None = None
        self._memo: Memo | None = None
        self._next: Order | None = None
        self._doing: Future[tuple[Order, Array]] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be taken."""
        return self._doing is not None

    def ask(self, order: Order) -> None:
        """Ask for a picture, in place of what was asked for and is not begun."""
        if self._doing is None:
            self._doing = self._work.submit(lambda: (order, self._develop(order)))
        else:
            self._next = order

    def take(self) -> tuple[Order, Array] | None:
        """Return what is done, uint8 as it is shown; None when nothing is."""
        if self._doing is None or not self._doing.done():
            return None
        done, self._doing = self._doing.result(), None
        if self._next is not None:
            order, self._next = self._next, None
            self.ask(order)
        return done

    def then(self, order: Order, use: Callable[[Array], T]) -> Future[T]:
        """Develop a picture and use it, there."""
        return self._work.submit(lambda: use(self._develop(order)))

    def close(self) -> None:
        """Begin nothing more."""
        self._work.shutdown(wait=False, cancel_futures=True)

    def _develop(self, order: Order) -> Array:
        stack, picture, before = order.stack, order.picture, self._settled
        if before is None or before.recipe == order.recipe:  # no knob is turned
            self._memo = None
        elif self._memo is None:
            self._memo = Memo()
        settled = self._settled = steady(before, stack, order.recipe, self._kernels, self._memo)
        if picture is not stack and (picture.data.shape, picture.stack) != (stack.data.shape, stack.stack):
            settled = steady(None, picture, order.recipe, self._kernels)  # of another stack
        elif picture is not stack:
            picture = replace(picture, noise_adu=stack.noise_adu)  # what differs is in the data
        if order.removed is not None:
            return lit(picture, order.removed, settled, order.shrink, self._kernels)
        return shown(picture, settled, order.shrink, self._kernels, self._memo)
