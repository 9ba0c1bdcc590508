"""The preview on disk: how a screen in another process sees the stack.

``cache/picture.npy`` (the stack), ``cache/last.npy`` (the last sub on the same grid) and ``cache/removed.npy`` (the
brightest of what was left out) are plain NumPy files with the facts of `Picture` as one JSON line behind the array, so
that both change in one rename. ``cache/noise.npy`` and ``cache/coverage.npy`` are as old as the last wish for them.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from livestack.frame import Picture

_FACTS = ("scale", "version", "stack", "n_subs", "exposure_s", "noise_adu", "row_order", "parts")


def write_picture(path: Path, picture: Picture) -> None:
    """Replace the file atomically; not synced to disk, for it may be lost at any time."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            np.save(file, picture.data)
            file.write(json.dumps({name: getattr(picture, name) for name in _FACTS}).encode())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()  # on a full disk others need the room
        raise


def read_picture(path: Path) -> Picture | None:
    """Read what `write_picture` wrote; None when there is no picture (yet)."""
    try:
        with path.open("rb") as file:
            data = np.load(file, allow_pickle=False)
            facts: dict[str, Any] = json.loads(file.read())
    except (OSError, ValueError, EOFError):
        return None
    data.flags.writeable = False
    return Picture(data=data, **{**facts, "parts": tuple(facts.get("parts", ()))})
