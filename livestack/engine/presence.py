"""Whether the source is there: what is told of its coming and going, and waiting for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from livestack.errors import SourceError
from livestack.events import Event, SourceBack, SourceLost
from livestack.retries import READ_S
from livestack.watch import SourceChange

PATIENT_S = 10.0
"""So long it is waited for at least, where there is an end to waiting."""
FOLDER, SUBS = "folder", "subs"
"""Who finds it away: who watches the folder, and who reads subs."""


class Presence:
    """Tells once that the source went away, whoever found out, and once that it is back. For the integrating thread.

    Parameters
    ----------
    folder : str
        The capture folder, or words for a list of files.
    idle_s : float, optional
        An end to waiting; None = there is none.
    stop : Event
        Ends it, too.
    tell : callable
        Hears the events.

    Attributes
    ----------
    gave_up : bool
        Whether the source is not waited for any more.
    """

    def __init__(
        self, folder: str, idle_s: float | None, stop: threading.Event, tell: Callable[[Event], object]
    ) -> None:
        self._folder = folder
        self._idle_s = idle_s
        self._stop = stop
        self._tell = tell
        self._missed_by: set[str] = set()
        self._since_s = 0.0
        self.gave_up = False

    @property
    def is_away(self) -> bool:
        """Whether anybody misses it."""
        return bool(self._missed_by)

    def hear(self, change: SourceChange, who: str = FOLDER) -> None:
        """Take in that somebody found it away, or there."""
        was_away = self.is_away
        (self._missed_by.add if change.lost else self._missed_by.discard)(who)
        if self.is_away and not was_away:
            self._since_s = time.monotonic()
            self._tell(SourceLost(self._folder, f"{change.sentence} Waiting for it."))
        elif was_away and not self.is_away:
            self._tell(SourceBack(self._folder))

    def wait(self, sentence: str) -> None:
        """Say that subs cannot be read now, and wait a little.

        Raises
        ------
        SourceError
            It is not waited for any more.
        """
        self.hear(SourceChange(True, sentence), SUBS)
        away_s = time.monotonic() - self._since_s
        self.gave_up = self._idle_s is not None and away_s >= max(self._idle_s, PATIENT_S)
        if self.gave_up:
            raise SourceError(f"{sentence} It did not come back.")
        if self._stop.wait(READ_S):
            raise SourceError(sentence)

    def is_read(self) -> None:
        """Take in that a sub could be read."""
        self.hear(SourceChange(False, ""), SUBS)

    def look(self, why_away: Callable[[], str], *, tried: bool) -> None:
        """Look whether subs can be read again, unless one is tried anyway."""
        if SUBS in self._missed_by and not tried and not why_away():
            self.is_read()
