"""Everything that can happen in a session, as small frozen facts.

An event is JSON all the way down: numbers, strings, lists, dicts, None; never pixels. ``to_dict`` and ``from_dict``
are inverses. Fields may be added with a default; a change of meaning raises `VERSION`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = 1
_ALIKE = ("stack", "target", "filter", "reason")
"""Words that thousands of events share."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class SessionStarted(Event):
    """The engine started on a session: for the first time, or again (``resumed``)."""

    folder: str
    livestack: str
    settings: Json
    resumed: bool
    pid: int
    host: str


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """Settings valid from the next sub on."""

    settings: Json
    changed: list[str]


@dataclass(frozen=True, slots=True)
class StackFounded(Event):
    """A sub founded a stack: its grid, sky and photometric scale are the stack's."""

    stack: str
    target: str | None
    filter: str | None
    camera: str | None
    size: list[int]
    cfa: str | None
    no: int
    path: str
    sha256: str
    replaces: str | None = None
    reject: str = "deferred"
    drizzle: bool = False
    channels: int = 1
    sky_adu: list[float] = field(default_factory=list)
    header: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MastersBuilt(Event):
    """A master was built from raw calibration frames."""

    kind: str
    n_frames: int
    sources: list[str]
    sha256: str
    noise_adu: float | None = None


@dataclass(frozen=True, slots=True)
class MastersMatched(Event):
    """Which calibration a stack uses for good. Each of bias, dark, flat: list of source files, or empty.

    ``darkflat`` is what is taken off the flat where that is not the bias; ``dark_scale`` what the dark current is
    multiplied by where its exposure is another one. ``fits`` says how near each is, ``figures`` what it did to the
    founding sub.
    """

    stack: str
    bias: list[str]
    dark: list[str]
    flat: list[str]
    missing: list[str]
    notes: list[str]
    id: str = ""
    darkflat: list[str] = field(default_factory=list)
    dark_scale: float | None = None
    fits: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReferenceChosen(Event):
    """The sub whose stars the next ones are registered on."""

    stack: str
    no: int
    path: str
    n_stars: int


@dataclass(frozen=True, slots=True)
class Looked(Event):
    """A look: subs 1..n were read again and judged. ``rejected_fraction`` is per sub number.

    ``defects``: hot and cold px that the masters do not know. ``noise``: that of one px of the first two subs, and what
    of it differs between them; also ``raw_``, before calibration.
    """

    stack: str
    n_subs: int
    final: bool
    knowledge: str
    rejected_fraction: dict[str, float]
    seconds: float
    defects: int = 0
    noise: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubAccepted(Event):
    """A sub is in the stack. ``distrusted``: too much of it stood out to be believed, so only single px were judged.

    ``gear``: what its header says of the camera's cooling and of the mount, as `livestack.read.gear.gear_of`.
    """

    no: int
    stack: str
    path: str
    sha256: str
    size: int
    mtime_ns: int
    time_utc: str | None
    exposure_s: float | None
    target: str | None
    filter: str | None
    matrix: Sequence[Sequence[float]]
    quality: Mapping[str, Any]
    registration: Mapping[str, Any]
    weight: float
    scale: float
    offset: Sequence[float]
    rejected_fraction: float
    seconds: Mapping[str, Any]
    arrival: int = 0
    distrusted: bool = False
    air_c: float | None = None
    gear: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubRejected(Event):
    """A sub was left out: why, and what to do."""

    no: int
    stack: str | None
    path: str
    sha256: str | None
    size: int
    mtime_ns: int
    time_utc: str | None
    exposure_s: float | None
    target: str | None
    filter: str | None
    reason: str
    sentence: str
    quality: Json | None
    arrival: int = 0
    air_c: float | None = None
    gear: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubDropped(Event):
    """The user took a sub out."""

    no: int
    stack: str
    path: str


@dataclass(frozen=True, slots=True)
class SubRestored(Event):
    """The user put a sub back."""

    no: int
    stack: str
    path: str


@dataclass(frozen=True, slots=True)
class StackRestacked(Event):
    """A stack was folded again from its subs."""

    stack: str
    n_subs: int
    why: str


@dataclass(frozen=True, slots=True)
class TrailFound(Event):
    """A satellite, aircraft or meteor crossed a sub. End points in grid px.

    ``brightness`` is in σ of a px of the guide, which is four of the sub's, however bright.

    ``position_angle_deg`` is its direction on the sky, 0–180 from north through east, where the founding sub says how
    it lies there. A later word on the sub, or a look that judges it again, replaces all that was told of it before.
    """

    stack: str
    no: int
    path: str
    x0: float
    y0: float
    x1: float
    y1: float
    width_px: float
    brightness: float
    time_utc: str | None = None
    position_angle_deg: float | None = None


@dataclass(frozen=True, slots=True)
class StackSaved(Event):
    """The stack file was written."""

    stack: str
    file: str
    n_subs: int


@dataclass(frozen=True, slots=True)
class MeridianFlip(Event):
    """The camera turned by about 180° between two subs of a stack."""

    stack: str
    no: int
    rotation_deg: float


@dataclass(frozen=True, slots=True)
class Held(Event):
    """Stacking is held; subs wait in line."""

    by: str


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """Stacking goes on."""

    by: str


@dataclass(frozen=True, slots=True)
class SourceSilent(Event):
    """No new sub came for much longer than usual, or the folder does not exist yet."""

    seconds: float
    sentence: str


@dataclass(frozen=True, slots=True)
class SourceLost(Event):
    """The capture folder went away, or the disk failed."""

    folder: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SourceBack(Event):
    """The capture folder is there again."""

    folder: str


@dataclass(frozen=True, slots=True)
class AlertRaised(Event):
    """Something needs a look."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class AlertCleared(Event):
    """It is over."""

    rule: str


@dataclass(frozen=True, slots=True)
class SessionStopped(Event):
    """The engine stopped; the session can be resumed."""

    exit_code: int
    sentence: str
    n_stacked: int
    n_left_out: int


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        SessionStarted,
        SettingsChanged,
        StackFounded,
        MastersBuilt,
        MastersMatched,
        ReferenceChosen,
        Looked,
        SubAccepted,
        SubRejected,
        SubDropped,
        SubRestored,
        StackRestacked,
        TrailFound,
        StackSaved,
        MeridianFlip,
        Held,
        Resumed,
        SourceSilent,
        SourceLost,
        SourceBack,
        AlertRaised,
        AlertCleared,
        SessionStopped,
    )
}
"""Event classes by name."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the journal."""

    seq: int
    time_utc: str
    event: Event

    @property
    def kind(self) -> str:
        """Name of the event's class."""
        return type(self.event).__name__


@dataclass(frozen=True, slots=True)
class Request:
    """What a screen asks of the session: drop, restore, hold, go, save, setting, caption, crop."""

    id: int
    time_utc: str
    kind: str
    body: Json = field(default_factory=dict)


def to_dict(event: Event) -> Json:
    """Return the event's fields as JSON values, the event's own; ``v`` is the version."""
    return {"v": VERSION, **{f.name: getattr(event, f.name) for f in dataclasses.fields(event)}}


def from_dict(kind: str, body: Json) -> Event:
    """Rebuild an event; fields of a newer minor version that are not known here are left out.

    Raises
    ------
    KeyError
        Unknown kind.
    """
    event_class = KINDS[kind]
    known = {f.name for f in dataclasses.fields(event_class)}
    said = {name: value for name, value in body.items() if name in known}
    alike = {name: sys.intern(word) for name in _ALIKE if isinstance(word := said.get(name), str)}
    return event_class(**said | alike)
