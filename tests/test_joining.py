"""Stacks of several filters are shown as one colour picture while they grow."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from livestack.develop.chain import PRESETS
from livestack.develop.colour import star_colour
from livestack.develop.live import linear_of, shown, steady, whole
from livestack.engine.buildup import steps
from livestack.picture import read_picture
from livestack.show.numbers import numbers
from livestack.show.source import open_source
from livestack.show.state import NightState, catch_up
from tests.develop.scene import RESPONSE, scene
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
    assert [step.n_subs for step in steps(session, "M 27_LRGB")][-4:] == [13, 14, 15, 16], "it keeps how it grew, too"
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


def _mixed_night(night: Path) -> None:
    """Write subs of a mono camera with a luminance filter and of a colour camera, in turns."""
    field, random = scene(), np.random.default_rng(8)
    night.mkdir()
    y, x = np.mgrid[:640, :896]
    colour = np.where((y % 2 == 0) & (x % 2 == 0), 0, np.where((y % 2) & (x % 2), 2, 1))[None]
    for k in range(8):
        shift = tuple(random.integers(-8, 9, 2))
        facts = {"OBJECT": "M 27", "IMAGETYP": "Light Frame", "EXPTIME": 60.0, "DATE-OBS": f"2026-03-14T20:{k:02}:00"}
        if k % 2:
            light = np.roll(RESPONSE * (field.truth + field.sky), shift, (1, 2))
            seen, more = np.take_along_axis(light, colour, 0)[0], {"INSTRUME": "colour", "BAYERPAT": "RGGB"}
        else:
            seen = np.roll(2.2 * (field.truth.mean(axis=0) + field.sky[0]), shift, (0, 1))
            more = {"INSTRUME": "mono", "FILTER": "L"}
        data = random.poisson(np.maximum(seen, 0) + 500).astype(np.uint16)
        fits.PrimaryHDU(data, fits.Header(facts | more)).writeto(night / f"sub_{k:03}.fits")


def test_a_luminance_and_a_colour_camera_make_one_picture_whose_stars_are_white(tmp_path: Path) -> None:
    night, session = tmp_path / "night", tmp_path / "session"
    _mixed_night(night)
    sessions.run("watch", night, "--session", session, "--viewer", "none", "--until-idle", 3)
    picture = read_picture(session / "cache" / "picture.npy")
    assert (picture.stack, picture.n_subs) == ("M 27_LRGB", 8)
    recipe = whole(PRESETS["auto"])
    settled = steady(None, picture, recipe)
    colour = star_colour(linear_of(picture, settled))
    assert colour == pytest.approx(np.ones(3), abs=0.03)
    image = shown(picture, settled).astype(float)
    galaxy = image[138:144, 131:137].mean(axis=(0, 1))
    assert galaxy[1] < 1.03 * galaxy[[0, 2]].max(), "nothing in the sky is green"
