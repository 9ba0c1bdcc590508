"""The table of faults: each is injected for real into a night that runs, and leaves the bits of one without it.

Every row gets a night with two subs stacked. It does harm, shows that this is told, undoes it, and the camera goes on;
both are told within twice the delay that is stated for it. Then the session must equal an undisturbed one: the same
bits in every plane, the same figures of every sub.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from livestack.simulate import write_night
from tests.faults import faults_of_folders, faults_of_sessions
from tests.faults.faults import FEW, MANY, Night, Row, digest, disks, mount
from tests.night import sessions
from tests.night.small import NIGHT, STACK

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="disks are pulled as Linux does it")]

ROWS = [*faults_of_folders.ROWS, *faults_of_sessions.ROWS]


@pytest.fixture(scope="module")
def subs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_night(tmp_path_factory.mktemp("night") / "subs", replace(NIGHT, n_lights=MANY))


@pytest.fixture(scope="module")
def undisturbed(subs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Sessions of the first few subs, and of all."""
    place = tmp_path_factory.mktemp("undisturbed")
    whole = {}
    for n in (FEW, MANY):
        options = ("--passes", 1, "--order", "given", "--out", f"{place}/{n}/", "--session", place / f"s{n}")
        sessions.run("stack", *subs[:n], *options)
        assert len(sessions.accepted(place / f"s{n}")) == n
        whole[n] = place / f"s{n}"
    return whole


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.disturb.__name__)
def test_a_night_with_it_equals_one_without(
    fault: Row, subs: list[Path], undisturbed: dict[int, Path], tmp_path: Path
) -> None:
    night = Night(subs, tmp_path, fault.options)
    with disks(night):
        fault.ready(night)
        night.start()
        night.expose(2)
        night.stacked()
        fault.disturb(night)
        if fault.raised:
            night.told(fault.raised)
            night.told(fault.cleared)
        night.expose(fault.n - night.taken)
        night.stacked(fault.n)
        night.end()
        assert "Traceback" not in night.said
        sessions.assert_equal_sessions(night.session, undisturbed[fault.n])
        assert len(sessions.subs(night.session)) == fault.n, "each once"


def test_nothing_is_written_to_a_folder_that_cannot_be_written_to(subs: list[Path], tmp_path: Path) -> None:
    """Nor to one that can: names, bytes and times are as they were."""
    night = Night(subs, tmp_path)
    night.expose(7, night.shelf)
    before = digest(night.shelf)
    with disks(night):
        mount("--bind", "-o", "ro", night.shelf, night.captures)
        night.start("--until-idle", "2")
        assert night.process and night.process.wait(120) == 0, night.said
        assert digest(night.captures) == before
    assert len(sessions.accepted(night.session)) == 7
    assert (night.session / "stack" / f"{STACK}.fits").exists()
