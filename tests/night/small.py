"""A night so small that a whole session takes a second: seven mono lights of 320 × 240 px."""

from __future__ import annotations

from pathlib import Path

from livestack.simulate import NightOptions, write_night

N_LIGHTS = 7
STACK = "Demo Galaxy"
NIGHT = NightOptions(
    size=(240, 320),
    cfa=None,
    n_lights=N_LIGHTS,
    n_darks=0,
    n_flats=0,
    n_bias=0,
    scene="stars",
    n_stars=400,
    dither_px=4,
    flip_at=None,
    aircraft_at=None,
    trailed_at=None,
    torn_at=None,
    duplicate_at=None,
    cloud_subs=(),
    n_satellites=0,
)


def small_night(folder: Path) -> list[Path]:
    """Write the night; returns its lights, oldest first."""
    return write_night(folder, NIGHT)


def one_line(said: str) -> str:
    """Return the only line that was said."""
    assert said.count("\n") == 1, said
    return said.strip()
