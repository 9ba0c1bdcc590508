"""A growth's state on disk, past its final look: only makes resuming faster, may be deleted at any time."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livestack.atomic import write_large
from livestack.frame import Array
from livestack.stack import Drops, Stack
from livestack.straight import Straight

FORMAT, N_ARRAYS = 8, 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Sums of a stack and which subs are in them.

    Attributes
    ----------
    subs : str
        Digest of the subs, in the order folded.
    guide, removed
        Of a core that judges pictures; otherwise empty.
    contrast, guide_contrast, told_at
        Of a core; empty where they are not told.
    judged_by : str
        Rejection it was folded with.
    knowledge_id, stars, sky, defects
        What the next sub is measured against.
    """

    stack: Stack
    guide: Stack
    removed: Array
    contrast: Array
    guide_contrast: Array
    told_at: int
    subs: str
    judged_by: str
    knowledge_id: str
    stars: Array
    sky: Array
    defects: Array


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically."""
    facts = {
        "format": FORMAT,
        "subs": checkpoint.subs,
        "judged_by": checkpoint.judged_by,
        "knowledge_id": checkpoint.knowledge_id,
        "template": checkpoint.stack.template,
        "n_subs": checkpoint.stack.n_subs,
        "exposure_s": checkpoint.stack.exposure_s,
        "told_at": checkpoint.told_at,
    }
    known = checkpoint.stars, checkpoint.sky, checkpoint.defects
    told = checkpoint.removed, checkpoint.contrast, checkpoint.guide_contrast
    drops = checkpoint.stack.drops or Drops((0, 0, 0))
    arrays = (*checkpoint.stack.arrays, *checkpoint.guide.arrays, *told, *known, *drops.arrays)

    def write(file: Straight) -> None:
        for array in map(np.ascontiguousarray, arrays):
            file.write(_npy_header(array))
            file.write(array.reshape(-1).view(np.uint8))
        file.write(json.dumps(facts).encode())

    write_large(path, write)


def _npy_header(array: Array) -> bytes:
    """Return what stands before an array's data in a .npy file."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    return header.getvalue()


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None when there is none, or it is not whole, or from another version."""
    try:
        with path.open("rb") as file:
            arrays = [np.load(file, allow_pickle=False) for _ in range(N_ARRAYS)]
            facts = json.loads(file.read())
        return _checkpoint(arrays, facts) if facts["format"] == FORMAT else None
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None


def _checkpoint(arrays: list[Array], facts: dict[str, Any]) -> Checkpoint:
    stack, guide = (_stack(arrays[k : k + 5], facts) for k in (0, 5))
    if arrays[16].size:
        stack.drops = Drops((0, 0, 0))
        stack.drops.mean, stack.drops.m2, stack.drops.weight, stack.drops.squares = arrays[16:]
    return Checkpoint(
        stack=stack,
        guide=guide,
        removed=arrays[10],
        contrast=arrays[11],
        guide_contrast=arrays[12],
        told_at=facts["told_at"],
        subs=facts["subs"],
        judged_by=facts["judged_by"],
        knowledge_id=facts["knowledge_id"],
        stars=arrays[13],
        sky=arrays[14],
        defects=arrays[15],
    )


def _stack(arrays: list[Array], facts: dict[str, Any]) -> Stack:
    stack = Stack((0, 0, 0), facts["template"])
    stack.mean, stack.m2, stack.weight, stack.coverage, stack.rejected = arrays
    stack.n_subs, stack.exposure_s = facts["n_subs"], facts["exposure_s"]
    return stack
