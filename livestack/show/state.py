"""The present state of a session as a pure fold over its records: what every screen and the report read."""

from __future__ import annotations

import dataclasses
import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

from livestack.events import (
    AlertCleared,
    AlertRaised,
    Event,
    Held,
    Json,
    Looked,
    MastersBuilt,
    MastersMatched,
    MeridianFlip,
    Record,
    Resumed,
    SessionStarted,
    SessionStopped,
    SourceBack,
    SourceLost,
    SourceSilent,
    StackFounded,
    StackSaved,
    SubAccepted,
    SubDropped,
    SubRejected,
    SubRestored,
    TrailFound,
)
from livestack.journal import Journal
from livestack.show.changing import NOTHING_CHANGES, Changing, changed
from livestack.show.sensor import NOTHING_KNOWN, Sensors, learnt
from livestack.show.sky import Grid, grid_of
from livestack.stacks.lean import alike, packed, packed_gear

_RECENT = 9  # subs that pace and star size are taken from


@dataclass(frozen=True, slots=True)
class SubRow:
    """One sub as the tables show it. accepted: its verdict, which fell at `judged`; dropped: the user took it out."""

    no: int
    path: str
    accepted: bool
    stack: str | None
    judged: datetime
    time: datetime | None = None
    exposure_s: float | None = None
    reason: str | None = None
    sentence: str = ""
    fwhm_px: float | None = None
    n_stars: int | None = None
    eccentricity: float | None = None
    background_adu: float | None = None
    noise_adu: float | None = None
    transparency: float | None = None
    air_c: float | None = None
    weight: float | None = None
    target: str | None = None
    filter: str | None = None
    scale: float = 1.0
    matrix: Sequence[Sequence[float]] = ()
    dropped: bool = False
    gear: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def state(self) -> str:
        """One of accepted (in the stack), rejected and dropped."""
        if not self.accepted:
            return "rejected"
        return "dropped" if self.dropped else "accepted"


@dataclass(frozen=True, slots=True)
class Word:
    """Something that was said and when: a pause, a stop, a folder gone, an alert (``rule``)."""

    time: datetime
    sentence: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class NightState:
    """What is known of a session after the record `seq`.

    Attributes
    ----------
    folder : str
        The capture folder.
    n_found : int
        Subs found so far; those without a verdict wait in line.
    arrival : int
        Place of the last sub judged, in the order found.
    n_stacked, n_left_out, exposure_s, weight_sum
        Of the stack that subs go into now.
    reject : str
        How that stack is judged.
    found : tuple of TrailFound
        As the last judgement of each sub has it, whatever became of the sub.
    sensors : Sensors
        What is known of the noise of the subs of each stack.
    changing : Changing
        What the user took out or put back, while its stack is folded again.
    grids : dict
        How the px of each stack lie on the sky.
    seconds_per_sub, cadence_s : float, optional
        Time that livestack works on a sub, and time between subs; medians over the last few.
    lost, held, silent, stopped, back, resumed : Word, optional
        Set while (or, the last two, when last) it is so.
    """

    seq: int = 0
    folder: str = ""
    pid: int | None = None
    host: str = ""
    stack: str | None = None
    target: str | None = None
    filter: str | None = None
    colour: bool = False
    n_found: int = 0
    arrival: int = 0
    n_stacked: int = 0
    n_left_out: int = 0
    exposure_s: float = 0.0
    weight_sum: float = 0.0
    seconds_per_sub: float | None = None
    cadence_s: float | None = None
    started: datetime | None = None
    saved: Word | None = None
    flip: Word | None = None
    lost: Word | None = None
    held: Word | None = None
    silent: Word | None = None
    back: Word | None = None
    resumed: Word | None = None
    stopped: Word | None = None
    exit_code: int | None = None
    masters: tuple[tuple[str, int], ...] = ()
    masters_missing: tuple[str, ...] | None = None
    alerts: tuple[Word, ...] = ()
    subs: tuple[SubRow, ...] = ()
    reject: str = ""
    found: tuple[TrailFound, ...] = ()
    sensors: Sensors = NOTHING_KNOWN
    changing: Changing = NOTHING_CHANGES
    grids: Mapping[str, Grid] = dataclasses.field(default_factory=dict)
    work_s: tuple[float, ...] = ()

    @property
    def last(self) -> SubRow | None:
        """The sub judged last."""
        return max(self.subs[-_RECENT:], key=lambda row: (row.judged, row.no), default=None)

    @property
    def trails(self) -> tuple[TrailFound, ...]:
        """Trails that were taken out of subs in the present stack, in the order of the subs."""
        rows = ((trail, _find(self.subs, trail.no)) for trail in self.found if trail.stack == self.stack)
        return tuple(trail for trail, row in rows if row is not None and row.state == "accepted")

    @property
    def n_waiting(self) -> int:
        """Subs that were found and have no verdict yet."""
        return max(0, self.n_found - len(self.subs))

    @property
    def fwhm_px(self) -> float | None:
        """Star size now: the median of the last stacked subs."""
        recent = [row.fwhm_px for row in self.subs[-3 * _RECENT :] if row.state == "accepted" and row.fwhm_px]
        return median(recent[-_RECENT:]) if recent else None


