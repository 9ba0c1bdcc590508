"""Light, bias, dark, flat or a master: by the header, else the folder, else the file name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from livestack.read.facts import FILTER, facts_of
from livestack.read.keywords import number, text
from livestack.read.names import SIRIL_PREFIX, stem_of

TYPE_KEYWORDS: Final = (
    "IMAGETYP",
    "FRAMETYP",
    "FRAME",
    "SUB_TYPE",
    "SUBTYPE",
    "CALFRAME",
    "INTEGRAT",
    "OBSTYPE",
    "ESO DPR TYPE",
)
COUNT_KEYWORDS: Final = ("STACKCNT", "NCOMBINE", "NUMFRAME", "SNAPSHOT", "LUM_CNT", "LIGH_CNT")
"""How many frames were combined into this one."""

WORDS: Final = (
    ("darkflat", re.compile(r"dark\W*flat|flat\W*dark")),
    ("bias", re.compile(r"bias|\b(zero|offset)\b")),
    ("dark", re.compile(r"dark")),
    ("flat", re.compile(r"flat")),
    ("light", re.compile(r"light|snapshot|object|\bsci(ence)?\b|\bstd\b|\bexpose\b|stack|integration|tricolor")),
)
A_MASTER: Final = re.compile(r"master|stack|integration")
KIND_NAME: Final = (
    r"(?P<darkflat>dark[\s_-]*flats?|flat[\s_-]*darks?)|(?P<bias>bias(es)?|offsets?)|(?P<dark>darks?)"
    r"|(?P<flat>flats?)|(?P<light>lights?|snapshots?)"
)
FOLDER: Final = re.compile(
    rf"(masters?|raw|dwarf)?[\s_-]*({KIND_NAME})"
    rf"([\s_-]*(\d.*|frames?|subs?|images?)|[\s_-]+({FILTER}|gain|iso|bin|exp|exposure|filter)([\s_\d-].*)?)?"
)
"""Other words after the kind make a folder a place or a target (Dark Sky Site)."""
NAME: Final = re.compile(rf"(master[\s_-]*)?({KIND_NAME})(?=$|_|\W*\d|\.|library)")
PART: Final = re.compile(KIND_NAME)
NO_KIND: Final = re.compile(r"dark[\s_-]+(shark|doodad|nebula|river|tower|horse|wolf|cloud|sky|site)|flat[\s_-]+iron")
"""Targets that begin like a kind."""
CODES: Final = {"l": "light", "d": "dark", "f": "flat", "b": "bias", "raw": "dark"}
"""What APT and DWARF write for a kind."""
MASTER_NAME: Final = re.compile(
    r"^master|^darklibrary_|_stacked(\b|_|$)|^stacked_|^light_stack\d+_|^(dark|bias|flat|darkflat)_(.*_)?stack_?\d+(_|$)"
)
DWARF_MASTERS: Final = "CALI_FRAME"
FOLDERS_UP: Final = 4


def kind_of(path: Path, keywords: Mapping[str, Any], exposure_s: float | None) -> str:
    """Return light, bias, dark, flat, darkflat, a master of one (master_bias, …), or stack.

    What the header says wins, then the nearest folder (``Darks``, ``LIGHT``), then the file name (``Light_001``);
    silence means light. A dark of no length is a bias. A dark that folder or name call a dark flat is one: not every
    program has a word for it in the header. A file named ``master…`` is one whatever its header says.
    """
    said = _said(keywords)
    named = _of_folder(path) or _of_name(path)
    kind = said[0] if said else named or "light"
    if kind == "dark" and (exposure_s == 0.0 or named == "darkflat"):
        kind = "bias" if exposure_s == 0.0 else "darkflat"
    combined = max((number(keywords.get(name)) or 0 for name in COUNT_KEYWORDS), default=0) > 1
    if combined or (said and said[1]) or MASTER_NAME.search(stem_of(path)) or (kind != "light" and _is_dwarf_s(path)):
        return "stack" if kind == "light" else f"master_{kind}"
    return kind


def _said(keywords: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Return the kind that the header names, and whether it names a master."""
    for name in TYPE_KEYWORDS:
        said = (text(keywords.get(name)) or "").lower()
        for kind, word in WORDS:
            if word.search(said):
                return kind, A_MASTER.search(said) is not None
    return None


def _is_dwarf_s(path: Path) -> bool:
    """Whether the path lies among the masters that come with a DWARF; nothing in their names says so."""
    return DWARF_MASTERS in path.parts[:-1]


def _of_folder(path: Path) -> str | None:
    for folder in list(path.parts[:-1])[: -FOLDERS_UP - 1 : -1]:
        if match := FOLDER.fullmatch(folder.lower()):
            return _named(match)
    return None


def _of_name(path: Path) -> str | None:
    """Return the kind a name begins with, or names between underscores: a target called Dark Shark does not count."""
    if word := facts_of(path).kind:
        return CODES.get(word) or _named(PART.fullmatch(word))
    stem = NO_KIND.sub("", SIRIL_PREFIX.sub("", stem_of(path)))
    if match := NAME.match(stem):
        return _named(match)
    for part in stem.split("_"):
        if match := PART.fullmatch(part):
            return _named(match)
    return None


def _named(match: re.Match[str] | None) -> str | None:
    groups = match.groupdict() if match else {}
    return next((kind for kind, _ in WORDS if groups.get(kind)), None)
