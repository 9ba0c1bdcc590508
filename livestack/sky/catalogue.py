"""Which objects are where: OpenNGC (CC BY-SA 4.0), with the objects of Messier, as pyongc has it, and what it lacks."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from pyongc import ongc

from livestack.sky.objects import Known, keys, known_objects

_WIDEST_ARCMIN = 600.0  # that pyongc searches
_CATALOGUES = {
    "m": "M {}", "messier": "M {}", "ngc": "NGC {}", "ic": "IC {}", "c": "C {}", "caldwell": "C {}", "b": "B {}",
    "barnard": "B {}", "sh2": "Sh2-{}", "sharpless": "Sh2-{}", "ldn": "LDN {}", "vdb": "vdB {}", "mel": "Mel {}",
    "melotte": "Mel {}", "cl": "Cl {}", "cr": "Cl {}", "collinder": "Cl {}", "hcg": "HCG {}",
}  # fmt: skip
"""How names of catalogues are written here, by how they may be."""
_ANYWHERE = ("ngc", "ic", "sh2", "ldn", "vdb")
"""Names of these are known in the midst of a target, too; an M or a C there may be another thing's."""
_NAME = re.compile(
    rf"(?<![^\W_])({'|'.join(sorted(_CATALOGUES, key=len, reverse=True))})[ _-]*0*([1-9]\d{{0,3}})(?!\d)", re.IGNORECASE
)
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
    constellation : str
        Abbreviated: Vul.
    distance_ly : float, optional
    n_digits : int
        So many digits of the distance are known; 0 = less than two.
    others : tuple of str
        Its other names in catalogues.
    """

    name: str
    called: str
    kind: str
    ra_deg: float
    dec_deg: float
    size_arcmin: float | None = None
    magnitude: float | None = None
    constellation: str = ""
    distance_ly: float | None = None
    n_digits: int = 0
    others: tuple[str, ...] = ()

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


def is_designation(words: str) -> bool:
    """Whether words are a catalogue's name of an object and nothing besides: M 27, NGC6853."""
    return _NAME.fullmatch(words.strip()) is not None


def common_name(target: str) -> str:
    """Return what people call the object that a designation names, M 27: Dumbbell Nebula; empty where it has no name.

    A target of other words says already what it is.
    """
    dso = named(target) if is_designation(target) else None
    return "" if dso is None else dso.called


@lru_cache(maxsize=64)
def named(target: str) -> Dso | None:
    """Return the object that a target names; None where it is none, or not known.

    By its name in a catalogue, M 27, NGC6853, Sh2-101, C 20, or by a common one, Dumbbell, the veil nebula, that the
    target begins with; else by one in a catalogue anywhere in it. Case and spaces do not matter.
    """
    target = re.sub(r"(?i)\b(sh|sharpless)[ _-]?2[ _-]+(?=\d)", "Sh2-", target.strip())
    found = _NAME.match(target)
    if found is None:
        words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", target)
        for n in range(len(words), 0, -1):
            name, called = _by_common_name().get(keys(" ".join(words[:n]))[0], ("", ""))
            if name and (dso := _of_name(name)) is not None:
                return replace(dso, called=called)
        found = next((one for one in _NAME.finditer(target) if one[1].casefold() in _ANYWHERE), None)
        if found is None:
            return None
    name = _CATALOGUES[found[1].casefold()].format(found[2])
    return _of_name(name) or _of_name(_by_common_name().get(keys(name)[0], ("", ""))[0])


@cache
def _by_common_name() -> dict[str, tuple[str, str]]:
    """Names in a catalogue, and the common ones as they are written, by `keys`; whole names win over short ones."""
    common = [(name, known.name) for known in known_objects().values() for name in (known.called, *known.also) if name]
    dsos = [dso for dso in map(_dso, ongc.listObjects(withname=True)) if dso is not None]
    common += [(dso.called, dso.name) for dso in sorted(dsos, key=lambda one: one.prominence) if dso.called]
    found: dict[str, tuple[str, str]] = {}
    for place in (0, -1):
        for called, name in common:
            found.setdefault(keys(called)[place], (name, called))
    return found


def _of_name(name: str) -> Dso | None:
    known = known_objects().get(name)
    if known is not None and known.place is not None:
        dso = Dso(name, known.called, known.kind, *known.place)
        return _with(dso, known)
    try:
        record = ongc.get(name)
    except ongc.UnknownIdentifier:
        return None
    return None if record is None else _dso(record)


def _dso(record: ongc.Dso) -> Dso | None:
    place = record.rad_coords
    if place is None:
        return None
    messier, _, _, called, _ = record.identifiers
    visual, blue = record.magnitudes[1], record.magnitudes[0]
    names = [_written(name) for name in (messier, record.name) if name]
    known = next((known_objects()[name] for name in names if name in known_objects()), None)
    dso = Dso(
        name=names[0],
        called=_capital(called[0]) if called else "",
        kind=record.type,
        ra_deg=math.degrees(float(place[0])),
        dec_deg=math.degrees(float(place[1])),
        size_arcmin=record.dimensions[0],
        magnitude=blue if visual is None else visual,
        constellation=re.sub(r"Se[12]", "Ser", record.constellation or ""),
        others=tuple(name for name in names[1:] if name != names[0]),
    )
    return dso if known is None else _with(dso, known)


def _with(dso: Dso, known: Known) -> Dso:
    """Return an object with what is known of it beside the catalogue."""
    return replace(
        dso,
        called=known.called or dso.called,
        kind=known.kind or dso.kind,
        size_arcmin=known.size_arcmin or dso.size_arcmin,
        constellation=known.constellation or dso.constellation,
        distance_ly=known.distance_ly,
        n_digits=known.n_digits,
    )


def _capital(called: str) -> str:
    """Return a common name without its article, and as names are written: the Witch Head Nebula → Witch Head Nebula."""
    called = called.removeprefix("the ")
    return called[:1].upper() + called[1:]


def _written(name: str) -> str:
    """Return a catalogue's name as people write it: NGC6853 → NGC 6853, M027 → M 27."""
    parts = re.fullmatch(r"([A-Za-z]+)0*(\d.*)", name)
    return name if parts is None else f"{parts[1]} {parts[2]}"
