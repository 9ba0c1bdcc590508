"""One frame from many of the same thing: their mean, without what one or two of them show alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import OPTIONS, F

KAPPA = 4.0
NU = 8.0
"""Weight of the noise of the whole frame beside what a px itself showed, in degrees of freedom."""
ASIDE = 3
"""The two highest values of a px and its lowest are held aside and judged at the end."""
FEW = 6
"""Fewer frames than this: only the highest value is in doubt; fewer than 3: none."""
CLIP_SIGMA = 4.5
SOME_PX = 200_000
SERIES = 20_000


@dataclass(frozen=True, slots=True)
class Combined:
    """The mean of frames.

    Attributes
    ----------
    mean : ndarray of float32
        As the frames.
    n : int
    noise_adu : float
        Of one px of the mean; NaN for one frame.
    rejected : float
        Share of the values that were left out.
    """

    mean: Array
    n: int
    noise_adu: float
    rejected: float


@njit(**OPTIONS)
def _hold(values: Array, first: Array, n: int, core: Array, aside: Array) -> None:
    """Add a frame, values (N,), to the n before it: its differences from the first one.

    Parameters
    ----------
    core : (2, N) float32
        Mean and squared deviations (Welford 1962) of all but three.
    aside : (3, N) float32
        These: the highest, the second highest and the lowest; zeros before the second frame.
    """
    share = F(1) / F(max(n - 2, 1))
    for k in range(values.size):
        v = F(values[k]) - first[k]
        high, low = aside[0, k], aside[2, k]
        if n == 1:  # the first one does not differ from itself
            aside[0 if v > F(0) else 2, k] = v
        elif n == 2:
            if v > high:
                aside[0, k], aside[1, k] = v, high
            elif v < low:
                aside[2, k], aside[1, k] = v, low
            else:
                aside[1, k] = v
        else:
            if v > high:
                aside[0, k], aside[1, k], v = v, high, aside[1, k]
            elif v > aside[1, k]:
                aside[1, k], v = v, aside[1, k]
            elif v < low:
                aside[2, k], v = v, low
            d = v - core[0, k]
            core[0, k] += d * share
            core[1, k] += d * (v - core[0, k])


@njit(**OPTIONS)
def _judge(core: Array, aside: Array, counts: tuple[int, int, int], numbers: tuple[float, float], out: Array) -> int:
    """Mean of each px into out, extremes readmitted from the inside out; returns how many values were left out.

    A px that is no number in one frame is none in the mean.

    Parameters
    ----------
    counts : frames, and how many of the highest and the lowest are in doubt.
    numbers : variance of one value over the frame; what a variance without its extremes has of the whole.
    """
    n, n_high, n_low = counts
    noise, share = numbers
    n_out = 0
    for k in range(out.size):
        count, mean, squares = n - 3, np.float64(core[0, k]), np.float64(core[1, k])
        for i in range(n_high, 3 - n_low):  # what is not in doubt
            d = np.float64(aside[i, k]) - mean
            count += 1
            mean += d / count
            squares += d * (np.float64(aside[i, k]) - mean)
        variance = (NU * noise + squares / share) / (NU + count - 1)
        limit = KAPPA * KAPPA * variance * (1 + 1 / count)
        total, middle = mean * count, mean
        if n_low:
            v = np.float64(aside[2, k])
            if (v - middle) ** 2 > limit:
                n_out += 1
            else:
                count, total = count + 1, total + v
        for i in range(n_high - 1, -1, -1):
            v = np.float64(aside[i, k])
            if (v - middle) ** 2 > limit:
                n_out += i + 1
                break
            count, total = count + 1, total + v
        out[k] = F(total / count)
    return n_out


def combine(frames: Iterable[Array]) -> Combined:
    """Average frames of one shape, uint16 or float32, in bounded memory, each read once.

    Memory: 24 bytes a px beside the frame in hand, 4 where it is alone. What stands out of all other frames by more
    than `KAPPA` σ is left out of its px: the two highest values and the lowest can be. The noise is told by the
    differences of frames. The mean of one frame of float32 is that frame itself.
    """
    first: Array | None = None
    before: Array | None = None
    n, differences = 0, []
    for frame in frames:
        values = frame.ravel()
        stride = max(1, values.size // SOME_PX)
        some = values[::stride].astype(np.float32)
        if before is not None:
            with np.errstate(invalid="ignore"):  # a px that is no number stays none
                differences.append(scatter(some - before) / np.sqrt(2))
        before = some
        n += 1
        if first is None:
            first, shape = values.astype(np.float32, copy=False), frame.shape
            del frame, values
            continue
        if n == 2:
            core, aside = (np.zeros((planes, values.size), np.float32) for planes in (2, ASIDE))
        _hold(values, first, n - 1, core, aside)
        del frame, values  # not beside the next one
    if first is None:
        raise ValueError("there is nothing to combine")
    if n == 1:
        return Combined(first.reshape(shape), 1, float("nan"), 0.0)
    noise = float(np.median(differences))
    if n < 3:
        mean = first + (aside[0] + aside[2]) / np.float32(n)
        return Combined(mean.reshape(shape), n, noise / np.sqrt(n), 0.0)
    n_high, n_low = (2, 1) if n >= FEW else (1, 0)
    mean = np.empty(first.size, np.float32)
    numbers = max(noise, 1e-6) ** 2, _share_left(n, n_high, n_low)
    n_out = _judge(core, aside, (n, n_high, n_low), numbers, mean)
    mean += first
    return Combined(mean.reshape(shape), n, noise / np.sqrt(n), n_out / (n * mean.size))


def scatter(step: Array) -> float:
    """Scatter of a difference, without what stands out; whole ADU make a median too coarse for the answer itself."""
    off = np.abs(step - np.median(step))
    inside = step[off <= CLIP_SIGMA * max(1.4826 * float(np.median(off)), 1.0)]
    return float(inside.std(dtype=np.float64)) if inside.size else 0.0


def _share_left(n: int, n_high: int, n_low: int) -> float:
    """Return what the variance of n normal values is without so many of the highest and lowest, of the whole."""
    series = np.sort(np.random.default_rng(n).normal(size=(SERIES // n + 1, n)), axis=1)
    left = series[:, n_low : n - n_high]
    return float(left.var(axis=1, ddof=1).mean()) if left.shape[1] > 1 else 1.0
