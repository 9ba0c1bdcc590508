"""Figures that prove calibration, on a sensor of which everything is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.frame import XTRANS, Array, Frame, Header, Masters
from livestack.reduce.dust import dust_depth
from livestack.reduce.masters import build
from livestack.reduce.matching import Chosen
from livestack.reduce.proof import dark_fit, figures
from tests.reduce.fields import draw_stars, mosaic, star_field

SIZE = (240, 320)
GAIN, READ_E = 0.8, 3.2
PEDESTAL, SKY_ADU = 500.0, 400.0


class Sensor:
    """Bias pattern, hot px, vignette; frames with read and shot noise."""

    def __init__(self, seed: int = 1) -> None:
        draw = np.random.default_rng(seed)
        self.draw = draw
        yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
        self.bias = PEDESTAL + draw.normal(0, 2, SIZE[1])[None, :] + np.zeros((SIZE[0], 1))
        self.hot = np.zeros(SIZE)
        places = draw.choice(SIZE[0] * SIZE[1], 60, replace=False)
        self.hot.ravel()[places] = draw.uniform(200, 4000, 60)
        self.response = 1 - 0.4 * ((xx - 160) ** 2 + (yy - 120) ** 2) / (160**2 + 120**2)

    def take(self, light_adu: Array | float = 0.0, *, hot: float = 1.0) -> Array:
        electrons = self.draw.poisson((light_adu * self.response + hot * self.hot) * GAIN)
        read = self.draw.normal(0, READ_E, SIZE)
        return np.clip(np.rint((electrons + read) / GAIN + self.bias), 0, 65535).astype(np.uint16)


def _built(sensor: Sensor, n: int = 16) -> Masters:
    frames = {
        Path(f"{kind}{k}"): sensor.take(level, hot=hot)
        for kind, level, hot in (("bias", 0.0, 0.0), ("dark", 0.0, 1.0), ("flat", 25_000.0, 0.0))
        for k in range(n)
    }
    chosen = Chosen(**{kind: tuple(p for p in frames if p.name.startswith(kind)) for kind in ("bias", "dark", "flat")})
    masters, problems = build(chosen, lambda path: Frame(frames[path], Header(path, SIZE)), Header(Path("l"), SIZE))
    assert problems == []
    return masters


def _light(sensor: Sensor, *, hot: float = 1.0) -> Frame:
    return Frame(sensor.take(SKY_ADU, hot=hot), Header(Path("light"), SIZE))


def test_what_calibration_did_is_told_in_figures() -> None:
    sensor = Sensor()
    found = figures(_light(sensor), _built(sensor))
    n_hot = 60 / (SIZE[0] * SIZE[1] / 1e6)
    assert found["hot_before"] == pytest.approx(n_hot, rel=0.05)
    assert found["hot_after"] < 0.05 * n_hot
    assert found["spread_before"] > 0.25
    assert found["spread_after"] < 0.03
    assert found["e_per_adu"] == pytest.approx(GAIN, rel=0.05)
    assert found["read_noise_e"] == pytest.approx(READ_E, rel=0.08)


@pytest.mark.parametrize("there", [1.0, 0.7, 0.2])
def test_how_well_a_dark_fits(there: float) -> None:
    """The hot px of a light stand as high as in the dark, or not: another gain, temperature or exposure."""
    sensor = Sensor()
    dark = np.mean([sensor.take() for _ in range(16)], axis=0).astype(np.float32)
    assert dark_fit(_light(sensor, hot=there), dark) == pytest.approx(there, abs=0.05)


def test_a_dark_without_hot_px_tells_nothing() -> None:
    sensor = Sensor()
    dark = np.mean([sensor.take(hot=0.0) for _ in range(16)], axis=0).astype(np.float32)
    assert dark_fit(_light(sensor), dark) is None


@pytest.mark.parametrize("cfa", [None, "RGGB", XTRANS])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_how_deep_dust_stands_before_and_after(cfa: str | None, share: float) -> None:
    """A flat taken before half of the dust came or went leaves the other half."""
    draw = np.random.default_rng(3)
    yy, xx = np.mgrid[:480, :640]
    shadows = np.zeros((480, 640))
    for _ in range(12):
        shadows += 0.06 * np.exp(-((np.hypot(xx - draw.uniform(60, 580), yy - draw.uniform(60, 420)) / 22) ** 4))
    stars = draw_stars(shadows.shape, star_field(80, shadows.shape, 4), 3.0)
    sky = (stars + 1500) * (1 - 0.3 * (xx - 320) ** 2 / 320**2)
    lit = draw.poisson(sky * (1 - shadows)).astype(np.float32)
    flat = ((1 - share * shadows) * (1 - 0.3 * (xx - 320) ** 2 / 320**2)).astype(np.float32)
    if cfa:
        lit = mosaic(lit[..., None] * np.array([0.5, 1.0, 0.7]), cfa).astype(np.float32)
    before, after = dust_depth(lit, flat, cfa), dust_depth(lit / flat, flat, cfa)
    assert before is not None and after is not None
    assert before > 0.02
    assert after / before == pytest.approx(1 - share, abs=0.1)


def test_without_dust_or_light_nothing_is_said_of_it() -> None:
    draw = np.random.default_rng(3)
    flat = draw.normal(1, 0.005, SIZE).astype(np.float32)
    assert dust_depth(draw.poisson(400 * flat).astype(np.float32), flat, None) is None
    flat[100:130, 100:130] -= 0.05
    assert dust_depth(draw.normal(1, 3, SIZE).astype(np.float32), flat, None) is None
