"""How many subs are in and how many are left out, by the last word on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from livestack.events import Event, SubAccepted, SubDropped, SubRejected, SubRestored


class Tally:
    """Hears events and counts subs."""

    def __init__(self) -> None:
        self._left_out: dict[int, bool] = {}
        self._stack: dict[int, str | None] = {}
        self._dropped: set[int] = set()

    def hear(self, events: Iterable[Event]) -> None:
        """Take in what was said."""
        for event in events:
            match event:
                case SubAccepted() | SubRejected():
                    self._left_out[event.no] = isinstance(event, SubRejected)
                    self._stack[event.no] = event.stack
                case SubDropped():
                    self._dropped.add(event.no)
                case SubRestored():
                    self._dropped.discard(event.no)
                case _:
                    pass

    @property
    def n_accepted(self) -> int:
        """Subs that are in a stack."""
        return sum(not out and no not in self._dropped for no, out in self._left_out.items())

    @property
    def n_rejected(self) -> Counter[str | None]:
        """Subs left out, by the stack they did not go into."""
        return Counter(self._stack[no] for no, out in self._left_out.items() if out)
