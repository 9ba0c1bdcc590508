"""What a journal says has happened, as one frozen fact: all that a resumed session goes by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livestack.events import (
    Looked,
    MastersMatched,
    Record,
    SessionStarted,
    StackFounded,
    StackRestacked,
    SubAccepted,
    SubDropped,
    SubRejected,
    SubRestored,
)
from livestack.stacks.lean import Subs

Word = SubAccepted | SubRejected

START_OVER = "start over"
"""`StackRestacked.why` of a stack that takes no more subs."""


@dataclass(frozen=True, slots=True)
class Past:
    """The state of a session as its events left it.

    Attributes
    ----------
    words : dict
        Sub number → last word on it, in the order the words were spoken.
    founded, matched : dict
        Stack → its (latest) founding and calibration.
    closed : frozenset
        Stacks that take no more subs.
    dropped : frozenset
        Numbers taken out by the user.
    once_accepted : frozenset
        Numbers of subs that were in a stack at some time.
    looks : frozenset
        (stack, n_subs, knowledge) of each look.
    """

    started: bool
    words: dict[int, Word]
    founded: dict[str, StackFounded]
    matched: dict[str, MastersMatched]
    closed: frozenset[str]
    dropped: frozenset[int]
    looks: frozenset[tuple[str, int, str]]
    once_accepted: frozenset[int]
    settings: dict[str, object]

    def subs_of(self, stack: str) -> Subs:
        """Return the subs that are in a stack now, in the order they were accepted."""
        return Subs(
            word
            for no, word in self.words.items()
            if isinstance(word, SubAccepted) and word.stack == stack and no not in self.dropped
        )


def replay(records: Iterable[Record]) -> Past:  # noqa: C901 - one case per kind
    """Fold the events of a session into its present state."""
    words: dict[int, Word] = {}
    founded: dict[str, StackFounded] = {}
    matched: dict[str, MastersMatched] = {}
    closed: set[str] = set()
    dropped: set[int] = set()
    looks: set[tuple[str, int, str]] = set()
    once_accepted: set[int] = set()
    started, settings = False, {}
    for record in records:
        match record.event:
            case SessionStarted() as event:
                started, settings = True, event.settings
            case SubAccepted() | SubRejected() as event:
                if isinstance(event, SubAccepted):
                    once_accepted.add(event.no)
                words.pop(event.no, None)
                words[event.no] = event
            case StackFounded() as event:
                founded[event.stack] = event
                closed.discard(event.stack)
            case MastersMatched() as event:
                matched[event.stack] = event
            case SubDropped() as event:
                dropped.add(event.no)
            case SubRestored() as event:
                dropped.discard(event.no)
            case StackRestacked() as event if event.why == START_OVER:
                closed.add(event.stack)
            case Looked() as event:
                looks.add((event.stack, event.n_subs, event.knowledge))
            case _:
                pass
    return Past(
        started=started,
        words=words,
        founded=founded,
        matched=matched,
        closed=frozenset(closed),
        dropped=frozenset(dropped),
        looks=frozenset(looks),
        once_accepted=frozenset(once_accepted),
        settings=settings,
    )
