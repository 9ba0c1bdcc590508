"""From linear ADU to what a screen shows: one midtones curve for all colours, over a neutral sky.

The curve is the midtones transfer function of the usual automatic stretch: black lies 2.8 σ below the sky and the sky
is brought to a fixed dark grey, so faint light shows and bright stars keep some shape. Channels share the curve; only
the level of the sky is taken from each, which leaves stars and nebulae their own colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from livestack.frame import Array

SKY = 0.14
"""Where the sky lies on the screen, 0…1."""

_SHADOWS = 2.8
_MAD_TO_SIGMA = 1.4826
_MOST_SAMPLES = 200_000
_WHITE_QUANTILE = 0.9998
_LEAST_RANGE = 40.0  # of white over black, in σ: a sky without a star is not blown up to white
_MOST_RANGE = 3000.0  # beyond it the curve is flat anyway, and 16-bit steps at the sky would grow coarse
_COLOUR = 1.3  # the curve takes colour from what is bright; this gives it back
_FEWEST_STAR_PIXELS = 60
_LEVELS = 65536


@dataclass(frozen=True, slots=True)
class Stretch:
    """How linear data become a picture.

    Attributes
    ----------
    black, white : float
        ADU above the sky that become 0 and 1.
    midtone : float
        Of the transfer function, 0…1.
    sky : tuple of float
        Level that is subtracted from each channel first, ADU.
    gain : tuple of float
        Factor of each channel after that: makes the typical star white.
    sigma : float
        Grain of the sky it was made for, ADU.
    """

    black: float
    midtone: float
    white: float
    sky: tuple[float, ...]
    gain: tuple[float, ...]
    sigma: float


def mtf(x: Array, midtone: float) -> Array:
    """Midtones transfer function: 0 → 0, `midtone` → 1/2, 1 → 1; strictly rising between."""
    return np.asarray((midtone - 1.0) * x / ((2.0 * midtone - 1.0) * x - midtone))


def auto_stretch(data: Array) -> Stretch:
    """Find the stretch that shows a linear picture well.

    Parameters
    ----------
    data : ndarray of float
        (H, W) or (H, W, 3), ADU; NaN = nothing there.

    Returns
    -------
    Stretch
        One that shows black when there is no finite pixel.
    """
    sample = _sampled(data)
    if not len(sample):
        return Stretch(0.0, 0.5, 1.0, (0.0,) * sample.shape[1], (1.0,) * sample.shape[1], 0.0)
    sky = np.median(sample, axis=0)
    gain = _star_balance(data, sky)
    above = (sample - sky) * gain
    sigma = max(_MAD_TO_SIGMA * float(np.median(np.abs(above))), 1e-6)
    black = -_SHADOWS * sigma
    bright = float(np.quantile(above.max(axis=1), _WHITE_QUANTILE))
    white = black + float(np.clip(bright - black, _LEAST_RANGE * sigma, _MOST_RANGE * sigma))
    midtone = float(mtf(np.asarray(-black / (white - black)), SKY))
    return Stretch(black, midtone, white, tuple(sky.tolist()), tuple(gain.tolist()), sigma)


def _star_balance(data: Array, sky: Array) -> Array:
    """Return the channel factors that make the median star white; ones for mono and where stars are few.

    Stars are what stands out from its surroundings, so that a nebula's colour has no say.
    """
    if data.ndim != 3:
        return np.ones(1)
    shrink = math.sqrt(_MOST_SAMPLES / (data.shape[0] * data.shape[1]))
    if shrink < 1.0:  # the mean over an area keeps a star's colour
        data = cv2.resize(data, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    above = np.nan_to_num(data - sky.astype(np.float32))
    sharp = above - cv2.blur(above, (25, 25))
    brightness = sharp.mean(axis=2)
    grain = _MAD_TO_SIGMA * float(np.median(np.abs(brightness[::3, ::3])))
    peak = float(brightness.max())
    stars = sharp[(brightness > 20.0 * grain) & (brightness < 0.5 * peak) & (sharp > 0.0).all(axis=2)]
    if len(stars) < _FEWEST_STAR_PIXELS:
        return np.ones(3)
    colour = np.median(stars / stars.mean(axis=1, keepdims=True), axis=0)
    gain = colour.mean() / colour
    return np.asarray(np.clip(gain, 0.5, 2.0), dtype=np.float64)


def _sampled(data: Array) -> Array:
    """Return at most `_MOST_SAMPLES` finite pixels, evenly spread, as (N, channels) float32."""
    pixels = data.reshape(-1, data.shape[2] if data.ndim == 3 else 1)
    step = max(1, -(-len(pixels) // _MOST_SAMPLES))
    if step > 1 and data.shape[1] % step == 0:
        step += 1  # else whole columns would be sampled
    picked = pixels[::step].astype(np.float32)
    return np.asarray(picked[np.isfinite(picked).all(axis=1)])


def apply(data: Array, stretch: Stretch) -> Array:
    """Return the picture as uint8 of the same shape; NaN becomes black.

    Parameters
    ----------
    data : ndarray of float32
        (H, W) or (H, W, 3), ADU.
    stretch : Stretch
        With as many sky levels as channels; a mono stretch also serves colour data and the other way round.
    """
    n_channels = data.shape[2] if data.ndim == 3 else 1
    sky, gain = stretch.sky, stretch.gain
    if len(sky) != n_channels:
        sky, gain = (float(np.mean(sky)),) * n_channels, (1.0,) * n_channels
    unit = (_LEVELS - 1) / (stretch.white - stretch.black)
    # One matrix does it all: sky off, white balance, a little more colour, and the range to 16 bit.
    mix = np.full((n_channels, n_channels), (1.0 - _COLOUR) / n_channels) + _COLOUR * np.eye(n_channels)
    mix = unit * mix * np.asarray(gain)
    steps = np.column_stack([mix, -mix @ np.asarray(sky) - stretch.black * unit])
    scaled = cv2.transform(np.ascontiguousarray(data, dtype=np.float32), steps)
    # A saturating cast to 16 bit: NaN and everything below black become 0.
    index = cv2.addWeighted(scaled, 1.0, scaled, 0.0, 0.0, dtype=cv2.CV_16U)
    return np.asarray(cv2.LUT(index, _curve(stretch.midtone))).reshape(data.shape)


@lru_cache(maxsize=8)
def _curve(midtone: float) -> Array:
    x = np.linspace(0.0, 1.0, _LEVELS)
    return np.asarray(np.round(255.0 * mtf(x, midtone)), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Kept:
    """A stretch and the picture it was made for."""

    stretch: Stretch
    stack: str
    n_subs: int


def milestone(n_subs: int) -> int:
    """Return the largest of 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48 … that is not above `n_subs`."""
    if n_subs < 3:
        return max(n_subs, 0)
    power = 1 << (n_subs.bit_length() - 1)
    return power + power // 2 if n_subs >= power + power // 2 else power


def steady(kept: Kept | None, data: Array, stack: str, n_subs: int) -> Kept:
    """Return the stretch to show a stack with: the one it had, or a new one when it is time and makes a difference.

    Between the milestones the stretch stays bit for bit, so that the sky does not flicker from sub to sub. At one, a
    new stretch is taken only if the sky would move by more than 3/255 or the midtone by more than 5 %.
    """
    same = kept is not None and kept.stack == stack and 2 * n_subs >= kept.n_subs
    if kept is not None and same and milestone(n_subs) <= milestone(kept.n_subs):
        return kept
    new = auto_stretch(data)
    if kept is not None and same and not _differs(kept.stretch, new):
        new = kept.stretch
    return Kept(new, stack, n_subs)


def _differs(old: Stretch, new: Stretch) -> bool:
    if len(old.sky) != len(new.sky) or abs(new.midtone - old.midtone) > 0.05 * old.midtone:
        return True
    shown = apply(np.asarray([[new.sky]], dtype=np.float32), old)
    return bool(np.any(np.abs(shown.astype(float) - 255.0 * SKY) > 3.0))
