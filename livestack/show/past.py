"""Pictures of former nights: what guests see until the first photo of this one is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import cv2
import numpy as np

from livestack.frame import Array
from livestack.show.source import JOURNAL
from livestack.sky.catalogue import named

_MOST = 12
_DATE = len("2026-08-20")


@dataclass(frozen=True, slots=True)
class Past:
    """The picture of a stack, when it was taken, and what it shows, as far as that is known."""

    path: Path
    night: date
    name: str

    @property
    def words(self) -> str:
        """Say which night that was."""
        return f"{self.night.day} {self.night:%B %Y}"


def past_pictures(session: Path) -> tuple[Past, ...]:
    """Return the newest pictures of the sessions beside one, which are named by their night; none of its own."""
    found = []
    for folder in sorted(session.resolve().parent.glob("????-??-??-*"), reverse=True):
        if folder == session.resolve() or not (folder / JOURNAL).exists():
            continue
        try:
            night = date.fromisoformat(folder.name[:_DATE])
        except ValueError:
            continue
        for path in sorted((folder / "stack").glob("*.png")):
            known = named(path.stem.replace("_", " "))
            found.append(Past(path, night, (known.called or known.name) if known else ""))
    return tuple(found[:_MOST])


def seen(past: Past, longest_px: int) -> Array | None:
    """Read a picture and shrink it for a screen: (H, W, 3) uint8 RGB; None where it cannot be read."""
    image = cv2.imread(str(past.path), cv2.IMREAD_COLOR)
    if image is None:
        return None
    share = longest_px / max(image.shape[:2])
    if share < 1:
        image = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
