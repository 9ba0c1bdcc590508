"""The nights that were stacked before: what each was, and a small picture of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import cv2
import numpy as np

from livestack.counted import count
from livestack.frame import Array
from livestack.sessions import list_sessions, night_of
from livestack.show.words import about, day, joined

_NIGHT = re.compile(r"(\d{4})-(\d\d)-(\d\d)-")


@dataclass(frozen=True, slots=True)
class Night:
    """A past night: its session, what was stacked, and when, of how much."""

    session: Path
    title: str
    detail: str


def past_nights(now: datetime, most: int) -> list[Night]:
    """Return this user's nights on which something was stacked, newest first."""
    nights = []
    for home, stacks in list_sessions():
        if not stacks:
            continue
        folder = _NIGHT.sub("", home.path.name).replace("_", " ")
        names = dict.fromkeys(str(stack["target"] or folder) for stack in stacks)
        subs = sum(int(stack["n_subs"]) for stack in stacks)
        seconds = sum(float(stack["exposure_s"] or 0.0) for stack in stacks)
        words = (_when(home.path, now), count(subs, "sub"), about(seconds) if seconds else "")
        nights.append(Night(home.path, joined(list(names)), ", ".join(filter(None, words))))
        if len(nights) == most:
            break
    return nights


def _when(session: Path, now: datetime) -> str:
    named = _NIGHT.match(session.name)
    if named is None:
        return ""
    night = date(*(int(part) for part in named.groups()))
    return "Tonight" if night.isoformat() == night_of(now.astimezone().replace(tzinfo=None)) else day(night, now)


def small_picture(session: Path, size: tuple[int, int]) -> Array | None:
    """Return a session's newest saved picture, cut to fill (width, height): (height, width, 3) uint8, or None."""
    image = _newest(session)
    if image is None:
        return None
    wide, high = size
    zoom = max(wide / image.shape[1], high / image.shape[0])
    across, down = max(wide, round(image.shape[1] * zoom)), max(high, round(image.shape[0] * zoom))
    kept = cv2.resize(image, (across, down), interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    x, y = (across - wide) // 2, (down - high) // 2
    return np.ascontiguousarray(kept[y : y + high, x : x + wide])


def _newest(session: Path) -> Array | None:
    try:
        files = sorted((session / "stack").glob("*.png"), key=lambda file: file.stat().st_mtime, reverse=True)
        pixels = np.frombuffer(files[0].read_bytes(), np.uint8) if files else None
    except OSError:
        return None
    if pixels is None or not pixels.size:
        return None
    image = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
