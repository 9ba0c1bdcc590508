"""The night ribbon as facts: which subs share a bar, how high it is, what is left out, and when it was."""

from __future__ import annotations

import math
from dataclasses import dataclass

from livestack.show.state import SubRow
from livestack.show.words import clock

PITCH = (3.0, 12.0)
"""Least and most px from bar to bar."""
RUN = 3
"""So many left out in a row for one reason share one outline."""
LEAST_HEIGHT = 0.2


@dataclass(frozen=True)
class Bin:
    """The subs that one bar stands for."""

    rows: tuple[SubRow, ...]

    @property
    def weight(self) -> float:
        """Mean weight of those that are stacked, 0 when none is."""
        weights = [row.weight or 0.0 for row in self.rows if row.state == "accepted"]
        return sum(weights) / len(weights) if weights else 0.0

    @property
    def why(self) -> str | None:
        """Why the first that is left out is so; None when all are stacked."""
        return next((row.reason or row.state for row in self.rows if row.state != "accepted"), None)


def laid_out(subs: tuple[SubRow, ...], width: float, most_pitch: float = PITCH[1]) -> tuple[list[Bin], float]:
    """Return the bins and their pitch: one sub each as long as there is room."""
    together = max(1, math.ceil(len(subs) * PITCH[0] / max(1, width)))
    bins = [Bin(subs[at : at + together]) for at in range(0, len(subs), together)]
    return bins, float(min(most_pitch, width / max(1, len(bins))))


def heights(bins: list[Bin]) -> list[float]:
    """Return how high each bar is, 0…1 of the best; 0 where none of its subs is stacked."""
    best = max((each.weight for each in bins), default=0.0) or 1.0
    return [max(LEAST_HEIGHT, each.weight / best) if each.weight else 0.0 for each in bins]


def runs(bins: list[Bin]) -> list[tuple[int, int]]:
    """Return first and last place of each run of bins with subs left out for one reason and none stacked between."""
    found: list[tuple[int, int]] = []
    for place, each in enumerate(bins):
        if each.why is None:
            continue
        if found and found[-1][1] == place - 1 and bins[place - 1].why == each.why and not each.weight:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found


def time_of(bins: list[Bin], place: int) -> str:
    """Return when the subs of a bin were exposed; when they were judged only where no sub of the night tells."""
    row = next((row for row in bins[place].rows if row.time), None)
    if row is None and any(row.time for each in bins for row in each.rows):
        return ""
    first = row or bins[place].rows[0]
    return clock(first.time or first.judged)
