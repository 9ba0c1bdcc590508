"""How the picture grew, in a row of small pictures: the stack with one sub, and with more and more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from livestack.counted import count
from livestack.develop.chain import PRESETS
from livestack.develop.live import steady, whole
from livestack.engine.buildup import Step, read_step, steps
from livestack.frame import Picture
from livestack.show.rendition import developed, jpeg

MOST, FEWEST = 8, 3
"""Pictures of a strip, and of one that is worth it."""
LONGEST_PX = 240
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the strip: of how many subs, and its JPEG."""

    words: str
    data: bytes


def strip_of(session: Path, stack: str, preset: str) -> tuple[Frame, ...]:
    """Return pictures of a stack as it grew, all with the stretch of the last; none where hardly any were kept."""
    seen = [picture for step in chosen(steps(session, stack)) if (picture := read_step(step)) is not None]
    if len(seen) < FEWEST:
        return ()
    settled = steady(None, seen[-1], whole(PRESETS[preset]))
    # grain is taken away as from the last: what is left of it is what more subs took
    shown = [replace(picture, noise_adu=seen[-1].noise_adu) for picture in seen]
    return tuple(Frame(_words(picture), jpeg(developed(picture, settled, LONGEST_PX), _QUALITY)) for picture in shown)


def chosen(kept: Sequence[Step]) -> list[Step]:
    """Return the first step, the last, and those between that lie evenly in the ratio of their subs."""
    if not kept:
        return []
    last = kept[-1].n_subs
    wanted = (last ** (k / (MOST - 1)) for k in range(MOST))
    near = {min(kept, key=lambda step, n=n: abs(step.n_subs - n)) for n in wanted}  # type: ignore[misc]
    return sorted(near, key=lambda step: step.n_subs)


def _words(picture: Picture) -> str:
    return count(picture.n_subs, "sub")
