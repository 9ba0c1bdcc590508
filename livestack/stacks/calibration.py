"""The calibration frames a session knows, and the masters its stacks use for good."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from livestack.atomic import write_atomically
from livestack.errors import FrameError, SettingsError
from livestack.events import Event, MastersBuilt, MastersMatched
from livestack.frame import Frame, Header, Masters
from livestack.read import file_of, frames_in, is_frame_name, open_frame, open_header
from livestack.reduce.masters import build, gain_of
from livestack.reduce.matching import KINDS, Chosen, match
from livestack.reduce.proof import HALF, dark_fit, figures
from livestack.settings import Processing
from livestack.stacks.prepare import content_hash

log = logging.getLogger("livestack")

_ARRAYS = ("pedestal", "gain", "hot")
_FACTS = ("provenance", "n_frames", "noise_adu")
_SOURCES = ("bias", "dark", "flat", "darkflat")


@dataclass(frozen=True, slots=True)
class Choice:
    """Masters of a new stack, their id ("" = none), and what is to be journaled: it is ready when it is asked for."""

    masters: Masters
    id: str
    told: Callable[[], list[Event]]


class Calibration:
    """Knows calibration frames by header and gives a stack its masters.

    Parameters
    ----------
    processing : Processing
        masters, bias, dark, flat, calibration.
    cache : Path
        Folder where built masters are kept; may be emptied at any time while their sources are there.

    Raises
    ------
    SettingsError
        A path named by hand is not there or is not a frame.
    """

    def __init__(self, processing: Processing, cache: Path) -> None:
        self._cache = cache
        self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "calibrate")
        self._built: tuple[str, Masters, list[str]] | None = None
        self._saving: Future[None] | None = None
        self._enabled = processing.calibration
        self._library: list[Header] = []
        self._by_hand: dict[str, Path] = {}
        for kind in ("bias", "dark", "flat"):
            named = getattr(processing, kind)
            if named is not None:
                self._by_hand[kind] = _frame_by_hand(kind, Path(named))
        for named in processing.masters:
            self._library += calibration_headers(Path(named))

    def add(self, header: Header) -> None:
        """Note a calibration frame found in the capture folder: for stacks founded from now on."""
        if header.kind in KINDS and header.path not in {known.path for known in self._library}:
            self._library.append(dataclasses.replace(header, raw={}))

    def close(self) -> None:
        """Finish what is still being written."""
        self._threads.shutdown()

    def choose(self, stack: str, light: Frame) -> tuple[list[Event], Masters, str]:
        """Choose and build the masters of a new stack, and prove them on its first light.

        Parameters
        ----------
        light : Frame
            Raw px of the founding sub.

        Returns
        -------
        list of Event, Masters, str
            What is to be journaled, the masters, and their id ("" = none).
        """
        choice = self.begin(stack, light)
        events = choice.told()
        self._until_saved()
        return events, choice.masters, choice.id

    def begin(self, stack: str, light: Frame) -> Choice:
        """Do what `choose` does, but return as soon as there are masters: they are proved meanwhile, and kept later."""
        chosen = match(light.header, self._library, self._by_hand) if self._enabled else Chosen()
        chosen = self._readable(chosen)
        identity = _identity(chosen, self._threads)
        masters, problems = self._load_or_build(identity, chosen, light.header, light.data.shape)
        finding = self._threads.submit(getattr, masters, "bad")  # every sub asks for it
        why_not = _why_no_dark(light, masters, self._threads) if chosen.dark and "dark" not in self._by_hand else None
        if why_not:
            chosen = dataclasses.replace(chosen, dark=(), dark_scale=None, notes=(*chosen.notes, why_not))
            identity = _identity(chosen, self._threads)
            masters, problems = self._load_or_build(identity, chosen, light.header, light.data.shape)
        finding.result()
        if not masters.provenance:
            identity = ""
        # what was chosen and could not be used is told in the notes
        sources = {
            kind: [str(path) for path in getattr(chosen, kind)] if kind in masters.provenance else []
            for kind in _SOURCES
        }
        built: list[Event] = [
            MastersBuilt(kind, masters.n_frames[kind], paths, identity, masters.noise_adu[kind])
            for kind, paths in sources.items()
            if kind in masters.n_frames
        ]
        said = [light.header.note] if light.header.note else []
        proof = self._threads.submit(figures, light, masters) if masters.provenance else None

        def told() -> list[Event]:
            self._keep()
            matched = MastersMatched(
                stack,
                **sources,
                missing=list(chosen.missing),
                notes=[*chosen.notes, *problems, *said],
                id=identity,
                dark_scale=chosen.dark_scale,
                fits=list(chosen.fits),
                figures=proof.result() if proof else {},
            )
            return [*built, matched]

        return Choice(masters, identity, told)

    def of(self, matched: MastersMatched, light: Header, shape: tuple[int, ...]) -> Masters:
        """Return the masters of a stack of a resumed session, whose lights have this shape: the same bits."""
        bias, dark, flat, darkflat = (tuple(Path(path) for path in getattr(matched, kind)) for kind in _SOURCES)
        chosen = Chosen(bias, dark, flat, darkflat, matched.dark_scale)
        masters, _ = self._load_or_build(matched.id, chosen, light, shape)
        self._keep()
        return masters

    def _readable(self, chosen: Chosen) -> Chosen:
        """Leave out files that are gone by now; a video named by hand is all its frames."""
        present: dict[str, Any] = {
            kind: tuple(f for path in getattr(chosen, kind) for f in _frames(path)) for kind in _SOURCES
        }
        return dataclasses.replace(chosen, **present)

    def _load_or_build(
        self, identity: str, chosen: Chosen, light: Header, shape: tuple[int, ...]
    ) -> tuple[Masters, list[str]]:
        if not identity:
            return Masters(), []
        if self._built is not None and self._built[0] == identity:
            return self._built[1:]
        self._until_saved()
        loaded = _load(self._kept(identity))
        if loaded is not None:
            return loaded
        masters, problems = build(chosen, _reader(shape), light, self._threads, shape)
        self._built = identity, masters, problems
        return masters, problems

    def _kept(self, identity: str) -> Path:
        return self._cache / f"masters-{identity}.npz"

    def _keep(self) -> None:
        """Begin to write the masters that were built last."""
        if self._built is not None:
            identity, masters, problems = self._built
            self._saving = self._threads.submit(_save, self._kept(identity), masters, problems)
            self._built = None

    def _until_saved(self) -> None:
        if self._saving is not None:
            self._saving.result()


def _save(path: Path, masters: Masters, problems: list[str]) -> None:
    """Keep masters for later; where there is no room they are built again."""
    arrays: dict[str, Any] = {name: getattr(masters, name) for name in _ARRAYS if getattr(masters, name) is not None}
    facts = json.dumps({name: getattr(masters, name) for name in _FACTS} | {"problems": problems})

    def write(file: BinaryIO) -> None:
        np.savez(file, facts=np.array(facts), **arrays)

    try:
        write_atomically(path, write)
    except OSError as error:
        log.warning("%s could not be written: %s", path.name, error.strerror)


def _load(path: Path) -> tuple[Masters, list[str]] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            facts = json.loads(str(kept["facts"]))
            arrays = {name: kept[name] for name in _ARRAYS if name in kept.files}
            if "flat" in kept.files:  # as sessions of before hold it
                arrays["gain"] = gain_of(kept["flat"])
            if "bad_pixels" in kept.files:
                arrays["hot"] = np.flatnonzero(kept["bad_pixels"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return Masters(**arrays, **{name: facts.get(name, {}) for name in _FACTS}), facts["problems"]


def _identity(chosen: Chosen, threads: Executor) -> str:
    """Name of a choice of files by their content; "" for no file at all."""
    sources = [(kind, path) for kind in _SOURCES for path in getattr(chosen, kind)]
    if not sources:
        return ""
    digest = hashlib.sha256()
    for (kind, _), content in zip(sources, threads.map(_content, [path for _, path in sources]), strict=True):
        digest.update(f"{kind}:{content};".encode())
    if chosen.dark_scale is not None:
        digest.update(f"scale:{chosen.dark_scale!r};".encode())
    return digest.hexdigest()[:16]


def _why_no_dark(light: Frame, masters: Masters, threads: Executor) -> str | None:
    """Words on a dark that makes a light worse; None = it does what it should, or cannot be told."""
    if masters.pedestal is None or masters.pedestal.shape != light.data.shape:
        return None
    if float(np.median(masters.pedestal[::8, ::8])) > 1.02 * float(np.median(light.data[::8, ::8])):
        return "the dark is brighter than the lights: ignored (another offset, or lights of 8 bit?)"
    fit = dark_fit(light, masters.pedestal, threads)
    if fit is None or fit >= HALF:
        return None
    return (
        f"the dark makes it worse, its hot px stand at {100 * fit:.0f} % of their height in the lights: ignored "
        "(another gain or temperature than it says?)"
    )


def _frames(path: Path) -> Iterable[Path]:
    if level_of(path) is not None:
        return (path,)
    return frames_in(path) if file_of(path).is_file() else ()


def level_of(path: Path) -> float | None:
    """Return the level of a bias that is named by it, such as ``=500``, ADU; None for a file."""
    text = path.name if len(path.parts) == 1 else ""
    try:
        level = float(text[1:]) if text.startswith("=") else math.nan
    except ValueError:
        level = math.nan
    return level if 0 <= level < math.inf else None


def _reader(shape: tuple[int, ...]) -> Callable[[Path], Frame]:
    """Return what opens calibration frames of lights of this shape: files, and levels as even frames."""

    def read(path: Path) -> Frame:
        level = level_of(path)
        if level is None:
            return open_frame(path)
        return Frame(np.full(shape, level, np.float32), Header(path, (shape[0], shape[1]), kind="master_bias"))

    return read


def _content(path: Path) -> str:
    """Hash of a file; words for one that cannot be read, and is left out of its master; the name of a level."""
    if level_of(path) is not None:
        return path.name
    try:
        return content_hash(path)
    except FrameError as error:
        return error.reason


def _frame_by_hand(kind: str, path: Path) -> Path:
    if kind == "bias" and level_of(path) is not None:
        return path
    if not path.is_file():
        raise SettingsError(f"--{kind}: {path} is not there")
    try:
        open_header(path)
    except FrameError as error:
        raise SettingsError(f"--{kind}: {error.sentence}") from None
    return path


def calibration_headers(path: Path) -> list[Header]:
    """Headers of the calibration frames in a file or folder, in natural order; lights in it are passed over."""
    if not path.exists():
        raise SettingsError(f"--masters: {path} is not there")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and is_frame_name(p))
    headers = []
    for frame in (frame for file in files for frame in frames_in(file)):
        try:
            header = open_header(frame)
        except FrameError:
            continue
        if header.kind in KINDS:
            headers.append(dataclasses.replace(header, raw={}))
    if not headers:
        raise SettingsError(f"--masters: no bias, dark or flat frame was found in {path}")
    return headers
