"""What is a user's own from night to night: the settings, and the folders that were watched."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, BinaryIO

import platformdirs
import tomli_w

from livestack.atomic import write_atomically
from livestack.errors import SettingsError
from livestack.settings import Settings, from_dict, from_toml

MOST_FOLDERS = 12
"""So many folders are remembered."""


def settings_file() -> Path:
    """Where a user's settings are kept; it need not exist."""
    return platformdirs.user_config_path("livestack", appauthor=False) / "settings.toml"


def own_settings() -> Settings:
    """Return a user's settings; those of the program where none were kept.

    Raises
    ------
    SettingsError
        The file cannot be read, or holds what cannot be used.
    """
    return from_toml(settings_file()) if settings_file().is_file() else Settings()


def keep_settings(settings: Settings) -> None:
    """Keep a user's settings: only what differs from the program's own, which may become better.

    Raises
    ------
    SettingsError
        They cannot be written.
    """
    path = settings_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: _write_for_one(file, tomli_w.dumps(changes(settings)).encode()))
    except OSError as error:
        raise SettingsError(f"the settings could not be kept in {path}: {error.strerror}") from None


def _write_for_one(file: BinaryIO, data: bytes) -> None:
    """Write what nobody else may read: addresses of alerts may hold passwords."""
    Path(file.name).chmod(0o600)
    file.write(data)


def changes(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the options that differ from the program's own, by group."""
    usual = Settings().to_dict()
    found = {
        group: {name: value for name, value in options.items() if usual[group].get(name) != value}
        for group, options in settings.to_dict().items()
    }
    return {group: options for group, options in found.items() if options}


def with_option(settings: Settings, group: str, name: str, value: Any) -> Settings:
    """Return settings with one option replaced; None = as it usually is.

    Raises
    ------
    SettingsError
        The value cannot be used.
    """
    groups = settings.to_dict()
    groups[group].pop(name, None)
    if value is not None:
        groups[group][name] = list(value) if isinstance(value, tuple) else value
    return from_dict(groups)


def folders_file() -> Path:
    """Where the folders that were watched are remembered."""
    return platformdirs.user_state_path("livestack", appauthor=False) / "folders.json"


def recent_folders() -> list[Path]:
    """Return the folders that were watched, the last one first; whatever the file holds."""
    try:
        return [Path(folder) for folder in json.loads(folders_file().read_text(encoding="utf-8"))["folders"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def remember_folder(folder: Path) -> None:
    """Remember that a folder was watched; where that cannot be written, it is not remembered."""
    folders = [folder, *(other for other in recent_folders() if other != folder)][:MOST_FOLDERS]
    path, said = folders_file(), {"folders": [str(folder) for folder in folders]}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write(json.dumps(said, indent=1).encode()))
