"""A large file goes straight to the disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from livestack.atomic import write_large
from livestack.straight import BLOCK_BYTES, ROOM_BYTES, Straight

ROOM = ROOM_BYTES


@pytest.mark.parametrize(
    "lengths",
    [
        (),
        (0,),
        (1,),
        (BLOCK_BYTES,),
        (ROOM,),
        (ROOM - 1, 2),
        (2 * ROOM + BLOCK_BYTES,),
        (5, ROOM, 7, 3 * ROOM + 11, BLOCK_BYTES - 23),
    ],
    ids=str,
)
def test_the_file_holds_what_was_written(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    parts = [np.random.default_rng(length).integers(0, 256, length).astype(np.uint8) for length in lengths]
    path = tmp_path / "large"
    write_large(path, lambda file: [file.write(part) for part in parts])
    assert path.read_bytes() == b"".join(part.tobytes() for part in parts)


def test_so_it_does_where_a_system_has_no_such_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "somewhere")
    data = bytes(range(256)) * (ROOM // 256) + b"tail"
    write_large(tmp_path / "large", lambda file: file.write(data))
    assert (tmp_path / "large").read_bytes() == data


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in its cache")
def test_it_does_not_stay_in_memory(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 256, 4 * ROOM + 5).astype(np.uint8)
    write_large(tmp_path / "large", lambda file: file.write(data))
    (tmp_path / "cached").write_bytes(data.tobytes())
    assert _is_cached(tmp_path / "cached")
    with (tmp_path / "probe").open("wb") as file:
        if not Straight(file)._go(past_cache=False):
            pytest.skip("this file system has no way past the cache")
    assert not _is_cached(tmp_path / "large")


def _is_cached(path: Path) -> bool:
    """Tell whether the beginning of a file can be read without its disk."""
    with path.open("rb") as file:
        try:
            return os.preadv(file.fileno(), [bytearray(BLOCK_BYTES)], 0, os.RWF_NOWAIT) > 0
        except BlockingIOError:
            return False
