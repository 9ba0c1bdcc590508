"""Star fields with known truth, and the shortest way from px to a folded stack."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from livestack.frame import XTRANS, Array, Frame, Header, Masters
from livestack.read.bayer import in_memory
from livestack.reduce.fold import REJECTORS, Against, Light, fold
from livestack.reduce.sensor import colours_of, sensor_of
from livestack.stack import Stack
from livestack.stacks.founding import light_of

PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")
XTRANS_PHASES = tuple(in_memory(XTRANS, 12, False, x, y) for x, y in ((0, 0), (1, 0), (2, 5), (3, 4)))
SKY_ADU, NOISE_ADU = 800.0, 12.0


def star_field(n: int, size: tuple[int, int], seed: int, *, border: float = 16.0, apart: float = 0.0) -> Array:
    """Draw (n, 3) x, y, flux, N(brighter) ~ flux^-1 from 20 000 ADU up, brightest first, at least `apart` px apart."""
    draw = np.random.default_rng(seed)
    h, w = size
    placed: list[tuple[float, float]] = []
    while len(placed) < n:
        x, y = draw.uniform(border, w - 1 - border), draw.uniform(border, h - 1 - border)
        if all(np.hypot(x - px, y - py) >= apart for px, py in placed):
            placed.append((x, y))
    flux = np.sort(20_000 / np.maximum(draw.random(n), 0.03))[::-1]
    return np.column_stack([np.array(placed).reshape(-1, 2), flux])


def draw_stars(size: tuple[int, int], stars: Array, fwhm_px: float = 3.0, beta: float | None = None) -> Array:
    """Picture (H, W) float64 of stars (N, 3): Gaussian, or Moffat of this β; the value at the centre of each px."""
    picture = np.zeros(size)
    sigma = fwhm_px / 2.3548
    core = fwhm_px / 2 / np.sqrt(2 ** (1 / beta) - 1) if beta else 0.0
    reach = int(np.ceil((6 * sigma if beta is None else 12 * fwhm_px) + 1))
    for x, y, flux in stars:
        x0, x1 = max(int(x) - reach, 0), min(int(x) + reach + 1, size[1])
        y0, y1 = max(int(y) - reach, 0), min(int(y) + reach + 1, size[0])
        if x0 >= x1 or y0 >= y1:
            continue
        yy, xx = np.mgrid[y0:y1, x0:x1]
        r2 = (xx - x) ** 2 + (yy - y) ** 2
        if beta is None:
            picture[y0:y1, x0:x1] += flux / (2 * np.pi * sigma**2) * np.exp(-r2 / (2 * sigma**2))
        else:
            picture[y0:y1, x0:x1] += flux * (beta - 1) / (np.pi * core**2) * (1 + r2 / core**2) ** -beta
    return picture


def noisy(picture: Array, seed: int, *, sky: float = SKY_ADU, noise: float = NOISE_ADU) -> Array:
    """Picture on a sky with Gaussian noise, float32."""
    return (picture + sky + np.random.default_rng(seed).normal(0, noise, picture.shape)).astype(np.float32)


def frame_of(data: Array, cfa: str | None = None, mask: Array | None = None) -> Frame:
    """Frame of some px, read-only as a reader gives it."""
    data = np.array(data, order="C")
    data.flags.writeable = False
    header = Header(Path("light.fits"), (data.shape[0], data.shape[1]), cfa=cfa)
    return Frame(data, header, mask)


def light(
    frame: Frame,
    matrix: Array | None = None,
    *,
    masters: Masters | None = None,
    sky: Array | float = 0.0,
    scale: float = 1.0,
    weight: float = 1.0,
) -> Light:
    """Sub ready to be folded; `matrix` is sub → grid, `sky` a level or (C, up to 6)."""
    plane = np.zeros((frame.n_channels, 6))
    if np.ndim(sky) == 0:
        plane[:, 0] = sky
    else:
        plane[:, : np.shape(sky)[-1]] = sky
    matrix = np.eye(3) if matrix is None else matrix
    return light_of(sensor_of(frame, masters or Masters()), matrix=matrix, sky=plane, scale=scale, weight=weight)


def added(stack: Stack, sub: Light, threads: Executor | None = None) -> Stack:
    """Fold a sub without judging it."""
    fold(stack, sub, REJECTORS["none"], Against(np.ones(stack.shape[0])), threads)
    stack.count(1.0)
    return stack


def warped(sub: Light, size: tuple[int, int] | None = None, threads: Executor | None = None) -> Array:
    """Samples (C, H, W) of one sub on a grid of this size (its own by default); NaN where it does not cover."""
    channels = len(sub.sky)
    stack = Stack((channels, *(size or sub.sensor[0].shape[1:])))
    added(stack, sub, threads)
    return stack.result().mean


def turned(angle_deg: float, dx: float, dy: float, size: tuple[int, int], scale: float = 1.0) -> Array:
    """Matrix sub → grid: turn and scale about the middle, then shift."""
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    a = np.radians(angle_deg)
    turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    if angle_deg % 90 == 0:
        turn = np.rint(turn / scale) * scale
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, middle + np.array([dx, dy]) - turn @ middle
    return matrix


def moved(stars: Array, matrix: Array) -> Array:
    """Stars (N, 3) through a matrix."""
    xyw = np.column_stack([stars[:, :2], np.ones(len(stars))]) @ matrix.T
    return np.column_stack([xyw[:, :2] / xyw[:, 2:], stars[:, 2]])


def mosaic(colour: Array, cfa: str) -> Array:
    """CFA frame (H, W) of a colour picture (H, W, 3)."""
    index = colours_of(cfa)
    out = np.empty(colour.shape[:2], colour.dtype)
    n = len(index)
    for j in range(n):
        for k in range(n):
            out[j::n, k::n] = colour[j::n, k::n, index[j, k]]
    return out


def centroid(picture: Array, x: float, y: float, reach: int = 7) -> tuple[float, float, float]:
    """Windowed centroid about a first guess, and the plain sum in the box of ±reach px."""
    x0, y0 = round(x), round(y)
    box = np.nan_to_num(picture[y0 - reach : y0 + reach + 1, x0 - reach : x0 + reach + 1].astype(np.float64))
    yy, xx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    cx, cy = x - x0, y - y0
    for _ in range(30):
        window = box * np.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / (2 * 1.6**2))
        cx += 2 * (window * (xx - cx)).sum() / window.sum()
        cy += 2 * (window * (yy - cy)).sum() / window.sum()
    return cx + x0, cy + y0, float(box.sum())
