"""How fast guests get new pictures: a stacker that is never idle goes on as if hardly anybody looked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

SHARE: Final = 0.04
"""Of all processors: for making pictures, packing them and sending them to whoever asks."""
APART_S, MOST_S = 1.0, 10.0
"""Between two pictures, whatever they cost: subs may come faster than guests can be shown them."""
T = TypeVar("T")


class Pace:
    """Says when guests may have the next picture: when all of the last one was a small share of the processors.

    `took` may be called by any thread, the others by one.
    """

    def __init__(self, share: float = SHARE) -> None:
        self._allowed = share * (os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._spent_s, self._shown_at_s, self._n_shown = 0.0, 0.0, 0

    def took(self, seconds: float) -> None:
        """Take note of some time of a processor."""
        with self._lock:
            self._spent_s += seconds

    def is_due(self) -> bool:
        """Whether the next picture may be made. The first is not counted: it loads what all others need."""
        cost_s = self._spent_s if self._n_shown > 1 else 0.0
        wait_s = min(max(APART_S, cost_s / self._allowed), MOST_S)
        return not self._n_shown or time.monotonic() - self._shown_at_s >= wait_s

    def shown(self) -> None:
        """Begin with the next one: what is spent from now on is its own."""
        self._n_shown += 1
        with self._lock:
            self._spent_s, self._shown_at_s = 0.0, time.monotonic()


class Beside(ThreadPoolExecutor):
    """A thread beside the event loop, of which the pace knows."""

    def __init__(self, name: str, pace: Pace) -> None:
        super().__init__(1, name)
        self._pace = pace

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Do something, and tell what it took."""
        return super().submit(self._counted, fn, *args, **kwargs)

    def _counted(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        began_s = time.thread_time()
        try:
            return fn(*args, **kwargs)
        finally:
            self._pace.took(time.thread_time() - began_s)
