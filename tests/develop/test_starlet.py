"""Scales of the starlet transform, and what is kept of them, tile by tile."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.develop.starlet import BEYOND, NORMS, denoise_tile, halve, smoothed
from livestack.frame import Array

SPLINE = np.array([1, 4, 6, 4, 1]) / 16


def _smoothed(plane: Array, step: int) -> Array:
    """The same by its definition, of a plane that is mirrored at its first and last px."""
    h, w = plane.shape
    padded = np.pad(plane.astype(float), 2 * step, mode="reflect")
    rows = sum(weight * padded[i * step : i * step + h] for i, weight in enumerate(SPLINE))
    return np.asarray(sum(weight * rows[:, i * step : i * step + w] for i, weight in enumerate(SPLINE)))


def _plane(h: int = 67, w: int = 90) -> Array:
    return np.random.default_rng(1).normal(100, 10, (h, w)).astype(np.float32)


@pytest.mark.parametrize("step", [1, 2, 4, 8])
def test_a_scale_is_what_a_spline_makes_of_the_one_before(step: int) -> None:
    assert smoothed(_plane(), step, None) == pytest.approx(_smoothed(_plane(), step), abs=1e-4)


@pytest.mark.parametrize("shape", [(67, 90), (40, 41), (2, 3)])
def test_every_second_px_is_the_same_as_of_all(shape: tuple[int, int]) -> None:
    plane = _plane(*shape)
    out = np.empty(((shape[0] + 1) // 2, (shape[1] + 1) // 2), np.float32)
    halve(plane, -BEYOND, 0.0, (0, len(out)), out)
    assert out == pytest.approx(smoothed(plane, 1, None)[::2, ::2], abs=1e-4)
    plane[1, 1] = np.nan
    halve(plane, -BEYOND, 100.0, (0, len(out)), out)
    assert np.isfinite(out).all()
    plane[1, 1] = 0
    halve(plane, 0.0, 100.0, (0, len(out)), out)
    assert out.min() > 50


def test_white_noise_has_the_norms() -> None:
    finer = np.random.default_rng(2).normal(size=(512, 512)).astype(np.float32)
    for k, norm in enumerate(NORMS):
        coarser = smoothed(finer, 1 << k, None)
        assert (finer - coarser).std() == pytest.approx(norm, rel=0.05)
        finer = coarser


def _kept(plane: Array, noise: Array, splits: tuple[list[int], list[int]], half: Array) -> Array:
    out = np.full_like(plane, np.inf)
    squares = np.array([12, 0.3], np.float32)
    for top, bottom in zip(splits[0], splits[0][1:], strict=False):
        for left, right in zip(splits[1], splits[1][1:], strict=False):
            denoise_tile(plane, (noise, 100.0), (squares, 1), half, (top, bottom, left, right), out)
    return out


def _doubled(halved: Array, h: int, w: int) -> Array:
    """What is told of every second px of every second row, linear between."""
    told = np.pad(halved, ((0, 1), (0, 1)), mode="edge")
    rows = np.stack([told[:-1], (told[:-1] + told[1:]) / 2], axis=1).reshape(2 * len(halved), told.shape[1])
    columns = np.stack([rows[:, :-1], (rows[:, :-1] + rows[:, 1:]) / 2], axis=2).reshape(len(rows), -1)
    return np.asarray(columns[:h, :w])


@pytest.mark.parametrize("noise_is", ["a plane", "a number"])
def test_a_tile_shows_no_edges_and_is_what_the_definition_says(noise_is: str) -> None:
    plane = _plane(131, 90)
    h, w = plane.shape
    plane[60:64, 30] += 4000
    noise = np.random.default_rng(3).uniform(5, 15, (66, 45)).astype(np.float32)
    noise = noise if noise_is == "a plane" else np.zeros((0, 0), np.float32)
    half = np.random.default_rng(4).normal(size=(66, 45)).astype(np.float32)
    whole = _kept(plane, noise, ([0, 131], [0, 90]), half)
    assert (_kept(plane, noise, ([0, 7, 64, 131], [0, 22, 24, 90]), half) == whole).all()
    kept, finer, sigma = np.zeros(plane.shape), plane.astype(float), _doubled(noise, h, w) if noise.size else 1.0
    for step, square in ((1, 12), (2, 0.3)):
        coarser = _smoothed(finer, step)
        padded = np.pad((finer - coarser) ** 2, step, mode="reflect")
        nine = sum(padded[i : i + h, j : j + w] for i in (0, step, 2 * step) for j in (0, step, 2 * step))
        energy, limit = np.maximum(4 / 9 * nine, (finer - coarser) ** 2), square * np.square(sigma)
        kept += (finer - coarser) * (1 - limit / np.maximum(energy, limit))
        finer = coarser
    assert whole == pytest.approx(kept + finer - _doubled(half, h, w), abs=2e-3)


def test_what_is_not_known_becomes_nothing_and_has_no_say() -> None:
    plane = _plane()
    plane[20:23, 40:50] = np.nan
    out = _kept(plane, np.ones((34, 45), np.float32), ([0, 67], [0, 90]), np.zeros((0, 0), np.float32))
    assert (np.isnan(out) == np.isnan(plane)).all()
    assert np.abs(out[np.isfinite(plane)] - 100).max() < 80
