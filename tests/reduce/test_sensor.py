"""Raw px joined with what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.frame import Frame, Header, Masters
from livestack.reduce.sensor import NO_DEFECTS, sensor_of, with_defects

SIZE = (300, 280)


@pytest.mark.parametrize("bad", [[], [0, 5, 279, 280, 83_999]])
@pytest.mark.parametrize("defects", [NO_DEFECTS, np.array([83_999, 7, 280, 281])])
def test_defects_may_be_told_later(bad: list[int], defects: np.ndarray) -> None:
    data = np.random.default_rng(1).integers(500, 600, SIZE).astype(np.uint16)
    known = np.zeros(SIZE, bool)
    known.ravel()[bad] = True
    frame, masters = Frame(data, Header(Path("sub.fits"), SIZE)), Masters(hot=np.flatnonzero(known))
    at_once, later = sensor_of(frame, masters, defects), with_defects(sensor_of(frame, masters), defects)
    for one, other in zip((*at_once[:3], *at_once[3], *at_once[4:]), (*later[:3], *later[3], *later[4:]), strict=True):
        assert (one.dtype, one.flags.writeable, one.tobytes()) == (other.dtype, other.flags.writeable, other.tobytes())
