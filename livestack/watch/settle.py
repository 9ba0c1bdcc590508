"""When is a file finished? Size and time standing still, as seen by us, is what counts: no event proves an end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from livestack.watch.scan import Stamp


class State(Enum):
    """What a look at a file that is being waited for says."""

    WAIT = "wait"
    FINISHED = "finished"
    TRUNCATED = "truncated"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Track:
    """A file that is being waited for.

    Attributes
    ----------
    stamp : Stamp
        As it was when last looked at.
    since_s : float
        Monotonic time at which this stamp was first seen.
    short : bool
        Asked once already: with this stamp, it is not all there.
    """

    stamp: Stamp
    since_s: float
    short: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """settle_s: so long a file must stand still. patience_s: so long an incomplete or open one is waited for."""

    settle_s: float
    patience_s: float


def observe(track: Track, stamp: Stamp, now_s: float) -> Track:
    """Return the track after one more look; a changed stamp starts it anew."""
    return track if stamp == track.stamp else Track(stamp, now_s)


def judge(
    track: Track,
    now_s: float,
    patience: Patience,
    complete: Callable[[], bool | None],
    being_written: Callable[[], bool],
) -> tuple[Track, State]:
    """Decide whether a file that was just looked at is finished.

    An empty file never is: it is a name for what may come.

    Parameters
    ----------
    track : Track
        Up to date.
    now_s : float
        Monotonic time, s.
    patience : Patience
        The two waits.
    complete : callable
        Whether the declared length is there, None = it declares none. OSError = it cannot be asked now.
    being_written : callable
        Whether a writer still has it open.

    Returns
    -------
    Track
        To go on with.
    State
        TRUNCATED, EMPTY: it stood still for `patience_s` and is not all there, or there is nothing at all.
    """
    still_s = now_s - track.since_s
    patient = still_s < max(patience.patience_s, patience.settle_s)
    if track.stamp.size == 0:
        return track, State.WAIT if patient else State.EMPTY
    if still_s < patience.settle_s:
        return track, State.WAIT
    if patient and (track.short or being_written()):
        return track, State.WAIT
    try:
        short = complete() is False
    except OSError:
        return track, State.WAIT if patient else State.TRUNCATED
    if not short:
        return track, State.FINISHED
    return (dataclasses.replace(track, short=True), State.WAIT) if patient else (track, State.TRUNCATED)
