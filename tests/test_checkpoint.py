"""A checkpoint is all bits of a stack, or nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from livestack.frame import STAR_DTYPE
from livestack.stack import Stack
from livestack.stacks import checkpoint as checkpoint_module
from livestack.stacks.checkpoint import FORMAT, Checkpoint, load_checkpoint, save_checkpoint


def _checkpoint(seed: int = 1) -> Checkpoint:
    draw = np.random.default_rng(seed)
    stack = Stack((3, 20, 30), "look-1")
    for array in stack.arrays:
        array[:] = draw.integers(0, 60_000, array.shape)
    stack.mean[0, 3, 4] = np.nan
    stack.n_subs, stack.exposure_s = 17, 17 * 29.97
    stars = np.zeros(5, STAR_DTYPE)
    stars["x"] = draw.normal(100, 50, 5)
    guide = Stack((1, 10, 15), "look-1")
    guide.mean[:] = draw.normal(0, 10, guide.shape)
    return Checkpoint(
        stack=stack,
        guide=guide,
        removed=draw.normal(50, 9, (10, 15)).astype(np.float32),
        contrast=draw.normal(9, 2, (10, 15)).astype(np.float32),
        guide_contrast=draw.normal(7, 2, (10, 15)).astype(np.float32),
        told_at=16,
        subs="a" * 64,
        judged_by="deferred",
        knowledge_id="look-1",
        stars=stars,
        sky=draw.normal(0, 3, (3, 4, 8, 8)).astype(np.float32),
        defects=draw.integers(0, 600, 9).astype(np.int32),
    )


def test_what_is_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    saved = _checkpoint()
    save_checkpoint(tmp_path / "M 31.checkpoint", saved)
    loaded = load_checkpoint(tmp_path / "M 31.checkpoint")
    assert loaded is not None
    for mine, yours in zip(saved.stack.arrays, loaded.stack.arrays, strict=True):
        assert mine.dtype == yours.dtype
        assert mine.tobytes() == yours.tobytes()
    assert [array.tobytes() for array in loaded.guide.arrays] == [array.tobytes() for array in saved.guide.arrays]
    assert loaded.removed.tobytes() == saved.removed.tobytes()
    assert loaded.contrast.tobytes() == saved.contrast.tobytes()
    assert loaded.guide_contrast.tobytes() == saved.guide_contrast.tobytes()
    assert loaded.stars.tobytes() == saved.stars.tobytes()
    assert loaded.sky.tobytes() == saved.sky.tobytes()
    assert loaded.defects.dtype == saved.defects.dtype
    assert loaded.defects.tobytes() == saved.defects.tobytes()
    assert (loaded.stack.n_subs, loaded.stack.exposure_s, loaded.stack.template) == (17, 17 * 29.97, "look-1")
    for name in ("subs", "judged_by", "knowledge_id", "told_at"):
        assert getattr(loaded, name) == getattr(saved, name)


def test_no_file_is_no_checkpoint(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "nothing.checkpoint") is None
    assert load_checkpoint(tmp_path) is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.97, 0.9999])
def test_a_torn_file_is_no_checkpoint(share: float, tmp_path: Path) -> None:
    path = tmp_path / "M 31.checkpoint"
    save_checkpoint(path, _checkpoint())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert load_checkpoint(path) is None


@pytest.mark.parametrize("tail", [b"[]", b"{}", b'{"format": 1}', b"\xff\xfe", b"null"])
def test_facts_of_another_kind_are_no_checkpoint(tail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "M 31.checkpoint"
    save_checkpoint(path, _checkpoint())
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b'{"format"')] + tail)
    assert load_checkpoint(path) is None


def test_another_version_is_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "M 31.checkpoint"
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "FORMAT", FORMAT + 1)
        save_checkpoint(path, _checkpoint())
    assert load_checkpoint(path) is None


def test_the_old_one_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "M 31.checkpoint"
    save_checkpoint(path, _checkpoint())
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_checkpoint(path, dataclasses.replace(_checkpoint(2), subs=object()))
    assert path.read_bytes() == before
    save_checkpoint(path, _checkpoint(2))
    assert path.read_bytes() != before
    facts = path.read_bytes()[path.read_bytes().rindex(b'{"format"') :]
    assert json.loads(facts)["n_subs"] == 17
