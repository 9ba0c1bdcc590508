"""Which calibration frames fit a light: of sets that were taken alike the nearest of each kind, and why, in words."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from livestack.frame import Header

KINDS = ("bias", "dark", "flat", "darkflat", "master_bias", "master_dark", "master_flat", "master_darkflat")
EXPOSURE_TOLERANCE_S = 5.0
EXPOSURE_TOLERANCE = 0.02
TEMPERATURE_TOLERANCE_C = 3.0
ALIKE_C = 1.5
"""Frames that differ by less were taken at one set temperature."""
NIGHT_S = 12 * 3600.0
"""Flats farther apart were taken on different occasions: the dust has moved."""
DAY_S = 86400.0
LEAST_SCALE, MOST_SCALE = 0.1, 2.0
"""A dark is scaled down by ten at most, and up by two: its noise grows with it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which files calibrate a stack; empty = none.

    Attributes
    ----------
    darkflat : tuple of Path
        What is taken off the flat: its own darks, or a bias of its own gain; empty = the bias.
    dark_scale : float, optional
        The dark current is of another exposure, and is multiplied by this.
    missing, notes : tuple of str
        Words for the user: what is not there, and what to look at.
    fits : tuple of str
        How near what was chosen is, a line for each kind.
    """

    bias: tuple[Path, ...] = ()
    dark: tuple[Path, ...] = ()
    flat: tuple[Path, ...] = ()
    darkflat: tuple[Path, ...] = ()
    dark_scale: float | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Set:
    """Calibration frames that were taken alike, or one master."""

    headers: tuple[Header, ...]

    @property
    def first(self) -> Header:
        """The first frame: what tells of size, camera, gain and filter."""
        return self.headers[0]

    @property
    def kind(self) -> str:
        """bias, dark, flat or darkflat."""
        return self.first.kind.removeprefix("master_")

    @property
    def is_master(self) -> bool:
        """Whether another program, or livestack, made it of many frames."""
        return self.first.kind.startswith("master_")

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(header.path for header in self.headers)

    @property
    def temperature_c(self) -> float | None:
        """Median sensor temperature."""
        return _median(header.temperature_c for header in self.headers)

    @property
    def time_utc(self) -> datetime | None:
        """Median time."""
        seconds = _median(header.time_utc.timestamp() if header.time_utc else None for header in self.headers)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def words(self) -> str:
        """What to call it: its master, or how many frames from which folder."""
        n = len(self.headers)
        return self.first.path.name if n == 1 else f"{n} frames, {self.first.path.name} …"


def match(light: Header, library: Iterable[Header], by_hand: dict[str, Path]) -> Chosen:
    """Choose calibration frames for a light by header; what was named by hand wins.

    Parameters
    ----------
    library : iterable of Header
        Raw calibration frames and masters, in a fixed order.
    by_hand : dict
        bias, dark, flat → one file.
    """
    headers = list(library)
    sets = sets_of(headers)
    fitting = [one for one in sets if _same_sensor(light, one.first) and one.kind not in _done(light)]
    exposed = [one for one in fitting if one.kind == "dark" and _same_exposure(light, one.first)]
    filtered = [one for one in fitting if one.kind == "flat" and _same_filter(light, one.first)]
    notes: list[str] = []
    ties: dict[str, str] = {}
    bias, ties["bias"] = _nearest(light, [one for one in fitting if one.kind == "bias"], _bias_distance)
    dark, ties["dark"] = _nearest(light, exposed, _dark_distance)
    flat, ties["flat"] = _nearest(light, filtered, _flat_distance)
    scale = None
    if dark is None and bias is not None and not by_hand.keys() & {"bias", "dark"}:
        dark, scale = _to_scale(light, [one for one in fitting if one.kind == "dark"])
    own = pedestal_of_flat(flat.first, sets) if flat is not None else None
    picked = {"bias": bias, "dark": dark, "flat": flat}
    paths = {kind: () if one is None else one.paths for kind, one in picked.items()}
    paths |= {kind: (path,) for kind, path in by_hand.items()}
    found = {kind: one for kind, one in picked.items() if one is not None and kind not in by_hand}
    missing = [
        _missing(light, kind, headers) for kind in ("dark", "flat") if not paths[kind] and kind not in light.calibrated
    ]
    if light.calibrated:
        notes.append(f"the lights have their {', '.join(sorted(light.calibrated))} off already")
    if "dark" in found and (off := _degrees_off(light, found["dark"])) > TEMPERATURE_TOLERANCE_C:
        notes.append(f"the nearest dark is {off:.0f} °C away from the lights")
    return Chosen(
        paths["bias"],
        paths["dark"],
        paths["flat"],
        own.paths if own is not None and "flat" in found and own.paths != paths["bias"] else (),
        scale if "dark" in found else None,
        tuple(missing),
        tuple(notes),
        tuple(_fit(light, one, scale if kind == "dark" else None, ties[kind]) for kind, one in found.items()),
    )


def sets_of(headers: Iterable[Header]) -> list[Set]:
    """Sort calibration frames into sets that were taken alike; each master is one of its own."""
    alike: dict[tuple[object, ...], list[Header]] = {}
    sets = []
    for header in headers:
        if header.kind.startswith("master_"):
            sets.append(Set((header,)))
        else:
            alike.setdefault(_likeness(header), []).append(header)
    for group in alike.values():
        parts = _split(group, lambda h: h.temperature_c if h.kind in ("dark", "darkflat") else None, ALIKE_C)
        for part in parts:
            nights = _split(
                part, lambda h: h.time_utc.timestamp() if h.time_utc and h.kind == "flat" else None, NIGHT_S
            )
            sets += [Set(tuple(night)) for night in nights]
    return sets


def _done(light: Header) -> frozenset[str]:
    """Kinds that are not to be used again; a bias is still what a dark is freed of."""
    return light.calibrated if "dark" in light.calibrated else light.calibrated - {"bias"}


def _likeness(header: Header) -> tuple[object, ...]:
    exposed = header.kind in ("dark", "darkflat") and header.exposure_s is not None
    return (
        header.kind,
        header.size,
        header.binning,
        (header.camera or "").casefold(),
        header.gain,
        header.offset_adu,
        (header.filter or "").casefold() if header.kind == "flat" else "",
        float(f"{header.exposure_s:.2g}") if exposed else None,
    )


def _split(headers: list[Header], value: Callable[[Header], float | None], gap: float) -> list[list[Header]]:
    """Part headers where their values, in order, are farther apart; those without one stay together."""
    unknown = [header for header in headers if value(header) is None]
    known = sorted((header for header in headers if value(header) is not None), key=lambda header: value(header) or 0.0)
    if not known:
        return [unknown]
    parts = [[known[0]]]
    for before, header in itertools.pairwise(known):
        if (value(header) or 0.0) - (value(before) or 0.0) > gap:
            parts.append([])
        parts[-1].append(header)
    order = {id(header): k for k, header in enumerate(headers)}
    parts = [sorted(part, key=lambda header: order[id(header)]) for part in parts]
    return parts + ([unknown] if unknown else [])


def _same_sensor(light: Header, other: Header) -> bool:
    return not _differences(light, other)


def _differences(light: Header, other: Header) -> list[str]:
    """Words on what must be equal and is not."""
    found = []
    if other.size != light.size:
        found.append(f"{other.size[1]}×{other.size[0]} px, the lights {light.size[1]}×{light.size[0]}")
    elif other.binning != light.binning:
        found.append(f"binned {other.binning[0]}×{other.binning[1]}, the lights {light.binning[0]}×{light.binning[1]}")
    if light.camera and other.camera and light.camera.casefold() != other.camera.casefold():
        found.append(f"from {other.camera}, the lights from {light.camera}")
    if other.kind.removeprefix("master_") in ("flat", "darkflat"):
        return found
    for name, mine, its in (("gain", light.gain, other.gain), ("offset", light.offset_adu, other.offset_adu)):
        if mine is not None and its is not None and abs(mine - its) > 1e-6:
            found.append(f"of {name} {its:g}, the lights of {mine:g}")
    return found


def _same_exposure(light: Header, dark: Header) -> bool:
    if light.exposure_s is None or dark.exposure_s is None:
        return True
    tolerance = max(EXPOSURE_TOLERANCE_S, EXPOSURE_TOLERANCE * light.exposure_s)
    # a tolerance of 5 s must not make a 1 s dark fit a 5 s light
    return abs(light.exposure_s - dark.exposure_s) <= min(tolerance, 0.2 * light.exposure_s + 1e-3)


def _same_filter(light: Header, flat: Header) -> bool:
    return not light.filter or not flat.filter or light.filter.casefold() == flat.filter.casefold()


Distance = tuple[float, ...]


def _nearest(light: Header, sets: list[Set], distance: Callable[[Header, Set], Distance]) -> tuple[Set | None, str]:
    """Return the nearest set, and words on those as near; a tie goes to a master, or the one of more frames."""
    if not sets:
        return None, ""
    first, *rest = sorted(sets, key=lambda one: (*distance(light, one), not one.is_master, -len(one.headers)))
    ties = [one for one in rest if distance(light, one) == distance(light, first) and one.is_master == first.is_master]
    return first, ", ".join(one.words for one in ties[:3])


def _bias_distance(light: Header, one: Set) -> Distance:
    return (round(_degrees_off(light, one) / TEMPERATURE_TOLERANCE_C),)


def _dark_distance(light: Header, one: Set) -> Distance:
    seconds = abs((one.first.exposure_s or 0.0) - (light.exposure_s or 0.0)) if one.first.exposure_s else 0.0
    return (round(_degrees_off(light, one) / ALIKE_C), round(seconds, 1))


def _flat_distance(light: Header, one: Set) -> Distance:
    unnamed = float(bool(light.filter) and not one.first.filter)
    return (unnamed, round(_days_off(light, one)))


def _degrees_off(light: Header, one: Set) -> float:
    """How far off the sensor's temperature is; 0 where one of the two does not say."""
    its = one.temperature_c
    return abs(its - light.temperature_c) if its is not None and light.temperature_c is not None else 0.0