def advance(state: NightState, record: Record) -> NightState:
    """Return the state after one more record."""
    time = when(record.time_utc)
    state = _advance(state, record.event, time or datetime.now(UTC))
    sensors, changing = learnt(state.sensors, record.event), changed(state.changing, record.event)
    return dataclasses.replace(state, seq=record.seq, sensors=sensors, changing=changing)


def fold(records: Iterable[Record], state: NightState | None = None) -> NightState:
    """Return the state after many records."""
    state = state or NightState()
    for record in records:
        state = advance(state, record)
    return state


def catch_up(journal: Journal, state: NightState, limit: int = 1000) -> NightState:
    """Return the state after what the journal holds beyond it: at most `limit` records, so a screen stays quick."""
    state = fold(journal.follow(state.seq, limit), state)
    # calibration frames arrive too, and never get a verdict: only what came after the last sub judged can wait
    waiting = int(journal.rows("SELECT count(*) AS n FROM arrival WHERE use = 1 AND no > ?", state.arrival)[0]["n"])
    found = len(state.subs) + waiting
    return state if found == state.n_found else dataclasses.replace(state, n_found=found)


def of_stack(state: NightState, stack: StackFounded) -> NightState:
    """Return the state as it is when subs go into this stack: its name, and its totals."""
    return _totalled(
        dataclasses.replace(
            state,
            stack=stack.stack,
            target=stack.target,
            filter=stack.filter,
            colour=bool(stack.cfa),
            reject=stack.reject,
            grids={**state.grids, stack.stack: grid_of(stack.header)},
        )
    )


