"""XISF: the same numbers as another reader and writer of the format, and whatever the specification allows besides."""

from __future__ import annotations

import hashlib
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from xisf import XISF

from livestack.errors import FrameError
from livestack.frame import XTRANS
from livestack.read import is_complete, open_frame, open_header
from tests.read.writing import Array, noise, torn, write_xisf

CODECS = ("", "zlib", "zlib+sh", "lz4", "lz4+sh", "lz4hc", "lz4hc+sh", "zstd", "zstd+sh")
DTYPES = ("u1", "u2", "u4", "f4", "f8")


def refused(path: Path) -> FrameError:
    with pytest.raises(FrameError) as caught:
        open_frame(path)
    assert path.name in caught.value.sentence and caught.value.sentence.isprintable()
    return caught.value


def picture(dtype: str = "u2", colours: int = 1) -> Array:
    data = noise((24, 32, 3), "u2") % (250 if dtype == "u1" else 65000)
    return (data if colours == 3 else data[..., 0]).astype(dtype)


def edited(path: Path, old: str, new: str) -> Path:
    """Replace words of the header, whose length is then corrected; the block stays where it is."""
    content = path.read_bytes()
    length = int.from_bytes(content[8:12], "little")
    header = content[16 : 16 + length]
    assert old.encode() in header
    header = header.replace(old.encode(), new.encode())
    front = content[:8] + len(header).to_bytes(4, "little") + bytes(4) + header
    assert len(content) <= 4096 or len(front) <= 4096
    path.write_bytes(front.ljust(4096, b"\0") + content[4096:])
    return path


def keyword(name: str, value: str) -> str:
    return f'<FITSKeyword name="{name}" value="{value}" comment="" />'


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("colours", [1, 3])
def test_values_are_those_of_the_other_reader(dtype: str, codec: str, colours: int, tmp_path: Path) -> None:
    data = picture(dtype, colours)
    path = write_xisf(tmp_path / "a.xisf", data, codec=codec)
    assert np.array_equal(XISF(str(path)).read_image(0).squeeze(), data), "what the test wrote is XISF"
    frame = open_frame(path)
    assert frame.data.dtype == (np.uint16 if dtype == "u2" else np.float32)
    assert np.array_equal(frame.data, data.astype(frame.data.dtype))
    assert frame.data.flags.c_contiguous and frame.data.dtype.isnative and not frame.data.flags.writeable
    assert frame.header == open_header(path)
    assert is_complete(path) is True


