"""The preview on disk: how a screen in another process sees the stack.

``cache/picture.npy`` (the stack), ``cache/last.npy`` (the last sub on the same grid) and ``cache/removed.npy`` (the
brightest of what was left out) are plain NumPy files with the facts of `Picture` as one JSON line behind the array, so
that both change in one rename. ``cache/noise.npy`` and ``cache/coverage.npy`` are as old as the last wish for them.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from livestack import reused
from livestack.frame import Array, Picture

_FACTS = ("scale", "version", "stack", "n_subs", "exposure_s", "noise_adu", "row_order", "parts")


def write_picture(path: Path, picture: Picture, *, again: bool = False) -> None:
    """Replace the file atomically; not synced to disk, for it may be lost at any time. `again`: see `reused`."""
    write_array(path, picture.data, facts_of(picture), again=again)


def read_picture(path: Path) -> Picture | None:
    """Read what `write_picture` wrote; None when there is no picture (yet)."""
    read = read_array(path)
    return None if read is None else picture_of(*read)


def facts_of(picture: Picture) -> dict[str, Any]:
    """Return what there is to know of a picture beside its data."""
    return {name: getattr(picture, name) for name in _FACTS}


def picture_of(data: Array, facts: Mapping[str, Any]) -> Picture:
    """Join data and facts; of older livestacks some are not there, and what is none of a picture's is left out."""
    data.flags.writeable = False
    known = {name: facts[name] for name in _FACTS if name in facts}
    return Picture(data=data, **{**known, "parts": tuple(facts.get("parts", ()))})


def write_array(path: Path, data: Array, facts: Mapping[str, Any], *, again: bool = False) -> None:
    """Replace a file atomically by an array and what there is to know of it; not synced to disk."""
    draft_array(path, data, again=again)
    publish_draft(path, facts, again=again)


def draft_array(path: Path, data: Array, *, again: bool = False) -> None:
    """Write an array beside a file that it is to replace, for `publish_draft`."""
    with _gone_if_it_fails(path), reused.draft(path, again=again) as file:
        np.save(file, data)
        file.truncate()


def publish_draft(path: Path, facts: Mapping[str, Any], *, again: bool = False) -> None:
    """Replace a file atomically by the array that was drafted for it, and what there is to know of that."""
    with _gone_if_it_fails(path):
        with reused.draft_of(path).open("ab") as file:
            file.write(json.dumps(facts).encode())
        reused.publish(path, again=again)


@contextlib.contextmanager
def _gone_if_it_fails(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        reused.drop(path)  # on a full disk others need the room
        raise


def read_array(path: Path) -> tuple[Array, dict[str, Any]] | None:
    """Read what `write_array` wrote; None where it is not there, or cut."""
    try:
        with reused.open_as_it_is(path) as file:
            data = np.load(file, allow_pickle=False)
            facts: dict[str, Any] = json.loads(file.read())
    except (OSError, ValueError, EOFError):
        return None
    return data, facts


def read_facts(path: Path) -> dict[str, Any] | None:
    """Read what there is to know of an array without reading it."""
    try:
        with reused.open_as_it_is(path) as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            file.seek(math.prod(shape) * dtype.itemsize, 1)
            facts: dict[str, Any] = json.loads(file.read())
    except (OSError, ValueError, EOFError):
        return None
    return facts
