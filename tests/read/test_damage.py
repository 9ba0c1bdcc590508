"""Damaged files, by the hundred: whatever the bytes, a frame or one FrameError, soon, and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from livestack.errors import REASONS, FrameError
from livestack.read import close_decoders, is_complete, open_frame, open_header, order_key
from tests.read.mutations import SOUND, mutated, specimen

ROUNDS = 60
LIMIT_S = 5.0
SPARE_BYTES = 8_000_000
"""What a reader needs besides the picture: its own code, tables and buffers."""


@pytest.fixture(autouse=True)
def _no_children() -> Iterator[None]:
    yield
    close_decoders()


def opens(path: Path) -> bool:
    """Whether a file opens; else it was refused as it should be."""
    opened = True
    for look in (open_header, open_frame):
        try:
            look(path)
        except FrameError as error:
            opened = False
            assert error.reason in REASONS
            assert path.name in error.sentence and error.sentence.isprintable()
    return opened


@pytest.mark.parametrize("name", SOUND)
def test_damage_is_only_ever_a_frame_error(name: str, tmp_path: Path) -> None:
    content = specimen(name, tmp_path)
    others = [specimen(other, tmp_path) for other in SOUND]
    path = tmp_path / f"sound_{name}"
    path.write_bytes(content)
    assert opens(path), "what is damaged was sound"
    random = np.random.default_rng(sum(name.encode()))
    refusals = 0
    for i in range(ROUNDS):
        path = tmp_path / f"{i}_{name}"
        path.write_bytes(mutated(content, others[random.integers(len(others))], random))
        began_s = time.monotonic()
        refusals += not opens(path)
        assert is_complete(path) in (True, False, None)
        order_key(path)
        assert time.monotonic() - began_s < LIMIT_S
        path.unlink()
    assert refusals > ROUNDS // 10, "the damage is real"


@pytest.mark.parametrize("name", [name for name in SOUND if not name.endswith((".dng", ".cr2"))])
def test_damage_allocates_no_more_than_two_pictures(name: str, tmp_path: Path) -> None:
    content = specimen(name, tmp_path)
    path = tmp_path / name
    path.write_bytes(content)
    opens(path)  # what is loaded and compiled once is not the file's doing
    random = np.random.default_rng(7 + sum(name.encode()))
    for i in range(ROUNDS // 2):
        path = tmp_path / f"{i}_{name}"
        path.write_bytes(mutated(content, content, random))
        tracemalloc.start()
        try:
            opens(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2 * declared_bytes(path) + SPARE_BYTES, path.read_bytes()[:200]


def declared_bytes(path: Path) -> int:
    """How much the picture is that a file says it holds, as float32 of three colours."""
    try:
        height, width = open_header(path).size
    except FrameError:
        return path.stat().st_size
    return 4 * 3 * height * width
