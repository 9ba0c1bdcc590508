"""A sensor of which everything is known, and masters of 50 frames: what is left of its pattern, and of the light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce.masters import build
from livestack.reduce.matching import Chosen
from livestack.reduce.measure import calibrated

pytestmark = pytest.mark.slow

GAIN, READ_E = 0.8, 3.0
N = 50
SKY_E = 150.0


class Sensor:
    """Bias pattern, dark current with amplifier glow, hot px, vignette, dust, the colours of a flat lamp."""

    def __init__(self, size: tuple[int, int], cfa: str | None, seed: int = 3) -> None:
        self.draw = np.random.default_rng(seed)
        self.size, self.cfa = size, cfa
        h, w = size
        yy, xx = np.mgrid[:h, :w]
        self.bias = 500 + self.draw.normal(0, 3, w)[None, :] + self.draw.normal(0, 2, h)[:, None]
        glow = 40 * np.exp(-np.hypot(xx - w, yy - h) / 60)
        self.dark_e = 6 + glow + self.draw.gamma(2, 1, size)
        hot = self.draw.choice(h * w, round(500e-6 * h * w), replace=False)
        self.hot = np.zeros(size, bool)
        self.hot.ravel()[hot] = True
        self.dark_e[self.hot] += self.draw.uniform(300, 20_000, hot.size)
        r2 = ((xx - w / 2) ** 2 + (yy - h / 2) ** 2) / ((w / 2) ** 2 + (h / 2) ** 2)
        dust = 1 - 0.06 * (np.abs(np.hypot(xx - 0.3 * w, yy - 0.6 * h) - 12) < 4)
        self.response = (1 - 0.4 * r2) * dust * self.draw.normal(1, 0.006, size)
        self.colour = {"R": 0.5, "G": 1.0, "B": 0.7}

    def per_px(self, levels: dict[str, float]) -> Array:
        out = np.ones(self.size)
        if self.cfa:
            for k, letter in enumerate(self.cfa):
                out[k // 2 :: 2, k % 2 :: 2] = levels[letter]
        return out

    def take(self, light_e: Array | float, dark_share: float) -> Array:
        electrons = self.draw.poisson(light_e * self.response + dark_share * self.dark_e)
        adu = (electrons + self.draw.normal(0, READ_E, self.size)) / GAIN + self.bias
        return np.clip(np.rint(adu), 0, 65535).astype(np.uint16)

    def masters(self, row_order: str | None) -> Masters:
        lamp = 24_000 * self.per_px(self.colour)
        frames = {
            Path(f"{kind}{k}"): self.take(level, share)
            for kind, level, share in (("bias", 0.0, 0.0), ("dark", 0.0, 1.0), ("flat", lamp, 0.0))
            for k in range(N)
        }

        def read(path: Path) -> Frame:
            return Frame(frames[path], Header(path, self.size, cfa=self.cfa, row_order=row_order))

        chosen = Chosen(**{k: tuple(p for p in frames if p.name.startswith(k)) for k in ("bias", "dark", "flat")})
        masters, problems = build(chosen, read, Header(Path("light"), self.size, cfa=self.cfa))
        assert problems == []
        return masters


@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
@pytest.mark.parametrize(
    ("cfa", "size"),
    [(None, (301, 403)), ("RGGB", (300, 400)), ("BGGR", (301, 401)), ("GRBG", (300, 401)), ("GBRG", (301, 400))],
)
def test_what_a_sensor_adds_is_taken_off(cfa: str | None, size: tuple[int, int], row_order: str) -> None:
    """Fixed pattern left in the mean of many lights ≤ 0.02 of the noise of one; light kept to a thousandth."""
    sensor = Sensor(size, cfa)
    masters = sensor.masters(row_order)
    scene = SKY_E * sensor.per_px(sensor.colour)
    # the pattern itself, without the noise of any light: what a light would be on average
    mean_adu = (scene * sensor.response + sensor.dark_e) / GAIN + sensor.bias
    header = Header(Path("light"), size, cfa=cfa, row_order=row_order)
    found = calibrated(Frame(mean_adu.astype(np.float32), header), masters)[0]
    one = calibrated(Frame(sensor.take(scene, 1.0), header), masters)[0]
    cells = [np.s_[j::2, k::2] for j in (0, 1) for k in (0, 1)] if cfa else [np.s_[:, :]]
    for cell in cells:
        noise = 1.4826 * np.median(np.abs(one[cell] - np.median(one[cell])))
        level = scene[cell].flat[0] / GAIN * sensor.response[cell].mean()
        off = found[cell] - level
        hot = sensor.hot[cell]
        assert np.std(_blocks(off)) < 0.02 * noise, "of vignette, glow and dust nothing is left"
        for axis in (0, 1):
            assert np.std(np.median(off, axis=axis)) < 0.02 * noise, "nor of columns and rows"
        for pattern in (sensor.bias[cell], sensor.dark_e[cell], sensor.response[cell]):
            shape = (pattern - pattern[~hot].mean())[~hot] / pattern[~hot].std()
            assert abs(np.mean(shape * off[~hot])) < 0.02 * noise, "nor px by px"
        # the noise of the masters themselves, which more frames would lower
        own = np.hypot(masters.noise_adu["dark"], scene[cell].flat[0] / GAIN / np.sqrt(N * 12_000))
        assert off[~hot].std() < 1.25 * own / sensor.response.min()
        assert np.median(found[cell]) == pytest.approx(level, rel=1e-3), "flux kept"
        assert np.abs(off[hot]).max() < 5 * noise, "hot px are gone"


def _blocks(picture: Array, side: int = 20) -> Array:
    h, w = (n // side for n in picture.shape)
    blocks = picture[: h * side, : w * side].reshape(h, side, w, side).swapaxes(1, 2).reshape(h, w, -1)
    return np.median(blocks, axis=2)
