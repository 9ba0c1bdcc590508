"""What was left out of a stack, as a picture: lit on the dimmed stack, and in one sentence."""

from __future__ import annotations

from concurrent.futures import Executor

import cv2
import numpy as np

from livestack.counted import count
from livestack.develop.chain import apply
from livestack.develop.live import Settled, as_shown, plate_of_preview, upright
from livestack.frame import Array, Picture
from livestack.show.state import NightState

DIM = 0.5
"""Brightness of the stack around what was removed."""
_GAP_PX = 5  # half the px of a faint trail lie below the stack, by their noise: such gaps are lit too
_FIRST_LOOK = 4
_AS_PICTURES = "deferred"


def belongs(stack: Picture | None, removed: Picture | None) -> bool:
    """Whether there is something removed to show on this stack."""
    return stack is not None and removed is not None and removed.stack == stack.stack and bool(removed.data.any())


def legend(state: NightState, stack: Picture | None, removed: Picture | None) -> str:
    """Say what the picture of the removed shows, or why it shows nothing."""
    if stack is None:
        return ""
    if belongs(stack, removed):
        trails = f": {count(len(state.trails), 'trail')}" if state.trails else ""
        return f"Removed from {count(stack.n_subs, 'sub')}{trails}"
    if state.reject != _AS_PICTURES:
        return "Only single pixels are left out here: there is no picture of them"
    if stack.n_subs < _FIRST_LOOK:
        return "Nothing was removed yet: it takes four subs to tell what does not belong"
    return "Nothing was removed yet"


def lit(
    stack: Picture, removed: Picture, settled: Settled, shrink: float = 1.0, threads: Executor | None = None
) -> Array:
    """Return the stack dimmed, and on it what was removed as bright as it was; uint8 as `live.shown` has it.

    Parameters
    ----------
    removed : Picture
        Luminance above the stack, ADU, of the same field at any scale; 0 = nothing.
    """
    linear = apply(plate_of_preview(stack, shrink, threads), settled.linear, threads)
    _, height, width = linear.shape
    light = np.ascontiguousarray(upright(removed))
    where = cv2.morphologyEx((light > 0).astype(np.float32), cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX)))
    by = cv2.INTER_AREA if height < light.shape[0] else cv2.INTER_LINEAR
    above, where = (cv2.resize(plane, (width, height), interpolation=by) for plane in (light, cv2.blur(where, (3, 3))))
    image = np.asarray(cv2.convertScaleAbs(as_shown(apply(linear, settled.stretched, threads), threads), alpha=DIM))
    on = where > 0
    if on.any():
        # white is balanced by now: removed light has no colour of its own
        bright = as_shown(apply(linear.with_data(linear.data + above), settled.stretched, threads), threads)
        share = DIM + (1.0 - DIM) * where[on]
        image[on] = bright[on] * (share[:, None] if image.ndim == 3 else share)
    return image
