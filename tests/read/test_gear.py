"""What headers say of cooling and mount, in the words of several capture programs."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from astropy import units
from astropy.time import Time

from livestack.read.gear import gear_of
from livestack.read.header import make_header

WHEN = datetime(2026, 8, 20, 22, 30, tzinfo=UTC)
KEYWORDS = {
    "DATE-OBS": "2026-08-20T22:29:00", "EXPTIME": 120.0, "IMAGETYP": "LIGHT", "RA": 299.9, "DEC": 22.72,
    "SITELONG": "11 34 12.0", "SITELAT": "48 08 06.0", "SET-TEMP": -10.0, "CCD-TEMP": -9.4, "PIERSIDE": "West",
}  # fmt: skip


def _gear(**changes: object) -> dict[str, float]:
    keywords = {name: value for name, value in {**KEYWORDS, **changes}.items() if value is not None}
    return gear_of(make_header(Path("x.fits"), keywords, (100, 100)))


def test_cooling_and_pier_are_as_said() -> None:
    gear = _gear()
    assert (gear["sensor_c"], gear["set_c"], gear["pier"]) == (-9.4, -10.0, "West")
    bare = _gear(**dict.fromkeys(("SET-TEMP", "CCD-TEMP", "PIERSIDE", "SITELONG", "SITELAT")))
    assert not bare


def test_the_hour_angle_is_that_of_the_sky() -> None:
    east = 11 + 34 / 60 + 12 / 3600
    sidereal = Time(WHEN.replace(tzinfo=None), scale="ut1").sidereal_time("mean", east * units.deg).hour
    expected = (sidereal - KEYWORDS["RA"] / 15 + 12) % 24 - 12  # type: ignore[operator]
    assert _gear()["hour_angle_h"] == pytest.approx(expected, abs=0.002)


def test_airmass_is_as_said_or_by_altitude_or_by_the_place() -> None:
    assert _gear(AIRMASS=1.31)["airmass"] == 1.31
    assert _gear(OBJCTALT=30.0)["airmass"] == pytest.approx(2.0)
    hour = math.radians(15 * _gear()["hour_angle_h"])
    dec, north = math.radians(22.72), math.radians(48 + 8 / 60 + 6 / 3600)
    up = math.sin(dec) * math.sin(north) + math.cos(dec) * math.cos(north) * math.cos(hour)
    assert _gear()["airmass"] == pytest.approx(1 / up, rel=1e-3)
    assert "airmass" not in _gear(OBJCTALT=2.0)
