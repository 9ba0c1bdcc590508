"""The picture that goes with a message: the newest of the stack, and below it the course of what is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from livestack.frame import Array
from livestack.show import fonts
from livestack.show.figures import Figure, spread
from livestack.show.monitor.pictures import newest
from livestack.show.rendition import jpeg, within
from livestack.show.source import Source
from livestack.show.state import NightState, SubRow
from livestack.show.tokens import DARK
from livestack.show.words import THIN, clock

WIDE, QUALITY = 800, 82
SHOWN = 60
"""Subs of a course."""
IN_A_LINE = 24
_HIGH, _LEFT, _RIGHT, _TOP, _BOTTOM = 190, 20, 96, 44, 34
_BARS = "▁▂▃▄▅▆▇█"


def postcard(source: Source, state: NightState, figure: Figure | None) -> bytes:
    """Return the picture as JPEG; empty where there is nothing to show."""
    parts: list[Array] = []
    if state.stack is not None and (image := newest(source, state.stack)) is not None:
        image = within(image, WIDE)
        image = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
        pad = WIDE - image.shape[1]
        parts.append(np.pad(image, ((0, 0), (pad // 2, pad - pad // 2), (0, 0))))
    if figure is not None and (course := plot(state.subs, figure)) is not None:
        parts.append(course)
    return jpeg(np.ascontiguousarray(np.concatenate(parts)), QUALITY) if parts else b""


def plot(rows: Sequence[SubRow], figure: Figure) -> Array | None:
    """Draw a figure over the last subs, (H, W, 3) uint8; None where too few tell it. Crosses are subs left out."""
    told = [(row, value) for row in rows[-SHOWN:] if (value := figure.value(row)) is not None]
    if len(told) < 3:
        return None
    low, high = _ends(figure, [value for _, value in told])
    image = Image.new("RGB", (WIDE, _HIGH), DARK.bg1)
    draw = ImageDraw.Draw(image)
    inner = WIDE - _LEFT - _RIGHT, _HIGH - _TOP - _BOTTOM

    def at(place: int, value: float) -> tuple[float, float]:
        up = min(1.0, max(0.0, (value - low) / (high - low)))
        return _LEFT + place / (len(told) - 1) * inner[0], _TOP + (1 - up) * inner[1]

    for share in (0.0, 0.5, 1.0):
        y = _TOP + share * inner[1]
        draw.line((_LEFT, y, WIDE - _RIGHT, y), DARK.line)
    for place, (row, value) in enumerate(told):
        x, y = at(place, value)
        if row.state == "accepted":
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), DARK.acc)
        else:
            draw.line((x - 4, y - 4, x + 4, y + 4), DARK.hold, 2)
            draw.line((x - 4, y + 4, x + 4, y - 4), DARK.hold, 2)
    _write(draw, figure, (low, high), told)
    return np.asarray(image)


def _write(
    draw: ImageDraw.ImageDraw, figure: Figure, ends: tuple[float, float], told: Sequence[tuple[SubRow, float]]
) -> None:
    low, high = (THIN.join(filter(None, figure.write(value))) for value in ends)
    now = THIN.join(filter(None, figure.write(told[-1][1])))
    draw.text((_LEFT, 12), figure.name, DARK.t2, _face("Regular", 17))
    draw.text((WIDE - _RIGHT, 10), now, DARK.t1, _face("SemiBold", 20), anchor="ra")
    for words, y in ((high, _TOP), (low, _HIGH - _BOTTOM)):
        draw.text((WIDE - _RIGHT + 10, y), words, DARK.t3, _face("Regular", 15), anchor="lm")
    for words, x, anchor in (
        (clock(told[0][0].time or told[0][0].judged), _LEFT, "lb"),
        (clock(told[-1][0].time or told[-1][0].judged), WIDE - _RIGHT, "rb"),
    ):
        draw.text((x, _HIGH - 8), words, DARK.t3, _face("Regular", 15), anchor=anchor)


def _ends(figure: Figure, values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis; of what may be negative they are those of the values."""
    if min(values) >= 0:
        low, high = spread(values)
        return min(low, *values), max(high, *values)
    room = max(0.1 * (max(values) - min(values)), 0.5)
    return min(values) - room, max(values) + room


@lru_cache(maxsize=8)
def _face(weight: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(fonts.truetype(weight)), size)


def in_a_line(rows: Sequence[SubRow], figure: Figure | None) -> str:
    """Return the course of a figure over the last subs as a line of text; "" where too few tell it."""
    if figure is None:
        return ""
    values = [value for row in rows[-IN_A_LINE:] if (value := figure.value(row)) is not None and math.isfinite(value)]
    if len(values) < 3:
        return ""
    low, high = min(values), max(values)
    bars = "".join(_BARS[round((value - low) / ((high - low) or 1.0) * (len(_BARS) - 1))] for value in values)
    least, most = (THIN.join(filter(None, figure.write(value))) for value in (low, high))
    return f"{figure.name}: {bars} ({least} to {most}, the last {len(values)} subs)"
