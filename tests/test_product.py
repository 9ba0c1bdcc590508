"""The stack file keeps its contract, opens everywhere, and is there whole or as it was before."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

from livestack.events import SubAccepted
from livestack.frame import Header
from livestack.product import Product, read_noise, write_product
from livestack.read import open_frame
from livestack.stack import Stack
from livestack.stacks.prepare import header_from_json, header_to_json
from tests.reduce.fields import added, frame_of, light, noisy, turned

SIZE = (60, 80)
HEADER_OF_A_SUB = {"IMAGETYP": "Light Frame", "OBJECT": "M 31"}
START = datetime(2026, 3, 14, 22, 59, 30, tzinfo=UTC)
HEADER = Header(
    Path("first.fits"), SIZE, time_utc=START, exposure_s=120.0, gain=100.0, offset_adu=50.0, e_per_adu=0.8,
    temperature_c=-10.0, filter="Ha", binning=(2, 2), camera="ASI2600MM", telescope="80/480", target="M 31",
    ra_deg=10.68, dec_deg=41.27, focal_mm=480.0, pixel_um=7.52, row_order="TOP-DOWN",
)  # fmt: skip


def _sub(no: int, exposure_s: float | None = 120.0, *, timed: bool = True) -> SubAccepted:
    middle = START + timedelta(seconds=130 * no)
    return SubAccepted(
        no=no, stack="M 31_Ha", path=f"{no}.fits", sha256="0" * 64, size=1, mtime_ns=1,
        time_utc=middle.isoformat() if timed else None, exposure_s=exposure_s, target="M 31", filter="Ha",
        matrix=np.eye(3).tolist(), quality={}, registration={}, weight=1.0, scale=1.0, offset=[], rejected_fraction=0.0,
        seconds={},
    )  # fmt: skip


def _stack(channels: int = 1, n: int = 5) -> Stack:
    """Sums of n subs, moved so that a border is covered once or not at all; a few samples judged out."""
    stack = Stack((channels, *SIZE))
    for k in range(n):
        planes = [noisy(np.zeros(SIZE), 10 * k + c) for c in range(channels)]
        frame = frame_of(planes[0] if channels == 1 else np.stack(planes, axis=-1))
        added(stack, light(frame, turned(0, 10 + 2 * k, 0, SIZE), sky=800.0))
    stack.rejected[:, 20, 30:40] = 2
    return stack


def _product(channels: int = 1, **changes: object) -> Product:
    sky = (812.34567,) if channels == 1 else (812.34567, 1033.1, 640.00391)
    product = Product(
        _stack(channels), HEADER, [_sub(no) for no in range(5)], sky, 3, "1.2.3", ["dark: d.fits", "none"]
    )
    return dataclasses.replace(product, **changes)


def _written(product: Product, path: Path) -> fits.HDUList:
    write_product(path, product)
    with fits.open(path, memmap=False) as hdus:
        hdus.verify("exception")
        for hdu in hdus:
            assert hdu.data is not None
        return hdus


@pytest.mark.parametrize("channels", [1, 3])
def test_planes_are_the_sums(channels: int, tmp_path: Path) -> None:
    product = _product(channels)
    hdus = _written(product, tmp_path / "stack.fits")
    sums = product.stack.result()
    shape = SIZE if channels == 1 else (3, *SIZE)
    assert [hdu.name for hdu in hdus] == ["PRIMARY", "VARIANCE", "STDERR", "COVERAGE", "REJECTED"]
    kinds = [hdu.data.dtype.newbyteorder("=") for hdu in hdus]
    assert kinds == [np.float32] * 3 + [np.uint16] * 2
    assert all(hdu.data.shape == shape for hdu in hdus)
    for name, plane in (("VARIANCE", sums.variance), ("STDERR", sums.stderr), ("COVERAGE", sums.coverage)):
        np.testing.assert_array_equal(hdus[name].data.reshape(plane.shape), plane)
    np.testing.assert_array_equal(hdus["REJECTED"].data.reshape(sums.rejected.shape), sums.rejected)
    mean, coverage = hdus[0].data, hdus["COVERAGE"].data
    assert np.isnan(mean[coverage == 0]).all()
    assert np.isfinite(mean[coverage > 0]).all()
    assert np.isnan(hdus["STDERR"].data[coverage < 2]).all()
    assert (coverage == 0).any()
    assert (coverage == 1).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_sky_is_added_back_exactly(channels: int, tmp_path: Path) -> None:
    product = _product(channels)
    hdus = _written(product, tmp_path / "stack.fits")
    names = ["SKYADU"] if channels == 1 else ["SKYADU1", "SKYADU2", "SKYADU3"]
    assert [hdus[0].header[name] for name in names] == list(product.sky_adu)
    assert ("SKYADU" in hdus[0].header) == (channels == 1)
    for c, level in enumerate(product.sky_adu):
        plane = hdus[0].data.reshape(channels, *SIZE)[c]
        np.testing.assert_array_equal(plane, product.stack.result().mean[c] + np.float32(level))


def test_keywords(tmp_path: Path) -> None:
    card = _written(_product(), tmp_path / "stack.fits")[0].header
    expected = {
        "STACKCNT": 5, "NREJSUB": 3, "EXPTIME": 120.0, "LIVETIME": 600.0, "OBJECT": "M 31", "FILTER": "Ha",
        "INSTRUME": "ASI2600MM", "TELESCOP": "80/480", "FOCALLEN": 480.0, "XPIXSZ": 7.52, "YPIXSZ": 7.52, "XBINNING": 2,
        "GAIN": 100.0, "OFFSET": 50.0, "CCD-TEMP": -10.0, "EGAIN": 0.8, "RA": 10.68, "DEC": 41.27, "BUNIT": "adu",
        "IMAGETYP": "Stacked Light", "ROWORDER": "TOP-DOWN", "PROGRAM": "livestack 1.2.3",
    }  # fmt: skip
    assert {name: card[name] for name in expected} == expected
    assert list(card["HISTORY"]) == ["dark: d.fits", "none"]
    assert "BAYERPAT" not in card
    data = fits.getdata(tmp_path / "stack.fits")
    assert card["DATAMIN"] == pytest.approx(np.nanmin(data))
    assert card["DATAMAX"] == pytest.approx(np.nanmax(data))


def test_a_stack_knows_its_camera_s_daylight(tmp_path: Path) -> None:
    """As a camera RAW file told it, through the journal and into the file."""
    known = replace(_product(3).header, daylight=(2.1, 1.0, 1.6))
    again = header_from_json(known.path, json.loads(json.dumps(header_to_json(known))))
    _written(_product(3, header=again), tmp_path / "stack.fits")
    assert open_frame(tmp_path / "stack.fits").header.daylight == (2.1, 1.0, 1.6)
    _written(_product(3), tmp_path / "other.fits")
    assert open_frame(tmp_path / "other.fits").header.daylight is None


def test_a_solved_sub_makes_a_solved_stack(tmp_path: Path) -> None:
    """The grid is that of the first sub: its world coordinates are the stack's, and come back as they were."""
    solved = {
        "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRPIX1": 40.5, "CRPIX2": 30.5, "CRVAL1": 10.68,
        "CRVAL2": 41.27, "CD1_1": -4e-4, "CD1_2": 1e-5, "CD2_1": 1e-5, "CD2_2": 4e-4, "A_ORDER": 2, "A_2_0": 1e-7,
        "B_ORDER": 2, "B_1_1": 2e-7,
    }  # fmt: skip
    card = fits.Header(HEADER_OF_A_SUB | solved)
    fits.PrimaryHDU(np.ones(SIZE, np.uint16), card).writeto(tmp_path / "sub.fits")
    header = open_frame(tmp_path / "sub.fits").header
    again = header_from_json(header.path, json.loads(json.dumps(header_to_json(header))))
    for channels in (1, 3):
        path = tmp_path / f"{channels}.fits"
        written = _written(_product(channels, header=again), path)[0].header
        assert {name: written[name] for name in solved} == solved
        place = WCS(written, naxis=2).pixel_to_world(39.5, 29.5)
        assert (place.ra.deg, place.dec.deg) == pytest.approx((10.68, 41.27), abs=1e-6)
        assert open_frame(path).header.wcs == header.wcs
    del card["CRVAL1"]
    fits.PrimaryHDU(np.ones(SIZE, np.uint16), card).writeto(tmp_path / "half.fits")
    assert not open_frame(tmp_path / "half.fits").header.wcs


