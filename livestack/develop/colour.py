"""What colour is: a sky without any, white stars, and as much of it as one likes."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from livestack.develop.background import Surface
from livestack.develop.kernels import less_green, saturate_rows
from livestack.develop.plate import PX_ROWS, Plate, smaller
from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part

MOST_STARS, FEWEST_STARS = 400, 12
BRIGHT, MOST_OF_PEAK = 20.0, 0.5
"""Stars by which white is told rise so many σ above the grain, and to less than this share of the brightest."""
INNER, OUTER = 3, 7
"""Half sides of the squares in which a star is summed up, and about which its surroundings are."""
AROUND, SEEN_ROWS = 25, 135
"""Side of the square of px that surrounds a star when it is looked for, and rows that are looked at in one go."""
POINTED = 0.6
"""Stars hold so much of the share of light that the sharp ones hold in their middle 3 × 3 px."""
WHITE_BY = ("stars", "gray", "camera", "catalogue")
NEAR_PX, MOST_KNOWN = 3.0, 4000
"""A star of a catalogue is the one that is seen so near; so many of them are looked for."""
LIKE_THE_SUN = 0.6
"""Stars as much bluer or redder than the sun, mag, have the most say in what colour it would have."""
SAMPLED_PX, CUT, MOST_CUTS = 30_000, 2.0, 20
"""The sky is told from so many px; what is brighter than so many σ is cut off, again and again."""


@dataclass(frozen=True, slots=True)
class Neutralise:
    """Give the sky of all channels the level 0."""

    name: ClassVar[str] = "neutralise"

    def settle(self, plate: Plate, threads: Executor | None = None) -> Surface:
        """Tell the level of the sky of each channel."""
        skies = each_part(len(plate.data), 1, threads, lambda c, _: sky_of(plate.data[c]))
        return Surface(tuple(((sky,),) for sky in skies), (1.0,) * len(skies))


def sky_of(plane: Array) -> float:
    """Level of the sky of a plane (H, W): the middle of its px without what is brighter, for light only adds."""
    step = math.ceil(math.sqrt(plane.size / SAMPLED_PX))
    ordered = np.sort(plane[::step, ::step], axis=None)
    n = int(np.isfinite(ordered).sum())
    if not n:
        return 0.0
    for _ in range(MOST_CUTS):
        middle = float(ordered[n // 2])
        sigma = middle - float(ordered[int(0.1587 * n)])
        now = int(np.searchsorted(ordered[:n], middle + CUT * sigma, "right"))
        if now == n:
            break
        n = now
    return float(ordered[n // 2])


@dataclass(frozen=True, slots=True)
class WhiteBalance:
    """Make what is white white.

    Attributes
    ----------
    by : str
        stars: the typical star is white; gray: all light together is; camera: daylight is, as its maker measured it;
        catalogue: a star like the sun is, as stars of known colours tell; where they cannot, as by stars.
    """

    name: ClassVar[str] = "white balance"
    by: str = "stars"

    def __post_init__(self) -> None:
        if self.by not in WHITE_BY:
            raise SettingsError(f"white balance: by is one of {', '.join(WHITE_BY)}, not {self.by}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Surface:
        """Tell a factor for each channel; ones for mono and where stars are few.

        Raises
        ------
        SettingsError
            By camera, of which the stack says nothing.
        """
        if len(plate.data) != 3:
            return _multiplied(np.ones(len(plate.data)))
        if self.by == "camera":
            if plate.daylight is None:
                raise SettingsError("white balance: the stack does not know its camera's daylight; take by stars")
            return _multiplied(np.array(plate.daylight) / np.mean(plate.daylight))
        if self.by == "catalogue":
            solar, n = solar_colour(plate, threads)
            if solar is not None:
                return _multiplied(_gains(solar), f"a star like the sun is white, by {n} stars of the catalogue")
        colour = _all_light(plate) if self.by == "gray" else star_colour(plate, threads)
        told_by = f"by stars, for of the catalogue only {n} were found" if self.by == "catalogue" else ""
        return _multiplied(np.ones(3) if colour is None else _gains(colour), told_by)


def _gains(colour: Array) -> Array:
    """Return what makes a colour white."""
    return np.asarray(np.clip(colour.mean() / colour, 0.25, 4.0))


def _multiplied(gains: Array, told_by: str = "") -> Surface:
    return Surface((((0.0,),),) * len(gains), tuple(gains.tolist()), told_by)


def _all_light(plate: Plate) -> Array | None:
    light = np.nanmean(plate.data, axis=(1, 2))
    return light if (light > 0).all() else None


def star_colour(plate: Plate, threads: Executor | None = None) -> Array | None:
    """Colour of the typical star, (3,), above its surroundings; None where stars are few.

    Surroundings are taken off star by star, so that a nebula's colour has no say.
    """
    planes = smaller(plate, threads=threads).data  # the mean over an area keeps a star's colour
    light, _ = _light_of_stars(planes, *_stars_in(planes, threads), threads)
    if len(light) < FEWEST_STARS:
        return None
    colour: Array = np.median(light / light.mean(axis=1, keepdims=True), axis=0)
    return colour


def solar_colour(plate: Plate, threads: Executor | None = None) -> tuple[Array | None, int]:
    """Colour of a star like the sun, (3,), and by how many stars; None where too few of known colours are found.

    What a sensor sees of a star depends on its filters: how much bluer or redder it gets with the catalogue's colour
    is told from the stars themselves, as a straight line in magnitudes, and read off where the sun is.
    """
    if plate.known_stars is None:
        return None, 0
    seen = smaller(plate, threads=threads)
    planes, known = seen.data, plate.known_stars if seen is plate else seen.known_stars
    x, y = _stars_in(planes, threads)
    light, whole = _light_of_stars(planes, x, y, threads)
    x, y = x[whole], y[whole]
    if known is None or not len(known) or not len(x):
        return None, 0
    at = known[:MOST_KNOWN, :2] * planes.shape[1:] - 0.5
    off = np.hypot(at[:, 0] - y[:, None], at[:, 1] - x[:, None])
    nearest = off.argmin(axis=1)
    near = off[np.arange(len(x)), nearest] < NEAR_PX
    by_chance = len(x) * len(at) * math.pi * NEAR_PX**2 / planes[0].size
    n = int(near.sum())
    if n < max(FEWEST_STARS, 3 * by_chance):
        return None, n
    magnitudes = np.log(light[near] / light[near].mean(axis=1, keepdims=True))
    colour: Array = np.exp([_at_zero(known[nearest[near], 2], each) for each in magnitudes.T])
    return colour, n


def _at_zero(x: Array, y: Array) -> float:
    """Value at 0 of a straight line through points, those near it before all, without those far off it."""
    terms = np.stack([np.ones(len(x)), x])
    weights = near = np.exp(-0.5 * (x / LIKE_THE_SUN) ** 2) + 1e-3
    found = np.zeros(2)
    for _ in range(MOST_CUTS):
        found = np.linalg.lstsq((terms * weights) @ terms.T, (terms * weights) @ y, rcond=None)[0]
        off = np.abs(y - found @ terms)
        weights = near / (1 + (off / max(1.4826 * float(np.median(off)), 1e-6)) ** 2)
    return float(found[0])


def _light_of_stars(planes: Array, x: Array, y: Array, threads: Executor | None) -> tuple[Array, Array]:
    """Light of stars at x and y of (3, H, W) above their surroundings, (n, 3), and which of them are whole stars."""
    reach = np.arange(-OUTER, OUTER + 1)
    width, flat = planes.shape[2], planes.reshape(3, -1)
    away, off = np.maximum(np.abs(reach)[:, None], np.abs(reach)), reach[:, None] * width + reach
    places = (y * width + x)[:, None]
    if len(x) < FEWEST_STARS:
        return np.zeros((0, 3)), np.zeros(len(x), np.bool_)

    def sums(c: int, _: int) -> tuple[Array, Array]:
        """Light of each star, and what of it is in its middle."""
        outside = np.take(flat[c], places + off[away > INNER])
        middle = outside.shape[1] // 2
        around = np.partition(outside, middle, axis=1)[:, middle, None]
        inside, core = (np.take(flat[c], places + off[away <= most]) - around for most in (INNER, 1))
        return inside.sum(axis=1), core.sum(axis=1)

    light, cores = (np.stack(told) for told in zip(*each_part(3, 1, threads, sums), strict=True))
    # a star is a point; what is as bright a way off is a nebula's fold
    pointed = cores.sum(axis=0) / np.maximum(light.sum(axis=0), 1e-9)
    known = pointed[np.isfinite(pointed)]  # beside what nobody covered nothing is
    whole = (light > 0).all(axis=0) & (pointed > POINTED * (np.quantile(known, 0.8) if known.size else np.inf))
    return light[:, whole].T, whole


def _stars_in(planes: Array, threads: Executor | None) -> tuple[Array, Array]:
    """X and y of the brightest stars of (3, H, W) that are not too bright: peaks above what surrounds them."""
    sharp: Array = np.empty(planes.shape[1:], np.float32)
    each_part(len(sharp), SEEN_ROWS, threads, lambda y0, y1: _sharpen(planes, (y0, y1), sharp))
    heights = np.abs(sharp[::3, ::3]).reshape(-1)
    least = BRIGHT * 1.4826 * float(np.partition(heights, len(heights) // 2)[len(heights) // 2])
    peaks = each_part(len(sharp), SEEN_ROWS, threads, lambda y0, y1: _peaks(sharp, (y0, y1), least))
    y, x = np.divmod(np.concatenate(peaks), sharp.shape[1])
    height, (h, w) = sharp[y, x], sharp.shape
    inside = (y >= OUTER) & (y < h - OUTER) & (x >= OUTER) & (x < w - OUTER)
    y, x, height = y[inside], x[inside], height[inside]
    if not len(x):
        return x, y
    order = np.argsort(-height, kind="stable")
    order = order[height[order] < MOST_OF_PEAK * height.max()][:MOST_STARS]
    return x[order], y[order]


def _sharpen(planes: Array, rows: tuple[int, int], out: Array) -> None:
    """Take off the brightness (H, W) of some rows what surrounds each px; what is not known is 0."""
    (y0, y1), reach = rows, AROUND // 2
    begin = max(y0 - reach, 0)
    red, green, blue = planes[:, begin : y1 + reach]
    brightness = red + green
    brightness += blue
    brightness *= np.float32(1 / 3)
    if not np.isfinite(brightness.sum()):
        np.nan_to_num(brightness, copy=False)
    here = slice(y0 - begin, y1 - begin)
    np.subtract(cv2.GaussianBlur(brightness, (0, 0), 1.0)[here], cv2.blur(brightness, (AROUND,) * 2)[here], out[y0:y1])


def _peaks(sharp: Array, rows: tuple[int, int], least: float) -> Array:
    """Return px (n,) of some rows of a picture (H, W) that are above a level, and no lower than those about them."""
    (y0, y1), width = rows, sharp.shape[1]
    begin = max(y0 - INNER, 0)
    highest = cv2.dilate(sharp[begin : y1 + INNER], np.ones((2 * INNER + 1,) * 2, np.uint8)).reshape(-1)
    above = np.flatnonzero(sharp[y0:y1] > least) + y0 * width
    px: Array = above[sharp.reshape(-1)[above] >= highest[above - begin * width]]
    return px


@dataclass(frozen=True, slots=True)
class Scnr:
    """Take green away where it outdoes the mean of red and blue: hardly anything in the sky is green.

    Attributes
    ----------
    amount : float
        0 to 1.
    """

    name: ClassVar[str] = "scnr"
    amount: float = 1.0

    def settle(self, plate: Plate, threads: Executor | None = None) -> Scnr:
        """Nothing is told before."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Average neutral protection."""
        if len(plate.data) != 3 or self.amount == 0:
            return plate
        data, amount = plate.data, self.amount
        each_part(data.shape[1], PX_ROWS, threads, lambda y0, y1: less_green(data, amount, (y0, y1)))
        return plate


@dataclass(frozen=True, slots=True)
class Saturation:
    """More colour, or less, as the eye sees it: chroma in Oklab; the grain of a dark sky is left without.

    Attributes
    ----------
    amount : float
        1 = as it is, 0 = grey.
    """

    name: ClassVar[str] = "saturation"
    amount: float = 1.3

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 5:
            raise SettingsError(f"saturation: amount is 0 to 5, not {self.amount:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Saturation:
        """Nothing is told before."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Multiply the chroma."""
        if len(plate.data) != 3 or self.amount == 1:
            return plate
        data, amount = plate.data, self.amount
        each_part(data.shape[1], PX_ROWS, threads, lambda y0, y1: saturate_rows(data, amount, (y0, y1)))
        return plate
