"""The one door through which every screen sees a session: its journal and its newest pictures."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from livestack.bus import Slots
from livestack.engine.maps import saved_map
from livestack.errors import SettingsError
from livestack.frame import Picture
from livestack.journal import Journal
from livestack.picture import read_picture
from livestack.settings import PRESET, from_toml
from livestack.show.pinned import pinned
from livestack.show.state import NightState

JOURNAL, SETTINGS = "journal.sqlite", "settings.toml"
_AS_IT_IS = 1_000_000
"""Px; no picture is as long."""
_SYNCHRONIZE, _ACCESS_DENIED, _WAIT_TIMEOUT = 0x00100000, 5, 0x102
"""Of the Windows API."""


@dataclass(frozen=True)
class Source:
    """A session as its screens see it.

    Attributes
    ----------
    session : Path
        The session folder.
    journal : Journal
        Followed by seq; requests are left in it.
    picture, last, removed, noise, coverage : callable
        Return the newest picture of the stack, of the last sub on the same grid, of what was left out, and the newest
        maps, or None. Cheap when nothing is new: the same object is returned as long as it is the newest.
    is_on_disk : bool
        The pictures are read from files, which takes as long as the disk needs; else they are there.
    stop : callable, optional
        Ends the engine when it runs in this process.
    ended : callable, optional
        True when a screen is to close by itself.
    go_on : callable, optional
        Lives through the rest of a session that runs in this process, and returns the exit code: for a screen that is
        gone, and cannot return.
    preset : str
        How pictures are developed.
    page : str, optional
        Address of the page for guests, while this process serves it.
    """

    session: Path
    journal: Journal
    picture: Callable[[], Picture | None]
    last: Callable[[], Picture | None]
    removed: Callable[[], Picture | None]
    noise: Callable[[], Picture | None]
    coverage: Callable[[], Picture | None]
    is_on_disk: bool = False
    stop: Callable[[], None] | None = None
    ended: Callable[[], bool] | None = None
    go_on: Callable[[], int] | None = None
    preset: str = PRESET[0]
    page: str | None = None

    def saved(self, name: str, stack: Picture) -> Picture | None:
        """Read a map from the file of a stack; takes a while where that is large."""
        if stack.parts:
            stack = replace(stack, stack=stack.parts[0], parts=())
        return saved_map(self.session / "stack" / f"{stack.stack}.fits", name, stack)


class _PictureFile:
    """A picture file, read again only when it was replaced; with a bound on its size its light stays on disk."""

    def __init__(self, path: Path, longest_px: int = 0) -> None:
        self._path, self._longest_px = path, longest_px
        self._seen: tuple[int, int, int] | None = None
        self._picture: Picture | None = None

    def __call__(self) -> Picture | None:
        try:
            stat = self._path.stat()
        except OSError:
            return self._picture
        now = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if now != self._seen:
            picture = pinned(self._path, self._longest_px) if self._longest_px else read_picture(self._path)
            if picture is not None:
                self._picture, self._seen = picture, now
        return self._picture


def open_source(
    session: Path, preset: str | None = None, longest_px: int = 0, *, is_one_seldom_seen: bool = False
) -> Source:
    """Open a session that another process runs, or ran.

    Parameters
    ----------
    preset : str, optional
        How pictures are developed; by default as the session's settings say.
    longest_px : int
        The stack and its last sub are shown at most so large, and read when something is made of them
        (`pinned.with_light`); 0 = as they are, in memory.
    is_one_seldom_seen : bool
        The last sub stays on disk as it is, and is read when something is made of it.

    Raises
    ------
    SessionError
        The folder is not a session, or a newer livestack wrote it.
    """
    journal = Journal(session / JOURNAL)
    cache = session / "cache"
    picture = _PictureFile(cache / "picture.npy", longest_px)
    last = _PictureFile(cache / "last.npy", longest_px or (_AS_IT_IS if is_one_seldom_seen else 0))
    removed, noise, coverage = (_PictureFile(cache / f"{name}.npy") for name in ("removed", "noise", "coverage"))
    preset = preset or _preset_of(session)
    return Source(session, journal, picture, last, removed, noise, coverage, is_on_disk=True, preset=preset)


def source_of(slots: Slots, session: Path, journal: Journal, preset: str) -> Source:
    """Return the source of a session that this process runs."""
    named = (slots.stack, slots.last, slots.removed, slots.noise, slots.coverage)
    picture, last, removed, noise, coverage = (slot.get for slot in named)
    return Source(session, journal, picture, last, removed, noise, coverage, preset=preset)


def _preset_of(session: Path) -> str:
    try:
        return from_toml(session / SETTINGS).showing.preset
    except SettingsError:  # of another version: it is only taste
        return PRESET[0]


def engine_alive(state: NightState) -> bool:
    """Whether the engine that wrote the journal still runs; True when that cannot be known (another host)."""
    if state.stopped is not None or state.pid is None:
        return state.stopped is None
    if state.host != socket.gethostname():
        return True
    return is_running(state.pid)


def is_running(pid: int) -> bool:
    """Whether a process of this machine is there."""
    if os.name == "nt":
        return _is_running_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_running_on_windows(pid: int) -> bool:
    """`is_running`; there `os.kill(pid, 0)` is a Ctrl-C to all of a console."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    process = kernel.OpenProcess(_SYNCHRONIZE, False, pid)
    if not process:
        return bool(ctypes.get_last_error() == _ACCESS_DENIED)  # type: ignore[attr-defined,unused-ignore]
    try:
        return bool(kernel.WaitForSingleObject(process, 0) == _WAIT_TIMEOUT)
    finally:
        kernel.CloseHandle(process)
