"""Subs read again: a file is gone only where its folder is there, and a disk that is away is waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from livestack.errors import FrameError, SourceError
from livestack.events import SubAccepted
from livestack.frame import Frame
from livestack.read import open_frame
from livestack.stacks.prepare import is_there

T = TypeVar("T")


def _give_up(sentence: str) -> None:
    raise SourceError(sentence)


@dataclass(slots=True)
class Captures:
    """Where a session's subs are read from.

    Attributes
    ----------
    why_away : callable
        Says why the place of the subs cannot be read now; empty = it can.
    wait : callable
        Told such a sentence, returns when it is time to try again; SourceError = no more.
    """

    why_away: Callable[[], str] = str
    wait: Callable[[str], None] = _give_up

    def gone(self, subs: Sequence[SubAccepted], *, by_content: bool = False) -> list[SubAccepted]:
        """Return those whose file is gone or holds other bytes.

        Raises
        ------
        SourceError
            Their place is away, and is not waited for any more.
        """
        while gone := [sub for sub in subs if not is_there(sub, by_content=by_content)]:
            if why := self.why_away():
                self.wait(why)
            else:  # it may have come back between the two questions
                return [sub for sub in gone if not is_there(sub, by_content=by_content)]
        return []

    def read(self, sub: SubAccepted) -> Frame:
        """Read the raw frame of a journaled sub again.

        Raises
        ------
        FrameError
            The file is gone or broken.
        SourceError
            Its place is away.
        """
        path = Path(sub.path)
        try:
            return open_frame(path)
        except FrameError as error:
            if why := self.why_away():
                raise SourceError(why) from error
        return open_frame(path)

    def until_read(self, work: Callable[[], T]) -> T:
        """Return what a work that reads subs returns; it is done anew when their place is back."""
        while True:
            try:
                return work()
            except SourceError as error:
                self.wait(str(error))
