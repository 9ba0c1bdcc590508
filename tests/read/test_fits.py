"""FITS against astropy: the same numbers, whatever the storage."""

from __future__ import annotations

import gzip
import itertools
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.errors import FrameError, SourceError
from livestack.frame import Frame
from livestack.read import is_complete, open_frame, open_header
from tests.read.writing import noise, torn, write_fits, write_text_header

DTYPES = ("u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8")
SHAPES = ((24, 32), (3, 24, 32), (1, 24, 32), (24, 32, 3))


def refused(path: Path) -> FrameError:
    with pytest.raises(FrameError) as caught:
        open_frame(path)
    return caught.value


def colour_last(stored: np.ndarray) -> np.ndarray:
    data = stored.squeeze()
    return np.moveaxis(data, 0, -1) if data.ndim == 3 and data.shape[0] == 3 else data


def in_order(data: np.ndarray) -> np.ndarray:
    """Return the data as they lie in memory: planes stay planes."""
    return np.moveaxis(data, 2, 0) if data.ndim == 3 and not data.flags.c_contiguous else data


@pytest.mark.parametrize(("dtype", "shape"), list(itertools.product(DTYPES, SHAPES)))
def test_values_are_those_of_astropy(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    data = noise(shape, dtype) if dtype != "u1" else noise(shape, "u2").astype("u1")
    path = write_fits(tmp_path / "a.fits", data)
    frame = open_frame(path)
    expected = colour_last(fits.getdata(path))
    assert frame.data.dtype == (np.uint16 if dtype == "u2" else np.float32)
    assert np.array_equal(frame.data, expected.astype(frame.data.dtype))
    assert in_order(frame.data).flags.c_contiguous and frame.data.dtype.isnative


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
def test_tiles_are_those_of_astropy(compression: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fits.fz"
    data = np.abs(noise(dtype=dtype)) if compression != "PLIO_1" else noise(dtype="i2")
    fits.CompImageHDU(data, compression_type=compression, quantize_level=0 if dtype == "f4" else 16).writeto(path)
    frame = open_frame(path)
    assert np.array_equal(frame.data, fits.getdata(path, 1).astype(frame.data.dtype))
    assert is_complete(path)


@pytest.mark.parametrize(("scale", "zero"), [(0.5, 100.0), (2.0, 0.0), (1.0, 1.5), (-1.0, 0.0)])
def test_scaling(scale: float, zero: float, tmp_path: Path) -> None:
    path = write_text_header(tmp_path / "a.fits", "")
    content = path.read_bytes().replace(b"BZERO   =                32768", f"BZERO   = {zero:20}".encode())
    path.write_bytes(content.replace(b"BSCALE  =                    1", f"BSCALE  = {scale:20}".encode()))
    frame = open_frame(path)
    assert frame.data.dtype == np.float32
    assert np.array_equal(frame.data, fits.getdata(path).astype("f4"))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("packed", [False, True])
def test_normalised_floats_are_brought_to_the_camera_s_scale(dtype: str, packed: bool, tmp_path: Path) -> None:
    """Siril writes 0 to 1, a little over where a flat was divided out; the lights are ADU of 16 bits."""
    adu = np.linspace(-20, 70000, 40 * 50).reshape(40, 50)
    adu[3, 4] = np.nan
    path = tmp_path / ("a.fits.fz" if packed else "a.fits")
    for data in ((adu / 65535).astype(dtype), adu.astype(dtype)):
        if packed:
            fits.CompImageHDU(data, compression_type="GZIP_2", quantize_level=0).writeto(path, overwrite=True)
        else:
            write_fits(path, data)
        assert np.allclose(open_frame(path).data, adu, rtol=0, atol=0.01, equal_nan=True)


def test_whole_numbers_are_never_normalised(tmp_path: Path) -> None:
    for dtype in ("u1", "i2", "i4"):
        data = np.ones((24, 32), dtype)
        assert np.array_equal(open_frame(write_fits(tmp_path / "a.fits", data)).data, data)


def test_blank_pixels_are_nan(tmp_path: Path) -> None:
    data = noise(dtype="i2")
    data[3, 4] = -32768
    frame = open_frame(write_fits(tmp_path / "a.fits", data, BLANK=-32768))
    assert np.argwhere(np.isnan(frame.data)).tolist() == [[3, 4]]
    assert frame.data[0, 0] == data[0, 0]


def test_nan_stays(tmp_path: Path) -> None:
    data = noise(dtype="f4")
    data[5, 6] = np.nan
    frame = open_frame(write_fits(tmp_path / "a.fits", data))
    assert np.array_equal(frame.data, data, equal_nan=True)


def test_the_full_range_of_16_bits(tmp_path: Path) -> None:
    data = np.arange(65536, dtype="u2").reshape(256, 256)
    assert np.array_equal(open_frame(write_fits(tmp_path / "a.fits", data)).data, data)


@pytest.mark.parametrize("suffix", [".fits.gz", ".FIT", ".fts"])
def test_packed_and_oddly_named(suffix: str, tmp_path: Path) -> None:
    plain = write_fits(tmp_path / "a.fits")
    path = tmp_path / f"Ünï cödé{suffix}"
    content = plain.read_bytes()
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    assert np.array_equal(open_frame(path).data, noise())
    assert is_complete(path) is True


def test_tiles_in_a_gzip_file(tmp_path: Path) -> None:
    fits.CompImageHDU(noise()).writeto(tmp_path / "a.fits.fz")
    (tmp_path / "b.fits.gz").write_bytes(gzip.compress((tmp_path / "a.fits.fz").read_bytes()))
    assert is_complete(tmp_path / "b.fits.gz") is True
    assert np.array_equal(open_frame(tmp_path / "b.fits.gz").data, noise())


def test_the_picture_may_be_in_an_extension(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3, "f4"))])
    primary = fits.PrimaryHDU(header=fits.Header({"OBJECT": "M 31", "BLANK": 7}))
    image = fits.ImageHDU(noise(dtype="f4"), header=fits.Header({"EXPTIME": 12.0}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([primary, table, image]).writeto(path)
    frame = open_frame(path)
    assert np.array_equal(frame.data, noise(dtype="f4"))
    assert (frame.header.target, frame.header.exposure_s) == ("M 31", 12)


def test_a_cube_is_refused_in_words(tmp_path: Path) -> None:
    error = refused(write_fits(tmp_path / "video.fits", noise((20, 24, 32))))
    assert error.reason == "mismatched"
    assert "32 x 24 x 20" in error.sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated"),
        (b"\0" * 10000, "truncated"),
        (b"SIMP", "truncated"),
        (b"not a FITS file at all" * 400, "unreadable"),
        (b"SIMPLE  =                    T".ljust(80) * 40000, "truncated"),
        (b"\x1f\x8b\x08 torn", "unreadable"),
    ],
)
@pytest.mark.parametrize("name", ["a.fits", "a.fit.fz", "a.fits.gz"])
def test_junk(content: bytes, reason: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refused(path)
    assert error.reason in (reason, "truncated")
    assert name in error.sentence and error.sentence.endswith((".", ")"))
    assert not is_complete(path)


@pytest.mark.parametrize("packed", [False, True])
def test_every_cut_is_noticed(packed: bool, tmp_path: Path) -> None:
    """An interrupted copy, cut anywhere, is never taken for a frame."""
    path = write_fits(tmp_path / "a.fits", noise((40, 50)), OBJECT="M 31")
    whole = path.read_bytes()
    length = 2880 + 40 * 50 * 2
    if packed:
        path = tmp_path / "a.fits.gz"
        path.write_bytes(gzip.compress(whole))
        length = path.stat().st_size
    cuts = np.unique(np.linspace(0, length - 1, 60, dtype=int))
    for cut in {*cuts.tolist(), 1, 79, 80, *range(2879, 2882), length - 1} & set(range(length)):
        part = torn(path, cut)
        assert refused(part).reason == "truncated", cut
        assert is_complete(part) is False, cut


def test_missing_padding_is_no_harm(tmp_path: Path) -> None:
    path = write_fits(tmp_path / "a.fits", noise((40, 50)))
    for n_bytes in (2880 + 4000, 2880 + 4001, 2880 + 5000):
        part = torn(path, n_bytes)
        assert is_complete(part) is True
        assert np.array_equal(open_frame(part).data, noise((40, 50)))


def test_cut_tiles_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.fits.fz"
    fits.CompImageHDU(noise((200, 200))).writeto(path)
    with fits.open(path, disable_image_compression=True) as hdulist:
        needed = hdulist[1].fileinfo()["datLoc"] + hdulist[1].size
    for cut in (2880, 4000, 6000, 9000, needed // 2, needed - 1):
        part = torn(path, cut)
        assert refused(part).reason in ("truncated", "unreadable"), cut
        assert refused(part).reason == "truncated" or cut == 2880, "the empty primary alone is a whole file"
        assert is_complete(part) is (cut == 2880), cut


@pytest.mark.parametrize("n_columns", ["99999999999", "1000", "NaN", "-1", "'x'"])
def test_tiles_in_more_columns_than_there_are(n_columns: str, tmp_path: Path) -> None:
    """The library would count them all."""
    path = tmp_path / "a.fits.fz"
    fits.CompImageHDU(noise((40, 40))).writeto(path)
    card = b"TFIELDS =                    1"
    assert card in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(card, f"TFIELDS = {n_columns:>20}".encode()))
    assert refused(path).reason == "unreadable"


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("RICE_1", "ZVAL2   =                    2", "ZVAL2   =             30000000"),
        ("RICE_1", "ZVAL2   =                    2", "ZVAL2   =                   -1"),
        ("RICE_1", "ZVAL1   =                   32", "ZVAL1   =                    0"),
        ("RICE_1", "ZVAL1   =                   32", "ZVAL1   =           2147483647"),
        ("RICE_1", "ZTILE2  =                    1", "ZTILE2  =  9999999999999999999"),
        ("RICE_1", "ZTILE1  =                   40", "ZTILE1  =                  -40"),
        ("RICE_1", "ZTILE1  =                   40", "ZTILE1  =                 40.5"),
        ("HCOMPRESS_1", "ZTILE2  =                   16", "ZTILE2  =                    0"),
    ],
)
def test_what_would_end_or_hang_the_process(kind: str, old: str, new: str, tmp_path: Path) -> None:
    """The codecs believe what the header says of their samples."""
    path = tmp_path / "a.fits.fz"
    fits.CompImageHDU(noise((40, 40)), compression_type=kind).writeto(path)
    assert old.encode() in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    assert refused(path).reason == "unreadable"


