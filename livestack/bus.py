"""How facts and pictures get from the engine's thread to readers in the same process."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from livestack.frame import Picture

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A bounded queue that never blocks the writer: when full, the oldest is dropped and counted.

    A reader that finds `lost` > 0 catches up from the journal by seq.
    """

    def __init__(self, size: int = 1000) -> None:
        self._items: deque[T] = deque()
        self._size = size
        self._lost = 0
        self._arrived = threading.Condition()

    def put(self, item: T) -> None:
        """Add one; never blocks."""
        with self._arrived:
            if len(self._items) >= self._size:
                self._items.popleft()
                self._lost += 1
            self._items.append(item)
            self._arrived.notify_all()

    def take(self, timeout_s: float = 0.0) -> tuple[list[T], int]:
        """Return all waiting items and how many were lost since the last call; waits up to `timeout_s` for one."""
        with self._arrived:
            if not self._items and timeout_s > 0:
                self._arrived.wait(timeout_s)
            items, lost = list(self._items), self._lost
            self._items.clear()
            self._lost = 0
            return items, lost


class Slot(Generic[T]):
    """Holds the latest value only; not even that where nobody will ask for it.

    No lock: to put and to get are one step each, and who asks waits for nobody, least of all for a value to be let go.
    """

    def __init__(self, *, asked: bool = True) -> None:
        self._asked = asked
        self._value: T | None = None

    def put(self, value: T) -> None:
        """Replace the value."""
        if self._asked:
            self._value = value

    def get(self) -> T | None:
        """Return the latest value, or None."""
        return self._value


@dataclass(frozen=True, slots=True)
class Slots:
    """Where readers in the engine's process find its newest pictures.

    Attributes
    ----------
    stack, last, removed : Slot of Picture
        Previews of the stack, of its last sub and of what was left out.
    noise, coverage : Slot of Picture
        Maps of the stack, as of when a screen asked for them.
    """

    stack: Slot[Picture]
    last: Slot[Picture]
    removed: Slot[Picture]
    noise: Slot[Picture]
    coverage: Slot[Picture]

    @classmethod
    def empty(cls, *, asked: bool = True) -> Slots:
        """Return slots that hold what comes; where nobody will ask only what the engine itself compares with."""
        stack, last, noise, coverage = (Slot[Picture](asked=asked) for _ in range(4))
        return cls(stack, last, Slot(), noise, coverage)
