"""Maps of a stack at the size of a screen: what they say, and that they are made where a screen asks only."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from livestack.bus import Slots
from livestack.engine.maps import map_of, saved_map
from livestack.engine.plans import files_plan, find_files
from livestack.engine.runner import Engine
from livestack.frame import Picture
from livestack.journal import Journal
from livestack.picture import read_picture
from livestack.product import read_noise
from livestack.reduce import preview
from livestack.sessions import Home
from livestack.settings import Settings
from tests.nights import Told, take


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_they_are_what_the_stack_says_at_the_middle_of_each_px(
    step: int, cfa: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(tmp_path / "session").see(*take(tmp_path / "night", n_lights=5, cfa=cfa))
    monkeypatch.setattr(preview, "MAX_PREVIEW_PX", 176 * 208 // step**2 + 1)
    growth = told.session.latest
    assert growth is not None
    sums = growth.shown().result()
    middle = slice(step // 2, 176 // step * step, step), slice(step // 2, 208 // step * step, step)
    coverage, noise = (map_of(growth, name, 3) for name in ("coverage", "noise"))
    assert np.array_equal(coverage.data, sums.coverage[0][middle])
    np.testing.assert_allclose(noise.data, np.sqrt((sums.stderr**2).mean(axis=0))[middle], rtol=1e-5)
    assert (noise.scale, noise.version, noise.n_subs, noise.stack) == (1 / step, 3, 5, growth.name)
    assert noise.data.shape == (176 // step, 208 // step)
    assert not noise.data.flags.writeable
    told.journal.close()


def _engine(folder: Path, *, seen: bool = True) -> tuple[Engine, threading.Thread]:
    home = Home(folder / "session")
    home.make()
    engine = Engine(
        home, files_plan("night", find_files([folder / "night" / "LIGHT"], "oldest")), Settings(), seen=seen
    )
    return engine, threading.Thread(target=engine.run)


@pytest.mark.parametrize("seen", [True, False])
def test_nothing_is_made_until_a_screen_asks(seen: bool, tmp_path: Path) -> None:
    take(tmp_path / "night", n_lights=5)
    engine, thread = _engine(tmp_path, seen=seen)
    cache, journal = engine.home.cache, Journal(engine.home.journal, create=True)
    thread.start()
    thread.join()
    assert not (cache / "noise.npy").exists()
    assert not (cache / "coverage.npy").exists()
    for name in ("noise", "coverage", "of tomorrow"):
        journal.ask("map", {"of": name})
    journal.ask("map", {})
    again, thread = _engine(tmp_path, seen=seen)
    thread.start()
    thread.join()
    assert journal.requests() == [], "what it does not know it answers too"
    journal.close()
    noise = read_picture(cache / "noise.npy")
    assert noise is not None
    assert noise.n_subs == 5
    assert _both(again.pictures) == (seen, seen), "in this process they are kept where somebody may ask"
    assert {path.name for path in cache.glob("*.npy")} >= {"noise.npy", "coverage.npy"}
    stack = read_picture(cache / "picture.npy")
    assert stack is not None
    _same_from_file(engine.home, stack, noise)


def _both(slots: Slots) -> tuple[bool, bool]:
    return slots.noise.get() is not None, slots.coverage.get() is not None


def _same_from_file(home: Home, stack: Picture, noise: Picture) -> None:
    path = home.stack / f"{stack.stack}.fits"
    saved, coverage = saved_map(path, "noise", stack), saved_map(path, "coverage", stack)
    assert saved is not None
    assert coverage is not None
    np.testing.assert_allclose(saved.data, noise.data, rtol=1e-5)
    known = read_noise(path)
    assert known is not None
    assert np.array_equal(coverage.data, known[1])
    assert saved_map(home.stack / "another.fits", "noise", stack) is None
