"""What rules look at, what they find, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from livestack.show.advice import Trend, trends
from livestack.show.figures import Figure
from livestack.show.state import NightState

_RECENT_STACKS = 12  # subs whose stacks are looked at


@dataclass(frozen=True, slots=True)
class Disk:
    """How much room a disk had, from time to time.

    Attributes
    ----------
    holds : str
        What lies on it: captures, the session.
    rooms : tuple of (datetime, int)
        When, and how many bytes were free; oldest first.
    """

    holds: str
    rooms: tuple[tuple[datetime, int], ...]


class Trends:
    """How the last subs changed for the worse, of every stack that they went into; reckoned once for each share."""

    def __init__(self, state: NightState) -> None:
        self.subs = state.subs
        self._state = state
        self._found: dict[float, list[Trend]] = {}

    def at(self, share: float) -> list[Trend]:
        """Return the trends from a share of the way to the limits on; see `advice.trends`."""
        if share not in self._found:
            stacks = dict.fromkeys(row.stack for row in reversed(self.subs[-_RECENT_STACKS:]))
            self._found[share] = [trend for stack in stacks for trend in trends(self._state, stack, share)]
        return self._found[share]


@dataclass(frozen=True, slots=True)
class Scene:
    """A session at a moment.

    Attributes
    ----------
    now : datetime
        Timezone-aware.
    alive : bool
        Whether the engine still runs, as far as that can be known.
    last_word : datetime, optional
        When the engine wrote its last event.
    """

    state: NightState
    now: datetime
    trends: Trends
    alive: bool = True
    last_word: datetime | None = None
    disks: tuple[Disk, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: what, the number, what to do, in at most two sentences; since when; which figure shows it."""

    sentence: str
    since: datetime
    figure: Figure | None = None


Look = Callable[[Scene, bool], Finding | None]
"""(scene, whether the alert stands already: then a lower limit holds) → what is found."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long it may take from when something is so until it is told, and from when it is over: the sum of both.

    Attributes
    ----------
    seconds : float
    subs : float
        Times the usual time between subs.
    """

    seconds: float = 0.0
    subs: float = 0.0

    def at(self, cadence_s: float) -> float:
        """Return it in s, where subs come so often."""
        return self.seconds + self.subs * cadence_s


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that is watched over.

    Attributes
    ----------
    name : str
        As in the journal.
    title : str
        As a message is headed.
    delay : Delay
        How long it may take until it is told; a trend begins when its truth is beyond the limit.
    look : callable
        A pure function.
    urgent : bool
        The night stands still until somebody comes: told in quiet hours too.
    written : bool
        It goes into the journal as an alert; otherwise the journal has it already, in another way.
    passing : bool
        It happened and is not to be over: told once.
    sent : bool
        It goes to where somebody is; otherwise it is shown, and kept, for who looks.
    """

    name: str
    title: str
    delay: Delay
    look: Look
    urgent: bool = False
    written: bool = True
    passing: bool = False
    sent: bool = True
