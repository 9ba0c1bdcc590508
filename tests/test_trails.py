"""Trails as a session tells them: each with the latest judgement of its sub, and where it runs on the sky."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from livestack.events import Looked, TrailFound
from livestack.show.state import fold
from livestack.simulate import Night
from livestack.stacks.replay import replay
from tests.nights import QUIET, Told, expose

N = 13
CROSSED = {"size": (240, 320), "n_satellites": 4, "n_lights": N, "scene": "stars", "seed": 5}
UPRIGHT = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CRPIX1": 1.0, "CRPIX2": 1.0}
SKIES = {
    "mirrored": {"CD1_1": 1e-3, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-3},
    "not mirrored": {"CD1_1": -1e-3, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-3},
}


def _night(folder: Path, keywords: dict[str, str | int | float] | None = None) -> list[Path]:
    return [expose(folder / f"L_{no:02}.fits", no, keywords=keywords, **CROSSED) for no in range(N)]


def _truth() -> set[int]:
    """Return the numbers of the subs that were crossed."""
    night = Night(dataclasses.replace(QUIET, **CROSSED))
    return {no + 1 for no in range(N) if night.truth(no).trails}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("crossed")
    return Told(folder / "session").see(*_night(folder / "captures", UPRIGHT | SKIES["not mirrored"]))


def test_a_look_tells_all_trails_of_its_subs_again_and_they_count_once(told: Told) -> None:
    records = told.journal.follow()
    state = fold(records)
    final = max(r.seq for r in records if isinstance(r.event, Looked))
    since = [r.event for r in records if r.seq > final and isinstance(r.event, TrailFound)]
    assert sorted(state.trails, key=repr) == sorted(since, key=repr), (
        "what was told since the last look is all there is"
    )
    assert len({r.event.no for r in records if isinstance(r.event, TrailFound)} & _truth()) >= 3
    assert {trail.no for trail in state.trails} <= _truth()


def test_where_a_trail_runs_on_the_sky(told: Told, tmp_path: Path) -> None:
    trails = fold(told.journal.follow()).trails
    assert trails
    for trail in trails:
        east, north = -(trail.x1 - trail.x0), trail.y1 - trail.y0
        expected = np.degrees(np.arctan2(east, north)) % 180
        assert trail.position_angle_deg == pytest.approx(expected, abs=1e-6)
    again = Told(tmp_path / "mirrored").see(*_night(tmp_path / "captures", UPRIGHT | SKIES["mirrored"]))
    mirrored = fold(again.journal.follow()).trails
    assert [(180 - t.position_angle_deg) % 180 for t in mirrored] == pytest.approx(
        [t.position_angle_deg for t in trails]
    )


def test_a_resumed_session_knows_the_sky_and_tells_nothing_twice(told: Told, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = Told(tmp_path / "again", told.home / "journal.sqlite")
    assert again.records == []
    assert again.stack().founding.header.sky_matrix == (-1e-3, 0.0, 0.0, 1e-3)
    assert replay(again.journal.follow()).words.keys() == replay(told.journal.follow()).words.keys()
