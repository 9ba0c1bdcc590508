"""What a header says of the gear at work: the sensor's cooling, and where the mount points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from livestack.frame import Header
from livestack.read.header import angle
from livestack.read.keywords import first_number, first_positive, first_text

_SET_POINT = ("SET-TEMP", "SETTEMP", "CCDTEMPS", "SET_TEMP")
_LONGITUDE = ("SITELONG", "LONG-OBS", "OBSGEO-L", "LONGITUD")
_LATITUDE = ("SITELAT", "LAT-OBS", "OBSGEO-B", "LATITUDE")
_ALTITUDE = ("OBJCTALT", "CENTALT", "ALTITUDE")
_LOWEST_DEG = 5.0
_J2000_S = 946_728_000.0
_SIDEREAL_DEG = 280.46061837, 360.98564736629
"""Sidereal time at Greenwich at J2000, and its turn in a day."""


def gear_of(header: Header) -> dict[str, Any]:
    """Return sensor_c and set_c (°C), hour_angle_h (h, from −12 to 12), airmass, pier (its side): what is known."""
    hour_angle_h = _hour_angle_h(header)
    said = {
        "sensor_c": header.temperature_c,
        "set_c": first_number(header.raw, _SET_POINT),
        "hour_angle_h": hour_angle_h,
        "airmass": _airmass(header, hour_angle_h),
        "pier": first_text(header.raw, ("PIERSIDE",)),
    }
    return {name: value for name, value in said.items() if value is not None}


def _hour_angle_h(header: Header) -> float | None:
    """Return how long ago the field crossed the meridian, in sidereal hours."""
    east_deg = _first_angle(header, _LONGITUDE)
    if header.time_utc is None or header.ra_deg is None or east_deg is None or abs(east_deg) > 360:
        return None
    at_j2000, turn = _SIDEREAL_DEG
    sidereal_deg = at_j2000 + turn * (header.time_utc.timestamp() - _J2000_S) / 86_400 + east_deg
    return round(((sidereal_deg - header.ra_deg + 180) % 360 - 180) / 15, 4)


def _airmass(header: Header, hour_angle_h: float | None) -> float | None:
    """Return through how many atmospheres the field is seen; 1 in the zenith."""
    said = first_positive(header.raw, ("AIRMASS",))
    if said is not None:
        return said
    altitude_deg, north_deg = _first_angle(header, _ALTITUDE), _first_angle(header, _LATITUDE)
    if altitude_deg is None and hour_angle_h is not None and header.dec_deg is not None and north_deg is not None:
        hour, dec, north = (math.radians(value) for value in (15 * hour_angle_h, header.dec_deg, north_deg))
        up = math.sin(dec) * math.sin(north) + math.cos(dec) * math.cos(north) * math.cos(hour)
        altitude_deg = math.degrees(math.asin(max(-1.0, min(1.0, up))))
    if altitude_deg is None or not _LOWEST_DEG < altitude_deg <= 90:
        return None
    return round(1 / math.sin(math.radians(altitude_deg)), 4)


def _first_angle(header: Header, names: Iterable[str]) -> float | None:
    return next((degrees for name in names if (degrees := angle(header.raw.get(name))) is not None), None)
