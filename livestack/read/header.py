"""Keywords of every camera program into one `Header`: one table of names, and the few that need thought."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from livestack.errors import FrameError
from livestack.frame import Header
from livestack.read import bayer
from livestack.read.calibrated import calibrated_of, pedestal_of
from livestack.read.facts import facts_of
from livestack.read.keywords import first_number, first_positive, first_text, number, text
from livestack.read.kinds import kind_of
from livestack.read.names import FITS_SUFFIXES, suffix_of
from livestack.read.times import from_julian, parse_time
from livestack.read.wcs import sky_matrix_of, wcs_of

Keywords = Mapping[str, Any]

EXPOSURE: Final = ("EXPTIME", "EXPOSURE", "EXP", "EXP_TIME", "SHUTTER_SPEED")
GAIN: Final = ("GAIN", "ISOSPEED", "ISO", "LOG-GAIN")
E_PER_ADU: Final = ("EGAIN", "CVF", "GAINADU", "ESO DET OUT1 CONAD")
OFFSET: Final = ("OFFSET", "BLKLEVEL")
READ_NOISE: Final = ("RDNOISE", "READNOIS", "RON", "ESO DET OUT1 RON")
SATURATION: Final = ("SATURATE", "SATLEVEL")
"""DATAMAX is not here: most programs mean the brightest pixel of this one frame by it."""
DAYLIGHT: Final = ("DAYRED", "DAYGREEN", "DAYBLUE")
"""Not of a standard: so stack files keep what camera RAW files tell."""
TEMPERATURE: Final = (
    "CCD-TEMP",
    "CCD_TEMP",
    "CCDTEMP",
    "CCDATEMP",
    "DET-TEMP",
    "TEMPERAT",
    "CAMTCCD",
    "CAMTEMP",
    "SET-TEMP",
)
AIR: Final = ("FOCTEMP", "FOCUSTEM", "FOC-TEMP", "FOCUSTMP", "AMBTEMP", "AMB-TEMP", "OUTTEMP")
"""At the focuser first: what cools there moves the focus."""
FILTER: Final = ("FILTER", "FILT-1", "ESO INS FILT1 NAME")
CAMERA: Final = ("INSTRUME", "CAMERA", "DETECTOR")
TARGET: Final = ("OBJECT", "FIELD")
FOCAL: Final = ("FOCALLEN", "FOCAL", "FOCAL_LENGTH")
BINNED_PIXEL: Final = ("XPIXSZ", "XPIXELSZ", "XPIXSIZE")
SENSOR_PIXEL: Final = ("PIXSIZE1", "PIXSIZEX")
BINNING: Final = (
    ("XBINNING", "YBINNING"),
    ("BINX", "BINY"),
    ("CCDXBIN", "CCDYBIN"),
    ("XFACTOR", "YFACTOR"),
    ("ESO DET WIN1 BINX", "ESO DET WIN1 BINY"),
)
PATTERN: Final = ("BAYERPAT", "COLORTYP", "CFAIMAGE")
MIDDLE: Final = ("DATE-AVG",)
START: Final = ("DATE-OBS", "DATE-BEG", "UT-OBS")
CLOCK: Final = ("TIME-OBS", "UTSTART", "TIME-BEG", "UT")
START_DAYS: Final = ("MJD-OBS", "MJD-BEG", "JD", "JD-OBS")

ROW_ORDERS: Final = ("TOP-DOWN", "BOTTOM-UP")
HOUR_DEG: Final = 15.0
KELVIN: Final = 273.15
WARMEST_C: Final = 150.0
NIGHT_AIR_C: Final = (-70.0, 60.0)
LONGEST_S: Final = 86400.0
BIN_PAIR: Final = re.compile(r"(\d+)\s*[*xX×]\s*(\d+)")
SEXAGESIMAL: Final = re.compile(r"([-+]?)\s*(\d+)[\s:hHdD°]+(\d+)(?:[\s:mM'′]+(\d+(?:\.\d*)?))?")


def make_header(
    path: Path, keywords: Keywords, size: tuple[int, int], colour: bool = False, cfa: str | None = None
) -> Header:
    """Translate the keywords of one file.

    Parameters
    ----------
    path : Path
        The file; its folder and name tell what the keywords do not.
    keywords : mapping
        Name → value as read.
    size : tuple of int
        (H, W) in px.
    colour : bool
        The data have three planes: whatever BAYERPAT says, they are not a mosaic any more.
    cfa : str, optional
        Pattern of the array in memory, where the reader knows it without keywords.

    Raises
    ------
    FrameError
        mismatched: a 6x6 mosaic that is not X-Trans.
    """
    named = facts_of(path)
    exposure_s = _first(exposure_of(keywords), _within_a_day(named.exposure_s))
    row_order = (text(keywords.get("ROWORDER")) or "").upper()
    ra_deg, dec_deg = pointing_of(keywords)
    binning = binning_of(keywords) or (named.binning or 1,) * 2
    return Header(
        path=path,
        size=size,
        kind=kind_of(path, keywords, exposure_s),
        time_utc=time_of(keywords, exposure_s),
        exposure_s=exposure_s,
        gain=_first(first_number(keywords, GAIN), named.gain),
        offset_adu=first_number(keywords, OFFSET),
        pedestal_adu=pedestal_of(keywords),
        e_per_adu=first_positive(keywords, E_PER_ADU),
        read_noise_e=first_positive(keywords, READ_NOISE),
        saturation_adu=first_positive(keywords, SATURATION),
        temperature_c=_first(temperature_of(keywords), named.temperature_c),
        air_c=air_of(keywords),
        filter=first_text(keywords, FILTER) or named.filter,
        cfa=None if colour else cfa or cfa_of(path, keywords, size[0]),
        binning=binning,
        camera=first_text(keywords, CAMERA),
        telescope=text(keywords.get("TELESCOP")),
        target=first_text(keywords, TARGET) or named.target,
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        focal_mm=focal_of(keywords),
        pixel_um=pixel_of(keywords, binning[0]),
        row_order=row_order if row_order in ROW_ORDERS else None,
        sky_matrix=sky_matrix_of(keywords),
        wcs=wcs_of(keywords) if suffix_of(path) in FITS_SUFFIXES else {},
        calibrated=calibrated_of(path, keywords),
        daylight=daylight_of(keywords),
        raw=dict(keywords),
    )


def daylight_of(keywords: Keywords) -> tuple[float, float, float] | None:
    """Return what makes daylight white, as a camera RAW file told it; green is 1."""
    red, green, blue = (first_positive(keywords, (name,)) for name in DAYLIGHT)
    return (red / green, 1.0, blue / green) if red and green and blue else None


def _first(said: float | None, named: float | None) -> float | None:
    return named if said is None else said


def exposure_of(keywords: Keywords) -> float | None:
    """Return the exposure in seconds; ASICAP writes microseconds."""
    seconds = first_number(keywords, EXPOSURE)
    if seconds is None and (micro := number(keywords.get("EXPOINUS"))) is not None:
        seconds = micro * 1e-6
    return _within_a_day(seconds)


def _within_a_day(seconds: float | None) -> float | None:
    """Return an exposure that can be one: a longer one is a slip of the header, of which no sum may be made."""
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_S else None


def time_of(keywords: Keywords, exposure_s: float | None) -> datetime | None:
    """Return the middle of the exposure, UTC.

    DATE-AVG is the middle itself; half the exposure is added to a start. A date without a time of day comes last.
    """
    clock = first_text(keywords, CLOCK) or ""
    if middle := parse_time(first_text(keywords, MIDDLE) or ""):
        return middle[0]
    said = [parse_time(text(keywords.get(name)) or "", clock) for name in START]
    days = first_number(keywords, START_DAYS)
    start = next((found[0] for found in said if found and found[1]), None)
    start = start or (from_julian(days) if days else None)
    start = start or next((found[0] for found in said if found), None)
    return start and start + timedelta(seconds=(exposure_s or 0.0) / 2)


def temperature_of(keywords: Keywords) -> float | None:
    """Return the sensor temperature in °C; Kelvin is told by its size."""
    degrees = first_number(keywords, TEMPERATURE)
    if degrees is None or degrees < -KELVIN:
        return None
    return degrees - KELVIN if degrees > WARMEST_C else degrees


def air_of(keywords: Keywords) -> float | None:
    """Return the temperature at the focuser or of the air in °C; programs write absurd ones where no probe is."""
    degrees = first_number(keywords, AIR)
    coldest, hottest = NIGHT_AIR_C
    return degrees if degrees is not None and coldest <= degrees <= hottest else None


def binning_of(keywords: Keywords) -> tuple[int, int] | None:
    """Return the binning (x, y), from pairs of numbers or ``'2*2'``; None where nothing is said."""
    for name_x, name_y in BINNING:
        if (x := number(keywords.get(name_x))) is not None and x >= 1:
            y = number(keywords.get(name_y)) or x
            return int(x), max(1, int(y))
    said = text(keywords.get("BINNING")) or ""
    if pair := BIN_PAIR.search(said):
        return max(1, int(pair[1])), max(1, int(pair[2]))
    both = number(said)
    return None if both is None else (max(1, int(both)), max(1, int(both)))


def focal_of(keywords: Keywords) -> float | None:
    """Return the focal length in mm; FLENGTH is in metres."""
    metres = first_positive(keywords, ("FLENGTH",))
    return first_positive(keywords, FOCAL) or (metres * 1000 if metres else None)


def pixel_of(keywords: Keywords, binning: int) -> float | None:
    """Return the size of one pixel of this frame in µm, binning included."""
    sensor = first_positive(keywords, SENSOR_PIXEL)
    return first_positive(keywords, BINNED_PIXEL) or (sensor * binning if sensor else None)


def pointing_of(keywords: Keywords) -> tuple[float | None, float | None]:
    """Return (RA, Dec) of the field in degrees. Both exactly 0 means that no mount was there."""
    in_hours = "DWARF" in f"{keywords.get('TELESCOP')} {keywords.get('ORIGIN')}".upper()
    pairs = (("RA", "DEC", in_hours), ("OBJCTRA", "OBJCTDEC", True), ("RA_D", "DEC_D", False))
    for name_ra, name_dec, hours in pairs:
        ra, dec = angle(keywords.get(name_ra), hours, sexagesimal_hours=True), angle(keywords.get(name_dec))
        if ra is not None and dec is not None and (ra or dec) and abs(dec) <= 90:
            return ra % 360, dec
    if str(keywords.get("CTYPE1", "")).startswith("RA"):
        ra, dec = number(keywords.get("CRVAL1")), number(keywords.get("CRVAL2"))
        if ra is not None and dec is not None:
            return ra % 360, dec
    return None, None


def angle(value: Any, hours: bool = False, sexagesimal_hours: bool = False) -> float | None:
    """Return degrees from a number, or from ``hh mm ss`` / ``±dd mm ss`` in any usual punctuation."""
    match = SEXAGESIMAL.match(text(value) or "") if isinstance(value, str) else None
    if not match:
        degrees = number(value)
        return degrees * HOUR_DEG if degrees is not None and hours else degrees
    sign, whole, minutes, seconds = match.groups()
    size = int(whole) + int(minutes) / 60 + float(seconds or 0) / 3600
    return math.copysign(size, -1 if sign == "-" else 1) * (HOUR_DEG if sexagesimal_hours else 1)


def cfa_of(path: Path, keywords: Keywords, height: int) -> str | None:
    """Return the pattern of the array in memory; None for mono and for words that are no pattern (``TRUE``)."""
    pattern = bayer.clean_pattern(first_text(keywords, PATTERN) or "")
    if not bayer.is_pattern(pattern):
        if bayer.looks_like_xtrans(pattern):
            raise FrameError(
                "mismatched", f"{path.name}: its 6x6 colour pattern is not that of X-Trans; save it as RGB instead."
            )
        return None
    bottom_up = (text(keywords.get("ROWORDER")) or "").upper() == "BOTTOM-UP"
    offsets = (int(number(keywords.get(name)) or 0) for name in ("XBAYROFF", "YBAYROFF"))
    return bayer.in_memory(pattern, height, bottom_up, *offsets)
