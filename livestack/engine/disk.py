"""The session's disk: what is told when it does not take what is written, and that the night goes on meanwhile."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from livestack.events import AlertCleared, AlertRaised, Event
from livestack.retries import JOURNAL_S

log = logging.getLogger("livestack")

RULE = "disk"
"""Of the alerts."""
RESERVE_BYTES = 4_000_000
"""Room for the events of a few hundred subs."""
PART_BYTES = 1 << 16


class Disk:
    """Whether the session's disk takes what is written. Safe to use from several threads.

    The journal alone may use a reserve, a file that is given up when the disk is full: what is done to each sub is
    written on, and that there is trouble, too. Where that is used up, or the disk is gone, whoever writes waits.

    Parameters
    ----------
    reserve : Path
        That file.
    place : Path
        The session folder, for words.
    stop : Event
        Ends the waiting.
    say : callable
        Hears in words what the journal cannot be told.
    """

    def __init__(self, reserve: Path, place: Path, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._reserve = reserve
        self._place = place
        self._stop = stop
        self._say = say
        self._lock = threading.Lock()
        self._troubles: dict[str, str] = {}
        self._told = False
        self._keep_at_s = 0.0

    def refused(self, error: sqlite3.DatabaseError) -> bool:
        """Wait until the journal may be tried again; False = it is told to stop. See `livestack.journal.Journal`."""
        with self._lock:
            if self._is_full(error) and self._give_reserve():
                self._troubles["full"] = (
                    f"The disk of {self._place} is full. Make room: the journal goes on in its reserve, "
                    "the stack is safe in memory."
                )
                return True
            is_new = "journal" not in self._troubles
            self._troubles["journal"] = sentence = (
                f"The journal in {self._place} cannot be written: {_why(error)}. "
                "Subs wait, and nothing is lost; it goes on by itself when that is over."
            )
        if is_new:
            log.warning("the journal cannot be written: %s", error)
            self._say(sentence)
        return not self._stop.wait(JOURNAL_S)

    @property
    def unsaved(self) -> str:
        """Why a stack could not be saved; empty = the last one was."""
        with self._lock:
            return self._troubles.get("stack", "")

    def failed(self, sentence: str) -> None:
        """Note that a stack could not be saved."""
        with self._lock:
            self._troubles["stack"] = sentence

    def took(self) -> None:
        """Note that it could."""
        with self._lock:
            self._troubles.pop("stack", None)

    def news(self) -> list[Event]:
        """Return what is to be journaled of it since the last call: that there is trouble, or that it is over."""
        with self._lock:
            if self._troubles and not self._told:
                self._told = True
                return [AlertRaised(RULE, next(iter(self._troubles.values())))]
            self._troubles.pop("journal", None)  # what was told is in it
            if time.monotonic() >= self._keep_at_s:
                self._keep_at_s = time.monotonic() + JOURNAL_S
                if self._keep_reserve():
                    self._troubles.pop("full", None)
            if self._told and not self._troubles:
                self._told = False
                return [AlertCleared(RULE)]
        return []

    def close(self) -> None:
        """Give the reserve up: nothing more is written."""
        self._give_reserve()

    def _is_full(self, error: sqlite3.DatabaseError) -> bool:
        """Whether there is no room: SQLite does not say so of all its files."""
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return True
        try:
            return shutil.disk_usage(self._place).free < PART_BYTES
        except OSError:
            return False

    def _give_reserve(self) -> bool:
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def _keep_reserve(self) -> bool:
        """Whether there is a reserve, made if need be and if that leaves as much again."""
        try:
            if self._reserve.exists() and self._reserve.stat().st_size >= RESERVE_BYTES:
                return True
            if shutil.disk_usage(self._reserve.parent).free < 2 * RESERVE_BYTES:
                return False
            with self._reserve.open("wb") as file:
                for _ in range(0, RESERVE_BYTES, PART_BYTES):
                    file.write(os.urandom(PART_BYTES))  # that no file system packs
        except OSError:
            self._give_reserve()
            return False
        return True


def _why(error: sqlite3.DatabaseError) -> str:
    said = str(error)
    if said.endswith("is locked"):
        return "another program keeps it locked"
    return said
