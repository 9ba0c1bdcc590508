"""What the user asked of subs: laid over the rows until the session answers, and how it is taken back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from livestack.reduce.weigh import OVERRULED
from livestack.show.changing import Changing
from livestack.show.state import SubRow

DROP, RESTORE = "drop", "restore"
OPPOSITE = {DROP: RESTORE, RESTORE: DROP}


def can(kind: str, row: SubRow) -> bool:
    """Whether a sub can be dropped; or put back, for the user took it out or may overrule why it is out."""
    if kind == DROP:
        return row.state == "accepted"
    return row.state == "dropped" or (row.state == "rejected" and row.reason in OVERRULED)


@dataclass(slots=True)
class Wishes:
    """What was asked of subs from one screen.

    Attributes
    ----------
    waiting : dict
        Number → the row when it was asked, and as it is to be: until there is any news of that sub.
    done : list of (kind, numbers)
        What can be taken back, the newest last.
    """

    waiting: dict[int, tuple[SubRow, SubRow]] = field(default_factory=dict)
    done: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def ask(self, kind: str, numbers: Sequence[int], subs: tuple[SubRow, ...], *, keep: bool = True) -> None:
        """Take note of a request about subs, of all that are known."""
        wanted = set(numbers)
        for row in (row for row in subs if row.no in wanted):
            seen = self.waiting[row.no][1] if row.no in self.waiting else row
            wished = dataclasses.replace(seen, dropped=kind == DROP)
            if kind == RESTORE:
                wished = dataclasses.replace(wished, accepted=True, reason=None, sentence="")
            self.waiting[row.no] = row, wished
        if keep:
            self.done.append((kind, tuple(numbers)))

    def over(self, rows: tuple[SubRow, ...]) -> tuple[SubRow, ...]:
        """Return the rows with what was asked laid over; what the session answered since is no wish any more."""
        if not self.waiting:
            return rows
        found = {row.no: row for row in rows if row.no in self.waiting}
        self.waiting = {no: pair for no, pair in self.waiting.items() if found.get(no) is pair[0]}
        if not self.waiting:
            return rows
        return tuple(self.waiting[row.no][1] if row.no in self.waiting else row for row in rows)

    def under_way(self, changing: Changing) -> Changing:
        """Return what is under way with what is asked for and not answered."""
        if not self.waiting:
            return changing
        others = tuple(sub for sub in changing.subs if sub[1] not in self.waiting)
        asked = tuple((row.stack or "", no, wished.dropped) for no, (row, wished) in self.waiting.items())
        return dataclasses.replace(changing, subs=(*others, *asked))
