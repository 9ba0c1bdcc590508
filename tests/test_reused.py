"""Files that are replaced again and again: in the same room, and never under the eyes of who reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from livestack import reused
from livestack.frame import Picture
from livestack.picture import draft_array, facts_of, publish_draft, read_picture, write_picture
from livestack.show.pinned import pinned, with_light

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there nobody replaces a file that is open")


def _picture(version: int, shape: tuple[int, ...] = (60, 80, 3)) -> Picture:
    return Picture(np.full(shape, version, np.float32), 1.0, version, "M 31", version, 30.0, 1.0, None)


def _put(path: Path, version: int, shape: tuple[int, ...] = (60, 80, 3)) -> int:
    """Replace a picture; returns which file it is."""
    write_picture(path, _picture(version, shape), again=True)
    found = read_picture(path)
    assert found is not None and found.version == version
    assert (found.data == version).all() and found.data.shape == shape
    return path.stat().st_ino


def test_two_rooms_are_written_in_turn(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    rooms = [_put(path, version) for version in range(1, 8)]
    assert len(set(rooms)) == 2
    assert rooms[1:] == [rooms[1], rooms[2]] * 3
    reused.drop(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_smaller_one_after_a_larger_one_is_whole(tmp_path: Path) -> None:
    for version, side in enumerate((80, 90, 20, 85, 3, 3), 1):
        _put(tmp_path / "picture.npy", version, (side, side))


def test_what_is_held_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    _put(path, 1)
    held = pinned(path, 1_000_000)
    others = [_put(path, version) for version in range(2, 7)]
    assert held is not None
    assert (with_light(held).data == 1).all()
    assert len(set(others)) == 2, "for others rooms take turns"
    first = os.fstat(held.file._file).st_ino  # type: ignore[attr-defined]
    assert first not in others
    del held
    assert len({_put(path, version) for version in range(7, 11)}) == 2


def test_another_process_that_holds_it_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    _put(path, 1)
    code = (
        "import sys; from pathlib import Path; from livestack.show.pinned import pinned, with_light\n"
        "held = pinned(Path(sys.argv[1]), 1_000_000); print('held', flush=True); sys.stdin.readline()\n"
        "print(float(with_light(held).data.min()), float(with_light(held).data.max()))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for version in range(2, 6):
            _put(path, version)
        assert other.communicate("\n")[0] == "1.0 1.0\n"


def test_no_reader_sees_two_pictures_in_one(tmp_path: Path) -> None:
    path, over, seen, torn = tmp_path / "picture.npy", threading.Event(), set(), []
    _put(path, 1, (200, 300, 3))

    def read() -> None:
        while not over.is_set():
            found = read_picture(path)
            if found is None or found.data.min() != found.data.max() or found.data.flat[0] != found.version:
                torn.append(found)
            else:
                seen.add(found.version)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for version in range(2, 400):
        picture = _picture(version, (200, 300, 3))
        draft_array(path, picture.data, again=True)
        publish_draft(path, facts_of(picture), again=True)
    over.set()
    for reader in readers:
        reader.join()
    assert not torn
    assert len(seen) > 20


def test_who_opened_what_was_replaced_before_it_was_locked_tries_again(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    _put(path, 1)
    with path.open("rb") as late:
        _put(path, 2)
        assert not reused._stays(late, path), "it may be written over"
        with reused.open_as_it_is(path) as file:
            assert reused._stays(file, path)


def test_a_draft_that_was_left_is_written_anew(tmp_path: Path) -> None:
    """Killed while it wrote: what lies there is of no use, and is nobody's."""
    path = tmp_path / "picture.npy"
    for version in (1, 2):
        _put(path, version)
    draft_array(path, np.zeros((5, 5), np.float32), again=True)
    for version in (3, 4, 5):
        _put(path, version)
    (tmp_path / ".picture.npy.old").write_bytes(b"of another time")
    for version in (6, 7):
        _put(path, version)


def test_killed_between_its_link_and_its_rename_it_is_not_written_over_where_it_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    for version in (1, 2):
        _put(path, version)
    (tmp_path / ".picture.npy.old").unlink()
    os.link(path, tmp_path / ".picture.npy.old")
    draft_array(path, _picture(3).data, again=True)
    found = read_picture(path)
    assert found is not None and found.version == 2 and (found.data == 2).all()
    publish_draft(path, facts_of(_picture(3)), again=True)
    found = read_picture(path)
    assert found is not None and found.version == 3
    assert len({_put(path, version) for version in range(4, 10)}) == 2


def test_where_the_disk_knows_no_links_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", link)
    for version in range(1, 5):
        _put(tmp_path / "picture.npy", version)
    assert [each.name for each in tmp_path.iterdir()] == ["picture.npy"]
