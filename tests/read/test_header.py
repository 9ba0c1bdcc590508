"""Headers of camera programs, card by card as they write them, and what must be understood."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from livestack.frame import Header
from livestack.read import open_header
from tests.read.writing import noise, write_fits, write_text_header

NINA = """
IMAGETYP= 'LIGHT'              / Type of exposure
EXPOSURE=                300.0 / [s] Exposure duration
EXPTIME =                300.0 / [s] Exposure duration
DATE-LOC= '2026-08-20T22:39:24.123' / Time of observation (local)
DATE-OBS= '2026-08-20T20:39:24.123' / Time of observation (UTC)
DATE-AVG= '2026-08-20T20:41:54.123' / Averaged midpoint time (UTC)
XBINNING=                    2 / X axis binning factor
YBINNING=                    2 / Y axis binning factor
GAIN    =                  100 / Sensor gain
OFFSET  =                   50 / Sensor gain offset
EGAIN   =     0.24682000279427 / [e-/ADU] Electrons per A/D unit
XPIXSZ  =                 7.52 / [um] Pixel X axis size
YPIXSZ  =                 7.52 / [um] Pixel Y axis size
INSTRUME= 'ZWO ASI2600MM Pro'  / Imaging instrument name
SET-TEMP=                -10.0 / [degC] CCD temperature setpoint
CCD-TEMP=                -10.1 / [degC] CCD temperature
FILTER  = 'Ha'                 / Active filter name
TELESCOP= 'Esprit 100ED'       / Name of telescope
FOCALLEN=                550.0 / [mm] Focal length
RA      =     10.6847083333333 / [deg] RA of telescope
DEC     =     41.2687500000000 / [deg] Declination of telescope
OBJECT  = 'M 31'               / Name of the object of interest
OBJCTRA = '00 42 44'           / [H M S] RA of imaged object
OBJCTDEC= '+41 16 07'          / [D M S] Declination of imaged object
ROWORDER= 'TOP-DOWN'           / FITS Image Orientation
SWCREATE= 'N.I.N.A. 3.1 (x64)' / Software that created this file
"""
EKOS = """
INSTRUME= 'ZWO CCD ASI294MC Pro' / CCD Name
TELESCOP= 'EQMod Mount'        / Telescope name
OBSERVER= 'Unknown'            / Observer name
OBJECT  = 'NGC_4492'           / Object name
EXPTIME =         1.200000E+02 / Total Exposure Time (s)
DARKTIME=         1.200000E+02 / Total Dark Exposure Time (s)
CCD-TEMP=        -1.500000E+01 / CCD Temperature (Celsius)
PIXSIZE1=         4.630000E+00 / Pixel Size 1 (microns)
PIXSIZE2=         4.630000E+00 / Pixel Size 2 (microns)
XBINNING=                    1 / Binning factor in width
YBINNING=                    1 / Binning factor in height
XPIXSZ  =         4.630000E+00 / X binned pixel size in microns
FRAME   = 'Light   '           / Frame Type
IMAGETYP= 'Light Frame'        / Frame Type
XBAYROFF=                    0 / X offset of Bayer array
YBAYROFF=                    1 / Y offset of Bayer array
BAYERPAT= 'RGGB    '           / Bayer color pattern
FOCALLEN=         7.350000E+02 / Focal Length (mm)
ROWORDER= 'TOP-DOWN'           / Row order
OBJCTRA = ' 7 36 34.51'        / Object J2000 RA in Hours
OBJCTDEC= '-14 29  2.15'       / Object J2000 DEC in Degrees
DATE-OBS= '2026-04-13T04:02:34.447' / UTC start date of observation
GAIN    =         1.200000E+02 / Gain
OFFSET  =         3.000000E+01 / Offset
"""
ASIAIR = """
CREATOR = 'ZWO ASIAIR Plus'    / Capture software
XBINNING=                    1 / Camera X Bin
YBINNING=                    1 / Camera Y Bin
EXPOSURE=                 180. / Exposure time in seconds
EXPTIME =                 180. / Exposure time in seconds
FOCALLEN=                  360 / Focal length of telescope in mm
XPIXSZ  =     3.75999999046326 / pixel size in microns (with binning)
IMAGETYP= 'Light   '           / Type of image
CCD-TEMP=                 -9.9 / sensor temperature in C
RA      =             312.7500 / Object Right Ascension in degrees
DEC     =              44.3300 / Object Declination in degrees
DATE-OBS= '2025-09-01T20:11:12.345678' / Image created time
FILTER  = 'L-eNhance'          / Filter used when taking image
INSTRUME= 'ZWO ASI2600MC Pro'  / Camera model
BAYERPAT= 'RGGB    '           / Bayer pattern
GAIN    =                  100 / Gain Value
OFFSET  =                   50 / Offset value
OBJECT  = 'NGC 7000'           / Object
"""
SEESTAR = """
CREATOR = 'ZWO Seestar S50'    / Capture software
IMAGETYP= 'Light   '           / Type of image
STACKCNT=                  187 / Stack frames
EXPTIME =                  10. / Exposure time in seconds
DATE-OBS= '2025-05-13T22:48:35.751879' / Image created time
FILTER  = 'LP      '           / Filter used when taking image
INSTRUME= 'Seestar S50'        / Camera model
BAYERPAT= 'GRBG    '           / Bayer pattern
GAIN    =                   80 / Gain Value
OBJECT  = 'NGC 6027A'          / name or catalog number of object being imaged
TOTALEXP=                1870. / Total Exposure Time in seconds
"""
SHARPCAP = """
SWCREATE= 'SharpCap v4.1.12345.0, 64 bit' /
CCD-TEMP=                 12.7 /
YBINNING=                    1 /
XBINNING=                    1 /
YPIXSZ  =     2.90000009536743 /
EXPTIME =                    4 /
DATE-OBS= '2026-04-29T20:25:29.8219583' / System Clock:Est. Frame Start
COLORTYP= 'GRBG    '           /
BAYERPAT= 'GRBG    '           /
ROWORDER= 'TOP-DOWN'           /
BLKLEVEL=                   10 /
GAIN    =                  250 /
XPIXSZ  =     2.90000009536743 /
INSTRUME= 'ZWO ASI462MC'       /
"""
MAXIM = """
DATE-OBS= '2018-07-04T14:03:03' / [ISO 8601] UTC date/time of exposure start
EXPTIME =   3.00000000000E+002 / [sec] Duration of exposure
EXPOSURE=   3.00000000000E+002 / [sec] Duration of exposure
SET-TEMP=  -35.000000000000000 /CCD temperature setpoint in C
CCD-TEMP=  -34.993802250000002 /CCD temperature at start of exposure in C
XPIXSZ  =   7.4000000000000004 /Pixel Width in microns (after binning)
XBINNING=                    1 / Binning level along the X-axis
YBINNING=                    1 / Binning level along the Y-axis
FILTER  = 'SII     '           / Filter name
IMAGETYP= 'Light Frame' /       Type of image
JD      =   2458304.0854513887 /Julian Date at start of exposure
FOCALLEN=   1425.0000000000000 /Focal length of telescope in mm
SWCREATE= 'MaxIm DL Version 5.24 140126 0KJR5' /Name of software that created
OBJECT  = 'm17     '           / Target object name
TELESCOP= 'iTelescope 33'      / Telescope name
INSTRUME= 'Apogee USB/Net'     / Detector instrument name
NOTES   = '        '
CWHITE  =                  981 /Initial display white level in ADUs
HISTORY  Bias Subtraction (Bias 1, 4864 x 3232, Bin1 x 1, Temp -35C,
CALSTAT = 'BDF     '
PEDESTAL=                 -100 /Correction to add for zero-based ADU
DATE    = '04/07/18'           / [old format] UTC date of exposure start
TIME-OBS= '14:03:03'           / [old format] UTC time of exposure start
RA      = '18 20 48.12'        / [hms J2000] Target right ascension
OBJCTRA = '18 20 48.12'        / [hms J2000] Target right ascension
DEC     = '-16 10 58.8'        / [dms +N J2000] Target declination
"""
SIRIL = """
PROGRAM = 'Siril 1.3.2'        / Software that created this HDU
DATE    = '2024-09-28T22:46:13' / UTC date that FITS file was created
DATE-OBS= '2024-09-13T01:05:23.124000' / observation start, UT
IMAGETYP= 'Dark    '           / Type of image
ROWORDER= 'BOTTOM-UP'          / Order of the rows in image array
STACKCNT=                   20 / Stack frames
EXPTIME =                  60. / [s] Exposure time duration
LIVETIME=                1200. / [s] Exposure time after deadtime correction
XBINNING=                    1 / Camera binning mode
YBINNING=                    1 / Camera binning mode
XPIXSZ  =     3.75999999046326 / [um] Pixel X axis size
INSTRUME= 'QHY268M '           / Instrument name
CCD-TEMP=                   0. / [degC] CCD temperature
GAIN    =                   56 / Sensor gain
OFFSET  =                   30 / Sensor gain offset
CVF     =                 0.33 / [e-/ADU] Electrons per A/D unit
"""
DWARF = """
DATE-OBS= '2023-06-10T21:38:19.442' / Time start to exposure
EXP     =                  15. / [s] Sub Exposure Time
GAIN    =                  110 / Sub Gain
BINNING = '2*2     '           / n*n pixels add together
RA      =                 18.5 / [h] Observe object RA coordinate (J2000)
DEC     =                 33.0 / [deg] Observe object DEC coordinate (J2000)
OBJECT  = '        '           / Observe object
BAYERPAT= 'GBRG    '           / Bayer pattern
TELESCOP= 'DWARFII '           / DWARF II telescope
INSTRUME= 'DWARFII '           / DWARF II instrument
"""
PROGRAMS: dict[str, tuple[str, dict[str, object]]] = {
    "nina": (
        NINA,
        {
            "kind": "light",
            "exposure_s": 300,
            "time_utc": "2026-08-20T20:41:54.123000+00:00",
            "gain": 100,
            "offset_adu": 50,
            "e_per_adu": 0.24682000279427,
            "temperature_c": -10.1,
            "filter": "Ha",
            "binning": (2, 2),
            "camera": "ZWO ASI2600MM Pro",
            "telescope": "Esprit 100ED",
            "target": "M 31",
            "ra_deg": 10.6847083333333,
            "dec_deg": 41.26875,
            "focal_mm": 550,
            "pixel_um": 7.52,
            "row_order": "TOP-DOWN",
            "cfa": None,
        },
    ),
    "ekos": (
        EKOS,
        {
            "kind": "light",
            "exposure_s": 120,
            "time_utc": "2026-04-13T04:03:34.447000+00:00",
            "gain": 120,
            "offset_adu": 30,
            "target": "NGC_4492",
            "ra_deg": 15 * (7 + 36 / 60 + 34.51 / 3600),
            "dec_deg": -(14 + 29 / 60 + 2.15 / 3600),
            "pixel_um": 4.63,
            "cfa": "GBRG",
            "filter": None,
        },
    ),
    "asiair": (
        ASIAIR,
        {
            "kind": "light",
            "exposure_s": 180,
            "time_utc": "2025-09-01T20:12:42.345678+00:00",
            "gain": 100,
            "offset_adu": 50,
            "filter": "L-eNhance",
            "ra_deg": 312.75,
            "cfa": "RGGB",
            "telescope": None,
        },
    ),
    "seestar": (SEESTAR, {"kind": "stack", "exposure_s": 10, "cfa": None, "filter": "LP", "target": "NGC 6027A"}),
    "sharpcap": (
        SHARPCAP,
        {
            "kind": "light",
            "exposure_s": 4,
            "time_utc": "2026-04-29T20:25:31.821958+00:00",
            "gain": 250,
            "offset_adu": 10,
            "cfa": "GRBG",
            "camera": "ZWO ASI462MC",
            "target": None,
        },
    ),
    "maxim": (
        MAXIM,
        {
            "kind": "light",
            "exposure_s": 300,
            "time_utc": "2018-07-04T14:05:33+00:00",
            "gain": None,
            "offset_adu": None,
            "pedestal_adu": 100,
            "calibrated": {"bias", "dark", "flat"},
            "filter": "SII",
            "temperature_c": -34.993802250000002,
            "ra_deg": 15 * (18 + 20 / 60 + 48.12 / 3600),
            "dec_deg": -(16 + 10 / 60 + 58.8 / 3600),
            "saturation_adu": None,
        },
    ),
    "siril": (
        SIRIL,
        {
            "kind": "master_dark",
            "exposure_s": 60,
            "gain": 56,
            "e_per_adu": 0.33,
            "temperature_c": 0,
            "row_order": "BOTTOM-UP",
        },
    ),
    "dwarf": (
        DWARF,
        {
            "kind": "light",
            "exposure_s": 15,
            "gain": 110,
            "binning": (2, 2),
            "ra_deg": 277.5,
            "dec_deg": 33,
            "target": None,
            "cfa": "GBRG",
        },
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: str, tmp_path: Path) -> None:
    lines, expected = PROGRAMS[program]
    colour = program == "seestar"
    path = write_text_header(tmp_path / "a.fits", lines, noise((3, 24, 32)) if colour else None)
    header = open_header(path)
    for name, value in expected.items():
        found = getattr(header, name)
        found = found.isoformat() if name == "time_utc" and found else found
        assert found == (pytest.approx(value) if isinstance(value, float) else value), name


def time_of(tmp_path: Path, **cards: object) -> str | None:
    header: Header = open_header(write_fits(tmp_path / "a.fits", **cards))
    return header.time_utc.isoformat() if header.time_utc else None


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02 03:04:05.5", "2026-01-02T03:04:05.500000+00:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05.123456789", "2026-01-02T03:04:05.123457+00:00"),
        ("2017-12-19T18:33:43.317-0700", "2017-12-20T01:33:43.317000+00:00"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05+00:00"),
        ("2016-12-31T23:59:60", "2017-01-01T00:00:00+00:00"),
        ("26/07/102", "2002-07-26T19:36:37+00:00"),
        ("23/08/18", None),
        ("2026-01-02", "2026-01-02T19:36:37+00:00"),
        ("0000-00-00T00:00:00", None),
        ("1970-01-01T00:00:00", None),
        ("2026-13-45T99:99:99", None),
        ("9999-12-31T99:00:00", None),
        ("yesterday", None),
    ],
)
def test_dates(said: str, utc: str | None, tmp_path: Path) -> None:
    """With TIME-OBS beside them, as old programs write; a two-digit year is of the last century."""
    assert time_of(tmp_path, DATE__OBS=said, TIME__OBS="19:36:37") == utc


def test_julian_dates(tmp_path: Path) -> None:
    """2451545.0 is noon of 1 January 2000; the exposure's half is added to a start."""
    assert time_of(tmp_path, JD=2451545.0, EXPTIME=20.0) == "2000-01-01T12:00:10+00:00"
    assert time_of(tmp_path, MJD__OBS=51544.5) == "2000-01-01T12:00:00+00:00"
    assert time_of(tmp_path, DATE__OBS="2000-01-01", MJD__OBS=51544.5) == "2000-01-01T12:00:00+00:00"
    assert time_of(tmp_path, JD=1e300) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30.5 s", 30.5),
        ("'12'", 12),
        ("9,5", 9.5),
        ("abc", None),
        (-1.0, None),
        (True, None),
        (86400, 86400),
        (1e30, None),
    ],
)
def test_exposures(value: object, seconds: float | None, tmp_path: Path) -> None:
    """A longer one than a day is a slip: sums of it are no time of a night."""
    assert open_header(write_fits(tmp_path / "a.fits", EXPTIME=value)).exposure_s == seconds


