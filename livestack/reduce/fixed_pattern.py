"""Fixed pattern: the part of a sub's grain that the sensor draws the same way each time.

Two subs of one sensor differ by the noise of light and electronics alone; what they share is pattern. It is what
masters are to take away, and what they bring in where they are noisy themselves. The more places of the sky a px of the
sensor sees, the better a stack averages it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from livestack.frame import Array, Frame, Masters
from livestack.reduce.combine import scatter
from livestack.reduce.proof import colour_planes
from livestack.reduce.sensor import colours_of, mask_of

STRIP = 32
MOST_PX = 500_000
"""Px of each colour that are looked at: a share of two thousandths of the variance is told from none."""
STAR_SIGMA = 3.0
BLOCK = 32
PLACES = ((0.5, 0.5), (0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))
"""Of the frame: where it turns, its middle stays."""
MOST_PAIRED = 500
"""Subs of which every pair is looked at; of more, so many tell of all."""


def pair_noise(first: Frame, second: Frame, masters: Masters) -> dict[str, float]:
    """Measure the grain of two subs, and how much of it they do not share, before and after calibration.

    Parameters
    ----------
    first, second : Frame
        Raw, of one size and CFA; the sky in them may have moved or not.

    Returns
    -------
    dict
        sub_adu: noise of one px of a calibrated sub, mean over the colours; random_adu: what differs from sub to sub of
        it. raw_sub_adu, raw_random_adu: the same without calibration, if there is any. Empty where there is no sky.
    """
    cfa, hot = first.header.cfa, mask_of(masters.hot, first.data.shape[:2])
    found: dict[str, list[tuple[float, float]]] = {"": []}
    if masters.pedestal is not None or masters.gain is not None:
        found["raw_"] = []
    for rows in _strips(first):
        pair = [frame.data[rows].astype(np.float32) for frame in (first, second)]
        if "raw_" in found:
            found["raw_"].append(_of_strip(pair, hot[rows], cfa))
            pair = [_calibrated(data, masters, rows) for data in pair]
        found[""].append(_of_strip(pair, hot[rows], cfa))
    return {
        prefix + name: round(value, 5)
        for prefix, variances in found.items()
        for name, value in _told(np.array(variances)).items()
    }


def _strips(frame: Frame) -> list[slice]:
    """Rows of a sensor that are looked at: strips of whole cells, from its first to its last."""
    height, width = frame.data.shape[:2]
    side = (len(colours_of(frame.header.cfa)) if frame.data.ndim == 2 else 0) or 1
    cells = min(STRIP, height // side)
    n = max(1, min(MOST_PX * side // max(cells * width, 1), height // max(side * cells, 1)))
    tops = np.linspace(0, height // side - cells, n).astype(int) * side
    return [slice(top, top + cells * side) for top in tops.tolist()]


def _calibrated(data: Array, masters: Masters, rows: slice) -> Array:
    if masters.pedestal is not None:
        data = data - masters.pedestal[rows]
    if masters.gain is not None:
        data = data * masters.gain[rows]
    return data


def _told(variances: Array) -> dict[str, float]:
    of_sky = variances[np.isfinite(variances).all(axis=1)]
    if not len(of_sky) or not of_sky[:, 1].any():
        return {}
    sub, random = np.mean(of_sky, axis=0)
    # two measurements of one thing: the part cannot be larger than the whole
    return {"sub_adu": math.sqrt(max(sub, random)), "random_adu": math.sqrt(random)}


def _of_strip(pair: list[Array], marked: Array, cfa: str | None) -> tuple[float, float]:
    """Variance of a px of two subs, mean over the colours, and of what differs between them; NaN without any sky."""
    blank = ~np.isfinite(pair[0]) | ~np.isfinite(pair[1])
    blank |= marked if blank.ndim == 2 else marked[..., None]
    found = []
    for first, second, out in zip(*(colour_planes(data, cfa) for data in (*pair, blank)), strict=True):
        planes = [np.ascontiguousarray(np.nan_to_num(plane), np.float32) for plane in (first, second)]
        keep = _is_sky(planes[0] + planes[1], out)
        one, other, differing = (_variance(plane, keep) for plane in (*planes, planes[0] - planes[1]))
        found.append(((one + other) / 2, differing / 2))
    sub, random = np.mean(found, axis=0)
    return float(sub), float(random)


def _is_sky(strip: Array, blank: Array) -> Array:
    """Px of a strip with no star, nebula or defect over or beside them."""
    smooth = cv2.blur(strip, (5, 5))
    width = strip.shape[1]
    middles = np.arange(BLOCK // 2, max(width - BLOCK // 2, BLOCK // 2 + 1), BLOCK)
    levels = [np.median(smooth[:, x - BLOCK // 2 : x + BLOCK // 2]) for x in middles]
    above = smooth - np.interp(np.arange(width), middles, levels).astype(np.float32)
    sigma = 1.4826 * float(np.median(np.abs(above)))
    star = cv2.dilate((above > STAR_SIGMA * sigma).astype(np.uint8), np.ones((5, 5), np.uint8))
    defect = cv2.dilate(blank.astype(np.uint8), np.ones((3, 3), np.uint8))
    sky: Array = (star == 0) & (defect == 0)
    return sky


def _variance(strip: Array, keep: Array) -> float:
    """Variance of a px against the four at its corners: it sees rows and columns as well as single px, no gradient."""
    middle, usable = np.s_[1:-1, 1:-1], keep[1:-1, 1:-1].copy()
    corners = [np.s_[y, x] for y in (np.s_[:-2], np.s_[2:]) for x in (np.s_[:-2], np.s_[2:])]
    for corner in corners:
        usable &= keep[corner]
    if not usable.any():
        return math.nan
    about = strip[corners[0]] + strip[corners[1]] + strip[corners[2]] + strip[corners[3]]
    return scatter((strip[middle] - 0.25 * about)[usable]) ** 2 / 1.25


def places_seen(matrices: Array, weights: Array, size: tuple[int, int]) -> float:
    """Over how many px of the sky a stack spreads each px of the sensor: what it divides the pattern's variance by.

    A pattern that is white on the sensor keeps Σᵢⱼ wᵢ wⱼ ρᵢⱼ of its variance, where ρ is the share of a px that two
    subs have in common: 1 without dither, 1/n with n places that lie a px or more apart.

    Parameters
    ----------
    matrices : (N, 3, 3)
        Sub → grid.
    weights : (N,)
    size : tuple of int
        (H, W) of a sub, px.
    """
    share = weights / weights.sum()
    height, width = size
    corners = np.array([[x * width, y * height, 1.0] for x, y in PLACES])
    moved = np.einsum("nij,pj->pni", matrices, corners)
    alone = float((share**2).sum())
    if len(share) < 2:
        return 1 / alone
    some = np.unique(np.linspace(0, len(share) - 1, MOST_PAIRED).astype(int)) if len(share) > MOST_PAIRED else ...
    at, mine = moved[:, some, :2] / moved[:, some, 2:], share[some]
    common = np.ones((len(mine), len(mine)))
    overlap = np.zeros_like(common)
    for place in at:
        for axis in range(2):
            common *= np.maximum(1 - np.abs(place[:, None, axis] - place[None, :, axis]), 0)
        overlap += common / len(at)
        common[:] = 1
    pairs = np.outer(mine, mine)
    np.fill_diagonal(pairs, 0)
    return 1 / (alone + (1 - alone) * float((pairs * overlap).sum() / pairs.sum()))
