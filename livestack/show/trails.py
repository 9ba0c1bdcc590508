"""A trail in words: what crossed which sub, how long, how bright, which way."""

from __future__ import annotations

import math

from livestack.events import TrailFound
from livestack.show.words import THIN, fixed


def tag(trail: TrailFound) -> str:
    """Return what stands beside a trail on the picture."""
    return f"satellite, sub {trail.no}"


def length_px(trail: TrailFound) -> float:
    """Return how long a trail is on the grid of the stack."""
    return math.hypot(trail.x1 - trail.x0, trail.y1 - trail.y0)


def angle_deg(trail: TrailFound, row_order: str | None) -> float:
    """Return how far a trail is turned: on the sky where that is known, else from level, 0–180° anticlockwise."""
    if trail.position_angle_deg is not None:
        return trail.position_angle_deg
    up = 1 if row_order == "BOTTOM-UP" else -1
    return math.degrees(math.atan2(up * (trail.y1 - trail.y0), trail.x1 - trail.x0)) % 180.0


def direction(trail: TrailFound, row_order: str | None) -> str:
    """Return which way a trail runs, and from where that is counted."""
    counted = "level" if trail.position_angle_deg is None else "north"
    return f"{round(angle_deg(trail, row_order)) % 180}° from {counted}"


def brightness(trail: TrailFound) -> str:
    """Return how far a trail stands out of a sub."""
    return f"{fixed(trail.brightness, 1)}{THIN}σ"