def test_the_scale_of_a_pixel_includes_its_binning(tmp_path: Path) -> None:
    header = open_header(write_fits(tmp_path / "a.fits", PIXSIZE1=3.8, XBINNING=2.0, YBINNING=2.0))
    assert (header.pixel_um, header.binning) == (7.6, (2, 2))


def test_what_is_not_said_is_none(tmp_path: Path) -> None:
    path = write_fits(tmp_path / "a.fits", OBJECT="Unknown", FILTER=" ", FOCALLEN=0.0, EGAIN=0.0, RA=0.0, DEC=0.0)
    header = open_header(path)
    for name in ("target", "filter", "focal_mm", "e_per_adu", "ra_deg", "dec_deg", "gain", "exposure_s", "time_utc"):
        assert getattr(header, name) is None, name


def test_the_brightest_pixel_is_not_the_saturation(tmp_path: Path) -> None:
    path = write_fits(tmp_path / "a.fits", DATAMAX=812.0)
    assert open_header(path).saturation_adu is None
    assert open_header(write_fits(path, DATAMAX=812.0, SATURATE=60000)).saturation_adu == 60000


@pytest.mark.parametrize("name", ["RA", "GAIN", "CCD-TEMP", "XBINNING", "XBAYROFF", "DATE-OBS", "IMAGETYP", "OBJCTRA"])
@pytest.mark.parametrize("value", ["", "nan", "1e999", "-", "9" * 60, 10**30, 1e308, True, "24 61", "\\x00"])
def test_nonsense_is_never_an_error(name: str, value: object, tmp_path: Path) -> None:
    header = open_header(write_fits(tmp_path / "a.fits", DEC=5.0, BAYERPAT="RGGB", **{name.replace("-", "__"): value}))
    for field in ("gain", "temperature_c", "ra_deg"):
        found = getattr(header, field)
        assert found is None or math.isfinite(found)


@pytest.mark.parametrize(
    ("keywords", "air_c"),
    [
        ({"FOCTEMP": 4.5, "AMBTEMP": 7.0, "CCD-TEMP": -10.0}, 4.5),
        ({"FOCUSTEM": "-3.25"}, -3.25),
        ({"AMBTEMP": 7.0}, 7.0),
        ({"FOCTEMP": -273.15}, None),
        ({"CCD-TEMP": -10.0}, None),
    ],
)
def test_the_air_is_what_the_focuser_or_the_weather_station_says(
    keywords: dict[str, object], air_c: float | None, tmp_path: Path
) -> None:
    named = {name.replace("-", "__"): value for name, value in keywords.items()}
    assert open_header(write_fits(tmp_path / "a.fits", **named)).air_c == air_c
