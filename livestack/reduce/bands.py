"""Work in parts of constant size, done by as many threads as there are: the bits are the same for any number."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")

BAND = 60
"""Rows of the grid in one call: a constant, never a function of the machine. Px of a preview, up to 6 × 6, fit in."""


def each_part(total: int, part: int, threads: Executor | None, work: Callable[[int, int], T]) -> list[T]:
    """Return what a kernel makes of each [begin, end) of a total, in order.

    Parameters
    ----------
    part : int
        A constant, never a function of the machine.
    threads : Executor, optional
        Is given nothing that waits for it.
    """
    parts = [(begin, min(begin + part, total)) for begin in range(0, total, part)]
    if threads is None or len(parts) < 2:
        return [work(*each) for each in parts]
    return list(threads.map(lambda each: work(*each), parts))


def each_band(height: int, threads: Executor | None, work: Callable[[int, int], tuple[int, int] | None]) -> list[int]:
    """Run a kernel over all bands of a height; returns the sums of its two counts, joined in band order."""
    total = [0, 0]
    for pair in each_part(height, BAND, threads, work):
        if pair is not None:
            total[0] += pair[0]
            total[1] += pair[1]
    return total
