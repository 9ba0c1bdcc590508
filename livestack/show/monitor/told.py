"""The alerts of a night for its report: a line for each kind, from when to when, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from livestack.events import AlertCleared, AlertRaised, Record
from livestack.show.state import when
from livestack.show.words import UNKNOWN, clock, with_units


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One kind of alert. ``until`` is – where it still stood at the end."""

    begun: str
    until: str
    words: str


def alert_lines(records: Sequence[Record]) -> list[AlertLine]:
    """Return what was told in a night, in the order in which it came first."""
    raised: dict[str, list[tuple[datetime | None, str]]] = {}
    cleared: dict[str, datetime | None] = {}
    for record in records:
        if isinstance(record.event, AlertRaised):
            raised.setdefault(record.event.rule, []).append((when(record.time_utc), record.event.sentence))
            cleared.pop(record.event.rule, None)
        elif isinstance(record.event, AlertCleared) and record.event.rule in raised:
            cleared[record.event.rule] = when(record.time_utc)
    lines = []
    for rule, told in raised.items():
        again = f" {len(told)} times, the last at {clock(told[-1][0])}." if len(told) > 1 else ""
        until = clock(cleared[rule]) if rule in cleared else UNKNOWN
        lines.append(AlertLine(clock(told[0][0]), until, with_units(told[0][1] + again)))
    return lines
