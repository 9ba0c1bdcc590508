"""Tables of the sky that come with the program: one line a row, fields by semicolons, lines with # are words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def rows(name: str) -> Iterator[list[str]]:
    """Return the fields of the rows of a table."""
    for line in Path(__file__).with_name(name).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split(";")
