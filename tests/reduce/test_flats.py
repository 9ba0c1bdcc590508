"""Stars in twilight flats: told, and what dust, hot px and the sensor itself show is not taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.frame import XTRANS, Array, Frame, Header
from livestack.read import open_frame
from livestack.reduce.flats import has_stars
from livestack.reduce.masters import build
from livestack.reduce.matching import Chosen
from tests.reduce.fields import draw_stars, mosaic, star_field

SIZE = (360, 480)
LAMP_ADU = 20_000.0
CFAS = (None, "RGGB", XTRANS)


def _response(seed: int = 1) -> Array:
    """Vignette, response of each px, dust: dark, some with a bright rim; a few px that are hot."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    response = 1 - 0.4 * ((x - 240) ** 2 + (y - 180) ** 2) / (240**2 + 180**2)
    response *= draw.normal(1, 0.006, SIZE)
    for _ in range(40):
        r = np.hypot(x - draw.uniform(0, SIZE[1]), y - draw.uniform(0, SIZE[0])) / draw.uniform(3, 20)
        response *= 1 - 0.06 * np.exp(-(r**4)) + 0.01 * np.exp(-(((r - 1.2) / 0.15) ** 2))
    response.ravel()[draw.choice(response.size, 90, replace=False)] *= draw.uniform(1.1, 2, 90)
    return response


RESPONSE = _response()


def _flat(cfa: str | None, seed: int, stars: Array | None = None) -> Array:
    """One frame, bias of 500 ADU on, uint16."""
    light = np.full(SIZE, LAMP_ADU)
    if stars is not None:
        light += draw_stars(SIZE, stars, 3.2, 3.0)
    if cfa:
        light = mosaic(light[..., None] * np.array([0.5, 1.0, 0.7]), cfa)
    seen = np.random.default_rng(seed).poisson(light * RESPONSE * 0.9) / 0.9 + 500
    return np.clip(np.rint(seen), 0, 65535).astype(np.uint16)


def _stars(dx: float = 0.0) -> Array:
    """Thirty, of 15 to 100 % of the sky at their peaks, some px further on."""
    stars = star_field(30, SIZE, 3, border=40, apart=20)
    stars[:, 0] += dx
    stars[:, 2] *= 1.8
    return stars


@pytest.mark.parametrize("cfa", CFAS)
def test_stars_are_told_from_dust_and_hot_px(cfa: str | None) -> None:
    for seed in range(4):
        assert not has_stars(_flat(cfa, seed).astype(np.float32) - 500, cfa)
        assert has_stars(_flat(cfa, seed, _stars()).astype(np.float32) - 500, cfa)


def test_real_twilight_flats_without_them(real_data: Path) -> None:
    """They show a handful of flaws of the sensor and cosmic rays; lights of the same camera show stars."""
    folder = real_data / "D_efosc2"
    bias = np.mean([open_frame(path).data for path in folder.glob("bias_*")], axis=0)
    assert not any(has_stars(open_frame(path).data - bias, None) for path in folder.glob("flat_*"))
    assert all(has_stars(open_frame(path).data - bias, None) for path in folder.glob("light_*"))


def _built(frames: list[Array]) -> tuple[Array, list[str]]:
    files = {Path(f"flat{k}"): frame for k, frame in enumerate(frames)}
    files[Path("bias")] = np.full(SIZE, 500, np.uint16)
    chosen = Chosen(bias=(Path("bias"),), flat=tuple(path for path in files if path.name != "bias"))
    masters, problems = build(chosen, lambda p: Frame(files[p], Header(p, SIZE)), Header(Path("light"), SIZE))
    assert masters.gain is not None
    return 1 / masters.gain, problems


def test_stars_that_moved_are_left_out_and_it_is_said() -> None:
    flat, problems = _built([_flat(None, k, _stars(9.0 * k)) for k in range(8)])
    without, nothing = _built([_flat(None, k) for k in range(8)])
    assert nothing == []
    assert problems == [
        "there are stars in 8 of 8 flats: left out of their mean, where the telescope had moved between them"
    ]
    usual = np.abs(flat / without - 1)
    assert usual.max() < 0.05
    assert np.percentile(usual, 99) < 0.01


@pytest.mark.parametrize("n", [1, 5])
def test_stars_that_stay_are_warned_of(n: int) -> None:
    _, problems = _built([_flat(None, k, _stars()) for k in range(n)])
    (words,) = problems
    assert words.startswith("there are stars in the flat" if n == 1 else "there are stars in 5 of 5 flats")
    assert "dark spots in the lights" in words
