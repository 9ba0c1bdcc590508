"""A file that is replaced again and again, in two rooms by turns: what was replaced is written over later.

New pages of a file cost the system several times what it takes to fill old ones, most of all on a virtual machine whose
host takes back what is free; and a disk is asked for room each time. Whoever reads holds a lock on what is open, and is
sure that it stays what it is: a room that somebody holds is left to him, and a new one begun. Where there are no such
locks no room is used twice.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where nobody replaces a file that is open
    fcntl = None  # type: ignore[assignment]

_TRIES = 5


def open_as_it_is(path: Path) -> BinaryIO:
    """Open a file that may be replaced at any time; what is open stays what it is now.

    Raises
    ------
    OSError
        There is none, or it cannot be read.
    """
    for _ in range(_TRIES):
        file = path.open("rb")
        try:
            if _stays(file, path):
                return file
        except OSError:
            file.close()
            raise
        file.close()
    raise OSError(f"{path.name} changes all the time")


def draft(path: Path, *, again: bool) -> BinaryIO:
    """Begin what is to replace a file by `publish`; it may begin with something else, so it is to be cut at its end.

    Parameters
    ----------
    again : bool
        In the room that `publish` has kept, if nobody looks at it.

    Raises
    ------
    OSError
        It cannot be written.
    """
    temporary = draft_of(path)
    if again and fcntl is not None:
        with contextlib.suppress(OSError):  # there is none
            _replaced(path).replace(temporary)
            file = os.fdopen(os.open(temporary, os.O_WRONLY), "wb")
            if _is_free(file):
                return file
            file.close()
    temporary.unlink(missing_ok=True)  # who looks at it has it for himself
    return temporary.open("wb")


def publish(path: Path, *, again: bool) -> None:
    """Replace a file by its draft, in one step; the room of what was replaced is kept for the next draft but one.

    Raises
    ------
    OSError
        There is no draft, or it cannot be renamed.
    """
    if again and fcntl is not None:
        with contextlib.suppress(OSError):  # it is the first one, or the disk knows of no links
            os.link(path, _replaced(path))
    draft_of(path).replace(path)


def drop(path: Path) -> None:
    """Let go of the draft of a file, and of the room that waits for one."""
    for other in (draft_of(path), _replaced(path)):
        with contextlib.suppress(OSError):
            other.unlink()


def draft_of(path: Path) -> Path:
    """Where a file is before it replaces another."""
    return path.with_name(f".{path.name}.tmp")


def _replaced(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _is_free(file: BinaryIO) -> bool:
    """Lock a room; whether nobody looks at it, and it is not the file itself, as who was killed may have left it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(file.fileno()).st_nlink == 1


def _stays(file: BinaryIO, path: Path) -> bool:
    """Lock what is open; whether it is still the file that is to be seen: then nobody has begun to write over it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the disk knows of no locks: no room is used twice then
        return True
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
