"""A large file goes straight to the disk: in the system's cache it would push out what is read again, such as subs.

New memory for a file of gigabytes costs time too: a tenth of a second of a core per gigabyte, and many times that, for
all cores, on a virtual machine whose host takes back what is free.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from typing import BinaryIO

import numpy as np

from livestack.frame import Array

if sys.platform == "linux":
    import fcntl

BLOCK_BYTES = 4096
"""What is written past the cache begins and ends at one, in memory and in the file (open(2), O_DIRECT)."""
ROOM_BYTES = 4 << 20


class Straight:
    """Takes what is to be written to an open file, in order; through the cache where there is no other way.

    Parameters
    ----------
    file : BinaryIO
        New, and used by nothing else until `finish`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file.fileno()
        self._pages = mmap.mmap(-1, ROOM_BYTES)
        self._room = np.frombuffer(self._pages, np.uint8)
        self._held = 0
        self._go(past_cache=True)

    def write(self, data: bytes | Array) -> int:
        """Write bytes, or a row of them: those that fill no block wait for more. Returns how many were taken."""
        left = np.frombuffer(data, np.uint8)
        n_bytes = left.size
        while left.size:
            n = min(left.size, ROOM_BYTES - self._held)
            self._room[self._held : self._held + n] = left[:n]
            self._held, left = self._held + n, left[n:]
            if self._held == ROOM_BYTES:
                self._empty(ROOM_BYTES)
        return n_bytes

    def finish(self) -> None:
        """Write what is left, of which the last bytes fill no block."""
        whole = self._held - self._held % BLOCK_BYTES
        self._empty(whole)
        self._go(past_cache=False)
        self._room[: self._held] = self._room[whole : whole + self._held]
        self._empty(self._held)

    def _empty(self, n_bytes: int) -> None:
        begun = 0
        with memoryview(self._pages) as pages:
            while begun < n_bytes:
                try:
                    begun += os.write(self._file, pages[begun:n_bytes])
                except OSError as error:
                    if error.errno != errno.EINVAL or not self._go(past_cache=False):
                        raise
        self._held -= n_bytes

    def _go(self, *, past_cache: bool) -> bool:
        """Write past the cache from now on, or through it; returns whether that is another way than before."""
        if sys.platform != "linux":
            return False
        before = fcntl.fcntl(self._file, fcntl.F_GETFL)
        after = before | os.O_DIRECT if past_cache else before & ~os.O_DIRECT
        try:
            fcntl.fcntl(self._file, fcntl.F_SETFL, after)
        except OSError:
            return False  # this file system has no such way
        return after != before
