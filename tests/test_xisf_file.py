"""A stack as XISF opens elsewhere, with its noise and its keywords."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from xisf import XISF

from livestack.read import open_frame
from livestack.xisf_file import write_xisf


@pytest.mark.parametrize("channels", [1, 3])
def test_another_reader_finds_the_mean_the_noise_and_the_keywords(channels: int, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    mean = random.uniform(100, 60_000, (channels, 30, 50)).astype(np.float32)
    noise = random.uniform(1, 5, mean.shape).astype(np.float32)
    path = tmp_path / "m27.xisf"
    facts = {"SIMPLE": True, "NAXIS1": 50, "OBJECT": "M 27 <&'\">", "STACKCNT": 40, "GAIN": 1.5, "HISTORY": "x"}
    write_xisf(path, {"mean": mean, "stderr": noise}, facts | {f"KEY{k}": k for k in range(200)}, "0.1.0")
    file = XISF(str(path))
    read = [np.moveaxis(file.read_image(k), 2, 0) * 65535 for k in range(2)]
    assert read[0] == pytest.approx(mean, rel=1e-6)
    assert read[1] == pytest.approx(noise, rel=1e-6)
    said = file.get_images_metadata()[0]["FITSKeywords"]
    assert said["STACKCNT"][0]["value"] == "40"
    assert "M 27" in said["OBJECT"][0]["value"]
    assert "NAXIS1" not in said and "KEY199" in said
    frame = open_frame(path)
    assert frame.data.shape == ((30, 50) if channels == 1 else (30, 50, 3))
    assert (frame.data if channels == 1 else np.moveaxis(frame.data, 2, 0)[0]).ravel() == pytest.approx(
        mean[0].ravel(), rel=1e-5
    )
    assert frame.header.target == "M 27 <&'\">"
