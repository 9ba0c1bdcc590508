"""Camera RAW: decoded in a child that may crash, hang or be killed, and files that end early."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image

from livestack.errors import FrameError
from livestack.read import close_decoders, decoder, is_complete, open_frame, open_header
from livestack.read.decoder import DECODERS
from livestack.read.exif import exif_of
from livestack.read.raw import masked_levels
from tests.read.writing import noise, torn, write_dng, write_linear_dng

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh_children() -> Iterator[None]:
    close_decoders()
    yield
    close_decoders()


def refused(path: Path) -> FrameError:
    with pytest.raises(FrameError) as caught:
        open_frame(path)
    return caught.value


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < end, f"process {pid} does not end"
        time.sleep(0.02)


def test_what_a_dng_says(tmp_path: Path) -> None:
    data = noise((48, 64)) + np.uint16(500)
    frame = open_frame(write_dng(tmp_path / "a.dng", data, "GRBG", black=512, white=16000))
    header = frame.header
    assert frame.data.dtype == np.float32
    assert np.array_equal(frame.data, data.astype("f4") - 512)
    assert (header.cfa, header.exposure_s, header.saturation_adu) == ("GRBG", 30, 16000 - 512)
    assert header.camera == "Testcam One"
    assert header.time_utc and header.time_utc.isoformat() == "2026-01-02T03:04:20+00:00"
    assert header.gain == 800
    assert header.daylight is not None
    assert header.daylight[1] == 1
    alone = open_header(tmp_path / "a.dng")
    assert alone.cfa is None, "it was not decoded"
    for name in ("size", "kind", "camera", "exposure_s", "time_utc", "gain", "binning"):
        assert getattr(alone, name) == getattr(header, name), name


def exif_block() -> bytes:
    """A JPEG with EXIF: from byte 12 on, behind two marks and a length, the directory alone."""
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Maker X-1"
    exif.get_ifd(34665).update({33434: 2.5, 34855: 1600, 36867: "2026:01:02 03:04:05"})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def test_what_stands_in_boxes_and_inner_pictures() -> None:
    """The directories of CR3 and RAF files are reached without the decoder."""
    block = exif_block()
    boxes = b"".join(
        (8 + len(block)).to_bytes(4, "big") + name + block if name == b"CMT1" else (8).to_bytes(4, "big") + name
        for name in (b"CMT1", b"CMT2")
    )
    cr3 = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + b"moov box" * 20 + boxes
    jpeg = b"\xff\xd8\xff\xe1" + (len(block) + 8).to_bytes(2, "big") + b"Exif\0\0" + block + b"\xff\xd9"
    raf = b"FUJIFILMCCD-RAW 0201FF".ljust(84, b"\0") + (120).to_bytes(4, "big") + len(jpeg).to_bytes(4, "big")
    raf = raf.ljust(120, b"\0") + jpeg
    for content in (block, cr3, raf):
        said = exif_of(io.BytesIO(content), len(content))
        expected = {"INSTRUME": "Maker X-1", "EXPTIME": 2.5, "ISOSPEED": 1600, "DATE-OBS": "2026:01:02 03:04:05"}
        assert said == expected
        for cut in range(0, len(content), 7):
            assert set(exif_of(io.BytesIO(content[:cut]), cut)) <= set(expected)


def test_without_black_level_the_values_stay_whole(tmp_path: Path) -> None:
    data = noise((48, 64))
    frame = open_frame(write_dng(tmp_path / "a.dng", data))
    assert frame.data.dtype == np.uint16
    assert np.array_equal(frame.data, data)


def test_a_monochrome_sensor(tmp_path: Path) -> None:
    tags = [(50706, "B", 4, b"\1\4\0\0", True), (50708, "s", 0, "Mono One", True), (50717, "I", 1, 16383, True)]
    path = tmp_path / "a.dng"
    tifffile.imwrite(path, noise((48, 64)), photometric="minisblack", extratags=tags, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags[262].overwrite(34892)
    frame = open_frame(path)
    assert frame.header.cfa is None
    assert np.array_equal(frame.data, noise((48, 64)))


def test_three_colours_per_pixel(tmp_path: Path) -> None:
    """A linear DNG, as denoisers and phones write it: red, green, blue, each less its own black level."""
    data = noise((48, 64, 3)) + np.array([0, 200, 400], "u2")
    frame = open_frame(write_linear_dng(tmp_path / "a.dng", data, (0, 0, 0)))
    assert (frame.data.dtype, frame.header.cfa, frame.header.exposure_s) == (np.uint16, None, 30)
    assert np.array_equal(frame.data, data)
    frame = open_frame(write_linear_dng(tmp_path / "b.dng", data, (100, 110, 120)))
    assert np.array_equal(frame.data, data.astype("f4") - np.array([100, 110, 120], "f4"))


def sensor(top: int, left: int) -> np.ndarray:
    """Sky of 3000 ADU, and a masked border with levels of its own for each pixel of the cell; its edge is not dark."""
    random = np.random.default_rng(11)
    data = random.normal(3000, 50, (200, 300))
    level = np.roll(np.tile(np.array([[2074, 2070], [2078, 2074]], float), (100, 150)), (top, left), (0, 1))
    masked = np.zeros(data.shape, bool)
    masked[:top], masked[:, :left] = True, True
    data[masked] = (level + random.normal(0, 8, data.shape))[masked]
    data[:2], data[:, :2] = 5000, 5000
    return data.round().astype("u2")


@pytest.mark.parametrize(("top", "left"), [(40, 60), (40, 0), (0, 60), (40, 10)])
def test_a_camera_that_the_decoder_does_not_know_yet(top: int, left: int, tmp_path: Path) -> None:
    """Canon's file without a black level: the masked border tells it. Elsewhere no black level means none."""
    data = sensor(top, left)
    area = (top, left, 200, 300)
    frame = open_frame(write_dng(tmp_path / "a.cr2", data, white=16000, active_area=area))
    black = np.tile(np.array([[2074, 2070], [2078, 2074]], "f4"), (100, 150))[: 200 - top, : 300 - left]
    assert np.allclose(frame.data, data[top:, left:] - black, atol=1.5)
    assert frame.header.saturation_adu == pytest.approx(16000 - 2078, abs=2)
    assert np.array_equal(open_frame(write_dng(tmp_path / "b.dng", data, active_area=area)).data, data[top:, left:])


