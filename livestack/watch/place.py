"""Whether the capture folder is there, and whether it is the one that held the files that are known."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceChange:
    """The folder went away or cannot be read (`lost`), or is there (again)."""

    lost: bool
    sentence: str


class Source:
    """The folder from one look to the next, for who watches it."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._place: tuple[int, int] | None = None
        self.lost = False
        self.is_new = True

    def check(self) -> SourceChange | None:
        """Look for the folder; return what changed. `is_new` is set when it is another one than before."""
        try:
            status = Path(self._top).stat()
            with os.scandir(self._top) as entries:
                is_empty = next(entries, None) is None
            problem = None
            if self._place not in (None, (status.st_dev, status.st_ino)) and is_empty:
                problem = "is empty and not the folder it was: was its disk unmounted?"
        except OSError as error:
            problem = _why(error, was_there=self._place is not None)
        if problem:
            was_lost, self.lost = self.lost, True
            return None if was_lost else SourceChange(True, f"{self._top} {problem}")
        place = (status.st_dev, status.st_ino)
        self.is_new = self.is_new or self.lost or place != self._place
        was_lost, self.lost, is_first = self.lost, False, self._place is None
        self._place = place
        return SourceChange(False, f"{self._top} is there{'' if is_first else ' again'}") if was_lost else None


class Ground:
    """The folder for who cannot find a file in it: is the file gone, or the folder? Safe to use from several threads.

    A disk that is not mounted leaves an empty folder, or one of other files.
    """

    def __init__(self, top: Path) -> None:
        self._top = top
        self._place: tuple[int, int] | None = None

    def why_away(self, known: Callable[[], list[Path]]) -> str:
        """Say why the folder cannot be the one that held the known files; empty = it is.

        Parameters
        ----------
        known : callable
            Files that were found in it; asked only where it is another folder than at the last call.
        """
        try:
            status = self._top.stat()
            os.scandir(self._top).close()
        except OSError as error:
            return f"{self._top} {_why(error, was_there=True)}"
        place = (status.st_dev, status.st_ino)
        if place != self._place:
            if why := why_none(str(self._top), known):
                return why
            self._place = place
        return ""


def why_none(folder: str, known: Callable[[], list[Path]]) -> str:
    """Say that none of the files that are known is there: their disk is away; empty = some are, or none is known."""
    files = known()
    if not files or any(file.exists() for file in reversed(files)):
        return ""
    what = "not the file that was" if len(files) == 1 else f"none of the {len(files):,} files that were"
    return f"{folder} holds {what} found in it: was its disk unmounted?"


def _why(error: OSError, *, was_there: bool) -> str:
    if isinstance(error, FileNotFoundError):
        if not was_there:
            return "does not exist yet."
        return "is gone: was it removed, or its disk unplugged?"
    if isinstance(error, NotADirectoryError):
        return "is not a folder."
    if isinstance(error, PermissionError):
        return "cannot be read: permission denied."
    return f"cannot be read: {error.strerror or error}."