def _days_off(light: Header, one: Set) -> float:
    its = one.time_utc
    return abs((its - light.time_utc).total_seconds()) / DAY_S if its and light.time_utc else 0.0


def _to_scale(light: Header, darks: list[Set]) -> tuple[Set | None, float | None]:
    """Return a dark of another exposure, and what its current is to be multiplied by."""
    usable = []
    for one in darks:
        if light.exposure_s and one.first.exposure_s:
            scale = light.exposure_s / one.first.exposure_s
            if LEAST_SCALE <= scale <= MOST_SCALE and _degrees_off(light, one) <= TEMPERATURE_TOLERANCE_C:
                usable.append((abs(np.log(scale)), one, scale))
    if not usable:
        return None, None
    _, one, scale = min(usable, key=lambda item: item[0])
    return one, scale


def pedestal_of_flat(flat: Header, sets: list[Set]) -> Set | None:
    """Return the set taken with the flat's own settings and no light: its darks, or a bias of its gain."""
    if flat.kind.startswith("master_"):
        return None
    as_dark = [
        one
        for one in sets
        if one.kind in ("darkflat", "dark")
        and not _differences(flat, one.first)
        and one.first.gain in (None, flat.gain)
        and one.first.exposure_s is not None
        and _same_exposure(flat, one.first)
    ]
    if as_dark:
        return min(as_dark, key=lambda one: (one.kind != "darkflat", not one.is_master, -len(one.headers)))
    biases = [one for one in sets if one.kind == "bias" and not _differences(flat, one.first)]
    return min(biases, key=lambda one: (not one.is_master, -len(one.headers))) if biases else None


