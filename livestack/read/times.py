"""Times as camera programs write them, in headers and in file names."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

DATE: Final = re.compile(r"(\d{4})[-:](\d\d?)[-:](\d\d?)")
OLD_DATE: Final = re.compile(r"(\d\d?)/(\d\d?)/(\d{2,4})")
CLOCK: Final = re.compile(
    r"(?P<hour>\d\d?):(?P<minute>\d\d?)(?::(?P<second>\d\d?)(?:[.,](?P<fraction>\d*))?)?"
    r"\s*(?P<zone>[Zz]|[-+]\d\d:?\d\d)?"
)
IN_NAME: Final = re.compile(
    r"(?<!\d)(19|20)(\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[T_ -]+([0-2]\d)[-_.:h]?([0-5]\d)[-_.:m]?([0-5]\d)(?:\.(\d+))?"
)
UNIX_EPOCH_JD: Final = 2440587.5
UNIX_EPOCH_MJD: Final = 40587.0
DAY_S: Final = 86400.0
EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)


def parse_time(date: str, clock: str = "") -> tuple[datetime, bool] | None:
    """Read a date, with the time of day in it or in `clock`.

    Parameters
    ----------
    date : str
        ISO 8601 in any usual dress (``T`` or blank, any number of decimals, ``Z``, ``-0700``), EXIF's colons, or the
        old ``dd/mm/yy``.
    clock : str
        ``hh:mm:ss`` where the date stands alone.

    Returns
    -------
    tuple of (datetime, bool), optional
        UTC, and whether there was a time of day. None = no date, or one no camera of today can mean.
    """
    day = _parse_day(date)
    if day is None:
        return None
    (year, month, dom), rest = day
    hands = CLOCK.search(rest) or CLOCK.search(clock)
    try:
        moment = datetime(year, month, dom, tzinfo=UTC)
    except ValueError:
        return None
    if not EARLIEST - DAY <= moment < LATEST:
        return None
    if hands:
        moment += _since_midnight(hands)
    return (moment, hands is not None) if EARLIEST <= moment < LATEST else None


def _parse_day(date: str) -> tuple[tuple[int, int, int], str] | None:
    """Split a date into (year, month, day) and what follows it."""
    if match := DATE.search(date):
        year, month, day = (int(part) for part in match.groups())
        return (year, month, day), date[match.end() :]
    if match := OLD_DATE.search(date):
        day, month, year = (int(part) for part in match.groups())
        # Three digits are years since 1900, from programs that never heard of 2000.
        return (year if year >= 1000 else 1900 + year, month, day), date[match.end() :]
    return None


def _since_midnight(hands: re.Match[str]) -> timedelta:
    """Return the time of day in UTC; the zone, if any, is taken off."""
    fraction = float(f"0.{hands['fraction'] or 0}")
    clock = timedelta(
        hours=int(hands["hour"]), minutes=int(hands["minute"]), seconds=int(hands["second"] or 0) + fraction
    )
    zone = hands["zone"]
    if zone and zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        clock += offset if zone[0] == "-" else -offset
    return clock


def from_julian(days: float) -> datetime | None:
    """Read a Julian date or a modified one (told apart by their size)."""
    epoch = UNIX_EPOCH_JD if days > 1e6 else UNIX_EPOCH_MJD
    try:
        moment = datetime.fromtimestamp((days - epoch) * DAY_S, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if EARLIEST <= moment < LATEST else None


def time_in_name(name: str) -> datetime | None:
    """Read a time such as ``20250327-014513`` or ``2026-08-20_22-39-24`` from a file name, taken as UTC."""
    match = IN_NAME.search(name)
    if not match:
        return None
    century, year, *rest, fraction = match.groups()
    month, day, hour, minute, second = (int(part) for part in rest)
    try:
        moment = datetime(int(century + year), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return moment + timedelta(seconds=float(f"0.{fraction or 0}"))
