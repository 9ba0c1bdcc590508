"""Which objects are where: OpenNGC (CC BY-SA 4.0), with the objects of Messier, as pyongc brings it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from pyongc import ongc

_WIDEST_ARCMIN = 600.0  # that pyongc searches
_NAME = re.compile(r"(M|NGC|IC)[ _-]*0*([1-9]\d{0,3})(?!\d)", re.IGNORECASE)
_NOT_SHOWN = ("Nonexistent object", "Duplicated record", "Star", "Double star", "Other classification")


@dataclass(frozen=True, slots=True)
class Dso:
    """An object of the deep sky.

    Attributes
    ----------
    name : str
        M 27, NGC 6853, IC 1396.
    called : str
        Dumbbell Nebula; empty where it has no such name.
    kind : str
        As the catalogue has it: Planetary Nebula.
    ra_deg, dec_deg : float
        J2000.
    size_arcmin : float, optional
        Along the longer axis.
    magnitude : float, optional
        Visual, else blue.
    """

    name: str
    called: str
    kind: str
    ra_deg: float
    dec_deg: float
    size_arcmin: float | None = None
    magnitude: float | None = None

    @property
    def prominence(self) -> tuple[bool, bool, float]:
        """What sorts objects by how much one wants to see their names, most wanted first."""
        bright = 99.0 if self.magnitude is None else self.magnitude
        return not self.name.startswith("M "), not self.called, bright - 2.5 * math.log10(self.size_arcmin or 0.3)


def within(ra_deg: float, dec_deg: float, radius_deg: float) -> tuple[Dso, ...]:
    """Return the objects in a circle on the sky, most prominent first; of a wide field those of its inner 10° only."""
    hours, rest = divmod(ra_deg % 360.0 * 240.0, 3600.0)
    degrees, left = divmod(abs(dec_deg) * 3600.0, 3600.0)
    place = f"{hours:02.0f}:{rest // 60:02.0f}:{min(rest % 60, 59.99):05.2f}"
    place += f" {'-' if dec_deg < 0 else '+'}{degrees:02.0f}:{left // 60:02.0f}:{min(left % 60, 59.9):04.1f}"
    found = ongc.nearby(place, separation=min(60.0 * radius_deg, _WIDEST_ARCMIN))
    known = (_dso(record) for record, _ in found if record.type not in _NOT_SHOWN)
    return tuple(sorted((one for one in known if one is not None), key=lambda one: one.prominence))


@lru_cache(maxsize=64)
def named(target: str) -> Dso | None:
    """Return the object of the name that a target begins with, M 27 or NGC6853; None where it is none, or not known."""
    found = _NAME.match(target.strip())
    record = ongc.get(f"{found[1].upper()}{found[2]}") if found else None
    return None if record is None else _dso(record)


def _dso(record: ongc.Dso) -> Dso | None:
    place = record.rad_coords
    if place is None:
        return None
    messier, _, _, called, _ = record.identifiers
    visual, blue = record.magnitudes[1], record.magnitudes[0]
    return Dso(
        name=_written(messier or record.name),
        called=called[0] if called else "",
        kind=record.type,
        ra_deg=math.degrees(float(place[0])),
        dec_deg=math.degrees(float(place[1])),
        size_arcmin=record.dimensions[0],
        magnitude=blue if visual is None else visual,
    )


def _written(name: str) -> str:
    """Return a catalogue's name as people write it: NGC6853 → NGC 6853, M027 → M 27."""
    parts = re.fullmatch(r"([A-Za-z]+)0*(\d.*)", name)
    return name if parts is None else f"{parts[1]} {parts[2]}"
