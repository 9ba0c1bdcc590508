"""What is heard of a folder, and that deafness is noticed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livestack.watch.folder import Ears
from tests.watch.camera import put


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[Ears]:
    (tmp_path / "captures").mkdir()
    ears = Ears(str(tmp_path / "captures"))
    ears.listen(recursive=True)
    yield ears
    ears.stop()


def heard(ears: Ears, *paths: Path) -> set[str]:
    """Wait until something was heard of each path; return all that was heard of."""
    taken: set[str] = set()
    end_s = time.monotonic() + 20
    while not taken >= {str(path) for path in paths}:
        assert ears.heard.wait(end_s - time.monotonic()), f"heard only of {taken}"
        taken |= ears.take()
    return taken


def test_whatever_comes_is_heard_under_its_last_name(ears: Ears, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    put(tmp_path / "moved.sub").rename(folder / "moved.sub")
    (folder / "linked.sub").hardlink_to(folder / "moved.sub")
    put(folder / "a.tmp").rename(folder / "a.sub")
    put(tmp_path / "M31/b.sub")
    (tmp_path / "M31").rename(folder / "M31")
    put(folder / "M33/Ha/c.sub")
    put(folder / "moved.sub")
    heard(ears, *(folder / name for name in ("moved.sub", "linked.sub", "a.sub", "M31", "M33")))


def test_reading_is_not_heard(ears: Ears, tmp_path: Path) -> None:
    """Or looking at a file would make us look at it, for ever."""
    path, last = put(tmp_path / "captures/a.sub"), tmp_path / "captures/last.sub"
    put(last)
    heard(ears, path, last)
    last.unlink()
    time.sleep(0.1)
    ears.take()
    for _ in range(3):
        path.read_bytes()
    put(last)
    assert heard(ears, last) == {str(last)}


def test_a_deleted_folder_makes_deaf_and_listening_again_helps(ears: Ears, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    assert not ears.is_deaf()
    shutil.rmtree(folder)
    folder.mkdir()
    end_s = time.monotonic() + 20
    while not ears.is_deaf():
        assert time.monotonic() < end_s
        time.sleep(0.01)
    ears.stop()
    assert not ears.is_deaf()
    ears.listen(recursive=True)
    path = put(folder / "a.sub")
    heard(ears, path)


def test_a_folder_behind_a_link_is_heard_of_by_the_name_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "tonight").symlink_to(tmp_path / "captures")
    ears = Ears(str(tmp_path / "tonight"))
    ears.listen(recursive=True)
    put(tmp_path / "captures/a.sub")
    heard(ears, tmp_path / "tonight/a.sub")
    ears.stop()
