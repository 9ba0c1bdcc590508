"""Which files were found before: by name and bytes, and under new names."""

from __future__ import annotations

import os
from pathlib import Path

from livestack.frame import Identity
from livestack.watch.known import Known
from livestack.watch.scan import Stamp, look

FIRST, SECOND = Stamp(100, 1_790_000_000_000_000_000, 7), Stamp(100, 1_790_000_000_000_000_001, 7)


def test_a_name_is_known_with_the_bytes_it_held_whatever_its_inode() -> None:
    known = Known([Identity(Path("/captures/1.fits"), *FIRST)])
    assert known.has("/captures/1.fits", FIRST) and known.has("/captures/1.fits", FIRST._replace(inode=8))
    assert not known.has("/captures/1.fits", SECOND) and not known.has("/captures/2.fits", FIRST)
    assert known.add("/captures/1.fits", SECOND) == Identity(Path("/captures/1.fits"), *SECOND)
    assert known.has("/captures/1.fits", SECOND) and known.has("/captures/1.fits", FIRST), "written over, and put back"


def test_odd_stamps_are_told_apart() -> None:
    before_1970, huge = Stamp(0, -1, 1 << 63), Stamp(1 << 40, 0, (1 << 70) + 5)
    known = Known([Identity(Path("/a"), *before_1970), Identity(Path("/b"), *huge)])
    assert known.has("/a", before_1970) and known.has("/b", huge)
    assert not known.has("/a", huge) and not known.has("/b", before_1970)


def test_a_file_that_was_renamed_is_known_by_its_new_name(tmp_path: Path) -> None:
    old, new, link = (str(tmp_path / name) for name in ("old.fits", "new.fits", "link.fits"))
    Path(old).write_bytes(b"sub")
    stamp = look(old)
    assert stamp is not None
    known = Known([Identity(Path(old), *stamp)])
    os.link(old, link)
    assert not known.was_renamed(link, stamp), "both names are there"
    Path(old).rename(new)
    assert known.was_renamed(new, stamp) and known.has(new, stamp) and known.has(old, stamp)
    assert not known.was_renamed(link, SECOND)
