"""What is new in a session is read beside the window, which waits for no disk: its journal, and pictures in files."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from livestack.journal import Journal
from livestack.priority import give_way
from livestack.show.source import Source
from livestack.show.state import NightState, catch_up
from livestack.show.threads import Threads
from livestack.show.views import COVERAGE, NOISE, Pictures, is_map

_RECORDS = 500
"""So many are taken in at a time: who comes to a long night sees it grow."""


class Following:
    """Catches up with a journal when it is asked, and tells of it together with pictures that are no newer."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._reader = Threads(1, "follow", give_way)
        self._asked: tuple[Future[NightState], Pictures] | None = None

    def ask(self, state: NightState, pictures: Pictures) -> None:
        """Go on from a state, unless that is being done; the pictures are the newest by now."""
        if self._asked is None and not self._reader.are_closed:
            self._asked = self._reader.submit(catch_up, self._journal, state, _RECORDS), pictures

    def news(self) -> tuple[NightState, Pictures] | None:
        """Return what was asked for; None as long as it is not there.

        Raises
        ------
        sqlite3.Error
            The journal cannot be read.
        """
        if self._asked is None or not self._asked[0].done():
            return None
        (read, pictures), self._asked = self._asked, None
        return read.result(), pictures

    def at_once(self, state: NightState) -> NightState:
        """Return the state after what is there now; waits for it, and raises as `news`."""
        self._asked = None  # it was to go on from a state that is past then
        return catch_up(self._journal, state, _RECORDS)

    def close(self) -> None:
        """Read nothing more."""
        self._asked = None
        self._reader.close()


class Reading:
    """Looks for new pictures each time it is asked; what comes of reading a file is told the next time.

    The first time it is waited for: nothing is on screen by then.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reader = Threads(1, "read", give_way) if source.is_on_disk else None
        self._known: tuple[str, Pictures] | None = None
        self._asked: tuple[str, Future[Pictures]] | None = None

    def newest(self, view: str) -> Pictures:
        """Return the newest pictures that are known by now, and the map of a view that is one."""
        if self._reader is None or self._known is None:
            self._known = view, _newest(self._source, view)
            return self._known[1]
        if self._asked is not None and self._asked[1].done():
            self._known, self._asked = (self._asked[0], self._asked[1].result()), None
        if self._asked is None and not self._reader.are_closed:
            self._asked = view, self._reader.submit(_newest, self._source, view)
        of, pictures = self._known
        return pictures if of == view else replace(pictures, map=None)

    def close(self) -> None:
        """Read nothing more."""
        self._asked = None
        if self._reader is not None:
            self._reader.close()


def _newest(source: Source, view: str) -> Pictures:
    found = {NOISE: source.noise, COVERAGE: source.coverage}[view]() if is_map(view) else None
    return Pictures(source.picture(), source.last(), source.removed(), found)
