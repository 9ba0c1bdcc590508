"""How far a stack is from the truth: where its subs lie, how noisy it is, what is left of stars and trails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from livestack.bench.frames import Made
from livestack.frame import Array
from livestack.simulate.trails import Trail

BIN = 8
"""Noise is told in boxes of so many px: what resampling and debayering do to single px is no accuracy."""
CLEAN_SIGMA = 0.5
"""A box is sky where no star of the truth reaches so far above it, in σ of a px of a sub."""
APERTURE_PX, ANNULUS_PX = 12, 18
STAR_ADU = (2.0e4, 6.0e5)
"""Flux, green, of the stars compared: bright enough, and none of them saturated."""
LEAST_TRAIL_SIGMA = 5.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A stack against its truth.

    Attributes
    ----------
    noise : float
        rms of (stack − truth) where there are no stars, in units of the noise that as many perfect subs have.
    star_flux : float
        Median of flux ÷ true flux − 1 of bright stars.
    star_scatter : float
        Standard deviation of that ratio, by its quartiles.
    trail_left : float
        What is left of satellites, where the plain mean of all subs has 1.
    """

    noise: float
    star_flux: float
    star_scatter: float
    trail_left: float
    n_stars: int


def corner_error_px(matrix: Array, truth: Array, size: tuple[int, int]) -> float:
    """Distance between two matrices (3, 3), sub → grid, at the corner of a frame (H, W) where it is largest."""
    height, width = size
    corners = np.array([[x, y, 1.0] for x in (0, width - 1) for y in (0, height - 1)]).T
    a, b = (m[:2] @ corners / (m[2] @ corners) for m in (np.asarray(matrix, float), truth))
    return float(np.hypot(*(a - b)).max())


def response_of(made: Made) -> Array:
    """Mean response (C,) of the px of each colour: flats are divided by it, so stacks are multiplied by it."""
    sensor = made.night.sensor
    cells = [[sensor.response[j::2, k::2].mean(dtype=np.float64) for k in range(2)] for j in range(2)]
    colours = made.night.options.n_channels
    return np.array(
        [np.mean([cells[j][k] for j in (0, 1) for k in (0, 1) if sensor.channel[j, k] == c]) for c in range(colours)]
    )


def sample_noise_adu(made: Made) -> Array:
    """Noise (C,) of a px of a sub, typical over the frame, of calibrated ADU."""
    options, sensor = made.night.options, made.night.sensor
    response, sky_e = response_of(made), sensor.electrons(np.array(made.truths[0].sky_rgb_e))
    noise = np.empty(len(response))
    for c in range(len(response)):
        j, k = np.argwhere(sensor.channel == c)[0]
        seen = sensor.response[j::2, k::2]
        dark_e = sensor.dark_e_per_s[j::2, k::2] * options.exposure_s
        deviation_e = np.sqrt(sky_e[c] * seen + dark_e + options.read_noise_e**2)
        noise[c] = np.median(deviation_e / seen) * response[c] / options.e_per_adu
    return noise


def judge(stack: Array, made: Made, scene: Array, taken: list[int], scale: float | Array) -> Accuracy:
    """Compare a stack with the truth.

    Parameters
    ----------
    stack : (C, H, W)
        Calibrated ADU on the grid, whatever its sky.
    scene : (C, H, W)
        What a perfect camera sees: `Night.scene`, channels first.
    taken : list of int
        Numbers of the subs in it, from 0.
    scale : float or (C,)
        Transparency that it is scaled to.
    """
    response, noise_adu = response_of(made), sample_noise_adu(made)
    truth = scene * (response * scale).astype(np.float32)[:, None, None]
    difference = np.asarray(stack, np.float32) - truth
    # px per box that see the colour
    shares = [np.mean(made.night.sensor.channel == c) for c in range(len(response))]
    noise = []
    for c, share in enumerate(shares):
        ideal = noise_adu[c] / math.sqrt(len(taken) * share * BIN * BIN)
        sky, rms = _sky_and_rms(difference[c], truth[c], CLEAN_SIGMA * noise_adu[c])
        difference[c] -= sky
        noise.append(rms / ideal)
    green = min(1, len(response) - 1)
    flux = _star_ratios(stack[green], truth[green], made)
    low, middle, high = np.percentile(flux, [25, 50, 75]) if flux.size else (math.nan,) * 3
    left = _trail_left(difference[green], made, taken, float(response[green]))
    return Accuracy(float(np.mean(noise)), float(middle - 1), float((high - low) / 1.349), left, int(flux.size))


def scale_of_stars(stack: Array, made: Made, scene: Array) -> Array:
    """Return the scale (C,) at which a stack's bright stars have the light of the truth."""
    response = response_of(made)
    ratios = (_star_ratios(stack[c], scene[c] * np.float32(response[c]), made) for c in range(len(response)))
    return np.array([float(np.median(each)) if each.size else math.nan for each in ratios])


