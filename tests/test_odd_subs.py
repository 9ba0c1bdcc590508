"""Subs in which something is odd: told, put right, or put in all the same; and a field that drifts away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from livestack.engine.looking import look_if_due
from livestack.engine.resume import take_in
from livestack.events import AlertCleared, AlertRaised, SubAccepted
from livestack.frame import Array
from tests.nights import QUIET, Told, bits, take
from tests.reduce.fields import NOISE_ADU, draw_stars, noisy, star_field

NAME = QUIET.target


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Fourteen lights in which nothing happens."""
    return take(tmp_path_factory.mktemp("quiet") / "captures")


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "session")


def test_what_a_verdict_left_out_can_be_put_in(tmp_path: Path) -> None:
    """Trailed by wind, and wanted all the same: last in its stack, and a session resumed is the same."""
    paths = take(tmp_path / "captures", n_lights=8, trailed_at=5)
    told = Told(tmp_path / "session").see(*paths)
    assert told.reasons().count("trailed") == 1
    no = told.reasons().index("trailed") + 1
    take_in(told.session, [no, 1, 99], lambda: look_if_due(told.session))
    assert told.reasons() == [""] * 8
    assert [sub.no for sub in told.stack().subs] == [*(k for k in range(1, 9) if k != no), no]
    assert told.session.tally.n_accepted == 8
    again = Told(tmp_path / "again", told.home / "journal.sqlite")
    assert bits(again.stack()) == bits(told.stack())


def _copied(path: Path, folder: Path, change: Callable[[Array], Array]) -> Path:
    """Write a light anew with other px."""
    folder.mkdir(exist_ok=True)
    with fits.open(path, memmap=False) as hdus:
        data, header = hdus[0].data.astype(np.float64), hdus[0].header
    changed = np.clip(np.rint(change(data)), 0, 65535).astype(np.uint16)
    fits.writeto(folder / path.name, changed, header, overwrite=True, output_verify="silentfix")
    return folder / path.name


def test_an_abnormal_share_left_out_is_told_and_is_over(told: Told, night: list[Path], tmp_path: Path) -> None:
    """A picture full of snow (interference on the cable): one alert is raised and cleared, and the stack goes on."""

    def snowy(data: Array) -> Array:
        noise = float(1.4826 * np.median(np.abs(np.diff(data))) / np.sqrt(2))
        return data + 8 * noise * (np.random.default_rng(4).random(data.shape) < 0.08)

    bad = _copied(night[9], tmp_path / "bad", snowy)
    told.see(*night[:9], bad, *night[10:])
    raised, cleared = told.events(AlertRaised), told.events(AlertCleared)
    assert len(raised) == len(cleared) == 1
    assert raised[0].rule == cleared[0].rule == f"rejection {NAME}"
    assert "sub 10" in raised[0].sentence
    subs = told.events(SubAccepted)
    assert [sub.no for sub in subs if sub.distrusted or sub.rejected_fraction > 0.05] == [10]
    assert told.stack().shown().n_subs == 14


def test_pieces_of_an_aircraft_are_no_stars(told: Told, night: list[Path], tmp_path: Path) -> None:
    """A row of lights as bright as stars and far wider: the seeing did not change, and the sub stays in."""

    def crossed(data: Array) -> Array:
        yy, xx = np.mgrid[: data.shape[0], : data.shape[1]]
        d, along = (xx - yy) / np.sqrt(2), (xx + yy) / np.sqrt(2)
        return data + 4000 * np.exp(-0.5 * (d / 4) ** 2) * ((along % 14) < 5)

    told.see(*night[:9], _copied(night[9], tmp_path / "crossed", crossed))
    assert told.reasons() == [""] * 10
    usual, last = told.stack().subs[8], told.stack().subs[9]
    assert last.quality["fwhm_px"] == pytest.approx(usual.quality["fwhm_px"], rel=0.25)


def test_a_step_of_the_sky_freezes_nothing(tmp_path: Path) -> None:
    """Moonrise, 8 σ in one step at half the night: all subs in, clean px lose no more than 2 %, noise as expected."""
    paths = take(tmp_path / "captures", n_lights=24, n_stars=160)
    with fits.open(paths[12], memmap=False) as hdus:
        noise = float(1.4826 * np.median(np.abs(np.diff(hdus[0].data.astype(float)))) / np.sqrt(2))
    for path in paths[12:]:
        _copied(path, path.parent, lambda data: data + 8 * noise)
    told = Told(tmp_path / "session").see(*paths)
    subs = told.events(SubAccepted)
    assert len(subs) == 24
    assert max(sub.rejected_fraction for sub in subs) <= 0.02
    assert told.events(AlertRaised) == []
    plain = Told(tmp_path / "plain", reject="none").see(*paths)
    inner = np.s_[0, 12:-12, 12:-12]
    clean, mean = plain.stack().shown().mean[inner], told.stack().shown().mean[inner]
    dark = clean < np.median(clean)
    spread, of_plain = (1.4826 * np.median(np.abs(v - np.median(v))) for v in (mean[dark], clean[dark]))
    assert spread <= 1.01 * of_plain


def test_a_field_that_drifts_to_little_more_than_half(tmp_path: Path) -> None:
    """Sixty subs, the last with 58 % in common with the first: all in, covered where they lie, no edge in the sky."""
    n, size, wide = 60, (220, 260), (330, 380)
    drift = np.linspace((0, 0), ((1 - 0.76) * size[1], (1 - 0.76) * size[0]), n)
    field = draw_stars(wide, star_field(420, wide, 3, border=6), 3.0)
    header = {"IMAGETYP": "Light Frame", "EXPTIME": 30.0, "OBJECT": "drift"}
    paths = []
    for k, (dx, dy) in enumerate(drift):
        ix, iy = round(dx), round(dy)
        data = noisy(field[iy : iy + size[0], ix : ix + size[1]], k, sky=800 + 2 * k)
        path = tmp_path / f"{k:03d}.fits"
        fits.writeto(path, np.rint(data).astype(np.uint16), fits.Header(header))
        paths.append(path)
    told = Told(tmp_path / "session").see(*paths)
    assert told.reasons() == [""] * n
    stack = told.stack("drift").shown()
    at_most, at_least = np.zeros(size, int), np.zeros(size, int)
    for dx, dy in np.round(drift).astype(int):
        at_most[max(dy - 1, 0) :, max(dx - 1, 0) :] += 1
        at_least[dy + 5 : -5, dx + 5 : -5] += 1
    covered = (stack.coverage + stack.rejected)[0].astype(int)
    assert (covered <= at_most).all()
    assert (covered >= at_least).all()
    off = stack.mean[0] - field[: size[0], : size[1]]
    sky = field[: size[0], : size[1]] < 2
    off -= np.median(off[sky])
    for low, high in ((2, 8), (8, 20), (20, 40), (40, 61)):
        band = sky & (covered >= low) & (covered < high)
        assert abs(np.median(off[band])) < 0.35 * NOISE_ADU / np.sqrt(low)
