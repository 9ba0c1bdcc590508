"""How the picture grew, as guests see it: its steps with today's stretch, and patches that show how grain goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from livestack.develop.live import Settled
from livestack.engine.buildup import LONGEST_PX, Step, read_step
from livestack.events import Json
from livestack.frame import Array, Picture
from livestack.show.pinned import with_light
from livestack.show.rendition import developed, jpeg, within
from livestack.show.rim import without
from livestack.show.web.seen import Seen
from livestack.show.words import clock

PATCH = 145, 125
"""Of the sky, in px of a step."""
_QUALITY, _PATCH_QUALITY = 82, 90
_BORDER = 0.08
"""Of a picture, where subs begin to cover it."""
_SHAPES_PX = 8.0
"""What changes within fewer px is a star, or grain."""


def upto(steps: Sequence[Step], stack: Picture) -> tuple[Step, ...]:
    """Return the steps up to a picture, and none that it does not have yet."""
    return tuple(step for step in steps if step.n_subs < stack.n_subs)


def listed(steps: Sequence[Step], stack: Picture, latest: str) -> list[Json]:
    """Return all moments that can be shown, the present one last."""
    told = [{"n": step.n_subs, "time": clock(step.time) if step.time else ""} for step in steps]
    return [*told, {"n": stack.n_subs, "time": latest}]


def patches(steps: Sequence[Step], stack: Picture) -> list[int]:
    """Return with how many photos patches are shown: a single one, some of a power of four, and all."""
    known = [step.n_subs for step in steps]
    if 1 not in known:
        return []
    some = 4 ** round(math.log(max(1.5 * math.sqrt(stack.n_subs), 1.0), 4))
    between = [n for n in known if 1 < n < stack.n_subs]
    near = min(between, key=lambda n: abs(math.log(n / some)), default=None)
    return [1, *([near] if near is not None and stack.n_subs >= 6 else []), stack.n_subs]


def frame(step: Step | None, seen: Seen, settled: Settled) -> bytes | None:
    """Return a step as JPEG, or without one the stack in its size; None where it was deleted."""
    image = _image(step, seen, settled)
    return None if image is None else jpeg(image, _QUALITY)


def patch(step: Step | None, seen: Seen, settled: Settled, corner: tuple[int, int]) -> bytes | None:
    """Return a patch of a step, from its upper left corner (y, x) on; None where it was deleted."""
    image = _image(step, seen, settled)
    if image is None:
        return None
    (y, x), (width, height) = corner, PATCH
    return jpeg(np.ascontiguousarray(image[y : y + height, x : x + width]), _PATCH_QUALITY)


def edge_of(image: Array) -> tuple[int, int]:
    """Return the corner (y, x) of the patch in which most of an object meets the sky, of a picture in a step's size."""
    image = within(image, LONGEST_PX)
    grey = image if image.ndim == 2 else image.max(axis=2)
    shapes = cv2.GaussianBlur(cv2.medianBlur(np.ascontiguousarray(grey), 5).astype(np.float32), (0, 0), _SHAPES_PX)
    slope = cv2.magnitude(cv2.Sobel(shapes, cv2.CV_32F, 1, 0), cv2.Sobel(shapes, cv2.CV_32F, 0, 1))
    (width, height), (all_rows, all_columns) = PATCH, grey.shape
    mean = cv2.boxFilter(slope, -1, PATCH, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    top, left = int(_BORDER * all_rows), int(_BORDER * all_columns)
    inner = mean[top : all_rows - top - height, left : all_columns - left - width]
    if not inner.size:
        return max(0, (all_rows - height) // 2), max(0, (all_columns - width) // 2)
    y, x = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return top + int(y), left + int(x)


def _image(step: Step | None, seen: Seen, settled: Settled) -> Array | None:
    stack, picture = seen.stack, seen.whole if step is None else read_step(step)
    if stack is None or picture is None or picture.data.ndim != stack.data.ndim:
        return None  # gone, or of another stack of this name
    picture = without(with_light(picture), seen.rim)
    return developed(replace(picture, noise_adu=stack.noise_adu), settled, LONGEST_PX)
