"""What an engine is to do, and where its files come from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from livestack.frame import Identity
from livestack.watch import Arrival, SourceChange

Batches = Iterable[list[Arrival] | SourceChange]
"""Files as they are found, and a folder that goes or comes back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine is to do.

    Attributes
    ----------
    folder : str
        The capture folder, or words for a list of files.
    batches : callable
        (identities known already, stop) → the files as they are found; runs in a thread of its own.
    skip : callable
        Whether a found file is only listed, not used.
    idle_s : float, optional
        Finish when nothing new came for so long; 0 = when the batches end; None = never.
    judges_again : bool
        Whether at its end every sub is judged against the final stack, though the session's settings do not ask for it.
    why_away : callable
        (files known already) → why the place of the files cannot be read now; empty = it can.
    """

    folder: str
    batches: Callable[[list[Identity], threading.Event], Batches]
    skip: Callable[[Identity], bool] = lambda _: False
    idle_s: float | None = None
    judges_again: bool = False
    why_away: Callable[[Callable[[], list[Path]]], str] = lambda _: ""
