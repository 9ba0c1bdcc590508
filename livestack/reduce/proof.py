"""Did calibration work? Figures of one light before and after, and whether its dark fits it at all."""

from __future__ import annotations

import functools
import math
from concurrent.futures import Executor

import cv2
import numpy as np

from livestack.frame import Array, Frame, Masters
from livestack.reduce.dust import depth_of, structure_of
from livestack.reduce.sensor import colours_of, mask_of

STRUCTURE_SIGMA = 8.0
LEAST_STRUCTURED = 30
"""A dark with fewer px far above its noise says nothing about whether it fits."""
HALF = 0.5
"""A dark that takes off less than twice what is there makes it better."""
HOT_SIGMA = 10.0
MOST_ABOUT = 0.12
"""Of the height of a px its eight neighbours have less, on average, where it is hot; in a star of 1.4 px FWHM more."""
MPX = 1e6
TILES = 5
BLOCK = 32
LEAST_BLOCKS = 12
SATURATED_SHARE = 0.9
FULL_ADU = 65535.0
STRIP = 96
ENOUGH_PX = 4_000_000
"""A larger picture is told by strips of rows, which together are so large."""


def colour_planes(data: Array, cfa: str | None) -> list[Array]:
    """Return views of one colour each: one per px of the cell of a CFA, or the three of a colour picture.

    Parameters
    ----------
    data : (H, W) or (H, W, 3)
    """
    if data.ndim == 3:
        return [data[..., c] for c in range(data.shape[2])]
    side = len(colours_of(cfa)) or 1
    return [data[y::side, x::side] for y in range(side) for x in range(side)]


def _above_neighbours(plane: Array) -> Array:
    """(h, w) float32: each px less the median of the 5 × 5 px about it."""
    plane = np.ascontiguousarray(plane, np.float32)
    above: Array = plane - cv2.medianBlur(plane, 5)
    return above


