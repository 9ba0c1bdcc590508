"""A picture as a page shows it: stretched, upright, not too large, and packed."""

from __future__ import annotations

import cv2
import numpy as np

from livestack.develop.stretch import Stretch, apply
from livestack.frame import Array, Picture

QUALITY = 90


def shown(picture: Picture, stretch: Stretch, longest_px: int) -> Array:
    """Return a picture stretched, upright and at most so long; (H, W) or (H, W, 3) uint8."""
    data = picture.data[::-1] if picture.row_order == "BOTTOM-UP" else picture.data
    return apply(smaller(data, longest_px), stretch)


def smaller(data: Array, longest_px: int) -> Array:
    """Return a picture shrunk to at most so many px a side."""
    shrink = longest_px / max(data.shape[:2])
    if shrink >= 1.0:
        return data
    size = (max(1, round(data.shape[1] * shrink)), max(1, round(data.shape[0] * shrink)))
    return np.asarray(cv2.resize(np.ascontiguousarray(data), size, interpolation=cv2.INTER_AREA))


def jpeg(image: Array, quality: int = QUALITY) -> bytes:
    """Pack (H, W) or (H, W, 3) RGB uint8 as JPEG."""
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
