"""Stars, sky and noise of a calibrated frame. Stars are found once; registration takes the list, never pixels."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import sep
from numba import njit

from livestack.frame import STAR_DTYPE, Array, Frame, Masters, Quality
from livestack.reduce import kernels, xtrans
from livestack.reduce.compile import OPTIONS, F
from livestack.reduce.filling import fill
from livestack.reduce.sensor import colours_of, sensor_of

THRESHOLD_SIGMA = 4.0
MIN_AREA_PX = 5
MAX_STARS = 3000
LARGE_PX = 8_000_000
"""Frames with more px than this are binned 2 × 2 to find stars; positions are always measured at full resolution."""
HOT_RATIO = 5.0
"""Peak over the mean of its 8 neighbours: stars stay below 3.4 for FWHM ≥ 1.6 px, hot px lie above 50."""
SHARPEST = 12.0
"""Where most of what was found is sharper than stars of FWHM 1 px, it is hot px: a cap on, or nothing but cloud."""
MAX_ELONGATION_RATIO = 2.0
"""A detection so many times more elongated than the typical one is a piece of a trail or two stars."""

CORE = 0.3
APERTURE_HFR = 3.5
"""Radius for fluxes: follows the seeing, so that seeing does not read as cloud, and lets few neighbours in."""
WIDEST = 3.0
"""So many times larger than the typical one is no star."""
CFA_WIDENING_PX2 = 2.1
"""FWHM² that the 2 × 2 mean of a CFA adds: 1.4 by its second moment, up to 2.7 where a Moffat star has its peak."""
XTRANS_WIDENING_PX2 = 0.6
"""As much as interpolation adds to FWHM² of stars of 2.5 to 3.5 px; half the light it leaves where it is."""

SMALL_PX, PIXEL_STACK = 300_000, 3_000_000
"""A search holds at most so many px at a time, and touches memory for all of them: a small frame needs no more than it
has, which is sep's own bound."""


@njit(**OPTIONS)
def _luminance(planes: Array, is_cfa: bool, out: Array) -> None:
    """Mean over colours at full resolution: for a CFA the 2 × 2 px from here on, so centred half a px further."""
    channels, h, w = planes.shape
    for y in range(h):
        below = min(y + 1, h - 1)
        for x in range(w):
            if is_cfa:
                right = min(x + 1, w - 1)
                out[y, x] = F(0.25) * (
                    planes[0, y, x] + planes[0, y, right] + planes[0, below, x] + planes[0, below, right]
                )
            else:
                total = planes[0, y, x]
                for c in range(1, channels):
                    total += planes[c, y, x]
                out[y, x] = total / F(channels)


@njit(**OPTIONS)
def _sharpness(planes: Array, x: Array, y: Array, sky: float, out: Array) -> None:
    """Peak / mean of its 8 neighbours on the raw lattice, the peak sought within 1 px (2 px span for a CFA)."""
    _, h, w = planes.shape
    for k in range(x.size):
        best, by, bx = F(-1e30), 0, 0
        for yy in range(max(int(y[k]) - 1, 1), min(int(y[k]) + 3, h - 1)):
            for xx in range(max(int(x[k]) - 1, 1), min(int(x[k]) + 3, w - 1)):
                if planes[0, yy, xx] > best:
                    best, by, bx = planes[0, yy, xx], yy, xx
        total = F(0)
        for yy in range(by - 1, by + 2):
            for xx in range(bx - 1, bx + 2):
                if yy != by or xx != bx:
                    total += planes[0, min(max(yy, 0), h - 1), min(max(xx, 0), w - 1)] - F(sky)
        peak = best - F(sky)
        out[k] = peak / max(total / F(8), peak * F(1e-3)) if peak > 0 else F(0)


