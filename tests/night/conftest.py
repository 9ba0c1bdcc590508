"""A small night on disk, and what a session needs to be on its own."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.night.small import small_night


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A few small lights."""
    return small_night(tmp_path_factory.mktemp("night") / "captures")


@pytest.fixture
def captures(tmp_path: Path, frames: list[Path]) -> Path:
    """A capture folder with all but the last of them."""
    folder = tmp_path / "captures"
    folder.mkdir()
    for frame in frames[:-1]:
        shutil.copy2(frame, folder / frame.name)
    return folder


@pytest.fixture
def own_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions without a name of their own go to a folder of this test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is taken."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        yield door.getsockname()[1]
