"""How many subs are in and how many are left out, by the last word on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from livestack.events import Event, SubAccepted, SubDropped, SubRejected, SubRestored


class Tally:
    """Hears events and counts subs."""

    def __init__(self) -> None:
        self._is_in = bytearray()  # by number
        self._left_out: dict[int, str | None] = {}
        self._dropped: set[int] = set()

    def hear(self, events: Iterable[Event]) -> None:
        """Take in what was said."""
        for event in events:
            match event:
                case SubAccepted():
                    self._note(event.no, is_in=True)
                    self._left_out.pop(event.no, None)
                case SubRejected():
                    self._note(event.no, is_in=False)
                    self._left_out[event.no] = event.stack
                case SubDropped():
                    self._dropped.add(event.no)
                case SubRestored():
                    self._dropped.discard(event.no)
                case _:
                    pass

    def _note(self, no: int, *, is_in: bool) -> None:
        self._is_in.extend(bytes(max(0, no + 1 - len(self._is_in))))
        self._is_in[no] = is_in

    @property
    def n_accepted(self) -> int:
        """Subs that are in a stack."""
        return sum(self._is_in) - sum(self._is_in[no] for no in self._dropped if no < len(self._is_in))

    @property
    def n_rejected(self) -> Counter[str | None]:
        """Subs left out, by the stack they did not go into."""
        return Counter(self._left_out.values())
