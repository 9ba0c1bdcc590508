"""A file is there whole, or as it was before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from livestack.straight import Straight


def write_large(path: Path, write: Callable[[Straight], object]) -> None:
    """Do as `write_atomically`, past the system's cache: for what is large and not read again soon."""

    def write_straight(file: BinaryIO) -> None:
        straight = Straight(file)
        write(straight)
        straight.finish()

    write_atomically(path, write_straight)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write through a temporary file in the same folder, sync it, and rename it; a failure leaves nothing."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY) if os.name == "posix" else None
    if folder is not None:
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