@njit(**OPTIONS)
def _cores(data: Array, x: Array, y: Array, hfr: Array, fwhm: Array, peaks: Array) -> None:
    """Highest px, and FWHM from the core: ln(value) against r² is a line of slope −4 ln 2 / FWHM².

    Least squares over px above `CORE` of the peak, weights value⁴: the noise asks for value², but the wings of a Moffat
    star bend the line, and with these it reads within 3 % too.
    """
    h, w = data.shape
    for k in range(x.size):
        reach = int(np.ceil(1.5 * hfr[k])) + 1
        cx, cy = int(x[k] + 0.5), int(y[k] + 0.5)
        peak = F(0)
        for yy in range(max(cy - 1, 0), min(cy + 2, h)):
            for xx in range(max(cx - 1, 0), min(cx + 2, w)):
                peak = max(peak, data[yy, xx])
        s0 = sr = srr = sv = srv = 0.0
        n = 0
        for yy in range(max(cy - reach, 0), min(cy + reach + 1, h)):
            for xx in range(max(cx - reach, 0), min(cx + reach + 1, w)):
                v = data[yy, xx]
                if v > F(CORE) * peak:
                    r2 = (xx - x[k]) ** 2 + (yy - y[k]) ** 2
                    weight = float(v) ** 4
                    log = np.log(v)
                    s0 += weight
                    sr += weight * r2
                    srr += weight * r2 * r2
                    sv += weight * log
                    srv += weight * r2 * log
                    n += 1
        spread = s0 * srr - sr * sr
        peaks[k], fwhm[k] = peak, np.nan
        if n >= 4 and spread > 0:
            slope = (s0 * srv - sr * sv) / spread
            if slope < 0:
                fwhm[k] = np.sqrt(-4 * np.log(2.0) / slope)


@njit(**OPTIONS)
def _second_differences(plane: Array, step: int, stride: int, out: Array) -> int:
    """Values of the 3 × 3 mask (1 −2 1; −2 4 −2; 1 −2 1) at same-colour distance `step`, every `stride` px."""
    h, w = plane.shape
    n = 0
    for y in range(step, h - step, stride):
        u, m, d = plane[y - step], plane[y], plane[y + step]
        for x in range(step, w - step, stride):
            v = (
                u[x - step]
                + u[x + step]
                + d[x - step]
                + d[x + step]
                - F(2) * (u[x] + d[x] + m[x - step] + m[x + step])
                + F(4) * m[x]
            )
            if np.isfinite(v) and n < out.size:
                out[n] = v
                n += 1
    return n