def _boxes(plane: Array) -> Array:
    h, w = plane.shape[0] // BIN, plane.shape[1] // BIN
    return plane[: h * BIN, : w * BIN].reshape(h, BIN, w, BIN)


def _sky_and_rms(difference: Array, truth: Array, limit: float) -> tuple[Array, float]:
    """Smooth sky (H, W) of what differs, and the rms about it, in boxes without stars."""
    binned = _boxes(difference).mean(axis=(1, 3))
    clean = np.isfinite(binned) & (_boxes(truth).max(axis=(1, 3)) < limit)
    height, width = difference.shape
    y, x = np.nonzero(clean)
    terms = _terms((x * BIN + BIN / 2) / width, (y * BIN + BIN / 2) / height)
    values = binned[clean].astype(np.float64)
    keep = np.ones(len(values), bool)
    for _ in range(3):
        k = np.linalg.lstsq(terms[keep], values[keep], rcond=None)[0]
        rest = values - terms @ k
        keep = np.abs(rest) < 4 * 1.4826 * np.median(np.abs(rest))
    grid_y, grid_x = np.ogrid[:height, :width]
    sky = sum(a * t for a, t in zip(k, _terms_of_grid(grid_x / width, grid_y / height), strict=True))
    return np.asarray(sky, np.float32), float(np.sqrt(np.mean(rest**2)))


def _terms(x: Array, y: Array) -> Array:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _terms_of_grid(x: Array, y: Array) -> tuple[Array, ...]:
    return np.ones((1, 1)), x, y, x * x, x * y, y * y


def _star_ratios(stack: Array, truth: Array, made: Made) -> Array:
    """Flux over true flux of bright stars that stand alone, in the same apertures."""
    stars = made.night.sky.stars
    green = stars["flux"][:, 1] if made.frames.cfa else stars["flux"].mean(axis=1)
    near = np.column_stack([stars["x"], stars["y"]])[green > 0.02 * STAR_ADU[0]]
    brightness = green[green > 0.02 * STAR_ADU[0]]
    height, width = stack.shape
    radius = np.hypot(*np.mgrid[-ANNULUS_PX : ANNULUS_PX + 1, -ANNULUS_PX : ANNULUS_PX + 1])
    inside, around = radius <= APERTURE_PX, radius > APERTURE_PX + 2
    ratios = []
    for (x, y), flux in zip(near, brightness, strict=True):
        column, row = round(x), round(y)
        within = (
            ANNULUS_PX + 30 <= column < width - ANNULUS_PX - 30 and ANNULUS_PX + 30 <= row < height - ANNULUS_PX - 30
        )
        if not (within and STAR_ADU[0] <= flux <= STAR_ADU[1]):
            continue
        others = np.hypot(near[:, 0] - x, near[:, 1] - y) < 2 * ANNULUS_PX
        if brightness[others].sum() > 1.05 * flux:
            continue
        window = np.s_[row - ANNULUS_PX : row + ANNULUS_PX + 1, column - ANNULUS_PX : column + ANNULUS_PX + 1]
        seen, true = (
            plane[window][inside].sum() - np.median(plane[window][around]) * inside.sum() for plane in (stack, truth)
        )
        ratios.append(float(seen / true))
    found = np.array(ratios)
    return np.asarray(found[np.isfinite(found)])


def _trail_left(difference: Array, made: Made, taken: list[int], response: float) -> float:
    """Mean of what is left along trails, where the mean of all subs has 1; NaN without trails."""
    noise_adu = float(sample_noise_adu(made)[min(1, made.night.options.n_channels - 1)])
    left = expected = 0.0
    for no in taken:
        for trail in made.truths[no].trails:
            if trail.peak_adu < LEAST_TRAIL_SIGMA * noise_adu:
                continue
            values = _along(difference, trail, made.truths[no].matrix)
            if values.size:
                left += float(values.mean())
                expected += trail.peak_adu * response / len(taken)
    return left / expected if expected else math.nan


def _along(difference: Array, trail: Trail, matrix: Array) -> Array:
    """Px of the grid on the line of a trail."""
    ends = matrix[:2] @ np.array([[trail.x0, trail.x1], [trail.y0, trail.y1], [1.0, 1.0]])
    n = int(np.hypot(*(ends[:, 1] - ends[:, 0])))
    x, y = (np.rint(np.linspace(end[0], end[1], n)).astype(int) for end in ends)
    inside = (x >= 0) & (y >= 0) & (x < difference.shape[1]) & (y < difference.shape[0])
    values = difference[y[inside], x[inside]]
    # a trail crosses stars, whose seeing differs
    middle = np.median(values[np.isfinite(values)]) if np.isfinite(values).any() else 0.0
    near = np.isfinite(values) & (np.abs(values - middle) < 10 * 1.4826 * np.nanmedian(np.abs(values - middle)) + 1e-6)
    return np.asarray(values[near])
