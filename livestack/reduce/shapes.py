"""What one star is like: measured in a window about it, at full resolution, that is calibrated for it alone."""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.detect import luminance
from livestack.reduce.kernels import Sensor, calibrate
from livestack.reduce.level import Level, level_along

CORE = 0.3
MARGIN = 4
"""Px about a star's that filling and X-Trans need."""
FINE_PX = 3.0
"""Up to so far from a star's middle a px is told in ninths when its light is summed up by radius."""
RING_PX = 0.25
REACH_SIGMA = 4.0
"""A window for centroids ends at so many σ."""
STEP_PX = 1e-4
MAX_STEPS = 16


@njit(**OPTIONS)
def sharpness(sensor: Sensor, x: Array, y: Array, sky: float, out: Array) -> None:
    """Peak / mean of its 8 neighbours on the raw lattice, the peak sought within 1 px (2 px span for a CFA)."""
    side = 2 * MARGIN + 4
    data = np.empty((sensor[0].shape[0], side, side), np.float32)
    for k in range(x.size):
        y0, x0 = int(y[k]) - 1 - MARGIN, int(x[k]) - 1 - MARGIN
        calibrate(sensor, y0, x0, data)
        best, by, bx = F(-1e30), MARGIN, MARGIN
        for yy in range(MARGIN, MARGIN + 4):
            for xx in range(MARGIN, MARGIN + 4):
                if data[0, yy, xx] > best:
                    best, by, bx = data[0, yy, xx], yy, xx
        total = F(0)
        for yy in range(by - 1, by + 2):
            for xx in range(bx - 1, bx + 2):
                if yy != by or xx != bx:
                    total += data[0, yy, xx] - F(sky)
        peak = best - F(sky)
        out[k] = peak / max(total / F(8), peak * F(1e-3)) if peak > 0 else F(0)


@njit(**INNER)
def _window(sensor: Sensor, level: Level, corner: tuple[int, int], data: Array, sky: Array, out: Array) -> None:
    """Luminance above the sky of px from a corner (y, x) on; NaN = not known, or beyond the frame.

    data (P, h + 2 · MARGIN, w + 2 · MARGIN), sky (w) : float32 to work with.
    """
    y0, x0 = corner
    _, height, width = sensor[0].shape
    h, w = out.shape
    luminance(sensor, y0, x0, MARGIN, data, out)
    first, last = min(max(-x0, 0), w), max(min(width - x0, w), 0)
    for y in range(h):
        if not 0 <= y0 + y < height:
            out[y] = np.nan
            continue
        level_along(level, float(y0 + y), float(x0), 1.0, sky)
        for x in range(w):
            out[y, x] -= sky[x]
        out[y, :first] = np.nan
        out[y, last:] = np.nan


@njit(**INNER)
def _light_within(light: Array, y: float, x: float, out: Array) -> None:
    """Light within RING_PX, 2 · RING_PX, … of (y, x), as many as there are in out."""
    radii = out.size
    out[:] = 0
    farthest = radii * RING_PX
    reach = int(np.ceil(farthest)) + 1
    for yy in range(max(int(y) - reach, 0), min(int(y) + reach + 2, light.shape[0])):
        for xx in range(max(int(x) - reach, 0), min(int(x) + reach + 2, light.shape[1])):
            value = light[yy, xx]
            r2 = (yy - y) ** 2 + (xx - x) ** 2
            if r2 >= (farthest + 0.5) ** 2 or not np.isfinite(value):
                continue
            n = 3 if r2 < FINE_PX**2 else 1
            share, size = value / F(n * n), 1.0 / n
            for j in range(n):
                dy = yy - y + (j + 0.5) * size - 0.5
                for i in range(n):
                    dx = xx - x + (i + 0.5) * size - 0.5
                    begins = np.sqrt(dy * dy + dx * dx) - 0.5 * size
                    first = max(int(np.ceil(begins / RING_PX)) - 1, 0)
                    # what lies within a radius grows along the width of the px; then all of it does
                    within = F(0)
                    for k in range(first, radii):
                        part = min((RING_PX * (k + 1) - begins) / size, 1.0)
                        out[k] += share * F(part) - within
                        within = share * F(part)
                        if part >= 1.0:
                            break
    for k in range(1, radii):
        out[k] += out[k - 1]


