"""Values of header keywords, however they were written: numbers in quotes, with units, blank, not finite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

LEADING_NUMBER: Final = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eEdD][-+]?\d+)?")
LEAST, MOST = 1e-9, 1e12
"""Nothing that a camera or a mount says of itself is smaller, or larger: squares of it would be no numbers."""
MOST_SHOWN: Final = 80
UNSAID: Final = frozenset({"", "unknown", "none", "n/a", "na", "null", "nan", "undefined", "unset", "-"})


def number(value: Any) -> float | None:
    """Return a number, also from text such as ``'44 C'``; None where there is none, or one that cannot be meant."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        match = LEADING_NUMBER.match(value.strip().strip("'\"").strip())
        if not match:
            return None
        value = match.group().replace(",", ".").upper().replace("D", "E")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if abs(found) <= MOST else None


def text(value: Any) -> str | None:
    """Return trimmed text without quotes; None where it is blank or says that nothing is known."""
    if value is None or isinstance(value, bool):
        return None
    found = " ".join(_printable(str(value), " ").strip().strip("'\"").split())
    return None if found.lower() in UNSAID else found


def shown(value: Any) -> str:
    """Return what a damaged file says, or what is said of it, fit for a sentence: one short line, printable."""
    line = _printable(str(value), "·")
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}…"


def _printable(words: str, instead: str) -> str:
    """Return words without line breaks and what terminals obey."""
    return words if words.isprintable() else "".join(sign if sign.isprintable() else instead for sign in words)


def first_number(keywords: Mapping[str, Any], names: Iterable[str]) -> float | None:
    """Return the first of the named keywords that holds a number."""
    return next((found for name in names if (found := number(keywords.get(name))) is not None), None)


def first_positive(keywords: Mapping[str, Any], names: Iterable[str]) -> float | None:
    """Return the first of the named keywords that holds a number above 0 (0 = not set)."""
    return next((found for name in names if (found := number(keywords.get(name)) or 0.0) > LEAST), None)


def first_text(keywords: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of the named keywords that says something."""
    return next((found for name in names if (found := text(keywords.get(name))) is not None), None)
