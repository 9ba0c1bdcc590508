"""The gradient goes, the nebula stays."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.develop.background import Background, Surface
from livestack.develop.kernels import take_off
from livestack.develop.plate import Plate, smaller
from livestack.errors import SettingsError
from tests.develop.scene import RESPONSE, scene


def _left(order: int, *, hard: bool, small: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gradient that is left, in σ of a px, and share of the nebula's light that is, per channel."""
    field = scene(hard=hard)
    seen, error = field.observed(40, 1)
    plate = smaller(Plate(seen), seen[0].size // 4) if small else Plate(seen)
    told = Background(order).settle(plate).level(seen.shape)
    off = told - RESPONSE * field.sky
    off -= np.median(off, axis=(1, 2), keepdims=True)
    sigma = np.sqrt((error**2).mean(axis=(1, 2)))
    nebula = field.nebula[1] > 4.5
    kept = ((seen - told) * nebula).sum(axis=(1, 2)) / (RESPONSE * field.truth * nebula).sum(axis=(1, 2))
    return off.std(axis=(1, 2)) / sigma, kept


@pytest.mark.parametrize(("small", "least"), [(False, 0.95), (True, 0.945)])
def test_a_plain_gradient_goes_and_the_nebula_keeps_its_light(small: bool, least: float) -> None:
    left, kept = _left(2, hard=False, small=small)
    assert (left <= 1.1 * np.array([0.33, 0.21, 0.21])).all(), left
    assert (kept >= least).all(), kept


@pytest.mark.parametrize("small", [False, True])
def test_a_sky_that_bends_goes_with_a_higher_order(small: bool) -> None:
    left, kept = _left(4, hard=True, small=small)
    assert (left <= 1.1 * np.array([1.15, 0.64, 0.69])).all(), left
    assert (kept >= 0.83).all(), kept


def test_what_is_told_on_a_small_picture_holds_for_the_whole() -> None:
    seen, _ = scene().observed(40, 2)
    small = seen.reshape(3, 320, 2, 448, 2).mean(axis=(2, 4))
    act = Background().settle(Plate(small))
    inner = act.level(seen.shape).reshape(3, 320, 2, 448, 2).mean(axis=(2, 4))
    assert np.abs(inner - act.level(small.shape)).max() < 1e-3


def test_what_it_removed_and_what_is_left_are_the_whole() -> None:
    seen, _ = scene().observed(10, 3)
    act = Background().settle(Plate(seen))
    left = act(Plate(seen.copy())).data
    assert np.allclose(left + act.level(seen.shape), seen, atol=1e-3)


def test_px_that_nobody_covered_have_no_say() -> None:
    seen, _ = scene().observed(40, 1)
    bare = seen.copy()
    bare[:, :, :150] = np.nan
    one, other = (Background(1).settle(Plate(data)).level(seen.shape) for data in (seen, bare))
    assert np.abs(one - other).max() < 12
    nothing = Background().settle(Plate(np.full((1, 64, 64), np.nan, np.float32)))
    assert (nothing.level((1, 64, 64)) == 0).all()


def test_an_order_that_would_eat_nebulae_is_refused() -> None:
    with pytest.raises(SettingsError, match="order is one of 0, 1, 2, 4, not 9"):
        Background(9)


def _corner_glow() -> np.ndarray:
    v, u = np.mgrid[:640, :896] / np.array([640, 896])[:, None, None] - 0.5
    return np.exp(-np.hypot(u - 0.55, v + 0.55) / 0.15)


def test_a_glow_in_a_corner_asks_for_a_higher_order() -> None:
    field = scene()
    seen, error = field.observed(40, 1)
    seen += (60 * RESPONSE * _corner_glow()).astype(np.float32)
    corner, sigma = np.s_[:, :100, -150:], error.mean()
    left = [Background(2, corners).settle(Plate(seen))(Plate(seen.copy())).data for corners in (False, True)]
    plain, better = (float(np.abs(np.median(data[corner], axis=(1, 2))).max()) / sigma for data in left)
    assert plain > 0.8
    assert better < 0.35 * plain


def test_a_dark_corner_asks_for_a_higher_order() -> None:
    seen, _ = scene().observed(40, 1)
    seen -= (40 * RESPONSE * _corner_glow()).astype(np.float32)
    act = Background().settle(Plate(seen))
    assert act == Background(4).settle(Plate(seen)) != Background(2, corners=False).settle(Plate(seen))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_nebula_in_a_corner_is_no_sky(seed: int) -> None:
    """It has shapes that no polynomial follows."""
    field = scene(seed=6 + seed)
    sky = field.observed(40, seed)[0]
    nebula = np.zeros_like(field.nebula)
    nebula[:, 240:, 360:] = 0.6 * field.nebula[:, :-240, :-360]
    seen = sky + (RESPONSE * (nebula - field.nebula)).astype(np.float32)
    assert Background().settle(Plate(seen)) == Background(2, corners=False).settle(Plate(seen))


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_picture_that_nobody_may_change_needs_no_kernel_of_its_own(is_kept: bool) -> None:
    """Whoever shows one for the first time would wait for a compiler."""
    data = np.full((1, 30, 40), 5.0, np.float32)
    data.flags.writeable = not is_kept
    surface = Surface((((3.0,),),), (2.0,))
    assert (surface(Plate(data)).data == 4.0).all()
    assert (surface.level(data.shape) == 3.0).all()
    assert [signature[0].mutable for signature in take_off.signatures] == [False]