def test_a_growing_header_is_not_finished(tmp_path: Path) -> None:
    """Software that writes its header in place shows zeros after the cards that are there."""
    path = write_fits(tmp_path / "a.fits")
    content = path.read_bytes()
    path.write_bytes(content[:480] + b"\0" * (len(content) - 480))
    assert is_complete(path) is False
    assert refused(path).reason == "truncated"


def test_a_monstrous_size_allocates_nothing(tmp_path: Path) -> None:
    path = write_text_header(tmp_path / "a.fits", "")
    path.write_bytes(path.read_bytes().replace(b"NAXIS1  =                   32", b"NAXIS1  =        2000000000032"))
    assert refused(path).reason in ("truncated", "unreadable")
    assert is_complete(path) is False


def test_what_a_damaged_header_says_cannot_reach_the_terminal(tmp_path: Path) -> None:
    path = write_text_header(tmp_path / "a.fits", "OBJECT  = 'M 31 \x1b[2J'")
    assert open_header(path).target == "M 31 [2J"
    path.write_bytes(path.read_bytes().replace(b"BITPIX  =                   16", b"BITPIX  = \x1b[2J\n" + b"x" * 15))
    error = refused(path)
    assert error.sentence.isprintable() and "[2J" in error.sentence


def test_a_header_needs_no_pixels(tmp_path: Path) -> None:
    path = write_fits(tmp_path / "a.fits", EXPTIME=30.0)
    header = open_header(torn(path, 2880))
    assert (header.exposure_s, header.size) == (30, (24, 32))


