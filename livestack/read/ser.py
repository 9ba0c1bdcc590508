"""SER video: every frame is a frame of its own, named as if the video were a folder (`names.frame_path`).

Layout: SER format description version 3 (Wilkens and Hahn 2014): a header of 178 bytes, the frames, and as a rule a
trailer with the time of each. The field that is called LittleEndian is used the other way round: the first programs
wrote 0 for little-endian, and all others followed them.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from livestack.errors import FrameError, LivestackError
from livestack.frame import Array, Frame, Header
from livestack.read.files import check_size, make_frame, opened
from livestack.read.header import make_header
from livestack.read.names import file_of, frame_path, number_of
from livestack.read.streams import read_rows

MAGIC: Final = b"LUCAM-RECORDER"
LAYOUT: Final = struct.Struct("<14s7i40s40s40s2q")
COUNT: Final = slice(38, 42)
"""Where the header says how many frames there are."""
MONO, RGB, BGR = 0, 100, 101
BAYER: Final = {8: "RGGB", 9: "GRBG", 10: "GBRG", 11: "BGGR"}
MOST_FRAMES: Final = 1_000_000
"""A night of 20 frames a second has fewer."""
ENOUGH_TIMES: Final = 256
"""Of so many frames the time that goes from one to the next is asked; more would be read again for every frame."""
TICK: Final = np.dtype("<i8")
TICKS_PER_S: Final = 10_000_000
YEAR_ONE: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST_TICK: Final = int((datetime.max.replace(tzinfo=UTC) - YEAR_ONE).total_seconds()) * TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Video:
    """What a SER says of itself.

    Attributes
    ----------
    facts : bytes
        The header without the number of frames, which grows while it is written.
    colour : int
        ColorID.
    dtype : dtype
        Of a sample in the file.
    n_declared, n_whole : int
        Frames that the header counts (0 = not counted yet), and that are in the file.
    has_times : bool
        There is a trailer.
    """

    facts: bytes
    colour: int
    size: tuple[int, int]
    depth: int
    dtype: np.dtype[Any]
    n_declared: int
    n_whole: int
    has_times: bool
    words: tuple[str, str, str]
    start_tick: int

    @property
    def planes(self) -> int:
        """Samples per px."""
        return 3 if self.colour in (RGB, BGR) else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W), or (H, W, 3) in colour."""
        return self.size if self.planes == 1 else (*self.size, self.planes)

    @property
    def frame_bytes(self) -> int:
        """Size of one frame."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def n_frames(self) -> int:
        """Frames to be read; one that is cut short counts, for that is to be said."""
        return self.n_whole + (self.n_whole < self.n_declared)


def frames_in(path: Path) -> list[Path]:
    """Return the paths of the frames of a video, in order; never raises.

    Of one that is cut short, that of the first frame that is not whole comes last; a file that is no video, or an empty
    one, is returned as it is: reading it says why.
    """
    try:
        with opened(path) as (stream, size):
            n_frames = _video(stream, size, path.name).n_frames
    except LivestackError:
        n_frames = 0
    return [frame_path(path, number) for number in range(1, n_frames + 1)] or [path]


def read_frame(path: Path) -> Frame:
    """Read one frame; a video without a number is its first one.

    Returns
    -------
    Frame
        data uint16, (H, W) mono or CFA, (H, W, 3) colour; ADU as written.

    Raises
    ------
    FrameError
        unreadable, truncated, mismatched, vanished.
    """
    with opened(file_of(path)) as (stream, size):
        video = _video(stream, size, path.name)
        header = _header(path, video, stream)
        _seek(stream, video, path)
        data: Array = np.empty(video.shape, np.uint16)
        try:
            for rows, samples in read_rows(stream, video.shape, video.dtype):
                data[rows] = samples[..., ::-1] if video.colour == BGR else samples
        except EOFError as error:
            raise _cut_short(path, video) from error
    return make_frame(data, header)


def read_header(path: Path) -> Header:
    """Read what a video says of one of its frames.

    Raises
    ------
    FrameError
        As `read_frame`.
    """
    with opened(file_of(path)) as (stream, size):
        video = _video(stream, size, path.name)
        return _header(path, video, stream)


def is_complete(path: Path) -> bool | None:
    """Whether a frame is whole; of the video itself, whether it holds as many frames as it counts."""
    file = file_of(path)
    with opened(file) as (stream, size):
        try:
            video = _video(stream, size, path.name)
        except FrameError as error:
            # a recorder may write the header last; what it is not, it may not become
            return False if error.reason == "truncated" else None
    return 0 < video.n_declared <= video.n_whole if path == file else 1 <= number_of(path) <= video.n_whole


def share_of(path: Path) -> bytes:
    """Return what makes a frame this frame: the facts of its video, its px and its time.

    Raises
    ------
    FrameError
        As `read_frame`.
    """
    with opened(file_of(path)) as (stream, size):
        video = _video(stream, size, path.name)
        _seek(stream, video, path)
        pixels = stream.read(video.frame_bytes)
        if len(pixels) < video.frame_bytes:
            raise _cut_short(path, video)
        return b"".join((video.facts, pixels, _times(stream, video, number_of(path), 1).tobytes()))


def _video(stream: BinaryIO, size: int, name: str) -> Video:
    """Read the header of a video of so many bytes, and refuse what cannot be one."""
    head = stream.read(LAYOUT.size)
    if len(head) < LAYOUT.size:
        raise FrameError("truncated", f"{name} ends inside its header; copy it again when it is finished.")
    magic, _, colour, big_endian, width, height, depth, count, *words, _, start = LAYOUT.unpack(head)
    if magic != MAGIC:
        raise FrameError("unreadable", f"{name} is not a SER video; copy it again.")
    if colour not in (MONO, RGB, BGR, *BAYER):
        raise FrameError("mismatched", f"{name}: its colour pattern (ColorID {colour}) cannot be debayered.")
    if not 1 <= depth <= 16:
        raise FrameError("unreadable", f"{name} says it has {depth} bits a px: its header is damaged; copy it again.")
    check_size(name, (height, width), 3 if colour in (RGB, BGR) else 1)
    dtype = np.dtype("u1" if depth <= 8 else ">u2" if big_endian else "<u2")
    frame_bytes = width * height * (3 if colour in (RGB, BGR) else 1) * dtype.itemsize
    declared = max(count, 0)
    whole = (size - LAYOUT.size) // frame_bytes
    n_whole = min(whole, declared) if declared else whole
    if n_whole > MOST_FRAMES:
        raise FrameError("unreadable", f"{name} says it holds {n_whole} frames: its header is damaged; copy it again.")
    return Video(
        facts=head[: COUNT.start] + head[COUNT.stop :],
        colour=colour,
        size=(height, width),
        depth=depth,
        dtype=dtype,
        n_declared=declared,
        n_whole=n_whole,
        has_times=0 < declared <= whole and size >= LAYOUT.size + declared * (frame_bytes + 8),
        words=tuple(word.split(b"\0")[0].decode("latin-1") for word in words),
        start_tick=start,
    )


def _seek(stream: BinaryIO, video: Video, path: Path) -> None:
    """Go to where a frame begins; one that is not whole takes no memory."""
    file, number = file_of(path), number_of(path)
    if not video.n_frames:
        raise FrameError("truncated", f"{file.name} holds no frame: nothing was recorded into it.")
    if not 1 <= number <= video.n_frames:
        raise FrameError("vanished", f"{file.name} has {video.n_frames} frames, and no number {number} any more.")
    if number > video.n_whole:
        raise _cut_short(path, video)
    stream.seek(LAYOUT.size + (number - 1) * video.frame_bytes)


def _cut_short(path: Path, video: Video) -> FrameError:
    file, number = file_of(path), number_of(path)
    return FrameError(
        "truncated",
        f"{file.name} ends in frame {number} of {video.n_declared}; copy it again when it is finished.",
    )


def _times(stream: BinaryIO, video: Video, first: int, count: int) -> Array:
    """Return the times of some frames, (count,) int64; fewer where the trailer ends, none where the video has none."""
    if not video.has_times:
        return np.zeros(0, TICK)
    stream.seek(LAYOUT.size + video.n_declared * video.frame_bytes + (first - 1) * TICK.itemsize)
    content = stream.read(max(0, min(count, video.n_declared - first + 1)) * TICK.itemsize)
    return np.frombuffer(content, TICK, len(content) // TICK.itemsize)


def _header(path: Path, video: Video, stream: BinaryIO) -> Header:
    """Return the header of a frame; the video does not say its exposure, but from frame to frame goes as much time."""
    number = number_of(path)
    observer, instrument, telescope = video.words
    keywords: dict[str, Any] = {
        "OBSERVER": observer,
        "INSTRUME": instrument,
        "TELESCOP": telescope,
        "SATURATE": 2**video.depth - 1,
        "ROWORDER": "TOP-DOWN",
        "FRAMENO": number,
    }
    own = _times(stream, video, number, 1)
    if moment := (_moment(int(own[0])) if len(own) else None) or _moment(video.start_tick):
        keywords["DATE-AVG"] = moment.isoformat()
    if between := _usual_step(_times(stream, video, 1, ENOUGH_TIMES)):
        keywords["EXPTIME"] = between / TICKS_PER_S
    return make_header(path, keywords, video.size, colour=video.planes == 3, cfa=BAYER.get(video.colour))


def _usual_step(times: Array) -> float:
    """Return the median time from one frame to the next, in ticks; 0 where it is not known."""
    said = times[(times > 0) & (times < LAST_TICK)]
    return max(0.0, float(np.median(np.diff(said)))) if len(said) > 1 else 0.0


def _moment(tick: int) -> datetime | None:
    """Return a time that is said in 100 ns since the year 1; None for 0 and for what is no time."""
    return YEAR_ONE + timedelta(microseconds=tick // 10) if 0 < tick < LAST_TICK else None