@pytest.mark.parametrize("codec", [None, "zlib", "lz4", "lz4hc", "zstd"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_what_the_other_writer_wrote(codec: str | None, shuffle: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.xisf"
    said = {
        "FITSKeywords": {"EXPTIME": [{"value": "30.", "comment": ""}], "OBJECT": [{"value": "M 31", "comment": ""}]}
    }
    XISF.write(str(path), picture(colours=3), image_metadata=said, codec=codec, shuffle=shuffle)
    frame = open_frame(path)
    assert np.array_equal(frame.data, picture(colours=3))
    assert (frame.header.exposure_s, frame.header.target) == (30, "M 31")


@pytest.mark.parametrize("storage", ["Planar", "Normal"])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("location", ["attachment", "inline:base64", "inline:hex", "embedded"])
@pytest.mark.parametrize("codec", ["", "zlib+sh"])
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_every_place_and_order(storage: str, order: str, location: str, codec: str, dtype: str, tmp_path: Path) -> None:
    data = picture(dtype, 3)
    path = write_xisf(tmp_path / "a.xisf", data, codec=codec, pixelStorage=storage, byteOrder=order, location=location)
    frame = open_frame(path)
    assert np.array_equal(frame.data, data)
    assert frame.data.flags.c_contiguous and frame.data.dtype.isnative


@pytest.mark.parametrize("n_channels", [2, 4])
def test_transparency_is_left_out(n_channels: int, tmp_path: Path) -> None:
    data = np.dstack([picture(colours=3), np.full((24, 32), 77, "u2")])[..., :n_channels]
    path = write_xisf(tmp_path / "a.xisf", data, colorSpace="RGB" if n_channels == 4 else "Gray")
    assert np.array_equal(open_frame(path).data, data[..., :3] if n_channels == 4 else data[..., 0])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_normalised_floats_are_brought_to_the_camera_s_scale(dtype: str, tmp_path: Path) -> None:
    """A master made by PixInsight from 16-bit frames fits the 16-bit lights."""
    adu = np.linspace(0, 65535, 24 * 32).round().reshape(24, 32)
    path = write_xisf(tmp_path / "masterDark.xisf", (adu / 65535).astype(dtype), bounds="0:1")
    assert np.allclose(open_frame(path).data, adu, rtol=0, atol=0.005)
    for bounds in ("0:65535", "nonsense"):
        path = write_xisf(tmp_path / "a.xisf", adu.astype(dtype), bounds=bounds)
        assert np.array_equal(open_frame(path).data, adu), "in ADU already"


def test_not_a_number_stays(tmp_path: Path) -> None:
    data = picture("f4")
    data[3, 4] = np.nan
    path = write_xisf(tmp_path / "a.xisf", data, bounds="0:1")
    assert np.argwhere(np.isnan(open_frame(path).data)).tolist() == [[3, 4]]


def test_what_nina_says(tmp_path: Path) -> None:
    children = "".join(
        keyword(name, value)
        for name, value in {
            "IMAGETYP": "'LIGHT'",
            "EXPTIME": "120.0",
            "DATE-OBS": "'2026-01-02T03:04:05.250'",
            "FILTER": "'OIII'",
            "GAIN": "100",
            "OBJECT": "NGC 7000/IC 5070",
            "BAYERPAT": "'RGGB'",
            "ROWORDER": "'BOTTOM-UP'",
            "HISTORY": "one",
        }.items()
    )
    header = open_header(write_xisf(tmp_path / "a.xisf", picture(), children))
    assert (header.kind, header.exposure_s, header.filter, header.gain) == ("light", 120, "OIII", 100)
    assert header.target == "NGC 7000/IC 5070"
    assert header.time_utc and header.time_utc.isoformat() == "2026-01-02T03:05:05.250000+00:00"
    assert (header.cfa, header.row_order) == ("RGGB", "TOP-DOWN"), "the first row is the top one"
    assert header.raw["HISTORY"] == "one"


def test_properties_speak_where_keywords_do_not(tmp_path: Path) -> None:
    children = (
        keyword("FILTER", "'Ha'")
        + '<Property id="Instrument:Filter:Name" type="String">Red</Property>'
        + '<Property id="Instrument:ExposureTime" type="Float32" value="300"/>'
        + '<Property id="Instrument:Camera:Name" type="String">ZWO ASI2600MM</Property>'
        + '<Property id="Instrument:Camera:XBinning" type="Int32" value="2"/>'
        + '<Property id="Instrument:Telescope:FocalLength" type="Float32" value="0.53"/>'
        + '<Property id="Instrument:Sensor:Temperature" type="Float32" value="-10"/>'
        + '<Property id="Observation:Object:RA" type="Float64" value="10.68"/>'
        + '<Property id="Observation:Object:Dec" type="Float64" value="41.27"/>'
        + '<Property id="Observation:Time:Start" type="TimePoint" value="2026-01-02T03:04:05Z"/>'
        + '<Property id="Observation:Object:Name" type="String" location="attachment:0:8"/>'
    )
    header = open_header(write_xisf(tmp_path / "a.xisf", picture(), children, imageType="MasterDark"))
    assert (header.kind, header.filter, header.exposure_s, header.camera) == ("master_dark", "Ha", 300, "ZWO ASI2600MM")
    assert (header.binning, header.focal_mm, header.temperature_c) == ((2, 2), 530, -10)
    assert (header.ra_deg, header.dec_deg, header.target) == (10.68, 41.27, None)
    assert header.time_utc and header.time_utc.isoformat() == "2026-01-02T03:06:35+00:00"


@pytest.mark.parametrize(
    ("kind", "means"),
    [
        ("Light", "light"),
        ("Bias", "bias"),
        ("MasterFlat", "master_flat"),
        ("MasterLight", "stack"),
        ("SNAPSHOT", "light"),
    ],
)
def test_image_types(kind: str, means: str, tmp_path: Path) -> None:
    assert open_header(write_xisf(tmp_path / "a.xisf", picture(), imageType=kind)).kind == means


def test_the_mosaic(tmp_path: Path) -> None:
    bayer = '<ColorFilterArray pattern="GBRG" width="2" height="2" name="x"/>'
    children = keyword("BAYERPAT", "'RGGB'") + keyword("XBAYROFF", "1") + bayer
    path = write_xisf(tmp_path / "a.xisf", picture(), children)
    assert open_header(path).cfa == "GBRG", "the element says it of this very image"
    assert open_header(write_xisf(path, picture(colours=3), bayer)).cfa is None, "debayered already"
    fuji = f'<ColorFilterArray pattern="{XTRANS}" width="6" height="6"/>'
    assert open_header(write_xisf(path, picture(), fuji)).cfa == XTRANS
    for width, height in ((4, 9), (2, 2)):
        odd = fuji.replace('width="6" height="6"', f'width="{width}" height="{height}"')
        assert refused(write_xisf(path, picture(), odd)).reason == "mismatched"
    trans = f'<ColorFilterArray pattern="{"GBGGRG" * 6}" width="6" height="6"/>'
    error = refused(write_xisf(path, picture(), trans))
    assert error.reason == "mismatched" and "6x6" in error.sentence


@pytest.mark.parametrize("algorithm", ["sha-1", "sha1", "sha-256", "sha-512", "sha3-256", "sha3-512"])
@pytest.mark.parametrize("codec", ["", "zlib"])
def test_checksums(algorithm: str, codec: str, tmp_path: Path) -> None:
    path = write_xisf(tmp_path / "a.xisf", picture(), codec=codec, checksum="@" * 3)
    name = algorithm.replace("3-", "3_").replace("a-", "a")
    digest = hashlib.new(name, path.read_bytes()[4096:]).hexdigest()
    edited(path, "@@@", f"{algorithm}:{digest}")
    assert np.array_equal(open_frame(path).data, picture())
    edited(path, digest, digest[1:] + digest[0])
    error = refused(path)
    assert error.reason == "unreadable" and "checksum" in error.sentence


def test_subblocks(tmp_path: Path) -> None:
    data = picture("f4")
    plain = np.frombuffer(data.tobytes(), "u1").reshape(-1, 4).T.tobytes()
    parts = [plain[:1000], plain[1000:]]
    packed = [zlib.compress(part) for part in parts]
    listed = ":".join(f"{len(small)},{len(part)}" for small, part in zip(packed, parts, strict=True))
    path = write_xisf(tmp_path / "a.xisf", data, compression=f"zlib+sh:{len(plain)}:4", subblocks=listed)
    length = sum(map(len, packed))
    edited(path, f"attachment:4096:{len(plain)}", f"attachment:4096:{length}")
    path.write_bytes(path.read_bytes()[:4096] + b"".join(packed))
    assert np.array_equal(open_frame(path).data, data)
    edited(path, listed, listed.replace(",1000", ",1001"))
    assert refused(path).reason == "unreadable"


@pytest.mark.parametrize(("codec", "package"), [("lz4", "cramjam"), ("zstd", "zstandard")])
def test_without_the_package_it_says_how_to_get_it(
    codec: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_xisf(tmp_path / "a.xisf", picture(), codec=codec)
    monkeypatch.setitem(sys.modules, package, None)
    error = refused(path)
    assert error.reason == "unreadable" and f"package {package}" in error.sentence and "extra xisf" in error.sentence
    assert open_header(path).size == (24, 32)
    assert np.array_equal(open_frame(write_xisf(path, picture(), codec="zlib+sh")).data, picture())


def test_bytes_shuffled_by_another_length_than_the_samples(tmp_path: Path) -> None:
    path = write_xisf(tmp_path / "a.xisf", picture("u2"), codec="zlib+sh")
    error = refused(edited(path, "1536:2", "1536:4"))
    assert error.reason == "unreadable" and "shuffled by 4" in error.sentence


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    path = write_xisf(tmp_path / "a.xisf", picture(), codec="zlib")
    size = path.stat().st_size
    for cut in sorted({0, 3, 8, 15, 16, 100, 4000, 4096, *np.linspace(200, size - 1, 25, dtype=int).tolist()}):
        part = torn(path, cut)
        assert refused(part).reason == "truncated", cut
        assert is_complete(part) is False, cut


def test_a_header_needs_no_pixels(tmp_path: Path) -> None:
    path = write_xisf(tmp_path / "a.xisf", picture(), keyword("EXPTIME", "30"))
    header = open_header(torn(path, 4096))
    assert (header.exposure_s, header.size) == (30, (24, 32))


ODD = {
    # old words: (new words, reason)
    'geometry="32:24:1"': [
        ('geometry="32:24:2:1"', "mismatched"),
        ('geometry="32:24"', "mismatched"),
        ('geometry="2000000000:24:1"', "unreadable"),
        ('geometry="-32:24:1"', "unreadable"),
        ('geometry="32:24:0"', "unreadable"),
        ('geometry="32:24:99999999"', "unreadable"),
        ('geometry="NaN:24:1"', "unreadable"),
        ('geometry="32:25:1"', "unreadable"),
        ("", "unreadable"),
    ],
    'sampleFormat="UInt16"': [('sampleFormat="Complex32"', "mismatched"), ('sampleFormat="UInt32"', "unreadable")],
    'colorSpace="Gray"': [('colorSpace="CIELab"', "mismatched"), ('colorSpace="RGB"', "unreadable")],
    "attachment:4096:": [
        ("attachment:999999999999:", "truncated"),
        ("attachment:-1:", "unreadable"),
        ("path(/etc/passwd)", "mismatched"),
        ("url(http://example.org/a)", "mismatched"),
        ("inline:base64", "unreadable"),
        ("embedded:", "unreadable"),
        ("", "mismatched"),
    ],
    "<Image ": [("<Picture ", "unreadable"), ("<Image colour&#10;='1' ", "unreadable")],
    "<xisf ": [("<!DOCTYPE x><xisf ", "unreadable"), ("", "unreadable")],
}


@pytest.mark.parametrize(("old", "new", "reason"), [(old, *pair) for old, pairs in ODD.items() for pair in pairs])
def test_headers_that_make_no_sense(old: str, new: str, reason: str, tmp_path: Path) -> None:
    path = edited(write_xisf(tmp_path / "a.xisf", picture()), old, new)
    if old == "<Image ":
        content = path.read_bytes()
        path.write_bytes(content.replace(b"</Image>", b"</Picture>" if b"<Picture" in content else b"</Image>  "[:8]))
    assert refused(path).reason == reason


@pytest.mark.parametrize("codec", ["zlib", "lz4", "zstd"])
def test_what_unfolds_without_end_allocates_nothing(codec: str, tmp_path: Path) -> None:
    """200 MB of zeros behind a picture of 1.5 kB."""
    bomb = write_xisf(tmp_path / "bomb.xisf", np.zeros((10000, 10000), "u2"), codec=codec)
    edited(bomb, "10000:10000:1", "32:24:1")
    honest = f"{codec}:{200_000_000}"
    tracemalloc.start()
    refused(bomb)
    edited(bomb, honest, f"{codec}:1536")
    refused(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


def test_entities_are_not_unfolded(tmp_path: Path) -> None:
    path = write_xisf(tmp_path / "a.xisf", picture(), keyword("OBJECT", "&b;"))
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xisf '
    edited(path, "<xisf ", laughs)
    error = refused(path)
    assert error.reason == "unreadable" and "document type" in error.sentence


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
@pytest.mark.parametrize("codec", ["", "zlib+sh", "zstd"])
def test_memory_stays_within_two_pictures(dtype: str, codec: str, tmp_path: Path) -> None:
    data = np.random.default_rng(3).normal(1000, 30, (1000, 800, 3)).astype(dtype)
    path = write_xisf(tmp_path / "a.xisf", data, codec=codec, bounds="0:1")
    tracemalloc.start()
    frame = open_frame(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.1 * max(frame.data.nbytes, data.nbytes)


def test_a_real_file(real_data: Path) -> None:
    """The very pixels of the FITS file it was made from; of its camera it says nothing."""
    frame = open_frame(real_data / "C_xisf/M27_1069_lz4hc.xisf")
    assert np.array_equal(frame.data, open_frame(real_data / "A_m27_asi224_osc/Light_1069.fits").data)
    assert (frame.header.cfa, frame.header.exposure_s, frame.header.row_order) == (None, None, "TOP-DOWN")


@pytest.mark.parametrize("content", [b"junk" * 999, b"XISF0100" + b"\xff" * 4 + b"x" * 99, b"\0" * 5000])
def test_junk(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.xisf"
    path.write_bytes(content)
    assert refused(path).reason == ("unreadable" if content.startswith(b"junk") else "truncated")
    assert not is_complete(path)
