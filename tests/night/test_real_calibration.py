"""Real bias, flats and lights of one camera: the vignette goes, and another program comes to the same px."""

from __future__ import annotations

from pathlib import Path

import ccdproc
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from livestack.frame import Array
from livestack.read import open_frame, open_header
from livestack.reduce.masters import build
from livestack.reduce.matching import match
from livestack.reduce.measure import calibrated
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


def _in_doubt(frames: list[Array]) -> Array:
    """Px (H, W) whose highest value stands 3 σ off the mean of the others: there a mean may leave it out, or not."""
    values = np.sort(np.stack(frames), axis=0)
    noise = 1.4826 * np.median(np.abs(np.diff(np.stack(frames[:2]), axis=0))) / np.sqrt(2)
    return np.asarray(values[-1] - values[:-1].mean(axis=0) > 3 * noise * np.sqrt(1 + 1 / (len(frames) - 1)))


def test_another_program_comes_to_the_same_px(real_data: Path) -> None:
    """To 1e-5 of each px that the flat lights, against plain means, where no sample is in doubt."""
    paths = {kind: sorted((real_data / "D_efosc2").glob(f"{kind}_*")) for kind in ("bias", "flat", "light")}
    biases, flats = ([CCDData(fits.getdata(p).astype(float), unit="adu") for p in paths[k]] for k in ("bias", "flat"))
    bias = ccdproc.combine(biases, method="average")
    bare = [ccdproc.subtract_bias(flat, bias) for flat in flats]
    levels = [float(np.median(flat.data)) for flat in bare]
    flat = ccdproc.combine(bare, method="average", scale=[levels[0] / level for level in levels])
    lit = flat.data > 0.1 * np.median(flat.data)
    flat = CCDData(np.where(lit, flat.data / flat.data[lit].mean(), 1.0), unit="")
    doubtful = _in_doubt([one.data for one in biases])
    doubtful |= _in_doubt([one.data * (levels[0] / level) for one, level in zip(bare, levels, strict=True)])

    headers = [open_header(path) for kind in ("bias", "flat") for path in paths[kind]]
    for path in paths["light"]:
        light = open_frame(path)
        masters, problems = build(match(light.header, headers, {}), open_frame, light.header)
        assert problems == []
        ours = calibrated(light, masters)[0]
        raw = CCDData(light.data.astype(float), unit="adu")
        theirs = ccdproc.flat_correct(ccdproc.subtract_bias(raw, bias), flat, norm_value=1.0).data
        known = lit & np.isfinite(ours) & np.isfinite(masters.gain) & ~doubtful
        assert known.mean() > 0.9
        np.testing.assert_allclose(ours[known], theirs[known], rtol=1e-5, atol=1e-3)
