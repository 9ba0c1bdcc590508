"""The card for guests: what they see, how far it is, how wide, when its light left, and more for who knows more."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from livestack.events import Json
from livestack.frame import Picture
from livestack.show import card_words as words
from livestack.show.card_words import ANYTHING, KINDS, Kind
from livestack.show.numbers import finer, of_all
from livestack.show.sky import NOT_KNOWN, sexagesimal, size_of
from livestack.show.state import NightState
from livestack.show.words import THIN, fixed, sentence_case, span
from livestack.sky.catalogue import Dso, named
from livestack.sky.objects import constellations

LY_PER_PC = 3.26156
_NO_CITIES_YET = 10_000
"""Years ago; later than that a year is told."""
_WORTH_TELLING = 1.05
"""From so many times finer grain on it is said."""


def card_of(
    state: NightState,
    stack: Picture | None,
    last: Picture | None = None,
    *,
    target: str | None = None,
    now: datetime | None = None,
) -> Json:
    """Return what the card says; a fact that is not known has no row.

    Parameters
    ----------
    state : NightState
        After all records so far.
    stack, last : Picture, optional
        The newest pictures of the stack and of its last sub.
    target : str, optional
        What is seen, in place of what the headers say.
    now : datetime, optional
        Timezone-aware; by default the present.

    Returns
    -------
    dict
        name, also ("M 27, a planetary nebula"), meaning (one line, "" = not known), levels (child, curious: texts),
        facts and expert (rows of two texts), sky (whether there is a map), satellites (a sentence, or "").
    """
    target = state.target or "" if target is None else target
    dso = named(target)
    kind = kind_of(dso)
    return {
        "name": name_of(target),
        "also": _also(dso, kind),
        "meaning": kind.meaning,
        "levels": {"child": kind.child, "curious": _curious(kind, dso)},
        "facts": _facts(dso, now or datetime.now(UTC)),
        "expert": _of_object(dso, kind) + _of_night(of_all(state, stack), stack, last),
        "sky": dso is not None,
        "satellites": _satellites(len(state.trails)),
    }


def name_of(target: str) -> str:
    """Return what a target is called: Dumbbell Nebula, where it is known by that name."""
    dso = named(target)
    return target if dso is None else dso.called or dso.name


def kind_of(dso: Dso | None) -> Kind:
    """Return what is said of objects such as one."""
    return ANYTHING if dso is None else KINDS.get(dso.kind, ANYTHING)


def light_years(distance_ly: float) -> str:
    """Return a number of light-years, or years, with at most three digits: 1,250; 2.5 million."""
    for least, noun in ((1e9, " billion"), (1e6, " million")):
        if distance_ly >= 0.9995 * least:
            return f"{float(f'{distance_ly / least:.3g}'):g}{noun}"
    return f"{float(f'{distance_ly:.3g}'):,.0f}"


def light_left(distance_ly: float, n_digits: int, year: int) -> str:
    """Say when light set out that comes in a year; "" where the distance is not known well enough for that."""
    if distance_ly >= 1e6:
        return words.LONG_AGO.format(number=light_years(float(f"{distance_ly:.2g}")))
    if distance_ly > _NO_CITIES_YET:
        return words.BEFORE_CITIES
    if n_digits < 2:
        return ""
    place = max(10.0, 10.0 ** (math.floor(math.log10(distance_ly)) - n_digits + 1))
    then = round((year - distance_ly) / place) * place
    return words.IN_YEAR.format(year=f"{then:.0f}" if then > 0 else f"{max(place, -then):.0f} BC")


def width_ly(dso: Dso) -> float | None:
    """Return how wide an object is."""
    if dso.distance_ly is None or dso.size_arcmin is None:
        return None
    return 2 * dso.distance_ly * math.tan(math.radians(dso.size_arcmin / 120))


def _also(dso: Dso | None, kind: Kind) -> str:
    if dso is None:
        return ""
    parts = [*([dso.name] if dso.called and dso.called != dso.name else []), *([kind.noun] if kind.noun else [])]
    return sentence_case(", ".join(parts))


def _curious(kind: Kind, dso: Dso | None) -> str:
    """Return the text with the time that light took; where that is not known without that sentence."""
    if "{light_time}" not in kind.curious:
        return kind.curious
    if dso is None or dso.distance_ly is None:
        return " ".join(f"{one}." for one in kind.curious.rstrip(".").split(". ") if "{" not in one)
    return kind.curious.format(light_time=f"{light_years(dso.distance_ly)} years")


def _facts(dso: Dso | None, now: datetime) -> list[list[str]]:
    rows: list[list[str]] = []
    if dso is None:
        return rows
    if dso.distance_ly is not None:
        rows.append([words.DISTANCE, words.ABOUT.format(number=light_years(dso.distance_ly))])
        if left := light_left(dso.distance_ly, dso.n_digits, now.year):
            rows.append([words.LIGHT_LEFT, left])
    if (width := width_ly(dso)) is not None:
        rows.append([words.WIDTH, _wide(width)])
    if dso.constellation in constellations():
        name, meaning = constellations()[dso.constellation]
        rows.append([words.CONSTELLATION, words.MEANS.format(name=name, meaning=meaning)])
    return rows


def _wide(width: float) -> str:
    """Return a width with as many digits as a size on the sky has."""
    if width < 0.95:
        return words.ABOUT.format(number=f"{width:.1g}")
    rounded = round(width) if width < 10 else float(f"{width:.2g}")
    return words.ABOUT_ONE if rounded == 1 else words.ABOUT.format(number=light_years(rounded))


def _of_object(dso: Dso | None, kind: Kind) -> list[list[str]]:
    if dso is None:
        return []
    ra, dec = sexagesimal(dso.ra_deg, dso.dec_deg).split("s ")
    rows = [[words.CATALOGUES, ", ".join((dso.name, *dso.others))]] if dso.name != dso.called or dso.others else []
    if kind.noun:
        rows.append([words.TYPE, sentence_case(kind.noun.partition(" ")[2])])
    rows += [[words.RA, f"{ra.rpartition('.')[0]}s"], [words.DEC, dec]]
    if dso.size_arcmin is not None:
        rows.append([words.SIZE, f"{dso.size_arcmin:.3g}′"])
    if dso.magnitude is not None:
        rows.append([words.MAGNITUDE, fixed(dso.magnitude, 1)])
    if dso.distance_ly is not None:
        rows.append([words.PARSECS, _parsecs(dso.distance_ly / LY_PER_PC)])
    return rows


def _parsecs(distance_pc: float) -> str:
    for least, unit in ((1e6, "Mpc"), (1e3, "kpc")):
        if distance_pc >= 0.995 * least:
            return f"{float(f'{distance_pc / least:.2g}'):g}{THIN}{unit}"
    return f"{float(f'{distance_pc:.2g}'):.0f}{THIN}pc"


def _of_night(state: NightState, stack: Picture | None, last: Picture | None) -> list[list[str]]:
    stacks = stack.parts if stack is not None and stack.parts else (state.stack,)
    stacked = [row for row in state.subs if row.state == "accepted" and row.stack in stacks]
    rows: list[list[str]] = []
    exposures = {row.exposure_s for row in stacked}
    if state.exposure_s > 0:
        one = next(iter(exposures)) if len(exposures) == 1 else None
        rows.append([words.EXPOSURE, f"{len(stacked):,}{THIN}×{THIN}{span(one)}" if one else span(state.exposure_s)])
    grid = state.grids.get(state.stack or "", NOT_KNOWN)
    if grid.arcsec_per_px is not None:
        rows.append([words.SCALE, f"{grid.arcsec_per_px:.3g}″/px"])
    if state.fwhm_px is not None:
        rows.append([words.STAR_SIZE, size_of(state.fwhm_px, grid)])
    ratio = finer(state, stack, last)
    if ratio is not None and ratio >= _WORTH_TELLING:
        rows.append([words.GRAIN, words.FINER.format(number=f"{fixed(ratio, 0 if ratio >= 99.95 else 1)}×")])
    return rows


def _satellites(number: int) -> str:
    if not number:
        return ""
    return words.ONE_TRAIL if number == 1 else words.TRAILS.format(number=f"{number:,}")
