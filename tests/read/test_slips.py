"""Numbers that are a slip of whoever wrote them are not said: no sum or square is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from livestack.read import open_header
from tests.read.writing import write_fits


def test_an_exposure_in_a_name_is_no_longer_either(tmp_path: Path) -> None:
    assert open_header(write_fits(tmp_path / "Light_M31_60.0s_0001.fits")).exposure_s == 60
    assert open_header(write_fits(tmp_path / f"Light_M31_{'9' * 30}.0s_0001.fits")).exposure_s is None


@pytest.mark.parametrize("value", [1e308, 1e-300, -1.0])
def test_what_no_camera_can_mean_is_not_said(value: float, tmp_path: Path) -> None:
    header = open_header(write_fits(tmp_path / "a.fits", RDNOISE=value, EGAIN=value, FOCALLEN=value))
    assert (header.read_noise_e, header.e_per_adu, header.focal_mm) == (None, None, None)
