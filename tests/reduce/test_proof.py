"""Figures that prove calibration, on a sensor of which everything is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce.masters import build
from livestack.reduce.matching import Chosen
from livestack.reduce.proof import dark_fit, figures

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
