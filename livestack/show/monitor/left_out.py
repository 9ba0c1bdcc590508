"""What was left out of a stack: runs of one cause in one line, causes by count, clouds as they passed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from livestack.show.reasons import cause, why
from livestack.show.state import SubRow
from livestack.show.words import clock, with_units

_NUMBER = re.compile(r"(?<![^\s(])\d+(?:\.\d+)?(?=[\s,:;)×]|\.\s|\.?$)")
"""A number that stands alone: not part of a file's name."""
_CLOUDED = "clouded"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One line: subs in a row that were left out for one cause. ``time`` is of the first."""

    no: str
    time: str
    words: str


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud that passed, from the first sub that it spoilt to the last."""

    first: datetime
    last: datetime
    n_subs: int


def left_out(rows: Sequence[SubRow]) -> list[LeftOut]:
    """Return a line for each run of subs that are not in the stack, with no other sub between."""
    runs: list[list[SubRow]] = []
    for before, row in zip((None, *rows), rows, strict=False):
        if row.state == "accepted":
            continue
        if before is not None and runs and runs[-1][-1] is before and cause(before) == cause(row):
            runs[-1].append(row)
        else:
            runs.append([row])
    return [_line(run) for run in runs]


def causes(rows: Sequence[SubRow]) -> list[tuple[str, int]]:
    """Return how many subs were left out for each cause, the most frequent first."""
    return Counter(cause(row) for row in rows if row.state != "accepted").most_common()


def clouds(rows: Sequence[SubRow]) -> list[Cloud]:
    """Return the clouds: subs that are clouded, with none stacked between."""
    found: list[Cloud] = []
    passing = False
    for row in rows:
        if row.state == "accepted":
            passing = False
        elif row.reason == _CLOUDED:
            time = row.time or row.judged
            if passing:
                found[-1] = Cloud(found[-1].first, time, found[-1].n_subs + 1)
            else:
                found.append(Cloud(time, time, 1))
            passing = True
    return found


def _line(run: list[SubRow]) -> LeftOut:
    first, last = run[0], run[-1]
    no = f"{first.no:,}" if first is last else f"{first.no:,}–{last.no:,}"
    words = merged([why(row) for row in run])
    named = words if words.lower().startswith(cause(first).lower()) else f"{cause(first)}. {words}"
    return LeftOut(no, clock(first.time, seconds=True), with_units(named))


def merged(sentences: list[str]) -> str:
    """Return sentences that differ in their numbers only as one, from the least to the largest; else the first."""
    if len({_NUMBER.sub("0", sentence) for sentence in sentences}) > 1:
        return sentences[0]
    columns = zip(*(_NUMBER.findall(sentence) for sentence in sentences), strict=True)
    ranges = iter([_range(column) for column in columns])
    return _NUMBER.sub(lambda _: next(ranges), sentences[0])


def _range(numbers: tuple[str, ...]) -> str:
    least, most = min(numbers, key=float), max(numbers, key=float)
    return least if float(least) == float(most) else f"{least} to {most}"