def test_times_are_of_the_first_start_and_the_last_end(tmp_path: Path) -> None:
    card = _written(_product(), tmp_path / "stack.fits")[0].header
    first, last = START - timedelta(seconds=60), START + timedelta(seconds=4 * 130 + 60)
    assert card["DATE-OBS"] == "2026-03-14T22:58:30.000"
    assert datetime.fromisoformat(card["DATE-END"] + "+00:00") == last
    assert datetime.fromisoformat(card["DATE-AVG"] + "+00:00") == START + timedelta(seconds=2 * 130)
    assert card["EXPSTART"] == pytest.approx(Time(first).jd, abs=1e-7)
    assert card["EXPEND"] == pytest.approx(Time(last).jd, abs=1e-7)
    shuffled = dataclasses.replace(_product(), subs=[_sub(no) for no in (3, 0, 4, 1, 2)])
    again = _written(shuffled, tmp_path / "again.fits")[0].header
    assert [again[name] for name in ("DATE-OBS", "DATE-END", "EXPEND")] == [
        card[name] for name in ("DATE-OBS", "DATE-END", "EXPEND")
    ]


def test_what_the_subs_did_not_say_is_left_out(tmp_path: Path) -> None:
    silent = _product(header=Header(Path("first.fits"), SIZE), subs=[_sub(no, None, timed=False) for no in range(5)])
    card = _written(silent, tmp_path / "stack.fits")[0].header
    for name in (
        "OBJECT",
        "FILTER",
        "EXPTIME",
        "LIVETIME",
        "DATE-OBS",
        "EXPSTART",
        "GAIN",
        "RA",
        "ROWORDER",
        "CCD-TEMP",
    ):
        assert name not in card
    assert card["STACKCNT"] == 5


