"""Defects that a star outshines: found by what the stack does not show, and no star light is taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.defects import defects_of, spikes_of
from livestack.reduce.outshone import defects_in_star_light
from livestack.reduce.sensor import colours_of
from livestack.stack import Stack
from tests.reduce.fields import NOISE_ADU, SKY_ADU, added, frame_of, light
from tests.reduce.test_defects import SIZE, Sensor, dithered


def _found(sensor: Sensor, matrices: list[Array], fwhm_px: float, seeing: float = 0.08) -> tuple[Array, Array]:
    """What stands alone, and what is told in star light, y · width + x."""
    draw = np.random.default_rng(6)
    stack = Stack((3 if sensor.cfa else 1, *SIZE))
    spikes = []
    for k, matrix in enumerate(matrices):
        data = sensor.data(matrix, fwhm_px * draw.uniform(1 - seeing, 1 + seeing), k)
        sub = light(frame_of(data, sensor.cfa), matrix, sky=SKY_ADU)
        spikes.append(spikes_of(sub, NOISE_ADU, None))
        added(stack, sub)
    alone = defects_of(spikes, matrices, SIZE[1], is_cfa=sensor.cfa is not None)
    lit = defects_in_star_light(spikes, matrices, stack.mean, [1.0] * len(matrices), colours_of(sensor.cfa))
    return alone, lit


def _on_stars(sensor: Sensor) -> Sensor:
    """Sensor with a defect within 1.5 px of each star, a twentieth of its flux."""
    draw = np.random.default_rng(8)
    for x, y, flux in sensor.stars:
        dx, dy = draw.uniform(-1, 1, 2)
        sensor.flaws[round(y + dy), round(x + dx)] = 0.05 * flux
    return sensor


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize(("radius_px", "fwhm_px"), [(1.5, 3.0), (2.5, 2.0)])
def test_they_are_found_in_star_light(cfa: str | None, radius_px: float, fwhm_px: float) -> None:
    sensor = _on_stars(Sensor(cfa))
    alone, lit = _found(sensor, dithered(12, radius_px), fwhm_px)
    found = np.union1d(alone, lit)
    assert np.isin(sensor.places, found).mean() >= max(0.9, 1.02 * np.isin(sensor.places, alone).mean())
    assert np.isin(lit, sensor.places).all()


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("radius_px", [0.0, 0.5])
def test_nothing_is_told_where_the_sky_hardly_moves(cfa: str | None, radius_px: float) -> None:
    assert not _found(_on_stars(Sensor(cfa)), dithered(12, radius_px), 2.5)[1].size


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize(("radius_px", "fwhm_px"), [(0.0, 1.5), (0.7, 2.5), (1.5, 3.5), (3.0, 1.5)])
def test_no_star_light_is_taken(cfa: str | None, radius_px: float, fwhm_px: float) -> None:
    """Crowded, half of the brightest saturated, under seeing that jumps."""
    sensor = Sensor(cfa, n_stars=300)
    sensor.stars[:, 2] *= 8
    assert not _found(sensor, dithered(12, radius_px), fwhm_px, seeing=0.2)[1].size


def test_what_a_defect_makes_of_the_px_about_it_is_none() -> None:
    """Of cold and hot ones in the sky: they are told from what is around, and it from them."""
    sensor = Sensor(None).flawed(1000)
    _, lit = _found(sensor, dithered(12, 1.5), 2.5)
    assert np.isin(lit, sensor.places).all()
