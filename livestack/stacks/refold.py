"""Folding journaled subs again, with the figures they have: the same bits each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from livestack.events import SubAccepted
from livestack.frame import Frame
from livestack.read import open_frame
from livestack.stacks.growth import Growth, Look, ReadSub
from livestack.stacks.prepare import check_masters_fit


def read_sub(sub: SubAccepted) -> Frame:
    """Read the raw frame of a journaled sub again."""
    return open_frame(Path(sub.path))


def fold_again(growth: Growth, sub: SubAccepted, looks: list[Look], read: ReadSub = read_sub) -> None:
    """Fold one journaled sub, and look if it is time.

    Raises
    ------
    FrameError, SourceError
        A file cannot be read: the sub's, and nothing was changed; or at a look, and nothing is left of the growth.
    """
    frame = read(sub)
    check_masters_fit(frame, growth.founding.masters)
    growth.add(sub, frame)
    if growth.look_is_due():
        looks.append(growth.look(read))


def refold(growth: Growth, subs: Sequence[SubAccepted], read: ReadSub = read_sub) -> tuple[Growth, list[Look]]:
    """Fold subs into a fresh growth; returns it and the looks on the way."""
    fresh = growth.fresh()
    looks: list[Look] = []
    for sub in subs:
        fold_again(fresh, sub, looks, read)
    return fresh, looks
