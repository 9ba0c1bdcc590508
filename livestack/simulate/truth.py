"""What really happens in each sub: pose, air, sky, accidents."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from livestack.frame import Array
from livestack.simulate.options import NightOptions
from livestack.simulate.sky import View
from livestack.simulate.trails import Trail

_SKY_COLOUR = np.array((1.10, 1.0, 0.82))
_WIND_PX = 12.0
_CLOUD_DEPTH = 0.85
_FLIP_S = 120.0


@dataclass(frozen=True, slots=True)
class SubTruth:
    """The truth about one sub.

    Attributes
    ----------
    matrix : ndarray of float64
        (3, 3), sub px → grid px; the grid is sub 0, y down.
    transparency : float
        What the light of the stars is multiplied by; 1 = a perfectly clear sky.
    sky_rgb_e : tuple of float
        Sky glow in the middle of the frame: electrons per sub of a pixel that sees all light of its colour.
    fwhm_px : float
        Seeing of the star images, wind apart.
    motion_px : tuple of float
        x, y of their smear by wind.
    trails : tuple of Trail
        End points in px of the sub.
    flags : tuple of str
        Any of flipped, cloud, trailed, torn, duplicate, satellite, aircraft.
    """

    no: int
    time_utc: datetime
    matrix: Array
    transparency: float
    sky_rgb_e: tuple[float, ...]
    fwhm_px: float
    motion_px: tuple[float, float]
    trails: tuple[Trail, ...]
    flags: tuple[str, ...]

    @property
    def view(self) -> View:
        """How the sub sees the sky."""
        return View(self.matrix, self.fwhm_px, self.motion_px)

    def to_dict(self) -> dict[str, Any]:
        """Return the truth as JSON values."""
        return {**dataclasses.asdict(self), "matrix": self.matrix.tolist(), "time_utc": self.time_utc.isoformat()}


def sub_truth(options: NightOptions, no: int, trails: tuple[Trail, ...], rng: np.random.Generator) -> SubTruth:
    """Draw the truth about sub ``no``."""
    matrix = _matrix(options, no, rng)
    cloud = _cloud(options.cloud_subs, no)
    clear = 1 - 0.02 * abs(float(rng.standard_normal()))
    fwhm_px = options.fwhm_px * math.exp(options.seeing_scatter * float(rng.standard_normal()))
    gust = rng.uniform(0, math.tau)
    wind_px = _WIND_PX if no == options.trailed_at else 0.0
    sky_e = options.sky_e_per_s * options.exposure_s * (1 + 0.003 * no) * (1 + 0.5 * (1 - cloud))
    return SubTruth(
        no=no,
        time_utc=time_of(options, no),
        matrix=matrix,
        transparency=clear * cloud,
        sky_rgb_e=tuple((sky_e * _SKY_COLOUR).tolist()),
        fwhm_px=fwhm_px,
        motion_px=(wind_px * math.cos(gust), wind_px * math.sin(gust)),
        trails=trails,
        flags=_flags(options, no, trails),
    )


def time_of(options: NightOptions, no: int) -> datetime:
    """Return when sub ``no`` starts, by the camera's clock: the flip takes two minutes."""
    seconds = no * (options.exposure_s + options.interval_s)
    return options.start_utc + timedelta(seconds=seconds + (_FLIP_S if _flipped(options, no) else 0.0))


def quiet_subs(options: NightOptions) -> list[int]:
    """Return the subs to which nothing happens, so that a satellite is the only thing wrong with its sub."""
    accidents = {options.aircraft_at, options.trailed_at, options.torn_at, options.duplicate_at, *options.cloud_subs}
    return [no for no in range(options.n_lights) if no not in accidents]


def _flipped(options: NightOptions, no: int) -> bool:
    return options.flip_at is not None and no >= options.flip_at


def _matrix(options: NightOptions, no: int, rng: np.random.Generator) -> Array:
    """Turn about the middle of the frame, then shift: dither, and a new centring after the flip. Sub 0 is the grid."""
    radius, angle = options.dither_px * math.sqrt(rng.random()), rng.uniform(0, math.tau)
    if no == 0:
        return np.eye(3)
    hours = (time_of(options, no) - options.start_utc).total_seconds() / 3600
    turn = math.radians(options.rotation_deg_per_hour * hours + (180.0 if _flipped(options, no) else 0.0))
    recentred = np.array([0.9, -0.6]) * options.dither_px if _flipped(options, no) else np.zeros(2)
    shift = radius * np.array([math.cos(angle), math.sin(angle)]) + recentred
    cos, sin = math.cos(turn), math.sin(turn)
    rotation = np.array([[cos, -sin], [sin, cos]])
    middle = np.array([(options.size[1] - 1) / 2, (options.size[0] - 1) / 2])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = rotation, middle + shift - rotation @ middle
    return matrix


def _cloud(cloud_subs: tuple[int, ...], no: int) -> float:
    """Transparency of a cloud that drifts through."""
    if no not in cloud_subs:
        return 1.0
    return 1 - _CLOUD_DEPTH * math.sin(math.pi * (cloud_subs.index(no) + 1) / (len(cloud_subs) + 1))


def _flags(options: NightOptions, no: int, trails: tuple[Trail, ...]) -> tuple[str, ...]:
    happened = {
        "flipped": _flipped(options, no),
        "cloud": no in options.cloud_subs,
        "trailed": no == options.trailed_at,
        "torn": no == options.torn_at,
        "duplicate": no == options.duplicate_at,
        "satellite": any(not trail.blink_px for trail in trails),
        "aircraft": no == options.aircraft_at,
    }
    return tuple(name for name, did in happened.items() if did)
