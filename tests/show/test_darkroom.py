"""Developing beside a window."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from livestack.develop.chain import PRESETS
from livestack.frame import Picture
from livestack.picture import write_picture
from livestack.show.darkroom import Darkroom, Done, Order
from livestack.show.pinned import pinned
from livestack.show.views import LAST, STACK, Pictures, order_of


def _order(size: tuple[int, int]) -> Order:
    data = np.random.default_rng(1).normal(0.0, 5.0, size).astype(np.float32)
    picture = Picture(data, 1.0, 1, "light", 3, 30.0, 5.0, None)
    return Order(picture, picture, None, PRESETS["auto"])


def _taken(room: Darkroom) -> Done:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        done = room.take()
        if done is not None:
            return done
        time.sleep(0.01)
    raise AssertionError("nothing came")


def test_a_picture_that_fails_does_not_stop_those_that_follow() -> None:
    with closing(Darkroom()) as room:
        room.ask(_order((0, 0)))
        with pytest.raises(Exception, match=r"\w"):
            _taken(room)
        assert not room.is_busy
        room.ask(_order((64, 80)))
        done = _taken(room)
        assert (done.order.picture.data.shape, done.images[0].shape) == ((64, 80), (64, 80))


def test_a_sub_that_stays_on_disk_is_developed_as_one_in_memory(tmp_path: Path) -> None:
    stack = _order((64, 80)).picture
    sub = replace(stack, data=stack.data[::-1] * np.float32(1.5), n_subs=1)
    write_picture(tmp_path / "last.npy", sub)
    on_disk = pinned(tmp_path / "last.npy", 1000)
    assert on_disk is not None
    with closing(Darkroom()) as room, closing(Darkroom()) as other:
        for view, beside in ((STACK, True), (LAST, False), (STACK, True), (STACK, False)):
            images = []
            for last, at in ((on_disk, room), (sub, other)):
                order = order_of(view, Pictures(stack, last), PRESETS["auto"], beside=beside)
                assert order is not None
                at.ask(order)
                images.append(_taken(at).images)
            assert len(images[0]) == 1 + beside
            for one, another in zip(*images, strict=True):
                np.testing.assert_array_equal(one, another)
    assert max(on_disk.data.strides) == 0, "nothing of it is in memory"
