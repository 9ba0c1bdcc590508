"""Drizzle of real subs of colour cameras, beside the same subs without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sep
from astropy.io import fits

from livestack.frame import Array
from tests.night import sessions

pytestmark = pytest.mark.slow

PLANES = ("PRIMARY", "STDERR", "COVERAGE", "REJECTED")


def _fluxes(picture: Array, found: Array) -> Array:
    background = sep.Background(picture)
    return np.asarray(sep.sum_circle(picture - background.back(), found["x"], found["y"], 6.0)[0])


@pytest.mark.parametrize("name", ["A_m27_asi224_osc", "A_m94_seestar_b"])
def test_stars_have_the_light_they_had(name: str, real_data: Path, tmp_path: Path) -> None:
    """Six subs are few: judged the same, nothing left empty, and in green, of which there is most, the same stars."""
    stacks = []
    for option in ("--drizzle", "--no-drizzle"):
        out = tmp_path / f"{option}.fits"
        sessions.run("stack", real_data / name, option, "--out", out, "--session", tmp_path / option[2:])
        with fits.open(out) as hdus:
            stacks.append({plane: hdus[plane].data for plane in PLANES} | {"header": hdus[0].header})
    drizzled, plain = stacks
    assert drizzled["header"]["DRIZZLE"] is True
    assert "DRIZZLE" not in plain["header"]
    assert 1.3 < drizzled["header"]["NOISECOR"] < 2.0
    for plane in ("COVERAGE", "REJECTED"):
        np.testing.assert_array_equal(drizzled[plane], plain[plane])
    for plane in ("PRIMARY", "STDERR"):
        np.testing.assert_array_equal(np.isfinite(drizzled[plane]), np.isfinite(plain[plane]))
    full = plain["COVERAGE"][1] == plain["COVERAGE"][1].max()
    green, other = (
        np.where(full, stack["PRIMARY"][1], np.median(stack["PRIMARY"][1][full])).astype(np.float32)
        for stack in (plain, drizzled)
    )
    background = sep.Background(green)
    found = sep.extract(green - background.back(), 8 * background.globalrms, minarea=9)
    inside = (np.abs(found["x"] - green.shape[1] / 2) < green.shape[1] / 2 - 20) & (
        np.abs(found["y"] - green.shape[0] / 2) < green.shape[0] / 2 - 20
    )
    found = found[inside]
    bright = np.argsort(found["flux"])[-40:]
    ratio = _fluxes(other, found[bright]) / _fluxes(green, found[bright])
    assert abs(np.median(ratio) - 1) < 3e-3
    noisier = np.median(drizzled["STDERR"][:, full] / plain["STDERR"][:, full], axis=1)
    assert (noisier > 1.0).all() and (noisier < 1.6).all(), noisier
