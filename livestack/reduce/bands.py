"""Work in parts of constant size, done by as many threads as there are: the bits are the same for any number."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")

BAND = 60
"""Rows of the grid in one call: a constant, never a function of the machine. Px of a preview, up to 6 × 6, fit in."""
HELPERS = max(1, (os.cpu_count() or 1) - 1)
"""So many threads work beside the caller, where they are free."""


def each_part(total: int, part: int, threads: Executor | None, work: Callable[[int, int], T]) -> list[T]:
    """Return what a kernel makes of each [begin, end) of a total, in order.

    The caller works, too, and takes one part after the other, as each helper does: a task is a thread's, not a part's,
    for to hand one over costs as much as a small part. No helper is waited for that has not begun.

    Parameters
    ----------
    part : int
        A constant, never a function of the machine.
    threads : Executor, optional
    """
    parts = [(begin, min(begin + part, total)) for begin in range(0, total, part)]
    if threads is None or len(parts) < 2:
        return [work(*each) for each in parts]
    done: dict[int, T] = {}
    left = iter(range(len(parts)))  # whoever takes the next number holds the interpreter
    asked = [work]

    def help_on() -> None:
        for k in left:
            done[k] = asked[0](*parts[k])

    helpers = [threads.submit(help_on) for _ in range(min(HELPERS, len(parts) - 1))]
    try:
        help_on()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        problems = [helper.exception() for helper in begun]
        asked.clear()  # one that was called off waits in line still, and would hold the planes of the work
    for problem in problems:
        if problem is not None:
            raise problem
    return [done[k] for k in range(len(parts))]


def beside(threads: Executor | None, work: Callable[[], T]) -> Callable[[], T]:
    """Begin some work in another thread; returns what gives its result, and does it itself where no thread was free."""
    if threads is None:
        return work
    asked = [work]

    def begin() -> T:
        return asked[0]()

    task = threads.submit(begin)

    def result() -> T:
        if not task.cancel():
            return task.result()
        asked.clear()  # what was called off waits in line still, and would hold what the work holds
        return work()

    return result


def each_band(height: int, threads: Executor | None, work: Callable[[int, int], tuple[int, int] | None]) -> list[int]:
    """Run a kernel over all bands of a height; returns the sums of its two counts, joined in band order."""
    total = [0, 0]
    for pair in each_part(height, BAND, threads, work):
        if pair is not None:
            total[0] += pair[0]
            total[1] += pair[1]
    return total
