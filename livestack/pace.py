"""Whether subs come faster than they are stacked. Then pictures are made less often, and none is left undone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from livestack.counted import count
from livestack.events import AlertCleared, AlertRaised, Event

RULE = "behind"
"""Of the alerts."""
TIMES = 3
"""It is behind when so many times something came while many waited, and no fewer: a copied folder is no camera."""
SHOW_S = 2.0
"""While many wait, a preview is made so often."""
SAVE_TIMES = 5
"""While many wait, a stack is saved so many times more rarely."""
MEMORY = 20
"""Subs whose pace counts."""


class Pace:
    """Keeps the previews from holding up the subs. For the thread that integrates.

    Parameters
    ----------
    many : int
        So many waiting subs are more than what is prepared ahead.
    clock : callable
        Seconds.
    """

    def __init__(self, many: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._many = many
        self._clock = clock
        self._took_s: deque[float] = deque(maxlen=MEMORY)
        self._done_s: float | None = None
        self._shown_s = -SHOW_S
        self._waited: deque[int] = deque(maxlen=TIMES)
        self._told = False
        self._waiting = 0
        self.is_owed = False

    def came(self, waiting: int) -> None:
        """Note that something was found, in one go: how many wait now."""
        if waiting < self._many:
            self._waited.clear()
        else:
            self._waited.append(waiting)

    def stacked(self, waiting: int, *, changed: bool) -> None:
        """Note that a sub is done: how many wait, and whether a picture is to be made of it."""
        now_s = self._clock()
        if self._done_s is not None and self._waiting:
            self._took_s.append(now_s - self._done_s)
        self._done_s, self._waiting = now_s, waiting
        self.is_owed |= changed

    def may_show(self) -> bool:
        """Whether the picture that is owed is made now, or many wait and one was just made."""
        now_s = self._clock()
        if not self.is_owed or (self._waiting >= self._many and now_s - self._shown_s < SHOW_S):
            return False
        self._shown_s, self.is_owed = now_s, False
        return True

    def save_every_s(self, usual_s: float) -> float:
        """Seconds between two savings of a stack."""
        return usual_s * (SAVE_TIMES if self._told else 1)

    @property
    def per_minute(self) -> float | None:
        """Subs a minute that can be kept up; None = not known yet."""
        return 60 / float(np.median(self._took_s)) if self._took_s else None

    def news(self) -> list[Event]:
        """Return what is to be told since the last call: that it fell behind, or caught up."""
        grows = len(self._waited) == TIMES and self._waited[-1] >= self._waited[0]
        if not self._told and grows and self.per_minute is not None:
            self._told = True
            sentence = (
                f"{count(self._waiting, 'sub')} wait: they come faster than this computer stacks them, "
                f"which is {self.per_minute:.0f} a minute. None is lost; pictures are made less often meanwhile."
            )
            return [AlertRaised(RULE, sentence)]
        if self._told and self._waiting <= 1:
            self._told = False
            self._waited.clear()
            return [AlertCleared(RULE)]
        return []
