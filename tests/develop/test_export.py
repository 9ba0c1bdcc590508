"""Other programs open the pictures, with the right px, profile and words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from livestack.develop.export import WRITERS, About, in_bits, write_image
from livestack.errors import SettingsError

ABOUT = About("M 27", "6 subs, 36 s, Ω & <co>", "2019:08:30 22:31:07", "ASI224MC", "livestack 0.1.0", 6.0, 510.0)


def _ramp() -> np.ndarray:
    x = np.linspace(0, 1, 96, dtype=np.float32)
    return np.stack(np.broadcast_arrays(x, x[::-1], x[:, None] * x), axis=2).copy()


def _name_of_profile(data: bytes) -> str:
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(data))).strip()


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_eight_bits_open_elsewhere_as_they_were(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"m27{suffix}"
    write_image(path, _ramp(), 8, ABOUT, 95)
    with Image.open(path) as image:
        assert image.mode == "RGB"
        off = np.asarray(image).astype(int) - in_bits(_ramp(), 8)
        assert "sRGB" in _name_of_profile(image.info["icc_profile"])
        said = image.getexif()
    assert np.abs(off).mean() < (0.1 if suffix in {".png", ".tif", ".tiff"} else 3)
    assert "M 27" in said[270]
    assert said[305] == "livestack 0.1.0"


@pytest.mark.parametrize("shape", [(700, 333, 3), (129, 70), (1300, 40, 3)])
def test_a_jpeg_of_many_strips_is_the_same_px_as_of_one(shape: tuple[int, ...], tmp_path: Path) -> None:
    """More strips than there are restart markers, a last one that is not whole, and planes behind one another."""
    picture = np.random.default_rng(1).uniform(0, 1, shape).astype(np.float32)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    planes = np.moveaxis(np.ascontiguousarray(np.moveaxis(picture, -1, 0)), 0, -1) if len(shape) == 3 else picture
    buffer = BytesIO()
    Image.fromarray(in_bits(picture, 8)).save(buffer, "JPEG", quality=92, subsampling=0)
    with ThreadPoolExecutor(3) as threads:
        write_image(tmp_path / "a.jpg", planes, 8, ABOUT, 92, threads)
    with Image.open(tmp_path / "a.jpg") as image, Image.open(buffer) as wanted:
        assert image.size == (shape[1], shape[0])
        np.testing.assert_array_equal(np.asarray(image), np.asarray(wanted))
    write_image(tmp_path / "b.jpg", picture, 8, ABOUT, 92)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_what_is_too_large_for_a_jpeg_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="at most 65535 px a side"):
        write_image(tmp_path / "a.jpg", np.zeros((8, 65536), np.float32), 8, ABOUT)
    assert not list(tmp_path.glob("*.jpg"))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_kept(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"m27{suffix}"
    write_image(path, _ramp(), 16, ABOUT)
    read = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGR2RGB)
    assert read.dtype == np.uint16
    assert (read == in_bits(_ramp(), 16)).all()


def test_a_tiff_holds_floats(tmp_path: Path) -> None:
    path = tmp_path / "m27.tif"
    write_image(path, _ramp(), 32, ABOUT)
    assert (tifffile.imread(path) == _ramp()).all()


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_a_mono_picture_is_grey(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"l{suffix}"
    write_image(path, _ramp()[:, :, 2], 8, About())
    with Image.open(path) as image:
        assert np.asarray(image.convert("L")).shape == (96, 96)
        assert "icc_profile" not in image.info, "sRGB's is one of colours"
        assert suffix != ".png" or image.info["srgb"] == 0


def test_letters_of_any_language_are_in_the_xmp(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif", "a.jpg"):
        write_image(tmp_path / name, _ramp(), 8, ABOUT)
        assert "6 subs, 36 s, Ω &amp; &lt;co&gt;".encode() in (tmp_path / name).read_bytes()


def test_a_tiff_says_when_and_how_it_was_taken(tmp_path: Path) -> None:
    """In its XMP: it has no EXIF."""
    write_image(tmp_path / "a.tif", _ramp(), 16, ABOUT)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        about = ElementTree.fromstring(file.pages[0].tags[700].value)[0][0]
    exif = "{http://ns.adobe.com/exif/1.0/}"
    assert about.get(f"{exif}DateTimeOriginal") == "2019-08-30T22:31:07"
    assert about.get(f"{exif}ExposureTime") == "6000/1000"
    assert about.get(f"{exif}FocalLength") == "510000/1000"


@pytest.mark.parametrize(
    ("name", "bits", "said"),
    [("a.bmp", 8, "written as .avif"), ("a.jpg", 16, "holds 8 bits"), ("a.png", 32, "8 or 16 bits")],
)
def test_what_a_format_cannot_hold_is_said(name: str, bits: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=said):
        write_image(tmp_path / name, _ramp(), bits, ABOUT)
    assert not list(tmp_path.iterdir())