def when(time_utc: str | None) -> datetime | None:
    """Parse a journal or header time; None when there is none or it is not a time."""
    try:
        time = datetime.fromisoformat(time_utc or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _advance(state: NightState, event: Event, time: datetime) -> NightState:
    match event:
        case SubAccepted() | SubRejected():
            return _judged(state, event, time)
        case SubDropped(no=no):
            return _marked(state, no, dropped=True)
        case SubRestored(no=no):
            return _marked(state, no, dropped=False)
        case StackFounded():
            return dataclasses.replace(of_stack(state, event), flip=None)
    change = _CHANGES.get(type(event))
    return dataclasses.replace(state, **change(state, event, time)) if change else state


def _started(state: NightState, event: Any, time: datetime) -> Json:
    again = Word(time, f"from sub {len(state.subs) + 1}") if event.resumed and state.subs else None
    return {
        "folder": event.folder,
        "pid": event.pid,
        "host": event.host,
        "started": state.started or time,
        "resumed": again,
        **dict.fromkeys(("stopped", "exit_code", "held", "lost", "silent")),
    }


def _built(state: NightState, event: Any, time: datetime) -> Json:
    others = tuple(known for known in state.masters if known[0] != event.kind)
    return {"masters": (*others, (event.kind, event.n_frames))}


def _matched(state: NightState, event: Any, time: datetime) -> Json:
    built = dict(state.masters)
    used = (("bias", event.bias), ("dark", event.dark), ("flat", event.flat))
    masters = tuple((kind, built.get(kind, len(files))) for kind, files in used if files)
    return {"masters": masters, "masters_missing": tuple(event.missing)}


_CHANGES: dict[type[Event], Callable[[NightState, Any, datetime], Json]] = {
    SessionStarted: _started,
    SessionStopped: lambda _, event, time: {"stopped": Word(time, event.sentence), "exit_code": event.exit_code},
    MastersBuilt: _built,
    MastersMatched: _matched,
    Held: lambda _, event, time: {"held": Word(time, event.by)},
    Resumed: lambda *_: {"held": None},
    SourceSilent: lambda _, event, time: {"silent": Word(time, event.sentence)},
    SourceLost: lambda state, event, time: {"lost": state.lost or Word(time, event.sentence, event.folder)},
    SourceBack: lambda _, event, time: {"lost": None, "silent": None, "back": Word(time, "")},
    MeridianFlip: lambda _, event, time: {"flip": Word(time, "")},
    TrailFound: lambda state, event, _: {"found": tuple(sorted((*state.found, event), key=lambda trail: trail.no))},
    Looked: lambda state, event, _: {"found": _not_of(state.found, {int(no) for no in event.rejected_fraction})},
    StackSaved: lambda _, event, time: {"saved": Word(time, event.file)},
    AlertRaised: lambda state, event, time: {
        "alerts": (*_without(state.alerts, event.rule), Word(time, event.sentence, event.rule))
    },
    AlertCleared: lambda state, event, time: {"alerts": _without(state.alerts, event.rule)},
}
"""What each event changes that is not about a single sub."""


def _without(alerts: tuple[Word, ...], rule: str) -> tuple[Word, ...]:
    return tuple(alert for alert in alerts if alert.rule != rule)


def _not_of(trails: tuple[TrailFound, ...], numbers: set[int]) -> tuple[TrailFound, ...]:
    """Forget the trails of subs that are judged again: what is found this time is told next."""
    return tuple(trail for trail in trails if trail.no not in numbers)


def _judged(state: NightState, event: SubAccepted | SubRejected, time: datetime) -> NightState:
    quality = event.quality or {}
    accepted = isinstance(event, SubAccepted)
    stars = _number(quality, "n_stars")
    before = _find(state.subs, event.no)
    row = SubRow(
        no=event.no,
        path=sys.intern(event.path),
        accepted=accepted,
        stack=event.stack or state.stack,
        judged=time,
        time=when(event.time_utc),
        exposure_s=alike("exposure_s", event.exposure_s),
        reason=None if isinstance(event, SubAccepted) else event.reason,
        sentence="" if isinstance(event, SubAccepted) else event.sentence,
        fwhm_px=_number(quality, "fwhm_px"),
        n_stars=None if stars is None else int(stars),
        eccentricity=_number(quality, "eccentricity"),
        background_adu=_number(quality, "background_adu"),
        noise_adu=_number(quality, "noise_adu"),
        transparency=_number(quality, "transparency"),
        air_c=event.air_c,
        weight=event.weight if isinstance(event, SubAccepted) else None,
        target=event.target,
        filter=event.filter,
        scale=event.scale if isinstance(event, SubAccepted) else 1.0,
        matrix=packed(event.matrix) if isinstance(event, SubAccepted) else (),
        dropped=before is not None and before.dropped,
        gear=packed_gear(event.gear),
    )
    arrival, found = max(state.arrival, event.arrival or event.no), _not_of(state.found, {row.no})
    state = dataclasses.replace(state, arrival=arrival, found=found)
    new_stack = row.stack if accepted else state.stack
    if new_stack != state.stack and isinstance(event, SubAccepted):
        state = dataclasses.replace(state, stack=new_stack, target=event.target, filter=event.filter)
        state = _totalled(_placed(state, row))
    else:
        state = _counted(_placed(state, row), before, row)
    if isinstance(event, SubAccepted) and before is None:
        work = (*state.work_s, sum(value for value in event.seconds.values() if isinstance(value, int | float)))
        state = dataclasses.replace(state, work_s=work[-_RECENT:], seconds_per_sub=median(work[-_RECENT:]))
    return dataclasses.replace(state, silent=None, cadence_s=_cadence(state.subs))


def _marked(state: NightState, no: int, *, dropped: bool) -> NightState:
    before = _find(state.subs, no)
    if before is None:
        return state
    after = dataclasses.replace(before, dropped=dropped)
    return _counted(_placed(state, after), before, after)


def _find(subs: tuple[SubRow, ...], no: int) -> SubRow | None:
    place = bisect_left(subs, no, key=lambda row: row.no)
    return subs[place] if place < len(subs) and subs[place].no == no else None


def _placed(state: NightState, row: SubRow) -> NightState:
    place = bisect_left(state.subs, row.no, key=lambda other: other.no)
    after = place + (place < len(state.subs) and state.subs[place].no == row.no)
    return dataclasses.replace(state, subs=(*state.subs[:place], row, *state.subs[after:]))


def _counted(state: NightState, before: SubRow | None, after: SubRow) -> NightState:
    """Replace one sub's share in the totals of the present stack."""
    totals = [state.n_stacked, state.n_left_out, state.exposure_s, state.weight_sum]
    for row, sign in ((before, -1), (after, 1)):
        if row is None or row.stack != state.stack:
            continue
        stacked = row.state == "accepted"
        share = (1, 0, row.exposure_s or 0.0, row.weight or 0.0) if stacked else (0, 1, 0.0, 0.0)
        totals = [total + sign * part for total, part in zip(totals, share, strict=True)]
    return dataclasses.replace(
        state, n_stacked=int(totals[0]), n_left_out=int(totals[1]), exposure_s=totals[2], weight_sum=totals[3]
    )


def _totalled(state: NightState) -> NightState:
    """Count the totals of the present stack anew."""
    state = dataclasses.replace(state, n_stacked=0, n_left_out=0, exposure_s=0.0, weight_sum=0.0)
    for row in state.subs:
        if row.stack == state.stack:
            state = _counted(state, None, row)
    return state


def _cadence(subs: tuple[SubRow, ...]) -> float | None:
    times = [row.time or row.judged for row in subs[-_RECENT:]]
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    steps = [step for step in steps if step > 0.0]
    return median(steps) if steps else None


def _number(quality: Mapping[str, Any], name: str) -> float | None:
    value = quality.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
