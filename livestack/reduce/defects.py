"""Hot and cold px found without a dark: what stays on the sensor while the stars move over it.

A sub tells which of its px stand alone, sharper than any star that the optics draw. Several subs tell which of these
are the sensor's: a star can be sharp, too, but only where it is, and the dither carries it to another px.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.bands import BAND
from livestack.reduce.compile import INNER, OPTIONS, F
from livestack.reduce.fold import Light
from livestack.reduce.kernels import Sensor, calibrate
from livestack.reduce.starlight import FULL_SHARE, LIT_SIGMA, OFF_SIGMA, is_full, may_be_lit, stands_off

SPIKE_SIGMA = 5.0
ABOVE_SPREAD = 1.5
"""It stands off 7 of the 8 px of its colour around it by so many times the range of the middle six: 2.6 σ of noise."""
SHARP = 4.0
"""A spike is so many times higher than what stands beside it: a star of FWHM 1.5 px reaches 3.4 at the most."""
SEEN_SHARE = 0.5
"""A defect is a spike in so many of the subs: in the others a star lies over it."""
REACH_PX, REACH_CFA_PX = 1.0, 1.5
"""How far from a star's centre its light may be a spike: on a CFA, neighbours of one colour are two px apart."""
STEADY_REACH_PX = 0.5
"""And how far if it is as high in all subs: half a px on, a star sharp enough to be a spike has lost a fifth."""
STEADY_SHARE, STEADY_SIGMA, STEADY_CHANGE = 0.75, 3.5, 0.1
"""It is as high in all subs if so many of them lie within so many σ and such a share of it."""
BEYOND_SHARE = 1 / 6
"""So many of the subs, and two at least, show it where neither of two stars would: three on one px are no accident."""
MOST_SHARE = 0.01
"""A sub with more spikes than this share of its px is not understood, and tells nothing."""

_MARGIN = 5
"""Source px about a band: 3 for the level of a neighbour, 2 to fill a px that is known to be bad."""


@dataclass(frozen=True, slots=True)
class Lit:
    """Px of a sub that stand off what the px about them tell, where these differ.

    Attributes
    ----------
    px : ndarray of int32
        y · width + x, ascending.
    height : ndarray of float32
        By so much, ADU.
    sigmas : ndarray of float32
        And by so many σ.
    """

    px: Array
    height: Array
    sigmas: Array


@dataclass(frozen=True, slots=True)
class Spikes:
    """Px of a sub that stand alone.

    Attributes
    ----------
    px : ndarray of int32
        y · width + x, ascending.
    height : ndarray of float32
        Above the px of its colour around it, ADU; negative = below.
    noise_adu : float
        Of one px.
    lit : Lit, optional
        Px that stand off in the light of stars.
    """

    px: Array
    height: Array
    noise_adu: float
    lit: Lit | None = None


@njit(**INNER)
def _height(plane: Array, y: int, x: int, around: Array) -> float:
    """How far a px stands above the median of the 8 px around it at two px; these are left in `around`, ascending."""
    n = 0
    for yy in (y - 2, y, y + 2):
        for xx in (x - 2, x, x + 2):
            if yy != y or xx != x:
                v, q = plane[yy, xx], n
                while q > 0 and around[q - 1] > v:
                    around[q] = around[q - 1]
                    q -= 1
                around[q] = v
                n += 1
    height: float = plane[y, x] - F(0.5) * (around[3] + around[4])
    return height


@njit(**INNER)
def _spike(plane: Array, y: int, x: int, limit: float, around: Array) -> float:
    """Height of a px that stands alone: above (or below) 7 of 8 px of its colour and what is beside it; else 0."""
    height = _height(plane, y, x, around)
    v, sign = plane[y, x], np.sign(height)
    # in the light of a star or a nebula the noise is not that of the sky
    spread = F(ABOVE_SPREAD) * (around[6] - around[1])
    if not (v - around[6] if height > 0 else around[1] - v) > max(limit, spread):
        return 0.0
    # the second highest: a defect may have another one beside it
    highest = second = F(0)
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = sign * _height(plane, y + dy, x + dx, around)
        if beside > highest:
            highest, second = beside, highest
        elif beside > second:
            second = beside
    return height if sign * height - F(SHARP) * second > limit else 0.0


@njit(**INNER)
def _may_be_spikes(plane: Array, y: int, limit: float, out: Array) -> None:
    """Px of a row that differ enough from those to the left or right, and above or below: next to none do."""
    above, row, below = plane[y - 2], plane[y], plane[y + 2]
    for x in range(out.size):
        v = row[x + _MARGIN]
        left, right, up, down = row[x + _MARGIN - 2], row[x + _MARGIN + 2], above[x + _MARGIN], below[x + _MARGIN]
        hot = (v - min(left, right) > limit) & (v - min(up, down) > limit)
        cold = (max(left, right) - v > limit) & (max(up, down) - v > limit)
        out[x] = hot | cold


