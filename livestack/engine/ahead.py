"""Subs prepared ahead of their turn, in the order they were found."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from livestack.engine.session import Session
from livestack.errors import SourceError
from livestack.stacks.prepare import Prepared, Unusable, prepare
from livestack.watch import Arrival

MOST_CELLS = 2
"""So many subs in hand keep their cells, which take half of the room of a raw sub: the next, and the one after it."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A sub being prepared.

    Attributes
    ----------
    cells : bool
        Whether its cells are kept for its guide.
    again : bool
        It could not be read before, though its folder was there.
    """

    no: int
    arrival: Arrival
    prepared: Future[Prepared | Unusable]
    cells: bool
    again: bool = False


class Ahead:
    """The next few subs; for the thread that integrates.

    Parameters
    ----------
    workers : Executor
        Prepares them.
    session : Session
        What they are prepared for.
    why_away : callable
        Says why the place of the subs cannot be read now; empty = it can.
    """

    def __init__(self, workers: Executor, session: Session, why_away: Callable[[], str]) -> None:
        self._workers = workers
        self._session = session
        self._why_away = why_away
        self._hand: deque[Hand] = deque()

    def __len__(self) -> int:
        return len(self._hand)

    def fill(self, todo: deque[tuple[int, Arrival]], most: float) -> None:
        """Prepare the next of `todo`, until so many are."""
        while todo and len(self._hand) < most:
            self._hand.append(self._begin(*todo.popleft()))

    def take(self) -> tuple[int, Prepared | Unusable] | None:
        """Take the next sub and its arrival; None = it is read once more.

        A file that could not be read is looked for again: its folder may have come back between two questions.

        Raises
        ------
        SourceError
            Its disk does not answer, or its folder is away; it is read once more.
        """
        hand = self._hand[0]
        try:
            item = hand.prepared.result()
            unread = isinstance(item, Unusable) and (item.sha256 is None or item.reason == "vanished")
            if unread and (why := self._why_away()):
                raise SourceError(why)
        except SourceError:
            self._hand[0] = self._begin(hand.no, hand.arrival)
            raise
        if unread and not hand.again:
            self._hand[0] = self._begin(hand.no, hand.arrival, again=True)
            return None
        self._hand.popleft()
        return hand.no, item

    def _begin(self, no: int, arrival: Arrival, *, again: bool = False) -> Hand:
        cells = self._session.has_guide and sum(hand.cells for hand in self._hand) < MOST_CELLS
        return Hand(no, arrival, self._workers.submit(_prepare, no, arrival, self._session, cells), cells, again)


def _prepare(no: int, arrival: Arrival, session: Session, cells: bool) -> Prepared | Unusable:
    item = prepare(no, arrival.identity, session.masters_of, session.threads, cells=cells)
    if arrival.complete or isinstance(item, Unusable):
        return item
    sentence = f"{arrival.identity.path.name} ends before it should; copy it again, and check the camera's disk."
    return Unusable(no, arrival.identity, item.sha256, "truncated", sentence)
