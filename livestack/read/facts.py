"""What a file name says of its frame, for where the header is silent.

Camera programs write names to patterns of their own; a name that fits none may still tell its facts one by one, each
with its unit (``300s``, ``gain100``, ``-10.0C``, ``Bin2``). A time in a name is often local: it orders files
(`livestack.read.times`) but is no fact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livestack.read.keywords import number, text
from livestack.read.names import SIRIL_PREFIX, bare_name

CALIBRATION: Final = r"(?:dark[ -]?flat|flat[ -]?dark|dark|flat|bias)"
TARGET: Final = r"(?!\d{4}-?\d\d-?\d\d)(?P<target>.*?)"
SECONDS: Final = r"(?P<exposure>\d+(?:\.\d+)?)[ _]?(?P<unit>ms|us|s(?:ecs?)?)"
DEGREES: Final = r"(?P<temperature>[-+]?\d+(?:\.\d+)?)"
FILTER: Final = (
    r"(?P<filter>[lrgbshocuvi]|lum(?:inance)?|red|green|blue|clear|ha|h[ -_]?alpha|hb|h[ -_]?beta|o3|oiii|s2|sii|nii"
    r"|haoiii|hoo|lp|cls|ircut|uvir|duo(?:[ -_]?band)?|l-(?:pro|enhance|extreme|ultimate|quad))"
)
STAMP: Final = r"\d{4}-\d\d-\d\d[t_]\d\d-?\d\d-?\d\d"
STAMP_SHORT: Final = r"\d{8}-\d{6,9}"

PROGRAMS: Final = {
    "ASIAIR": rf"(?:(?:master)?{CALIBRATION}|(?:light|preview)_(?:stack\d+_)?{TARGET})(?:_stack\d+)?"
    rf"_{SECONDS}_bin(?P<binning>\d)(?:_\d+m[cm]\w*?)?(?:_(?!gain|iso)(?P<filter>[^_\d][^_]*))?(?:_(?:gain|iso)(?P<gain>\d+))?"
    rf"_{STAMP_SHORT}(?:_\d+deg)?(?:_{DEGREES}c)?(?:_.*)?",
    "Seestar": rf"light_(?:mosaic_)?{TARGET}_{SECONDS}_(?P<filter>[^_\d][^_]*)_{STAMP_SHORT}",
    "DWARF": rf"(?:failed_)?{TARGET}_(?P<exposure>\d+(?:\.\d+)?)s(?P<gain>\d+)_(?P<filter>[a-z][a-z-]*)"
    rf"_{STAMP_SHORT}(?:_{DEGREES}c)?",
    "DWARF, its dark": rf"dark_exp_(?P<exposure>[\d.]+)_gain_(?P<gain>\d+)_bin_(?P<binning>\d)_{DEGREES}c_stack_\d+",
    "DWARF, dark": rf"(?P<kind>raw)_{SECONDS}_(?P<gain>\d+)_\d+_{STAMP_SHORT}(?:_{DEGREES}c)?",
    "Ekos": rf"{TARGET}_(?P<kind>light|{CALIBRATION})(?:_(?P<filter>.+?))?_{SECONDS}_{STAMP}(?:_.*)?",
    "N.I.N.A.": rf"{STAMP}_(?P<filter>[^_]*)_(?:{DEGREES}|[^_]*)_{SECONDS}_\d+",
    "APT": rf"(?:(?P<kind>[ldfb])|single)_(?:{TARGET}_)?{STAMP}_bin(?P<binning>\d)x\d_{SECONDS}_(?P<filter>[^_]*)"
    rf"_(?:{DEGREES}c|na)",
    "SGPro": rf"{TARGET}_{STAMP}_{SECONDS}_(?P<filter>[^_]*)_(?:[^_]*_)?{DEGREES}c_frame\d+",
    "SGPro, short": rf"{TARGET}_(?P<exposure>\d+)_(?P<binning>\d)x\d_(?P<filter>[^_]*)_frame\d+(?:_.*)?",
    "ACP": rf"(?:(?P<kind>{CALIBRATION})|{TARGET})-s\d+-r\d+-c\d+-(?:b(?P<binning>\d)|(?P<filter>[^-]+))",
    "MaxIm DL": rf"{TARGET}-0\d\d{FILTER}",
    "by hand": rf"(?!(?:image|img|capture|frame|test|sub|raw|single|master|{CALIBRATION})_){TARGET}_light(?:_.*)?",
}
"""Program → its pattern of a whole stem; the first that fits counts."""

START: Final = r"(?<![a-z0-9.])"
END: Final = r"(?![a-z0-9])"
UNITS: Final = (
    rf"{START}target-(?P<target>[^_]+)",
    rf"{START}filter-(?P<filter>[^_]+)",
    rf"{START}(?:\d+(?:\.\d+)?s(?:ecs?)?|light|flat)[ _-]{FILTER}{END}",
    rf"{START}{FILTER}_\d+(?:\.\d+)?s(?:ecs?)?{END}",
    rf"{START}(?:exposure-)?{SECONDS}{END}",
    rf"{START}exp_(?P<exposure>\d+(?:\.\d+)?){END}",
    rf"{START}(?:gain|iso)[ _-]?(?P<gain>\d+(?:\.\d+)?){END}",
    rf"{START}(?P<gain>\d{{2,6}})iso{END}",
    rf"{START}(?P<temperature>[-+]\d+(?:\.\d+)?|\d+\.\d+)c{END}",
    rf"{START}bin[ _-]?(?P<binning>\d)(?:x\d)?{END}",
)
"""Facts with their own unit, anywhere in a stem; the last place counts, for a target may look like one (``T_5s``)."""

PROGRAM_PATTERNS: Final = tuple(re.compile(pattern, re.IGNORECASE) for pattern in PROGRAMS.values())
UNIT_PATTERNS: Final = tuple(re.compile(pattern, re.IGNORECASE) for pattern in UNITS)
SECONDS_OF: Final = {"ms": 1e-3, "us": 1e-6}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a name says. None = nothing; `kind` is the word, or the letter, of the program's pattern."""

    kind: str | None = None
    target: str | None = None
    filter: str | None = None
    exposure_s: float | None = None
    gain: float | None = None
    temperature_c: float | None = None
    binning: int | None = None


def facts_of(path: Path) -> Facts:
    """Read the name of a file, not its folders."""
    stem = SIRIL_PREFIX.sub("", bare_name(path))
    said: dict[str, str] = {}
    matches = [next((match for pattern in PROGRAM_PATTERNS if (match := pattern.fullmatch(stem))), None)]
    matches += [found[-1] for pattern in UNIT_PATTERNS if (found := list(pattern.finditer(stem)))]
    for match in filter(None, matches):
        told = {fact: value for fact, value in match.groupdict().items() if value}
        if "exposure" in told:
            # the unit goes with the number: another place may have one of its own
            told.setdefault("unit", "s")
        said = told | said
    exposure, binning = number(said.get("exposure")), number(said.get("binning"))
    return Facts(
        kind=(said.get("kind") or "").lower() or None,
        target=text(said.get("target")),
        filter=text(said.get("filter")),
        exposure_s=None if exposure is None else exposure * SECONDS_OF.get(said["unit"].lower(), 1.0),
        gain=number(said.get("gain")),
        temperature_c=number(said.get("temperature")),
        binning=int(binning) if binning else None,
    )
