"""Masters of other programs, frames that do not fit, lights that were calibrated before: used rightly, or in words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from livestack.frame import Frame
from livestack.reduce.masters import build
from livestack.reduce.matching import Chosen, match
from livestack.reduce.measure import calibrated
from tests.reduce.fields import frame_of
from tests.reduce.library import LIGHT, SIZE, Library, header, paths_of


@pytest.fixture
def library() -> Library:
    return Library()


def test_px_of_a_master_that_are_no_numbers_are_bad(library: Library) -> None:
    dark = np.random.default_rng(5).normal(500, 2, SIZE).astype(np.float32)
    dark[5, 7] = np.nan
    dark[90:92, 100] = np.inf
    masters, problems = build(Chosen(dark=(library.put("master", dark),)), library.read, LIGHT)
    assert problems == ["3 px of the dark are no numbers"]
    assert masters.hot is not None
    assert set(masters.hot.tolist()) >= {y * SIZE[1] + x for y, x in ((5, 7), (90, 100), (91, 100))}
    assert masters.pedestal is not None
    assert np.isfinite(masters.pedestal).all()


def test_an_overexposed_flat_is_refused_in_words(library: Library) -> None:
    lit = np.minimum(np.random.default_rng(6).normal(65_000, 900, SIZE), 65_535).astype(np.uint16)
    masters, problems = build(Chosen(flat=(library.put("flat", lit),)), library.read, LIGHT)
    assert masters.gain is None
    assert problems[0].startswith("flat not used: flat is overexposed (")
    good = np.random.default_rng(6).normal(30_000, 200, SIZE).astype(np.uint16)
    assert build(Chosen(flat=(library.put("good", good),)), library.read, LIGHT)[0].gain is not None


def test_the_current_of_a_dark_is_scaled_not_its_bias(library: Library) -> None:
    bias = np.random.default_rng(7).normal(500, 5, SIZE).astype(np.float32)
    current = np.random.default_rng(8).uniform(0, 90, SIZE).astype(np.float32)
    dark = library.put("dark", bias + current)
    chosen = Chosen(bias=(library.put("bias", bias),), dark=(dark,), dark_scale=0.4)
    masters, problems = build(chosen, library.read, LIGHT)
    assert problems == []
    np.testing.assert_allclose(masters.pedestal, bias + 0.4 * current, atol=1e-3)
    assert masters.provenance["dark"] == "dark, its current scaled by 0.4"
    masters, problems = build(Chosen(dark=(dark,), dark_scale=0.4), library.read, LIGHT)
    assert masters.pedestal is None
    assert problems == ["dark not used: without a bias it cannot be scaled"]


def test_a_master_flat_was_freed_of_its_pedestal_by_who_made_it() -> None:
    response = 1 - 0.3 * np.linspace(-1, 1, SIZE[1]) ** 2 + np.zeros((SIZE[0], 1))
    frames = {
        Path("bias"): Frame(np.full(SIZE, 3000, np.float32), header("bias")),
        Path("flat"): Frame((20_000 * response).astype(np.float32), header("master_flat")),
    }
    masters, _ = build(Chosen(bias=(Path("bias"),), flat=(Path("flat"),)), frames.__getitem__, LIGHT)
    np.testing.assert_allclose(masters.gain, response.mean() / response, rtol=1e-5)


def test_what_was_calibrated_before_is_not_calibrated_twice() -> None:
    """Lights freed of their bias lose the dark current alone; a dark that was freed of it gets it back."""
    bias, current = np.full(SIZE, 500, np.float32), np.random.default_rng(8).uniform(0, 90, SIZE).astype(np.float32)
    freed = frozenset({"bias"})
    frames = {
        Path("bias"): Frame(bias, header("master_bias")),
        Path("dark"): Frame(bias + current, header("master_dark")),
        Path("bare"): Frame(current, header("master_dark", calibrated=freed)),
    }
    for dark in ("dark", "bare"):
        chosen = Chosen(bias=(Path("bias"),), dark=(Path(dark),))
        masters, problems = build(chosen, frames.__getitem__, dataclasses.replace(LIGHT, calibrated=freed))
        assert problems == []
        np.testing.assert_allclose(masters.pedestal, current, atol=1e-3)
        masters, problems = build(chosen, frames.__getitem__, LIGHT)
        np.testing.assert_allclose(masters.pedestal, bias + current, atol=1e-3)
    masters, problems = build(Chosen(dark=(Path("bare"),)), frames.__getitem__, LIGHT)
    assert masters.pedestal is None
    assert problems[0].startswith("dark not used: without a bias it cannot be brought to the lights")


def test_lights_that_are_calibrated_need_nothing() -> None:
    library = [header("bias"), header("dark"), header("flat")]
    done = dataclasses.replace(LIGHT, calibrated=frozenset({"bias", "dark"}))
    chosen = match(done, library, {})
    assert paths_of(chosen) == ((), (), ("flat.fits",))
    assert chosen.missing == ()
    assert chosen.notes == ("the lights have their bias, dark off already",)


def test_what_was_added_is_taken_off_before_a_flat_divides(library: Library) -> None:
    lit = (20_000 * (1 - 0.3 * np.linspace(-1, 1, SIZE[1]) ** 2) + np.zeros((SIZE[0], 1))).astype(np.float32)
    light = dataclasses.replace(LIGHT, calibrated=frozenset({"bias", "dark"}), pedestal_adu=100.0)
    masters, _ = build(Chosen(flat=(library.put("flat", lit),)), library.read, light)
    taken = (400 * lit / lit.mean() + 100).astype(np.float32)
    np.testing.assert_allclose(calibrated(frame_of(taken), masters)[0], 400, rtol=1e-3)
