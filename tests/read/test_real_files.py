"""Every real file, opened: what is in it, or why it cannot be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from livestack.errors import FrameError
from livestack.read import is_complete, open_frame, open_header

U, F = "uint16", "float32"

# file: (shape, dtype, cfa, kind, exposure in s), or the reason it is refused for
SEQUENCES = {
    "A_arp186_asi290_altaz/L_1.fit": ((548, 544), U, None, "light", 20),
    "A_hatp32_microobs/HATP-32171220013343.FITS": ((500, 650), F, None, "light", 60),
    "A_m27_asi224_osc/Light_1069.fits": ((976, 1304), U, "RGGB", "light", 6),
    "A_m94_seestar_b/Light_M 94_10.0s_IRCUT_20250327-014513.fit": ((1920, 1080), U, "GRBG", "light", 10),
    "A_skycamt_20150608_sat/t_e_20150608_381_1_1_1.fits": ((1024, 1024), F, None, "light", 10),
    "D_efosc2/bias_EFOSC.2022-01-26T19-02-38.210.fits.gz": ((1030, 1030), U, None, "bias", 0),
    "D_efosc2/flat_g782_EFOSC.2022-01-28T00-08-16.282.fits.gz": ((1030, 1030), U, None, "flat", None),
    "D_efosc2/light_J123410_EFOSC.2022-01-28T08-37-47.742.fits.gz": ((1030, 1030), U, None, "light", 119.9994),
}
VARIANTS = {
    "astropy_blank.fits": "unreadable",
    "astropy_checksum_false.fits": ((40, 30), F, None, "light", None),
    "astropy_compressed_with_nan.fits": ((12, 12), F, None, "light", None),
    "astropy_double_ext.fits": ((5, 5), U, None, "light", None),
    "astropy_m13.fits": ((300, 300), F, None, "light", None),
    "astropy_m13_gzip.fits": ((300, 300), F, None, "light", None),
    "astropy_m13_rice.fits": ((300, 300), F, None, "light", None),
    "astropy_random_groups.fits": "unreadable",
    "astropy_scale.fits": ((21, 20), F, None, "light", None),
    "astropy_table.fits": "unreadable",
    "astropy_test0.fits": ((40, 40), F, None, "light", 0.23),
    "astropy_zerowidth.fits": "unreadable",
    "exiftool_FITS.fits": "truncated",
    "kanma_color16bits.fits": ((8, 256, 3), U, None, "light", 2),
    "kanma_colorfloat.fits": ((8, 100, 3), F, None, "light", 2),
    "kanma_gray32bits.fits": ((8, 256), F, None, "light", 2),
    "kanma_gray8bits.fits": ((8, 32), F, None, "light", 2),
    "kanma_graydouble.fits": ((8, 100), F, None, "light", 2),
    "msum_aspen_trimmed.fit": ((100, 100), U, None, "flat", 1),
    "msum_maximdl_6_18_header.fit": ((100, 100), U, None, "light", 90),
    "nomtam_m13real.fits": ((300, 300), F, None, "light", None),
    "panoptes_noheader.fits": ((200, 200), U, None, "light", None),
    "panoptes_pole.fits": ((200, 200), U, None, "light", 30.1),
    "panoptes_solved.fits.fz": ((700, 700), U, None, "light", 120.4),
    "panoptes_tiny.fits": ((200, 200), U, None, "light", 120.4),
    "sep_image.fits": ((256, 256), F, None, "light", 1200),
    "skimage_multi.fits": ((288, 132), U, None, "light", 60.0029079914093),
}
PEERS = {
    "Kocab.fits": ((405, 695), F, None, "light", 30),
    "astride_long_trail.fits": ((512, 512), F, None, "light", 60),
    "hotpixels.fits": ((100, 100), F, None, "light", None),
    "kanma_stars.fits": ((120, 120, 3), U, None, "light", 0),
    "m47_sim_stars.fits": ((1024, 1280), U, None, "light", 30),
    "ngc4535-autofocus1.fits": ((1034, 1125), U, None, "light", 2),
    "siril_star_test1.fit.fz": ((568, 931), U, None, "light", 6),
}
RAWS = {
    "B_raw/CRW.CRW": ((1448, 2176), F, "RGGB", "light", 4.96743),
    "B_raw/CanonRaw.cr2": "unreadable",
    "B_raw/DNG.dng": "truncated",
    "B_raw/Nikon.nef": "unreadable",
    "B_raw/RAW_KODAK_DC50.KDC": ((512, 768), U, "GRBG", "light", 0.00435),
    "B_raw/photoprism_canon_eos_6d.dng": ((816, 1224, 3), U, None, "light", 1 / 60),
    "B_raw/tinydng_colorchart.dng": ((1156, 1734), F, "RGGB", "light", 1),
    "B_dng_from_real/M27_1069.dng": ((976, 1304), U, "RGGB", "light", 6),
    "B_dng_from_real/M27_1114.dng": ((976, 1304), U, "RGGB", "light", 6),
    "B_dng_from_real/M27_1171.dng": ((976, 1304), U, "RGGB", "light", 6),
}
TABLE = {
    **SEQUENCES,
    **{f"C_fits_variants/{name}": row for name, row in VARIANTS.items()},
    **{f"E_peer/{name}": row for name, row in PEERS.items()},
    **RAWS,
}


@pytest.mark.parametrize("name", TABLE)
def test_every_file_opens_or_says_why(name: str, real_data: Path) -> None:
    path, expected = real_data / name, TABLE[name]
    if isinstance(expected, str):
        with pytest.raises(FrameError) as refused:
            open_frame(path)
        assert refused.value.reason == expected
        assert path.name in refused.value.sentence
        return
    frame = open_frame(path)
    header = frame.header
    assert (frame.data.shape, str(frame.data.dtype), header.cfa, header.kind) == expected[:4]
    assert expected[4] is None or header.exposure_s == pytest.approx(expected[4])
    assert header.size == frame.data.shape[:2]
    assert frame.data.flags.c_contiguous and frame.data.dtype.isnative and not frame.data.flags.writeable
    alone = open_header(path)
    if alone.cfa is None:  # only the decoder of camera RAW knows pattern and levels
        alone = replace(alone, cfa=header.cfa, saturation_adu=header.saturation_adu, raw=header.raw)
    assert alone == header
    assert is_complete(path) is not False


def test_the_table_is_whole(real_data: Path) -> None:
    """No file of these folders is left out."""
    folders = ("C_fits_variants", "E_peer", "B_raw", "B_dng_from_real")
    assert {f"{folder}/{path.name}" for folder in folders for path in (real_data / folder).iterdir()} <= set(TABLE)


@pytest.mark.parametrize("number", [1069, 1114, 1171])
def test_dng_and_fits_of_one_exposure_are_equal(number: int, real_data: Path) -> None:
    dng = open_frame(real_data / f"B_dng_from_real/M27_{number}.dng")
    fits = open_frame(real_data / f"A_m27_asi224_osc/Light_{number}.fits")
    assert np.array_equal(dng.data, fits.data)
    assert dng.header.cfa == fits.header.cfa == "RGGB"
    assert dng.header.time_utc and fits.header.time_utc
    assert abs((dng.header.time_utc - fits.header.time_utc).total_seconds()) < 1
    assert dng.header.gain == fits.header.gain == 180


def test_statistics_that_kstars_expects(real_data: Path) -> None:
    data = open_frame(real_data / "E_peer/m47_sim_stars.fits").data
    assert (data.min(), data.max(), np.median(data)) == (21, 57832, 31)
    assert data.mean() == pytest.approx(41.08, abs=0.01)
    assert data.std() == pytest.approx(360.2932, abs=0.001)


def test_black_levels_are_subtracted(real_data: Path) -> None:
    """2056 of the colour chart; the brightest pixel there is 12128 as stored, white 15000."""
    frame = open_frame(real_data / "B_raw/tinydng_colorchart.dng")
    assert (frame.data.min(), frame.data.max()) == (1958 - 2056, 12128 - 2056)
    assert frame.header.saturation_adu == 15000 - 2056


def test_telescopes_tell_themselves(real_data: Path) -> None:
    seestar = open_header(real_data / "A_m94_seestar_b/Light_M 94_10.0s_IRCUT_20250327-014513.fit")
    assert (seestar.target, seestar.filter, seestar.gain, seestar.camera) == ("M 94", "IRCUT", 80, "Seestar S50")
    assert seestar.temperature_c == pytest.approx(17.875)
    assert (seestar.focal_mm, seestar.pixel_um) == (250, pytest.approx(2.9))
    m27 = open_header(real_data / "A_m27_asi224_osc/Light_1069.fits")
    assert (m27.target, m27.filter, m27.focal_mm, m27.pixel_um) == (None, "Luminance", 510, 3.75)
    assert (m27.ra_deg, m27.dec_deg) == (pytest.approx(299.925, abs=1e-3), pytest.approx(22.722, abs=1e-3))
    hatp = open_header(real_data / "A_hatp32_microobs/HATP-32171220013343.FITS")
    assert hatp.time_utc and hatp.time_utc.isoformat() == "2017-12-20T01:34:13.317000+00:00", "-0700, mid-exposure"
    assert hatp.temperature_c == pytest.approx(-2.15), "271 K"
    asi = open_header(real_data / "A_arp186_asi290_altaz/L_1.fit")
    assert (asi.binning, asi.offset_adu, asi.temperature_c) == ((2, 2), 25, 4)
    efosc = open_header(real_data / "D_efosc2/light_J123410_EFOSC.2022-01-28T08-37-47.742.fits.gz")
    assert (efosc.filter, efosc.binning, efosc.e_per_adu, efosc.read_noise_e) == ("g#782", (2, 2), 1.1, 7.8)
    flat = open_header(real_data / "D_efosc2/flat_g782_EFOSC.2022-01-28T00-08-16.282.fits.gz")
    assert flat.filter == efosc.filter, "the flat is found for the light"


def test_a_bottom_signature_survives_the_row_order(real_data: Path) -> None:
    assert open_header(real_data / "E_peer/Kocab.fits").row_order == "TOP-DOWN"
    assert open_header(real_data / "E_peer/hotpixels.fits").row_order is None
