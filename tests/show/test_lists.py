"""A night as lists for other programs: what was stacked, counted once, and by night, filter and exposure."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livestack.events import MastersMatched
from livestack.show.monitor.lists import ASTROBIN, as_astrobin, as_csv, as_json
from tests.night import sessions
from tests.night.small import one_line
from tests.show.night import EXPOSURE_S, Night


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place whose clock is that of Greenwich."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.usefixtures("here")
def test_acquisitions_are_those_that_were_stacked_by_night(tmp_path: Path) -> None:
    header = {"gain": 100.0, "binning": [1, 1], "temperature_c": -9.8, "focal_mm": 600.0, "pixel_um": 3.76}
    start = datetime(2026, 8, 20, 23, 50, tzinfo=UTC)
    night = Night(tmp_path / "session", start=start, filter="L", header=header)
    for _ in range(40):  # past midnight, which is the same night
        night.add()
    night.add(reason="clouded")
    night.say(MastersMatched(night.stack, ["master_bias.fits"], [f"d{k}.fits" for k in range(20)], [], [], [], id="1"))
    rows = _rows(as_astrobin(tmp_path / "session"))
    assert list(rows[0]) == list(ASTROBIN)
    assert [(row["date"], row["filter"], row["number"]) for row in rows] == [("2026-08-20", "L", "40")]
    row = rows[0]
    assert float(row["duration"]) == EXPOSURE_S
    assert (row["gain"], row["binning"], row["sensorCooling"]) == ("100.0", "1", "-10")
    assert (row["darks"], row["bias"], row["flats"]) == ("20", "", ""), "of how many a master is made nobody knows"


def test_every_sub_is_told_with_its_reason(tmp_path: Path) -> None:
    night = Night(tmp_path / "session")
    for reason in (None, "clouded", None, "trailed", None):
        night.add(reason=reason)
    told = json.loads(as_json(tmp_path / "session"))
    assert told["left_out"] == {"clouded": 1, "trailed": 1}
    assert [sub["state"] for sub in told["subs"]] == ["accepted", "rejected", "accepted", "rejected", "accepted"]
    assert [(stack["n_subs"], stack["exposure_s"]) for stack in told["stacks"]] == [(3, 3 * EXPOSURE_S)]
    rows = _rows(as_csv(tmp_path / "session"))
    assert [row["reason"] for row in rows] == ["", "clouded", "", "trailed", ""]
    assert [int(row["no"]) for row in rows] == [1, 2, 3, 4, 5]


def test_lists_are_printed_and_nothing_is_written(tmp_path: Path) -> None:
    night = Night(tmp_path / "session")
    night.add()
    before = sorted(path.name for path in (tmp_path / "session").iterdir())
    assert json.loads(sessions.run("report", tmp_path / "session", "--json"))["subs"][0]["no"] == 1
    assert len(_rows(sessions.run("report", tmp_path / "session", "--csv"))) == 1
    assert len(_rows(sessions.run("report", tmp_path / "session", "--astrobin"))) == 1
    assert sorted(path.name for path in (tmp_path / "session").iterdir()) == before
    assert "is not a livestack session" in one_line(sessions.run("report", tmp_path, "--csv", code=2))


def test_a_user_s_sessions_are_added_up_by_target_and_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name, target, light, n in (("a", "M 27", "L", 3), ("b", "m27", "L", 2), ("c", "M 27", None, 1)):
        night = Night(tmp_path / "livestack" / "sessions" / name, target=target, filter=light)
        for _ in range(n):
            night.add()
    assert len(sessions.run("sessions").splitlines()) == 3
    assert sessions.run("sessions", "--totals").splitlines() == [
        "m27, L: 5 subs, 0.0 h in 2 sessions",
        "M 27: 1 sub, 0.0 h in 1 session",
    ]
    told = [json.loads(line) for line in sessions.run("sessions", "--totals", "--json").splitlines()]
    assert [(one["target"], one["n_subs"]) for one in told] == [("m27, L", 5), ("M 27", 1)]
