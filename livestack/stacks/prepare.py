"""From a finished file to a measured sub. Pure: any thread or process may do it, in any order."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any

from livestack.errors import FrameError, SourceError
from livestack.events import SubAccepted
from livestack.frame import Array, Frame, Header, Identity, Masters, Quality
from livestack.read import file_of, open_frame, share_of
from livestack.reduce.cells import NO_CELLS, Cells, room_for_cells
from livestack.reduce.kernels import Sensor
from livestack.reduce.measure import measure_light
from livestack.reduce.sensor import sensor_of

StackKey = tuple[Any, ...]

HASHED_BYTES = 1 << 22
"""Of a file at a time."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sub read and measured.

    Attributes
    ----------
    arrival : int
        Place in the order found finished; calibration frames count too.
    no : int
        Number of the sub, from 1; 0 until it is integrated.
    frame : Frame
        Raw, as the camera wrote it.
    masters_id : str
        Calibration it was measured with; a stack that uses another measures it again.
    sensor, stars, quality
        None for a frame that is not a light, and for a light that is not measured yet. The sensor does not know the
        defects that only a look finds.
    cells : Cells, optional
        What the guide is sampled of, as the sensor knows them.
    """

    arrival: int
    identity: Identity
    sha256: str
    frame: Frame
    masters_id: str = ""
    sensor: Sensor | None = None
    stars: Array | None = None
    quality: Quality | None = None
    no: int = 0
    cells: Cells | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that cannot be a sub: why, in words."""

    arrival: int
    identity: Identity
    sha256: str | None
    reason: str
    sentence: str
    no: int = 0


def prepare(
    arrival: int,
    identity: Identity,
    calibration: Callable[[StackKey], tuple[str, Masters] | None],
    threads: Executor | None = None,
    *,
    cells: bool = False,
) -> Prepared | Unusable:
    """Read a file, and measure it when it is a light and its stack is founded: before, its masters are not known.

    Parameters
    ----------
    calibration : callable
        Masters of the stack that a light belongs to, with their id; None before there is such a stack.
    threads : Executor, optional
        Runs the bands of the kernels.
    cells : bool
        Whether to keep the cells that the guide is sampled of.
    """
    # the bytes are hashed while they are read and measured
    hashing = threads.submit(content_hash, identity.path) if threads else None
    problem: tuple[str, str] | None = None  # not the error: its frames hold what was read, and are held by it
    try:
        sub = Prepared(arrival, identity, "", open_frame(identity.path))
        known = calibration(stack_key(sub.frame)) if sub.frame.header.kind == "light" else None
        if known is not None:
            sub = measured(sub, *known, threads, cells=cells)
    except FrameError as error:
        problem = error.reason, error.sentence
    try:
        sha256 = hashing.result() if hashing else content_hash(identity.path)
    except FrameError as error:
        return Unusable(arrival, identity, None, error.reason, error.sentence)
    if problem is not None:
        return Unusable(arrival, identity, sha256, *problem)
    return dataclasses.replace(sub, sha256=sha256)


def identity_of(path: Path) -> Identity:
    """Return which bytes a path holds now."""
    state = file_of(path).stat()
    return Identity(path, state.st_size, state.st_mtime_ns, state.st_ino)


def measured(
    sub: Prepared, masters_id: str, masters: Masters, threads: Executor | None = None, *, cells: bool = False
) -> Prepared:
    """Return the sub measured with these masters, with or without its cells; the kernels' bands in threads."""
    check_masters_fit(sub.frame, masters)
    sensor = sensor_of(sub.frame, masters)
    plane = room_for_cells(sensor) if cells else None
    stars, quality = measure_light(sensor, threads, NO_CELLS if plane is None else plane)
    kept = None if plane is None else Cells(plane)
    return dataclasses.replace(sub, masters_id=masters_id, sensor=sensor, stars=stars, quality=quality, cells=kept)