@njit(**INNER)
def _beside_full(sensor: Sensor, place: tuple[int, int, int], full: float) -> bool:
    """Whether a px about one (plane, y, x) is full."""
    p, y, x = place
    if sensor[5].shape[0] > 0:
        return bool(is_full(sensor[5][p], y, x, full))
    return bool(is_full(sensor[0][p], y, x, full))


@njit(**OPTIONS)
def _spikes_band(
    sensor: Sensor,
    levels: tuple[float, float],
    y0: int,
    y1: int,
    found: tuple[Array, Array],
    lit: tuple[Array, Array, Array],
) -> tuple[int, int]:
    """Spikes of sensor rows y0…y1 into px and height of `found`, what stands off in star light into `lit`.

    levels: noise of one px, ADU, and from which raw value on a px is full. Returns how many there are of each.
    """
    noise = levels[0]
    limit, lit_limit, step = F(SPIKE_SIGMA * noise), F(LIT_SIGMA * noise), 2 if sensor[4].shape[0] > 0 else 1
    planes, _, width = sensor[0].shape
    data = np.empty((planes, y1 - y0 + 2 * _MARGIN, width + 2 * _MARGIN), np.float32)
    calibrate(sensor, y0 - _MARGIN, -_MARGIN, data)
    around, candidate = np.empty(8, np.float32), np.empty(width, np.bool_)
    n = n_lit = 0
    for y in range(_MARGIN, _MARGIN + y1 - y0):
        yy = y0 + y - _MARGIN
        for p in range(planes):
            _may_be_spikes(data[p], y, limit, candidate)
            for x in range(width):
                if candidate[x] and n < found[0].size:
                    height = _spike(data[p], y, x + _MARGIN, limit, around)
                    if height != 0:
                        found[0][n], found[1][n] = yy * width + x, height
                        n += 1
            may_be_lit(data[p], y, _MARGIN, step, lit_limit, candidate)
            for x in range(width):
                if candidate[x] and n_lit < lit[0].size:
                    if _beside_full(sensor, (p, yy, x), levels[1]):
                        continue
                    height, sigmas = stands_off(data[p], (y, x + _MARGIN), (yy, x), sensor[4], noise)
                    if np.abs(sigmas) > F(OFF_SIGMA):
                        lit[0][n_lit], lit[1][n_lit], lit[2][n_lit] = yy * width + x, height, sigmas
                        n_lit += 1
    return n, n_lit


def spikes_of(light: Light, noise_adu: float, threads: Executor | None) -> Spikes:
    """Px of a sub that stand alone.

    Parameters
    ----------
    noise_adu : float
        Noise of one px of the sub.
    """
    _, height, width = light.sensor[0].shape
    nothing = np.zeros(0, np.int32), np.zeros(0, np.float32)
    if light.sensor[4].shape[0] > 2 or noise_adu <= 0:
        # on X-Trans no px two away is of one colour with this one everywhere
        return Spikes(*nothing, noise_adu)
    px = light.sensor[5] if light.sensor[5].size else light.sensor[0]
    full = FULL_SHARE * float(np.max(px, initial=0, where=np.isfinite(px) if px.dtype.kind == "f" else True))

    def band(y0: int) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
        y1 = min(y0 + BAND, height)
        most = int(4 * MOST_SHARE * (y1 - y0) * width) + 16
        found = np.empty(most, np.int32), np.empty(most, np.float32)
        lit = np.empty(most, np.int32), np.empty(most, np.float32), np.empty(most, np.float32)
        n, n_lit = _spikes_band(light.sensor, (noise_adu, full), y0, y1, found, lit)
        return (found[0][:n], found[1][:n]), (lit[0][:n_lit], lit[1][:n_lit], lit[2][:n_lit])

    bands = range(0, height, BAND)
    bands_found = list(threads.map(band, bands) if threads else map(band, bands))
    px, heights = _joined([found for found, _ in bands_found])
    lit_px, lit_heights, sigmas = _joined([lit for _, lit in bands_found])
    if len(px) > MOST_SHARE * height * width:
        return Spikes(*nothing, noise_adu)
    if light.sensor[0].shape[0] > 1:
        return Spikes(px, heights, noise_adu)
    return Spikes(px, heights, noise_adu, Lit(lit_px, lit_heights, sigmas))


