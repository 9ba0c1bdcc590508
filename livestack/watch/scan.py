"""What is in the folder: the truth that events only hint at."""

# Paths are text here: a hundred thousand Path objects would cost each scan half a second.
# ruff: noqa: PTH112, PTH114, PTH116, PTH206

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

if sys.platform == "linux":
    import fcntl

REMOTE_FILESYSTEMS = re.compile(
    r"9p|afs|ceph|cifs|davfs|drvfs|fakeowner|fuse\..*|glusterfs|lustre|ncpfs|nfs4?|prl_fs|smb[23]|smbfs|vboxsf|virtiofs"
    r"|vmhgfs"
)
"""Where other machines write and no event reaches this one."""

NOT_FOR_FRAMES = frozenset(
    ("@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX")
)
"""Folders that systems and network disks make for themselves."""

QUIET_S = 3.0
"""A folder's time must be older than this when it is listed, or a change within one tick of its clock is missed."""


class Stamp(NamedTuple):
    """What one look at a file tells."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(slots=True)
class _Listed:
    """When a directory was listed, and what was in it."""

    mtime_ns: int
    since_s: float
    listed_s: float
    subfolders: list[str]
    links: list[str]


class Tree:
    """The files of a folder, scan after scan. Hidden folders are skipped, folders that cannot be read passed over.

    Parameters
    ----------
    top : str
        Absolute path of the folder.
    recursive : bool
        Subfolders too; symbolic links to folders are followed, each folder once.
    keep : callable
        Whether a path is worth a look, by its name alone.
    """

    def __init__(self, top: str, recursive: bool, keep: Callable[[str], bool]) -> None:
        self._top = top
        self._recursive = recursive
        self._keep = keep
        self._listed: dict[str, _Listed] = {}

    def scan(self, *, thorough: bool) -> Iterator[tuple[str, Stamp]]:
        """Yield files with their stamps.

        Parameters
        ----------
        thorough : bool
            False: leave out folders in which no file came, went or was renamed since they were listed. A file that
            was overwritten in place is found by a thorough scan only.
        """
        visited = {_key(parent) for parent in Path(os.path.realpath(self._top)).parents}
        folders, links = [self._top], list[str]()
        while folders or links:
            folder = folders.pop() if folders else links.pop()  # links last: a file is known by its real path
            key = _key(folder)
            if key is None or key in visited:
                continue
            visited.add(key)
            yield from self._list(folder, thorough)
            if self._recursive and folder in self._listed:
                folders += self._listed[folder].subfolders
                links += self._listed[folder].links

    def under(self, path: str) -> Iterator[tuple[str, Stamp]]:
        """Yield the file at `path`, or every file in the folder at `path`, if a scan would find it."""
        parts = os.path.relpath(path, self._top).split(os.sep)
        if any(_is_hidden(part) for part in parts[:-1]) or (len(parts) > 1 and not self._recursive):
            return
        if os.path.isdir(path):
            if self._recursive and not _is_hidden(parts[-1]) and not os.path.islink(path):
                yield from self._list(path, thorough=True)
                for folder in self._listed[path].subfolders if path in self._listed else []:
                    yield from self.under(folder)
        elif self._keep(path) and (stamp := look(path)):
            yield path, stamp

    def _list(self, folder: str, thorough: bool) -> Iterator[tuple[str, Stamp]]:
        now_s = time.monotonic()
        before = self._listed.get(folder)
        try:
            mtime_ns = os.stat(folder).st_mtime_ns
            same = before is not None and before.mtime_ns == mtime_ns
            if before and same and not thorough and before.listed_s - before.since_s >= QUIET_S:
                return
            with os.scandir(folder) as entries:
                listed = _Listed(mtime_ns, before.since_s if before and same else now_s, now_s, [], [])
                yield from self._sort_out(entries, listed)
            self._listed[folder] = listed
        except OSError:  # gone, not ours to read, or the share is away: the next scan looks again
            self._listed.pop(folder, None)

    def _sort_out(self, entries: Iterator[os.DirEntry[str]], listed: _Listed) -> Iterator[tuple[str, Stamp]]:
        for entry in entries:
            try:
                if entry.is_dir():
                    if not _is_hidden(entry.name):
                        (listed.links if entry.is_symlink() else listed.subfolders).append(entry.path)
                elif self._keep(entry.path) and entry.is_file():
                    status = entry.stat()
                    yield entry.path, Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
            except OSError:  # this one went away between two lines
                continue


def look(path: str, *, fresh: bool = False) -> Stamp | None:
    """Return a regular file's stamp; None when there is none.

    Parameters
    ----------
    path : str
        The file.
    fresh : bool
        Open it first: network file systems answer from a cache that is seconds old, but ask the server on opening.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        if fresh:
            status = _opened(path) or status
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def _opened(path: str) -> os.stat_result | None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # the writer keeps it to itself
        return None
    try:
        return os.fstat(handle)
    finally:
        os.close(handle)


def is_being_written(path: str) -> bool:
    """Whether some process on this machine has the file open for writing.

    Linux grants a read lease only on a file that nobody has open for writing; it is given back at once. Where that
    cannot be asked (another system, another owner's file), the answer is False.
    """
    if sys.platform != "linux":
        return False
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # A writer coming in this very moment would have us sent SIGIO, which kills; SIGURG does nothing.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def is_remote(folder: str, mountinfo: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether a folder is on a network share or shared from a virtual machine's host: then no event comes.

    Parameters
    ----------
    folder : str
        Absolute path; need not exist.
    mountinfo : Path
        The system's table of mounts.
    """
    if folder.startswith(("\\\\", "//")):
        return True
    real = os.path.realpath(folder)
    best, kind = "", ""
    try:
        lines = mountinfo.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return False
    for line in lines:
        mounted, _, filesystem = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mounted.split(" ")[4])
        if len(point) >= len(best) and (real + "/").startswith(point.rstrip("/") + "/"):
            best, kind = point, filesystem.split(" ")[0]
    return REMOTE_FILESYSTEMS.fullmatch(kind) is not None


def natural(path: str) -> list[tuple[int, str]]:
    """Sorting key that puts ``sub_9`` before ``sub_10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in NOT_FOR_FRAMES


def _key(folder: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
