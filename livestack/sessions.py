"""Where sessions live, how they are named, and that one engine at a time runs on each."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import platformdirs

from livestack.errors import SessionError, SettingsError
from livestack.events import Json
from livestack.journal import Journal
from livestack.settings import Settings, from_toml

JOURNAL = "journal.sqlite"
SETTINGS = "settings.toml"
LOCK = "engine.lock"


@dataclass(frozen=True, slots=True)
class Home:
    """A session folder and what lies in it."""

    path: Path

    @property
    def journal(self) -> Path:
        """The record."""
        return self.path / JOURNAL

    @property
    def settings(self) -> Path:
        """Effective settings."""
        return self.path / SETTINGS

    @property
    def stack(self) -> Path:
        """Folder of the products."""
        return self.path / "stack"

    @property
    def cache(self) -> Path:
        """Folder that may be emptied at any time."""
        return self.path / "cache"

    @property
    def log(self) -> Path:
        """The log file."""
        return self.path / "log" / "livestack.log"

    def make(self) -> None:
        """Make the folders.

        Raises
        ------
        SessionError
            The place cannot be written to.
        """
        try:
            for folder in (self.stack, self.cache, self.log.parent):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SessionError(f"the session folder {self.path} cannot be made: {error.strerror}") from None


def sessions_folder() -> Path:
    """Where sessions are kept when none is named."""
    return platformdirs.user_data_path("livestack", appauthor=False) / "sessions"


def night_of(moment: datetime) -> str:
    """Date of a night: the local date at the noon before."""
    return (moment - timedelta(hours=12)).strftime("%Y-%m-%d")


def default_home(folder: Path, settings: Settings, now: datetime) -> Home:
    """Return the session of tonight for a folder: the one that has it with these settings, or a new one."""
    name = re.sub(r"[^\w.+-]+", "_", folder.name).strip("_") or "captures"
    base = f"{night_of(now)}-{name}"
    n = 1
    while True:
        home = Home(sessions_folder() / (base if n == 1 else f"{base}-{n}"))
        known = folder_of(home)
        if known is None or (known == str(folder) and _has_processing(home, settings)):
            return home
        n += 1


def check_home(home: Home, folder: str, sources: Iterable[Path]) -> None:
    """Refuse a session of another capture folder, one among the captures, and one among files of somebody else.

    Parameters
    ----------
    folder : str
        What the session stacks, as it is journaled.
    sources : iterable of Path
        Folders that are only ever read.

    Raises
    ------
    SessionError
        As one line.
    """
    for source in sources:
        if home.path.resolve().is_relative_to(source.resolve()):
            raise SessionError(
                f"the session {home.path} would be written into {source}, where nothing is ever written: "
                "name another place with --session"
            )
    if not home.journal.exists() and (other := _others_in(home)):
        raise SessionError(f"{home.path} is no session and holds {other}: name a new folder with --session")
    known = folder_of(home)
    if known is not None and known != folder:
        raise SessionError(f"the session {home.path} belongs to {known}, not to {folder}: name another one")


def _others_in(home: Home) -> str | None:
    """Name something in a folder without a journal that no session left there; it might be written over."""
    ours = {LOCK, home.cache.name, home.log.parent.name}
    if not home.path.is_dir():
        return None
    names = sorted(path.name for path in home.path.iterdir() if not path.name.startswith("."))
    return next((name for name in names if name not in ours and not _is_empty(home.path / name)), None)


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def folder_of(home: Home) -> str | None:
    """Return the capture folder of a session, or None when it never started."""
    if not home.journal.exists():
        return None
    # made where it is empty still: whoever began it was stopped at once
    journal = Journal(home.journal, create=True)
    rows = _rows(journal, "SELECT json_extract(body, '$.folder') AS folder FROM event WHERE kind = 'SessionStarted'")
    return str(rows[-1]["folder"]) if rows else None


def _rows(journal: Journal, query: str) -> list[Json]:
    """Rows of a journal that is closed then."""
    try:
        return journal.rows(query)
    except sqlite3.DatabaseError as error:
        raise SessionError(f"the journal of the session cannot be read: {error}") from None
    finally:
        journal.close()


def _has_processing(home: Home, settings: Settings) -> bool:
    try:
        return from_toml(home.settings).processing == settings.processing
    except SettingsError:
        return False


def list_sessions() -> list[tuple[Home, list[Json]]]:
    """Return this user's sessions, newest night first, each with its stacks.

    Of these stack, target, filter, n_subs and exposure_s.
    """
    folder = sessions_folder()
    found = []
    for path in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []:
        try:
            home = Home(path)
            stacks = _rows(
                Journal(home.journal), "SELECT stack, target, filter, n_subs, exposure_s FROM stack WHERE n_subs > 0"
            )
        except SessionError:
            continue
        found.append((home, stacks))
    return found


def totals(found: Iterable[tuple[Home, list[Json]]]) -> list[tuple[str, int, int, float]]:
    """Return what sessions have of each target and filter: name, sessions, subs, exposure (s); most light first."""
    names: dict[tuple[str, str], str] = {}
    sums: dict[tuple[str, str], list[float]] = {}
    for _, stacks in found:
        here = set()
        for stack in stacks:
            target, light = stack["target"] or "no target", stack["filter"] or ""
            key = "".join(target.split()).casefold(), "".join(light.split()).casefold()
            names.setdefault(key, f"{target}, {light}" if light else target)
            total = sums.setdefault(key, [0, 0, 0.0])
            total[0] += key not in here
            total[1] += stack["n_subs"]
            total[2] += stack["exposure_s"] or 0.0
            here.add(key)
    ordered = sorted(sums, key=lambda key: -sums[key][2])
    return [(names[key], int(sums[key][0]), int(sums[key][1]), sums[key][2]) for key in ordered]


@contextmanager
def lock(home: Home) -> Iterator[None]:
    """Be the one engine on a session; the system takes the lock back when the process dies.

    Raises
    ------
    SessionError
        Another engine holds it, and which; or the folder cannot be written to.
    """
    try:
        file = (home.path / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise SessionError(f"the session folder {home.path} cannot be written to: {error.strerror}") from None
    with file:
        if not _take(file):
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise SessionError(f"the session {home.path} is in use by {owner}: stop it first, or name another session")
        file.seek(0)
        file.truncate()
        file.write(f"livestack, process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _take(file: IO[str]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
