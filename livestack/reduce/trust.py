"""How well the place and the flux of a star in a list are known: its noise, and what its neighbours add."""

from __future__ import annotations

import numpy as np

from livestack.frame import Array
from livestack.reduce.medians import middle_of
from livestack.reduce.near import pairs_within

CENTROID_FWHM = 0.3
"""Error of a centroid on each axis, in FWHM / SNR: sky noise alone gives 0.29 for a Gaussian star and our aperture."""
FLUX_ERROR = 0.0075
"""Share of a star's flux that the flat and its shape make uncertain, however bright it is."""
NEAR_FWHM, FAR_FWHM = 2.0, 4.0
"""A neighbour nearer than this lies in the star's aperture, one farther away leaves it alone."""
CROWDED_FLUX, CROWDED_FWHM = 0.1, 0.1
"""What a neighbour as bright as the star makes uncertain: this share of the flux, this much of the FWHM in place; as it
comes and goes with the seeing, and is told apart or not."""


def flux_error(stars: Array, crowds: Array) -> Array:
    """Share of the flux of each star that is uncertain, (N,) float64.

    Parameters
    ----------
    stars : structured ndarray (N,) of `STAR_DTYPE`
    crowds : ndarray of float64
        What is near each star, (N,), from `crowding`.
    """
    error: Array = np.sqrt(1 / _snr(stars) ** 2 + FLUX_ERROR**2 + (CROWDED_FLUX * crowds) ** 2)
    return error


def place_error_px(stars: Array, crowds: Array) -> Array:
    """Error of the place of each star on each axis, (N,) float64 px; parameters as `flux_error`."""
    error: Array = _fwhm_px(stars) * np.hypot(CENTROID_FWHM / _snr(stars), CROWDED_FWHM * crowds)
    return error


def _snr(stars: Array) -> Array:
    return np.maximum(stars["snr"].astype(np.float64), 1.0)


def _fwhm_px(stars: Array) -> float:
    return middle_of(stars["fwhm"])


def crowding(stars: Array) -> Array:
    """Flux of what is near each star of a whole list over its own, (N,) float64; 1 at the most."""
    xy = np.stack([stars["x"], stars["y"]], axis=1).astype(np.float64)
    flux, fwhm_px = stars["flux"].astype(np.float64), max(_fwhm_px(stars), 1e-3)
    i, j = pairs_within(xy, FAR_FWHM * fwhm_px)
    away = np.hypot(*(xy[i] - xy[j]).T) / fwhm_px
    near = np.clip((FAR_FWHM - away) / (FAR_FWHM - NEAR_FWHM), 0, 1)
    light = np.zeros(len(stars))
    np.add.at(light, i, near * flux[j])
    np.add.at(light, j, near * flux[i])
    share: Array = np.minimum(light / np.maximum(flux, 1e-9), 1.0)
    return share
