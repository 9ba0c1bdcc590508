"""The running sums: the one mutable thing.

Arrays are planar, (C, H, W) with C = 1 mono or 3 colour: the shape of the stack file, and contiguous in x for the
kernels of `livestack.reduce`, which take these arrays. Samples are sky-subtracted ADU on the founding sub's scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from livestack.allocation import later_zeros, zeros
from livestack.frame import Array

Shape = tuple[int, int, int]

N_HIGH = 2
N_LOW = 1
N_ASIDE = N_HIGH + N_LOW
"""How many extremes per pixel the first look holds aside: the rest of a pixel's samples are in its core."""
LEAST_WORTH, LEAST_DROPPED = 2.0, 0.05
"""Drops tell a px that are worth so many samples, and have this share of the weight of the subs; even dither gives
red and blue ¼, green ½."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What a stack says, (C, H, W), counts read-only; NaN where nobody covered (variance, stderr: fewer than 2)."""

    mean: Array
    variance: Array
    stderr: Array
    coverage: Array
    rejected: Array


class Drops:
    """Sums of raw px dropped onto the grid, each colour for itself: drizzle (Fruchter and Hook 2002).

    A drop has the size of a px, and counts by how much of it falls on a px of the grid, times the weight of its sub.

    Attributes
    ----------
    mean, m2, weight, squares : ndarray of float32
        (C, H, W) of the whole grid; weight = Σ w, m2 = Σ w (x − mean)², and squares = Σ w · share of the drop.
    """

    __slots__ = ("m2", "mean", "squares", "weight")

    def __init__(self, shape: Shape) -> None:
        self.mean, self.m2, self.weight, self.squares = (zeros(shape, np.float32) for _ in range(4))

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """mean, m2, weight, squares."""
        return self.mean, self.m2, self.weight, self.squares

    @property
    def noise_of_wide(self) -> float:
        """Noise of the mean of a wide box of px, in units of what it were if px did not share drops.

        A box of b × b px has 1/b less of what is above 1. Under even dither, and with many subs, it is 1.5 (Casertano
        et al. 2000).
        """
        weight, squares = self.weight[:, ::5, ::5], self.squares[:, ::5, ::5]
        seen = squares > 0
        return float(np.sqrt(np.mean(weight[seen] / squares[seen], dtype=np.float64))) if seen.any() else 1.0

    def over(self, part: Stack, place: tuple[slice, slice, slice]) -> Stack:
        """Return a part of the stack with what the drops of that place say, where there are enough of them.

        Drops are as many independent samples as their weight is worth (Kish 1965); the weight that is told gives the
        standard error by the formula of a stack.
        """
        mean, m2, weight, squares = (plane[place] for plane in self.arrays)
        n = part.coverage.astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = weight * weight * n / (part.weight * squares)
            enough = (worth >= LEAST_WORTH) & (weight >= LEAST_DROPPED * part.weight)
            known = weight * (worth - np.float32(1)) / (n - np.float32(1))
        part.mean, part.m2 = np.where(enough, mean, part.mean), np.where(enough, m2, part.m2)
        part.weight = np.where(enough, known, part.weight)
        return part


