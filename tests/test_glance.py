"""The first picture of a cold start: a sub as it is, before anything is compiled."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from livestack.engine.plans import files_plan, find_files
from livestack.engine.runner import Engine
from livestack.frame import Frame, Header
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.stacks.glance import glance
from tests.nights import expose

COLOURS = {"R": 900.0, "G": 500.0, "B": 200.0}


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("size", [(60, 80), (61, 83), (2000, 2501)])
def test_colours_are_those_of_the_mosaic(cfa: str, size: tuple[int, int]) -> None:
    data = np.full(size, 100, np.uint16)
    for k, colour in enumerate(cfa):
        data[20 + k // 2 : 40 : 2, 20 + k % 2 : 40 : 2] += int(COLOURS[colour])
    picture = glance(Frame(data, Header(Path("sub.fits"), size, cfa=cfa, exposure_s=30.0)), 1)
    k = round(30 * picture.scale)
    np.testing.assert_array_equal(picture.data[k, k], list(COLOURS.values()))
    assert picture.data.shape[2] == 3
    assert np.median(picture.data) == 0
    assert picture.exposure_s == 30.0


def test_a_mono_sub_is_as_grainy_as_it_is() -> None:
    data = np.random.default_rng(1).normal(1000, 20, (600, 900)).astype(np.float32)
    picture = glance(Frame(data, Header(Path("sub.fits"), data.shape)), 3)
    assert picture.data.shape == (600, 900)
    assert picture.noise_adu == pytest.approx(20, rel=0.03)
    assert (picture.version, picture.n_subs) == (3, 1)


def _engine(folder: Path) -> Engine:
    home = Home(folder / "session")
    home.make()
    return Engine(home, files_plan("night", find_files([folder / "night"], "oldest")), Settings())


def _wait_for_a_picture(engine: Engine, thread: threading.Thread) -> None:
    while engine.pictures.stack.get() is None and thread.is_alive():
        time.sleep(0.02)


def test_a_sub_is_shown_while_the_engine_is_not_ready_and_stacked_when_it_is(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "broken_0.fits").write_bytes(b"SIMPLE  = nothing")
    expose(tmp_path / "night" / "dark_0.fits", keywords={"IMAGETYP": "Dark"}, size=(120, 140))
    for no in range(3):
        expose(tmp_path / "night" / f"light_{no}.fits", no)
    engine = _engine(tmp_path)
    engine.ready.clear()
    thread = threading.Thread(target=engine.run)
    thread.start()
    try:
        _wait_for_a_picture(engine, thread)
        first = engine.pictures.stack.get()
        assert first is not None
        assert (first.stack, first.n_subs) == ("", 1)
        engine.ready.set()
        thread.join()
    finally:
        engine.stop.set()
        thread.join()
    last = engine.pictures.stack.get()
    assert last is not None
    assert last.n_subs == 3
    assert last.version > first.version


def test_the_first_sub_is_stacked_before_others_can_be(tmp_path: Path) -> None:
    for no in range(3):
        expose(tmp_path / "night" / f"light_{no}.fits", no)
    engine = _engine(tmp_path)
    engine.fluent.clear()
    thread = threading.Thread(target=engine.run)
    thread.start()
    try:
        _wait_for_a_picture(engine, thread)
        time.sleep(0.5)
        first = engine.pictures.stack.get()
        assert first is not None
        assert first.stack
        assert first.n_subs == 1
        engine.fluent.set()
        thread.join()
    finally:
        engine.stop.set()
        thread.join()
    last = engine.pictures.stack.get()
    assert last is not None
    assert last.n_subs == 3
