"""What the catalogue lacks of the objects that guests are shown: common names, distances, constellations in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from livestack.sky.data import rows

_GENERIC = ("nebula", "galaxy", "galaxies", "cluster")
"""Words that a common name may be short of."""


@dataclass(frozen=True, slots=True)
class Known:
    """A line of ``objects.csv``; what it does not say is empty or None.

    Attributes
    ----------
    name : str
        As the catalogue writes it: M 27, NGC 6853, Sh2-101.
    also : tuple of str
        Other common names.
    n_digits : int
        So many digits of the distance are known; 0 = less than two.
    place : (float, float), optional
        RA and Dec, J2000, degrees, of what OpenNGC has not.
    """

    name: str
    called: str
    also: tuple[str, ...]
    kind: str
    distance_ly: float | None
    n_digits: int
    place: tuple[float, float] | None
    size_arcmin: float | None
    constellation: str


@cache
def known_objects() -> dict[str, Known]:
    """Return them by their names, those that one sees most first."""
    return {known.name: known for known in map(_known, rows("objects.csv"))}


@cache
def constellations() -> dict[str, tuple[str, str]]:
    """Return the names of the constellations and what these mean, by abbreviation: Vul → Vulpecula, the Little Fox."""
    return {short: (name, meaning) for short, name, meaning in rows("constellations.csv")}


def keys(common_name: str) -> tuple[str, ...]:
    """Return by what a common name is found however it is spaced: whole, and short of nebula, galaxy or cluster."""
    words = re.sub(r"['’]", "", common_name.casefold()).removeprefix("the ")
    whole = "".join(letter for letter in words if letter.isalnum())
    short = next((whole.removesuffix(word) for word in _GENERIC if whole.endswith(word)), whole)
    return (whole,) if short == whole or len(short) < 3 else (whole, short)


def _known(fields: list[str]) -> Known:
    name, called, also, kind, distance, _, ra, dec, size, constellation = fields
    figures = distance.lstrip("~")
    return Known(
        name,
        called,
        tuple(also.split("|")) if also else (),
        kind,
        float(figures) if figures else None,
        sum(sign.isdecimal() for sign in figures.partition("e")[0]) if distance == figures else 0,
        (float(ra), float(dec)) if ra else None,
        float(size) if size else None,
        constellation,
    )
