"""What is in the sky, and how it falls on the sensor from any pose, through any seeing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from livestack.frame import Array
from livestack.simulate.galaxy import galaxy
from livestack.simulate.options import NightOptions
from livestack.simulate.sensor import Sensor
from livestack.simulate.stars import add_points, far_galaxies, psf_matrix, star_field

_DIMMEST_E = 0.03
_PSF_ANGLE_RAD = 0.6
_FAR_GALAXIES_PER_MPX = 14
_DRAWN_PX = 1200
"""The galaxy's smooth light is drawn no larger, and enlarged: a 26 Mpx night fits in memory."""


@dataclass(frozen=True, slots=True)
class Sky:
    """Light sources on the grid, in electrons per sub for a perfect pixel at transparency 1.

    Attributes
    ----------
    stars : ndarray of STAR_DTYPE
        (N,), brightest first, also beyond the frame; flux in ADU per sub (mono: three equal values).
    points : ndarray of float64
        (M, 2 + C): x, y, electrons per channel, of the stars and every other point of light.
    picture : ndarray of float32, optional
        (C, S, S), electrons per px, centred on the frame, blurred by the typical seeing: the galaxy's smooth light.
    """

    stars: Array
    points: Array
    picture: Array | None


@dataclass(frozen=True, slots=True)
class View:
    """How a frame sees the sky: matrix (3, 3) frame px → grid px, seeing, and the star images' smear by wind."""

    matrix: Array
    fwhm_px: float
    motion_px: tuple[float, float] = (0.0, 0.0)


def make_sky(options: NightOptions, camera: Sensor, rng: np.random.Generator) -> Sky:
    """Fill the sky over everything that dither and rotation may bring into the frame."""
    height, width = options.size
    half = math.hypot(height, width) / 2 + 3 * options.dither_px + 10
    n_stars = round(options.n_stars * (2 * half) ** 2 / (height * width))
    stars_rng, far_rng, galaxy_rng = rng.spawn(3)
    stars = star_field(n_stars, half, stars_rng)
    sources = [np.column_stack([stars["x"], stars["y"], stars["flux"]])]
    picture = None
    if options.scene == "galaxy":
        sources.append(far_galaxies(round(_FAR_GALAXIES_PER_MPX * (2 * half) ** 2 / 1e6), half, far_rng))
        side = min(options.size)
        target = galaxy(min(side, _DRAWN_PX), galaxy_rng)
        zoom = side / target.light.shape[1]
        sources.append(target.knots * np.array([zoom, zoom, *[zoom**2 * options.object_e_per_s] * 3]))
        light = target.light * np.float32(options.object_e_per_s * options.exposure_s)
        picture = _picture(light, options, camera)
    points = np.concatenate(sources)
    light = camera.electrons(points[:, 2:] * options.exposure_s)
    points = np.column_stack([points[:, :2] + _centre(options), light])
    stars["x"], stars["y"] = points[: len(stars), 0], points[: len(stars), 1]
    stars["flux"] = points[: len(stars), 2:] / options.e_per_adu
    return Sky(stars, points, picture)


def render(sky: Sky, options: NightOptions, view: View, channel: Array) -> Array:
    """Return the light of a view's stars and galaxy, sky glow apart: electrons, (H, W) float32.

    Parameters
    ----------
    channel : ndarray of int64
        (2, 2), which channel each pixel of a CFA cell sees.
    """
    image = np.zeros(options.size, np.float32)
    to_frame = np.linalg.inv(view.matrix)
    psf = psf_matrix(view.fwhm_px, options.elongation, _PSF_ANGLE_RAD)
    path = _path(view.motion_px)
    for dx, dy in path:
        points = sky.points.copy()
        points[:, :2] = points[:, :2] @ to_frame[:2, :2].T + to_frame[:2, 2] + (dx, dy)
        points[:, 2:] /= len(path)
        add_points(image, points, channel, psf, _DIMMEST_E)
        if sky.picture is not None:
            _add_picture(image, sky.picture / np.float32(len(path)), options, view.matrix, (dx, dy), channel)
    return image


def _picture(light: Array, options: NightOptions, camera: Sensor) -> Array:
    """Electrons (C, S, S) of a picture (3, s, s), through the typical seeing and as large as the frame."""
    electrons = np.moveaxis(camera.electrons(np.moveaxis(light, 0, -1)), -1, 0).astype(np.float32)
    side = min(options.size)
    fwhm_px = options.fwhm_px * light.shape[1] / side
    reach = math.ceil(5 * fwhm_px)
    seeing = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    middle = np.array([[reach, reach, 1.0]])
    psf = psf_matrix(fwhm_px, options.elongation, _PSF_ANGLE_RAD)
    add_points(seeing, middle, np.zeros((2, 2), np.int64), psf, 1e-6)
    seeing /= seeing.sum()
    blurred = (cv2.filter2D(plane, -1, seeing) for plane in electrons)
    return np.stack([cv2.resize(plane, (side, side), interpolation=cv2.INTER_CUBIC) for plane in blurred])


def _add_picture(
    image: Array, picture: Array, options: NightOptions, matrix: Array, offset: tuple[float, float], channel: Array
) -> None:
    """Sample the picture at the pixels of each colour."""
    side = picture.shape[1]
    step = 1 if options.cfa is None else 2
    to_picture = matrix.copy()
    to_picture[:2, 2] += (side - 1) / 2 - _centre(options) - matrix[:2, :2] @ offset
    for j in range(step):
        for k in range(step):
            site = to_picture @ np.array([[step, 0, k], [0, step, j], [0, 0, 1.0]])
            plane = image[j::step, k::step]
            plane += cv2.warpAffine(
                picture[channel[j, k]], site[:2], plane.shape[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            )


def _path(motion_px: tuple[float, float]) -> list[tuple[float, float]]:
    """Where a star image is during the exposure, from its mean place."""
    length = math.hypot(*motion_px)
    n = 1 + 2 * math.ceil(length)
    return [(motion_px[0] * s, motion_px[1] * s) for s in np.linspace(-0.5, 0.5, n)] if length else [(0.0, 0.0)]


def _centre(options: NightOptions) -> Array:
    return np.array([(options.size[1] - 1) / 2, (options.size[0] - 1) / 2])
