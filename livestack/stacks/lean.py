"""What a stack keeps of each of its subs: thousands of them must not fill the memory of a night."""

from __future__ import annotations

import dataclasses
import marshal
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from livestack.events import SubAccepted

T = TypeVar("T")

_NOTHING: Mapping[str, Any] = {}
_TURNED: dict[bool, Mapping[str, Any]] = {turned: {"meridian_flip": turned} for turned in (False, True)}
_LAST: dict[str, Any] = {}
_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}


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


def lean(sub: SubAccepted) -> SubAccepted:
    """Return a journaled sub as its stack keeps it, in a quarter of the room: all that folding it again asks for.

    What it took, and how it was registered but for the flip, only the journal knows.
    """
    if isinstance(sub.matrix, PackedList):
        return sub
    return dataclasses.replace(
        sub,
        stack=sys.intern(sub.stack),
        target=sub.target and sys.intern(sub.target),
        filter=sub.filter and sys.intern(sub.filter),
        path=sys.intern(sub.path),
        size=alike("size", sub.size),
        exposure_s=alike("exposure_s", sub.exposure_s),
        arrival=sub.no if sub.arrival == sub.no else sub.arrival,
        matrix=packed(sub.matrix),
        quality=PackedDict(sub.quality),
        registration=_TURNED[bool(sub.registration.get("meridian_flip"))],
        offset=PackedList(sub.offset),
        seconds=_NOTHING,
        gear=packed_gear(sub.gear),
    )


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
