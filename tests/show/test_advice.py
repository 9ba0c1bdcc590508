"""The line below the picture tells of what goes wrong slowly, and says nothing of what only scatters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from livestack.show.advice import FEWEST, asked_for
from livestack.show.sky import Grid
from livestack.show.state import NightState, SubRow
from livestack.show.status import ADVICE_STAYS, calm, status
from livestack.show.words import clock

START = datetime(2026, 8, 20, 22, 0, tzinfo=UTC)
Change = Callable[[int], dict[str, float | str | bool | None]]


def _night(n: int, change: Change = lambda no: {}, grid: Grid | None = None, seed: int = 1) -> NightState:
    """A night of usual scatter, on which something happens."""
    rng = np.random.default_rng(seed)
    rows = []
    for no in range(1, n + 1):
        row = SubRow(
            no=no,
            path=f"/x/{no}.fits",
            accepted=True,
            stack="M_27",
            judged=START + timedelta(minutes=no),
            time=START + timedelta(minutes=no),
            exposure_s=60.0,
            fwhm_px=float(2.9 * np.exp(0.06 * rng.standard_normal())),
            n_stars=200,
            eccentricity=float(0.4 + 0.04 * rng.standard_normal()),
            background_adu=float(600 + 8 * rng.standard_normal()),
            transparency=float(0.95 + 0.02 * rng.standard_normal()),
            weight=1.0,
            air_c=float(10 + 0.1 * rng.standard_normal()),
        )
        rows.append(replace(row, **change(no)))  # type: ignore[arg-type]
    grids = {} if grid is None else {"M_27": grid}
    return NightState(stack="M_27", subs=tuple(rows), grids=grids, n_stacked=n, exposure_s=60.0 * n)


@pytest.mark.parametrize("seed", range(40))
def test_a_usual_night_asks_for_nothing(seed: int) -> None:
    assert asked_for(_night(240, seed=seed)) is None


def test_seeing_that_comes_and_goes_is_no_drift() -> None:
    assert asked_for(_night(90, lambda no: {"fwhm_px": 3.0 + 0.25 * np.sin(no / 5)})) is None


def test_a_focus_that_drifts_is_told_with_the_cold() -> None:
    def drift(no: int) -> dict[str, float | str | bool | None]:
        way = min(1.0, max(0.0, (no - 40) / 20))
        return {"fwhm_px": 2.9 + 1.2 * way + 0.02 * (no % 3), "air_c": 10.0 - 3.0 * way}

    said = asked_for(_night(70, drift)) or ""
    assert said.startswith("Focus drifted: star size 2.9 → 4.1\u202fpx since 22:")
    assert said.endswith(", 3\u202f°C colder. Refocus.")
    begun = [clock(START + timedelta(minutes=no)) for no in range(43, 57)]
    assert any(f"since {time}" in said for time in begun), said
    assert "star size 4.4 → 6.2″" in (asked_for(_night(70, drift, Grid(1.5))) or "")


def test_after_refocusing_it_is_silent() -> None:
    def drift(no: int) -> dict[str, float | str | bool | None]:
        return {"fwhm_px": 4.4 if 40 <= no < 60 else 2.9}

    assert asked_for(_night(59, drift)) is not None
    assert asked_for(_night(59 + FEWEST, drift)) is None


def test_blurred_subs_that_were_left_out_count_and_clouded_ones_do_not() -> None:
    def out(reason: str) -> Change:
        return lambda no: {} if no < 40 else {"accepted": False, "reason": reason, "fwhm_px": 5.0, "transparency": 0.9}

    assert "Focus drifted" in (asked_for(_night(50, out("blurred"))) or "")
    assert asked_for(_night(50, out("clouded"))) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fwhm_px": 4.2, "transparency": 0.5}, ("grow and fade", "Dew?")),
        ({"eccentricity": 0.8}, ("1.7× longer than wide", "guiding")),
        ({"transparency": 0.6}, ("37\u202f% dimmer", "Nothing to do.")),
        ({"background_adu": 900.0}, ("51\u202f% brighter", "nothing to do.")),
        ({"background_adu": 1500.0}, ("2.5× as bright", "nothing to do.")),
    ],
)
def test_what_else_goes_wrong(change: dict[str, float], words: tuple[str, str]) -> None:
    said = asked_for(_night(60, lambda no: dict(change) if no > 45 else {})) or ""
    assert all(word in said for word in words), said
    assert "since 22:4" in said


def test_it_stands_in_the_advice_line_before_what_more_light_would_bring() -> None:
    state = _night(60, lambda no: {"fwhm_px": 4.4} if no > 45 else {})
    assert status(state, START + timedelta(hours=2)).advice.startswith("Focus drifted")
    assert "cleaner" in status(_night(60), START + timedelta(hours=2)).advice


def test_masters_that_lack_are_told_while_the_stack_is_young() -> None:
    young = replace(_night(6), masters_missing=("no dark of 60 s matches",))
    said = status(young, START + timedelta(hours=1)).advice
    assert said == "No dark of 60 s matches. Hot pixels stay; dithering hides most."
    later = replace(_night(30), masters_missing=young.masters_missing)
    assert "cleaner" in status(later, START + timedelta(hours=1)).advice


def test_an_advice_stays_for_half_a_minute_unless_it_hurries() -> None:
    plain = status(_night(30), START)
    other = replace(plain, advice="Another.")
    stands = calm(None, plain, START)
    stands = calm(stands, other, START + ADVICE_STAYS / 2)
    assert stands[0].advice == plain.advice
    stands = calm(stands, other, START + ADVICE_STAYS)
    assert stands[0].advice == "Another."
    hurried = replace(plain, tone="hold", advice="Cloud.")
    assert calm(stands, hurried, START + ADVICE_STAYS)[0].advice == "Cloud."