def test_a_file_that_is_gone_or_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.fits").reason == "vanished"
    (tmp_path / "folder.fits").mkdir()
    assert refused(tmp_path / "folder.fits").reason == "unreadable"
    (tmp_path / "loop.fits").symlink_to(tmp_path / "loop.fits")
    assert refused(tmp_path / "loop.fits").reason == "unreadable"


def test_whether_it_is_whole_is_never_an_error(tmp_path: Path) -> None:
    """Gone or locked means: not now."""
    (tmp_path / "folder.fits").mkdir()
    for name in ("gone.fits", "gone.cr2", "gone.png", "gone.txt", "folder.fits"):
        assert is_complete(tmp_path / name) is False


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose first byte cannot be read")
def test_a_failing_disk_is_not_the_file_s_fault(tmp_path: Path) -> None:
    """Reading the start of a process's memory gives the same EIO as a broken disk."""
    (tmp_path / "a.fits").symlink_to("/proc/self/mem")
    with pytest.raises(SourceError, match="disk or share"):
        open_frame(tmp_path / "a.fits")


def test_frames_cannot_be_changed(tmp_path: Path) -> None:
    frame: Frame = open_frame(write_fits(tmp_path / "a.fits"))
    with pytest.raises(ValueError, match="read-only"):
        frame.data[0, 0] = 1


