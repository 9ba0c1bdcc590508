"""What was left out of a stack, as a picture: lit on the dimmed stack, and in one sentence."""

from __future__ import annotations

import cv2
import numpy as np

from livestack.develop.stretch import Stretch, apply
from livestack.frame import Array, Picture
from livestack.show.state import NightState
from livestack.show.words import count

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


def lit(data: Array, removed: Array, stretch: Stretch) -> Array:
    """Return the stack dimmed, and on it what was removed as bright as it was; uint8 of the stack's shape.

    Parameters
    ----------
    data : ndarray of float32
        Stack, (H, W) or (H, W, 3), ADU.
    removed : ndarray of float32
        Luminance above the stack, ADU, of the same field at any scale; 0 = nothing.
    """
    height, width = data.shape[:2]
    removed = np.ascontiguousarray(removed)
    where = cv2.morphologyEx((removed > 0).astype(np.float32), cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX)))
    by = cv2.INTER_AREA if height < removed.shape[0] else cv2.INTER_LINEAR
    above, where = (
        cv2.resize(plane, (width, height), interpolation=by) for plane in (removed, cv2.blur(where, (3, 3)))
    )
    image = np.asarray(cv2.convertScaleAbs(apply(data, stretch), alpha=DIM))
    on = where > 0  # few px: the rest is done
    if on.any():
        light, share = above[on], DIM + (1.0 - DIM) * where[on]
        if data.ndim == 3:
            # the balance of the stretch taken off first: removed light has no colour of its own
            balance = np.asarray(stretch.gain if len(stretch.gain) == 3 else (1.0,) * 3, np.float32)
            light, share = light[:, None] / balance, share[:, None]
        image[on] = apply((data[on] + light)[None], stretch)[0] * share
    return image