def noise_of(plane: Array, *, cell: int) -> float:
    """Noise of one px, ADU, stars and gradients cancelled: robust spread of second differences / 6 (Immerkær 1996).

    cell: side of the CFA's cell, px, or 1: what is compared is of one colour.
    """
    h, w = plane.shape
    stride = max(1, int(np.sqrt(h * w / 400_000))) | 1
    if stride % 3 == 0 and cell % 3 == 0:
        stride += 2  # every place in the cell has its turn
    values = np.empty((h // stride + 1) * (w // stride + 1), np.float32)
    n = _second_differences(plane, cell, stride, values)
    if n == 0:
        return float("nan")
    kept = values[:n].astype(np.float64)
    spread = 1.4826 * float(np.median(np.abs(kept)))
    # a MAD of whole ADU comes in steps: finish with the rms inside 3 σ, whose variance is 0.9733 of a Gaussian's
    for _ in range(3):
        inside = kept[np.abs(kept) <= 3 * spread]
        if spread > 0 and len(inside):
            spread = math.sqrt(float((inside**2).mean()) / 0.9733)
    return spread / 6.0


def calibrated(frame: Frame, masters: Masters) -> Array:
    """Calibrated and repaired px, (P, H, W) float32, not debayered; NaN where nothing can be said."""
    sensor = sensor_of(frame, masters)
    out = np.empty(sensor[0].shape, np.float32)
    holed = np.empty(out.shape[1], np.uint8)
    kernels.load(sensor, 0, 0, out, holed)
    fill(out, holed, sensor[4], 0, 0)
    return out


def measure(frame: Frame, masters: Masters) -> tuple[Array, Quality]:
    """Find and measure the stars of a frame.

    Returns
    -------
    stars : structured ndarray (N,) of `STAR_DTYPE`
        Brightest first; px of the full frame.
    quality : Quality
    """
    planes = calibrated(frame, masters)
    colours = colours_of(frame.header.cfa)
    if len(colours) == xtrans.CELL:
        luminance = kernels.whole_luminance(planes, colours, 0, 0)
    else:
        luminance = np.empty(planes.shape[1:], np.float32)
        _luminance(planes, len(colours) > 0, luminance)
    stars, sky = _search(luminance, planes)
    if len(colours) == xtrans.CELL:
        stars["fwhm"] = np.sqrt(np.maximum(stars["fwhm"] ** 2 - XTRANS_WIDENING_PX2, 0.5))
    elif len(colours):
        stars["x"] += 0.5
        stars["y"] += 0.5
        # half the FWHM holds half the light of a Gaussian: the same widening, a quarter as large
        stars["fwhm"] = np.sqrt(np.maximum(stars["fwhm"] ** 2 - CFA_WIDENING_PX2, 0.5))
        stars["hfr"] = np.sqrt(np.maximum(stars["hfr"] ** 2 - CFA_WIDENING_PX2 / 4, 0.1))
    return stars, _quality(stars, sky, noise_of(planes[0], cell=max(len(colours), 1)))


def measure_stack(mean: Array, coverage: Array, cfa: str | None) -> Array:
    """Stars of a stack where a third of its subs or more cover: fluxes as in its subs, at the stack's scale.

    Parameters
    ----------
    mean, coverage : (C, H, W)
    cfa : str, optional
        Pattern of the subs: with one, a channel counts as often as it has px.

    Returns
    -------
    structured ndarray (N,) of `STAR_DTYPE`
        Brightest first, grid px.
    """
    shares = np.array([0.25, 0.5, 0.25] if cfa else [1 / len(mean)] * len(mean), np.float32)
    luminance = np.zeros(mean.shape[1:], np.float32)
    for share, plane in zip(shares, mean, strict=True):
        luminance += share * plane
    covered = coverage.min(axis=0)
    luminance[covered * 3 < int(covered.max())] = np.nan
    return _search(luminance, luminance[None].copy())[0]


def _search(luminance: Array, planes: Array) -> tuple[Array, float]:
    """Stars, brightest first, in px of `luminance`, whose bad px are filled, and the level of its sky."""
    bad = ~np.isfinite(luminance)
    sky = float(np.median(luminance[~bad][::7])) if not bad.all() else 0.0
    if bad.any():
        luminance[bad] = sky
    background = sep.Background(luminance, mask=bad if bad.any() else None, bw=64, bh=64)
    data = luminance - background.back()
    data[bad] = 0
    found, rms = _detect(data, float(background.globalrms), bad)
    stars = _stars(data, bad, found, rms, planes, sky)
    return stars[np.lexsort((stars["x"], stars["y"], -stars["flux"]))][:MAX_STARS], sky


def _detect(data: Array, rms: float, bad: Array) -> tuple[Array, float]:
    """Objects above the threshold, in px of `data`; a field too dense for the buffers is searched less deep."""
    large = data.size > LARGE_PX
    h, w = data.shape[0] // 2 * 2, data.shape[1] // 2 * 2
    search = data[:h, :w].reshape(h // 2, 2, w // 2, 2).mean(axis=(1, 3)) if large else data
    mask = None if large or not bad.any() else bad
    threshold = THRESHOLD_SIGMA * max(rms * (0.6 if large else 1.0), 1e-6)
    if search.size > SMALL_PX:
        sep.set_extract_pixstack(PIXEL_STACK)
    for _ in range(4):
        try:
            found = sep.extract(search, threshold, minarea=MIN_AREA_PX, mask=mask, deblend_cont=0.005)
            break
        except Exception as error:
            if "buffer" not in str(error) and "overflow" not in str(error):
                raise
            threshold *= 3
    else:
        found = sep.extract(np.zeros((8, 8), np.float32), 1.0)
    if large:
        for name in ("x", "y"):
            found[name] = 2 * found[name] + 0.5
        for name in ("a", "b"):
            found[name] *= 2
        # a binned px is the mean of four
        found["flux"] *= 4
    return found, rms


def _stars(data: Array, bad: Array, found: Array, rms: float, planes: Array, sky: float) -> Array:
    """Measure objects and keep those that are stars: inside, round enough, larger than one hot px."""
    h, w = data.shape
    keep = (found["x"] > 4) & (found["x"] < w - 5) & (found["y"] > 4) & (found["y"] < h - 5) & (found["b"] > 0)
    found = found[keep]
    if not len(found):
        return np.zeros(0, STAR_DTYPE)
    sharp = np.empty(len(found), np.float32)
    _sharpness(planes, found["x"], found["y"], sky, sharp)
    elongation = found["a"] / found["b"]
    # relative limits: an undersampled frame has sharp stars, a badly guided one long stars
    usual = float(np.percentile(sharp, 25))
    keep = sharp <= (max(HOT_RATIO, 2.5 * usual) if usual < SHARPEST else HOT_RATIO)
    keep &= elongation <= MAX_ELONGATION_RATIO * float(np.median(elongation))
    keep &= found["a"] <= 6 * float(np.median(found["a"]))
    found, elongation = found[keep], elongation[keep]
    if not len(found):
        return np.zeros(0, STAR_DTYPE)
    x, y = found["x"].astype(np.float64), found["y"].astype(np.float64)
    size, _ = sep.flux_radius(data, x, y, 6.0 * found["a"], 0.5, normflux=found["flux"], subpix=5)
    typical_size = float(np.clip(np.median(size[np.isfinite(size)]), 0.5, 50)) if np.isfinite(size).any() else 1.0
    size = np.where(np.isfinite(size) & (size > 0), size, typical_size)
    wx, wy, flag = sep.winpos(data, x, y, 2.0 / 2.35 * np.full(len(x), max(typical_size, 0.6)))
    moved = (flag != 0) | ~(np.hypot(wx - x, wy - y) < 2 + typical_size)
    x, y = np.where(moved, x, wx), np.where(moved, y, wy)
    fwhm, peak = np.empty(len(x)), np.empty(len(x))
    _cores(data, x, y, size, fwhm, peak)
    fwhm = np.where(np.isfinite(fwhm), fwhm, 2 * size)
    # what is above the threshold of a faint star is its core alone: the aperture follows the bright ones
    bright = _brightest(found["flux"])
    # the lights of an aircraft, out of focus and brighter than any star, are none
    bright = bright[size[bright] <= max(WIDEST * typical_size, float(size[bright].min()))]
    aperture = APERTURE_HFR * float(np.clip(np.median(size[bright]), 0.5, 50))
    flux, error, _ = sep.sum_circle(data, x, y, aperture, err=rms, subpix=5)
    hfr, _ = sep.flux_radius(data, x, y, np.full(len(x), 1.5 * aperture), 0.5, normflux=flux, subpix=5)
    hfr = np.where(np.isfinite(hfr) & (hfr > 0), hfr, size)
    stars = np.zeros(len(x), STAR_DTYPE)
    values: dict[str, Any] = {
        "x": x,
        "y": y,
        "flux": flux,
        "peak": peak,
        "hfr": hfr,
        "elongation": elongation,
        "fwhm": fwhm,
        "eccentricity": np.sqrt(np.maximum(1 - 1 / elongation**2, 0)),
        "snr": flux / np.maximum(error, 1e-9),
    }
    for name, value in values.items():
        stars[name] = value
    good = (stars["flux"] > 0) & np.isfinite(stars["x"]) & np.isfinite(stars["y"])
    whole: Array = stars[good & ~_is_cut(bad, x, y, aperture)]
    return whole


def _is_cut(bad: Array, x: Array, y: Array, radius: float) -> Array:
    """Whether a star reaches into the edge of the frame or of what is covered: its place and its flux are off then."""
    h, w = bad.shape
    cut = (x < radius) | (y < radius) | (x > w - 1 - radius) | (y > h - 1 - radius)
    if bad.any():
        cut |= sep.sum_circle(bad.astype(np.float32), x, y, radius, subpix=1)[0] > 0
    return np.asarray(cut)


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