def test_every_keyword_is_kept(tmp_path: Path) -> None:
    """HIERARCH, CONTINUE, quotes, D exponents, COMMENT: as astropy reads them."""
    path = tmp_path / "a.fits"
    header = fits.Header()
    header["OBSERVER"] = "Caroline O'Herschel " * 6
    header["HIERARCH ESO DET OUT1 GAIN"] = 0.91
    header["EMPTY"] = None
    header["FLAG"] = True
    header["NUMBER"] = -17
    header["COMMENT"] = "one"
    header["COMMENT"] = "two"
    header["HISTORY"] = "dark subtracted"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.PrimaryHDU(noise(), header=header).writeto(path)
    raw = open_header(path).raw
    assert raw["OBSERVER"] == str(header["OBSERVER"]).rstrip()
    assert (raw["ESO DET OUT1 GAIN"], raw["EMPTY"], raw["FLAG"], raw["NUMBER"]) == (0.91, None, True, -17)
    assert (raw["COMMENT"], raw["HISTORY"]) == ("one\ntwo", "dark subtracted")
    assert open_header(write_text_header(path, "VALUE   = 1.5D3 / comment")).raw["VALUE"] == 1500.0


def test_a_signalling_nan_hides_no_bright_px(tmp_path: Path) -> None:
    """ADU are not taken for 0 to 1 because the comparison broke off at a NaN."""
    data = np.full((24, 32), 0.5, "f4")
    data[0, 0] = 3000
    data.view("u4")[23, 24] = 0x7FA00000
    frame = open_frame(write_fits(tmp_path / "a.fits", data))
    assert np.array_equal(np.nan_to_num(frame.data), np.nan_to_num(data))


def test_what_unpacks_without_end_is_not_followed_to_its_end(tmp_path: Path) -> None:
    """10 GB of zeros behind a picture of 1.5 kB."""
    plain, path = write_fits(tmp_path / "a.fits"), tmp_path / "b.fits.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()) + gzip.compress(bytes(1 << 28), 1) * 40)
    for look in (is_complete, open_frame):
        began_s = time.process_time()
        assert look(path)
        assert time.process_time() - began_s < 3
