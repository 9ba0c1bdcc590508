"""TIFF, PNG and JPEG: depth, colours in the right order, EXIF, and files that end early."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from livestack.errors import FrameError
from livestack.read import is_complete, open_frame, open_header
from tests.read.writing import Array, noise, torn

RGB = (10, 130, 250)


def refused(path: Path) -> FrameError:
    with pytest.raises(FrameError) as caught:
        open_frame(path)
    return caught.value


def colours(dtype: str = "u1") -> Array:
    """Red 10, green 130, blue 250 everywhere but for one row that tells top from bottom."""
    data = np.broadcast_to(np.array(RGB, dtype), (24, 32, 3)).copy()
    data[0] = 0
    return data


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "f4", "f8", "f2"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_depths(dtype: str, compression: str | None, tmp_path: Path) -> None:
    data = noise(dtype="u2").astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", data, compression=compression)
    frame = open_frame(tmp_path / "a.tif")
    assert frame.data.dtype == (np.uint16 if dtype == "u2" else np.float32)
    assert np.array_equal(frame.data, data.astype(frame.data.dtype))
    assert frame.header.size == (24, 32)
    assert is_complete(tmp_path / "a.tif") is True


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_normalised_tiff(dtype: str, tmp_path: Path) -> None:
    """0 to 1 becomes ADU of 16 bits, as of FITS."""
    tifffile.imwrite(tmp_path / "a.tif", (noise() / 65535).astype(dtype))
    assert np.allclose(open_frame(tmp_path / "a.tif").data, noise(), atol=1e-3)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_tiff_colours(planar: str, byteorder: str, big: bool, tmp_path: Path) -> None:
    data = colours("u2") if planar == "contig" else np.moveaxis(colours("u2"), -1, 0)
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, data, photometric="rgb", planarconfig=planar, byteorder=byteorder, bigtiff=big)
    frame = open_frame(path)
    assert frame.data.dtype == np.uint16 and frame.data.dtype.isnative
    assert np.array_equal(frame.data, colours("u2"))
    assert is_complete(path) is True


def test_tiff_with_transparency_and_as_a_negative(tmp_path: Path) -> None:
    rgba = np.dstack([colours("u1"), np.full((24, 32), 77, "u1")])
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(open_frame(tmp_path / "a.tif").data, colours())
    tifffile.imwrite(tmp_path / "b.tif", noise(), photometric="miniswhite")
    assert np.array_equal(open_frame(tmp_path / "b.tif").data, 65535 - noise())


def test_a_negative_with_what_is_no_number(tmp_path: Path) -> None:
    data = noise(dtype="f4") / np.float32(65535)
    data[3, 4], data[5, 6] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="miniswhite")
    assert np.allclose(open_frame(tmp_path / "a.tif").data, 65535 * (1 - data), equal_nan=True)


def test_tiff_compressed_beyond_our_means(tmp_path: Path) -> None:
    Image.fromarray(noise(dtype="u2").astype("u1")).save(tmp_path / "a.tif", compression="tiff_lzw")
    error = refused(tmp_path / "a.tif")
    assert error.reason == "unreadable"
    assert "imagecodecs" in error.sentence


def test_tiff_with_a_palette(tmp_path: Path) -> None:
    Image.fromarray(colours()).convert("P").save(tmp_path / "a.tif")
    assert refused(tmp_path / "a.tif").reason == "mismatched"


def test_tiff_with_a_fits_header(tmp_path: Path) -> None:
    """AstroTIFF, as Siril and ASTAP write it."""
    cards = ["SIMPLE  =                    T", "EXPTIME =                120.0", "FILTER  = 'OIII    '", "END"]
    tifffile.imwrite(tmp_path / "a.tif", noise(), description="\n".join(cards), metadata=None)
    header = open_header(tmp_path / "a.tif")
    assert (header.exposure_s, header.filter, header.size) == (120, "OIII", (24, 32))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_png(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scale = 257 if dtype == "u2" else 1
    data = colours(dtype) * np.array(scale, dtype)
    cv2.imwrite(str(path), data[..., ::-1])
    frame = open_frame(path)
    assert frame.data.dtype == (np.uint16 if dtype == "u2" else np.float32)
    assert np.array_equal(frame.data, data)
    grey = tmp_path / "b.png"
    cv2.imwrite(str(grey), noise(dtype="u2").astype(dtype))
    assert np.array_equal(open_frame(grey).data, noise(dtype="u2").astype(dtype))
    assert is_complete(path) is True and is_complete(grey) is True


def test_jpeg_with_exif(tmp_path: Path) -> None:
    path = tmp_path / "a.JPG"
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "Canon EOS 6D"
    exif.get_ifd(34665).update({33434: 2.5, 34855: 1600, 36867: "2026:01:02 03:04:05", 36881: "+01:00"})
    Image.fromarray(colours()).save(path, quality=100, subsampling=0, exif=exif)
    frame = open_frame(path)
    assert frame.data.dtype == np.float32
    assert np.allclose(frame.data[12:], RGB, atol=3), "red, green, blue"
    header = frame.header
    assert (header.camera, header.gain, header.exposure_s) == ("Canon EOS 6D", 1600, 2.5)
    assert header.time_utc and header.time_utc.isoformat() == "2026-01-02T02:04:06.250000+00:00"
    assert open_header(path) == header
    assert header.note and "8 bit" in header.note, "who records JPEG is told what it costs"


def test_jpeg_lies_as_it_was_taken(tmp_path: Path) -> None:
    """The orientation tag is for eyes: turned frames would not fit the others."""
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(colours()).save(tmp_path / "a.jpg", exif=exif)
    assert open_frame(tmp_path / "a.jpg").data.shape == (24, 32, 3)


def pictures(folder: Path) -> list[Path]:
    data = noise((64, 64), "u2")
    paths = [folder / name for name in ("a.tif", "b.tif", "a.png", "a.jpg")]
    tifffile.imwrite(paths[0], data)
    tifffile.imwrite(paths[1], data, compression="zlib", rowsperstrip=8)
    cv2.imwrite(str(paths[2]), data)
    exif = Image.Exif()
    exif[271] = "Canon"
    Image.fromarray(data.astype("u1")).save(paths[3], exif=exif)
    return paths


@pytest.mark.parametrize("index", range(4))
def test_every_cut_is_noticed(index: int, tmp_path: Path) -> None:
    path = pictures(tmp_path)[index]
    size = path.stat().st_size
    for cut in sorted({0, 1, 2, 5, 9, 20, size - 1, size - 3, *np.linspace(30, size - 2, 25, dtype=int).tolist()}):
        part = torn(path, cut)
        assert not is_complete(part), cut
        assert refused(part).reason in ("truncated", "unreadable"), cut
        assert refused(part).reason == "truncated" or cut < 9, cut


@pytest.mark.parametrize("index", range(4))
def test_bytes_after_the_end_are_no_harm(index: int, tmp_path: Path) -> None:
    path = pictures(tmp_path)[index]
    before = open_frame(path).data
    path.write_bytes(path.read_bytes() + b"trailing words of some phone" * 3)
    assert is_complete(path) is True
    assert np.array_equal(open_frame(path).data, before)


def test_a_tiff_that_lost_sight_of_its_strips(tmp_path: Path) -> None:
    """The reader would fill them with zeros."""
    path = pictures(tmp_path)[1]
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["StripOffsets"].overwrite(tiff.pages[0].dataoffsets[:3])
    assert refused(path).reason == "unreadable"


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_more_samples_than_bytes(compression: str | None, tmp_path: Path) -> None:
    """17 000 colours of each pixel would be 26 MB, and the file has 1.5 kB."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(), compression=compression)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["SamplesPerPixel"].overwrite(17000)
    tracemalloc.start()
    error = refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.reason == "unreadable"
    assert peak < 2e6


