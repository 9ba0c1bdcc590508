"""From files to the noise budget: every part as large as the simulated sensor made it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from livestack.show import noise
from livestack.show.source import open_source
from livestack.show.state import NightState, catch_up
from livestack.simulate import NightOptions, write_night
from tests.night.sessions import run
from tests.night.small import NIGHT

WARM = dataclasses.replace(
    NIGHT, temperature_c=8.0, read_noise_e=4.0, sky_e_per_s=0.8, hot_fraction=0.0, n_bias=12, n_darks=12, n_flats=12
)
DARK_E_PER_S = 0.006 * 2**3


def _budget(folder: Path, options: NightOptions, *more: object) -> noise.Budget:
    write_night(folder / "night", options)
    run("stack", folder / "night", "--out", folder / "out.fits", "--session", folder / "s", "--passes", 1, *more)
    source = open_source(folder / "s")
    state = catch_up(source.journal, NightState())
    found = noise.budget(state, source.picture())
    source.journal.close()
    assert found is not None
    return found


def _electrons(found: noise.Budget, name: str) -> float:
    """Variance of a part in a sub, e-²."""
    return sum(part.sub_adu2 for part in found.parts if part.name == name) * (found.e_per_adu or 0) ** 2


def test_every_part_is_what_the_sensor_made(tmp_path: Path) -> None:
    found = _budget(tmp_path, WARM)
    assert _electrons(found, noise.READ) == pytest.approx(4.0**2, rel=0.05)
    assert _electrons(found, noise.DARK) == pytest.approx(DARK_E_PER_S * 30, abs=0.05 * 4.0**2)
    # response .9, some of it lost where the flat is not 1
    assert _electrons(found, noise.SKY) == pytest.approx(0.8 * 30 * 0.9, rel=0.12)
    # what is not taken away by then is the masters' own noise: of twelve darks a twelfth
    dark_frame = _electrons(found, noise.READ) + _electrons(found, noise.DARK)
    assert _electrons(found, noise.PATTERN) == pytest.approx(dark_frame / 12, rel=0.4)
    # columns of 1.5 ADU, rows of .7
    assert found.raw_pattern == pytest.approx((1.5**2 + 0.7**2) * 0.8**2 / 40, abs=0.015)
    # sky of ten times the read noise's variance
    assert found.enough_s == pytest.approx(30 * 10 * 16 / (0.8 * 30 * 0.9), rel=0.25)
    assert found.exposure_s == 30
    n = 7
    for part in found.parts:
        assert part.stack_adu2 == pytest.approx(part.sub_adu2 / n, rel=0.25)


def test_without_dither_the_pattern_stays(tmp_path: Path) -> None:
    """Columns of the bias, 1.5 ADU rms: no calibration, no dither, and the stack has all of it."""
    still = dataclasses.replace(WARM, n_bias=0, n_darks=0, n_flats=0, dither_px=0.0, rotation_deg_per_hour=0.0)
    found = _budget(tmp_path, still)
    assert noise.READ not in {part.name for part in found.parts}
    pattern = next(part for part in found.parts if part.name == noise.PATTERN)
    assert pattern.stack_adu2 > 0.5 * pattern.sub_adu2
    assert found.stack_share(noise.PATTERN) > 3 * found.share(noise.PATTERN)
    words = noise.noise_words(found)
    assert words is not None
    assert any("dither more" in sentence for sentence in words.sentences)
    assert any("Bias frames tell" in sentence for sentence in words.sentences)


def test_a_stack_that_is_not_judged_has_no_word_on_pattern(tmp_path: Path) -> None:
    found = _budget(tmp_path, dataclasses.replace(WARM, n_lights=4), "--reject", "none")
    assert noise.PATTERN not in {part.name for part in found.parts}
    assert found.share(noise.READ) == pytest.approx(16 / (16 + DARK_E_PER_S * 30 + 0.8 * 30 * 0.9), rel=0.25)
