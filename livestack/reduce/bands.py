"""Work split into parts of constant size, for as many threads as there are: the bits are the same for any number."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


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
