"""The code by which a phone finds the page: the one door to the QR library."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from livestack.frame import Array
from livestack.show.tokens import CODE_GROUND, DARK

QUIET = 4
"""Modules of bare ground around a code, without which it is not found."""
SHORT = 28
"""An address of so many letters is told in words, too: it can be typed."""


def modules(address: str) -> Array:
    """Return the code of an address as its modules: (n, n) bool, True is dark."""
    return np.array([list(row) for row in _made(address).matrix], bool)


def show_code(address: str) -> None:
    """Draw the code of an address on standard error."""
    _made(address).terminal(out=sys.stderr, border=QUIET, compact=True)


def _made(address: str) -> Any:
    import segno  # where nobody asks for a code it is not loaded

    return segno.make(address, error="m", micro=False)


def only_here(address: str) -> bool:
    """Whether an address is that of this computer for itself: no phone reaches it."""
    return any(host in address for host in ("//127.", "//localhost", "//[::1]"))


def as_svg(text: str) -> bytes:
    """Return the code of a text as a picture, dark on its quiet ground."""
    import io

    out = io.BytesIO()
    _made(text).save(
        out, kind="svg", border=QUIET, dark=DARK.bg0, light=CODE_GROUND, xmldecl=False, svgns=True, nl=False
    )
    return out.getvalue()
