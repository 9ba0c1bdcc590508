"""Command-line options and a settings file into settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from livestack.errors import SettingsError
from livestack.own import settings_file
from livestack.settings import Settings, from_toml

UNITS_MB = {"": 1 / 1e6, "K": 1e-3, "M": 1.0, "G": 1e3, "T": 1e6}
FILES = ("bias", "dark", "flat")


def effective_settings(settings: Settings, options: dict[str, Any]) -> Settings:
    """Return the settings with the options that were given on the command line.

    Raises
    ------
    SettingsError
        As one line.
    """
    values = {name: value for name, value in options.items() if value is not None and value != ()}
    if values.pop("no_calibration", False):
        values["calibration"] = False
    if values.pop("serve_page", False) or "bind" in values:
        values["serve"] = True
    if "memory" in values:
        values["memory_mb"] = megabytes(values.pop("memory"))
    return settings.changed(values | _absolute(values, Path()))


def usual_settings() -> Settings:
    """Return what holds where no settings file is named: the user's own, where there are any.

    Raises
    ------
    SettingsError
        As `settings_of`.
    """
    return settings_of(settings_file()) if settings_file().is_file() else Settings()


def settings_of(path: Path) -> Settings:
    """Read a settings file; the paths in it are relative to its folder.

    Raises
    ------
    SettingsError
        As one line that names the file.
    """
    if not path.is_file():
        raise SettingsError(f"settings file {path} {'is not a file' if path.exists() else 'is not there'}")
    try:
        settings = from_toml(path)
        named = {name: value for name, value in settings.to_dict()["processing"].items() if name in (*FILES, "masters")}
        return settings.changed(_absolute(named, path.absolute().parent))
    except SettingsError as error:
        said = str(error).removeprefix("settings: ")
        raise SettingsError(said if str(path) in said else f"settings file {path}: {said}") from None


def megabytes(size: str) -> int:
    """Read a size such as 1500M, 2G or 2GB.

    Raises
    ------
    SettingsError
        It is not a size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", size, re.IGNORECASE)
    if not found or float(found[1]) <= 0:
        raise SettingsError(f"memory: {size!r} is not a size such as 2G")
    return max(int(float(found[1]) * UNITS_MB[found[2].upper()]), 1)


def _absolute(values: dict[str, Any], base: Path) -> dict[str, Any]:
    """Return the options that name files, as absolute paths."""

    def absolute(path: str | Path) -> str:
        if str(path).startswith("="):  # a level, no file
            return str(path)
        return str((base / Path(path).expanduser()).absolute())

    named: dict[str, Any] = {name: absolute(values[name]) for name in FILES if name in values}
    if "masters" in values:
        named["masters"] = tuple(absolute(path) for path in values["masters"])
    return named
