"""The watch that starts by itself: files that their systems understand, and words for what is left to do."""

from __future__ import annotations

import configparser
import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from livestack.commands.service import agent, set_up, unit, watch_command
from livestack.errors import SettingsError
from livestack.own import remember_folder
from tests.night import sessions

FOLDERS = ["/data/captures", '/data/M 31 "best" of 100 % $HOME \\ Aufnahmen März', "/data/it's <here> & there"]


def words_of(line: str) -> list[str]:
    """Take a command apart as systemd does (systemd.syntax, systemd.service)."""
    words, word, letters = [], "", iter(line)
    inside = False
    for letter in letters:
        if letter == "\\":
            word += next(letters)
        elif letter in "%$":
            assert next(letters) == letter, "it would be replaced"
            word += letter
        elif letter == '"':
            inside = not inside
            if not inside:
                words.append(word)
                word = ""
        elif inside:
            word += letter
    return words


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_unit_starts_the_watch_of_any_folder(folder: str, tmp_path: Path) -> None:
    text = unit(Path(folder))
    parsed = configparser.RawConfigParser(strict=True)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(text)
    assert words_of(parsed["Service"]["ExecStart"]) == watch_command(Path(folder))
    assert parsed["Service"]["Restart"] == "on-failure"
    assert parsed["Install"]["WantedBy"] == "default.target"
    if shutil.which("systemd-analyze"):
        (tmp_path / "livestack.service").write_text(text)
        command = ["systemd-analyze", "--user", "--man=no", "verify", str(tmp_path / "livestack.service")]
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert "livestack.service" not in done.stderr, done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_agent_starts_it_too(folder: str) -> None:
    read = plistlib.loads(agent(Path(folder)).encode())
    assert read["ProgramArguments"] == watch_command(Path(folder))
    assert read["RunAtLoad"]
    assert read["KeepAlive"] == {"SuccessfulExit": False}


def test_what_is_left_to_do_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    said = "\n".join(set_up(tmp_path, tmp_path, "linux"))
    written = tmp_path / ".config" / "systemd" / "user" / "livestack.service"
    assert str(written) in said
    assert written.read_text() == unit(tmp_path)
    assert "loginctl enable-linger" in said
    assert "systemctl --user enable --now livestack" in said
    said = "\n".join(set_up(tmp_path, tmp_path, "darwin"))
    assert (tmp_path / "Library" / "LaunchAgents" / "org.livestack.watch.plist").exists()
    assert "launchctl bootstrap" in said
    before = sorted(tmp_path.rglob("*"))
    said = "\n".join(set_up(tmp_path, tmp_path, "win32"))
    assert "schtasks /create" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_no_unit_can_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line break"):
        set_up(tmp_path / "a\nExecStart=b", tmp_path, "linux")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere another file is written")
def test_without_a_name_it_is_the_folder_that_was_watched_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    assert "no folder was watched yet" in sessions.run("doctor", "--service", code=2)
    remember_folder(tmp_path / "captures")
    written = tmp_path / "CONFIG" / "systemd" / "user" / "livestack.service"
    assert str(written) in sessions.run("doctor", "--service")
    assert written.read_text() == unit(tmp_path / "captures")
    sessions.run("doctor", "--service", tmp_path / "other")
    assert written.read_text() == unit(tmp_path / "other")
