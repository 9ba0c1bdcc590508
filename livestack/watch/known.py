"""Which files were found before."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from livestack.frame import Identity
from livestack.watch.scan import Stamp, look


class Known:
    """The files of this session that were found finished, under the names they have had.

    Parameters
    ----------
    identities : iterable of Identity
        Those found before this start.
    """

    def __init__(self, identities: Iterable[Identity]) -> None:
        self._by_name: set[tuple[str, int, int]] = set()
        self._by_stamp: dict[Stamp, str] = {}
        for one in identities:
            self.add(str(one.path.absolute()), Stamp(one.size, one.mtime_ns, one.inode))

    def add(self, path: str, stamp: Stamp) -> Identity:
        """Remember a file; return its identity."""
        path = sys.intern(path)  # its stack and the screens keep it, too
        self._by_name.add((path, stamp.size, stamp.mtime_ns))
        self._by_stamp[stamp] = path
        return Identity(Path(path), stamp.size, stamp.mtime_ns, stamp.inode)

    def has(self, path: str, stamp: Stamp) -> bool:
        """Whether this name held these bytes before; not asking the inode, which a remount may change."""
        return (path, stamp.size, stamp.mtime_ns) in self._by_name

    def was_renamed(self, path: str, stamp: Stamp) -> bool:
        """Whether a known file has `path` as its new name; it is known by that name from then on."""
        before = self._by_stamp.get(stamp)
        if before is None or before == path or look(before) == stamp:  # still there: a second, hard link
            return False
        self.add(path, stamp)
        return True
