"""The newest pictures of a session: those in files are read beside the window, which waits for no disk."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from livestack.priority import give_way
from livestack.show.source import Source
from livestack.show.views import COVERAGE, NOISE, Pictures, is_map


class Reading:
    """Looks for new pictures each time it is asked; what comes of reading a file is told the next time.

    The first time it is waited for: nothing is on screen by then.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reader = ThreadPoolExecutor(1, "read", give_way) if source.is_on_disk else None
        self._known: tuple[str, Pictures] | None = None
        self._asked: tuple[str, Future[Pictures]] | None = None

    def newest(self, view: str) -> Pictures:
        """Return the newest pictures that are known by now, and the map of a view that is one."""
        if self._reader is None or self._known is None:
            self._known = view, _newest(self._source, view)
            return self._known[1]
        if self._asked is not None and self._asked[1].done():
            self._known, self._asked = (self._asked[0], self._asked[1].result()), None
        if self._asked is None:
            self._asked = view, self._reader.submit(_newest, self._source, view)
        of, pictures = self._known
        return pictures if of == view else replace(pictures, map=None)

    def close(self) -> None:
        """Read nothing more."""
        if self._reader is not None:
            self._reader.shutdown(wait=False, cancel_futures=True)


def _newest(source: Source, view: str) -> Pictures:
    found = {NOISE: source.noise, COVERAGE: source.coverage}[view]() if is_map(view) else None
    return Pictures(source.picture(), source.last(), source.removed(), found)
