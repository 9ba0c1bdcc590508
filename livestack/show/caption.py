"""A strip below a picture that says what it shows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from livestack.frame import Array
from livestack.show.fonts import truetype

HEIGHT_SHARE = 0.06
"""Of the strip, in widths of the picture; as high at least as can be read."""
LEAST_PX = 28
TITLE_SHARE, WORDS_SHARE = 0.42, 0.3
"""Of letters, in heights of the strip."""
MARGIN_SHARE = 0.5
PAPER, TITLE, WORDS = 0.035, 0.93, 0.62
"""Brightness, 0…1."""


def captioned(picture: Array, title: str, words: str, least_px: int = LEAST_PX) -> Array:
    """Return a picture with a strip below it: the title on its left, the words on its right.

    What does not fit gets smaller; of words that would be too small to read nothing is written.

    Parameters
    ----------
    picture : ndarray of float32
        (H, W) or (H, W, 3), 0…1.
    least_px : int
        The strip is at least so high.
    """
    width = picture.shape[1]
    height = max(least_px, round(HEIGHT_SHARE * width))
    margin = round(MARGIN_SHARE * height)
    strip = Image.new("L", (width, height), round(255 * PAPER))
    draw = ImageDraw.Draw(strip)
    taken = _write(draw, title, ("SemiBold", TITLE_SHARE, TITLE), (margin, width - 2 * margin), height, "lm")
    left = margin + taken + (margin if taken else 0)
    _write(draw, words, ("Regular", WORDS_SHARE, WORDS), (left, width - margin - left), height, "rm")
    grey = np.asarray(strip, np.float32) / np.float32(255)
    below = grey if picture.ndim == 2 else np.repeat(grey[:, :, None], 3, axis=2)
    return np.concatenate([np.asarray(picture, np.float32), below])


def _write(
    draw: ImageDraw.ImageDraw,
    said: str,
    style: tuple[str, float, float],
    room: tuple[int, int],
    height: int,
    anchor: str,
) -> int:
    """Write a line at one end of a room (from, wide); returns its width, px."""
    weight, share, brightness = style
    begin, wide = room
    size = share * height
    length = _face(weight, size).getlength(said)
    if length > wide:
        size *= wide / length
    if not said or size < share * LEAST_PX / 2:
        return 0
    face = _face(weight, size)
    x = begin if anchor.startswith("l") else begin + wide
    draw.text((x, height / 2), said, fill=round(255 * brightness), font=face, anchor=anchor)
    return round(face.getlength(said))


@lru_cache(maxsize=16)
def _face(weight: str, size_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(truetype(weight)), size_px)
