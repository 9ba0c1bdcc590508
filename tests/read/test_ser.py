"""SER video: each frame by its own name, whatever the recorder was and however it ended."""

from __future__ import annotations

import struct
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from livestack.errors import FrameError
from livestack.read import file_of, frames_in, is_complete, is_frame_name, open_frame, open_header, order_key, suffix_of
from livestack.read.names import frame_path
from livestack.stacks.prepare import content_hash, identity_of
from tests.read.writing import noise, torn, write_ser

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = 10_000_000


def ticks(moment: datetime) -> int:
    """Time as SER counts it: 100 ns since the year 1."""
    return (moment - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10


def every(seconds: float, n: int) -> list[int]:
    return [ticks(START) + round(i * seconds * SECOND) for i in range(n)]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize(("colour", "cfa"), [(0, None), (8, "RGGB"), (9, "GRBG"), (10, "GBRG"), (11, "BGGR")])
def test_every_frame_comes_back(big_endian: bool, dtype: str, colour: int, cfa: str | None, tmp_path: Path) -> None:
    frames = (noise((3, 24, 32)) // (8 if dtype == "u1" else 1)).astype(dtype)
    path = write_ser(tmp_path / "night.ser", frames, colour, big_endian=big_endian)
    found = frames_in(path)
    assert [one.name for one in found] == ["night_000001.ser", "night_000002.ser", "night_000003.ser"]
    for one, frame in zip(found, frames, strict=True):
        read = open_frame(one)
        assert read.data.dtype == np.uint16
        assert not read.data.flags.writeable
        np.testing.assert_array_equal(read.data, frame)
        assert (read.header.cfa, read.header.size, read.header.row_order) == (cfa, (24, 32), "TOP-DOWN")
        assert read.header == open_header(one)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("colour", [100, 101])
def test_colours_are_red_green_blue(colour: int, dtype: str, tmp_path: Path) -> None:
    frames = (noise((2, 20, 30, 3)) // 8).astype(dtype)
    path = write_ser(tmp_path / "night.ser", frames if colour == 100 else frames[..., ::-1], colour)
    for one, frame in zip(frames_in(path), frames, strict=True):
        np.testing.assert_array_equal(open_frame(one).data, frame)
        assert open_frame(one).header.cfa is None


def test_what_the_header_and_the_trailer_say(tmp_path: Path) -> None:
    """The exposure is the usual time between frames; one that was lost does not change it."""
    times = every(2.5, 9)
    times[5:] = [time + 10 * SECOND for time in times[5:]]
    path = write_ser(tmp_path / "night.ser", noise((9, 24, 32)), times=times, depth=12)
    header = open_header(frames_in(path)[3])
    assert header.time_utc == START + timedelta(seconds=7.5)
    assert header.exposure_s == 2.5
    assert (header.camera, header.telescope, header.saturation_adu) == ("ZWO ASI290MM", "C8", 4095)
    assert [order_key(one)[0] for one in frames_in(path)] == sorted(order_key(one)[0] for one in frames_in(path))


@pytest.mark.parametrize("times", [[], [0, 0, 0], [2**62, -5, 7]])
def test_without_times_the_start_is_all_that_is_known(times: list[int], tmp_path: Path) -> None:
    path = write_ser(tmp_path / "night.ser", noise((3, 24, 32)), times=times, start=ticks(START))
    headers = [open_header(one) for one in frames_in(path)]
    assert headers[0].time_utc == START
    assert headers[0].exposure_s is None
    bare = write_ser(tmp_path / "bare.ser", noise((3, 24, 32)))
    assert (open_header(bare).time_utc, open_header(bare).exposure_s) == (None, None)


@pytest.mark.skipif(sys.platform != "linux", reason="what a process reads is told by /proc")
def test_what_is_read_of_a_frame_does_not_grow_with_the_video(tmp_path: Path) -> None:
    """The times of all frames are at the end of the file, and only this frame's matter."""

    def read_bytes(path: Path) -> int:
        said = [int(Path("/proc/self/io").read_text().split()[1]) for _ in range(2)]
        open_frame(path)
        return int(Path("/proc/self/io").read_text().split()[1]) - said[1] - (said[1] - said[0])

    short, long = (
        write_ser(tmp_path / f"{n}.ser", np.broadcast_to(noise((8, 8)), (n, 8, 8)), times=every(2, n))
        for n in (3000, 30_000)
    )
    frames = [frames_in(path)[299] for path in (short, short, long)]
    assert open_frame(frames[-1]).header.exposure_s == 2
    _, few, many = (read_bytes(path) for path in frames)
    assert many == few < 20_000


def test_the_names_of_frames(tmp_path: Path) -> None:
    path = write_ser(tmp_path / "Night 1.SER", noise((2, 24, 32)))
    second = frames_in(path)[1]
    assert second == path / "Night 1_000002.SER"
    assert file_of(second) == file_of(path) == path
    assert suffix_of(second) == suffix_of(path) == ".ser"
    assert is_frame_name(path)
    assert frames_in(second) == [second]
    assert identity_of(second).size == path.stat().st_size
    np.testing.assert_array_equal(open_frame(path).data, open_frame(frames_in(path)[0]).data)
    other = tmp_path / "light.fits"
    assert frames_in(other) == [other]
    assert file_of(other) == other


def test_dark_frames_are_told_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "Darks").mkdir()
    for path in (tmp_path / "dark_5s.ser", tmp_path / "Darks" / "capture.ser"):
        assert {open_header(one).kind for one in frames_in(write_ser(path, noise((2, 24, 32))))} == {"dark"}


def test_a_frame_is_known_by_its_content(tmp_path: Path) -> None:
    """Whatever the video is called and however many frames follow; the same px at another time are another frame."""
    same = np.stack([noise((24, 32))] * 3)
    path = write_ser(tmp_path / "a.ser", same, times=every(1, 3))
    hashes = [content_hash(one) for one in frames_in(path)]
    assert len(set(hashes)) == 3
    copy = write_ser(tmp_path / "b.ser", same[:2], times=every(1, 2))
    assert [content_hash(one) for one in frames_in(copy)] == hashes[:2]
    other = same.copy()
    other[1, 3, 3] += 1
    changed = [content_hash(one) for one in frames_in(write_ser(tmp_path / "c.ser", other, times=every(1, 3)))]
    assert [mine == yours for mine, yours in zip(changed, hashes, strict=True)] == [True, False, True]


def test_a_video_that_is_cut_short(tmp_path: Path) -> None:
    """Its whole frames are good; the one that is not says so."""
    sound = write_ser(tmp_path / "night.ser", noise((5, 24, 32)), times=every(1, 5))
    assert is_complete(sound) is True
    part = torn(sound, 178 + 3 * 24 * 32 * 2 + 100)
    assert is_complete(part) is False
    found = frames_in(part)
    assert [is_complete(one) for one in found] == [True, True, True, False]
    np.testing.assert_array_equal(open_frame(found[2]).data, open_frame(frames_in(sound)[2]).data)
    with pytest.raises(FrameError, match="ends in frame 4 of 5") as refused:
        open_frame(found[3])
    assert refused.value.reason == "truncated"


def test_a_recorder_that_did_not_count(tmp_path: Path) -> None:
    """It writes the count at the end: what is there without one may still grow, and is read as far as it goes."""
    path = write_ser(tmp_path / "night.ser", noise((4, 24, 32)), count=0)
    assert is_complete(path) is False
    assert [is_complete(one) for one in frames_in(path)] == [True] * 4


def test_a_frame_that_is_gone(tmp_path: Path) -> None:
    path = write_ser(tmp_path / "night.ser", noise((4, 24, 32)))
    last = frames_in(path)[-1]
    write_ser(path, noise((2, 24, 32)))
    with pytest.raises(FrameError, match="no number 4 any more") as refused:
        open_frame(last)
    assert refused.value.reason == "vanished"
    path.unlink()
    for ask in (open_frame, open_header, content_hash):
        with pytest.raises(FrameError, match="gone") as refused:
            ask(last)
        assert refused.value.reason == "vanished"


def test_frames_are_counted_from_one(tmp_path: Path) -> None:
    zeroth = frame_path(write_ser(tmp_path / "night.ser", noise((4, 24, 32))), 0)
    assert is_complete(zeroth) is False
    for ask in (open_frame, content_hash):
        with pytest.raises(FrameError, match="no number 0") as refused:
            ask(zeroth)
        assert refused.value.reason == "vanished"


@pytest.mark.parametrize(
    ("at", "value", "reason", "words"),
    [
        (0, b"RECORDER", "unreadable", "not a SER video"),
        (18, struct.pack("<i", 16), "mismatched", "ColorID 16"),
        (26, struct.pack("<i", -5), "unreadable", "-5 x 24 px"),
        (26, struct.pack("<i", 2**31 - 1), "unreadable", "more than any camera"),
        (34, struct.pack("<i", 33), "unreadable", "33 bits"),
        (34, struct.pack("<i", 0), "unreadable", "0 bits"),
    ],
)
def test_headers_that_cannot_be(at: int, value: bytes, reason: str, words: str, tmp_path: Path) -> None:
    path = write_ser(tmp_path / "night.ser", noise((3, 24, 32)))
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    assert frames_in(path) == [path]
    with pytest.raises(FrameError, match=words) as refused:
        open_frame(path)
    assert refused.value.reason == reason


@pytest.mark.parametrize("count", [2**31 - 1, -1])
def test_absurd_counts(count: int, tmp_path: Path) -> None:
    """What the file holds is what counts: nothing is allocated for two billion frames."""
    path = write_ser(tmp_path / "night.ser", noise((3, 24, 32)), count=count)
    found = frames_in(path)
    assert len(found) == (4 if count > 0 else 3)
    assert [is_complete(one) for one in found[:3]] == [True] * 3
    assert is_complete(path) is False


def test_more_frames_than_a_night_has(tmp_path: Path) -> None:
    path = write_ser(tmp_path / "night.ser", noise((1, 4, 4), "u1"), count=0)
    with path.open("r+b") as file:
        file.truncate(178 + 16 * 1_000_001)
    assert frames_in(path) == [path]
    with pytest.raises(FrameError, match="1000001 frames"):
        open_frame(path)


def test_nothing_in_it(tmp_path: Path) -> None:
    path = write_ser(tmp_path / "night.ser", noise((0, 24, 32)))
    assert is_complete(path) is False
    assert frames_in(path) == [path]
    with pytest.raises(FrameError, match="holds no frame"):
        open_frame(path)
    path.write_bytes(path.read_bytes()[:100])
    assert is_complete(path) is False
    with pytest.raises(FrameError, match="ends inside its header"):
        open_frame(path)


def test_a_frame_that_is_not_there_takes_no_memory(tmp_path: Path) -> None:
    """A damaged header declares 288 MB a frame; the file ends long before."""
    path = write_ser(tmp_path / "v.ser", noise((1, 24, 32)))
    content = bytearray(path.read_bytes())
    content[26:34] = (12_000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(FrameError, match="ends in frame 1"):
        open_frame(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
