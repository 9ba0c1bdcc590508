"""Stacks of several filters are shown as one colour picture while they grow."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from livestack.picture import read_picture
from livestack.show.numbers import numbers
from livestack.show.source import open_source
from livestack.show.state import NightState, catch_up
from tests.night import sessions
from tests.test_developing import filter_wheel_night


def test_filters_are_joined_live(tmp_path: Path) -> None:
    """Four stacks, one colour picture on one grid: each filter's light in its own channel."""
    night, session = tmp_path / "night", tmp_path / "session"
    filter_wheel_night(night)
    sessions.run("watch", night, "--session", session, "--viewer", "none", "--until-idle", 3)
    assert len(list((session / "stack").glob("*.fits"))) == 4
    picture = read_picture(session / "cache" / "picture.npy")
    assert picture.stack == "M 27_LRGB"
    assert picture.n_subs == 16
    assert picture.exposure_s == 16 * 60
    assert np.isfinite(picture.data).all(axis=2).mean() > 0.9
    whole = np.nan_to_num(picture.data)[40:600, 40:850]
    red, green, blue = np.moveaxis(whole, 2, 0)
    for other in (red, blue):
        (dx, dy), _ = cv2.phaseCorrelate(other, green)
        assert np.hypot(dx, dy) < 0.1
    # the nebula is redder than the sky around it
    inside, corner = np.median(whole[240:320, 360:460], axis=(0, 1)), np.median(whole[-80:, :160], axis=(0, 1))
    assert inside[0] - corner[0] > 1.5 * (inside[1] - corner[1])
    # stars are white in the mean: the brightness of the filters is made equal
    stars = (green > np.percentile(green, 99.8)) & (whole.max(axis=2) < 30_000)
    assert np.ptp([np.median(channel[stars] / green[stars]) for channel in (red, green, blue)]) < 0.3
    with Image.open(session / "stack" / "M 27_LRGB.png") as image:
        assert image.mode == "RGB"
    report = (session / "report.html").read_text("utf-8")
    assert report.count("data:image/jpeg") == 5  # the joined one above those of the four filters
    source = open_source(session)
    with closing(source.journal):
        said = numbers(catch_up(source.journal, NightState()), source.picture(), source.last())
    assert said.stacked[0] == (("16", "subs"),)
    assert said.light == ((("16", "min"),), "since 20:00")
    assert said.grain[0][0][0] == "2.0×"  # of four subs through one filter
