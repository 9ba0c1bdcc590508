"""Filters become channels: the right one, on one grid, with white stars."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from livestack.develop.chain import AUTO
from livestack.develop.colour import star_colour
from livestack.develop.compose import PALETTES, compose, filter_named, fit, mixed, palette_of
from livestack.develop.plate import Plate
from livestack.errors import SettingsError
from tests.develop.scene import scene

GAIN = {"R": 0.6, "G": 1.0, "B": 0.8, "L": 2.4}


@pytest.fixture(scope="module")
def plates() -> dict[str, Plate]:
    """Stacks of a filter wheel's night, each founded by a sub of its own: turned, shifted, as bright as its filter."""
    field, out = scene(), {}
    random = np.random.default_rng(5)
    for k, (name, gain) in enumerate(GAIN.items()):
        light = field.truth["RGB".index(name)] if name in "RGB" else field.truth.mean(axis=0)
        sky = field.sky[min(k, 2)]
        seen = gain * (light + sky)
        angle = 180.0 if name == "B" else 0.7 * k
        matrix = cv2.getRotationMatrix2D((448, 320), angle, 1.0) + np.array([[0, 0, 6.3 * k], [0, 0, -4.1 * k]])
        moved = cv2.warpAffine(seen, matrix, (896, 640), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
        error = np.sqrt(np.maximum(moved + 12, 1) / 40).astype(np.float32)
        data = (moved + error * random.normal(size=error.shape)).astype(np.float32)
        out[name] = Plate(data[None], error[None], coverage=np.full(error.shape, 40, np.uint16))
    return out


def test_each_filter_goes_to_its_channel_on_one_grid_with_white_stars(plates: dict[str, Plate]) -> None:
    fitted = fit({name: plates[name] for name in "RGB"}, None)
    colours = mixed([{"R": 1.0}, {"G": 1.0}, {"B": 1.0}], fitted)
    inner = np.s_[:, 60:-60, 60:-60]
    assert np.isfinite(colours.data[inner]).all()
    assert star_colour(Plate(np.ascontiguousarray(colours.data[inner]))) == pytest.approx(np.ones(3), abs=0.06)
    # the nebula is red: three times as bright there as in green, over stars of one brightness
    y, x = np.mgrid[:640, :896]
    near = np.hypot((x - 448) / 100, (y - 320) / 60) < 1
    red, green, _ = (np.median(plane[near]) for plane in colours.data)
    assert 2.2 < red / green < 3.6
    for one, other in ((0, 1), (2, 1)):
        shift, _ = cv2.phaseCorrelate(
            *(np.float64(np.sqrt(np.clip(colours.data[c][inner[1:]], 0, 900))) for c in (one, other))
        )
        assert np.hypot(*shift) < 0.1


@pytest.mark.parametrize("palette", ["RGB", "LRGB", "R=0.5*R+0.5*L, G=G, B=B"])
def test_a_palette_gives_a_picture(plates: dict[str, Plate], palette: str) -> None:
    done = compose(plates, palette_of(palette), AUTO, None).plate
    assert done.data.shape[0] == 3
    assert 0 <= done.data.min() <= done.data.max() <= 1
    sky = np.median(done.data[:, -120:, 100:300], axis=(1, 2))
    assert 0.05 < sky.min() <= sky.max() < 0.22


def test_a_luminance_takes_grain_and_leaves_colour(plates: dict[str, Plate]) -> None:
    recipe = tuple(step for step in AUTO if step.name not in ("denoise", "crop"))
    colours, lit = (compose(plates, palette_of(name), recipe, None).plate.data for name in ("RGB", "LRGB"))
    y, x = np.mgrid[: colours.shape[1], : colours.shape[2]]
    near = np.hypot((x - 448) / 90, (y - 320) / 50) < 1
    one, other = (np.median(data[:, near], axis=1) for data in (colours, lit))
    assert (other / other.sum()) == pytest.approx(one / one.sum(), abs=0.05)


def test_a_colour_camera_stands_for_red_green_and_blue(plates: dict[str, Plate]) -> None:
    osc = Plate(scene().observed(40, 3)[0], coverage=np.full((640, 896), 40, np.uint16))
    done = compose({"": osc, "L": plates["L"]}, palette_of("LRGB"), AUTO, None).plate
    assert done.data.shape[0] == 3


@pytest.mark.parametrize(
    ("said", "name"),
    [("Red", "R"), ("H-alpha", "Ha"), ("Ha 7nm", "Ha"), ("O III", "OIII"), ("S2", "SII"), ("Lum", "L"), ("L", "L"),
     ("Baader U", "Baader U"), (None, None)],
)  # fmt: skip
def test_filters_have_many_names(said: str | None, name: str | None) -> None:
    assert filter_named(said) == name


@pytest.mark.parametrize("name", PALETTES)
def test_every_palette_can_be_read(name: str) -> None:
    assert {"R", "G", "B"} <= set(palette_of(name).shares)
    assert palette_of(name.lower()) == palette_of(name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("CMYK", "or write one"),
        ("R=R, G=G", "does not say"),
        ("R=x*R, G=G, B=B", "'x' in"),
        ("Q=R, G=G, B=B", "or write"),
    ],
)
def test_a_palette_that_cannot_be_is_said(words: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        palette_of(words)


def test_what_is_missing_is_said(plates: dict[str, Plate]) -> None:
    with pytest.raises(SettingsError, match=r"no stack through OIII, SII; there are Ha|no stack through Ha, OIII, SII"):
        compose(plates, palette_of("SHO"), AUTO, None)
