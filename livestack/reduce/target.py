"""How bright the target is: the level of what is large and stands above the sky."""

from __future__ import annotations

import cv2
import numpy as np

from livestack.frame import Array

LONGEST_PX = 512
LEAST_PX = 64
TARGET_SIGMA = 5.0
LEAST_SHARE = 0.002
"""Of the picture, that a target fills."""
ROUNDS, STRIDE = 5, 7


def target_level(picture: Array) -> float | None:
    """Return how far a typical px of the target stands above the sky; None = there is none to be seen.

    Stars are filtered out, then a plane is laid through the sky.

    Parameters
    ----------
    picture : (H, W) or (H, W, 3) float32
        Linear; NaN = not covered.
    """
    height, width = picture.shape[:2]
    factor = min(1.0, LONGEST_PX / max(height, width))
    size = max(int(width * factor), 8), max(int(height * factor), 8)
    small = cv2.resize(np.ascontiguousarray(picture, np.float32), size, interpolation=cv2.INTER_AREA)
    small = small.mean(axis=2) if small.ndim == 3 else small
    seen = np.isfinite(small)
    covered = cv2.erode(seen.astype(np.uint8), np.ones((9, 9))) > 0
    if covered.sum() < max(0.1 * covered.size, LEAST_PX):
        return None
    small[~seen] = np.median(small[seen])
    for _ in range(3):
        small = cv2.medianBlur(small, 5)
    above, sigma = _above_sky(small, covered)
    there = covered & (above > TARGET_SIGMA * sigma)
    there = cv2.morphologyEx(there.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
    if there.sum() < LEAST_SHARE * covered.sum():
        return None
    return float(np.median(above[there]))


def _above_sky(small: Array, covered: Array) -> tuple[Array, float]:
    """Picture without a plane through what is not above it, and the scatter about that plane from below."""
    yy, xx = np.mgrid[-1 : 1 : small.shape[0] * 1j, -1 : 1 : small.shape[1] * 1j]
    terms = np.stack([np.ones(small.shape), xx, yy], axis=-1)
    sky = covered.copy()
    for _ in range(ROUNDS):
        fit = np.linalg.lstsq(terms[sky][::STRIDE], small[sky][::STRIDE], rcond=None)[0]
        above = small - terms @ fit
        below = above[covered & (above < 0)]
        sigma = float(np.sqrt((below**2).mean())) if below.size else 0.0
        sky = covered & (np.abs(above) <= 2.5 * max(sigma, 1e-6))
        if sky.sum() < LEAST_PX:
            break
    return above, sigma
