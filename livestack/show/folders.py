"""What is in a folder of captures, for who is about to choose one: how many pictures, how old, of what."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from livestack.counted import count
from livestack.engine.plans import is_copy
from livestack.errors import LivestackError
from livestack.frame import Header
from livestack.read import is_frame_name, open_header
from livestack.read.kinds import kind_of
from livestack.read.names import stem_of
from livestack.reduce.matching import KINDS, Chosen, match
from livestack.settings import Processing
from livestack.show.words import THIN, ago, joined, place, sentence_case
from livestack.stacks.calibration import calibration_headers
from livestack.watch.scan import Tree

MOST_FILES = 20_000
LONGEST_S = 5.0
"""A folder of more files, or one that answers so slowly, is not looked through to its end."""
_SAYS_MORE = re.compile(r"dark|flat|bias|offset|zero|master|stack|raw|cali_|(?:^|[/\\])[dfb]_", re.IGNORECASE)
"""What a path must hold to be of another kind than a light: to ask that first is ten times as fast."""
_NEWEST_TRIED = 5
_MOST_HEADERS = 400


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a folder.

    Attributes
    ----------
    lights : tuple of Path
        Those that are no calibration frames by their names, the newest first.
    newest : datetime, optional
        When the newest of them was written.
    others : tuple of Path
        Calibration frames.
    whole : bool
        Whether it was looked through to its end.
    """

    is_there: bool = True
    lights: tuple[Path, ...] = ()
    newest: datetime | None = None
    others: tuple[Path, ...] = field(default=())
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked for: whether it is there, what it is, and a line on it."""

    found: bool
    head: str
    detail: str


def contents(folder: Path, stop: threading.Event, *, recursive: bool = True) -> Contents:
    """Look through a folder, by names and times alone."""
    if not folder.is_dir():
        return Contents(is_there=False)
    began = time.monotonic()
    found: dict[Path, int] = {}
    scan = Tree(str(folder.absolute()), recursive, lambda path: is_frame_name(Path(path))).scan(thorough=True)
    whole = True
    for n, (path, stamp) in enumerate(scan):
        if stop.is_set() or n >= MOST_FILES or time.monotonic() - began > LONGEST_S:
            whole = False
            break
        found[Path(path)] = stamp.mtime_ns
    alike = Counter((path.parent, stem_of(path)) for path in found)
    files = [path for path in found if alike[path.parent, stem_of(path)] == 1 or not is_copy(path, found.__contains__)]
    kinds = {path: kind_of(path, {}, None) if _SAYS_MORE.search(str(path)) else "light" for path in files}
    lights = sorted((path for path in files if kinds[path] == "light"), key=lambda path: -found[path])
    newest = datetime.fromtimestamp(found[lights[0]] / 1e9, UTC) if lights else None
    others = tuple(path for path in files if kinds[path] in KINDS)
    return Contents(True, tuple(lights), newest, others, whole)


def contents_words(seen: Contents, now: datetime) -> str:
    """Return a folder's second line: 118 pictures, the last one 14 seconds ago."""
    if not seen.is_there:
        return "Not there now"
    if not seen.lights or seen.newest is None:
        return "No pictures yet"
    more = "" if seen.whole else "More than "
    age = ago(seen.newest, now)
    each = "the last one " if len(seen.lights) > 1 else ""
    return f"{more}{count(len(seen.lights), 'picture')}, {each}{age}"


def what_is_taken(seen: Contents) -> tuple[Finding, Header | None]:
    """Say of what the newest picture is; returns its header too, where it could be read."""
    for path in seen.lights[:_NEWEST_TRIED]:
        try:
            header = open_header(path)
        except LivestackError:
            continue
        return Finding(True, _taken(header), "Read from the newest picture"), header
    if seen.lights:
        return Finding(False, "The newest pictures cannot be read", "Each is told when it is left out"), None
    return Finding(False, "No picture yet", "The stack begins with the first one"), None


def _taken(header: Header) -> str:
    camera = "colour camera" if header.cfa else f"filter {header.filter}" if header.filter else ""
    exposure = f"{header.exposure_s:g}{THIN}s" if header.exposure_s else ""
    return ", ".join(filter(None, (header.target, exposure, camera))) or "Pictures that say nothing of themselves"


