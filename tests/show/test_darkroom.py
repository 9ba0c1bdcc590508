"""Developing beside a window."""

from __future__ import annotations

import time
from contextlib import closing

import numpy as np
import pytest

from livestack.develop.chain import PRESETS
from livestack.frame import Picture
from livestack.show.darkroom import Darkroom, Done, Order


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
