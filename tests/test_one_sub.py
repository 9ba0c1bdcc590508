"""A sub shown again is the sub that was stacked: from its file, its journaled figures and its calibration."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.engine.one_sub import OneSub, sketch_of
from livestack.errors import FrameError
from livestack.events import SubAccepted
from livestack.read import frames_in
from livestack.reduce.sensor import bare
from livestack.stacks.founding import light_of
from tests.nights import QUIET, Told, cloud, expose, take
from tests.read.writing import write_ser

SMALL = {"size": (144, 160), "n_stars": 130}


def _one(told: Told) -> OneSub:
    return OneSub(told.journal, told.home / "cache", None)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_it_is_what_the_engine_showed(cfa: str | None, tmp_path: Path) -> None:
    told = Told(tmp_path / "told")
    for path in take(tmp_path / "captures", n_lights=3, cfa=cfa, n_darks=2, n_flats=2, **SMALL):
        told.see(path)
        growth = told.stack()
        assert growth.sketch is not None
        shown = _one(told).show(len(growth.subs))
        live = growth.sketch[:, :, 0] if growth.sketch.shape[2] == 1 else growth.sketch
        assert shown.aligned
        assert shown.picture.stack == QUIET.target
        assert shown.picture.data.shape == live.shape
        assert np.array_equal(np.isnan(shown.picture.data), np.isnan(live))
        assert np.nanmax(np.abs(shown.picture.data - live)) <= 1e-3 * np.nanstd(live)


def test_one_left_out_is_laid_on_the_stack_where_its_stars_tell(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=4, **SMALL)
    cloud(lights[2])
    told = Told(tmp_path / "told", least_transparency=0.8).see(*lights)
    assert told.reasons() == ["", "", "clouded", ""]
    shown = _one(told).show(3)
    founder = told.stack().shown().mean[0]
    assert shown.aligned
    both = np.isfinite(shown.picture.data) & np.isfinite(founder)
    stars = (founder > np.percentile(founder[both], 98)) & both

    def on_stars(dx: int) -> float:
        return float(np.nanmean(np.roll(shown.picture.data, dx, axis=1)[stars]))

    assert on_stars(0) > 2 * max(on_stars(-5), on_stars(5)), "its stars lie on those of the stack"


def test_one_of_another_sky_is_shown_as_it_lies(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=3, **SMALL)
    other = expose(tmp_path / "other.fits", seed=77, n_lights=1, **SMALL)
    told = Told(tmp_path / "told").see(*lights, other)
    assert told.reasons()[-1] == "not_registered"
    shown = _one(told).show(4)
    assert not shown.aligned
    assert np.isfinite(shown.picture.data).mean() > 0.95
    assert abs(np.nanmedian(shown.picture.data)) < 3 * shown.picture.noise_adu, "above its sky"


def test_a_file_that_is_gone_or_another_is_told(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=3, **SMALL)
    told = Told(tmp_path / "told").see(*lights)
    assert len(told.events(SubAccepted)) == 3
    shutil.copyfile(lights[0], lights[1])
    lights[2].unlink()
    one = _one(told)
    with pytest.raises(FrameError, match="was changed since"):
        one.show(2)
    with pytest.raises(FrameError, match="is gone"):
        one.show(3)
    with pytest.raises(FrameError, match="Nothing is known of sub 9"):
        one.show(9)
    assert one.show(1).aligned, "and the next one is shown"


def test_what_a_sub_does_not_touch_is_not_known() -> None:
    """Boxes that lie beside the sub say so, whatever the memory held."""
    shape = (1, 200, 160)
    away = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 130.0], [0.0, 0.0, 1.0]])
    sensor = bare(np.full(shape, 900.0, np.float32))
    light = light_of(sensor, matrix=away, sky=np.zeros((1, 6)), scale=1.0, weight=1.0)
    sketch = sketch_of(light, shape, None)
    assert np.isnan(sketch[:125]).all()
    assert (sketch[140:, 10:-10] == 900).all()


def test_a_frame_of_a_video_is_shown_too(tmp_path: Path) -> None:
    lights = take(tmp_path / "captures", n_lights=3, **SMALL)
    video = write_ser(tmp_path / "night.ser", np.stack([fits.getdata(path) for path in lights]))
    told = Told(tmp_path / "told").see(*frames_in(video))
    assert told.reasons() == ["", "", ""]
    shown = _one(told).show(2)
    assert shown.aligned


def test_a_stack_that_was_begun_anew_has_another_ground(tmp_path: Path) -> None:
    """Its first sub gave way: it lies on none of those that came after it, though it lies on itself."""
    alien = expose(tmp_path / "0.fits", seed=77, n_lights=1, **SMALL)
    told = Told(tmp_path / "told").see(alien)
    one = _one(told)
    assert one.show(1).aligned
    told.see(*take(tmp_path / "captures", n_lights=3, **SMALL))
    assert told.reasons() == ["not_registered", "", "", ""]
    assert not one.show(1).aligned
    assert one.show(3).aligned
