"""A camera's sensor and the glass before it: what turns light into the numbers of a file, pattern by pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from livestack.frame import Array
from livestack.simulate.options import NightOptions

WHITE_ADU = 65535
"""Full scale of the converter, which is also the full well."""

_QE = {"R": 0.66, "G": 1.0, "B": 0.74}


@dataclass(frozen=True, slots=True)
class Sensor:
    """Fixed patterns of one camera. All (H, W) float32.

    Attributes
    ----------
    bias_adu : ndarray
        Offset with column and row pattern.
    dark_e_per_s : ndarray
        Dark current with hot pixels and the glow of the read-out amplifier, at the night's temperature.
    response : ndarray
        What a perfect flat measures: pixel response, vignette, dust; its mean is about 0.9.
    channel : ndarray of int64
        (2, 2), index into R, G, B of the pixels of a CFA cell; zeros for mono.
    efficiency : ndarray of float64
        (C,), electrons per channel for white light, green is 1.
    """

    bias_adu: Array
    dark_e_per_s: Array
    response: Array
    channel: Array
    efficiency: Array

    def electrons(self, rgb: Array) -> Array:
        """Electrons (…, C) that light (…, 3) in R, G, B frees: a mono camera sees all of it."""
        seen = rgb if len(self.efficiency) == 3 else rgb.mean(axis=-1, keepdims=True)
        return np.asarray(seen * self.efficiency)


def make_sensor(options: NightOptions, rng: np.random.Generator) -> Sensor:
    """Make a sensor with its flaws."""
    height, width = options.size
    bias = options.offset_adu + 1.5 * rng.standard_normal(width) + 0.7 * rng.standard_normal((height, 1))
    cells = "GGGG" if options.cfa is None else options.cfa
    channel = np.array([0 if options.cfa is None else "RGB".index(colour) for colour in cells]).reshape(2, 2)
    efficiency = np.array([1.0] if options.cfa is None else [_QE[colour] for colour in "RGB"])
    return Sensor(
        bias.astype(np.float32), _dark_current(options, rng), _response(options.size, rng), channel, efficiency
    )


def _dark_current(options: NightOptions, rng: np.random.Generator) -> Array:
    height, width = options.size
    y, x = np.ogrid[:height, :width]
    corner = np.hypot((width - x) / width, (height * 0.85 - y) / height)
    current = 0.006 + 0.05 * np.exp(-corner / 0.10)
    n_hot = round(options.hot_fraction * height * width)
    hot = rng.choice(height * width, n_hot, replace=False)
    current.ravel()[hot] += np.minimum(np.exp(rng.normal(1.6, 1.3, n_hot)), 400.0)
    return np.asarray(current * 2.0 ** ((options.temperature_c + 10) / 6), np.float32)


def _response(size: tuple[int, int], rng: np.random.Generator) -> Array:
    height, width = size
    y, x = np.ogrid[:height, :width]
    r = np.hypot(x - width * 0.51, y - height * 0.48) / (np.hypot(height, width) / 2)
    response = 1 - 0.24 * r**2
    scale = min(size) / 900
    for _ in range(9):
        x0, y0 = rng.uniform(0, width), rng.uniform(0, height)
        radius, depth = scale * rng.uniform(10, 32), rng.uniform(0.02, 0.07)
        near = np.s_[max(0, int(y0 - radius)) : int(y0 + radius) + 2, max(0, int(x0 - radius)) : int(x0 + radius) + 2]
        d = np.hypot(x[:, near[1]] - x0, y[near[0]] - y0) / radius
        response[near] *= 1 - depth * _shadow(d)
    return np.asarray(response * (1 + 0.007 * rng.standard_normal(size)), np.float32)


def _shadow(d: Array) -> Array:
    """Draw a speck's shadow out of focus: a ring, since the telescope's centre is blocked."""
    edge = np.clip((1 - d) / 0.12, 0, 1)
    hole = np.clip((0.38 - d) / 0.12, 0, 1)
    return np.asarray(edge - 0.8 * hole)


def mosaic(values: Array, channel: Array, size: tuple[int, int]) -> Array:
    """Spread values per channel (C,) over the pixels that see it: (H, W) float32."""
    out = np.empty(size, np.float32)
    for j in range(2):
        for k in range(2):
            out[j::2, k::2] = values[channel[j, k]]
    return out


def expose(
    camera: Sensor, light_e: Array | float, exposure_s: float, options: NightOptions, rng: np.random.Generator
) -> Array:
    """Expose and read out.

    Parameters
    ----------
    light_e : ndarray or float
        (H, W), electrons that the light would free in a perfect pixel; 0 with the shutter closed.

    Returns
    -------
    ndarray of uint16
        (H, W).
    """
    mean_e = light_e * camera.response + camera.dark_e_per_s * exposure_s
    noise_e = options.read_noise_e * rng.standard_normal(options.size, dtype=np.float32)
    banding_adu = 0.15 * rng.standard_normal((options.size[0], 1))
    electrons = rng.poisson(mean_e) + noise_e
    adu = np.rint(electrons / options.e_per_adu + camera.bias_adu + banding_adu)
    return np.clip(adu, 0, WHITE_ADU).astype(np.uint16)
