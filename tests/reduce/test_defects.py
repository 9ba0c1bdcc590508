"""Hot and cold px from dither evidence: found where the sky moved over them, and no star is ever taken for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import Array, Masters
from livestack.reduce.defects import Spikes, defects_of, spikes_of
from tests.reduce.fields import (
    NOISE_ADU,
    SKY_ADU,
    draw_stars,
    frame_of,
    light,
    mosaic,
    moved,
    noisy,
    star_field,
    turned,
)

SIZE = (320, 400)
COLOURS = (0.66, 1.0, 0.74)


class Sensor:
    """A camera that looks at one field: its flaws stay where they are, in ADU, as the stars move."""

    def __init__(self, cfa: str | None, flaws: dict[tuple[int, int], float] | None = None, n_stars: int = 60) -> None:
        self.cfa = cfa
        self.stars = star_field(n_stars, SIZE, 4)
        self.stars[:, 2] /= 4
        self.flaws = flaws or {}

    def flawed(self, per_mpx: float, seed: int = 5) -> Sensor:
        """With hot px of 10 to 1000 σ and cold ones of 15 σ."""
        draw = np.random.default_rng(seed)
        n = round(per_mpx * 1e-6 * SIZE[0] * SIZE[1])
        px = draw.choice(SIZE[0] * SIZE[1], 2 * n, replace=False)
        heights = [*(NOISE_ADU * 10 ** draw.uniform(1, 3, n)), *np.full(n, -15.0 * NOISE_ADU)]
        self.flaws = {(int(p) // SIZE[1], int(p) % SIZE[1]): h for p, h in zip(px, heights, strict=True)}
        return self

    def data(self, matrix: Array, fwhm_px: float, seed: int) -> Array:
        """Px of a sub, (H, W) uint16."""
        there = moved(self.stars, np.linalg.inv(matrix))
        there[:, 2] *= fwhm_px**2 / 9
        picture = draw_stars(SIZE, there, fwhm_px)
        if self.cfa:
            picture = mosaic(picture[..., None] * np.array(COLOURS), self.cfa)
        data = noisy(picture, seed)
        for (y, x), height in self.flaws.items():
            data[y, x] += height
        return np.clip(np.rint(data), 0, 65535).astype(np.uint16)

    def defects(self, matrices: list[Array], fwhm_px: float = 2.5, seeing: float = 0.1) -> Array:
        """What is found, y · width + x."""
        draw = np.random.default_rng(6)
        subs = [
            spikes_of(
                light(frame_of(self.data(m, fwhm_px * draw.uniform(1 - seeing, 1 + seeing), k), self.cfa)),
                NOISE_ADU,
                None,
            )
            for k, m in enumerate(matrices)
        ]
        return defects_of(subs, matrices, SIZE[1], is_cfa=self.cfa is not None)

    @property
    def places(self) -> Array:
        """Where the flaws are, y · width + x."""
        return np.array([y * SIZE[1] + x for y, x in self.flaws], np.int64)


def dithered(n: int, radius_px: float, seed: int = 7, rotation_deg: float = 0.0, flip_at: int = 99) -> list[Array]:
    """Matrices of subs at random offsets within a radius."""
    draw = np.random.default_rng(seed)
    matrices = [np.eye(3)]
    for k in range(1, n):
        angle, radius = draw.uniform(0, 2 * np.pi), radius_px * np.sqrt(draw.uniform())
        turn = rotation_deg * k + (180.0 if k >= flip_at else 0.0)
        matrices.append(turned(turn, radius * np.cos(angle), radius * np.sin(angle), SIZE))
    return matrices


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize(("radius_px", "n", "share"), [(1.5, 12, 0.99), (3, 6, 0.99), (3, 4, 0.95), (15, 12, 0.99)])
def test_hot_and_cold_px_are_found(cfa: str | None, radius_px: float, n: int, share: float) -> None:
    """Where there is sky about them; some that a star hides in most subs of a small dither are not."""
    sensor = Sensor(cfa).flawed(1000)
    found = sensor.defects(dithered(n, radius_px))
    sky = draw_stars(SIZE, sensor.stars, 4.0).ravel()[sensor.places] < NOISE_ADU
    assert sky.sum() > 200
    assert np.isin(sensor.places[sky], found).mean() >= share
    assert np.isin(sensor.places, found).mean() >= share - 0.02
    assert np.isin(found, sensor.places).all()


@pytest.mark.parametrize("cfa", [None, "GBRG"])
@pytest.mark.parametrize("how", [{"rotation_deg": 0.8}, {"flip_at": 6}])
def test_they_are_found_under_field_rotation_and_across_a_flip(cfa: str | None, how: dict[str, float]) -> None:
    sensor = Sensor(cfa).flawed(500)
    found = sensor.defects(dithered(12, 2.0, **how))
    assert np.isin(sensor.places, found).mean() >= 0.99
    assert np.isin(found, sensor.places).all()


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("fwhm_px", [1.6, 4.0])
def test_beside_each_other_and_beside_and_under_a_star(cfa: str | None, fwhm_px: float) -> None:
    """Two px side by side, one ten times the other; and px that a star stands on or next to in the founding sub."""
    sensor = Sensor(cfa)
    star_x, star_y = (round(v) for v in sensor.stars[20, :2])
    sensor.flaws = {(100, 100): 300.0, (100, 101): 3000.0, (150, 200): 900.0, (151, 200): 900.0, (star_y, star_x): 2e4}
    sensor.flaws |= {(star_y + 6, star_x): 400.0, (star_y, star_x - 7): 400.0}
    assert np.isin(sensor.places, sensor.defects(dithered(12, 12.0), fwhm_px)).all()


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("radius_px", [0.0, 0.3, 1.0, 3.0, 10.0])
def test_no_star_is_taken_for_a_defect(cfa: str | None, radius_px: float) -> None:
    """Sharp and crowded, under seeing that jumps by 30 %."""
    sensor = Sensor(cfa, n_stars=250)
    for n, fwhm_px in ((4, 1.5), (12, 1.5), (12, 2.5)):
        assert not sensor.defects(dithered(n, radius_px, seed=n), fwhm_px, seeing=0.3).size


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("radius_px", [0.0, 0.3])
def test_nothing_is_told_without_dither(cfa: str | None, radius_px: float) -> None:
    """A px that stands alone may be a star as sharp as a px: only that it stays when the stars go tells."""
    assert not Sensor(cfa).flawed(500).defects(dithered(12, radius_px)).size


def test_two_places_on_the_sky_are_no_dither() -> None:
    """Two stars may well lie as far apart as two groups of subs do."""
    steps = [np.eye(3)] * 6 + [turned(0.0, 5.0, 2.0, SIZE)] * 6
    assert not Sensor(None).flawed(500).defects(steps).size


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_stars_sharper_than_a_px_are_told_by_their_place(cfa: str | None) -> None:
    """Of 0.9 px they stand alone as defects do, sub by sub; not so from sub to sub."""
    sensor = Sensor(cfa, n_stars=150).flawed(500)
    found = sensor.defects(dithered(12, 6.0), fwhm_px=0.9)
    assert np.isin(sensor.places, found).mean() >= 0.98
    assert np.isin(found, sensor.places).all()


def test_what_the_masters_know_is_not_found_again() -> None:
    sensor = Sensor("RGGB").flawed(1000)
    known = np.zeros(SIZE, bool)
    known.ravel()[sensor.places[::2]] = True
    frame = frame_of(sensor.data(np.eye(3), 2.5, 1), "RGGB")
    alone = spikes_of(light(frame, masters=Masters(hot=np.flatnonzero(known))), NOISE_ADU, None)
    assert not np.isin(sensor.places[::2], alone.px).any()
    assert np.isin(sensor.places[1::2], alone.px).mean() > 0.95
    assert np.isin(alone.px, sensor.places).all()


def test_a_spike_is_told_by_its_height() -> None:
    sensor = Sensor(None, {(40, 50): 500.0, (63, 70): -400.0, (0, 9): 600.0, (319, 399): 700.0}, n_stars=0)
    alone = spikes_of(light(frame_of(sensor.data(np.eye(3), 2.5, 1))), NOISE_ADU, None)
    np.testing.assert_array_equal(alone.px, np.sort(sensor.places))
    heights = [sensor.flaws[divmod(int(p), SIZE[1])] for p in alone.px]
    np.testing.assert_allclose(alone.height, heights, atol=5 * NOISE_ADU)


@pytest.mark.parametrize("planes", [1, 3])
def test_any_number_of_threads_finds_the_same(planes: int) -> None:
    data = Sensor(None).flawed(1000).data(np.eye(3), 2.5, 1)
    frame = frame_of(data if planes == 1 else np.repeat(data[..., None], 3, axis=2))
    with ThreadPoolExecutor(3) as threads:
        threaded, plain = (spikes_of(light(frame), NOISE_ADU, t) for t in (threads, None))
    assert threaded.px.tobytes() == plain.px.tobytes()
    assert threaded.height.tobytes() == plain.height.tobytes()
    assert plain.px.size


def test_a_sub_that_is_not_understood_tells_nothing() -> None:
    """Salt and pepper all over, or a noise that is not that of its px."""
    data = noisy(np.zeros(SIZE), 1)
    data.ravel()[::37] = SKY_ADU + 5000
    assert not spikes_of(light(frame_of(data)), NOISE_ADU, None).px.size
    assert not spikes_of(light(frame_of(noisy(np.zeros(SIZE), 1))), 0.0, None).px.size
    nothing = Spikes(np.zeros(0, np.int32), np.zeros(0, np.float32), NOISE_ADU)
    assert not defects_of([nothing] * 4, dithered(4, 5.0), SIZE[1], is_cfa=False).size
