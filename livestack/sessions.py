"""Where sessions live, how they are named, and that one engine at a time runs on each."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import platformdirs

from livestack.errors import SessionError, SettingsError
from livestack.journal import Journal
from livestack.settings import Settings, from_toml

JOURNAL = "journal.sqlite"
SETTINGS = "settings.toml"


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
        if not home.journal.exists():
            return home
        if _folder_of(home) == str(folder) and _has_processing(home, settings):
            return home
        n += 1


def check_folder(home: Home, folder: str) -> None:
    """Refuse a session that belongs to another capture folder.

    Raises
    ------
    SessionError
        As one line.
    """
    known = _folder_of(home)
    if known is not None and known != folder:
        raise SessionError(f"the session {home.path} belongs to {known}, not to {folder}: name another one")


def _folder_of(home: Home) -> str | None:
    """Capture folder of a session, or None when it never started."""
    if not home.journal.exists():
        return None
    try:
        journal = Journal(home.journal)
    except SessionError as error:
        if "empty" in str(error):
            return None
        raise
    try:
        rows = journal.rows(
            "SELECT json_extract(body, '$.folder') AS folder FROM event "
            "WHERE kind = 'SessionStarted' ORDER BY seq LIMIT 1"
        )
    finally:
        journal.close()
    return str(rows[0]["folder"]) if rows else None


def _has_processing(home: Home, settings: Settings) -> bool:
    try:
        return from_toml(home.settings).processing == settings.processing
    except SettingsError:
        return False


class Lock:
    """Held while an engine runs on a session; given back by the system when the process dies.

    Raises
    ------
    SessionError
        Another engine holds it; says which.
    """

    def __init__(self, home: Home) -> None:
        path = home.path / "engine.lock"
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        if not _lock(self._file):
            self._file.seek(0)
            owner = self._file.read().strip() or "another process"
            self._file.close()
            raise SessionError(f"the session {home.path} is in use by {owner}")
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"livestack, process {os.getpid()} on {socket.gethostname()}")
        self._file.flush()

    def release(self) -> None:
        """Let others run."""
        self._file.close()


def _lock(file: IO[str]) -> bool:
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
