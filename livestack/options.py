"""Command-line options into settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from livestack.errors import SettingsError
from livestack.settings import Settings

UNITS_MB = {"": 1 / 1e6, "K": 1e-3, "M": 1.0, "G": 1e3, "T": 1e6}


def effective_settings(settings: Settings, options: dict[str, Any]) -> Settings:
    """Return the settings with the options that were given on the command line.

    Raises
    ------
    SettingsError
        As one line.
    """
    values = {name: value for name, value in options.items() if value not in (None, (), False)}
    if values.pop("no_calibration", False):
        values["calibration"] = False
    if "recursive" in options and options["recursive"] is False:
        values["recursive"] = False
    if values.pop("serve_page", False) or "bind" in values:
        values["serve"] = True
    if "memory" in values:
        values["memory_mb"] = megabytes(values.pop("memory"))
    for name in ("bias", "dark", "flat"):
        if name in values:
            values[name] = _absolute(values[name])
    if "masters" in values:
        values["masters"] = tuple(_absolute(path) for path in values["masters"])
    return settings.changed(values)


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


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())
