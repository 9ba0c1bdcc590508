"""Directions and sizes on the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


def arcsec_per_px(sky: Sequence[float] | None) -> float | None:
    """Return the side of a px on the sky; None where it is not known how the frame lies there."""
    if not sky:
        return None
    a, b, c, d = sky
    return 3600.0 * math.sqrt(abs(a * d - b * c))
