"""Every real file, opened: what is in it, or why it cannot be used."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
from astropy.io import fits

from livestack.errors import FrameError
from livestack.read import close_decoders, is_complete, is_frame_name, open_frame, open_header
from tests.read.real_files import FITS, IGNORED, RAWS, TABLE
from tests.read.writing import Array


def opened(table: dict[str, object]) -> list[str]:
    """Names of the files that are not refused."""
    return [name for name, row in table.items() if not isinstance(row, str)]


@pytest.mark.parametrize("name", TABLE)
def test_every_file_opens_or_says_why(name: str, real_data: Path) -> None:
    path, expected = real_data / name, TABLE[name]
    assert is_frame_name(path)
    if isinstance(expected, str):
        with pytest.raises(FrameError) as refused:
            open_frame(path)
        assert refused.value.reason == expected
        assert path.name in refused.value.sentence
        return
    frame = open_frame(path)
    header = frame.header
    assert (frame.data.shape, str(frame.data.dtype), header.cfa, header.kind) == expected[:4]
    exposure_s, filter_name = expected[4:]
    assert header.exposure_s == (None if exposure_s is None else pytest.approx(exposure_s))
    assert header.filter == filter_name
    assert header.size == frame.data.shape[:2]
    stored = frame.data if frame.data.flags.c_contiguous else np.moveaxis(frame.data, 2, 0)  # px by px, or in planes
    assert stored.flags.c_contiguous and frame.data.dtype.isnative and not frame.data.flags.writeable
    alone = open_header(path)
    if alone.cfa is None:  # only the decoder of camera RAW knows pattern, levels and colours
        known = {"cfa": header.cfa, "saturation_adu": header.saturation_adu, "daylight": header.daylight}
        alone = replace(alone, **known, raw=header.raw)
    assert alone == header
    assert is_complete(path) is not False


def test_the_table_is_whole(real_data: Path) -> None:
    """No file is left out, and what is no frame is known by its name."""
    files = {path.relative_to(real_data).as_posix() for path in real_data.rglob("*") if path.is_file()}
    assert files == set(TABLE) | IGNORED
    assert not [name for name in IGNORED if is_frame_name(real_data / name)]


def first_picture(path: Path) -> Array:
    """The first image of a FITS file with two axes, or three of which one is three colours, as astropy reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path) as hdulist:
            for hdu in hdulist:
                if isinstance(hdu, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU) and hdu.data is not None:
                    data = np.array(hdu.data)
                    return np.moveaxis(data, 0, -1) if data.ndim == 3 else data
    raise AssertionError(f"astropy finds no picture in {path.name}")


@pytest.mark.parametrize("name", opened(FITS))
def test_pixels_of_fits_are_those_of_astropy(name: str, real_data: Path) -> None:
    data = open_frame(real_data / name).data
    expected = first_picture(real_data / name)
    if expected.dtype.kind == "f" and np.nanmax(expected, initial=0) <= 1:
        expected = 65535 * expected  # normalised
    # scaled integers: astropy computes in another precision
    assert np.allclose(data, expected.astype(np.float64), rtol=1e-6, atol=0, equal_nan=True)
    if expected.dtype == np.uint16:
        assert np.array_equal(data, expected)


@pytest.mark.parametrize("name", opened(RAWS))
def test_pixels_of_raw_are_those_of_libraw(name: str, real_data: Path) -> None:
    frame = open_frame(real_data / name)
    close_decoders()
    with rawpy.imread(str(real_data / name)) as raw:
        stored, black = raw.raw_image_visible.astype("f4"), raw.black_level_per_channel
        colours = np.array(black, "f4")[:3] if stored.ndim == 3 else np.array(black, "f4")[raw.raw_colors_visible]
    assert np.array_equal(frame.data, (stored[..., :3] if stored.ndim == 3 else stored) - colours)


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
