"""Light, bias, dark, flat or a master: by the header, else the folder, else the file name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from livestack.read.keywords import number, text
from livestack.read.names import stem_of

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
COUNT_KEYWORDS: Final = ("STACKCNT", "NCOMBINE", "NUMFRAME", "SNAPSHOT", "LUM_CNT")
"""How many frames were combined into this one."""

WORDS: Final = (
    ("darkflat", re.compile(r"dark\W*flat|flat\W*dark")),
    ("bias", re.compile(r"bias|\b(zero|offset)\b")),
    ("dark", re.compile(r"dark")),
    ("flat", re.compile(r"flat")),
    ("light", re.compile(r"light|snapshot|object|\bsci(ence)?\b|\bexpose\b|stack|integration|tricolor")),
)
A_MASTER: Final = re.compile(r"master|stack|integration")
KIND_NAME: Final = (
    r"(?P<darkflat>dark[\s_-]*flats?|flat[\s_-]*darks?)|(?P<bias>bias(es)?|offsets?)|(?P<dark>darks?)"
    r"|(?P<flat>flats?)|(?P<light>lights?)"
)
FOLDER: Final = re.compile(rf"(?P<master>masters?[\s_-]*)?({KIND_NAME})([\s_-]*\d.*)?")
NAME: Final = re.compile(rf"(pp_)?(?P<master>master[\s_-]*)?({KIND_NAME})(?=$|_|\W*\d|\.)")
PART: Final = re.compile(KIND_NAME)
MASTER_NAME: Final = re.compile(r"^master|_stacked(\b|_|$)|^stacked_")
FOLDERS_UP: Final = 4


def kind_of(path: Path, keywords: Mapping[str, Any], exposure_s: float | None) -> str:
    """Return light, bias, dark, flat, darkflat, master_bias, master_dark, master_flat or stack.

    What the header says wins, then the nearest folder (``Darks``, ``LIGHT``), then the file name (``Light_001``);
    silence means light. A dark of no length is a bias. A file named ``master…`` is one whatever its header says.
    """
    said = _said(keywords)
    kind = said[0] if said else _of_folder(path) or _of_name(path) or "light"
    if kind == "dark" and exposure_s == 0.0:
        kind = "bias"
    combined = max((number(keywords.get(name)) or 0 for name in COUNT_KEYWORDS), default=0) > 1
    if combined or (said and said[1]) or MASTER_NAME.search(stem_of(path)):
        return {"light": "stack", "darkflat": "master_dark"}.get(kind, f"master_{kind}")
    return kind


def _said(keywords: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Return the kind that the header names, and whether it names a master."""
    for name in TYPE_KEYWORDS:
        said = (text(keywords.get(name)) or "").lower()
        for kind, word in WORDS:
            if word.search(said):
                return kind, A_MASTER.search(said) is not None
    return None


def _of_folder(path: Path) -> str | None:
    for folder in list(path.parts[:-1])[: -FOLDERS_UP - 1 : -1]:
        if match := FOLDER.fullmatch(folder.lower()):
            return _named(match)
    return None


def _of_name(path: Path) -> str | None:
    """Return the kind a name begins with, or names between underscores: a target called Dark Shark does not count."""
    stem = stem_of(path)
    if match := NAME.match(stem):
        return _named(match)
    for part in stem.split("_"):
        if match := PART.fullmatch(part):
            return _named(match)
    return None


def _named(match: re.Match[str]) -> str:
    return next(kind for kind, _ in WORDS if match.groupdict().get(kind))
