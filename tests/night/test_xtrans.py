"""A night of an X-Trans camera, from its files to the colours of the stars in the stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from livestack.frame import XTRANS
from tests.night import sessions
from tests.read.writing import write_fits
from tests.reduce.fields import centroid, draw_stars, mosaic, moved, noisy, star_field, turned

SIZE = (252, 330)
KINDS = np.array([[1.0, 0.7, 0.4], [0.6, 0.8, 1.0], [0.8, 0.8, 0.8]])
"""Light of red, blue and white stars in each colour."""
SKY_ADU = np.array([300.0, 520.0, 410.0])
SUBS = ((0, 0, 0), (0, 2.3, -1.4), (0, -3.7, 2.2), (0.4, 1.1, 3.9), (180, 0.6, -2.8), (180.3, -1.9, 1.7))
"""Turn in degrees and shift in px: the mount flips before the last two."""


def _write_night(folder: Path) -> np.ndarray:
    """Write the subs; returns the stars (N, 3) on the first, red, blue and white in turn."""
    folder.mkdir()
    stars = star_field(45, SIZE, 4, border=26, apart=30)
    for i, (turn, dx, dy) in enumerate(SUBS):
        there = moved(stars, np.linalg.inv(turned(turn, dx, dy, SIZE)))
        light = [draw_stars(SIZE, np.column_stack([there[:, :2], there[:, 2] * _shares(c)]), 3.3) for c in range(3)]
        data = noisy(mosaic(np.stack(light, axis=-1) + SKY_ADU, XTRANS), i, sky=0, noise=6)
        cards = {"BAYERPAT": XTRANS, "EXPTIME": 60.0, "DATE__OBS": f"2026-01-02T03:{i:02d}:00", "OBJECT": "M 45"}
        write_fits(folder / f"light_{i + 1:03d}.fits", data.round().astype("u2"), IMAGETYP="Light", **cards)
    return stars


def _shares(channel: int) -> np.ndarray:
    return KINDS[np.arange(45) % 3, channel]


def test_the_stack_has_the_colours_of_the_sky(tmp_path: Path) -> None:
    stars = _write_night(tmp_path / "captures")
    sessions.run("stack", tmp_path / "captures", "--out", tmp_path / "out.fits", "--session", tmp_path / "s")
    taken = sessions.accepted(tmp_path / "s")
    assert len(taken) == len(SUBS), sessions.subs(tmp_path / "s")
    stack = sessions.planes(tmp_path / "out.fits")["PRIMARY"]
    assert stack.shape == (3, *SIZE)
    founding = taken[0]["path"]
    assert founding.endswith("light_001.fits")
    for channel, plane in enumerate(stack):
        level = np.nanmedian(plane)
        assert abs(level - SKY_ADU[channel]) < 3
        # brightest first
        flux = np.array([centroid(plane - level, x, y)[2] / total for x, y, total in stars[:24]])
        ratio = flux / _shares(channel)[:24]
        assert abs(np.median(ratio) - 1) < 0.01
        assert np.abs(ratio - 1).max() < 0.01
