"""What two subs share on the sensor is told from what differs, whatever stars lie over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce.fixed_pattern import pair_noise, places_seen
from livestack.reduce.target import target_level

SIZE = (481, 642)
NOISE_ADU, SKY_ADU, PEDESTAL = 6.0, 300.0, 500.0


class Sensor:
    """A sensor whose px differ by a known rms, under a sky with stars, a gradient and a nebula."""

    def __init__(self, pattern_adu: float, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.pattern = self.draw.normal(0, pattern_adu, SIZE)
        self.stars = np.stack([self.draw.uniform(0, side, 300) for side in (SIZE[1], SIZE[0])])
        self.fluxes = 10 ** self.draw.uniform(2, 5, 300)

    def take(self, move_px: float = 0.0) -> Array:
        yy, xx = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
        sky = SKY_ADU * (1 + 0.2 * xx / SIZE[1]) + 60 * np.exp(-((xx - 300) ** 2 + (yy - 200) ** 2) / 4e3)
        for x, y, flux in zip(*(self.stars + move_px), self.fluxes, strict=True):
            x0, y0 = max(int(x) - 10, 0), max(int(y) - 10, 0)
            box = np.s_[y0 : y0 + 21, x0 : x0 + 21]
            sky[box] += flux / 12.6 * np.exp(-((xx[box] - x) ** 2 + (yy[box] - y) ** 2) / 4)
        level = PEDESTAL + sky + self.pattern + self.draw.normal(0, NOISE_ADU, SIZE)
        return np.clip(np.rint(level), 0, 65535).astype(np.uint16)

    def frame(self, cfa: str | None, move_px: float = 0.0) -> Frame:
        return Frame(self.take(move_px), Header(Path("light.fits"), SIZE, cfa=cfa))


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("move_px", [0.0, 7.3])
@pytest.mark.parametrize("pattern_adu", [0.0, 1.5, 6.0])
def test_pattern_is_told_from_noise(pattern_adu: float, move_px: float, cfa: str | None) -> None:
    sensor = Sensor(pattern_adu, seed=5)
    found = pair_noise(sensor.frame(cfa), sensor.frame(cfa, move_px), Masters())
    assert found["random_adu"] == pytest.approx(NOISE_ADU, rel=0.02)
    share = 1 - (found["random_adu"] / found["sub_adu"]) ** 2
    assert share == pytest.approx(pattern_adu**2 / (pattern_adu**2 + NOISE_ADU**2), abs=0.015)


def test_masters_take_the_pattern_away() -> None:
    """A perfect dark leaves nothing of it; a noisy one brings its own."""
    sensor = Sensor(5.0, seed=6)
    pair = sensor.frame(None), sensor.frame(None, 4.0)
    perfect = (PEDESTAL + sensor.pattern).astype(np.float32)
    found = pair_noise(*pair, Masters(pedestal=perfect))
    assert 1 - (found["raw_random_adu"] / found["raw_sub_adu"]) ** 2 == pytest.approx(25 / 61, abs=0.015)
    assert 1 - (found["random_adu"] / found["sub_adu"]) ** 2 < 0.015
    noisy = perfect + sensor.draw.normal(0, 4, SIZE).astype(np.float32)
    found = pair_noise(*pair, Masters(pedestal=noisy))
    assert 1 - (found["random_adu"] / found["sub_adu"]) ** 2 == pytest.approx(16 / 52, abs=0.015)


def test_bad_px_and_px_without_light_say_nothing() -> None:
    sensor = Sensor(0.0, seed=7)
    sensor.pattern[::7, ::5] += 2000
    bad = sensor.pattern > 1000
    flat = np.ones(SIZE, np.float32)
    flat[:40] = np.nan
    found = pair_noise(sensor.frame(None), sensor.frame(None, 4.0), Masters(gain=1 / flat, hot=np.flatnonzero(bad)))
    assert found["sub_adu"] == pytest.approx(NOISE_ADU, rel=0.03)


def test_a_frame_of_no_noise_or_one_row_tells_nothing() -> None:
    blank = Frame(np.full((64, 64), 7, np.uint16), Header(Path("a.fits"), (64, 64)))
    assert pair_noise(blank, blank, Masters()) == {}
    row = Frame(np.full((1, 64), 7, np.uint16), Header(Path("a.fits"), (1, 64)))
    assert pair_noise(row, row, Masters()) == {}


def _moved(dx: Array, dy: Array, angle: float = 0.0) -> Array:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrices = np.tile(np.eye(3), (len(dx), 1, 1))
    matrices[:, :2, :2] = turn
    matrices[:, 0, 2], matrices[:, 1, 2] = dx, dy
    return matrices


def test_a_stack_averages_the_pattern_over_the_places_it_sees() -> None:
    """As the stack itself does: a white pattern, shifted by whole px and averaged."""
    draw = np.random.default_rng(8)
    dx, dy = draw.integers(-2, 3, (2, 30))
    weights = draw.uniform(0.5, 2, 30)
    pattern = draw.normal(0, 1, (400, 400))
    stack = sum(w * np.roll(pattern, (y, x), (0, 1)) for w, x, y in zip(weights, dx, dy, strict=True)) / weights.sum()
    seen = places_seen(_moved(dx.astype(float), dy.astype(float)), weights, (400, 400))
    assert 1 / seen == pytest.approx(float(np.var(stack)), rel=0.03)
    assert 5 < seen < 25


def test_without_dither_nothing_is_averaged() -> None:
    zero = np.zeros(50)
    assert places_seen(_moved(zero, zero), np.ones(50), (400, 400)) == pytest.approx(1)
    far = np.arange(50) * 3.0
    assert places_seen(_moved(far, far), np.ones(50), (400, 400)) == pytest.approx(50)


def test_many_subs_are_told_by_some_of_them() -> None:
    draw = np.random.default_rng(9)
    dx, dy = draw.uniform(-5, 5, (2, 3000))
    some = places_seen(_moved(dx, dy), np.ones(3000), (400, 400))
    assert some == pytest.approx(100, rel=0.15)


@pytest.mark.parametrize("level", [4.0, 40.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_target_is_measured_above_a_sloping_sky(level: float, channels: int) -> None:
    draw = np.random.default_rng(3)
    yy, xx = np.mgrid[:600, :900]
    picture = 200 + 0.05 * xx + draw.normal(0, 3, (600, 900))
    picture[np.hypot(xx - 400, yy - 300) < 90] += level
    picture[draw.integers(0, 600, 400), draw.integers(0, 900, 400)] += 3000
    picture[:30] = np.nan
    picture = np.float32(picture) if channels == 1 else np.repeat(np.float32(picture)[..., None], 3, axis=2)
    assert target_level(picture) == pytest.approx(level, rel=0.1)


def test_stars_and_sky_are_no_target() -> None:
    draw = np.random.default_rng(4)
    picture = 200 + draw.normal(0, 3, (600, 900)).astype(np.float32)
    picture[draw.integers(0, 600, 600), draw.integers(0, 900, 600)] += 3000
    assert target_level(picture) is None
    assert target_level(np.full((40, 40), np.nan, np.float32)) is None