def test_mixed_exposures(tmp_path: Path) -> None:
    mixed = _product(subs=[_sub(0, 60.0), _sub(1, 120.0), _sub(2, 120.0)])
    card = _written(mixed, tmp_path / "stack.fits")[0].header
    assert (card["EXPTIME"], card["LIVETIME"], card["STACKCNT"]) == (120.0, 300.0, 3)


@pytest.mark.parametrize("order", ["TOP-DOWN", "BOTTOM-UP"])
def test_rows_stay_in_the_order_of_the_file(order: str, tmp_path: Path) -> None:
    product = _product(header=dataclasses.replace(HEADER, row_order=order))
    hdus = _written(product, tmp_path / "stack.fits")
    assert {hdu.header["ROWORDER"] for hdu in hdus} == {order}
    np.testing.assert_array_equal(hdus["REJECTED"].data, product.stack.rejected[0])


@pytest.mark.parametrize("target", ["Nebulosa di Orióne", "M 31 — Αndromeda", "馬頭", "x" * 200, "a\nb", "O'Neil's"])
def test_any_name_can_be_written(target: str, tmp_path: Path) -> None:
    """FITS holds ASCII only: what can be spelled in it is, the rest is marked; a name never costs the stack."""
    header = dataclasses.replace(HEADER, target=target, telescope=target, filter=target)
    product = _product(header=header, history=[f"dark: /captures/{target}.fits"])
    card = _written(product, tmp_path / "stack.fits")[0].header
    assert card["OBJECT"]
    assert card["OBJECT"].isascii()
    if target.startswith("Nebulosa"):
        assert card["OBJECT"] == "Nebulosa di Orione"
    if target == "O'Neil's":
        assert card["OBJECT"] == target


def test_numbers_that_are_none_are_left_out(tmp_path: Path) -> None:
    header = dataclasses.replace(HEADER, temperature_c=float("nan"), ra_deg=float("inf"))
    card = _written(_product(header=header), tmp_path / "stack.fits")[0].header
    assert "CCD-TEMP" not in card
    assert "RA" not in card
    assert card["DEC"] == 41.27


@pytest.mark.parametrize("channels", [1, 3])
def test_the_bytes_are_those_that_astropy_writes(channels: int, tmp_path: Path) -> None:
    product = _product(channels)
    write_product(tmp_path / "stack.fits", product)
    with fits.open(tmp_path / "stack.fits", memmap=False) as hdus:
        hdus.writeto(tmp_path / "again.fits")
    assert (tmp_path / "again.fits").read_bytes() == (tmp_path / "stack.fits").read_bytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_and_coverage_are_read_again_packed_or_not(channels: int, tmp_path: Path) -> None:
    product = _product(channels)
    path, packed = tmp_path / "stack.fits", tmp_path / "stack.fits.fz"
    write_product(path, product)
    with fits.open(path, memmap=False) as hdus:
        parts = [
            fits.CompImageHDU(hdu.data, name=hdu.name, compression_type="GZIP_1", quantize_level=0) for hdu in hdus
        ]
        fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(packed)
    sums = product.stack.result()
    for one in (path, packed):
        stderr, coverage = read_noise(one)
        np.testing.assert_array_equal(stderr, sums.stderr)
        np.testing.assert_array_equal(coverage, sums.coverage.reshape(-1, *SIZE)[0])


def test_an_empty_stack_can_be_written(tmp_path: Path) -> None:
    hdus = _written(_product(stack=Stack((1, *SIZE)), subs=[]), tmp_path / "stack.fits")
    assert np.isnan(hdus[0].data).all()
    assert "DATAMIN" not in hdus[0].header
    assert hdus[0].header["STACKCNT"] == 0


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the middle of it."""
    path = tmp_path / "stack.fits"
    write_product(path, _product())
    before = path.read_bytes()

    def full(part: Stack) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Stack, "squared_error", full)
        with pytest.raises(OSError, match="No space"):
            write_product(path, _product(3))
    assert path.read_bytes() == before
    write_product(path, _product(3))
    assert fits.getdata(path).shape == (3, *SIZE)


def test_writing_changes_nothing(tmp_path: Path) -> None:
    product = _product()
    before = [array.copy() for array in product.stack.arrays]
    write_product(tmp_path / "stack.fits", product)
    for was, now in zip(before, product.stack.arrays, strict=True):
        np.testing.assert_array_equal(was, now)
