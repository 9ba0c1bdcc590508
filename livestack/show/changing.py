"""Subs that were taken out or put back while their stack is not folded again yet: a fold over the records."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from livestack.counted import count
from livestack.events import Event, SessionStarted, SessionStopped, StackRestacked, SubDropped, SubRestored
from livestack.stacks.replay import START_OVER


@dataclass(frozen=True, slots=True)
class Changing:
    """Subs that were taken out or put back, (stack, number, whether it is out), until their stack is folded again."""

    subs: tuple[tuple[str, int, bool], ...] = ()
    closed: frozenset[str] = frozenset()


NOTHING_CHANGES = Changing()


def changed(before: Changing, event: Event) -> Changing:
    """Return what is under way after one more event."""
    match event:
        case SubDropped() | SubRestored() if event.stack not in before.closed:
            others = tuple(sub for sub in before.subs if sub[1] != event.no)
            return dataclasses.replace(before, subs=(*others, (event.stack, event.no, isinstance(event, SubDropped))))
        case StackRestacked():
            closed = before.closed | ({event.stack} if event.why == START_OVER else set())
            return Changing(tuple(sub for sub in before.subs if sub[0] != event.stack), closed)
        case SessionStarted() | SessionStopped() if before.subs:
            return dataclasses.replace(before, subs=())
        case _:
            return before


def changing_words(subs: Iterable[tuple[int, bool]]) -> str:
    """Say it: without sub 82; without 3 subs, with sub 5."""
    named = list(subs)
    parts = []
    for word, numbers in (
        ("without", [no for no, out in named if out]),
        ("with", [no for no, out in named if not out]),
    ):
        if numbers:
            parts.append(f"{word} " + (f"sub {numbers[0]:,}" if len(numbers) == 1 else count(len(numbers), "sub")))
    return ", ".join(parts)
