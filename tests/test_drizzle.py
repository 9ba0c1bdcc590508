"""Drizzle in a night: judged as without it, resumed as if nothing had happened, told in the file and in words."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.engine.drawing import stack_picture
from livestack.engine.publish import product_of
from livestack.engine.resume import checkpoint_of, drop
from livestack.errors import SettingsError
from livestack.events import AlertRaised, StackFounded
from livestack.product import write_product
from livestack.reduce.preview import preview
from livestack.settings import Settings
from livestack.stacks.checkpoint import load_checkpoint, save_checkpoint
from livestack.stacks.core import core_of
from livestack.stacks.growth import Growth
from livestack.stacks.knowledge import Knowledge
from livestack.stacks.room import needs_of
from tests.nights import Told, bits, copy_journal, take
from tests.test_growth import SIZE, Captures

NIGHT = {"cfa": "RGGB", "n_lights": 14}


def _drizzled(captures: Captures, rule: str = "deferred", threads: ThreadPoolExecutor | None = None) -> Growth:
    plain = captures.growth(rule, threads)
    return Growth(dataclasses.replace(plain.founding, drizzle=True), plain.origin, plain.rule, threads)


def test_subs_are_judged_as_without_it() -> None:
    captures = Captures(14, "GRBG", trailed={3: 60.0, 13: 400.0})
    plain, drizzled = captures.growth(), _drizzled(captures)
    assert [dataclasses.replace(look, seconds=0.0) for look in captures.fold(plain, captures.subs)] == [
        dataclasses.replace(look, seconds=0.0) for look in captures.fold(drizzled, captures.subs)
    ]
    for mine, yours in zip(plain.shown().arrays, drizzled.shown().arrays, strict=True):
        np.testing.assert_array_equal(mine, yours)
    assert plain.shown().drops is None
    assert drizzled.shown().drops is not None


def test_a_trail_vanishes_and_stars_stay() -> None:
    """In subs of a look and in one that comes after, as without drizzle; against the same night without trails."""
    pictures, demosaiced = [], []
    trails = {2: 900.0, 7: 300.0, 14: 600.0}
    for trailed in (trails, None):
        captures = Captures(20, "RGGB", trailed)
        growth = _drizzled(captures)
        captures.fold(growth, captures.subs)
        pictures.append(growth.shown().result())
        demosaiced.append(growth.shown().mean)
    (shown, clean), rows = pictures, np.s_[:, 80:104, 15:-15]
    error = np.median(clean.stderr[:, 15:-15, 15:-15])
    left = (shown.mean - clean.mean)[rows]
    # three of twenty subs are left out there, which changes the noise of its px by what they held
    assert np.abs(left).mean() < 0.45 * error
    assert abs(float(left.mean())) < 1.1 * float((demosaiced[0] - demosaiced[1])[rows].mean())
    assert abs(float(left.mean())) < 0.05 * sum(trails.values()) / 20 * 3 / 24, "of what the plain mean shows"
    for x, y, flux in captures.stars:
        box = np.s_[:, round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7]
        assert shown.mean[box].sum(axis=(1, 2)) == pytest.approx(clean.mean[box].sum(axis=(1, 2)), abs=0.02 * flux)


@pytest.mark.parametrize("rule", ["deferred", "sigma", "none"])
def test_order_and_content_are_all_it_depends_on(rule: str) -> None:
    captures = Captures(13, "RGGB", {5: 500.0})
    alone = _drizzled(captures, rule)
    captures.fold(alone, captures.subs, each=alone.shown)
    with ThreadPoolExecutor(3) as threads:
        other = _drizzled(captures, rule, threads).fresh()
        captures.fold(other, captures.subs)
    assert other.founding.is_drizzled
    assert bits(alone) == bits(other)
    assert len(bits(alone)) > len(bits(captures.growth()))


def test_a_checkpoint_goes_on_bit_equal(tmp_path: Path) -> None:
    captures = Captures(15, "RGGB")
    growth = _drizzled(captures)
    captures.fold(growth, captures.subs[:13])
    checkpoint = checkpoint_of(growth)
    assert checkpoint is not None
    save_checkpoint(tmp_path / "light.checkpoint", checkpoint)
    kept = load_checkpoint(tmp_path / "light.checkpoint")
    assert kept is not None
    resumed = _drizzled(captures)
    resumed.first, resumed.subs, resumed.core = None, captures.subs[:13], core_of(kept)
    resumed.knowledge = Knowledge(kept.knowledge_id, kept.stars, kept.sky, kept.defects)
    for each in (growth, resumed):
        captures.fold(each, captures.subs[13:])
    assert bits(resumed) == bits(growth)


def test_the_second_pass_drops_anew() -> None:
    captures = Captures(13, "RGGB", {13: 60.0})
    growth = _drizzled(captures)
    captures.fold(growth, captures.subs)
    inner = np.s_[:, 20:-20, 20:-20]
    first, dropped = growth.shown().result(), growth.shown().drops
    growth.judge_again(lambda sub: captures.frames[sub.no])
    second, again = growth.shown().result(), growth.shown().drops
    assert dropped is not None and again is not None and again is not dropped
    assert again.weight[inner].sum() / dropped.weight[inner].sum() == pytest.approx(1, abs=0.01)
    assert np.nanmedian(second.stderr) == pytest.approx(np.nanmedian(first.stderr), rel=0.03)
    assert np.median(np.abs(second.mean - first.mean)[inner]) < 0.2 * np.median(first.stderr[inner])


def test_what_is_shown_is_what_is_saved(tmp_path: Path) -> None:
    captures = Captures(13, "RGGB")
    growth = _drizzled(captures)
    captures.fold(growth, captures.subs)
    told, path = growth.shown().result(), tmp_path / "light.fits"
    write_product(path, product_of(growth, 0, "0"))
    with fits.open(path) as hdus:
        np.testing.assert_array_equal(hdus[0].data, told.mean + np.float32(growth.founding.sky_adu[0]))
        np.testing.assert_array_equal(hdus["STDERR"].data, told.stderr)
        np.testing.assert_array_equal(hdus["COVERAGE"].data, told.coverage)
        header = hdus[0].header
        assert header["DRIZZLE"] is True
        assert header["NOISECOR"] == pytest.approx(1.6, abs=0.15)
        assert any(line.startswith("drizzle: drops of 1 px") for line in header["HISTORY"])
    picture = stack_picture(growth, None, 1)
    np.testing.assert_array_equal(picture.data, np.moveaxis(told.mean, 0, 2))
    np.testing.assert_array_equal(preview(growth.shown(), None), picture.data)
    plain = captures.growth()
    captures.fold(plain, captures.subs)
    assert 1.05 < picture.noise_adu / stack_picture(plain, None, 1).noise_adu < 1.6


def test_a_resumed_session_is_the_same(tmp_path: Path) -> None:
    files = take(tmp_path / "captures", **NIGHT)
    whole = Told(tmp_path / "whole", drizzle=True).see(*files)
    half = Told(tmp_path / "half", drizzle=True).see(*files[:13])
    half.journal.close()
    resumed = Told(tmp_path / "half", drizzle=True).see(*files[13:])
    assert resumed.state() == whole.state()
    shown = whole.stack().shown()
    assert shown.drops is not None and shown.drops.weight.any()


def test_a_sub_is_dropped(tmp_path: Path) -> None:
    """It equals a fold of what is left, as the stack was founded, whatever is asked for by then."""
    told = Told(tmp_path / "one", drizzle=True).see(*take(tmp_path / "captures", **NIGHT | {"n_lights": 13}))
    before = bits(told.stack())
    told.session.append(*drop(told.session, [5]))
    told.restack(told.stack().name)
    other = Told(tmp_path / "other", copy_journal(tmp_path / "one" / "journal.sqlite", tmp_path / "j.sqlite"))
    assert bits(other.stack()) == bits(told.stack()) != before
    assert other.stack().shown().drops is not None


def test_it_says_what_it_wants(tmp_path: Path) -> None:
    """As soon as there are subs enough to tell that they do not move."""
    told = Told(tmp_path / "still", drizzle=True, reject="none")
    told.see(*take(tmp_path / "captures", cfa="RGGB", n_lights=26, dither_px=0.0, rotation_deg_per_hour=0.0))
    raised = [event.sentence for event in told.events(AlertRaised) if isinstance(event, AlertRaised)]
    assert len(raised) == 1
    assert raised[0].startswith("Drizzle wants dither")
    told = Told(tmp_path / "moving", drizzle=True, reject="none")
    told.see(*take(tmp_path / "dithered", cfa="RGGB", n_lights=26, dither_px=6.0))
    assert not told.events(AlertRaised)


def test_a_mono_camera_is_stacked_as_ever(tmp_path: Path) -> None:
    files = take(tmp_path / "captures", n_lights=5)
    asked, plain = Told(tmp_path / "asked", drizzle=True).see(*files), Told(tmp_path / "plain").see(*files)
    assert asked.state()["bits"] == plain.state()["bits"]
    assert not asked.events(AlertRaised)
    (founded,) = asked.events(StackFounded)
    assert isinstance(founded, StackFounded) and founded.drizzle
    product = product_of(asked.stack(), 0, "0")
    assert "drizzle: none, the subs are no mosaic of colours" in product.history


def test_the_option() -> None:
    with pytest.raises(SettingsError, match="winsorised"):
        Settings().changed({"drizzle": True, "reject": "winsorised"})
    shape = (3, *SIZE)
    plain, more = (needs_of(shape, looks=True, drizzled=drizzled) for drizzled in (False, True))
    assert more.stacking - plain.stacking == more.looking - plain.looking == 48 * SIZE[0] * SIZE[1]
