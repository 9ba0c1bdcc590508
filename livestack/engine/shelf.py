"""The cache of a session, where other processes find its newest pictures; written by a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import time
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from livestack import reused
from livestack.frame import Array, Picture
from livestack.picture import draft_array, facts_of, publish_draft, write_picture

log = logging.getLogger("livestack")

_NOTHING = np.zeros((0, 0), np.float32)

SELDOM_S = 2.0
"""Between two of a picture that is behind another one on every screen: while subs follow one another, not each of them
is written."""


@dataclass(slots=True)
class Shelf:
    """Puts the newest picture of each name into a folder; for one thread.

    Parameters
    ----------
    folder : Path
    """

    folder: Path
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "show"))
    _newest: dict[str, Picture] = field(default_factory=dict)
    _writing: Future[None] | None = None
    _put_at: dict[str, float] = field(default_factory=dict)
    _waiting: dict[str, tuple[Picture, weakref.ref[Array], tuple[int, ...]]] = field(default_factory=dict)
    _drafted: dict[str, weakref.ref[Array]] = field(default_factory=dict)

    def draft(self, name: str, data: Array) -> None:
        """Begin to write the data of a picture that is about to be put; nobody sees them before it is."""
        self.thread.submit(self._write_draft, name, data)

    def put(self, name: str, picture: Picture) -> None:
        """Write a picture; of several that come before they are written only the newest."""
        if self._writing is not None and self._writing.done():
            self._writing.result()  # what went wrong there is heard here
        self._put_at[name] = time.monotonic()
        self._newest[name] = picture
        self._writing = self.thread.submit(self._write_newest, name)

    def put_seldom(self, name: str, picture: Picture, light: Array) -> None:
        """Have a picture written every now and then: at once, or by `put_waiting`, if it is still the newest then.

        Parameters
        ----------
        light : ndarray
            Whose view the picture's data are: where nobody else holds it any more there is another picture.
        """
        if time.monotonic() - self._put_at.get(name, -SELDOM_S) >= SELDOM_S:
            self._waiting.pop(name, None)
            self.put(name, picture)
        else:
            self._waiting[name] = replace(picture, data=_NOTHING), weakref.ref(light), picture.data.shape

    def put_waiting(self, *, rest_s: float = SELDOM_S) -> None:
        """Write what has waited for long enough since the one before."""
        now = time.monotonic()
        for name in [name for name in self._waiting if now - self._put_at[name] >= rest_s]:
            picture, held, shape = self._waiting.pop(name)
            light = held()
            if light is not None:
                self.put(name, replace(picture, data=light.reshape(shape)))

    def wait(self) -> None:
        """Return when all that was put is written."""
        self.put_waiting(rest_s=0.0)
        self.thread.submit(lambda: None).result()

    def close(self) -> None:
        """Finish writing."""
        self.put_waiting(rest_s=0.0)
        self.thread.shutdown(wait=True)
        for name in {*self._put_at, *self._drafted}:
            reused.drop(self.folder / name)

    def _write_newest(self, name: str) -> None:
        """Write the newest picture of a name, if no turn before wrote it."""
        picture = self._newest.pop(name, None)
        if picture is None:
            return
        drafted = self._drafted.pop(name, None)
        try:
            if drafted is not None and drafted() is picture.data:
                publish_draft(self.folder / name, facts_of(picture), again=True)
            else:
                write_picture(self.folder / name, picture, again=True)
        except OSError as error:
            # the next one may fit again; the stack is what matters, and that is told
            log.warning("%s could not be written: %s", name, error.strerror)

    def _write_draft(self, name: str, data: Array) -> None:
        self._drafted.pop(name, None)
        with contextlib.suppress(OSError):  # told when the whole picture is written
            draft_array(self.folder / name, data, again=True)
            self._drafted[name] = weakref.ref(data)