def test_a_strip_that_unpacks_without_end(tmp_path: Path) -> None:
    """A gigabyte of zeros behind a picture of 1.5 kB."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(), compression="zlib", rowsperstrip=24)
    strip = zlib.compress(noise().tobytes() + bytes(1 << 30), 1)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["StripOffsets"].overwrite([path.stat().st_size])
        tiff.pages[0].tags["StripByteCounts"].overwrite([len(strip)])
    with path.open("ab") as file:
        file.write(strip)
    tracemalloc.start()
    frame = open_frame(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(frame.data, noise())
    assert peak < 2e6


def test_an_early_end_inside_a_thumbnail_does_not_count(tmp_path: Path) -> None:
    """The EXIF block may hold a JPEG of its own, with its own end."""
    path = tmp_path / "a.jpg"
    block = b"Exif\0\0" + b"\xff\xd8 thumbnail \xff\xd9"
    Image.fromarray(noise((64, 64)).astype("u1")).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + content[2:-2])
    assert is_complete(path) is False
    assert refused(path).reason == "truncated"


def test_a_flipped_bit_in_a_png(tmp_path: Path) -> None:
    path = pictures(tmp_path)[2]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "checksum" in refused(path).sentence


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
def test_junk(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"junk" * 1000)
    assert refused(tmp_path / name).reason == "unreadable"
    assert is_complete(tmp_path / name) is None
