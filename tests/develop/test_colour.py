"""The sky is grey, the typical star is white, and colour is turned up without changing its hue."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.develop.background import Background
from livestack.develop.chain import develop
from livestack.develop.colour import Neutralise, Saturation, Scnr, WhiteBalance, sky_of, star_colour
from livestack.develop.plate import Plate
from livestack.errors import SettingsError
from tests.develop.scene import RESPONSE, STAR_TILT, scene


def test_white_is_the_colour_that_stars_have_in_the_mean() -> None:
    seen, _ = scene().observed(40, 1)
    flat = develop(Plate(seen), (Background(), Neutralise())).plate
    colour = star_colour(flat)
    assert colour is not None
    assumed = RESPONSE.ravel() * np.array([1 + 0.5 * STAR_TILT, 1, 1 - 0.5 * STAR_TILT])
    assert colour / colour[1] == pytest.approx(assumed / assumed[1], rel=0.02)


def test_balanced_stars_are_white_and_the_noise_is_scaled_with_them() -> None:
    seen, error = scene().observed(40, 1)
    plate = develop(Plate(seen, error), (Background(), Neutralise(), WhiteBalance())).plate
    colour = star_colour(plate)
    assert colour == pytest.approx(np.ones(3), abs=0.01)
    gains = np.array(plate.noise_scales)
    assert gains[0] > 1.2
    sky = plate.data[:, 560:, :200]
    spread = np.diff(np.quantile(sky, [0.1587, 0.5], axis=(1, 2)), axis=0)[0]
    assert spread == pytest.approx(gains * error[:, 560:, :200].mean(axis=(1, 2)), rel=0.1)


def test_a_red_nebula_over_half_the_picture_does_not_turn_stars_blue() -> None:
    field = scene()
    seen, _ = field.observed(40, 1)
    seen[0] += 20 * field.nebula[0]
    plain, red = (star_colour(develop(Plate(d), (Neutralise(),)).plate) for d in (field.observed(40, 1)[0], seen))
    assert plain is not None
    assert red == pytest.approx(plain, rel=0.03)


def test_without_stars_nothing_is_balanced() -> None:
    noise = np.random.default_rng(1).normal(size=(3, 200, 200)).astype(np.float32)
    assert WhiteBalance().settle(Plate(noise)).gains == (1, 1, 1)
    assert WhiteBalance().settle(Plate(noise[:1])).gains == (1,)


def test_the_sky_is_told_beneath_a_nebula() -> None:
    random = np.random.default_rng(2)
    plane = random.normal(100, 5, (400, 400)).astype(np.float32)
    plane[:220, :220] += 60
    assert sky_of(plane) == pytest.approx(100, abs=1)


def _hue(rgb: np.ndarray) -> float:
    """Angle in Oklab, by its author's own numbers."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(
        np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]]) @ linear
    )  # fmt: skip
    a = np.array([1.9779984951, -2.4285922050, 0.4505937099]) @ cones
    b = np.array([0.0259040371, 0.7827717662, -0.8086757660]) @ cones
    return float(np.arctan2(b, a))


@pytest.mark.parametrize("colour", [(0.6, 0.4, 0.4), (0.4, 0.5, 0.6), (0.55, 0.6, 0.4), (0.5, 0.4, 0.6)])
def test_more_saturation_keeps_the_hue(colour: tuple[float, float, float]) -> None:
    rgb = np.array(colour, np.float32)
    plate = Plate(np.ascontiguousarray(np.broadcast_to(rgb[:, None, None], (3, 4, 64))))
    out = Saturation(1.6)(plate).data[:, 0, 0]
    assert np.ptp(out) > 1.2 * np.ptp(rgb)
    assert abs(_hue(out) - _hue(rgb)) < 0.03


def test_chroma_is_multiplied_in_oklab() -> None:
    """Against the definition, in double precision, of colours that stay within what a screen shows."""
    rgb = np.random.default_rng(5).uniform(0.3, 0.7, (3, 8, 64)).astype(np.float32)
    light = rgb.astype(float).reshape(3, -1) ** 2
    cones = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
    lab = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                    [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
    told = lab @ np.cbrt(cones @ light)
    told[1:] *= 1 + 0.2 * np.minimum(2 * told[0], 1)
    wanted = np.linalg.inv(cones) @ (np.linalg.inv(lab) @ told) ** 3
    assert 0 < wanted.min() < wanted.max() < 1
    out = Saturation(1.2)(Plate(rgb.copy())).data
    assert out.reshape(3, -1) == pytest.approx(np.sqrt(wanted), abs=2e-5)


def test_grey_stays_grey_and_a_colour_no_screen_has_is_not_cut_off() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    grey = np.ascontiguousarray(np.broadcast_to(ramp, (3, 2, 256)))
    out = Saturation(2)(Plate(grey.copy())).data
    assert np.abs(out - grey).max() < 0.004
    red = np.zeros((3, 1, 64), np.float32)
    red[0], red[1], red[2] = 0.95, 0.3, 0.25
    out = Saturation(4)(Plate(red.copy())).data[:, 0, 0]
    assert 0 < out.min() <= out.max() <= 1 + 1e-6
    assert abs(_hue(Saturation(1.5)(Plate(red.copy())).data[:, 0, 0]) - _hue(red[:, 0, 0])) < 0.1


def test_no_saturation_is_grey() -> None:
    data = np.random.default_rng(3).random((3, 20, 20)).astype(np.float32)
    assert np.ptp(Saturation(0)(Plate(data)).data, axis=0).max() < 0.02


def test_green_that_outdoes_red_and_blue_goes() -> None:
    data = np.array([[0.2, 0.5], [0.6, 0.4], [0.4, 0.6]], np.float32)[:, None, :]
    out = Scnr()(Plate(data.copy())).data
    assert out[1, 0] == pytest.approx([0.3, 0.4])
    assert (out[[0, 2]] == data[[0, 2]]).all()


def test_a_camera_s_daylight_is_made_white() -> None:
    grey = np.full((3, 40, 50), 100, np.float32) / np.array([2.0, 1.0, 1.6], np.float32)[:, None, None]
    step = WhiteBalance("camera")
    white = develop(Plate(grey, daylight=(2.0, 1.0, 1.6)), (step,)).plate.data
    assert np.ptp(white, axis=0).max() < 1e-3
    with pytest.raises(SettingsError, match="take by stars"):
        develop(Plate(grey), (step,))
    assert step.settle(Plate(grey[:1])).gains == (1.0,)


@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda: WhiteBalance("moon"), "stars, gray, camera"), (lambda: Saturation(9), "amount is 0 to 5")],
)
def test_what_cannot_be_is_said(make: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make()  # type: ignore[operator]


def test_a_star_at_the_edge_of_what_is_covered_does_not_leave_all_others_without_white() -> None:
    seen, _ = scene().observed(40, 1)
    plain = star_colour(develop(Plate(seen), (Background(), Neutralise())).plate)
    seen[:, :40], seen[:, :, -30:] = np.nan, np.nan
    colour = star_colour(develop(Plate(seen), (Background(), Neutralise())).plate)
    assert plain is not None and colour is not None
    assert colour == pytest.approx(plain, rel=0.02)
