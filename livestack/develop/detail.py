"""Stars that do not outshine what lies between them, and shapes that stand out: for a picture, once it is stretched."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from livestack.develop.plate import Plate
from livestack.errors import SettingsError
from livestack.frame import Array

HEIGHT_PX = 1080
"""Of the picture that sizes are said for: a larger one has larger stars."""
STAR_PX, SHAPE_SHARE = 13, 0.03
"""Across of what is a star, px of that picture; and of what is a shape, share of its height."""


@dataclass(frozen=True, slots=True)
class Stars:
    """Make stars fainter beside all else, or brighter.

    Attributes
    ----------
    light : float
        What is left of them: 1 = as they are, 0 = hardly any.
    """

    name: ClassVar[str] = "stars"
    light: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.light <= 2:
            raise SettingsError(f"stars: light is 0 to 2, not {self.light:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Stars:
        """Nothing is told before."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Weaken what a star's size of the picture does not hold (opening; Serra 1982)."""
        if self.light == 1:
            return plate
        side = max(3, round(STAR_PX * max(plate.shape[1] / HEIGHT_PX, 0.5))) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        for plane in plate.data:
            known = np.nan_to_num(plane)
            beneath = cv2.GaussianBlur(cv2.morphologyEx(known, cv2.MORPH_OPEN, kernel), (0, 0), side / 4)
            above = np.maximum(plane - beneath, 0)
            np.subtract(plane, np.float32(1 - self.light) * above, out=plane)
            if plate.stretched:
                np.minimum(plane, 1, out=plane)
        return plate


@dataclass(frozen=True, slots=True)
class Contrast:
    """Let shapes stand out against what surrounds them.

    Attributes
    ----------
    amount : float
        0 = nothing.
    """

    name: ClassVar[str] = "local contrast"
    amount: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 2:
            raise SettingsError(f"local contrast: amount is 0 to 2, not {self.amount:g}")

    def settle(self, plate: Plate, threads: Executor | None = None) -> Contrast:
        """Nothing is told before."""
        return self

    def __call__(self, plate: Plate, threads: Executor | None = None) -> Plate:
        """Raise the luminance over its surroundings, least where it is near black or white; colours follow."""
        if self.amount == 0 or not plate.stretched:
            return plate
        light = np.nan_to_num(plate.data.mean(axis=0))
        raised = light + np.float32(4 * self.amount) * light * (1 - light) * (light - _surroundings(light))
        ratio = np.maximum(raised, 0) / np.maximum(light, np.float32(1e-6))
        for plane in plate.data:
            np.clip(plane * ratio, 0, 1, out=plane)
        return plate


def _surroundings(light: Array) -> Array:
    """Mean over a shape's size; stars, which are small, have little say."""
    h, w = light.shape
    sigma = SHAPE_SHARE * h
    k = max(1, int(sigma / 4))  # what is so soft is as well told on a small picture
    small = cv2.resize(light, (max(1, w // k), max(1, h // k)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(cv2.medianBlur(small, 5), (0, 0), sigma / k)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC))
