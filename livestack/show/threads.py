"""Threads beside a face: closed with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Threads that may be asked for something after they were closed: it is called off, as what was not begun by then.

    Of a window that is closed some things come late: a key that is let go, another size, other colours.

    Attributes
    ----------
    are_closed : bool
        Whether nothing more is begun.
    """

    are_closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Do something; nothing once they are closed: the future is cancelled then."""
        if not self.are_closed:
            return super().submit(fn, *args, **kwargs)
        off: Future[T] = Future()
        off.cancel()
        return off

    def close(self) -> None:
        """Begin nothing more, and wait for nothing."""
        self.are_closed = True
        self.shutdown(wait=False, cancel_futures=True)
