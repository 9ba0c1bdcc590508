"""What a header says of the gear at work: the sensor's cooling, and where the mount points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
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
    """Return what is known of it.

    sensor_c and set_c (°C), hour_angle_h (h, from −12 to 12), airmass, pier (its side), sun_deg (its altitude).
    """
    hour_angle_h = _hour_angle_h(header)
    said = {
        "sensor_c": header.temperature_c,
        "set_c": first_number(header.raw, _SET_POINT),
        "hour_angle_h": hour_angle_h,
        "airmass": _airmass(header, hour_angle_h),
        "pier": first_text(header.raw, ("PIERSIDE",)),
        "sun_deg": _sun_deg(header),
    }
    return {name: value for name, value in said.items() if value is not None}


def _hour_angle_h(header: Header) -> float | None:
    """Return how long ago the field crossed the meridian, in sidereal hours."""
    east_deg = _first_angle(header, _LONGITUDE)
    if header.time_utc is None or header.ra_deg is None or east_deg is None or abs(east_deg) > 360:
        return None
    hour_deg = _sidereal_deg(_days(header.time_utc)) + east_deg - header.ra_deg
    return round(((hour_deg + 180) % 360 - 180) / 15, 4)


def _days(time: datetime) -> float:
    """Return the days since J2000."""
    return (time.timestamp() - _J2000_S) / 86_400


def _sidereal_deg(days: float) -> float:
    at_j2000, turn = _SIDEREAL_DEG
    return at_j2000 + turn * days


def _sun_deg(header: Header) -> float | None:
    """Return the altitude of the sun, to a tenth of a degree."""
    east_deg, north_deg = _first_angle(header, _LONGITUDE), _first_angle(header, _LATITUDE)
    if header.time_utc is None or east_deg is None or north_deg is None or abs(east_deg) > 360 or abs(north_deg) > 90:
        return None
    days = _days(header.time_utc)
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439)
    ra = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    dec = math.asin(math.sin(tilt) * math.sin(longitude))
    hour_deg = _sidereal_deg(days) + east_deg - math.degrees(ra)
    return round(_altitude_deg(hour_deg, math.degrees(dec), north_deg), 1)


def _altitude_deg(hour_deg: float, dec_deg: float, north_deg: float) -> float:
    hour, dec, north = map(math.radians, (hour_deg, dec_deg, north_deg))
    up = math.sin(dec) * math.sin(north) + math.cos(dec) * math.cos(north) * math.cos(hour)
    return math.degrees(math.asin(max(-1.0, min(1.0, up))))


def _airmass(header: Header, hour_angle_h: float | None) -> float | None:
    """Return through how many atmospheres the field is seen; 1 in the zenith."""
    said = first_positive(header.raw, ("AIRMASS",))
    if said is not None:
        return said
    altitude_deg, north_deg = _first_angle(header, _ALTITUDE), _first_angle(header, _LATITUDE)
    if altitude_deg is None and hour_angle_h is not None and header.dec_deg is not None and north_deg is not None:
        altitude_deg = _altitude_deg(15 * hour_angle_h, header.dec_deg, north_deg)
    if altitude_deg is None or not _LOWEST_DEG < altitude_deg <= 90:
        return None
    return round(1 / math.sin(math.radians(altitude_deg)), 4)


def _first_angle(header: Header, names: Iterable[str]) -> float | None:
    return next((degrees for name in names if (degrees := angle(header.raw.get(name))) is not None), None)
