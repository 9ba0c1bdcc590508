"""Which files were found before."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from livestack.frame import Identity
from livestack.watch.scan import Stamp, look

_STAMP = struct.Struct("<QqQ")
_INODES = (1 << 64) - 1


class Known:
    """The files of this session that were found finished, under the names they have had.

    Parameters
    ----------
    identities : iterable of Identity
        Those found before this start.
    """

    def __init__(self, identities: Iterable[Identity]) -> None:
        self._by_name: dict[str, bytes] = {}  # a stamp is kept as its bytes, once: there are thousands
        self._by_stamp: dict[bytes, str] = {}
        for one in identities:
            self.add(str(one.path.absolute()), Stamp(one.size, one.mtime_ns, one.inode))

    def add(self, path: str, stamp: Stamp) -> Identity:
        """Remember a file; return its identity."""
        path, packed = sys.intern(path), _packed(stamp)  # its stack and the screens keep the path, too
        self._by_name[path] = packed
        self._by_stamp[packed] = path
        return Identity(Path(path), stamp.size, stamp.mtime_ns, stamp.inode)

    def has(self, path: str, stamp: Stamp) -> bool:
        """Whether this name holds bytes that it held before; not asking the inode, which a remount may change."""
        last = self._by_name.get(path)
        if last is None:
            return False
        return _STAMP.unpack(last)[:2] == stamp[:2] or self._by_stamp.get(_packed(stamp)) == path

    def was_renamed(self, path: str, stamp: Stamp) -> bool:
        """Whether a known file has `path` as its new name; it is known by that name from then on."""
        before = self._by_stamp.get(_packed(stamp))
        if before is None or before == path or look(before) == stamp:  # still there: a second, hard link
            return False
        self.add(path, stamp)
        return True


def _packed(stamp: Stamp) -> bytes:
    return _STAMP.pack(stamp.size, stamp.mtime_ns, stamp.inode & _INODES)