def masters_for(
    light: Header | None, seen: Contents, processing: Processing, known: Callable[[Path], list[Header]]
) -> Finding:
    """Say which calibration frames the pictures of a folder would get.

    Parameters
    ----------
    known : callable
        Headers of the calibration frames at a path, as `livestack.stacks.calibration.calibration_headers`.
    """
    if not processing.calibration:
        return Finding(False, "Stacked as they come", "Calibration is turned off in Settings")
    try:
        library = [header for path in processing.masters for header in known(Path(path))]
    except LivestackError as error:
        return Finding(False, "The masters are not there", _why(processing.masters, error))
    library += _headers(seen.others)
    by_hand = {kind: Path(file) for kind in ("bias", "dark", "flat") if (file := getattr(processing, kind))}
    if light is None:
        if library or by_hand:
            kinds = dict.fromkeys([*by_hand, *(header.kind.removeprefix("master_") for header in library)])
            return Finding(True, f"{_kinds(list(kinds))} at hand", "Matched with the first picture")
        return NO_MASTERS
    return _matched(light, match(light, library, by_hand), bool(library))


def _why(masters: tuple[str, ...], error: LivestackError) -> str:
    """Return why masters cannot be used, with their folder as it is called everywhere."""
    said = str(error).removeprefix("--masters: ")
    for path in masters:
        said = said.replace(path, place(path))
    return sentence_case(said)


NO_MASTERS = Finding(False, "No dark or flat", "You can add them later, even tomorrow")


def _matched(light: Header, chosen: Chosen, any_there: bool) -> Finding:
    found = [kind for kind in ("bias", "dark", "flat") if getattr(chosen, kind)]
    if not found:
        if not any_there:
            return NO_MASTERS
        return Finding(False, "No dark or flat fits", sentence_case(chosen.missing[0]) if chosen.missing else "")
    known = {"camera": light.camera, "gain": light.gain, "temperature": light.temperature_c}
    by = [name for name, value in known.items() if value is not None] or ["size"]
    lacks = [kind for kind in ("dark", "flat") if kind not in found and kind not in light.calibrated]
    if lacks:
        return Finding(True, f"{_kinds(found)} found", f"No {joined(lacks)}. You can add it later, even tomorrow")
    return Finding(True, f"{_kinds(found)} found", f"Matched by {', '.join(by)}")


def _kinds(kinds: list[str]) -> str:
    order = [kind for kind in ("bias", "dark", "flat", "darkflat") if kind in kinds]
    return sentence_case(joined([kind.replace("darkflat", "dark flat") for kind in order]))


def _headers(paths: tuple[Path, ...]) -> list[Header]:
    headers = []
    for path in itertools.islice(paths, _MOST_HEADERS):
        try:
            header = open_header(path)
        except LivestackError:
            continue
        if header.kind in KINDS:
            headers.append(header)
    return headers


class Library:
    """Headers of calibration frames by where they are, read once."""

    def __init__(self) -> None:
        self._known: dict[Path, list[Header]] = {}

    def __call__(self, path: Path) -> list[Header]:
        """Return the headers at a path; see `livestack.stacks.calibration.calibration_headers`."""
        if path not in self._known:
            self._known[path] = calibration_headers(path)
        return self._known[path]


def usual_places() -> list[tuple[str, Path]]:
    """Return where camera programs save, by name: those places that are there."""
    documents, pictures = platformdirs.user_documents_path(), platformdirs.user_pictures_path()
    desktop, home = platformdirs.user_desktop_path(), Path.home()
    places = (
        ("N.I.N.A.", documents / "N.I.N.A"),
        ("SharpCap", pictures / "SharpCap Captures"),
        ("SharpCap", desktop / "SharpCap Captures"),
        ("Ekos", pictures / "Ekos"),
        ("Ekos", home / "Ekos"),
        ("ASIAIR", home / "ASIAIR"),
        *(("ASIAIR", place / "ASIAIR") for place in _mounted()),
        ("Pictures", pictures),
    )
    return [(name, path) for name, path in places if _is_there(path)]


def _mounted() -> list[Path]:
    """Return where disks and sticks are mounted on Linux and macOS."""
    roots = (Path("/media") / Path.home().name, Path("/run/media") / Path.home().name, Path("/Volumes"))
    return [disk for root in roots if _is_there(root) for disk in sorted(root.iterdir())]


def _is_there(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
