"""The other commands as a user runs them, and where results go."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from livestack.sessions import sessions_folder
from livestack.simulate import write_night
from tests.night import sessions
from tests.night.small import N_LIGHTS, NIGHT, STACK, one_line

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_sessions")]

QUIET = ("--viewer", "none")


def test_where_the_result_goes(captures: Path, tmp_path: Path) -> None:
    sessions.run("stack", captures, "--out", tmp_path / "new" / "one.fits")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["one.fits"]
    sessions.run("stack", captures, "--out", f"{tmp_path}/folder/")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [f"{STACK}.fits"]
    (tmp_path / "there").mkdir()
    sessions.run("stack", captures, "--out", tmp_path / "there", "--passes", 1)
    assert [path.name for path in (tmp_path / "there").iterdir()] == [f"{STACK}.fits"]
    assert not sessions_folder().exists()


def test_a_stack_of_files_goes_on_where_it_was_stopped(real_data: Path, tmp_path: Path) -> None:
    frames = real_data / "A_arp186_asi290_altaz"
    stack = ("stack", frames, "--out", tmp_path / "x.fits", "--session", tmp_path / "s")
    process = sessions.start(*stack)
    sessions.wait_for(tmp_path / "s", "(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= 3")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "nothing was written" in said
    assert not (tmp_path / "x.fits").exists()
    sessions.run(*stack)
    sessions.run("stack", frames, "--out", tmp_path / "y.fits", "--session", tmp_path / "whole")
    sessions.assert_equal_sessions(tmp_path / "s", tmp_path / "whole")
    assert (tmp_path / "x.fits").exists()


def test_a_terminal_shows_how_far_it_has_come(captures: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    screen, terminal = pty.openpty()
    command = [*sessions.LIVESTACK, "stack", str(captures), "--out", str(tmp_path / "x.fits")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, stdin=terminal, env=environment) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that its other end is closed
            while piece := os.read(screen, 4096):
                shown += piece
    os.close(screen)
    text = shown.decode()
    assert process.returncode == 0, text
    assert f"{N_LIGHTS - 1}/{N_LIGHTS - 1}" in text
    assert "Sub 1 stacked on" in text
    assert f"Saved {tmp_path / 'x.fits'}" in text


def test_a_result_that_cannot_go_there(captures: Path, tmp_path: Path) -> None:
    frame = sorted(captures.iterdir())[0]
    before = hashlib.sha256(frame.read_bytes()).digest()
    for out, why in (
        (frame, "one of the frames"),
        (tmp_path / "x.png", "must be a .fits file"),
        ("/proc/x.fits", "cannot be written"),
        (f"{frame}/", "is a file, not a folder"),
    ):
        assert why in one_line(sessions.run("stack", captures, "--out", out, code=2))
    assert hashlib.sha256(frame.read_bytes()).digest() == before


def test_two_stacks_need_a_folder(captures: Path, tmp_path: Path) -> None:
    other = write_night(tmp_path / "two", NIGHT.lasting(3))
    shutil.copytree(captures, tmp_path / "two" / "one")
    assert len(other) == 3
    moved = [path.rename(tmp_path / "two" / f"other_{no}.fits") for no, path in enumerate(other)]
    for path in moved:
        content = path.read_bytes()
        path.write_bytes(content.replace(b"'Demo Galaxy'", b"'Other Field'"))
    said = sessions.run("stack", tmp_path / "two", "--out", tmp_path / "x.fits", code=2)
    assert "2 stacks came out" in said
    assert not (tmp_path / "x.fits").exists()
    sessions.run("stack", tmp_path / "two", "--out", f"{tmp_path}/both/")
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == [f"{STACK}.fits", "Other Field.fits"]


def test_nothing_to_stack(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no frame" in one_line(sessions.run("stack", tmp_path / "empty", "--out", tmp_path / "x.fits", code=3))
    assert "is not there" in one_line(sessions.run("stack", tmp_path / "none", "--out", tmp_path / "x.fits", code=2))
    assert not (tmp_path / "x.fits").exists()


def test_the_demo_shows_everything_that_can_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    said = sessions.run("demo", *QUIET, "--lights", 14, "--pace", 0.05, "--until-idle", 9, "--bind", "127.0.0.1:0")
    assert "the page is at http://127.0.0.1:" in said
    (session,) = tmp_path.glob("livestack-demo-*/session")
    reasons = {sub["reason"] for sub in sessions.subs(session)}
    assert {"truncated", "duplicate"} <= reasons, said


def test_a_synthetic_night_stops_when_asked(tmp_path: Path) -> None:
    process = sessions.start("simulate", tmp_path / "night", "--pace", 30, "--size", "320x240")
    while not list((tmp_path / "night").glob("LIGHT/*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "not empty" in one_line(sessions.run("simulate", tmp_path / "night", code=2))


def test_a_page_of_its_own(captures: Path, tmp_path: Path, port: int) -> None:
    session = tmp_path / "s"
    sessions.run("stack", captures, "--out", tmp_path / "x.fits", "--session", session)
    assert str(port) in one_line(sessions.run("serve", session, "--bind", f"127.0.0.1:{port}", code=2))
    process = sessions.start("serve", session, "--bind", "127.0.0.1:0")
    assert process.stdout
    assert "the page is at http://127.0.0.1:" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_warming_up_says_little(tmp_path: Path) -> None:
    said = sessions.run("doctor", "--warm")
    assert said.splitlines()[-1] == "Ready."
    assert "{" not in said
