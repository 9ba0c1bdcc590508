"""Satellites and an aircraft: straight trails across a sub."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from livestack.frame import Array
from livestack.simulate.options import NightOptions

_BRIGHTEST, _FAINTEST = 70.0, 1.5
_DEFOCUS_PX = 2.2


@dataclass(frozen=True, slots=True)
class Trail:
    """One trail, from border to border of a sub. Pixels of the sub; peak in ADU per sub, green; blink 0 = steady."""

    x0: float
    y0: float
    x1: float
    y1: float
    fwhm_px: float
    peak_adu: float
    blink_px: float = 0.0


def night_trails(options: NightOptions, quiet: list[int], rng: np.random.Generator) -> dict[int, tuple[Trail, ...]]:
    """Say which subs are crossed: satellites, from bright to faint, over the quiet subs in random order; the aircraft.

    Returns
    -------
    dict of int to tuple of Trail
        By number of the sub.
    """
    sky_e = options.sky_e_per_s * options.exposure_s
    noise_adu = math.sqrt(sky_e + options.read_noise_e**2) / options.e_per_adu
    width = math.hypot(options.fwhm_px, _DEFOCUS_PX)
    trails: dict[int, tuple[Trail, ...]] = {}
    crossed = rng.permutation(quiet)
    for k, peak in enumerate(np.geomspace(_BRIGHTEST, _FAINTEST, options.n_satellites if quiet else 0)):
        no = int(crossed[k % len(crossed)])
        satellite = Trail(*_crossing(options.size, rng), width, float(peak * noise_adu))
        trails[no] = (*trails.get(no, ()), satellite)
    if options.aircraft_at is not None:
        plane = Trail(*_crossing(options.size, rng), 2.5 * width, 25 * noise_adu, blink_px=min(options.size) / 9)
        trails[options.aircraft_at] = (*trails.get(options.aircraft_at, ()), plane)
    return trails


def _crossing(size: tuple[int, int], rng: np.random.Generator) -> tuple[float, float, float, float]:
    """End points, on the border, of a line through the inner part of the frame."""
    height, width = size
    x, y = rng.uniform(0.25, 0.75) * (width - 1), rng.uniform(0.25, 0.75) * (height - 1)
    angle = rng.uniform(0, math.pi)
    dx, dy = math.cos(angle), math.sin(angle)
    ends = [(bound - at) / d for at, d, most in ((x, dx, width - 1), (y, dy, height - 1)) for bound in (0, most)]
    back, ahead = max(s for s in ends if s < 0), min(s for s in ends if s > 0)
    return x + back * dx, y + back * dy, x + ahead * dx, y + ahead * dy


def add_trail(image: Array, trail: Trail, peak: Array) -> None:
    """Add a trail in place. image and peak are (H, W); peak is the trail's height at each pixel's colour."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    length = math.hypot(trail.x1 - trail.x0, trail.y1 - trail.y0)
    dx, dy = (trail.x1 - trail.x0) / length, (trail.y1 - trail.y0) / length
    across = (x - trail.x0) * dy - (y - trail.y0) * dx
    sigma = trail.fwhm_px / 2.3548
    profile = np.exp(-0.5 * (across / sigma) ** 2)
    if trail.blink_px:
        along = (x - trail.x0) * dx + (y - trail.y0) * dy
        beat = np.mod(along, trail.blink_px) - trail.blink_px / 2
        profile *= 0.3 + 3.0 * np.exp(-0.5 * (beat / (1.5 * sigma)) ** 2)
    image += np.float32(profile * peak)