class Stack:
    """Weighted running mean and variance per pixel and channel (Welford 1962; West 1979).

    Attributes
    ----------
    mean, m2 : ndarray of float32
        (C, H, W); m2 = Σ w (x − mean)².
    weight : ndarray of float32
        (1, H, W), Σ w: the channels of a px are judged together.
    coverage, rejected : ndarray of uint16
        Samples in the mean, samples judged out; shaped as the weight.
    drops : Drops, optional
        What is shown in the place of its sums, where it is drizzled; a strip has those of the whole grid.
    template : str
        Id of the template its samples were judged against; empty = not judged.
    n_subs : int
    exposure_s : float
        Sum over its subs.
    top : int
        The row of the grid that its first row is; 0 but for a strip of a stack.

    Parameters
    ----------
    zeros : callable, optional
        Makes its planes: others than usual where they will not be written to for long.
    """

    __slots__ = ("coverage", "drops", "exposure_s", "m2", "mean", "n_subs", "rejected", "template", "top", "weight")

    def __init__(self, shape: Shape, template: str = "", zeros: Callable[..., Array] = zeros) -> None:
        counted = (min(shape[0], 1), *shape[1:])
        self.mean: Array = zeros(shape, np.float32)
        self.m2: Array = zeros(shape, np.float32)
        self.weight: Array = zeros(counted, np.float32)
        self.coverage: Array = zeros(counted, np.uint16)
        self.rejected: Array = zeros(counted, np.uint16)
        self.drops: Drops | None = None
        self.template = template
        self.n_subs = self.top = 0
        self.exposure_s = 0.0

    @property
    def shape(self) -> Shape:
        """(C, H, W)."""
        c, h, w = self.mean.shape
        return c, h, w

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array, Array]:
        """mean, m2, weight, coverage, rejected: what subs are judged by."""
        return self.mean, self.m2, self.weight, self.coverage, self.rejected

    def count(self, exposure_s: float | None) -> None:
        """Note one more sub."""
        self.n_subs += 1
        self.exposure_s += exposure_s or 0.0

    def merge(self, other: Stack) -> None:
        """Add another stack of the same grid (Chan, Golub and LeVeque 1983).

        Raises
        ------
        ValueError
            Other shape, judged against another template, or one of the two drizzled: such sums are not those of one
            judgement.
        """
        if other.shape != self.shape:
            raise ValueError(f"stacks of {other.shape} and {self.shape} cannot be merged")
        if other.template != self.template:
            raise ValueError("stacks judged against different templates cannot be merged")
        if (other.drops is None) != (self.drops is None):
            raise ValueError("a drizzled stack and one that is not cannot be merged")
        _join(self.arrays[:3], other.arrays[:3])
        self.coverage += other.coverage
        self.rejected += other.rejected
        if self.drops is not None and other.drops is not None:
            _join(self.drops.arrays[:3], other.drops.arrays[:3])
            self.drops.squares += other.drops.squares
        self.n_subs += other.n_subs
        self.exposure_s += other.exposure_s

    def result(self) -> Sums:
        """Return mean, variance of one typical sub, standard error, and counts; all copies."""
        told = self.told()
        squared_error = told.squared_error()
        counts = (np.broadcast_to(plane.copy(), self.shape) for plane in (self.coverage, self.rejected))
        return Sums(told.known_mean(), self.coverage * squared_error, np.sqrt(squared_error), *counts)

    def known_mean(self) -> Array:
        """Return the mean, NaN where nobody covered."""
        mean = self.mean.copy()
        mean[np.broadcast_to(self.coverage == 0, mean.shape)] = np.nan
        return mean

    def squared_error(self) -> Array:
        """Return the square of the standard error of the mean, NaN where fewer than two covered."""
        n = self.coverage
        with np.errstate(divide="ignore", invalid="ignore"):
            squared_error: Array = self.m2 / ((n.astype(np.float32) - np.float32(1)) * self.weight)
        squared_error[np.broadcast_to(n < 2, squared_error.shape)] = np.nan
        return squared_error

    def part(self, channel: int, rows: slice) -> Stack:
        """Return rows of a channel, as they are to be shown, as a stack of its own, not a copy."""
        return self.told((slice(channel, channel + 1), rows, slice(None)))

    def told(self, place: tuple[slice, slice, slice] = (slice(None),) * 3) -> Stack:
        """Return channels, rows and columns as they are to be shown, not a copy but where they are drizzled."""
        part, (channels, rows, columns) = Stack((0, 0, 0), self.template), place
        part.mean, part.m2, part.weight, part.coverage, part.rejected = (
            plane[channels if len(plane) == len(self.mean) else slice(None), rows, columns] for plane in self.arrays
        )
        return part if self.drops is None else self.drops.over(part, place)


def _join(sums: tuple[Array, Array, Array], others: tuple[Array, Array, Array]) -> None:
    """Add mean, m2 and weight of other samples to those of some."""
    (mean, m2, weight), (other_mean, other_m2, other_weight) = sums, others
    total = weight + other_weight
    share = np.divide(other_weight, total, out=np.zeros_like(total), where=total > 0)
    difference = other_mean - mean
    m2 += other_m2 + difference * difference * weight * share
    mean += difference * share
    weight[:] = total


class FirstLook:
    """A core and, per px, the extremes held aside for judgement: 2 highest and 1 lowest with their sub's index.

    Attributes
    ----------
    core : Stack
        Sums of what is not held aside.
    unit_adu : float
        Of the samples held aside.
    aside : ndarray of uint16
        (N_ASIDE, C, H, W), bits of half floats, ascending in luminance; the first `n_aside` of a px are valid until
        all are.
    aside_of : ndarray of uint8
        (N_ASIDE, H, W), index (0-based, in the order folded) of the sub a held sample came from.
    n_aside : ndarray of uint8
        (H, W).
    weights : list of float
        Weight of each sub folded, by index.
    """

    __slots__ = ("aside", "aside_of", "core", "n_aside", "unit_adu", "weights")

    def __init__(self, shape: Shape, unit_adu: float = 1.0) -> None:
        self.core = Stack(shape, zeros=later_zeros)
        self.unit_adu = unit_adu
        self.aside: Array = zeros((N_ASIDE, *shape), np.uint16)
        self.aside_of: Array = zeros((N_ASIDE, *shape[1:]), np.uint8)
        self.n_aside: Array = zeros(shape[1:], np.uint8)
        self.weights: list[float] = []

    def begin_core(self) -> None:
        """Give the core room, in what other planes have left: from now on samples come into it."""
        before, self.core = self.core, Stack(self.core.shape, self.core.template)
        self.core.n_subs, self.core.exposure_s = before.n_subs, before.exposure_s

    @property
    def held(self) -> tuple[Array, Array, Array, np.float32]:
        """What the kernels take: samples, owners, counts, unit."""
        return self.aside, self.aside_of, self.n_aside, np.float32(self.unit_adu)