@pytest.mark.parametrize(("top", "left"), [(40, 61), (41, 60), (41, 61), (61, 40), (60, 41), (61, 41), (41, 0)])
def test_a_border_of_odd_width(top: int, left: int) -> None:
    """Levels are those of the cell that the visible part begins with."""
    assert np.allclose(masked_levels(sensor(top, left), top, left), [2074, 2070, 2078, 2074], atol=1.5)


def test_no_border_no_black_level(tmp_path: Path) -> None:
    data = noise((48, 64))
    assert np.array_equal(open_frame(write_dng(tmp_path / "a.cr2", data)).data, data)
    frame = open_frame(write_dng(tmp_path / "b.cr2", data, active_area=(4, 6, 48, 64)))
    assert np.array_equal(frame.data, data[4:, 6:]), "too narrow to be one"
    said = open_frame(write_dng(tmp_path / "c.cr2", data, black=512, active_area=(10, 10, 48, 64)))
    assert np.array_equal(said.data, data[10:, 10:].astype("f4") - 512), "what the file says is believed"


def test_the_masked_border_of_a_real_camera(real_data: Path) -> None:
    """LibRaw knows this one, and its level comes from the same border."""
    with rawpy.imread(str(real_data / "B_raw/CRW.CRW")) as raw:
        levels = masked_levels(raw.raw_image, raw.sizes.top_margin, raw.sizes.left_margin)
        assert np.allclose(levels, raw.black_level_per_channel, atol=1.5)


@pytest.mark.parametrize("spread_adu", [1.0, 3.0])
def test_a_lens_cap_dark_is_whole(spread_adu: float, tmp_path: Path) -> None:
    """Noise around zero, cut off at zero as some cameras do: nine pixels in ten are exactly 0, yet it is a frame."""
    data = np.random.default_rng(5).normal(-1.3 * spread_adu, spread_adu, (200, 300)).clip(0).round().astype("u2")
    assert (data == 0).mean() > 0.85
    assert np.array_equal(open_frame(write_dng(tmp_path / "a.dng", data)).data, data)


