"""The catalogue knows what is where, without a network."""

from __future__ import annotations

import pytest

from livestack.show.names import MOST, objects_in
from livestack.show.sky import Grid, place_on, position
from livestack.sky.catalogue import common_name, within

SCALE = 2.0 / 3600


def _grid(ra_deg: float, dec_deg: float, scale_deg: float = SCALE) -> Grid:
    wcs = {"CTYPE1": "RA---TAN", "CRPIX1": 1000.5, "CRPIX2": 750.5, "CRVAL1": ra_deg, "CRVAL2": dec_deg}
    return Grid(3600 * scale_deg, (-scale_deg, 0.1 * scale_deg, 0.1 * scale_deg, scale_deg), wcs)


def test_the_dumbbell_is_in_the_fox() -> None:
    found = within(299.9, 22.7, 1.0)
    assert (found[0].name, found[0].called, found[0].kind) == ("M 27", "Dumbbell Nebula", "Planetary Nebula")
    assert (found[0].ra_deg, found[0].dec_deg) == pytest.approx((299.9016, 22.7210), abs=1e-3)
    assert found[0].size_arcmin == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("ra_deg", "dec_deg", "name"),
    [(10.685, 41.269, "M 31"), (83.82, -5.39, "M 42"), (0.05, 0.0, ""), (359.99, -89.99, ""), (12.0, 90.0, "")],
)
def test_it_answers_all_over_the_sky(ra_deg: float, dec_deg: float, name: str) -> None:
    found = within(ra_deg, dec_deg, 1.0)
    assert not name or found[0].name == name


def test_a_wide_field_bears_no_more_names_than_it_can() -> None:
    named = objects_in(_grid(187.7, 12.4, 10 / 3600), 1500, 2000)
    assert len(named) == MOST
    assert [one.label.startswith("M ") for one in named].index(False) == 7, "those of Messier in Virgo come first"
    assert all(0 <= one.x < 2000 and 0 <= one.y < 1500 for one in named)
    assert objects_in(Grid(2.0), 1500, 2000) == ()


@pytest.mark.parametrize(("ra_deg", "dec_deg"), [(299.9, 22.7), (0.01, -60.0), (359.99, 0.0), (120.0, 89.5)])
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (1999.0, 3.0), (700.25, 1400.5)])
def test_a_px_and_its_place_on_the_sky_are_one(ra_deg: float, dec_deg: float, x: float, y: float) -> None:
    grid = _grid(ra_deg, dec_deg)
    on_sky = position(grid, x, y)
    assert on_sky is not None
    assert place_on(grid, *on_sky) == pytest.approx((x, y), abs=1e-6)
    assert place_on(grid, (on_sky[0] + 180.0) % 360.0, -on_sky[1]) is None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("M 27", "Dumbbell Nebula"),
        ("ngc6853", "Dumbbell Nebula"),
        ("Dumbbell", ""),
        ("M 27 Dumbbell", ""),
        ("M 2", ""),
        ("my garden", ""),
        ("", ""),
    ],
)
def test_people_have_a_name_for_what_a_catalogue_counts(target: str, name: str) -> None:
    assert common_name(target) == name
