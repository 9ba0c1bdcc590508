"""Which pictures come into the cache, and when: those behind another one not with every sub of a fast camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from livestack.engine import shelf as shelves
from livestack.engine.shelf import Shelf
from livestack.frame import Array, Picture
from livestack.picture import read_picture

NAME = "last.npy"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    one = Shelf(tmp_path)
    yield one
    one.close()


def light(version: int) -> Array:
    return np.full((6, 8, 1), version, np.float32)


def picture(light: Array, version: int) -> Picture:
    return Picture(light[:, :, 0], 1.0, version, "M 31", 1, 30.0, 1.0, None)


def seen(shelf: Shelf) -> int:
    shelf.thread.submit(lambda: None).result()
    found = read_picture(shelf.folder / NAME)
    assert found is not None
    assert (found.data == found.version).all()
    return found.version


def test_of_those_that_come_fast_the_first_is_written_at_once_and_the_newest_later(shelf: Shelf) -> None:
    lights = [light(version) for version in (1, 2, 3)]
    for version, one in enumerate(lights, 1):
        shelf.put_seldom(NAME, picture(one, version), one)
        assert seen(shelf) == 1
    shelf.put_waiting()
    assert seen(shelf) == 1
    shelf.put_waiting(rest_s=0.0)
    assert seen(shelf) == 3


def test_each_is_written_where_they_come_slowly(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "SELDOM_S", 0.0)
    for version in (1, 2, 3):
        one = light(version)
        shelf.put_seldom(NAME, picture(one, version), one)
        assert seen(shelf) == version


def test_what_waits_is_not_held(shelf: Shelf) -> None:
    """It is as large as a preview: when the next sub is folded its memory is needed."""
    kept = light(1)
    shelf.put_seldom(NAME, picture(kept, 1), kept)
    gone = light(2)
    shelf.put_seldom(NAME, picture(gone, 2), gone)
    del gone
    shelf.put_waiting(rest_s=0.0)
    assert seen(shelf) == 1


def test_the_last_one_is_there_when_all_is_over(tmp_path: Path) -> None:
    shelf, lights = Shelf(tmp_path), [light(1), light(2)]
    for version, one in enumerate(lights, 1):
        shelf.put_seldom(NAME, picture(one, version), one)
    shelf.close()
    found = read_picture(tmp_path / NAME)
    assert found is not None
    assert found.version == 2


def test_what_was_begun_is_seen_when_it_is_put_and_not_before(shelf: Shelf) -> None:
    old, new = (picture(light(version), version) for version in (1, 2))
    shelf.put(NAME, old)
    shelf.draft(NAME, new.data)
    assert seen(shelf) == 1
    shelf.put(NAME, new)
    assert seen(shelf) == 2


def test_what_was_begun_and_is_not_put_leaves_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    lights = [picture(light(version), version) for version in (1, 2, 3)]
    shelf.draft(NAME, lights[0].data)
    shelf.draft(NAME, lights[1].data)
    shelf.put(NAME, lights[2])
    assert seen(shelf) == 3
    shelf.draft(NAME, lights[0].data)
    shelf.close()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
