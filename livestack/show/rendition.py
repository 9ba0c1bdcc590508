"""A picture as a page shows it: developed, upright, not too large, and packed."""

from __future__ import annotations

import cv2

from livestack.develop.live import Settled, shown, smaller
from livestack.frame import Array, Picture

QUALITY = 90
LONGEST_PX = 1920
"""Of a picture that is sent as one; what is larger is sent in parts."""


def developed(picture: Picture, settled: Settled, longest_px: int) -> Array:
    """Return a picture developed, upright and at most so long; (H, W) or (H, W, 3) uint8."""
    return shown(picture, settled, longest_px / max(picture.data.shape[:2]))


def within(image: Array, longest_px: int) -> Array:
    """Return a picture shrunk to at most so many px a side."""
    return smaller(image, longest_px / max(image.shape[:2]))


def jpeg(image: Array, quality: int = QUALITY) -> bytes:
    """Pack (H, W) or (H, W, 3) RGB uint8 as JPEG."""
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
