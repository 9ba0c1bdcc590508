"""Numbers as a picture in grey: what is no light is not developed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from livestack.develop.live import smaller, upright
from livestack.frame import Array, Picture


@dataclass(frozen=True, slots=True)
class Greys:
    """How numbers are drawn: from `low` to `high` as greys from `dark` to `bright`; `less_stack` = less those of it."""

    low: float
    high: float
    dark: int
    bright: int
    less_stack: bool = False


def in_grey(picture: Picture, stack: Picture, greys: Greys, shrink: float = 1.0) -> Array:
    """Draw numbers: (H, W) uint8, upright and shrunk; what is not known is black."""
    data = upright(picture)
    if greys.less_stack:
        data = data - upright(stack)
    if data.ndim == 3:
        data = data.mean(axis=2)
    share = (smaller(data, shrink) - np.float32(greys.low)) / np.float32(max(greys.high - greys.low, 1e-12))
    level = greys.dark + np.float32(greys.bright - greys.dark) * share.clip(0.0, 1.0)
    return np.asarray(cv2.convertScaleAbs(np.nan_to_num(level)))
