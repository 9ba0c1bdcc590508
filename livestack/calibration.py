"""The calibration frames a session knows, and the masters its stacks use for good."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from livestack.atomic import write_atomically
from livestack.errors import FrameError, SettingsError
from livestack.events import Event, MastersBuilt, MastersMatched
from livestack.frame import Header, Masters
from livestack.prepare import content_hash
from livestack.read import is_frame_name, open_frame, open_header
from livestack.reduce.masters import KINDS, Chosen, build, match
from livestack.settings import Processing

_ARRAYS = ("pedestal", "flat", "bad_pixels")


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
        self._enabled = processing.calibration
        self._library: list[Header] = []
        self._by_hand: dict[str, Path] = {}
        for kind in ("bias", "dark", "flat"):
            named = getattr(processing, kind)
            if named is not None:
                self._by_hand[kind] = _frame_by_hand(kind, Path(named))
        for named in processing.masters:
            self._library += _calibration_headers(Path(named))

    def add(self, header: Header) -> None:
        """Note a calibration frame found in the capture folder: for stacks founded from now on."""
        if header.kind in KINDS and header.path not in {known.path for known in self._library}:
            self._library.append(dataclasses.replace(header, raw={}))

    def choose(self, stack: str, light: Header) -> tuple[list[Event], Masters, str]:
        """Choose and build the masters of a new stack: events, masters, and their id ("" = none)."""
        chosen = match(light, self._library, self._by_hand) if self._enabled else Chosen()
        chosen = self._readable(chosen)
        sources = {kind: [str(path) for path in getattr(chosen, kind)] for kind in ("bias", "dark", "flat")}
        identity = _identity(sources)
        masters, problems = self._load_or_build(identity, chosen, light)
        built: list[Event] = [
            MastersBuilt(kind, len(paths), paths, identity)
            for kind, paths in sources.items()
            if len(paths) > 1 and kind in masters.provenance
        ]
        said = [light.note] if light.note else []
        matched = MastersMatched(
            stack, **sources, missing=list(chosen.missing), notes=[*chosen.notes, *problems, *said], id=identity
        )
        return [*built, matched], masters, identity

    def of(self, matched: MastersMatched, light: Header) -> Masters:
        """Return the masters of a stack of a resumed session: the same bits."""
        bias, dark, flat = (tuple(Path(p) for p in paths) for paths in (matched.bias, matched.dark, matched.flat))
        return self._load_or_build(matched.id, Chosen(bias, dark, flat), light)[0]

    def _readable(self, chosen: Chosen) -> Chosen:
        """Leave out files that are gone by now."""
        present = {
            kind: tuple(path for path in getattr(chosen, kind) if path.is_file()) for kind in ("bias", "dark", "flat")
        }
        return dataclasses.replace(chosen, **present)

    def _load_or_build(self, identity: str, chosen: Chosen, light: Header) -> tuple[Masters, list[str]]:
        if not identity:
            return Masters(), []
        kept = self._cache / f"masters-{identity}.npz"
        loaded = _load(kept)
        if loaded is not None:
            return loaded
        masters, problems = build(chosen, open_frame, light)
        arrays: dict[str, Any] = {
            name: getattr(masters, name) for name in _ARRAYS if getattr(masters, name) is not None
        }
        facts = json.dumps({"provenance": masters.provenance, "problems": problems})

        def write(file: BinaryIO) -> None:
            np.savez(file, facts=np.array(facts), **arrays)

        write_atomically(kept, write)
        return masters, problems


def _load(path: Path) -> tuple[Masters, list[str]] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            facts = json.loads(str(kept["facts"]))
            arrays = {name: kept[name] for name in _ARRAYS if name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return Masters(**arrays, provenance=facts["provenance"]), facts["problems"]


def _identity(sources: dict[str, list[str]]) -> str:
    """Name of a choice of files by their content; "" for no file at all."""
    if not any(sources.values()):
        return ""
    digest = hashlib.sha256()
    for kind, paths in sources.items():
        for path in paths:
            digest.update(f"{kind}:{_content(Path(path))};".encode())
    return digest.hexdigest()[:16]


def _content(path: Path) -> str:
    """Hash of a file; words for one that cannot be read, and is left out of its master."""
    try:
        return content_hash(path)
    except FrameError as error:
        return error.reason


def _frame_by_hand(kind: str, path: Path) -> Path:
    if not path.is_file():
        raise SettingsError(f"--{kind}: {path} is not there")
    try:
        open_header(path)
    except FrameError as error:
        raise SettingsError(f"--{kind}: {error.sentence}") from None
    return path


def _calibration_headers(path: Path) -> list[Header]:
    """Headers of the calibration frames in a file or folder, in natural order; lights in it are passed over."""
    if not path.exists():
        raise SettingsError(f"--masters: {path} is not there")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and is_frame_name(p))
    headers = []
    for file in files:
        try:
            header = open_header(file)
        except FrameError:
            continue
        if header.kind in KINDS:
            headers.append(dataclasses.replace(header, raw={}))
    if not headers:
        raise SettingsError(f"--masters: no bias, dark or flat frame was found in {path}")
    return headers
