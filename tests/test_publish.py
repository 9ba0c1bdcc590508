"""What leaves the engine for the screens: the picture of what was removed."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from livestack.bus import Slots
from livestack.engine.disk import Disk
from livestack.engine.drawing import removed_picture, stack_picture
from livestack.engine.publish import Publisher
from livestack.frame import Header, Masters, Quality
from livestack.picture import read_picture
from livestack.reduce.fold import REJECTORS
from livestack.reduce.preview import MAX_PREVIEW_PX
from livestack.sessions import Home
from livestack.stack import Shape
from livestack.stacks.core import Core
from livestack.stacks.founding import Founding
from livestack.stacks.growth import Growth
from livestack.stacks.knowledge import Knowledge


def _growth(shape: Shape, rule: str = "deferred", name: str = "light") -> Growth:
    header = Header(Path("1.fits"), shape[1:], row_order="BOTTOM-UP")
    founding = Founding(name, header, shape, Masters(), "", Quality(9, 3, 1.6, 0.2, 1.0, 800, 12), (800.0,) * shape[0])
    growth = Growth(founding, Knowledge("origin", np.zeros(0), np.zeros(0)), REJECTORS[rule], None)
    growth.core = Core.empty(shape, "", pictures=growth.rule.pictures)
    return growth


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    home = Home(tmp_path)
    home.make()
    disk = Disk(home.cache / "reserve", tmp_path, threading.Event(), print)
    return Publisher(home, None, Slots.empty(), disk)


def _removed(growth: Growth) -> np.ndarray:
    """Return what was removed, to join something to it."""
    assert growth.core is not None
    assert growth.core.removed is not None
    growth.core.n_removals += 1
    return growth.core.removed


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_stack_shows_the_guide_as_it_is(channels: int) -> None:
    growth = _growth((channels, 61, 80))
    _removed(growth)[12, 30] = 55.0
    picture = removed_picture(growth, 7)
    assert (picture.data.shape, picture.scale, picture.row_order) == ((30, 40), 0.5, "BOTTOM-UP")
    assert (picture.stack, picture.version) == ("light", 7)
    assert np.argwhere(picture.data).tolist() == [[12, 30]]
    _removed(growth)[12, 30] = 0.0
    assert picture.data[12, 30] == 55.0, "a screen's picture does not change under its hands"


def test_of_a_large_one_the_brightest_is_kept() -> None:
    """A thin trail does not drown in the mean of the px about it."""
    height = 2 * int(np.sqrt(MAX_PREVIEW_PX)) + 50
    growth = _growth((1, height, height))
    np.fill_diagonal(_removed(growth), 90.0)
    picture = removed_picture(growth, 1)
    assert picture.scale == 0.25
    assert picture.data.size <= MAX_PREVIEW_PX
    assert (np.diag(picture.data) == 90.0).all()
    assert (picture.data > 0).sum() == len(picture.data)


def test_before_a_look_and_under_rules_that_judge_no_pictures_nothing_was_removed() -> None:
    early = _growth((1, 60, 80))
    early.core = None
    for growth in (early, _growth((1, 60, 80), "sigma")):
        picture = removed_picture(growth, 1)
        assert picture.data.shape == (30, 40)
        assert not picture.data.any()


def test_it_is_written_beside_the_picture_only_when_it_changed(publisher: Publisher) -> None:
    growth, path = _growth((1, 60, 80)), publisher.home.cache / "removed.npy"
    publisher.show(growth, None)
    publisher.wait_shown()
    first = read_picture(path)
    assert first is not None
    assert not first.data.any()
    before = path.stat().st_ino, publisher.slots.removed.get()
    publisher.show(growth, None)
    publisher.wait_shown()
    assert (path.stat().st_ino, publisher.slots.removed.get()) == before
    assert (publisher.home.cache / "picture.npy").exists()
    _removed(growth)[3, 4] = 20.0
    publisher.show(growth, None)
    publisher.wait_shown()
    second = read_picture(path)
    assert second is not None
    assert (second.data[3, 4], second.version) == (20.0, 3)
    other = _growth((1, 60, 80), name="other")
    other.core = growth.core
    publisher.show(other, None)
    publisher.wait_shown()
    now = publisher.slots.removed.get()
    assert now is not None
    assert now.stack == "other", "equal px of another stack are news"
    assert replace(now, stack="light").data.tobytes() == second.data.tobytes()
    publisher.close()


def test_it_is_that_of_the_stack_that_is_shown(publisher: Publisher) -> None:
    """Also after one that was not looked at yet, and has nothing that is known to be the same."""
    old, new = _growth((1, 60, 80)), _growth((1, 60, 80), name="new")
    _removed(old)[3, 4] = 20.0
    new.core = None
    for growth in (old, new, old):
        publisher.show(growth, None)
        now = publisher.slots.removed.get()
        assert now is not None
        assert now.stack == growth.name
    publisher.close()


def test_a_picture_that_was_begun_is_the_same_and_nobody_sees_it_before(publisher: Publisher) -> None:
    growth, path = _growth((1, 60, 80)), publisher.home.cache / "picture.npy"
    growth.preview = np.full((60, 80, 1), 7, np.float32)
    publisher.draw(growth)
    publisher.wait_shown()
    assert publisher.slots.stack.get() is None
    assert not path.exists()
    publisher.show(growth, None)
    publisher.wait_shown()
    shown, written = publisher.slots.stack.get(), read_picture(path)
    assert shown is not None
    assert written is not None
    for picture in (shown, written):
        assert replace(picture, data=shown.data) == replace(stack_picture(growth, None, 1), data=shown.data)
        assert picture.data.tolist() == growth.preview[:, :, 0].tolist()
    publisher.draw(growth)
    growth.preview = np.full((60, 80, 1), 8, np.float32)
    publisher.show(growth, None)
    publisher.wait_shown()
    newer = read_picture(path)
    assert newer is not None
    assert (newer.data == 8).all(), "what was begun of another preview is not shown"
    publisher.close()