def _joined(bands: list[tuple[Array, ...]]) -> tuple[Array, ...]:
    """Px of all bands, ascending and each once, with what goes with them."""
    px, *values = (np.concatenate(arrays) for arrays in zip(*bands, strict=True))
    px, first = np.unique(px, return_index=True)
    return px, *(array[first] for array in values)


@njit(**OPTIONS)
def beyond_two_stars(places: Array, seen: Array, reach: float) -> int:
    """In how many subs a spike shows where neither of two stars would make it, however they lie.

    Parameters
    ----------
    places : (n, 2) where the px lies on the grid in each sub.
    seen : (n,) whether it is a spike there.
    """
    n = seen.size
    left = seen.copy()
    for _ in range(2):
        best, cx, cy = 0, 0.0, 0.0
        for i in range(n):
            for j in range(i, n):
                if left[i] and left[j]:
                    mx, my = (places[i, 0] + places[j, 0]) / 2, (places[i, 1] + places[j, 1]) / 2
                    count = 0
                    for m in range(n):
                        count += left[m] and np.hypot(places[m, 0] - mx, places[m, 1] - my) <= reach
                    if count > best:
                        best, cx, cy = count, mx, my
        for m in range(n):
            left[m] &= np.hypot(places[m, 0] - cx, places[m, 1] - cy) > reach
    return int(left.sum())


@njit(**INNER)
def _is_steady(heights: Array, noise: Array) -> bool:
    """Whether most heights (n,) of a spike are one, but for the noise (n,) of its px."""
    ordered = np.sort(heights)
    most = int(np.ceil(STEADY_SHARE * heights.size))
    middle = abs(np.median(heights))
    limit = STEADY_SIGMA * np.median(noise) + STEADY_CHANGE * middle
    narrowest = np.inf
    for k in range(heights.size - most + 1):
        narrowest = min(narrowest, ordered[k + most - 1] - ordered[k])
    return bool(narrowest <= limit)


@njit(**OPTIONS)
def _stays(places: Array, heights: Array, noise: Array, reach: float, least: int, out: Array) -> None:
    """Whether each spike stays on the sensor while the sky moves.

    Parameters
    ----------
    places : (n, N, 2), px of the grid.
    heights : (n, N), ADU; 0 = no spike in this sub.
    noise : (n,) of one px of each sub, ADU.
    """
    for k in range(out.size):
        seen = heights[:, k] != 0
        here = places[:, k].copy()
        out[k] = beyond_two_stars(here, seen, reach) >= least
        if not out[k] and _is_steady(heights[:, k][seen], noise[seen]):
            out[k] = beyond_two_stars(here, seen, STEADY_REACH_PX) >= least


def defects_of(found: list[Spikes], matrices: list[Array], width: int, *, is_cfa: bool) -> Array:
    """Hot and cold px of a sensor, from the spikes of its subs.

    Parameters
    ----------
    found : list of Spikes
    matrices : list of ndarray
        (3, 3), sub → grid, of each sub.
    width : int
        Px in a row of the sensor.

    Returns
    -------
    ndarray of int32
        y · width + x, ascending; none without a dither that carries a star off its px.
    """
    reach = REACH_CFA_PX if is_cfa else REACH_PX
    least = max(math.ceil(BEYOND_SHARE * len(found)), 2)
    noise = np.array([each.noise_adu for each in found])
    px, heights = often([(each.px, each.height) for each in found])
    places = places_of(px, matrices, width)
    stays = np.empty(len(px), np.bool_)
    _stays(places, heights, noise, reach, least, stays)
    return px[stays].astype(np.int32)


def often(found: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Px that half the subs show, and their heights (n, N), of one sign; 0 = not shown."""
    n = len(found)
    px, counts = np.unique(np.concatenate([px for px, _ in found]), return_counts=True)
    px = px[counts >= math.ceil(SEEN_SHARE * n)]
    heights = np.zeros((n, len(px)))
    for row, (each, height) in zip(heights, found, strict=True):
        _, mine, there = np.intersect1d(px, each, assume_unique=True, return_indices=True)
        row[mine] = height[there]
    # a px that is bright in some subs and dark in others is noise
    hot = (heights > 0).sum(axis=0) >= (heights < 0).sum(axis=0)
    heights[(heights > 0) != hot] = 0
    return px, heights


def places_of(px: Array, matrices: list[Array], width: int) -> Array:
    """Where px lie on the grid in each sub, (n, N, 2)."""
    at = np.stack([px % width, px // width, np.ones(len(px))]).astype(np.float64)
    on_grid = [matrix @ at for matrix in matrices]
    return np.stack([(xyw[:2] / xyw[2]).T for xyw in on_grid])
