"""How px lie on the sky, against astropy's own world coordinates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.wcs import WCS

from livestack.frame import SkyMatrix
from livestack.read.wcs import sky_matrix_of, wcs_of
from livestack.show.sky import grid_of, north_up, position, scale_bar, sexagesimal, upright, ways

SCALE_DEG = 1.5 / 3600


def _keywords(turn_deg: float, *, mirrored: bool = False, dec_deg: float = 22.7) -> dict[str, object]:
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    east = 1.0 if mirrored else -1.0
    return {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN",
        "CRPIX1": 652.5, "CRPIX2": 488.0, "CRVAL1": 299.9, "CRVAL2": dec_deg,
        "CD1_1": east * SCALE_DEG * cos, "CD1_2": -east * SCALE_DEG * sin,
        "CD2_1": SCALE_DEG * sin, "CD2_2": SCALE_DEG * cos,
    }  # fmt: skip


def _matrix(turn_deg: float, *, mirrored: bool = False) -> SkyMatrix:
    matrix = sky_matrix_of(_keywords(turn_deg, mirrored=mirrored))
    assert matrix is not None
    return matrix


@pytest.mark.parametrize("turn_deg", [0.0, 33.0, -120.0])
@pytest.mark.parametrize("dec_deg", [22.7, -61.0, 89.9])
def test_positions_are_those_of_the_world_coordinates(turn_deg: float, dec_deg: float) -> None:
    keywords = _keywords(turn_deg, dec_deg=dec_deg)
    grid, wcs = grid_of({"sky_matrix": sky_matrix_of(keywords), "wcs": wcs_of(keywords)}), WCS(keywords)
    assert grid.arcsec_per_px == pytest.approx(1.5)
    for x, y in ((651.5, 487.0), (0.0, 0.0), (1303.0, 975.0)):
        found = position(grid, x, y)
        assert found is not None
        np.testing.assert_allclose(found, wcs.all_pix2world([[x, y]], 0)[0], atol=1e-6)
    assert position(grid_of({"sky_matrix": [1.0, 0.0, 0.0, 1.0]}), 0.0, 0.0) is None


@pytest.mark.parametrize("turn_deg", [0.0, 25.0, 90.0, 200.0])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
def test_north_comes_up_and_east_to_the_left(turn_deg: float, mirrored: bool, row_order: str) -> None:
    matrix = upright(_matrix(turn_deg, mirrored=mirrored), row_order)
    by_deg, flip = north_up(matrix)
    cos, sin = math.cos(math.radians(by_deg)), math.sin(math.radians(by_deg))
    turned = [((-x if flip else x), y) for x, y in ways(matrix)]
    north, east = ((cos * x - sin * y, sin * x + cos * y) for x, y in turned)  # clockwise, for y runs downwards
    np.testing.assert_allclose(north, (0.0, -1.0), atol=1e-9)
    np.testing.assert_allclose(east, (-1.0, 0.0), atol=1e-9)


def test_a_scale_comes_from_the_telescope_where_nothing_is_solved() -> None:
    grid = grid_of({"focal_mm": 480.0, "pixel_um": 3.76})
    assert grid.arcsec_per_px == pytest.approx(1.6157, rel=1e-4)
    assert grid.matrix is None
    assert grid_of({"focal_mm": 480.0}).arcsec_per_px is None
    assert grid_of({"sky_matrix": [0.0, 0.0, 0.0, 0.0]}).arcsec_per_px is None


def test_a_bar_is_a_round_angle_and_fits() -> None:
    for arcsec_per_px in np.geomspace(0.02, 60.0, 200):
        length, label = scale_bar(arcsec_per_px)
        assert 60 <= length <= 160, (arcsec_per_px, label)
        units = {"″": 1.0, "′": 60.0, "°": 3600.0}
        assert length * arcsec_per_px == pytest.approx(float(label[:-1]) * units[label[-1]])
        assert label[0] in "125" or label.startswith("0.")
    assert scale_bar(1.5) == (80.0, "2′")


def test_places_are_written_as_in_an_atlas() -> None:
    assert sexagesimal(299.901, 22.7212) == "19h 59m 36.2s +22° 43′ 16″"
    assert sexagesimal(359.99999, -0.0001) == "00h 00m 00.0s +00° 00′ 00″"
    assert sexagesimal(10.0, -5.5) == "00h 40m 00.0s −05° 30′ 00″"
