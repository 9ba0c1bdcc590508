"""Real bias, flats and lights of one camera: the vignette goes, and so do columns without light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.night import sessions

pytestmark = pytest.mark.slow


def _spread(product: Path, pedestal_adu: float) -> float:
    """Range over median of the sky in 5 × 5 tiles."""
    with fits.open(product, memmap=False) as hdus:
        sky, coverage = hdus[0].data - pedestal_adu, hdus["COVERAGE"].data
    h, w = (n // 5 for n in sky.shape)
    tiles = [np.s_[y * h : (y + 1) * h, x * w : (x + 1) * w] for y in range(5) for x in range(5)]
    levels = [np.median(sky[tile][coverage[tile] >= 2]) for tile in tiles]
    return float(np.ptp(levels) / np.median(levels))


def test_a_flat_evens_the_sky_out(real_data: Path, tmp_path: Path) -> None:
    frames = real_data / "D_efosc2"
    lights, biases = sorted(frames.glob("light_*")), sorted(frames.glob("bias_*"))
    pedestal = float(np.median([np.median(fits.getdata(path)) for path in biases]))
    session = tmp_path / "session"
    said = sessions.run("stack", *lights, "--masters", frames, "--out", tmp_path / "flat.fits", "--session", session)
    assert "calibrated with bias, flat; the sky is uneven by 4." in said
    sessions.run("stack", *lights, "--no-calibration", "--out", tmp_path / "raw.fits")
    assert _spread(tmp_path / "raw.fits", pedestal) > 0.07
    assert _spread(tmp_path / "flat.fits", 0.0) <= 0.043
    (matched,) = sessions.events(session, "MastersMatched")
    assert len(matched["bias"]) == 5
    assert len(matched["flat"]) == 3
    assert any("dark" in words for words in matched["missing"])
    overscan = sessions.planes(tmp_path / "flat.fits")
    assert (overscan["COVERAGE"] == 0).any(), "columns without light are not covered"
    assert np.isfinite(overscan["PRIMARY"][overscan["COVERAGE"] > 0]).all()
