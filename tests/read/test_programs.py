"""Camera programs: header and path as they write them, and what must be understood; one row a variant.

``None`` in a row stands for silence: the header may not be filled by a guess.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest

from livestack.read import is_frame_name, open_header
from livestack.read.calibrated import calibrated_of, pedestal_of
from livestack.read.facts import Facts, facts_of
from livestack.read.times import time_in_name
from livestack.stacks.prepare import header_from_json, header_to_json
from tests.read.writing import noise, write_fits

FIELDS = ("kind", "target", "filter", "exposure_s", "gain", "temperature_c", "cfa")
ALL = frozenset({"bias", "dark", "flat"})

Row = tuple[str, dict[str, Any], tuple[Any, ...]]
# fmt: off
PROGRAMS: dict[str, Row] = {
    # program: (path, cards, (kind, target, filter, exposure in s, gain, temperature in °C, CFA))
    "N.I.N.A., header": (
        "2021-03-02/LIGHT/2021-03-02_21-19-00__-10.00_30.00s_0001.fits",
        {"IMAGETYP": "LIGHT", "EXPOSURE": 30.0, "EXPTIME": 30.0, "GAIN": 120, "CCD-TEMP": -10.0, "BAYERPAT": "RGGB",
         "XBAYROFF": 0, "YBAYROFF": 0, "OBJECT": "MarsM45", "ROWORDER": "TOP-DOWN", "SWCREATE": "N.I.N.A. 1.10.2.90"},
        ("light", "MarsM45", None, 30, 120, -10, "RGGB")),
    "N.I.N.A., name": (
        "2026-08-20/LIGHT/2026-08-20_22-39-24_Ha_-10.10_300.00s_0004.fits", {},
        ("light", None, "Ha", 300, None, -10.1, None)),
    "N.I.N.A., dark flat": (
        "2026-08-20/DARKFLAT/2026-08-20_22-39-24_Ha_-10.10_1.50s_0004.fits", {"IMAGETYP": "DARKFLAT", "EXPTIME": 1.5},
        ("darkflat", None, "Ha", 1.5, None, -10.1, None)),
    "N.I.N.A., snapshot": (
        "2026-08-20/SNAPSHOT/2026-08-20_22-39-24_L_-10.10_5.00s_0000.fits", {},
        ("light", None, "L", 5, None, -10.1, None)),
    "N.I.N.A., own pattern": (
        "M33/NGC7000_Light_OIII_120s_Gain100_-10C_Bin1_0042.fits", {},
        ("light", "NGC7000", "OIII", 120, 100, -10, None)),
    "Ekos, header": (
        "NGC_4492/Light/NGC_4492_Light_120_secs_2026-04-13T04-02-34_001.fits",
        {"OBJECT": "NGC_4492", "EXPTIME": 120.0, "CCD-TEMP": -15.0, "FRAME": "Light", "IMAGETYP": "Light Frame",
         "GAIN": 120.0, "BAYERPAT": "RGGB", "XBAYROFF": 0, "YBAYROFF": 0, "ROWORDER": "TOP-DOWN"},
        ("light", "NGC_4492", None, 120, 120, -15, "RGGB")),
    "Ekos, name": (
        "NGC_6543/Light/H_Alpha/NGC_6543_Light_H_Alpha_720_secs_2023-06-10T23-03-41_009.fits", {},
        ("light", "NGC_6543", "H_Alpha", 720, None, None, None)),
    "Ekos, a target like a kind": (
        "Dark_Shark_Light_Ha_300_secs_2026-11-22T22-01-33_001.fits", {},
        ("light", "Dark_Shark", "Ha", 300, None, None, None)),
    "Ekos, dark flat": (
        "M31/DarkFlat/Ha/M31_DarkFlat_Ha_2_secs_2026-11-22T22-01-33_001.fits",
        {"FRAME": "Dark", "IMAGETYP": "Dark Frame", "EXPTIME": 2.0},
        ("darkflat", "M31", "Ha", 2, None, None, None)),
    "Ekos, bias": (
        "M31/Bias/M31_Bias_0_secs_2026-11-22T22-01-33_001.fits", {},
        ("bias", "M31", None, 0, None, None, None)),
    "INDIGO": (
        "Eagle_Light_Ha_-20_600s_012.fits", {}, ("light", "Eagle", "Ha", 600, None, None, None)),
    "ASIAIR, header": (
        "ASIAIR/Plan/Light/IC 1805/Light_IC 1805_300.0s_Bin1_2600MC_gain100_20251016-194720_-10.0C_0001.fit",
        {"CREATOR": "ZWO ASIAIR Plus", "IMAGETYP": "Light", "EXPTIME": 300.0, "GAIN": 100, "CCD-TEMP": -9.9,
         "BAYERPAT": "RGGB", "OBJECT": "IC 1805", "FILTER": "L-eNhance", "INSTRUME": "ZWO ASI2600MC Pro"},
        ("light", "IC 1805", "L-eNhance", 300, 100, -9.9, "RGGB")),
    "ASIAIR, name": (
        "Autorun/Light/NGC 7000/"
        "Light_NGC 7000_300.0s_Bin1_2600MM_Ha_gain100_20240902-221500_12deg_+14.0C_0012.fit", {},
        ("light", "NGC 7000", "Ha", 300, 100, 14, None)),
    "ASIAIR, a target like an exposure": (
        "Light_Test_5s_300.0s_Bin2_2600MC_gain100_20260101-010101_-10.0C_0001.fit", {},
        ("light", "Test_5s", None, 300, 100, -10, None)),
    "ASIAIR, no gain": (
        "Light_M 74_60.0s_Bin1_irct_20260915-022328_83deg_0047.fit", {},
        ("light", "M 74", "irct", 60, None, None, None)),
    "ASIAIR, DSLR": (
        "Light_M42_240.0s_Bin1_ISO1600_20230212-195555_0001.FIT", {}, ("light", "M42", None, 240, 1600, None, None)),
    "ASIAIR, flat": (
        "Autorun/Flat/Flat_800.0ms_Bin1_2600MC_gain100_20260915-064702_185deg_-9.6C_0003.fit", {},
        ("flat", None, None, 0.8, 100, -9.6, None)),
    "ASIAIR, bias": (
        "Autorun/Bias/Bias_1.0ms_Bin1_2600MC_gain100_20260829-121555_91deg_-10.2C_0001.fit", {},
        ("bias", None, None, 0.001, 100, -10.2, None)),
    "ASIAIR, master": (
        "masters/MasterDark_Stack10_60.0s_Bin1_2600MC_gain100_20230919-204844_-10.0C.fit", {"IMAGETYP": "Dark"},
        ("master_dark", None, None, 60, 100, -10, None)),
    "ASIAIR, live stack elsewhere": (
        "M31/Light_Stack30_M31_10.0s_Bin1_2600MC_gain100_20230919-204844.fit", {"IMAGETYP": "Light"},
        ("stack", "M31", None, 10, 100, None, None)),
    "ASIAIR, guider's darks": (
        "DarkLibrary_220MM_gain350_20250223-205615.fit", {}, ("master_dark", None, None, None, 350, None, None)),
    "Seestar, header": (
        "MyWorks/M 94_sub/Light_M 94_10.0s_IRCUT_20250327-014513.fit",
        {"CREATOR": "ZWO Seestar S50", "IMAGETYP": "Light", "STACKCNT": 1, "EXPTIME": 10.0, "FILTER": "IRCUT",
         "GAIN": 80, "BAYERPAT": "GRBG", "OBJECT": "M 94", "CCD-TEMP": 17.875},
        ("light", "M 94", "IRCUT", 10, 80, 17.875, "GRBG")),
    "Seestar, name": (
        "Light_NGC 6995_20.0s_LP_20260924-213412.fit", {}, ("light", "NGC 6995", "LP", 20, None, None, None)),
    "Seestar, mosaic": (
        "Light_mosaic_M 106_20.0s_IRCUT_20250518-232329.fit", {}, ("light", "M 106", "IRCUT", 20, None, None, None)),
    "Seestar, stack": (
        "NGC 6027A/a.fit", {"CREATOR": "ZWO Seestar S50", "IMAGETYP": "Light", "STACKCNT": 187, "EXPTIME": 10.0},
        ("stack", None, None, 10, None, None, None)),
    "DWARF, header": (
        "DWARF_RAW/a.fits",
        {"EXP": 15.0, "GAIN": 110, "BINNING": "2*2", "OBJECT": "", "BAYERPAT": "GBRG", "TELESCOP": "DWARFII"},
        ("light", None, None, 15, 110, None, "GBRG")),
    "DWARF, name": (
        "DWARF_RAW_TELE_M 33_EXP_30_GAIN_60_2025-10-21-22-18-55-284/M 33_30s60_Astro_20251021-221929504_24C.fits", {},
        ("light", "M 33", "Astro", 30, 60, 24, None)),
    "DWARF, not stacked by it": (
        "failed_IC 434_60s60_Duo-Band_20251018-045526506_16C.fits", {},
        ("light", "IC 434", "Duo-Band", 60, 60, 16, None)),
    "DWARF, dark": (
        "DWARF_DARK/tele_exp_30_gain_60_bin_1_2025-10-21-00-37-45-393/raw_30s_60_0000_20251021-003814624_22C.fits",
        {"EXP": 30.0, "GAIN": 60}, ("dark", None, None, 30, 60, 22, None)),
    "DWARF, its dark": (
        "CALI_FRAME/dark/cam_0/dark_exp_30.000000_gain_60_bin_1_22C_stack_10.fits", {},
        ("master_dark", None, None, 30, 60, 22, None)),
    "DWARF, dark by its name": (
        "raw_10s_60_0000_20260102-184951912_-5C.fits", {}, ("dark", None, None, 10, 60, -5, None)),
    "DWARF, its flat": (
        "CALI_FRAME/flat/cam_0/flat_gain_2_bin_1_ir_1.fits", {}, ("master_flat", None, None, None, 2, None, None)),
    "SharpCap": (
        "SharpCap Captures/2025-10-30/Capture/18_02_45/rawframes/Capture_00001.fits",
        {"SWCREATE": "SharpCap v4.1.12345.0, 64 bit", "CCD-TEMP": 12.7, "EXPTIME": 4, "COLORTYP": "GRBG", "GAIN": 250,
         "ROWORDER": "TOP-DOWN", "BLKLEVEL": 10},
        ("light", None, None, 4, 250, 12.7, "GRBG")),
    "Siril, raw": ("M31/lights/light_00001.fit", {"EXPTIME": 60.0}, ("light", None, None, 60, None, None, None)),
    "Siril, calibrated": (
        "M31/process/pp_light_00001.fit", {"IMAGETYP": "Light"}, ("light", None, None, None, None, None, None)),
    "Siril, registered": (
        "M31/process/r_bkg_pp_light_00001.fit", {}, ("light", None, None, None, None, None, None)),
    "Siril, calibrated flat": (
        "M31/process/pp_flat_00001.fit", {}, ("flat", None, None, None, None, None, None)),
    "Siril, master": (
        "M31/masters/dark_stacked.fit",
        {"PROGRAM": "Siril 1.3.2", "IMAGETYP": "Dark", "STACKCNT": 20, "EXPTIME": 60.0, "GAIN": 56, "CCD-TEMP": 0.0},
        ("master_dark", None, None, 60, 56, 0, None)),
    "Siril, master flat": (
        "M31/process/pp_flat_stacked.fit", {}, ("master_flat", None, None, None, None, None, None)),
    "Siril, stack": (
        "M31/process/r_pp_light_stacked.fit", {}, ("stack", None, None, None, None, None, None)),
    "PixInsight, bias": (
        "master/masterBias_BIN-1_6248x4176.fits", {"IMAGETYP": "Master Bias"},
        ("master_bias", None, None, None, None, None, None)),
    "PixInsight, dark": (
        "master/masterDark_BIN-1_6248x4176_EXPOSURE-300.00s_GAIN-0.fits", {},
        ("master_dark", None, None, 300, 0, None, None)),
    "PixInsight, flat": (
        "master/masterFlat_BIN-1_6248x4176_FILTER-Red_mono.fits", {"IMAGETYP": "Master Flat"},
        ("master_flat", None, "Red", None, None, None, None)),
    "PixInsight, stack": (
        "master/masterLight_BIN-1_6224x4168_EXPOSURE-300.00s_FILTER-Red_mono_TARGET-NGC 7331_autocrop.fits", {},
        ("stack", "NGC 7331", "Red", 300, None, None, None)),
    "PixInsight, folder": (
        "registered/Light_BIN-1_6224x4168_EXPOSURE-300.00s_FILTER-Red_mono/x_0001.fits", {},
        ("light", None, None, None, None, None, None)),
    "MaxIm DL, header": (
        "calibrated-T33-m17-20180704-180S-SII.fit",
        {"IMAGETYP": "Light Frame", "EXPTIME": 300.0, "CCD-TEMP": -34.9938, "FILTER": "SII", "OBJECT": "m17",
         "SWCREATE": "MaxIm DL Version 5.24 140126 0KJR5", "CALSTAT": "BDF", "PEDESTAL": -100},
        ("light", "m17", "SII", 300, None, -34.9938, None)),
    "MaxIm DL, name": ("M27-001R.fit", {}, ("light", "M27", "R", None, None, None, None)),
    "APT, header": (
        "M33/L_2018-09-18_01-00-46_Bin1x1_240s__-15C.fit",
        {"OBJECT": "TEST", "EXPTIME": 240.0, "SWCREATE": "Astro Photography Tool - APT v.3.54.1", "SNAPSHOT": 1,
         "SET-TEMP": -15.0, "IMAGETYP": "Light Frame", "GAIN": 120, "EGAIN": 1.00224268436432},
        ("light", "TEST", None, 240, 120, -15, None)),
    "APT, name": (
        "D_2018-10-23_20-58-50_Bin1x1_240s__-20C.fit", {}, ("dark", None, None, 240, None, -20, None)),
    "APT, flat": (
        "F_2018-10-23_20-58-50_Bin1x1_2s_Ha_-20C.fit", {}, ("flat", None, "Ha", 2, None, -20, None)),
    "SGPro, header": (
        "M57_2020-05-30T022249_30sec_HaOIII_COLD_-17C_frame19.fit",
        {"OBJECT": "M57", "IMAGETYP": "LIGHT", "CREATOR": "Sequence Generator Pro v3.1.0.479", "FILTER": "HaOIII",
         "EXPOSURE": 30, "CCD-TEMP": -17.5, "GAIN": 120, "CCDXBIN": 1},
        ("light", "M57", "HaOIII", 30, 120, -17.5, None)),
    "SGPro, name": (
        "Sadr Area_2020-05-28T011655_60sec_HaOIII__-15C_frame18.fit", {},
        ("light", "Sadr Area", "HaOIII", 60, None, -15, None)),
    "SGPro, short name": ("Light/M51_600_1x1_L_Frame1_TSP.fit", {}, ("light", "M51", "L", 600, None, None, None)),
    "BackyardEOS": (
        "horse/light/LIGHT_300s_800iso_+22c_20171020-02h19m30s143ms.tif", {},
        ("light", None, None, 300, 800, 22, None)),
    "TheSkyX": (
        "Dark 2x2 120.000secs 00006862.fits",
        {"EXPTIME": 120.0, "SWCREATE": "TheSkyX Version 10.5.0 Build 12978", "PICTTYPE": 3, "IMAGETYP": "Dark Frame",
         "XBINNING": 2, "YBINNING": 2, "CCD-TEMP": -20.02, "OBJECT": "A"},
        ("dark", "A", None, 120, None, -20.02, None)),
    "TheSkyX, name": ("Dark 2x2 120.000secs 00006862.fits", {}, ("dark", None, None, 120, None, None, None)),
    "ACP": ("NGC7331-S001-R001-C001-r.fts", {}, ("light", "NGC7331", "r", None, None, None, None)),
    "ACP, dark": ("Dark-S001-R003-C003-B2.fts", {}, ("dark", None, None, None, None, None, None)),
    "ASICAP": (
        "a.fit", {"EXPOINUS": 2000000, "GAIN": 300, "COLORTYP": "RGGB", "INSTRUME": "ZWO ASI224MC"},
        ("light", None, None, 2, 300, None, "RGGB")),
    "Astro Pixel Processor, flat": (
        "MF-IG_120.0-E_1.3s.fits",
        {"SOFTWARE": "Astro Pixel Processor by Aries Productions", "CALFRAME": "MasterFlat", "CFAIMAGE": "RGGB",
         "ROWORDER": "TOP-DOWN", "EXPTIME": 1.28, "GAIN": 120.0, "FILT-1": "HaOIII", "NUMFRAME": 30},
        ("master_flat", None, "HaOIII", 1.28, 120, None, "RGGB")),
    "Astro Pixel Processor, stack": (
        "a.fits", {"INTEGRAT": "Integration", "CFAIMAGE": "no", "EXPTIME": 900.0},
        ("stack", None, None, 900, None, None, None)),
    "DeepSkyStacker": (
        "MasterFlatDark_ISO800_2s.tif", {}, ("master_darkflat", None, None, 2, 800, None, None)),
    "ESO": (
        "EFOSC.2022-01-28T08-37-47.742.fits",
        {"HIERARCH ESO DPR TYPE": "FLAT,SKY", "HIERARCH ESO INS FILT1 NAME": "g#782", "EXPTIME": 2.0},
        ("flat", None, "g#782", 2, None, None, None)),
    "ESO, standard star": (
        "Flats/EFOSC.2022-01-28T08-37-47.742.fits", {"HIERARCH ESO DPR TYPE": "STD"},
        ("light", None, None, None, None, None, None)),
}
# fmt: on


def written(path: Path, cards: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        assert cv2.imwrite(str(path), noise())
        return path
    return write_fits(path, noise(), **{name.replace("-", "__"): value for name, value in cards.items()})


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: str, tmp_path: Path) -> None:
    """The header's word first, the name's where the header is silent."""
    name, cards, expected = PROGRAMS[program]
    path = tmp_path / name
    assert is_frame_name(path)
    header = open_header(written(path, cards))
    found = tuple(getattr(header, field) for field in FIELDS)
    assert found == tuple(pytest.approx(value) if isinstance(value, float) else value for value in expected)


def test_a_name_never_overrules_the_header(tmp_path: Path) -> None:
    cards = {"EXPTIME": 60.0, "GAIN": 0, "CCD-TEMP": 5.0, "FILTER": "Ha", "OBJECT": "M 33", "XBINNING": 1}
    name = "Light_M 31_300.0s_Bin2_2600MM_OIII_gain100_20250901-201112_-10.0C_0001.fit"
    header = open_header(written(tmp_path / name, cards))
    assert (header.exposure_s, header.gain, header.temperature_c) == (60, 0, 5)
    assert (header.filter, header.target, header.binning) == ("Ha", "M 33", (1, 1))
    silent = open_header(written(tmp_path / name, {}))
    assert (silent.binning, silent.raw.get("EXPTIME")) == ((2, 2), None), "the keywords stay as read"


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0042.CR2", "DSC_0042.NEF", "Capture_00001.fits", "L_1.fit", "3C_273_001.fits", "NGC_22C.fits",
        "M27_1069.dng", "HATP-32171220013343.FITS", "t_e_20150608_381_1_1_1.fits", "Sh2-101B.fits",
        "image_light_001.fits", "a1b2c3d4-e5f6-7890-abcd-ef1234567890.fits", "460x10s.fits", "1.56HFR_0001.fits",
        "Ü ñ.fits", ".fits",
        "18_02_45.fits", "pp_light_00001.fit", "bias_EFOSC.2022-01-26T19-02-38.210.fits.gz", "_" * 200 + ".fits",
    ],
)  # fmt: skip
def test_nothing_is_read_into_a_name(name: str) -> None:
    assert facts_of(Path(name)) == Facts()


@pytest.mark.parametrize("name", ["_".join("a" for _ in range(2000)), "1s_" * 700, "Light_" * 400, "l-" * 1000])
def test_no_name_takes_long(name: str) -> None:
    """A name has 255 characters at most on the usual disks; these have more."""
    assert facts_of(Path(f"{name}.fits")).gain is None


@pytest.mark.parametrize(
    ("name", "exposure_s"),
    [
        ("Crab_5ms_300_1x1_L_frame7.fit", 300),
        ("Crab_5ms_15s60_Astro_20240102-123456789.fits", 15),
        ("a_500ms.fit", 0.5),
    ],
)
def test_the_unit_goes_with_its_number(name: str, exposure_s: float) -> None:
    """A target may look like an exposure in another unit."""
    assert facts_of(Path(name)).exposure_s == exposure_s


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("2026-08-20_22-39-24_Ha_-10.10_300.00s_0004", "2026-08-20T22:39:24"),
        ("NGC_6543_Light_H_Alpha_720_secs_2023-06-10T23-03-41_009", "2023-06-10T23:03:41"),
        ("Light_IC 1805_300.0s_Bin1_2600MC_gain100_20251016-194720_-10.0C_0001", "2025-10-16T19:47:20"),
        ("Light_M 94_10.0s_IRCUT_20250327-014513", "2025-03-27T01:45:13"),
        ("M 33_30s60_Astro_20251021-221929504_24C", "2025-10-21T22:19:29"),
        ("L_2018-09-18_01-00-46_Bin1x1_240s__-15C", "2018-09-18T01:00:46"),
        ("M57_2020-05-30T022249_30sec_HaOIII_COLD_-17C_frame19", "2020-05-30T02:22:49"),
        ("LIGHT_300s_800iso_+22c_20171020-02h19m30s143ms", "2017-10-20T02:19:30"),
    ],
)
def test_the_times_in_names_order_files_but_are_no_facts(name: str, time: str, tmp_path: Path) -> None:
    """Half of these programs write local time."""
    found = time_in_name(name)
    assert found and found.isoformat() == f"{time}+00:00"
    assert open_header(written(tmp_path / f"{name}.fits", {})).time_utc is None


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("Dark Frames", "dark"), ("LightFrames", "light"), ("raw_flats", "flat"), ("Flats Ha", "flat"),
        ("Flat_L-eXtreme", "flat"), ("Darks -10C", "dark"), ("Darks gain100", "dark"), ("Bias ISO800", "bias"),
        ("Dark_120.0s_Bin1_gain0", "dark"), ("Dark Flats", "darkflat"), ("MasterDarks", "dark"), ("offset", "bias"),
        ("Dark Sky Site", "light"), ("Dark Shark", "light"), ("Dark_Doodad", "light"), ("Flatiron", "light"),
        ("Flat Iron", "light"), ("Darkness", "light"), ("Biased", "light"), ("Flats and more", "light"),
    ],
)  # fmt: skip
def test_folders(folder: str, kind: str, tmp_path: Path) -> None:
    assert open_header(written(tmp_path / folder / "a_001.fits", {})).kind == kind


@pytest.mark.parametrize(
    "name", ["Dark Shark_001", "Dark_Shark_001", "Dark-Shark-001", "Flatiron_001", "dark_nebula_3"]
)
def test_targets_that_begin_like_a_kind(name: str, tmp_path: Path) -> None:
    assert open_header(written(tmp_path / f"{name}.fits", {})).kind == "light"


@pytest.mark.parametrize(
    "name",
    [
        "Stacked55_M 13_30.0s_Bin1_2600MC_gain100_20260613-220551_-10.0C.fit",
        "DSO_Stacked_795_NGC 7380_20.0s_20260920_112354.fit", "stacked-16_M 31_60s60_Astro_20250101-203012345.fits",
        "Stacked_771_NGC 7380_20.0s_LP_20260919-050108.fit", "stacked.fits", "livestack_result.fits",
        "img_reference.png", "M 33_sub/Light_M 33_10.0s_LP_20250916-213258.jpg",
        "M 33/Thumbnail/M 33_0001.jpg",
    ],
)  # fmt: skip
def test_stacks_of_other_programs_are_no_frames(name: str) -> None:
    assert not is_frame_name(Path("/captures") / name)


PIXINSIGHT = """Calibration with ImageCalibration module version 1.5.1
ImageCalibration.masterBias.enabled: false
ImageCalibration.masterDark.enabled: true
ImageCalibration.masterDark.fileName: masterDark.xisf
ImageCalibration.masterFlat.enabled: true"""


@pytest.mark.parametrize(
    ("name", "cards", "done"),
    [
        ("a", {}, set()),
        ("a", {"CALSTAT": "BDF"}, ALL),
        ("a", {"CALSTAT": "DF"}, ALL),
        ("a", {"CALSTAT": "B"}, {"bias"}),
        ("a", {"CALSTAT": "F"}, {"flat"}),
        ("a", {"CALSTAT": "BDFM"}, ALL),
        ("a", {"CALSTAT": "UNKNOWN"}, set()),
        ("a", {"CALSTAT": "Dark field"}, set()),
        ("a", {"HISTORY": "Calibrated with a master dark\nCalibrated with a master flat, normalization of 0.48"}, ALL),
        ("pp_light_00001", {"HISTORY": "Calibrated with a master bias"}, {"bias"}),
        ("a", {"HISTORY": PIXINSIGHT}, ALL),
        ("a", {"HISTORY": PIXINSIGHT.replace("true", "false").replace("masterDark.fileName: ", "")}, set()),
        ("a", {"ZEROCOR": "Jan 1 12:00 Zero level correction image is Zero.fits"}, {"bias"}),
        ("a", {"DARKCOR": True, "FLATCOR": False, "BIASCOR": "F"}, {"bias", "dark"}),
        ("pp_light_00001", {}, ALL),
        ("r_bkg_pp_light_00001", {}, ALL),
        ("pp_flat_stacked", {}, {"bias"}),
        ("r_light_00001", {}, set()),
        ("M31_pp_001", {}, set()),
    ],
)
def test_what_was_calibrated_before(name: str, cards: dict[str, Any], done: set[str]) -> None:
    assert calibrated_of(Path(f"{name}.fits"), cards) == done


@pytest.mark.parametrize(("said", "added"), [(-100, 100), (100, 100), (0, None), ("", None), (None, None)])
def test_the_pedestal_is_what_was_added(said: object, added: float | None) -> None:
    assert pedestal_of({"PEDESTAL": said}) == added


def test_both_are_kept_in_the_journal_and_old_journals_load(tmp_path: Path) -> None:
    header = open_header(written(tmp_path / "a.fits", {"CALSTAT": "DF", "PEDESTAL": -100}))
    assert (header.calibrated, header.pedestal_adu, header.offset_adu) == (ALL, 100, None)
    facts = header_to_json(header)
    again = header_from_json(header.path, facts)
    assert (again.calibrated, again.pedestal_adu) == (ALL, 100)
    del facts["calibrated"], facts["pedestal_adu"]
    older = header_from_json(header.path, facts)
    assert (older.calibrated, older.pedestal_adu) == (frozenset(), None)


def test_history_is_read_from_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.fits", {"HISTORY": "Calibrated with a master flat, normalization of 0.480"})
    assert open_header(path).calibrated == {"flat"}
