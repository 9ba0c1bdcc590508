"""A file is there whole, or as it was."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest

from livestack.atomic import write_atomically


def _half(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError("no space is left")


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    write_atomically(path, lambda file: file.write(b"whole"))
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, _half)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.jpg"]
    assert path.read_bytes() == b"whole"