@njit(**INNER)
def _half_light(within: Array, total: float) -> float:
    """Radius that holds half of a light; NaN = beyond."""
    half, before = 0.5 * total, 0.0
    for k in range(within.size):
        if within[k] >= half:
            return float(RING_PX * (k + (half - before) / max(within[k] - before, 1e-30)))
        before = within[k]
    return float(np.nan)


@njit(**OPTIONS)
def sizes(picture: Array, level: Level, step: int, objects: Array, out: Array) -> None:
    """Radius that holds half of a flux, px of a picture whose px are `step` px of the level wide.

    Parameters
    ----------
    objects : (N, 4)
        x, y, within how many px it is sought, flux.
    """
    middle = 0.5 * (step - 1)
    for k in range(len(objects)):
        x, y, reach, flux = objects[k]
        within = np.empty(int(reach / RING_PX) + 1, np.float64)
        r = int(np.ceil(reach)) + 2
        y0, x0 = max(int(y) - r, 0), max(int(x) - r, 0)
        light = picture[y0 : int(y) + r + 2, x0 : int(x) + r + 2].copy()
        sky = np.empty(light.shape[1], np.float32)
        for j in range(len(light)):
            level_along(level, step * (y0 + j) + middle, step * x0 + middle, float(step), sky)
            for i in range(sky.size):
                light[j, i] -= sky[i]
        _light_within(light, y - y0, x - x0, within)
        out[k] = _half_light(within, flux)


@njit(**INNER)
def _window_size(sigma: float) -> int:
    """How many px a window of this σ takes along a side."""
    return 2 * int(np.ceil(REACH_SIGMA * sigma)) + 2


@njit(**INNER)
def _centre(light: Array, y: float, x: float, sigma: float, gauss: tuple[Array, Array]) -> tuple[float, float]:
    """Centroid under a Gaussian window that follows it (Bertin's XWIN); NaN = there is none.

    gauss : two arrays of `_window_size` float64 to work with.
    """
    reach = REACH_SIGMA * sigma
    gy, gx = gauss
    size = gy.size
    for _ in range(MAX_STEPS):
        top, left = int(np.ceil(y - reach)), int(np.ceil(x - reach))
        if not (top >= 0 and left >= 0 and y + reach <= light.shape[0] - 1 and x + reach <= light.shape[1] - 1):
            return np.nan, np.nan
        for k in range(size):
            gy[k] = np.exp(-((top + k - y) ** 2) / (2 * sigma**2))
            gx[k] = np.exp(-((left + k - x) ** 2) / (2 * sigma**2))
        total = sy = sx = 0.0
        for yy in range(top, int(y + reach) + 1):
            for xx in range(left, int(x + reach) + 1):
                dy, dx = yy - y, xx - x
                value = light[yy, xx]
                if dy * dy + dx * dx < reach * reach and np.isfinite(value):
                    weight = gy[yy - top] * gx[xx - left] * value
                    total += weight
                    sy += weight * dy
                    sx += weight * dx
        if total <= 0:
            return np.nan, np.nan
        y += 2 * sy / total
        x += 2 * sx / total
        if (2 * sy / total) ** 2 + (2 * sx / total) ** 2 < STEP_PX**2:
            break
    return y, x


