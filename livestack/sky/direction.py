"""Directions on the sky."""

from __future__ import annotations

import math

from livestack.frame import SkyMatrix


def position_angle_deg(sky: SkyMatrix, dx: float, dy: float) -> float:
    """Return the direction of a line on the sky: 0–180°, from north through east.

    Parameters
    ----------
    sky : SkyMatrix
        Of the frame the line was measured in. North is that of the middle of the field.
    dx, dy : float
        Along the line, px.
    """
    a, b, c, d = sky
    return math.degrees(math.atan2(a * dx + b * dy, c * dx + d * dy)) % 180.0
