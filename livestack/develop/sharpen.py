"""Finer detail: what the seeing spread is brought together again, without dark rings and without light from nowhere.

Richardson and Lucy's iteration, in which only what of the residual is above the noise counts (Starck and Murtagh 2006,
residuals in the starlet transform). It works on the luminance, above a floor that lies beneath the stars; there is no
light below it, and what is above keeps its sum place by place.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from livestack.develop.colour import sky_of
from livestack.develop.plate import Plate
from livestack.develop.starlet import NORMS, smoothed
from livestack.errors import SettingsError
from livestack.frame import Array

BETA = 3.0
"""Exponent of the Moffat profile that stars are taken to have."""
SIGNIFICANT, SCALES = 3.0, 3
FLOOR_PX, FLOOR_SIGMA = 9, 0.5
"""The floor is the least within so many px of a picture made smooth, less so many σ."""
SUM_FWHM = 7
"""The light is kept in a square of so many FWHM: it holds a star, before as after."""
LEAST_FWHM_PX = 1.6
"""Stars of fewer px hold no finer detail that could be told."""


@dataclass(frozen=True, slots=True)
class Sharpening:
    """Deconvolution with a star's profile, settled.

    Attributes
    ----------
    fwhm_share : float
        FWHM over the height of the picture: it does not depend on its size.
    """

    iterations: int
    strength: float
    fwhm_share: float

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Sharpen the luminance; the channels follow it."""
        fwhm_px = self.fwhm_share * plate.shape[1]
        if fwhm_px < LEAST_FWHM_PX or self.strength == 0:
            return plate
        light = plate.data.mean(axis=0)
        bare = ~np.isfinite(light)
        if bare.any():
            light[bare] = np.median(light[~bare]) if not bare.all() else 0
        sigma = _noise_of(plate, light)
        sharp = deconvolved(light, sigma, fwhm_px, self.iterations, threads)
        change = np.float32(self.strength) * (sharp - light)
        floor = floor_of(light, sigma)
        # each channel's light above its own floor changes as the luminance's does
        share = np.maximum(light + change - floor, 0) / np.maximum(light - floor, np.float32(0.1 * sigma))
        for plane in plate.data:
            known = np.where(bare, np.float32(np.nanmedian(plane)) if not bare.all() else 0, plane)
            under = floor_of(known, sigma)
            sharpened = under + np.maximum(known - under, 0) * share
            plane[:] = np.where(bare, np.float32(np.nan), sharpened)
        return plate


@dataclass(frozen=True, slots=True)
class Sharpen:
    """Bring together what the seeing spread.

    Attributes
    ----------
    iterations : int
        More are sharper.
    strength : float
        How much of it is taken, 0 to 1.
    """

    name: ClassVar[str] = "sharpen"
    iterations: int = 10
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not (1 <= self.iterations <= 50 and 0 <= self.strength <= 1):
            raise SettingsError("sharpen: iterations are 1 to 50, and strength is 0 to 1")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Sharpening:
        """Tell how wide the stars are; where there are none nothing is sharpened."""
        from livestack.reduce.measure import measure_stack

        _, height, _ = plate.shape
        coverage = plate.coverage if plate.coverage is not None else np.ones(plate.shape[1:], np.uint16)
        stars = measure_stack(np.nan_to_num(plate.data), coverage[None], None, threads)
        fwhm_px = float(np.median(stars["fwhm"][: max(len(stars) // 3, 10)])) if len(stars) else 0.0
        return Sharpening(self.iterations, self.strength, fwhm_px / height)


def profile(fwhm_px: float) -> Array:
    """Star of that FWHM, (n, n) float32 of sum 1 (Moffat 1969)."""
    reach = int(np.ceil(4.5 * fwhm_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    alpha = fwhm_px / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    star = (1 + (x**2 + y**2) / alpha**2) ** -BETA
    return np.asarray(star / star.sum(), np.float32)


def floor_of(light: Array, sigma: float) -> Array:
    """Return what lies beneath the stars of a plane (H, W): nothing is darker."""
    soft = cv2.GaussianBlur(light, (0, 0), 1.5)
    lowest = cv2.erode(soft, np.ones((FLOOR_PX, FLOOR_PX), np.uint8))
    return np.asarray(lowest - np.float32(FLOOR_SIGMA * sigma))


def deconvolved(light: Array, sigma: float, fwhm_px: float, iterations: int, threads: Executor | None) -> Array:
    """Return (H, W), deconvolved with a star of that FWHM; sigma: noise of a px."""
    star = profile(fwhm_px)
    pedestal = np.float32(max(20 * sigma, 10 * sigma - float(light.min())) - sky_of(light))
    seen = light + pedestal
    told = seen.copy()
    for _ in range(iterations):
        model = _spread(told, star)
        residual = _significant(seen - model, sigma, threads)
        model = np.maximum(model, np.float32(sigma))
        told *= _spread((model + residual) / model, star)  # the profile is its own mirror image
        np.maximum(told, 0, out=told)
    told -= pedestal
    floor = floor_of(light, sigma)
    above = np.maximum(told - floor, 0)
    side = (int(SUM_FWHM * fwhm_px) | 1,) * 2
    ratio = cv2.blur(np.maximum(light - floor, 0), side) / np.maximum(cv2.blur(above, side), np.float32(1e-3 * sigma))
    return np.asarray(floor + above * ratio)


def _spread(plane: Array, star: Array) -> Array:
    return np.asarray(cv2.filter2D(plane, -1, star, borderType=cv2.BORDER_REFLECT))


def _significant(residual: Array, sigma: float, threads: Executor | None) -> Array:
    """Return what of a residual is above the noise of its scale."""
    kept, finer = np.zeros_like(residual), residual
    for k in range(SCALES):
        coarser = smoothed(finer, 1 << k, threads)
        detail = finer - coarser
        kept += np.where(np.abs(detail) > SIGNIFICANT * sigma * NORMS[k], detail, 0)
        finer = coarser
    return kept + finer


def _noise_of(plate: Plate, light: Array) -> float:
    """Noise of a px of the mean of the channels."""
    if plate.noise is not None:
        told = [float(np.nanmedian(n[::8, ::8])) * s for n, s in zip(plate.noise, plate.noise_scales, strict=False)]
        sigma = float(np.sqrt(np.mean(np.square(told)) / len(told)))
        if np.isfinite(sigma) and sigma > 0:
            return sigma
    step = np.abs(light[::2, 1::2] - light[::2, :-1:2][:, : light[::2, 1::2].shape[1]])
    return max(1.4826 * float(np.median(step)) / math.sqrt(2), 1e-9)
