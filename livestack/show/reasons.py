"""Why a sub is not in the stack, in a sentence and in two words; and what became of it, in a line."""

from __future__ import annotations

from livestack.show.state import SubRow
from livestack.show.words import REASON_WORDS, clock, fixed, sentence_case

BY_HAND = "Dropped by hand"


def why(row: SubRow) -> str:
    """Return why a sub is not in the stack, in a sentence; empty when it is."""
    if row.state == "dropped":
        return BY_HAND
    return sentence_case(row.sentence or REASON_WORDS.get(row.reason or "", row.reason or ""))


def cause(row: SubRow) -> str:
    """Return why a sub is not in the stack, in two or three words."""
    return BY_HAND if row.state == "dropped" else sentence_case(REASON_WORDS.get(row.reason or "", row.reason or ""))


def about(row: SubRow) -> str:
    """Return a sub, its time and its verdict."""
    if row.state == "accepted":
        verdict = f"weight {fixed(row.weight, 2)}"
    elif row.state == "dropped":
        verdict = "dropped"
    else:
        verdict = "left out: " + REASON_WORDS.get(row.reason or "", row.reason or "")
    return f"Sub {row.no}, {clock(row.time or row.judged, seconds=True)}, {verdict}"
