"""The histogram counts what is there, shows sky and stars both, and marks where the curve stands."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.develop.chain import AUTO, develop
from livestack.develop.histogram import Histogram, histogram, marks
from livestack.develop.plate import Plate
from livestack.develop.tone import Asinh, Ghs, Mtf
from tests.develop.scene import scene


@pytest.fixture(scope="module")
def stack() -> Plate:
    data, noise = scene().observed(20, seed=3)
    return Plate(data, noise)


def _peak(told: Histogram, c: int) -> float:
    k = int(told.counts[c].argmax())
    return float(told.edges[k : k + 2].mean())


def test_the_sky_of_each_channel_is_its_peak_and_the_brightest_star_is_in(stack: Plate) -> None:
    told = histogram(stack.data)
    assert told.counts.shape == (3, 256)
    assert told.counts.dtype == np.float32
    assert told.edges.shape == (257,)
    assert (np.diff(told.edges) > 0).all()
    assert told.counts.min() >= 0
    assert told.counts.max() == 1
    for c, plane in enumerate(stack.data):
        assert abs(_peak(told, c) - np.median(plane)) < 0.25 * np.median(plane)
    assert told.edges[-1] == pytest.approx(stack.data[:, ::2, ::2].max())
    assert (told.counts[:, -60:] > 0).any(), "stars are seen, however few px they have"


def test_the_peak_of_a_sky_takes_a_part_of_the_width_that_an_eye_can_judge(stack: Plate) -> None:
    linear = develop(stack, AUTO[:4]).plate
    told = histogram(linear.data)
    wide = (told.counts.max(axis=0) > 0.7).mean()
    assert 0.1 < wide < 0.6


def test_one_plane_and_what_is_not_known(stack: Plate) -> None:
    plane = stack.data[1].copy()
    whole = histogram(plane)
    assert whole.counts.shape == (1, 256)
    plane[:100] = np.nan
    assert _peak(histogram(plane, 64), 0) == pytest.approx(_peak(whole, 0), rel=0.1)
    nothing = histogram(np.full((3, 20, 30), np.nan, np.float32))
    assert nothing.counts.max() == 0
    assert np.isfinite(nothing.edges).all()
    same = histogram(np.full((3, 20, 30), 7.0, np.float32))
    assert same.counts.max() == 1
    assert (np.diff(same.edges) > 0).all()


def test_places_and_levels_are_each_others_inverse(stack: Plate) -> None:
    told = histogram(stack.data)
    for place in (0.0, 0.13, 0.5, 0.97, 1.0):
        assert told.place(told.level(place)) == pytest.approx(place, abs=1e-9)
    assert told.place(-1e9) == 0
    assert told.place(1e9) == 1


@pytest.mark.parametrize("curve", [Mtf(), Asinh(), Ghs()])
def test_marks_are_what_becomes_black_half_and_white(stack: Plate, curve: Mtf | Asinh | Ghs) -> None:
    linear = develop(stack, AUTO[1:4]).plate
    act = curve.settle(linear)
    told = marks((act,))
    assert told is not None
    ramp = np.broadcast_to(np.array(told, np.float32), (3, 1, 3)).copy()
    assert act(Plate(ramp)).data[0, 0] == pytest.approx([0.0, 0.5, 1.0], abs=2e-3)
    grain = float(np.median(stack.noise))
    shown = histogram(linear.data, grain=grain)
    places = [shown.place(level) for level in told]
    assert 0 < places[0] < places[1] < places[2] <= 1


def test_a_recipe_without_a_curve_has_no_marks() -> None:
    assert marks(()) is None
