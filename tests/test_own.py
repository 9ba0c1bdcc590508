"""What is a user's own: settings that are kept as they differ, folders that were watched, both whole or as before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livestack import own
from livestack.commands.options import usual_settings
from livestack.errors import SettingsError
from livestack.own import (
    changes,
    keep_settings,
    own_settings,
    recent_folders,
    remember_folder,
    settings_file,
    with_option,
)
from livestack.settings import Settings


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def test_where_nothing_was_kept_all_is_as_usual() -> None:
    assert own_settings() == usual_settings() == Settings()
    assert recent_folders() == []


def test_only_what_differs_is_kept_and_comes_back(tmp_path: Path) -> None:
    settings = with_option(Settings(), "processing", "masters", (str(tmp_path / "masters"),))
    settings = with_option(settings, "running", "jobs", 2)
    keep_settings(settings)
    assert settings_file().is_relative_to(tmp_path / "XDG_CONFIG_HOME")
    assert changes(settings) == {"processing": {"masters": [str(tmp_path / "masters")]}, "running": {"jobs": 2}}
    assert "reject" not in settings_file().read_text()
    assert own_settings() == usual_settings() == settings


def test_an_option_goes_back_to_what_is_usual() -> None:
    dark = with_option(Settings(), "processing", "dark", "/masters/dark.fits")
    assert with_option(dark, "processing", "dark", None) == Settings()


@pytest.mark.parametrize(("group", "name", "value"), [("running", "jobs", 99), ("processing", "reject", "all")])
def test_a_value_that_cannot_be_used_is_refused(group: str, name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name):
        with_option(Settings(), group, name, value)


def test_a_broken_file_is_one_line_that_names_it() -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("[processing\n")
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be read"):
        own_settings()


def test_paths_in_the_file_are_relative_to_its_folder() -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text('[processing]\nmasters = ["darks"]\n')
    assert usual_settings().processing.masters == (str(settings_file().parent / "darks"),)


def test_folders_are_remembered_the_last_one_first_each_once(tmp_path: Path) -> None:
    for name in ("a", "b", "a", *(f"n{k}" for k in range(own.MOST_FOLDERS - 2)), "b"):
        remember_folder(tmp_path / name)
    found = [folder.name for folder in recent_folders()]
    assert found[0] == "b" and found.count("b") == 1 and len(found) == own.MOST_FOLDERS
    assert own.folders_file().is_relative_to(tmp_path / "XDG_STATE_HOME")


@pytest.mark.parametrize("held", ["", "{", "[]", '{"folders": [1]}', '{"folders": null}'])
def test_a_file_of_folders_that_says_nothing_is_no_fault(held: str, tmp_path: Path) -> None:
    own.folders_file().parent.mkdir(parents=True)
    own.folders_file().write_text(held)
    assert recent_folders() == []
    remember_folder(tmp_path)
    assert recent_folders() == [tmp_path]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="whoever may write everywhere is not refused")
def test_where_nothing_can_be_written_no_folder_is_remembered(tmp_path: Path) -> None:
    own.folders_file().parent.mkdir(parents=True)
    own.folders_file().parent.chmod(0o500)
    remember_folder(tmp_path)
    assert recent_folders() == []
