"""A night of subs and calibration frames, each a pure function of the options and its number."""

from __future__ import annotations

import numpy as np

from livestack.frame import Array
from livestack.simulate.options import NightOptions
from livestack.simulate.sensor import WHITE_ADU, expose, make_sensor, mosaic
from livestack.simulate.sky import View, make_sky, render
from livestack.simulate.trails import add_trail, night_trails
from livestack.simulate.truth import SubTruth, quiet_subs, sub_truth

_SKY, _SENSOR, _TRAILS, _SUB, _LIGHT, _DARK, _FLAT, _BIAS = range(8)
_GRADIENT = (0.05, -0.09)


class Night:
    """One synthetic night. Every frame has the same bits in whatever order it is asked for.

    Attributes
    ----------
    options : NightOptions
    sensor : Sensor
        The camera's fixed patterns.
    sky : Sky
        The stars and the galaxy on the grid, which is the frame of sub 0.
    """

    def __init__(self, options: NightOptions) -> None:
        self.options = options
        self.sensor = make_sensor(options, self._rng(_SENSOR))
        self.sky = make_sky(options, self.sensor, self._rng(_SKY))
        self._trails = night_trails(options, quiet_subs(options), self._rng(_TRAILS))

    def truth(self, no: int) -> SubTruth:
        """Return what happens in sub ``no``, without taking it."""
        if not 0 <= no < self.options.n_lights:
            raise IndexError(f"the night has {self.options.n_lights} subs; there is no sub {no}")
        return sub_truth(self.options, no, self._trails.get(no, ()), self._rng(_SUB, no))

    def light(self, no: int) -> Array:
        """Take sub ``no``: (H, W) uint16, as the camera reads it out."""
        truth = self.truth(no)
        light_e = self.light_e(truth)
        return expose(self.sensor, light_e, self.options.exposure_s, self.options, self._rng(_LIGHT, no))

    def light_e(self, truth: SubTruth) -> Array:
        """Return the electrons that a sub's light frees in perfect pixels, on average: (H, W) float32."""
        light_e = render(self.sky, self.options, truth.view, self.sensor.channel) * np.float32(truth.transparency)
        light_e += self.sky_e(truth)
        for trail in truth.trails:
            peak_e = trail.peak_adu * self.options.e_per_adu * self.sensor.efficiency
            add_trail(light_e, trail, mosaic(peak_e, self.sensor.channel, self.options.size))
        return light_e

    def sky_e(self, truth: SubTruth) -> Array:
        """Return the electrons of a sub's sky glow, brighter towards the horizon: (H, W) float32."""
        height, width = self.options.size
        y, x = np.ogrid[:height, :width]
        slope_x, slope_y = np.array(_GRADIENT) @ truth.matrix[:2, :2] * (2 / max(height, width))
        gradient = 1 + slope_x * (x - (width - 1) / 2) + slope_y * (y - (height - 1) / 2)
        colours = self.sensor.electrons(np.array(truth.sky_rgb_e))
        return np.asarray(gradient * mosaic(colours, self.sensor.channel, self.options.size), np.float32)

    def dark(self, no: int) -> Array:
        """Take a dark as long as the lights: (H, W) uint16."""
        return expose(self.sensor, 0.0, self.options.exposure_s, self.options, self._rng(_DARK, no))

    def flat(self, no: int) -> Array:
        """Take a flat, green half way to full scale: (H, W) uint16."""
        half_e = 0.5 * WHITE_ADU * self.options.e_per_adu * self.sensor.efficiency
        light_e = mosaic(half_e, self.sensor.channel, self.options.size)
        return expose(self.sensor, light_e, self.options.flat_exposure_s, self.options, self._rng(_FLAT, no))

    def bias(self, no: int) -> Array:
        """Take a bias: (H, W) uint16."""
        return expose(self.sensor, 0.0, 0.0, self.options, self._rng(_BIAS, no))

    def scene(self) -> Array:
        """Return the sky without noise, glow or air, at the typical seeing: ADU per sub on the grid.

        Returns
        -------
        ndarray of float32
            (H, W) mono or (H, W, 3).
        """
        view = View(np.eye(3), self.options.fwhm_px)
        planes = [
            render(self.sky, self.options, view, np.full((2, 2), channel)) for channel in range(self.options.n_channels)
        ]
        return np.stack(planes, axis=-1).squeeze() / np.float32(self.options.e_per_adu)

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, *stream])