def test_a_picture_whose_end_is_missing_inside_the_file(tmp_path: Path) -> None:
    """The file is as long as it says, but nothing was written into its last part."""
    data = noise((200, 300))
    data[150:] = 0
    assert refused(write_dng(tmp_path / "a.dng", data)).reason == "truncated"
    data[:] = 0
    assert refused(write_dng(tmp_path / "b.dng", data)).reason == "truncated"


def test_every_cut_of_a_dng_is_noticed(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((64, 64)))
    size = path.stat().st_size
    for cut in sorted({0, 3, 8, 100, *np.linspace(200, size - 1, 25, dtype=int).tolist()}):
        part = torn(path, cut)
        assert refused(part).reason in ("truncated", "unreadable"), cut
        assert refused(part).reason == "truncated" or cut < 8, cut
        assert not is_complete(part), cut
    assert is_complete(path) is True


@pytest.mark.parametrize("name", ["B_raw/CRW.CRW", "B_raw/RAW_KODAK_DC50.KDC", "B_dng_from_real/M27_1069.dng"])
def test_cuts_of_real_files_are_noticed(name: str, real_data: Path, tmp_path: Path) -> None:
    content = (real_data / name).read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9):
        part = tmp_path / f"torn_{share}_{Path(name).name}"
        part.write_bytes(content[: int(len(content) * share)])
        assert refused(part).reason in ("truncated", "unreadable"), share


def test_the_child_is_kept_and_closed(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    open_frame(path)
    (child,) = DECODERS.idle
    open_frame(path)
    assert DECODERS.idle == [child]
    close_decoders()
    assert not is_running(child.pid)
    assert np.array_equal(open_frame(path).data, noise((48, 64)))


def test_a_killed_child_costs_one_frame(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    open_frame(path)
    pid = DECODERS.idle[0].pid
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    error = refused(path)
    assert error.reason == "unreadable"
    assert "-9" in error.sentence
    assert np.array_equal(open_frame(path).data, noise((48, 64)))


def test_a_child_killed_while_it_decodes(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    open_frame(path)
    pid = DECODERS.idle[0].pid
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    assert refused(path).reason == "unreadable"
    killer.join()
    assert np.array_equal(open_frame(path).data, noise((48, 64)))


def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    open_frame(path)
    pid = DECODERS.idle[0].pid
    monkeypatch.setattr(decoder, "DECODE_LIMIT_S", 0.5)
    os.kill(pid, signal.SIGSTOP)
    error = refused(path)
    assert error.reason == "unreadable" and "took more than" in error.sentence
    assert not is_running(pid)
    monkeypatch.undo()
    assert np.array_equal(open_frame(path).data, noise((48, 64)))


def test_several_threads_decode_at_once(tmp_path: Path) -> None:
    frames = {seed: noise((300, 400), seed=seed) for seed in range(6)}
    paths = {seed: write_dng(tmp_path / f"{seed}.dng", data) for seed, data in frames.items()}
    wrong: list[int] = []

    def read(seed: int) -> None:
        for _ in range(3):
            if not np.array_equal(open_frame(paths[seed]).data, frames[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert 1 <= len(DECODERS.idle) <= len(threads)


def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    program = f"""
import sys, time
from pathlib import Path
from livestack.read import open_frame
from livestack.read.decoder import DECODERS
from livestack.read.exif import exif_of
open_frame(Path({str(path)!r}))
print(DECODERS.idle[0].pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(child)


def test_the_parent_never_loads_libraw(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    program = f"""
import sys
from pathlib import Path
from livestack.read import open_frame, close_decoders
open_frame(Path({str(path)!r}))
close_decoders()
print([name for name in ("rawpy", "astropy", "cv2", "tifffile") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_ctrl_c_does_not_reach_the_child(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noise((48, 64)))
    open_frame(path)
    pid = DECODERS.idle[0].pid
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    assert np.array_equal(open_frame(path).data, noise((48, 64)))
    assert DECODERS.idle[0].pid == pid


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/n\xe9buleuse 42.dng"))
    write_dng(tmp_path / "a.dng", noise((48, 64))).rename(path)
    assert np.array_equal(open_frame(path).data, noise((48, 64)))
