"""How a frame lies on the sky, as far as its keywords tell: the linear part of the FITS world coordinates."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from livestack.frame import SkyMatrix
from livestack.read.keywords import first_number, number, text

_ORIGIN = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2")
_OF_WCS = re.compile(
    "(CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA)[12]|(CD|PC|PV)[12]_[0-9]+|(AP?|BP?)_([0-9]_[0-9]|ORDER|DMAX)"
    "|EQUINOX|RADESYS|LONPOLE|LATPOLE"
)
"""Of FITS world coordinates of two axes (Calabretta and Greisen 2002), with SIP's distortion (Shupe et al. 2005)."""


def sky_matrix_of(keywords: Mapping[str, Any]) -> SkyMatrix | None:
    """Return where a step of one px leads on the sky; None where nothing usable is said.

    From a CD matrix, else CDELT with a PC matrix or CROTA2. A mirrored frame needs no word of its own: the determinant
    of its matrix has the other sign.
    """
    axes = [(text(keywords.get(name)) or "").upper()[:4].rstrip("-") for name in ("CTYPE1", "CTYPE2")]
    if sorted(axes) != ["DEC", "RA"]:
        return None
    rows = _rows(keywords)
    (a, b), (c, d) = rows if axes[0] == "RA" else rows[::-1]
    turned = a * d - b * c
    return (a, b, c, d) if turned and math.isfinite(turned) else None


def wcs_of(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the world coordinates that keywords state, as they state them; nothing where they are not complete.

    Complete are the kind of both axes, the px and the place on the sky of their origin, and the matrix.
    """
    if sky_matrix_of(keywords) is None or any(number(keywords.get(name)) is None for name in _ORIGIN):
        return {}
    return {name: value for name, value in keywords.items() if _OF_WCS.fullmatch(name) and value is not None}


def _rows(keywords: Mapping[str, Any]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Tell what a step of one px along x, and one along y, changes on each axis of the world, in degrees."""
    a, b, c, d = _four(keywords, "CD")
    if a is not None or b is not None:
        return (a or 0.0, b or 0.0), (c or 0.0, d or 0.0)
    scale_1, scale_2 = (number(keywords.get(name)) or 0.0 for name in ("CDELT1", "CDELT2"))
    a, b, c, d = _four(keywords, "PC")
    if a is not None or b is not None:
        # a diagonal element that is not said is 1
        return (
            (scale_1 * (1.0 if a is None else a), scale_1 * (b or 0.0)),
            (scale_2 * (c or 0.0), scale_2 * (1.0 if d is None else d)),
        )
    turn = math.radians(first_number(keywords, ("CROTA2", "CROTA1")) or 0.0)
    cos, sin = math.cos(turn), math.sin(turn)
    return (scale_1 * cos, -scale_2 * sin), (scale_1 * sin, scale_2 * cos)


def _four(keywords: Mapping[str, Any], name: str) -> tuple[float | None, ...]:
    """Return a matrix by rows, as far as it is said."""
    return tuple(number(keywords.get(f"{name}{i}_{j}")) for i in (1, 2) for j in (1, 2))
