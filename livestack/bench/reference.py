"""The same samples with the same decisions, added up in float64: what float32 costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from livestack.frame import Array
from livestack.reduce.fold import REJECTORS, Against, Light, fold
from livestack.reduce.kernels import warp_and_normalise
from livestack.reduce.sensor import bare
from livestack.stack import Stack
from livestack.stacks.founding import light_of

SKY_ADU, NOISE_ADU = 600.0, 15.0
BRIGHTEST_ADU = 30_000.0
N_STARS = 40
OUTLIERS = 0.002


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far float32 is from float64, in standard errors of the mean.

    Attributes
    ----------
    rms, worst : float
        Of the px' means.
    variance : float
        Largest relative deviation of a px' variance.
    rejected : float
        Share of the samples that was judged out: that there was something to judge.
    """

    n_subs: int
    rms: float
    worst: float
    variance: float
    rejected: float


def float64_deviation(n_subs: int, size: tuple[int, int] = (64, 96), seed: int = 3) -> Deviation:
    """Fold many small subs with the product's kernels, and each sample that it takes in float64 beside them."""
    rng = np.random.default_rng(seed)
    scene, noise = _scene(size, rng)
    stack, rule, against = Stack((1, *size)), REJECTORS["deferred"], Against(np.array([NOISE_ADU**2]))
    mean, m2, total = (np.zeros(size) for _ in range(3))
    for _ in range(n_subs):
        weight = float(rng.uniform(0.7, 1.3))
        light = _light(scene, noise / np.sqrt(weight), weight, rng)
        before = stack.coverage[0].copy()
        fold(stack, light, rule, against, None)
        sample = np.full((1, *size), np.nan, np.float32)
        box = np.array([0, size[0], 0, size[1]])
        warp_and_normalise(light.sensor, light.pose, light.sky, light.scale, box, sample)
        taken = stack.coverage[0] > before
        d = np.where(taken, sample[0].astype(np.float64) - mean, 0.0)
        added = np.where(taken, weight, 0.0)
        total += added
        share = np.divide(added, total, out=np.zeros(size), where=total > 0)
        mean += d * share
        m2 += added * d * d * (1 - share)
    return _deviation(stack, mean, m2, total, n_subs)


def _deviation(stack: Stack, mean: Array, m2: Array, total: Array, n_subs: int) -> Deviation:
    n = stack.coverage[0].astype(np.float64)
    seen = n > n_subs / 2
    error = np.sqrt(m2[seen] / ((n[seen] - 1) * total[seen]))
    off = np.abs(stack.mean[0][seen] - mean[seen]) / error
    variance = np.abs(stack.m2[0][seen] / m2[seen] - 1)
    rejected = float(stack.rejected.sum() / (n.sum() + stack.rejected.sum()))
    return Deviation(n_subs, float(np.sqrt(np.mean(off**2))), float(off.max()), float(variance.max()), rejected)


def _scene(size: tuple[int, int], rng: np.random.Generator) -> tuple[Array, Array]:
    """Stars on a sky, ADU, and the noise of a px of a sub."""
    y, x = np.mgrid[: size[0], : size[1]]
    scene = np.full(size, SKY_ADU)
    for peak in np.geomspace(30.0, BRIGHTEST_ADU, N_STARS):
        x0, y0 = rng.uniform(0, size[1]), rng.uniform(0, size[0])
        scene += peak * (1 + ((x - x0) ** 2 + (y - y0) ** 2) / 4.0) ** -3
    return scene, NOISE_ADU * np.sqrt(scene / SKY_ADU)


def _light(scene: Array, noise: Array, weight: float, rng: np.random.Generator) -> Light:
    """Make a sub of the scene, a little moved, with a few px that are hit."""
    data = scene + noise * rng.standard_normal(scene.shape)
    data += np.where(rng.random(scene.shape) < OUTLIERS, 3000.0, 0.0)
    matrix = np.eye(3)
    matrix[:2, 2] = rng.uniform(-0.5, 0.5, 2)
    sky = np.zeros((1, 6))
    sky[0, 0] = SKY_ADU
    return light_of(bare(data[None].astype(np.float32)), matrix=matrix, sky=sky, scale=1.0, weight=weight)
