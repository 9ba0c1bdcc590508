"""A field with a truth: nebula, galaxy and stars of known colours, seen by a sensor through a sky with a gradient."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

H, W = 640, 896
RESPONSE = np.array([0.62, 1.0, 0.78], np.float32)[:, None, None]
"""Of the sensor's red, green and blue."""
STAR_TILT = 0.1
"""Mean of how much redder than white the stars are."""
FWHM_PX = 2.8


@dataclass(frozen=True)
class Scene:
    """What is there, (3, H, W) ADU of one sub."""

    nebula: np.ndarray
    stars: np.ndarray
    sky: np.ndarray
    listed: np.ndarray
    """x, y, flux of each star."""

    @property
    def truth(self) -> np.ndarray:
        return self.nebula + self.stars

    def observed(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean of n subs, and its standard error, of photon and read noise."""
        level = RESPONSE * (self.truth + self.sky)
        error = np.sqrt((level + 12) / n).astype(np.float32)
        noise = np.random.default_rng(seed).normal(size=level.shape)
        return (level + error * noise).astype(np.float32), error


def moffat(radius: np.ndarray, flux: float, fwhm: float = FWHM_PX, beta: float = 3.0) -> np.ndarray:
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    return flux * (beta - 1) / (np.pi * alpha**2) * (1 + (radius / alpha) ** 2) ** -beta


def _clouds(random: np.random.Generator, scale: float) -> np.ndarray:
    noise = cv2.GaussianBlur(random.normal(size=(H, W)), (0, 0), scale)
    return np.asarray(noise / noise.std())


def scene(*, hard: bool = False, seed: int = 7) -> Scene:
    """Make the field; hard: under the dome of a town, behind a flat that left vignetting, a glow in a corner."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:H, :W].astype(np.float64)
    u, v = x / W - 0.5, y / H - 0.5
    shape = np.exp(-((u / 0.22) ** 2) - (v / 0.2) ** 2) * (1 + 0.3 * _clouds(random, 22))
    shape = np.clip(shape * (1 + 0.25 * _clouds(random, 5)), 0, None)
    galaxy = np.exp(-np.hypot((x - 0.15 * W) / 14, (y - 0.22 * H) / 8))
    nebula = np.array([90.0, 30, 35])[:, None, None] * shape + np.array([330.0, 280, 200])[:, None, None] * galaxy
    stars, listed = np.zeros((3, H, W)), []
    for _ in range(450):
        cx, cy, flux = random.uniform(0, W), random.uniform(0, H), 10 ** (2.5 + 3 * random.random() ** 2)
        tilt = float(np.clip(random.normal(STAR_TILT, 0.35), -0.7, 0.9))
        box = np.s_[max(int(cy) - 35, 0) : int(cy) + 36, max(int(cx) - 35, 0) : int(cx) + 36]
        light = moffat(np.hypot(x[box] - cx, y[box] - cy), flux)
        stars[:, *box] += np.array([1 + 0.5 * tilt, 1, 1 - 0.5 * tilt])[:, None, None] * light
        listed.append((cx, cy, flux))
    if hard:
        r4, glow = np.hypot(u, v * H / W) ** 4, np.exp(-np.hypot(u - 0.55, v + 0.5) / 0.12)
        dome = (0.75 + 0.25 * np.exp(1.2 * (u + v))) * (1 - r4)
        sky = np.stack([level * dome + 0.12 * level * glow for level in (400, 300, 260)])
    else:
        sky = np.stack(
            [
                400 * (1 + 0.35 * u + 0.2 * v + 0.15 * u * u),
                300 * (1 + 0.25 * u + 0.3 * v + 0.1 * v * v),
                260 * (1 + 0.15 * u + 0.4 * v + 0.12 * u * u),
            ]
        )
    return Scene(nebula, stars, sky, np.array(listed))
