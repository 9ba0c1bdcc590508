"""When many subs wait, pictures of them are made less often, and none is left undone."""

from __future__ import annotations

import time
from collections.abc import Callable

SHOW_S = 2.0
"""While many wait, a preview is made so often."""
SAVE_TIMES = 5
"""While many wait, a stack is saved so many times more rarely."""


class Pace:
    """Keeps the previews from holding up the subs. For the thread that integrates.

    Parameters
    ----------
    many : int
        So many waiting subs are more than what is prepared ahead.
    clock : callable
        Seconds.

    Attributes
    ----------
    is_owed : bool
        Whether a picture is still to be made.
    """

    def __init__(self, many: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._many = many
        self._clock = clock
        self._shown_s = -SHOW_S
        self._waiting = 0
        self.is_owed = False

    @property
    def many_wait(self) -> bool:
        """Whether pictures are made less often."""
        return self._waiting >= self._many

    def stacked(self, waiting: int, *, changed: bool) -> None:
        """Note that a sub is done: how many wait, and whether a picture is to be made of it."""
        self._waiting = waiting
        self.is_owed |= changed

    def would_show(self) -> bool:
        """Whether a picture of a sub that is stacked now would be made at once, if no more subs wait than before."""
        return not self.many_wait or self._clock() - self._shown_s >= SHOW_S

    def may_show(self) -> bool:
        """Whether the picture that is owed is made now, or many wait and one was just made."""
        if not self.is_owed or not self.would_show():
            return False
        self._shown_s, self.is_owed = self._clock(), False
        return True

    def save_every_s(self, usual_s: float) -> float:
        """Seconds between two savings of a stack."""
        return usual_s * (SAVE_TIMES if self.many_wait else 1)
