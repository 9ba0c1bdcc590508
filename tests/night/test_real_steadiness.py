"""The picture of a real night holds still while it grows: the sky does not move but where it is developed anew."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from livestack.develop.chain import PRESETS
from livestack.develop.live import Settled, shown, steady, whole
from livestack.engine.drawing import stack_picture
from livestack.frame import Array
from tests.nights import Told

pytestmark = pytest.mark.slow

RECIPE = whole(PRESETS["auto"])
PATCH = 32
LOOKED_AT = 6
"""So many subs have been looked at three times: what one of them had alone is out by then."""


@pytest.mark.parametrize("sequence", ["A_arp186_asi290_altaz", "A_hatp32_microobs"])
def test_the_sky_stays_within_a_level_from_sub_to_sub(sequence: str, real_data: Path, tmp_path: Path) -> None:
    frames = [path for path in (real_data / sequence).iterdir() if path.suffix.lower() in (".fit", ".fits")]
    files = sorted(frames, key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])
    told = Told(tmp_path / "told")
    kept: Settled | None = None
    before: Array | None = None
    n_compared = 0
    for version, file in enumerate(files, 1):
        told.see(file)
        growth = told.session.latest
        assert growth is not None
        picture = stack_picture(growth, None, version)
        settled = steady(kept, picture, RECIPE)
        image = shown(picture, settled)
        if before is not None and kept is not None and settled.acts == kept.acts:
            n_compared += 1
            assert abs(float(np.median(image)) - float(np.median(before))) <= 1
            if version > LOOKED_AT:
                moved = np.abs(_patches(image) - _patches(before))
                dark = _patches(before) <= np.median(_patches(before))
                assert moved[dark].max() <= 1
        kept, before = settled, image
    assert n_compared > len(files) // 2


def _patches(image: Array) -> Array:
    """Means of the patches of a picture, levels of 255, without those at its edge."""
    height, width = (size // PATCH * PATCH for size in image.shape[:2])
    boxes = image[:height, :width].reshape(height // PATCH, PATCH, width // PATCH, PATCH, -1)
    means: Array = boxes.mean(axis=(1, 3))[2:-2, 2:-2]
    return means
