"""Numbers and names as the faces write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import PurePath

from livestack.counted import count
from livestack.sessions import night_of

THIN = "\u202f"
"""Between a number and its unit."""

UNKNOWN = "–"

REASON_WORDS = {
    "unreadable": "could not be read",
    "truncated": "file ends early",
    "mismatched": "does not fit the stack",
    "too_few_stars": "too few stars",
    "not_registered": "could not be aligned",
    "trailed": "trailed",
    "blurred": "blurred",
    "clouded": "cloud",
    "duplicate": "same as another",
    "vanished": "file is gone",
    "wrong_kind": "not a light",
}
"""Reason codes in two or three words."""


def clock(time: datetime | None, *, seconds: bool = False) -> str:
    """Return a local 24 h clock time."""
    if time is None:
        return UNKNOWN
    return time.astimezone().strftime("%H:%M:%S" if seconds else "%H:%M")


def span_parts(seconds: float) -> tuple[tuple[str, str], ...]:
    """Return a duration as numbers and units: 48 s; 37 min 20 s; from an hour on 2 h 17 min."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        parts = [(hours, "h"), (minutes, "min")]
    elif minutes:
        parts = [(minutes, "min"), (left, "s")]
    else:
        return ((str(left), "s"),)
    return tuple((f"{number:,}", unit) for place, (number, unit) in enumerate(parts) if number or not place)


def span(seconds: float) -> str:
    """Return a duration as text."""
    return " ".join(f"{number}{THIN}{unit}" for number, unit in span_parts(seconds))


def about(seconds: float) -> str:
    """Return a duration to the minute once there is one: for what is only foreseen."""
    return span(seconds) if seconds < 60 else span(60 * max(1, round(seconds / 60)))


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago something was, as one says it at night: 14 seconds ago, last night, 2 August."""
    seconds = (now - moment).total_seconds()
    if seconds < 1:
        return "just now"
    for least, noun in ((1, "second"), (60, "minute"), (3600, "hour")):
        if seconds < (60 * least if noun != "hour" else 12 * least):
            return f"{count(int(seconds / least), noun)} ago"
    last, then = (date.fromisoformat(night_of(time.astimezone())) for time in (now, moment))
    nights = (last - then).days
    if nights < 2:
        return "last night" if nights else f"{count(int(seconds / 3600), 'hour')} ago"
    return f"{nights} nights ago" if nights < 14 else day(moment.astimezone().date(), now)


def day(when: date, now: datetime) -> str:
    """Return a date, with its year where that is another."""
    return f"{when.day} {when:%B}" + ("" if when.year == now.astimezone().year else f" {when.year}")


def fixed(value: float | None, digits: int) -> str:
    """Return a number with fixed decimals and a true minus; – when unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:,.{digits}f}".replace("-", "−")


def place(folder: str) -> str:
    """Return a folder as its last two names: short enough to say, long enough to know it."""
    names = [name for name in PurePath(folder).parts if name not in ("/", "\\")]
    return " / ".join(names[-2:])


def sentence_case(text: str) -> str:
    """Return the text with its first letter a capital."""
    return text[:1].upper() + text[1:]


def percent(share: float) -> str:
    """Return a share as whole percent."""
    return f"{100 * share:.0f}{THIN}%"


def spelled(number: int) -> str:
    """Return a number as a word up to twelve, as it stands in a sentence."""
    return _SPELLED[number] if 0 <= number < len(_SPELLED) else f"{number:,}"


_SPELLED = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def joined(parts: Sequence[str]) -> str:
    """Return things in a row: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def with_units(text: str) -> str:
    """Return words with every unit held to its number, as `THIN` does it."""
    return re.sub(r"(?<=\d) (?=(?:%|°C|px|ADU|s|min|h|MB|GB)(?!\w))", THIN, text)


def as_sentence(text: str) -> str:
    """Return words as a sentence: its first letter a capital, and a full stop."""
    text = sentence_case(text.strip())
    return text if not text or text[-1] in ".?:" else f"{text}."