def _sigma(values: Array) -> float:
    some = values.ravel()[:: max(1, values.size // 200_000)]
    return 1.4826 * float(np.median(np.abs(some - np.median(some))))


def dark_fit(light: Frame, dark: Array, threads: Executor | None = None) -> float | None:
    """Return how high the hot px of a dark stand in a light, of their height in the dark: 1 = it fits.

    Taking the dark off leaves (1 − fit)² of their power; so it makes things worse where the fit is below a half. None =
    the dark has too few px that stand out.

    Parameters
    ----------
    light : Frame
        Raw, nothing taken off.
    dark : ndarray of float32
        As its data.
    threads : Executor, optional
        Looks at the colours.
    """
    planes = (colour_planes(data, light.header.cfa) for data in (light.data, dark))
    top = SATURATED_SHARE * (light.header.saturation_adu or FULL_ADU)
    each = threads.map if threads else map
    found = np.concatenate(list(each(functools.partial(_heights, top), *planes)))
    return float(np.median(found)) if found.size >= LEAST_STRUCTURED else None


def _heights(top: float, lit: Array, plane: Array) -> Array:
    """(N,) how high the hot px of a plane of a dark stand in a light below this level, of their height in the dark."""
    height = _above_neighbours(plane)
    there = (height > STRUCTURE_SIGMA * max(_sigma(height), 0.5)) & (lit < top)
    seen = _above_neighbours(lit)
    # what is lost in the light's own noise says little
    there &= height > _sigma(seen)
    ratios: Array = seen[there] / height[there]
    return ratios


def figures(light: Frame, masters: Masters) -> dict[str, float]:
    """Measure one light before and after calibration.

    Returns
    -------
    dict
        hot_before, hot_after: px that stand alone more than 10 σ high, per megapixel. spread_before, spread_after:
        range of the sky over its median in 5 × 5 tiles, pedestal off. dust_before, dust_after: how deep the shadows
        that the flat shows stand in the light, as a share of it.
        e_per_adu, read_noise_e: as measured, where bias or dark frames tell the noise without light.
    """
    cfa, rows = light.header.cfa, _some_rows(*light.data.shape[:2])
    raw = light.data[rows].astype(np.float32)
    bare = raw if masters.pedestal is None else raw - masters.pedestal[rows]
    clean = bare if masters.gain is None else bare * masters.gain[rows]
    bad = mask_of(masters.hot, light.data.shape[:2])[rows]
    bad |= ~np.isfinite(clean if clean.ndim == 2 else clean.sum(axis=2))
    found = {"hot_before": _hot_per_mpx(raw, cfa), "hot_after": _hot_per_mpx(_mended(clean, bad), cfa)}
    if masters.pedestal is not None:
        found |= {"spread_before": _spread(bare, cfa), "spread_after": _spread(np.nan_to_num(clean), cfa)}
        found |= _dust(light, masters)
        found |= _photon_transfer(bare, masters, cfa)
    return {name: round(value, 4) for name, value in found.items() if math.isfinite(value)}


def _some_rows(height: int, width: int) -> Array | slice:
    """Rows that a large picture is told by: strips of whole cells of a CFA, evenly from top to bottom."""
    strips = height // STRIP
    step = math.ceil(height * width / ENOUGH_PX)
    if step <= 1 or strips < TILES:
        return slice(None)
    first = STRIP * np.unique(np.linspace(0, strips - 1, max(strips // step, TILES)).astype(np.int64))
    return (first[:, None] + np.arange(STRIP)).ravel()


def _dust(light: Frame, masters: Masters) -> dict[str, float]:
    gain, cfa = masters.gain, light.header.cfa
    if gain is None or masters.pedestal is None:
        return {}
    raw, pedestal = light.data, masters.pedestal
    shown = structure_of(lambda rows: 1 / gain[rows], gain.shape, cfa)
    before = structure_of(lambda rows: raw[rows] - pedestal[rows], raw.shape, cfa)
    after = structure_of(lambda rows: (raw[rows] - pedestal[rows]) * gain[rows], raw.shape, cfa)
    if shown is None or before is None or after is None:
        return {}
    depths = {"dust_before": depth_of(shown, before), "dust_after": depth_of(shown, after)}
    return {name: depth for name, depth in depths.items() if depth is not None}


def _mended(data: Array, bad: Array) -> Array:
    """Put the level of the picture where a px is bad."""
    out = data.copy()
    out[bad] = np.median(data[~bad][::7]) if (~bad).any() else 0.0
    return out


def _hot_per_mpx(data: Array, cfa: str | None) -> float:
    """Px that stand out alone: beside the peak of a star its neighbours stand out as well."""
    n = 0
    for plane in colour_planes(data, cfa):
        above = _above_neighbours(plane)
        about = (9 * cv2.blur(above, (3, 3)) - above) / 8
        n += int(((above > HOT_SIGMA * max(_sigma(above), 0.5)) & (about < MOST_ABOUT * above)).sum())
    return n * MPX / float(data.shape[0] * data.shape[1])


def _spread(data: Array, cfa: str | None) -> float:
    """Range over median of the sky in tiles, of the colour where it is largest."""
    found = []
    for plane in colour_planes(data, cfa):
        h, w = (side // TILES for side in plane.shape)
        levels = [
            float(np.median(plane[y * h : (y + 1) * h, x * w : (x + 1) * w][::2, ::2]))
            for y in range(TILES)
            for x in range(TILES)
        ]
        middle = float(np.median(levels))
        found.append((max(levels) - min(levels)) / middle if middle > 0 else math.nan)
    return float(max(found))


def _photon_transfer(bare: Array, masters: Masters, cfa: str | None) -> dict[str, float]:
    """Gain from the noise that light adds to that without light: variance − dark variance = level / gain (Janesick).

    The noise of a block is told by its second differences, which neither stars nor gradients reach.
    """
    kind = "dark" if "dark" in masters.noise_adu else "bias"
    if kind not in masters.noise_adu or not masters.noise_adu[kind] > 0:
        return {}
    dark_adu = masters.noise_adu[kind] * math.sqrt(masters.n_frames[kind])
    gains = []
    for plane in colour_planes(bare, cfa):
        h, w = (side // BLOCK for side in plane.shape)
        blocks = plane[: h * BLOCK, : w * BLOCK].reshape(h, BLOCK, w, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
        blocks = blocks[:: max(1, len(blocks) // 2000)]
        second = blocks[:, 1:-1, :-2] - 2 * blocks[:, 1:-1, 1:-1] + blocks[:, 1:-1, 2:]
        middle = np.median(second, axis=(1, 2), keepdims=True)
        variance = (1.4826 * np.median(np.abs(second - middle), axis=(1, 2))) ** 2 / 6
        level, lit = np.median(blocks, axis=(1, 2)), variance - dark_adu**2
        usable = (lit > 0.3 * dark_adu**2) & (level > 0)
        gains += (level[usable] / lit[usable]).tolist()
    if len(gains) < LEAST_BLOCKS:
        return {}
    gain = float(np.median(gains))
    return {"e_per_adu": gain, "read_noise_e": gain * dark_adu}
