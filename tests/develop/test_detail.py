"""Stars step back, shapes step forward, and no colour is lost."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.develop.chain import AUTO, develop
from livestack.develop.detail import Contrast, Stars
from livestack.develop.plate import Plate
from livestack.errors import SettingsError
from tests.develop.scene import scene


@pytest.fixture(scope="module")
def picture() -> Plate:
    return develop(Plate(*scene().observed(40, 1)), AUTO[1:]).plate


def test_stars_get_fainter_and_the_nebula_does_not(picture: Plate) -> None:
    field = scene()
    out = Stars(0.4)(picture.with_data(picture.data.copy())).data[0]
    before = picture.data[0]
    x, y, flux = field.listed.T
    some = field.listed[(flux > 800) & (flux < 8000) & (x > 20) & (x < 870) & (y > 20) & (y < 620)]
    places = some[:, 1].round().astype(int), some[:, 0].round().astype(int)
    sky = float(np.median(before))
    assert np.median((out[places] - sky) / (before[places] - sky)) < 0.6
    inside = (field.nebula[0] > 40) & (field.stars[0] < 1)
    assert np.median(out[inside]) == pytest.approx(float(np.median(before[inside])), rel=0.05)


def test_shapes_stand_out_and_stay_within_black_and_white(picture: Plate) -> None:
    field = scene()
    out = Contrast(0.6)(picture.with_data(picture.data.copy())).data
    inside, dark = field.nebula[0] > 100, (field.nebula[0] < 1) & (field.stars[0] < 1)
    raised = np.median(out[0][inside]) - np.median(out[0][dark])
    assert raised > np.median(picture.data[0][inside]) - np.median(picture.data[0][dark])
    assert out.min() >= 0
    assert out.max() <= 1
    colour, was = (np.median(data[:, inside], axis=1) for data in (out, picture.data))
    assert colour / colour.sum() == pytest.approx(was / was.sum(), abs=0.01)


def test_linear_data_get_no_contrast_of_a_screen() -> None:
    data = np.ones((1, 32, 32), np.float32)
    assert Contrast()(Plate(data)).data is data


@pytest.mark.parametrize("make", [lambda: Stars(3), lambda: Contrast(-1)])
def test_what_cannot_be_is_said(make: object) -> None:
    with pytest.raises(SettingsError, match="is 0 to 2"):
        make()  # type: ignore[operator]
