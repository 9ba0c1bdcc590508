"""Stars: where, how bright, what colour; and points of light drawn on the sensor through the seeing."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from livestack.frame import Array

STAR_DTYPE = np.dtype([("x", "f8"), ("y", "f8"), ("flux", "f8", (3,)), ("temperature_k", "f8")])
"""x, y in px; flux in R, G, B."""

_BAND_M = np.array((610e-9, 540e-9, 465e-9))
_WHITE_K = 5800.0
_COUNT_SLOPE = 0.8
_FAINTEST_E_PER_S, _BRIGHTEST_E_PER_S = 1.3, 2.0e4
_BETA_ROOT = math.sqrt(2 ** (1 / 3) - 1)


def star_field(n: int, half_px: float, rng: np.random.Generator) -> Array:
    """Draw n stars over the square |x|, |y| < half_px; flux in e-/s, N(brighter than F) ~ F^-0.8, brightest first.

    Returns
    -------
    ndarray of STAR_DTYPE
        (n,).
    """
    stars = np.zeros(n, STAR_DTYPE)
    stars["x"], stars["y"] = rng.uniform(-half_px, half_px, (2, n))
    rank = (np.arange(n) + rng.random(n)) / max(n, 1)
    green = np.minimum(_FAINTEST_E_PER_S * np.maximum(rank, 1e-9) ** (-1 / _COUNT_SLOPE), _BRIGHTEST_E_PER_S)
    stars["temperature_k"] = np.clip(5600 * np.exp(0.32 * rng.standard_normal(n)), 3000, 16000)
    stars["flux"] = green[:, None] * black_body(stars["temperature_k"])
    return stars


def black_body(temperature_k: Array) -> Array:
    """Colour (N, 3) of black bodies in R, G, B: green is 1, and a Sun-like star is (1, 1, 1)."""

    def photons(kelvin: Array) -> Array:
        return _BAND_M**-4 / np.expm1(0.014388 / (_BAND_M * kelvin[:, None]))

    colour = photons(np.asarray(temperature_k, float)) / photons(np.array([_WHITE_K]))
    return np.asarray(colour / colour[:, 1:2])


def far_galaxies(n: int, half_px: float, rng: np.random.Generator) -> Array:
    """Small faint smudges all over the square, each a cloud of points: (N, 5) x, y and R, G, B flux in e-/s."""
    members = 60
    centre = rng.uniform(-half_px, half_px, (n, 1, 2))
    size = rng.uniform(1.2, 3.5, n)
    flux = rng.uniform(4.0, 16.0, n) * (size / 2) ** 1.5
    radius = size[:, None] * rng.gamma(2.0, 0.6, (n, members))
    angle = rng.uniform(0, 2 * np.pi, (n, members))
    a, squash = rng.uniform(0, np.pi, (n, 1)), rng.uniform(0.3, 0.9, (n, 1))
    u, v = radius * np.cos(angle), radius * np.sin(angle) * squash
    offset = np.stack([u * np.cos(a) - v * np.sin(a), u * np.sin(a) + v * np.cos(a)], axis=-1)
    light = flux[:, None] * black_body(rng.uniform(4000, 5500, n)) / members
    return np.column_stack([(centre + offset).reshape(-1, 2), np.repeat(light, members, axis=0)])


def psf_matrix(fwhm_px: float, elongation: float, angle_rad: float) -> Array:
    """Quadratic form (3,) a, b, c of a Moffat image: u = 1 + a·dx² + b·dx·dy + c·dy². fwhm_px² = major · minor."""
    minor = fwhm_px / (2 * _BETA_ROOT) / math.sqrt(elongation)
    major = minor * elongation
    p, q, s, c = 1 / major**2, 1 / minor**2, math.sin(angle_rad), math.cos(angle_rad)
    return np.array([p * c * c + q * s * s, 2 * (p - q) * s * c, p * s * s + q * c * c])


@njit(cache=True)
def add_points(image: Array, points: Array, colours: Array, psf: Array, dimmest: float) -> None:
    """Add points of light, each a Moffat (β = 3) image, in place.

    Parameters
    ----------
    image : ndarray of float32
        (H, W).
    points : ndarray of float64
        (N, 2 + C): x, y in px, flux per channel.
    colours : ndarray of int64
        (2, 2): channel of the pixels of a CFA cell.
    psf : ndarray of float64
        (3,), as `psf_matrix` gives.
    dimmest : float
        Wings are cut where they fall below this.
    """
    height, width = image.shape
    a, b, c = psf
    peak = 2.0 / math.pi * math.sqrt(a * c - b * b / 4)
    mean = (a + c) / 2
    widest = 1 / math.sqrt(mean - math.sqrt((a - c) ** 2 / 4 + b * b / 4))
    for i in range(points.shape[0]):
        x0, y0 = points[i, 0], points[i, 1]
        brightest = points[i, 2:].max() * peak
        radius = widest * max(5.0, (brightest / dimmest) ** (1.0 / 6.0))
        first_x, last_x = max(0, math.ceil(x0 - radius)), min(width - 1, math.floor(x0 + radius))
        first_y, last_y = max(0, math.ceil(y0 - radius)), min(height - 1, math.floor(y0 + radius))
        for y in range(first_y, last_y + 1):
            dy = y - y0
            for x in range(first_x, last_x + 1):
                dx = x - x0
                if dx * dx + dy * dy <= radius * radius:
                    u = 1 + a * dx * dx + b * dx * dy + c * dy * dy
                    image[y, x] += points[i, 2 + colours[y & 1, x & 1]] * peak / (u * u * u)
