"""The frames of a bench: lights with truth, made fast and large, and masters without noise."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from livestack.errors import SourceError
from livestack.frame import Array
from livestack.simulate import Night, NightOptions, SubTruth, header
from livestack.simulate.fits import fits_bytes
from livestack.simulate.sensor import WHITE_ADU, mosaic

STARS_PER_MPX = 350
LEAST_STARS = 1500
"""One in fourteen is bright enough for one sub: some hundred place it well."""
SUBS_PER_SATELLITE = 4
_NOISE = 40
"""Stream of random numbers that no frame of the night itself draws from."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What is to be made: sub 0 is the grid.

    Attributes
    ----------
    size : tuple of int
        (H, W) in px.
    cfa : str, optional
        None = a mono camera.
    turns_deg : tuple of float
        The last subs are turned by so much about the middle of the grid.
    """

    size: tuple[int, int]
    cfa: str | None
    n_lights: int
    turns_deg: tuple[float, ...] = ()
    seed: int = 11

    @property
    def mpx(self) -> float:
        """Millions of px."""
        return self.size[0] * self.size[1] / 1e6

    @property
    def words(self) -> str:
        """Name of the camera."""
        return f"{self.mpx:.3g} MP {'mono' if self.cfa is None else 'colour'}"


@dataclass(frozen=True, slots=True)
class Made:
    """Frames on disk, and their truth.

    Attributes
    ----------
    lights : tuple of Path
    masters : dict
        bias, dark, flat → file.
    truths : tuple of SubTruth
        Of each light.
    """

    frames: Frames
    night: Night
    lights: tuple[Path, ...]
    masters: dict[str, Path]
    truths: tuple[SubTruth, ...]


def night_of(frames: Frames) -> Night:
    """Return a night of stars and satellites in which nothing else happens."""
    options = NightOptions(
        size=frames.size,
        cfa=frames.cfa,
        seed=frames.seed,
        n_lights=frames.n_lights,
        scene="stars",
        target="Bench",
        camera="Synthetic",
        n_stars=max(round(STARS_PER_MPX * frames.mpx), LEAST_STARS),
        n_satellites=-(-frames.n_lights // SUBS_PER_SATELLITE),
        rotation_deg_per_hour=1.0,
        flip_at=None,
        aircraft_at=None,
        trailed_at=None,
        torn_at=None,
        duplicate_at=None,
        cloud_subs=(),
    )
    return Night(options)


def make(folder: Path, frames: Frames) -> Made:
    """Write lights and masters into a new folder.

    Raises
    ------
    SourceError
        The disk does not take them.
    """
    night = night_of(frames)
    truths = tuple(truth_of(night, frames, no) for no in range(frames.n_lights))
    lights = tuple(folder / f"light_{no + 1:05d}.fit" for no in range(frames.n_lights))

    def write(no: int) -> None:
        data = exposed(night, truths[no])
        lights[no].write_bytes(fits_bytes(data, header(night.options, "light", no)))

    try:
        folder.mkdir(parents=True, exist_ok=True)
        masters = _write_masters(folder, night)
        write(0)  # what is compiled on the way is compiled once
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as threads:
            list(threads.map(write, range(1, frames.n_lights)))
    except OSError as error:
        raise SourceError(f"the frames cannot be written to {folder}: {error.strerror or error}") from None
    return Made(frames, night, lights, masters, truths)


def truth_of(night: Night, frames: Frames, no: int) -> SubTruth:
    """Return what happens in a sub, turned where it is to be."""
    truth = night.truth(no)
    first = frames.n_lights - len(frames.turns_deg)
    return (
        truth if no < first else replace(truth, matrix=turn(frames.turns_deg[no - first], frames.size) @ truth.matrix)
    )


def turn(deg: float, size: tuple[int, int]) -> Array:
    """Rotation about the middle of a frame (H, W), as a matrix (3, 3)."""
    cos, sin = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    matrix = np.eye(3)
    matrix[:2, :2] = [[cos, -sin], [sin, cos]]
    matrix[:2, 2] = middle - matrix[:2, :2] @ middle
    return matrix


def exposed(night: Night, truth: SubTruth) -> Array:
    """Expose and read out a sub, (H, W) uint16.

    Photons are drawn from a Gaussian: of the 90 e⁻ and more of a px, its Poisson distribution differs by little, and it
    takes a fifth of the time.
    """
    options, sensor = night.options, night.sensor
    data = night.light_e(truth)
    data *= sensor.response
    data += sensor.dark_e_per_s * np.float32(options.exposure_s)
    noise = np.random.default_rng([options.seed, _NOISE, truth.no]).standard_normal(options.size, np.float32)
    noise *= np.sqrt(data + np.float32(options.read_noise_e**2))
    data += noise
    data /= np.float32(options.e_per_adu)
    data += sensor.bias_adu
    return _read_out(data)


def _read_out(data: Array) -> Array:
    np.rint(data, out=data)
    return np.clip(data, 0, WHITE_ADU, out=data).astype(np.uint16)


def _write_masters(folder: Path, night: Night) -> dict[str, Path]:
    options, sensor = night.options, night.sensor
    half_e = mosaic(0.5 * WHITE_ADU * options.e_per_adu * sensor.efficiency, sensor.channel, options.size)
    light_adu = half_e * sensor.response / np.float32(options.e_per_adu)
    dark_adu = sensor.dark_e_per_s * np.float32(options.exposure_s / options.e_per_adu)
    whole = {
        "bias": sensor.bias_adu.copy(),
        "dark": sensor.bias_adu + dark_adu,
        "flat": sensor.bias_adu + light_adu,
    }
    written = {}
    for kind, data in whole.items():
        written[kind] = folder / f"master_{kind}.fit"
        written[kind].write_bytes(fits_bytes(_read_out(data), header(options, kind, 0)))
    return written