def _missing(light: Header, kind: str, headers: list[Header]) -> str:
    """Words on a kind that is not there, and why the nearest of what is there does not do."""
    exposure = f"{light.exposure_s:g} s" if light.exposure_s is not None else "this exposure"
    words = f"no dark of {exposure} matches"
    if kind == "flat":
        words = f"no flat{f' in {light.filter}' if light.filter else ''} matches"
    reasons = []
    for header in headers:
        if header.kind.removeprefix("master_") == kind:
            why = _differences(light, header)
            if kind == "dark" and not _same_exposure(light, header):
                why.append(f"of {header.exposure_s:g} s")
            if kind == "flat" and not _same_filter(light, header):
                why.append(f"in {header.filter}")
            reasons.append(why)
    nearest = min(reasons, key=len, default=[])
    return f"{words}: the nearest is {' and '.join(nearest)}" if nearest else words


def _fit(light: Header, one: Set, scale: float | None, ties: str) -> str:
    """Words on how near a set is, and which others are as near."""
    off = []
    if one.kind == "dark" and one.first.exposure_s is not None and light.exposure_s is not None:
        same = abs(one.first.exposure_s - light.exposure_s) < 0.01 * light.exposure_s
        off.append("same exposure" if same else f"{one.first.exposure_s:g} s for {light.exposure_s:g} s")
    if scale is not None:
        off.append(f"its current scaled by {scale:.3g}")
    if one.kind != "flat" and one.temperature_c is not None and light.temperature_c is not None:
        off.append(f"{_degrees_off(light, one):.1f} °C off")
    if one.kind == "flat" and one.time_utc is not None and light.time_utc is not None:
        days = _days_off(light, one)
        off.append("same night" if days < 1 else f"{days:.0f} days off")
    if ties:
        off.append(f"as near as {ties}, and more of them")
    return f"{one.kind}: {one.words}" + (f" ({', '.join(off)})" if off else "")


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
