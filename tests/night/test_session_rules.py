"""The rules of sessions as a user meets them: names, locks, stops, what is skipped, dropped, and where results go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from livestack.sessions import Home, lock, sessions_folder
from tests.night import sessions
from tests.night.small import N_LIGHTS, STACK, one_line

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_sessions")]

QUIET = ("--viewer", "none")


def names(session: Path) -> list[str]:
    """File names of the subs that are in a stack."""
    return [Path(sub["path"]).name for sub in sessions.accepted(session)]


def test_the_same_folder_and_settings_resume_others_begin_anew(captures: Path, frames: list[Path]) -> None:
    watch = ("watch", captures, *QUIET, "--until-idle", 1)
    sessions.run(*watch)
    (first,) = sessions_folder().iterdir()
    assert first.name.endswith("-captures")
    shutil.copy2(frames[-1], captures / frames[-1].name)
    sessions.run(*watch, "--jobs", 2)
    assert [home.name for home in sessions_folder().iterdir()] == [first.name]
    assert names(first) == [frame.name for frame in frames]
    sessions.run(*watch, "--weight", "equal")
    assert sorted(home.name for home in sessions_folder().iterdir()) == [first.name, f"{first.name}-2"]
    other = captures.with_name("other") / "captures"
    shutil.copytree(captures, other)
    sessions.run("watch", other, *QUIET, "--until-idle", 1)
    assert sorted(home.name for home in sessions_folder().iterdir())[-1] == f"{first.name}-3"
    listed = sessions.run("sessions")
    assert listed.count("\n") == 3
    assert f"{first}  {STACK}: {N_LIGHTS} subs" in listed


def test_a_named_session_keeps_its_folder_and_may_change_its_settings(captures: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    sessions.run("watch", captures, *QUIET, "--until-idle", 1, "--session", session)
    other = tmp_path / "other"
    shutil.copytree(captures, other)
    said = sessions.run("watch", other, *QUIET, "--until-idle", 1, "--session", session, code=2)
    assert str(captures) in one_line(said)
    shutil.copy2(min(other.iterdir()), captures / "again.fits")
    sessions.run("watch", f"{other}/../captures", *QUIET, "--until-idle", 1, "--session", session, "--weight", "equal")
    (changed,) = sessions.events(session, "SettingsChanged")
    assert changed["changed"] == ["weight"]
    assert [sub["reason"] for sub in sessions.subs(session)][-1] == "duplicate"
    assert "equal" in (session / "settings.toml").read_text()


def test_what_is_there_first_may_be_skipped(captures: Path, frames: list[Path], tmp_path: Path) -> None:
    session = tmp_path / "s"
    watch = ("watch", captures, *QUIET, "--until-idle", 1, "--session", session, "--existing", "skip")
    there = sorted(path.name for path in captures.iterdir())
    said = sessions.run(*watch, code=3)
    assert "Traceback" not in said
    listed = sessions.rows(session, "SELECT path, use FROM arrival")
    assert sorted(Path(row["path"]).name for row in listed) == there
    assert not any(row["use"] for row in listed)
    # what comes while livestack is not running is not what was there first, whatever its time says
    shutil.copy2(frames[-1], captures / frames[-1].name)
    os.utime(captures / frames[-1].name, (0, 0))
    sessions.run(*watch)
    assert names(session) == [frames[-1].name]


def test_skipping_survives_a_kill_at_the_very_start(captures: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    watch = ("watch", captures, *QUIET, "--until-idle", 1, "--session", session, "--existing", "skip")
    process = sessions.start(*watch)
    sessions.wait_for(session, "EXISTS (SELECT 1 FROM event WHERE kind = 'SessionStarted')")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    sessions.run(*watch, code=3)
    assert not sessions.subs(session)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_by_a_signal_is_saved_and_goes_on(
    captures: Path, frames: list[Path], tmp_path: Path, number: signal.Signals
) -> None:
    session = tmp_path / "s"
    # under nohup a hang-up is ignored, by the program too
    before = signal.signal(number, signal.SIG_DFL)
    process = sessions.start("watch", captures, *QUIET, "--session", session)
    signal.signal(number, before)
    sessions.wait_for(session, "(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= 2")
    process.send_signal(number)
    time.sleep(0.02)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert (session / "stack" / f"{STACK}.fits").exists()
    assert sessions.events(session, "SessionStopped")[-1]["exit_code"] == 130
    shutil.copy2(frames[-1], captures / frames[-1].name)
    sessions.run("watch", captures, *QUIET, "--session", session, "--until-idle", 1)
    whole = tmp_path / "whole"
    paths = [sub["path"] for sub in sessions.subs(session)]
    sessions.run("stack", *paths, "--passes", 1, "--order", "given", "--out", f"{tmp_path}/o/", "--session", whole)
    sessions.assert_equal_sessions(session, whole)


@pytest.mark.parametrize("wait_s", [0.15, 0.5, 1.0, 1.5])
def test_stopped_while_it_starts(captures: Path, tmp_path: Path, wait_s: float) -> None:
    process = sessions.start("watch", captures, *QUIET, "--session", tmp_path / "s")
    time.sleep(wait_s)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    # before Python itself is ready nobody can answer
    assert process.returncode in ((130, -signal.SIGTERM) if wait_s < 0.3 else (130,)), said
    assert "Traceback" not in said
    sessions.run("watch", captures, *QUIET, "--session", tmp_path / "s", "--until-idle", 1)
    assert len(names(tmp_path / "s")) == N_LIGHTS - 1


def test_a_start_that_failed_leaves_its_name_free(captures: Path, port: int) -> None:
    watch = ("watch", captures, *QUIET, "--until-idle", 1)
    said = sessions.run(*watch, "--bind", f"127.0.0.1:{port}", code=2)
    assert str(port) in one_line(said)
    sessions.run(*watch)
    (home,) = sessions_folder().iterdir()
    assert len(names(home)) == N_LIGHTS - 1


def test_two_engines_never_share_a_session(captures: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    process = sessions.start("watch", captures, *QUIET, "--session", session)
    sessions.wait_for(session, "(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= 1")
    said = sessions.run("watch", captures, *QUIET, "--session", session, "--until-idle", 1, code=2)
    assert f"process {process.pid}" in one_line(said)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    with lock(Home(session)):  # given back
        pass


@pytest.mark.parametrize("place", ["/dev/null/s", "/proc/s", "file/s", "file", "captures/s", "captures"])
def test_a_session_where_none_can_be(captures: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    before = sorted(captures.iterdir())
    said = sessions.run("watch", captures, *QUIET, "--session", tmp_path / place, code=2)
    assert str(tmp_path / place) in one_line(said)
    assert sorted(captures.iterdir()) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_does_not_exist_yet(captures: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    process = sessions.start("watch", later, *QUIET, "--session", tmp_path / "s", "--until-idle", 8)
    sessions.wait_for(tmp_path / "s", "EXISTS (SELECT 1 FROM event WHERE kind = 'SourceLost')")
    captures.rename(later)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"{later} does not exist yet. Waiting for it." in said
    assert len(names(tmp_path / "s")) == N_LIGHTS - 1


def test_a_folder_that_never_comes_is_a_lost_source(tmp_path: Path) -> None:
    said = sessions.run("watch", tmp_path / "never", *QUIET, "--session", tmp_path / "s", "--until-idle", 1, code=4)
    assert "never" in said


def test_subs_dropped_where_the_folder_is_empty_wait_once_and_are_dropped_when_it_is_back(
    captures: Path, tmp_path: Path
) -> None:
    session, elsewhere = tmp_path / "s", tmp_path / "elsewhere"
    sessions.run("watch", captures, *QUIET, "--until-idle", 1, "--session", session)
    shutil.move(captures, elsewhere)
    captures.mkdir()
    said = sessions.run("drop", session, 1, code=4)
    assert said.count("Waiting for it.") == 1 and said.count("It did not come back.") == 1
    captures.rmdir()
    shutil.move(elsewhere, captures)
    sessions.run("watch", captures, *QUIET, "--until-idle", 1, "--session", session)
    assert sessions.subs(session)[0]["state"] == "dropped"


def test_every_line_of_standard_output_is_an_event(captures: Path, tmp_path: Path) -> None:
    for way in (("watch", captures, *QUIET, "--until-idle", "1"), ("stack", captures, "--out", f"{tmp_path}/o/")):
        command = [*sessions.LIVESTACK, *map(str, way), "--json", "--session", str(tmp_path / way[0])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        journal = sessions.rows(tmp_path / way[0], "SELECT seq, kind, body FROM event ORDER BY seq")
        assert [(e["seq"], e["kind"], e["body"]) for e in told] == [
            (row["seq"], row["kind"], json.loads(row["body"])) for row in journal
        ]


def test_whoever_stops_listening_does_not_stop_the_session(captures: Path, tmp_path: Path) -> None:
    command = [
        *sessions.LIVESTACK,
        "watch",
        str(captures),
        *QUIET,
        "--until-idle",
        "1",
        "--session",
        str(tmp_path / "s"),
    ]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "Error" not in said
    assert len(names(tmp_path / "s")) == N_LIGHTS - 1


def test_dropped_and_put_back_without_an_engine(captures: Path, tmp_path: Path) -> None:
    session, stack = tmp_path / "s", tmp_path / "s" / "stack" / f"{STACK}.fits"
    sessions.run("watch", captures, *QUIET, "--until-idle", 1, "--session", session)
    before = {name: data.tobytes() for name, data in sessions.planes(stack).items()}
    subs = sessions.accepted(session)
    by_name, by_path = Path(subs[1]["path"]).name, subs[2]["path"]
    said = sessions.run("drop", session, subs[4]["no"], by_name, by_path)
    assert f"Sub {subs[4]['no']} dropped" in said
    assert said.count("Saved") == 1, "what is taken out is not saved once more"
    states = {sub["no"]: sub["state"] for sub in sessions.subs(session)}
    assert [no for no, state in states.items() if state == "dropped"] == [subs[i]["no"] for i in (1, 2, 4)]
    assert "nothing to do" in one_line(sessions.run("drop", session, by_name))
    sessions.run("restore", session, subs[4]["no"], by_name, by_path)
    assert f"{by_name}) is in the stack: nothing to do" in one_line(sessions.run("restore", session, by_name))
    assert {name: data.tobytes() for name, data in sessions.planes(stack).items()} == before
    said = sessions.run("drop", session, "nosuch.fits", code=2)
    assert "nosuch.fits" in one_line(said)
    sessions.run("drop", tmp_path, 1, code=2)


def test_folded_again_after_the_night(captures: Path, frames: list[Path], tmp_path: Path) -> None:
    """It is what two passes over the same subs give; the night goes on as if it had not been."""
    session, other = tmp_path / "s", tmp_path / "other"
    watch = ("watch", captures, *QUIET, "--until-idle", 1)
    for one in (session, other):
        sessions.run(*watch, "--session", one)
    settings = (session / "settings.toml").read_bytes()
    assert "folded again" in sessions.run("restack", session)
    assert (session / "settings.toml").read_bytes() == settings
    subs = [sub["path"] for sub in sessions.accepted(session)]
    sessions.run("stack", *subs, "--order", "given", "--out", tmp_path / "twice.fits")
    ours, twice = sessions.planes(session / "stack" / f"{STACK}.fits"), sessions.planes(tmp_path / "twice.fits")
    assert {name: plane.tobytes() for name, plane in ours.items()} == {n: p.tobytes() for n, p in twice.items()}
    shutil.copy2(frames[-1], captures)
    for one in (session, other):
        sessions.run(*watch, "--session", one)
    sessions.assert_equal_sessions(session, other)
    sessions.run("restack", tmp_path / "nowhere", code=2)


def test_nothing_is_dropped_from_a_session_whose_subs_are_away(captures: Path, tmp_path: Path) -> None:
    """Nor is any of them taken for deleted: what was asked for is done when they are back."""
    session = tmp_path / "s"
    sessions.run("watch", captures, *QUIET, "--until-idle", 1, "--session", session)
    captures.rename(tmp_path / "unplugged")
    no = sessions.accepted(session)[1]["no"]
    said = sessions.run("drop", session, no, code=4)
    assert "was its disk unmounted?" in said
    assert [sub["reason"] for sub in sessions.subs(session)] == [None] * (N_LIGHTS - 1)
    (tmp_path / "unplugged").rename(captures)
    sessions.run("watch", captures, *QUIET, "--until-idle", 1, "--session", session)
    assert [sub["no"] for sub in sessions.subs(session) if sub["state"] != "accepted"] == [no]


def test_dropped_while_the_engine_runs(captures: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    process = sessions.start("watch", captures, *QUIET, "--session", session)
    sessions.wait_for(session, f"(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= {N_LIGHTS - 1}")
    no = sessions.accepted(session)[0]["no"]
    assert "running" in sessions.run("drop", session, no)
    sessions.wait_for(session, f"(SELECT count(*) FROM sub WHERE state = 'dropped' AND no = {no}) = 1")
    sessions.wait_for(session, "EXISTS (SELECT 1 FROM event WHERE kind = 'StackRestacked')")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(names(session)) == N_LIGHTS - 2