def check_masters_fit(frame: Frame, masters: Masters) -> None:
    """Raise FrameError (mismatched) when masters are of another size than the frame."""
    for kind, array in (("dark or bias", masters.pedestal), ("flat", masters.gain)):
        if array is not None and array.shape != frame.data.shape:
            raise FrameError(
                "mismatched",
                f"{frame.header.path.name} is {frame.data.shape[1]}×{frame.data.shape[0]} px, the {kind} "
                f"{array.shape[1]}×{array.shape[0]}: take one of the same size and binning.",
            )


def content_hash(path: Path) -> str:
    """SHA-256 of a frame's bytes: of its file, or of its share of a video.

    Raises
    ------
    FrameError
        vanished or unreadable.
    """
    try:
        if file_of(path) != path:
            return hashlib.sha256(share_of(path)).hexdigest()
        with path.open("rb", buffering=0) as file:
            return _digest(file).hexdigest()
    except SourceError as error:
        raise FrameError("unreadable", f"{path.name}: {error}") from None
    except FileNotFoundError:
        raise FrameError("vanished", f"{path.name} is gone: it was removed before it could be read.") from None
    except OSError as error:
        raise FrameError("unreadable", f"{path.name} cannot be read: {error.strerror}.") from None


def _digest(file: FileIO) -> hashlib._Hash:
    """SHA-256 of a file in pieces that are large: for each, who measures the sub lets go of the interpreter twice."""
    digest, room = hashlib.sha256(), memoryview(bytearray(HASHED_BYTES))
    while n_bytes := file.readinto(room):
        digest.update(room[:n_bytes])
    return digest


def is_there(sub: SubAccepted, *, by_content: bool = False) -> bool:
    """Whether the file of a sub still holds the bytes that were stacked."""
    path = Path(sub.path)
    try:
        now = identity_of(path)
        if not by_content and (now.size, now.mtime_ns) == (sub.size, sub.mtime_ns):
            return True
        return content_hash(path) == sub.sha256
    except (OSError, FrameError):
        return False


def stack_key(frame: Frame) -> StackKey:
    """Target × filter × camera geometry: subs of one key belong in one stack. Exposure is no key."""
    return key_of(frame.header, frame.n_channels)


def key_of(header: Header, channels: int) -> StackKey:
    """Key of a stack with this header."""
    return (
        _folded(header.target),
        _folded(header.filter),
        header.size,
        header.binning,
        _folded(header.camera),
        header.cfa,
        channels,
    )


def _folded(words: str | None) -> str:
    return "".join(words.split()).casefold() if words else ""


def header_to_json(header: Header) -> dict[str, Any]:
    """Return the facts of a header (all but path and the raw keywords) as JSON values."""
    facts = {
        f.name: getattr(header, f.name) for f in dataclasses.fields(Header) if f.name not in ("path", "raw", "time_utc")
    }
    facts["size"], facts["binning"] = list(header.size), list(header.binning)
    facts["sky_matrix"] = list(header.sky_matrix) if header.sky_matrix else None
    facts["daylight"] = list(header.daylight) if header.daylight else None
    facts["calibrated"] = sorted(header.calibrated)
    facts["time_utc"] = header.time_utc.isoformat() if header.time_utc else None
    return facts


def header_from_json(path: Path, facts: dict[str, Any]) -> Header:
    """Inverse of `header_to_json`; what an older journal does not hold is as if the file had not said it."""
    known = {name: value for name, value in facts.items() if name in {f.name for f in dataclasses.fields(Header)}}
    known["size"], known["binning"] = tuple(facts["size"]), tuple(facts["binning"])
    for name in ("sky_matrix", "daylight"):
        if facts.get(name):
            known[name] = tuple(facts[name])
    known["calibrated"] = frozenset(facts.get("calibrated", ()))
    known["time_utc"] = datetime.fromisoformat(facts["time_utc"]) if facts["time_utc"] else None
    return Header(path=path, **known)
