"""How a frame lies on the sky: every way to say it, against astropy, and what camera programs really wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from livestack.read import open_header
from livestack.read.wcs import sky_matrix_of
from livestack.sky.direction import position_angle_deg
from livestack.stacks.prepare import header_from_json, header_to_json
from tests.read.writing import write_fits

PLACE = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 40.0, "CRPIX1": 16.0, "CRPIX2": 12.0}
STEP = 4e-4
TURNED = {
    "CD": {"CD1_1": -3e-4, "CD1_2": 2e-4, "CD2_1": 2e-4, "CD2_2": 3e-4},
    "CD, mirrored": {"CD1_1": 3e-4, "CD1_2": 2e-4, "CD2_1": -2e-4, "CD2_2": 3e-4},
    "CD, zeros left out": {"CD1_2": STEP, "CD2_1": STEP},
    "CD, axes swapped": {"CD1_1": 1e-4, "CD1_2": 3e-4, "CD2_1": 3e-4, "CD2_2": -1e-4},
    "CROTA2": {"CDELT1": -STEP, "CDELT2": STEP, "CROTA2": 30.0},
    "CROTA2, mirrored": {"CDELT1": STEP, "CDELT2": STEP, "CROTA2": 303.1},
    "PC": {"CDELT1": -STEP, "CDELT2": STEP, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
    "PC, ones left out": {"CDELT1": -STEP, "CDELT2": STEP, "PC1_2": 0.1, "PC2_1": 0.2},
    "only a scale": {"CDELT1": -STEP, "CDELT2": STEP},
}


def _offset(card: dict[str, object], dx: float, dy: float) -> tuple[float, float]:
    """Where a small step from the reference px leads, in degrees to the east and to the north, by astropy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keywords out of use
        wcs = WCS(fits.Header(card))
    middle, there = wcs.all_pix2world([[15.0, 11.0], [15.0 + dx, 11.0 + dy]], 0)
    at = list(wcs.wcs.ctype)
    ra, dec = (at.index(name) for name in ("RA---TAN", "DEC--TAN"))
    return float((there[ra] - middle[ra]) * np.cos(np.radians(middle[dec]))), float(there[dec] - middle[dec])


@pytest.mark.parametrize("how", TURNED)
def test_a_step_leads_where_astropy_says(how: str) -> None:
    card: dict[str, object] = PLACE | TURNED[how]
    if how == "CD, axes swapped":
        card |= {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 40.0, "CRVAL2": 150.0}
    sky = sky_matrix_of(card)
    assert sky is not None
    a, b, c, d = sky
    for dx, dy in ((1.0, 0.0), (0.0, 1.0), (2.0, -1.5)):
        assert (a * dx + b * dy, c * dx + d * dy) == pytest.approx(_offset(card, dx, dy), abs=3e-8)


@pytest.mark.parametrize(("cd", "along_x", "along_y"), [((-1, 0, 0, 1), 90, 0), ((-1, 0, 0, -1), 90, 0)])
def test_rows_and_columns_of_an_upright_frame(cd: tuple[int, ...], along_x: float, along_y: float) -> None:
    """East–west is 90°, north–south 0°, whichever way the rows run."""
    a, b, c, d = (float(value) for value in cd)
    assert position_angle_deg((a, b, c, d), 1, 0) == pytest.approx(along_x)
    assert position_angle_deg((a, b, c, d), 0, 3) == pytest.approx(along_y)


def test_a_mirror_turns_a_direction_the_other_way() -> None:
    """North up: with east to the left, up and left is 45° from north through east; mirrored it is 135°."""
    assert position_angle_deg((-1.0, 0.0, 0.0, 1.0), -1, 1) == pytest.approx(45)
    assert position_angle_deg((1.0, 0.0, 0.0, 1.0), -1, 1) == pytest.approx(135)
    for dx, dy in ((3.0, 1.0), (-3.0, -1.0)):
        assert position_angle_deg((-1.0, 0.0, 0.0, 1.0), dx, dy) == pytest.approx(108.43, abs=0.01), "no head"


@pytest.mark.parametrize(
    "card",
    [
        {},
        TURNED["CD"],
        PLACE,
        PLACE | {"CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0},
        PLACE | {"CD1_1": "nan", "CD2_2": "up"},
        PLACE | {"CDELT1": 1e300, "CDELT2": -1e300},
        PLACE | TURNED["CD"] | {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"},
    ],
)
def test_without_usable_words_nothing_is_known(card: dict[str, object]) -> None:
    assert sky_matrix_of(card) is None


def test_it_is_kept_in_the_journal_and_old_journals_load(tmp_path: Path) -> None:
    header = open_header(write_fits(tmp_path / "a.fits", **PLACE, **TURNED["CD"]))
    assert header.sky_matrix == (-3e-4, 2e-4, 2e-4, 3e-4)
    facts = header_to_json(header)
    assert header_from_json(header.path, facts).sky_matrix == header.sky_matrix
    del facts["sky_matrix"]
    assert header_from_json(header.path, facts).sky_matrix is None


def test_real_headers(real_data: Path) -> None:
    """The second as a plate solver says: 1.4815″ a px."""
    wide = open_header(real_data / "A_skycamt_20150608_sat" / "t_e_20150608_381_1_1_1.fits")
    assert wide.sky_matrix == pytest.approx((-0.0044402, 0.0076099, -0.0076305, -0.0044098), abs=1e-6)
    ekos = open_header(real_data / "A_m27_asi224_osc" / "Light_1069.fits")
    solved = (0.0002246, 0.0003446, -0.0003446, 0.0002243)
    assert ekos.sky_matrix == pytest.approx(solved, rel=0.04)
    assert open_header(real_data / "A_arp186_asi290_altaz" / "L_1.fit").sky_matrix is None