@njit(**INNER)
def _core(light: Array, y: float, x: float, hfr: float) -> tuple[float, float]:
    """Highest px, and FWHM from the core: ln(value) against r² is a line of slope −4 ln 2 / FWHM².

    Least squares over px above `CORE` of the peak, weights value⁴: the noise asks for value², but the wings of a Moffat
    star bend the line, and with these it reads within 3 % too.
    """
    h, w = light.shape
    reach = int(np.ceil(1.5 * hfr)) + 1
    cx, cy = int(x + 0.5), int(y + 0.5)
    peak = F(0)
    for yy in range(max(cy - 1, 0), min(cy + 2, h)):
        for xx in range(max(cx - 1, 0), min(cx + 2, w)):
            peak = max(peak, light[yy, xx])
    s0 = sr = srr = sv = srv = 0.0
    n = 0
    for yy in range(max(cy - reach, 0), min(cy + reach + 1, h)):
        for xx in range(max(cx - reach, 0), min(cx + reach + 1, w)):
            v = light[yy, xx]
            if v > F(CORE) * peak:
                r2 = (xx - x) ** 2 + (yy - y) ** 2
                weight = float(v) ** 4
                log = np.log(v)
                s0 += weight
                sr += weight * r2
                srr += weight * r2 * r2
                sv += weight * log
                srv += weight * r2 * log
                n += 1
    spread = s0 * srr - sr * sr
    if n >= 4 and spread > 0:
        slope = (s0 * srv - sr * sv) / spread
        if slope < 0:
            return float(peak), float(np.sqrt(-4 * np.log(2.0) / slope))
    return float(peak), float(np.nan)


@njit(**INNER)
def _is_cut(light: Array, y: float, x: float, radius: float) -> bool:
    """Whether a star reaches into the edge of the frame or of what is covered: its place and its flux are off then."""
    reach = int(np.ceil(radius))
    for yy in range(int(y) - reach, int(y) + reach + 2):
        for xx in range(int(x) - reach, int(x) + reach + 2):
            if (yy - y) ** 2 + (xx - x) ** 2 <= radius**2 and not np.isfinite(light[yy, xx]):
                return True
    return False


@njit(**OPTIONS)
def measure_each(sensor: Sensor, level: Level, objects: Array, limits: tuple[float, float], out: Array) -> None:
    """Measure stars: out (N, 6) becomes x, y, flux, peak, FWHM, HFR; NaN = cut by an edge.

    Parameters
    ----------
    level : the sky's.
    objects : (N, 3)
        x, y, which are refined where the centroid stays near, and the half-light radius.
    limits : σ of the window of centroids, radius for fluxes.
    """
    sigma, aperture = limits
    farthest = 1.0 + 0.6 * sigma
    within = np.empty(int(aperture / RING_PX) + 1, np.float64)
    r = int(np.ceil(max(aperture, REACH_SIGMA * sigma) + farthest)) + 1
    light, sky = np.empty((2 * r + 1, 2 * r + 1), np.float32), np.empty(2 * r + 1, np.float32)
    data = np.empty((sensor[0].shape[0], light.shape[0] + 2 * MARGIN, light.shape[1] + 2 * MARGIN), np.float32)
    gauss = np.empty(_window_size(sigma)), np.empty(_window_size(sigma))
    for k in range(len(objects)):
        x, y, size = objects[k]
        y0, x0 = int(y + 0.5) - r, int(x + 0.5) - r
        _window(sensor, level, (y0, x0), data, sky, light)
        x, y = x - x0, y - y0
        cy, cx = _centre(light, y, x, sigma, gauss)
        if not (cy - y) ** 2 + (cx - x) ** 2 < farthest**2:
            cy, cx = y, x
        if _is_cut(light, cy, cx, aperture):
            out[k] = np.nan
            continue
        out[k, 0], out[k, 1] = cx + x0, cy + y0
        _light_within(light, cy, cx, within)
        at = aperture / RING_PX - 1
        j = int(at)
        out[k, 2] = within[j] + (at - j) * (within[j + 1] - within[j])
        out[k, 3], out[k, 4] = _core(light, cy, cx, size)
        out[k, 5] = _half_light(within, out[k, 2])
