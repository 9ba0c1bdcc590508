"""What is kept of each sub: thousands of them must not fill the memory of a night."""

from __future__ import annotations

import hashlib
import marshal
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, overload

from livestack.events import SubAccepted

T = TypeVar("T")

_NOTHING: Mapping[str, Any] = {}
_FORMAT = 2
"""Of `marshal`: the last in which equal values are equal bytes."""
_LAST: dict[str, Any] = {}
_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}


class _Alike(NamedTuple):
    """What most subs of a stack have in common."""

    stack: str
    target: str | None
    filter: str | None
    size: int
    exposure_s: float | None
    distrusted: bool
    turned: bool
    quality: tuple[str, ...]
    gear: tuple[str, ...]


class Subs(Sequence[SubAccepted]):
    """The subs of a stack, in order: a list of their events, each kept in a fifth of the room.

    What folding a sub again asks for is there, figures to the last bit; what it took, and how it was registered but for
    the flip, only the journal knows. A slice shares what is kept.

    Attributes
    ----------
    numbers : array of int
        Of each sub.
    """

    __slots__ = ("_alike", "_figures", "_paths", "_sha256", "numbers")

    def __init__(self, subs: Iterable[SubAccepted] = ()) -> None:
        self.numbers = array("q")
        self._paths: list[str] = []  # these and the digests are the session's own
        self._sha256: list[str] = []
        self._alike: list[_Alike] = []
        self._figures: list[bytes] = []
        for sub in subs:
            self.append(sub)

    def append(self, sub: SubAccepted) -> None:
        """Keep one more."""
        figures = (
            sub.mtime_ns,
            sub.time_utc,
            sub.arrival,
            _plain(sub.air_c),
            _plain(sub.weight),
            _plain(sub.scale),
            _plain(sub.rejected_fraction),
            [_plain_list(row) for row in sub.matrix],
            _plain_list(sub.offset),
            _plain_list(sub.quality.values()),
            _plain_list(sub.gear.values()),
        )
        alike = _Alike(
            sub.stack,
            sub.target,
            sub.filter,
            sub.size,
            sub.exposure_s,
            bool(sub.distrusted),
            bool(sub.registration.get("meridian_flip")),
            tuple(sub.quality),
            tuple(sub.gear),
        )
        self.numbers.append(sub.no)
        self._paths.append(sys.intern(sub.path))
        self._sha256.append(sub.sha256)
        self._alike.append(self._alike[-1] if self._alike[-1:] == [alike] else alike)
        self._figures.append(marshal.dumps(figures, _FORMAT))

    def replace_last(self, sub: SubAccepted) -> None:
        """Keep another word on the last one."""
        for column in (self.numbers, self._paths, self._sha256, self._alike, self._figures):
            column.pop()
        self.append(sub)

    @overload
    def __getitem__(self, place: int) -> SubAccepted: ...
    @overload
    def __getitem__(self, place: slice) -> Subs: ...
    def __getitem__(self, place: int | slice) -> SubAccepted | Subs:
        if not isinstance(place, slice):
            return self._sub(place)
        some = Subs()
        for name in Subs.__slots__:
            setattr(some, name, getattr(self, name)[place])
        return some

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Subs):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Subs.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, more: Subs) -> Subs:
        both = Subs()
        for name in Subs.__slots__:
            setattr(both, name, getattr(self, name) + getattr(more, name))
        return both

    @property
    def digest(self) -> str:
        """SHA-256 of the numbers and digests of all, in their order."""
        digest = hashlib.sha256()
        for no, sha256 in zip(self.numbers, self._sha256, strict=True):
            digest.update(f"{no} {sha256}\n".encode())
        return digest.hexdigest()

    def _sub(self, place: int) -> SubAccepted:
        alike = self._alike[place]
        mtime_ns, time_utc, arrival, air_c, weight, scale, fraction, matrix, offset, quality, gear = marshal.loads(
            self._figures[place]
        )
        return SubAccepted(
            no=self.numbers[place],
            stack=alike.stack,
            path=self._paths[place],
            sha256=self._sha256[place],
            size=alike.size,
            mtime_ns=mtime_ns,
            time_utc=time_utc,
            exposure_s=alike.exposure_s,
            target=alike.target,
            filter=alike.filter,
            matrix=matrix,
            quality=dict(zip(alike.quality, quality, strict=True)),
            registration={"meridian_flip": alike.turned},
            weight=weight,
            scale=scale,
            offset=offset,
            rejected_fraction=fraction,
            seconds=_NOTHING,
            arrival=arrival,
            distrusted=alike.distrusted,
            air_c=air_c,
            gear=dict(zip(alike.gear, gear, strict=True)),
        )


def _plain(value: Any) -> Any:
    """Return NumPy's float64, which is a float and which `marshal` takes for bytes, as a float."""
    return float(value) if isinstance(value, float) else value


def _plain_list(values: Iterable[Any]) -> list[Any]:
    return [_plain(value) for value in values]


class PackedList(Sequence[Any]):
    """A list of numbers, or of such lists, as bytes: reads, compares and prints as the list does."""

    __slots__ = ("_bytes",)

    def __init__(self, values: Sequence[Any]) -> None:
        self._bytes = marshal.dumps(list(values))

    def _unpacked(self) -> list[Any]:
        values: list[Any] = marshal.loads(self._bytes)
        return values

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return self._unpacked()[place]

    def __len__(self) -> int:
        return len(self._unpacked())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._unpacked())

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, PackedList) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._unpacked())


class PackedDict(Mapping[str, Any]):
    """Named numbers as bytes; the names are kept once for all."""

    __slots__ = ("_bytes", "_names")

    def __init__(self, values: Mapping[str, Any]) -> None:
        names = tuple(values)
        self._names = _NAMES.setdefault(names, names)
        self._bytes = marshal.dumps(tuple(values.values()))

    def __getitem__(self, name: str) -> Any:
        try:
            return marshal.loads(self._bytes)[self._names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


def packed_gear(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a header says of the gear, packed."""
    return alike("gear", PackedDict(said)) if said else _NOTHING


def packed(matrix: Sequence[Sequence[float]]) -> PackedList:
    """Return a matrix, packed."""
    return PackedList([list(row) for row in matrix])


def alike(kind: str, value: T) -> T:
    """Return what is equal to the last value of its kind as that: most subs of a night are of one length and size."""
    before: T | None = _LAST.get(kind)
    if type(before) is type(value) and before == value:
        return value if before is None else before
    _LAST[kind] = value
    return value
