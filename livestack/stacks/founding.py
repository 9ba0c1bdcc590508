"""What a founding sub fixes for good, and how raw px and figures make a light on its grid."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from livestack.frame import Array, Frame, Header, Masters, Quality
from livestack.reduce.fold import Light
from livestack.reduce.kernels import Sensor
from livestack.reduce.normalise import sky_level
from livestack.reduce.sensor import sensor_of
from livestack.stack import Shape
from livestack.stacks.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Founding:
    """Grid, facts, calibration and sky level (per channel) of a stack.

    `drizzle` is whether that was asked for; of a camera without colours in a mosaic it is not done all the same.
    """

    stack: str
    header: Header
    shape: Shape
    masters: Masters
    masters_id: str
    quality: Quality
    sky_adu: tuple[float, ...]
    drizzle: bool = False

    @property
    def is_drizzled(self) -> bool:
        """Whether the raw px of its subs are dropped onto the grid."""
        return self.drizzle and self.header.cfa is not None

    @property
    def sky(self) -> Array:
        """Sky of the founding sub as `Light` wants it: a level, (C, 6) float64."""
        sky = np.zeros((len(self.sky_adu), 6))
        sky[:, 0] = self.sky_adu
        return sky

    def masters_without(self, defects: Array) -> Masters:
        """Masters whose bad px are joined by defects of the sensor: y · width + x."""
        if not defects.size:
            return self.masters
        known = self.masters.hot
        return dataclasses.replace(self.masters, hot=np.union1d(defects if known is None else known, defects))

    def light(self, frame: Frame) -> Light:
        """Light of the founding sub."""
        return light_of(sensor_of(frame, self.masters), matrix=np.eye(3), sky=self.sky, scale=1.0, weight=1.0)


def founding_of(name: str, item: Prepared, quality: Quality, masters: Masters, *, drizzle: bool = False) -> Founding:
    """Fix what a founding sub fixes."""
    height, width = item.frame.data.shape[:2]
    shape = (item.frame.n_channels, height, width)
    blank = np.zeros((shape[0], 6))
    light = light_of(sensor_of(item.frame, masters), matrix=np.eye(3), sky=blank, scale=1.0, weight=1.0)
    sky = tuple(sky_level(light, shape)[:, 0].tolist())
    header = dataclasses.replace(item.frame.header, raw={})
    return Founding(name, header, shape, masters, item.masters_id, quality, sky, drizzle)


def exposure_ratio(founding: Header, item: Prepared) -> float:
    """Exposure of the founding sub over this one's: subs of all exposures join in one stack."""
    exposure_s = item.frame.header.exposure_s
    if not founding.exposure_s or not exposure_s:
        return 1.0
    return founding.exposure_s / exposure_s


def light_of(sensor: Sensor, *, matrix: Array, sky: Array, scale: float, weight: float) -> Light:
    """Join raw px and figures into what is folded. `matrix` is sub → grid."""
    return Light(sensor, np.linalg.inv(matrix), sky, scale, weight)
