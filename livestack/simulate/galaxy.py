"""A spiral galaxy, drawn: an old yellow bulge and disk, blue arms, dust on their inner edges, pink clouds of hydrogen.

Light is added up per population and colour, then dimmed by dust, more in the blue, as in a real disk. The smooth light
is a picture; hydrogen clouds, star clusters and far-away galaxies are point sources, so that the seeing of each sub
makes their shape, as it makes the shape of the stars.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from livestack.frame import Array

EXTENT = 1.45
"""Half the side of the picture in radii of the disk."""

_INCLINATION_DEG, _POSITION_ANGLE_DEG, _PITCH_DEG = 38.0, 28.0, 19.0
_OLD = (1.0, 0.80, 0.50)
_DISK = (0.95, 0.92, 0.84)
_YOUNG = (0.42, 0.68, 1.08)
_HYDROGEN = (1.0, 0.16, 0.34)
_EXTINCTION = (0.72, 1.0, 1.38)
_COMPANION_AT = (0.52, -0.98)


@dataclass(frozen=True, slots=True)
class Galaxy:
    """Light as an observer above the air sees it, before any blur.

    Attributes
    ----------
    light : ndarray of float32
        (3, S, S), R, G, B surface brightness; 1 = a bright part of an arm, green.
    knots : ndarray of float64
        (N, 5): x, y from the centre in px of `light`; R, G, B flux, in `light` units times px.
    """

    light: Array
    knots: Array


def galaxy(side_px: int, rng: np.random.Generator) -> Galaxy:
    """Draw a galaxy into a square picture.

    Parameters
    ----------
    side_px : int
        Side of the picture; the disk's radius is ``side_px / (2 · EXTENT)``.
    rng : Generator
        Decides the texture and the knots.
    """
    r, theta, x, y = _disk_coordinates(side_px)
    waves = _Texture(rng)
    phase = _spiral_phase(r, theta) + 0.22 * waves.along_arms(r, theta, 1, 3.0)
    arms = _arms(phase, r)
    clumps = np.exp(0.5 * waves.along_arms(r, theta, 3, 9.0))
    young = 1.45 * np.exp(-((r * (1.12 - 0.3 * arms) / 0.56) ** 2.2)) * arms * clumps * _rise(r, 0.10, 0.14)
    disk = 1.5 * np.exp(-r / 0.26) * (0.7 + 0.6 * arms) + 0.08 * np.exp(-r / 0.5)
    bulge = 9.0 * np.exp(-((np.hypot(r, 0.012) / 0.030) ** 0.62))
    dust = _dust(phase, r, theta, waves)
    light = np.empty((3, side_px, side_px), np.float32)
    companion = _companion(x, y)
    for c in range(3):
        starlight = _OLD[c] * bulge + _DISK[c] * disk + _YOUNG[c] * young
        starlight += _HYDROGEN[c] * 0.22 * young * arms
        light[c] = starlight * np.exp(-_EXTINCTION[c] * dust) + _OLD[c] * companion
    return Galaxy(light, _knots(young * arms, np.exp(-dust), rng))


def _disk_coordinates(side: int) -> tuple[Array, Array, Array, Array]:
    """Radius (disk radii) and angle in the plane of the disk, and position on the sky (disk radii, from the centre)."""
    axis = (np.arange(side) - (side - 1) / 2) * (2 * EXTENT / side)
    x, y = np.meshgrid(axis, axis)
    a = np.radians(_POSITION_ANGLE_DEG)
    along = x * np.cos(a) + y * np.sin(a)
    across = (y * np.cos(a) - x * np.sin(a)) / np.cos(np.radians(_INCLINATION_DEG))
    return np.hypot(along, across), np.arctan2(across, along), x, y


def _spiral_phase(r: Array, theta: Array) -> Array:
    return np.asarray(theta + np.log(r + 0.02) / np.tan(np.radians(_PITCH_DEG)))


def _arms(phase: Array, r: Array) -> Array:
    """Two unequal main arms, branching into finer ones outwards; 0..1."""
    main = np.exp(2.6 * (np.cos(2 * phase) - 1)) * (1 + 0.18 * np.cos(phase))
    branches = 0.45 * np.exp(4.0 * (np.cos(4 * phase + 3.2 * r) - 1)) * np.clip(r - 0.25, 0, 1)
    return np.asarray((main + branches + 0.07) / 1.25)


def _dust(phase: Array, r: Array, theta: Array, waves: _Texture) -> Array:
    """Optical depth in green: lanes along the inner edge of the arms, and thin feathers that leave them."""
    lane = np.exp(9.0 * (np.cos(2 * (phase + 0.42)) - 1))
    ridges = np.clip(1 - 1.6 * np.abs(waves.along_arms(r, theta, 4, 12.0)), 0, 1) ** 2
    feathers = ridges * np.clip(np.cos(2 * (phase + 0.25)), 0, 1)
    depth = 1.5 * lane * (0.45 + 0.8 * ridges) + 0.75 * feathers + 0.10
    return np.asarray(depth * np.exp(-((r / 0.75) ** 2)) * _rise(r, 0.035, 0.05))


def _companion(x: Array, y: Array) -> Array:
    """Draw a small old galaxy at the end of one arm."""
    dx, dy = x - _COMPANION_AT[0], y - _COMPANION_AT[1]
    r = np.hypot(dx * 0.92 + dy * 0.25, (dy * 0.92 - dx * 0.25) / 0.78)
    return 4.5 * np.exp(-((np.hypot(r, 0.01) / 0.022) ** 0.62))


def _rise(r: Array, start: float, width: float) -> Array:
    """0 below start, 1 beyond start + width, smooth between."""
    t = np.clip((r - start) / width, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


class _Texture:
    """Cloudy noise, stretched along the spiral: standard deviation about 1 everywhere."""

    _SIDE = 512

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def along_arms(self, r: Array, theta: Array, per_turn: int, per_efold: float) -> Array:
        """Noise with so many large features per turn across the arms, and per e-fold of radius along them."""
        noise = self._noise()
        across = np.mod(_spiral_phase(r, theta) / (2 * np.pi), 1.0) * per_turn
        along = np.log(r + 0.06) * per_efold / 4
        side = self._SIDE
        return cv2.remap(
            noise,
            (np.mod(across, 1.0) * side).astype(np.float32),
            (np.mod(along, 1.0) * side).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )

    def _noise(self) -> Array:
        side = self._SIDE
        white = np.fft.rfft2(self._rng.standard_normal((side, side)))
        k = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]) * side
        noise = np.fft.irfft2(white / np.maximum(k, 2.0) ** 1.55 * (k > 0), s=(side, side))
        return np.asarray(noise / noise.std(), np.float32)


def _knots(birth: Array, seen: Array, rng: np.random.Generator) -> Array:
    """Complexes of hydrogen clouds and blue clusters where stars are born."""
    side = birth.shape[0]
    chance = np.cumsum(birth.ravel())
    n = 520
    at = np.searchsorted(chance, rng.random(n) * chance[-1])
    radius_px = side / (2 * EXTENT)
    centre = np.stack([at % side, at // side], axis=1) - (side - 1) / 2
    flux = 0.00050 * radius_px**2 * np.minimum((1 - rng.random(n)) ** -0.7, 14.0) / 3
    pink = rng.random(n) < 0.55
    colour = np.where(pink[:, None], _HYDROGEN, _YOUNG)
    members = 6
    spread = rng.standard_normal((n, members, 2)) * 0.007 * radius_px * (flux / flux.mean())[:, None, None] ** 0.4
    share = rng.dirichlet(np.full(members, 1.2), n)
    xy = (centre[:, None, :] + spread).reshape(-1, 2)
    light = (flux * seen.ravel()[at])[:, None, None] * share[:, :, None] * colour[:, None, :]
    return np.concatenate([xy, light.reshape(-1, 3)], axis=1)
