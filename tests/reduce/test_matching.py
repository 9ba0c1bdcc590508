"""Which calibration frames are taken, and what the user is told of those that are not."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from livestack.frame import Header
from livestack.reduce.matching import Chosen, match, sets_of

NIGHT = datetime(2026, 3, 14, 22, 0, tzinfo=UTC)
LIGHT = Header(
    Path("light.fits"), (120, 160), time_utc=NIGHT, exposure_s=120.0, gain=100.0, offset_adu=50.0,
    temperature_c=-10.0, filter="Ha", camera="ASI2600",
)  # fmt: skip


def _many(kind: str, n: int = 3, name: str = "", **changes: object) -> list[Header]:
    return [
        dataclasses.replace(LIGHT, kind=kind, path=Path(f"{name or kind}_{k}.fits"), **changes)  # type: ignore[arg-type]
        for k in range(n)
    ]


def _names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def _chosen(*sets: list[Header], light: Header = LIGHT) -> Chosen:
    return match(light, [header for one in sets for header in one], {})


def test_frames_of_one_folder_are_sorted_into_what_was_taken_alike() -> None:
    library = [
        *_many("dark", 2, "d120"),
        *_many("dark", 2, "d300", exposure_s=300.0),
        *_many("dark", 2, "warm", temperature_c=5.0),
        *_many("flat", 2, "today"),
        *_many("flat", 2, "later", time_utc=NIGHT + timedelta(days=3)),
        *_many("flat", 2, "oiii", filter="OIII"),
        *_many("master_dark", 2, "m"),
    ]
    assert sorted(len(one.headers) for one in sets_of(library)) == [1, 1, 2, 2, 2, 2, 2, 2]
    chosen = match(LIGHT, library[:12], {})
    assert _names(chosen.dark) == ["d120_0.fits", "d120_1.fits"]
    assert _names(chosen.flat) == ["today_0.fits", "today_1.fits"]


def test_a_set_temperature_that_wanders_is_one_set() -> None:
    wandering = [dataclasses.replace(LIGHT, kind="dark", temperature_c=-10 + 0.3 * k) for k in range(10)]
    assert [len(one.headers) for one in sets_of(wandering)] == [10]


def test_the_nearest_flat_in_time_is_taken_and_how_far_off_it_is_is_said() -> None:
    old = _many("flat", 9, "old", time_utc=NIGHT - timedelta(days=20))
    new = _many("flat", 3, "new", time_utc=NIGHT + timedelta(hours=9))
    chosen = _chosen(old, new)
    assert _names(chosen.flat)[0] == "new_0.fits"
    assert "flat: 3 frames, new_0.fits … (same night)" in chosen.fits
    assert _chosen(old).fits == ("flat: 9 frames, old_0.fits … (20 days off)",)


def test_the_offset_must_be_equal_where_both_say_it() -> None:
    assert not _chosen(_many("bias", offset_adu=10.0)).bias
    assert _chosen(_many("bias", offset_adu=None)).bias


def test_a_tie_goes_to_the_larger_set_and_is_told() -> None:
    small, large = _many("dark", 3, "a", gain=None), _many("dark", 9, "b")
    chosen = _chosen(small, large)
    assert len(chosen.dark) == 9
    assert "as near as 3 frames, a_0.fits …" in chosen.fits[0]
    assert chosen.notes == ()


def test_why_nothing_matches_is_said_of_the_nearest() -> None:
    chosen = _chosen(
        _many("dark", gain=200.0), _many("dark", gain=200.0, exposure_s=300.0), _many("flat", filter="OIII")
    )
    assert chosen.missing == (
        "no dark of 120 s matches: the nearest is of gain 200, the lights of 100",
        "no flat in Ha matches: the nearest is in OIII",
    )
    other = _chosen(_many("dark", camera="QHY268"))
    assert "the nearest is from QHY268, the lights from ASI2600" in other.missing[0]


def test_a_dark_of_another_exposure_is_scaled_only_with_a_bias() -> None:
    longer = _many("dark", exposure_s=300.0)
    assert not _chosen(longer).dark
    chosen = _chosen(longer, _many("bias", exposure_s=0.0))
    assert len(chosen.dark) == 3
    assert chosen.dark_scale == 0.4
    assert any("its current scaled by 0.4" in words for words in chosen.fits)
    exact = _chosen(longer, _many("bias", exposure_s=0.0), _many("dark", 1, "exact"))
    assert exact.dark_scale is None
    assert _names(exact.dark) == ["exact_0.fits"]
    warm = _chosen(_many("dark", exposure_s=300.0, temperature_c=10.0), _many("bias", exposure_s=0.0))
    assert not warm.dark


def test_a_flat_is_freed_of_its_own_darks() -> None:
    """Of its exposure and gain; else of a bias of its gain, which may not be that of the lights."""
    flat = _many("flat", exposure_s=2.0, gain=0.0)
    bias, other = _many("bias", exposure_s=0.0), _many("bias", 3, "gain0", exposure_s=0.0, gain=0.0)
    own = _many("darkflat", exposure_s=2.0, gain=0.0)
    assert _names(_chosen(flat, bias, own).darkflat)[0] == "darkflat_0.fits"
    assert _names(_chosen(flat, bias, other).darkflat)[0] == "gain0_0.fits"
    assert _names(_chosen(flat, bias, other).bias)[0] == "bias_0.fits"
    assert _chosen(_many("flat", exposure_s=2.0), bias).darkflat == (), "the bias of the lights does for both"
    assert _chosen(_many("master_flat", 1, exposure_s=2.0), bias, own).darkflat == ()
