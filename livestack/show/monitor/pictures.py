"""The newest picture of each stack, packed so that the report stays small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from livestack.develop.chain import PRESETS
from livestack.develop.live import steady, whole
from livestack.frame import Array, Picture
from livestack.show.rendition import QUALITY, developed, jpeg, within
from livestack.show.source import Source

LONGEST_PX = 1600
_LEAST_QUALITY = 70
_LEAST_PX = 240


def grain_pictures(source: Source) -> dict[str, tuple[Picture | None, Picture | None]]:
    """Return the pictures that grain is measured from: of the stack that took the last sub, and of that sub."""
    picture, last = source.picture(), source.last()
    if picture is None:
        return {}
    return {picture.stack: (picture, last if last is not None and last.stack == picture.stack else None)}


def joined(source: Source) -> str | None:
    """Name of the newest picture that several stacks make together: it has no stack file of its own."""
    folder = source.session / "stack"
    files = [file for file in folder.glob("*.png") if not file.with_suffix(".fits").exists()]
    return max(files, key=_age).stem if files else None


def packed(source: Source, stacks: Sequence[str], room: int) -> dict[str, bytes]:
    """Return the picture of each stack that has one as JPEG, all of them in so many bytes."""
    images = {stack: image for stack in stacks if (image := newest(source, stack)) is not None}
    share = room // max(1, len(images))
    return {stack: packing for stack, image in images.items() if (packing := _fitting(image, share))}


def newest(source: Source, stack: str) -> Array | None:
    """Return the newest picture of a stack, uint8 as shown: from the cache, or what was saved beside the stack file."""
    files = (source.session / "stack" / f"{stack}.png", source.session / "cache" / "picture.npy")
    for file in sorted(files, key=_age, reverse=True):
        image = _saved(file) if file.suffix == ".png" else _cached(source, stack)
        if image is not None:
            return within(image, LONGEST_PX)
    return None


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _cached(source: Source, stack: str) -> Array | None:
    picture = source.picture()
    if picture is None or picture.stack != stack:
        return None
    return developed(picture, steady(None, picture, whole(PRESETS[source.preset])), LONGEST_PX)


def _saved(file: Path) -> Array | None:
    try:
        image = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        return None
    if image is None or image.dtype != np.uint8:
        return None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image)


def _fitting(image: Array, room: int) -> bytes:
    """Return a picture as JPEG of at most so many bytes, as good as that allows; empty when nothing is left of it."""
    for longest_px, quality in _tries(max(image.shape[:2])):
        packing = jpeg(within(image, longest_px), quality)
        if len(packing) <= room:
            return packing
    return b""


def _tries(longest_px: int) -> Iterable[tuple[int, int]]:
    for quality in range(QUALITY, _LEAST_QUALITY - 1, -5):
        yield longest_px, quality
    while (longest_px := round(0.8 * longest_px)) >= _LEAST_PX:
        yield longest_px, _LEAST_QUALITY
