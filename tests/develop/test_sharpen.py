"""Stars get smaller without dark rings, and keep their light."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from livestack.develop.plate import Plate
from livestack.develop.sharpen import Sharpen, Sharpening
from livestack.errors import SettingsError
from tests.develop.scene import FWHM_PX, RESPONSE, H, W, scene


def _fwhm(picture: np.ndarray, stars: np.ndarray) -> float:
    widths = []
    for x, y, _ in stars:
        box = np.s_[round(y) - 7 : round(y) + 8, round(x) - 7 : round(x) + 8]
        v, u = np.mgrid[box]
        r, light = np.hypot(u - x, v - y).ravel(), picture[box].ravel()
        near = r < 5
        fit, _ = curve_fit(
            lambda r, a, alpha, beta: a * (1 + (r / alpha) ** 2) ** -beta, r[near], light[near], (light.max(), 2, 3)
        )
        widths.append(2 * abs(fit[1]) * np.sqrt(2 ** (1 / fit[2]) - 1))
    return float(np.median(widths))


def test_stars_get_smaller_without_rings_and_keep_their_light() -> None:
    field = scene()
    seen, error = field.observed(40, 3)
    seen = ((seen - RESPONSE * field.sky) / RESPONSE).astype(np.float32)
    plate = Plate(seen.copy(), error, noise_scales=tuple((1 / RESPONSE).ravel().tolist()))
    act = Sharpen().settle(plate)
    assert act.fwhm_share * H == pytest.approx(FWHM_PX, rel=0.08)
    sharp, green, sigma = act(plate).data[1], seen[1], float(np.sqrt(312 / 40))
    x, y, flux = field.listed.T
    bright = field.listed[(flux > 2e4) & (x > 20) & (x < W - 20) & (y > 20) & (y < H - 20)]
    boxes = [np.s_[int(y) - 9 : int(y) + 10, int(x) - 9 : int(x) + 10] for x, y, _ in bright]
    assert _fwhm(green, bright) > 2.7
    assert _fwhm(sharp, bright) <= 2.0
    assert np.median([sharp[box].min() for box in boxes]) >= -sigma
    assert np.median([sharp[box].sum() / green[box].sum() for box in boxes]) == pytest.approx(1, abs=0.03)


def test_what_is_too_small_to_be_told_stays_as_it_is() -> None:
    data = np.random.default_rng(1).normal(size=(3, 60, 80)).astype(np.float32)
    assert Sharpening(10, 1.0, 1.2 / 60)(Plate(data)).data is data
    assert Sharpen().settle(Plate(data)).fwhm_share == 0


def test_iterations_have_a_bound() -> None:
    with pytest.raises(SettingsError, match="iterations are 1 to 50"):
        Sharpen(iterations=1000)
