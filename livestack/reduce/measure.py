"""Stars, sky and noise of a calibrated frame. Stars are found once; registration takes the list, never pixels."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit

from livestack.frame import STAR_DTYPE, Array, Frame, Masters, Quality
from livestack.planes import new_plane
from livestack.reduce import xtrans
from livestack.reduce.bands import each_part
from livestack.reduce.cells import NO_CELLS
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.detect import Found, find
from livestack.reduce.kernels import Sensor, calibrate
from livestack.reduce.sensor import bare, sensor_of
from livestack.reduce.shapes import measure_each, sharpness, sizes

MAX_STARS = 3000
STARS = 32
"""Stars measured at a time."""
HOT_RATIO = 5.0
"""Peak over the mean of its 8 neighbours: stars stay below 3.4 for FWHM ≥ 1.6 px, hot px lie above 50."""
SHARPEST = 12.0
"""Where most of what was found is sharper than stars of FWHM 1 px, it is hot px: a cap on, or nothing but cloud."""
MAX_ELONGATION_RATIO = 2.0
"""A detection so many times more elongated than the typical one is a piece of a trail or two stars."""

APERTURE_HFR = 3.5
"""Radius for fluxes: follows the seeing, so that seeing does not read as cloud, and lets few neighbours in."""
WIDEST = 3.0
"""So many times larger than the typical one is no star."""
CFA_WIDENING_PX2 = 2.1
"""FWHM² that the 2 × 2 mean of a CFA adds: 1.4 by its second moment, up to 2.7 where a Moffat star has its peak."""
XTRANS_WIDENING_PX2 = 0.6
"""As much as interpolation adds to FWHM² of stars of 2.5 to 3.5 px; half the light it leaves where it is."""
BINNED_WIDENING_PX2 = 0.19
"""What binning 2 × 2 adds to the square of a half-light radius, in px so wide."""
SIZE_A = 3.0
"""An object's half-light radius lies within so many of its rms radii: a disc's within 1.4."""


def calibrated(frame: Frame, masters: Masters) -> Array:
    """Calibrated and repaired px, (P, H, W) float32, not debayered; NaN where nothing can be said."""
    sensor = sensor_of(frame, masters)
    out: Array = new_plane(sensor[0].shape, np.float32)
    _calibrate_all(sensor, out)
    return out


@njit(**OPTIONS)
def _calibrate_all(sensor: Sensor, out: Array) -> None:
    calibrate(sensor, 0, 0, out)


def measure(frame: Frame, masters: Masters, threads: Executor | None = None) -> tuple[Array, Quality]:
    """Find and measure the stars of a frame: `measure_light` of its px."""
    return measure_light(sensor_of(frame, masters), threads)


def measure_light(sensor: Sensor, threads: Executor | None = None, cells: Array = NO_CELLS) -> tuple[Array, Quality]:
    """Find and measure the stars of a frame.

    Parameters
    ----------
    sensor : tuple
        Its raw px and their calibration.
    threads : Executor, optional
        Runs the bands of the kernels.
    cells : ndarray of float32, optional
        From `room_for_cells`; becomes what its guide is sampled of.

    Returns
    -------
    stars : structured ndarray (N,) of `STAR_DTYPE`
        Brightest first; px of the full frame.
    quality : Quality
    """
    colours = sensor[4]
    found = find(sensor, threads, cells)
    stars = stars_of(sensor, found, threads)
    if len(colours) == xtrans.CELL:
        stars["fwhm"] = np.sqrt(np.maximum(stars["fwhm"] ** 2 - XTRANS_WIDENING_PX2, 0.5))
    elif len(colours):
        stars["x"] += 0.5
        stars["y"] += 0.5
        # half the FWHM holds half the light of a Gaussian: the same widening, a quarter as large
        stars["fwhm"] = np.sqrt(np.maximum(stars["fwhm"] ** 2 - CFA_WIDENING_PX2, 0.5))
        stars["hfr"] = np.sqrt(np.maximum(stars["hfr"] ** 2 - CFA_WIDENING_PX2 / 4, 0.1))
    return stars, _quality(stars, found.sky, found.noise)


def measure_stack(mean: Array, coverage: Array, cfa: str | None, threads: Executor | None = None) -> Array:
    """Stars of a stack where a third of its subs or more cover: fluxes as in its subs, at the stack's scale.

    Parameters
    ----------
    mean : (C, H, W)
    coverage : (C, H, W), or (1, H, W) for all channels.
    cfa : str, optional
        Pattern of the subs: with one, a channel counts as often as it has px.
    threads : Executor, optional
        Runs the bands of the kernels.

    Returns
    -------
    structured ndarray (N,) of `STAR_DTYPE`
        Brightest first, grid px.
    """
    shares = np.array([0.25, 0.5, 0.25] if cfa else [1 / len(mean)] * len(mean), np.float32)
    light = new_plane((1, *mean.shape[1:]), np.float32)
    _stacked_luminance(mean, coverage.min(axis=0), shares, light[0])
    sensor = bare(light)
    return stars_of(sensor, find(sensor, threads), threads)


@njit(**OPTIONS)
def _stacked_luminance(mean: Array, coverage: Array, shares: Array, out: Array) -> None:
    """Sum of shares (C,) of the channels, NaN where less than a third of the subs cover (H, W)."""
    h, w = out.shape
    most = 0
    for y in range(h):
        for x in range(w):
            most = max(most, coverage[y, x])
    for y in range(h):
        for x in range(w):
            total = F(0)
            for c in range(mean.shape[0]):
                total += shares[c] * mean[c, y, x]
            out[y, x] = total if 3 * coverage[y, x] >= most else F(np.nan)


def _likely(sensor: Sensor, seen: Found, threads: Executor | None) -> Array:
    """Pick the objects that may be stars: inside, round enough, larger than one hot px."""
    _, h, w = sensor[0].shape
    found: Array = seen.objects
    keep = (found["x"] > 4) & (found["x"] < w - 5) & (found["y"] > 4) & (found["y"] < h - 5) & (found["b"] > 0)
    found = found[keep]
    if not len(found):
        return found
    sharp = np.empty(len(found), np.float32)
    x, y = (np.ascontiguousarray(found[name]) for name in "xy")  # as one star's are: the kernel is compiled for them
    each_part(
        len(found),
        STARS,
        threads,
        lambda k0, k1: sharpness(sensor, x[k0:k1], y[k0:k1], seen.sky, sharp[k0:k1]),
    )
    elongation = found["a"] / found["b"]
    # relative limits: an undersampled frame has sharp stars, a badly guided one long stars
    usual = float(np.percentile(sharp, 25))
    keep = sharp <= (max(HOT_RATIO, 2.5 * usual) if usual < SHARPEST else HOT_RATIO)
    keep &= elongation <= MAX_ELONGATION_RATIO * float(np.median(elongation))
    keep &= found["a"] <= 6 * float(np.median(found["a"]))
    found = found[keep]
    return found


def stars_of(sensor: Sensor, seen: Found, threads: Executor | None) -> Array:
    """Measure objects and keep those that are stars; brightest first."""
    found = _likely(sensor, seen, threads)
    if not len(found):
        return np.zeros(0, STAR_DTYPE)
    elongation = found["a"] / found["b"]
    step, middle = seen.step, (seen.step - 1) / 2
    x, y = found["x"].astype(np.float64), found["y"].astype(np.float64)
    size = np.empty(len(x))
    inside = ((x - middle) / step, (y - middle) / step, SIZE_A * found["a"] / step, found["flux"] / step**2)
    places = np.stack(inside, axis=1)
    each_part(len(x), STARS, threads, lambda k0, k1: sizes(seen.picture, seen.level, step, places[k0:k1], size[k0:k1]))
    if step > 1:
        size = step * np.sqrt(np.maximum(size**2 - BINNED_WIDENING_PX2, 0.1))
    typical_size = float(np.clip(np.median(size[np.isfinite(size)]), 0.5, 50)) if np.isfinite(size).any() else 1.0
    size = np.where(np.isfinite(size) & (size > 0), size, typical_size)
    # what is above the threshold of a faint star is its core alone: the aperture follows the bright ones
    bright = _brightest(found["flux"])
    # the lights of an aircraft, out of focus and brighter than any star, are none
    bright = bright[size[bright] <= max(WIDEST * typical_size, float(size[bright].min()))]
    aperture = APERTURE_HFR * float(np.clip(np.median(size[bright]), 0.5, 50))
    told = np.empty((len(x), 6))
    limits = 2.0 / 2.35 * max(typical_size, 0.6), aperture
    guesses = np.stack([x, y, size], axis=1)
    each_part(
        len(x), STARS, threads, lambda k0, k1: measure_each(sensor, seen.level, guesses[k0:k1], limits, told[k0:k1])
    )
    x, y, flux, peak, fwhm, hfr = told.T
    error = seen.rms * np.sqrt(np.pi) * aperture
    stars = np.zeros(len(x), STAR_DTYPE)
    values: dict[str, Any] = {
        "x": x,
        "y": y,
        "flux": flux,
        "peak": peak,
        "hfr": np.where(np.isfinite(hfr) & (hfr > 0), hfr, size),
        "elongation": elongation,
        "fwhm": np.where(np.isfinite(fwhm), fwhm, 2 * size),
        "eccentricity": np.sqrt(np.maximum(1 - 1 / elongation**2, 0)),
        "snr": flux / max(error, 1e-9),
    }
    for name, value in values.items():
        stars[name] = value
    stars = stars[stars["flux"] > 0]
    brightest: Array = stars[np.lexsort((stars["x"], stars["y"], -stars["flux"]))][:MAX_STARS]
    return brightest


def _brightest(flux: Array) -> Array:
    """Pick the stars whose shape can be trusted: the brighter third, at least ten."""
    best: Array = np.argsort(-flux, kind="stable")[: max(len(flux) // 3, 10)]
    return best


def of_matched(quality: Quality, stars: Array, transparency: float) -> Quality:
    """Quality of a registered sub: shapes from the stars that matched, for pieces of a trail are long and wide."""
    return dataclasses.replace(quality, **_shapes(stars), transparency=transparency)


def _quality(stars: Array, sky: float, noise: float) -> Quality:
    return Quality(
        n_stars=len(stars),
        **_shapes(stars),
        background_adu=sky,
        noise_adu=noise if np.isfinite(noise) else 0.0,
    )


def _shapes(stars: Array) -> dict[str, Any]:
    """Medians of what tells seeing, focus and tracking over the brightest stars; 0 where there is none."""
    best = stars[_brightest(stars["flux"])]
    names = {"fwhm_px": "fwhm", "hfr_px": "hfr", "eccentricity": "eccentricity", "elongation": "elongation"}
    return {name: float(np.median(best[column])) if len(best) else 0.0 for name, column in names.items()}
