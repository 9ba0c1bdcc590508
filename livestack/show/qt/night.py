"""How bright the night is that was chosen, and kept."""

from __future__ import annotations

from livestack.show.qt.kept import kept, kept_number
from livestack.show.tokens import NIGHT, NIGHT_LEVEL, NIGHT_LEVELS, Palette, dimmed

_KEPT = "night level"


def night_level() -> int:
    """Return the place of the brightness among those that can be chosen."""
    level = kept_number(_KEPT, NIGHT_LEVELS.index(NIGHT_LEVEL))
    return min(max(level, 0), len(NIGHT_LEVELS) - 1)


def keep_night_level(level: int) -> float:
    """Keep a brightness, or the nearest there is; returns it, 0…1."""
    kept().setValue(_KEPT, min(max(level, 0), len(NIGHT_LEVELS) - 1))
    return NIGHT_LEVELS[night_level()]


def worn(palette: Palette) -> Palette:
    """Return the colours that are put on: those of the night as bright as chosen."""
    return dimmed(NIGHT_LEVELS[night_level()]) if palette is NIGHT else palette
