"""Steps in any order, from and to TOML, told once and applied to any size."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from livestack.develop.background import Background
from livestack.develop.chain import AUTO, PRESETS, STEPS, apply, develop, recipe_of_toml, recipe_to_toml
from livestack.develop.colour import Neutralise, Saturation, WhiteBalance
from livestack.develop.denoise import Denoise
from livestack.develop.detail import Stars
from livestack.develop.framing import Crop, NorthUp, Turn
from livestack.develop.plate import Plate, picture_of, plate_of
from livestack.develop.tone import Asinh, Curves, Ghs, Mtf
from livestack.errors import SettingsError
from tests.develop.scene import scene

LINEAR = (Background(), Neutralise(), WhiteBalance())
CURVES = (Mtf(), Mtf(linked=False), Asinh(), Ghs())


def _seen(n: int = 40) -> Plate:
    return Plate(*scene().observed(n, 1))


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_survives_being_written(name: str) -> None:
    assert recipe_of_toml(recipe_to_toml(PRESETS[name])) == PRESETS[name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[step]\n", "is no TOML"),
        ("step = 3", "write each step as a table"),
        ("[[step]]\nname = 'magic'", "no step is called 'magic'; there are crop"),
        ("[[step]]\nname = 'denoise'\namount = 2", "denoise has no amount; it has strength"),
        ("[[step]]\nname = 'denoise'\nstrength = 'much'", "strength of denoise cannot be 'much'"),
        ("[[step]]\nname = 'denoise'\nstrength = true", "strength of denoise cannot be True"),
        ("[[step]]\nname = 'denoise'\nstrength = 40", "strength is 0 to 4"),
    ],
)
def test_a_recipe_that_cannot_be_is_said_in_a_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        recipe_of_toml(text)


def test_whole_numbers_are_taken_for_numbers() -> None:
    assert recipe_of_toml("[[step]]\nname = 'denoise'\nstrength = 2") == (Denoise(2.0),)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_a_picture_with_a_dark_grey_sky(name: str) -> None:
    out = develop(_seen(), PRESETS[name]).plate
    assert out.stretched
    assert 0 <= out.data.min() <= out.data.max() <= 1
    sky = np.median(out.data[:, 500:, :200], axis=(1, 2))
    assert 0.06 < sky.min() <= sky.max() < 0.24
    assert np.ptp(sky) < 0.03


def test_the_plate_that_is_developed_stays_as_it_is() -> None:
    plate = _seen()
    before = plate.data.copy()
    done = develop(plate)
    assert (plate.data == before).all()
    assert (apply(plate, done.acts).data == done.plate.data).all()
    assert (plate.data == before).all()


@pytest.mark.parametrize("covered", ["everywhere", "not at the border"])
def test_in_place_the_picture_is_the_same(covered: str) -> None:
    plate = _seen()
    assert plate.noise is not None
    coverage = np.full(plate.shape[1:], 40, np.uint16)
    if covered != "everywhere":
        coverage[:30], coverage[:, -50:] = 1, 0
    for noise in (plate.noise, None, np.broadcast_to(np.float32(3), plate.shape)):
        kept = plate.with_data(plate.data, noise=noise, coverage=coverage)
        mine = None if noise is None or not noise.flags.writeable else noise.copy()
        own = plate.with_data(plate.data.copy(), noise=noise if mine is None else mine, coverage=coverage.copy())
        wanted, made = develop(kept), develop(own, in_place=True)
        assert made.acts == wanted.acts
        np.testing.assert_array_equal(made.plate.data, wanted.plate.data)
        assert np.shares_memory(made.plate.data, own.data)


def test_the_number_of_threads_changes_no_bit() -> None:
    plate = _seen()
    one = develop(plate).plate.data
    with ThreadPoolExecutor(3) as threads:
        many = develop(plate, AUTO, threads)
        assert (many.plate.data == one).all()
        assert (apply(plate, many.acts, threads).data == one).all()


def test_acts_that_would_write_into_the_plate_get_a_copy() -> None:
    plate = _seen()
    before = plate.data.copy()
    for recipe in ((Turn(), Crop(), Mtf(), Saturation()), (Denoise(0), Saturation(2)), (Stars(),), (Turn(180), Mtf())):
        developed = develop(plate, recipe)
        assert (plate.data == before).all()
        assert not np.shares_memory(developed.plate.data, plate.data)
    assert develop(plate, ()).plate.data is plate.data


def test_levels_taken_off_at_once_are_those_taken_off_one_after_another() -> None:
    plate = develop(_seen(), (Denoise(),)).plate
    acts = develop(plate, LINEAR).acts
    after = plate
    for act in acts:
        after = act(after)
    at_once = apply(plate, acts)
    assert at_once.data == pytest.approx(after.data, rel=1e-6, abs=2e-3)
    assert at_once.noise_scales == pytest.approx(after.noise_scales)


def test_acts_told_on_a_preview_make_the_same_picture_of_the_whole() -> None:
    plate = _seen()
    small = Plate(np.stack([cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in plate.data]))
    recipe = tuple(step for step in AUTO if not isinstance(step, Denoise))
    whole = apply(plate, develop(small, recipe).acts).data
    own = develop(plate, recipe).plate.data
    for one, other in zip(whole, own, strict=True):
        off = cv2.blur(one, (9, 9)) - cv2.blur(other, (9, 9))
        assert np.abs(off).mean() < 0.04


def test_the_order_is_free() -> None:
    recipe = (Mtf(), Neutralise(), Denoise(), Saturation(0.5), Mtf(target=0.3))
    out = develop(_seen(), recipe).plate.data
    assert np.isfinite(out).all()
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("curve", CURVES, ids=str)
def test_a_curve_never_shows_more_light_darker_and_brings_the_sky_where_it_should(curve: Mtf) -> None:
    act = curve.settle(_seen())
    ramp = np.broadcast_to(np.linspace(-500, 60_000, 4001, dtype=np.float32), (3, 1, 4001)).copy()
    out = act(Plate(ramp)).data
    assert (np.diff(out, axis=2) >= -1e-6).all()
    assert out.min() == 0
    assert out.max() == pytest.approx(1, abs=1e-5)
    if hasattr(curve, "target"):
        sky = act(_seen()).data[:, 300:, :200]
        assert np.median(sky) == pytest.approx(curve.target, abs=0.08)


@pytest.mark.parametrize("beta", [0.5, 50.0, 3e4])
def test_asinh_is_what_its_definition_says(beta: float) -> None:
    data = np.linspace(-0.1, 1.2, 4001) * np.array([1, 0.8, 0.5])[:, None]
    seen = data.astype(np.float32)[:, None].copy()
    out = Curves("asinh", (0.0,) * 3, (1.0,) * 3, ((beta, 1 / np.arcsinh(beta)),) * 3)(Plate(seen)).data[:, 0]
    light = np.maximum(data, 0).mean(axis=0)
    raised = np.minimum(np.arcsinh(beta * light) / np.arcsinh(beta), 1)
    wanted = np.maximum(data, 0) * raised / np.maximum(light, 1e-12)
    most = wanted.max(axis=0)
    mix = np.where(most > 1, (1 - raised) / np.maximum(most - raised, 1e-6), 1)
    assert out == pytest.approx(raised + (wanted - raised) * mix, abs=1e-6)


@pytest.mark.parametrize(
    ("amount", "local", "point"), [(5, 1, 0.1), (5, 0, 0.1), (12, 3, 0.0), (2, 20, 0.5), (0, 1, 0)]
)
def test_ghs_is_what_its_definition_says(amount: float, local: float, point: float) -> None:
    data = np.linspace(-0.1, 1.2, 4001)
    d = np.expm1(amount)
    out = Curves("ghs", (0.0,), (1.0,), ((d, local, point),))(Plate(data.astype(np.float32)[None, None].copy())).data

    def raised(off: np.ndarray) -> np.ndarray:
        away = np.abs(off)
        return np.sign(off) * (1 - (np.exp(-d * away) if local == 0 else (1 + local * d * away) ** (-1 / local)))

    value = np.clip(data, 0, 1)
    low, high = raised(np.array([-point, 1 - point]))
    wanted = (raised(value - point) - low) / (high - low) if amount else value
    assert out[0, 0] == pytest.approx(wanted, abs=1e-5)


def test_colours_are_kept_or_become_pale() -> None:
    """A curve for each channel brings them together; asinh keeps them, and mtf as much as it is told."""
    plate = develop(_seen(), AUTO[:3]).plate
    plate.data[:, 600, 100] = 100, 60, 40  # of brighter light white takes a part
    curves = Asinh(), Mtf(colour=0), Mtf(), Mtf(colour=1)
    shown = [develop(plate, (curve,)).plate.data[:, 600, 100] for curve in curves]
    kept, pale, half, whole = (colour / colour.max() for colour in shown)
    for colour in (kept, whole):
        assert colour == pytest.approx(np.array([1, 0.6, 0.4]), abs=0.08)
    assert pale.min() > 0.65
    assert whole.min() + 0.03 < half.min() < pale.min() - 0.03
    apart, pale_apart = (develop(plate, (Mtf(linked=False, colour=share),)).plate.data for share in (0.5, 0.0))
    np.testing.assert_array_equal(apart, pale_apart)
    with pytest.raises(SettingsError, match="colour"):
        Mtf(colour=1.5)


def test_what_is_grey_is_the_same_however_much_colour_is_kept() -> None:
    grey = np.repeat(_seen().data[1:2], 3, axis=0)
    some, none = (develop(Plate(grey), (Mtf(colour=share),)).plate.data for share in (0.5, 0.0))
    np.testing.assert_allclose(some, none, atol=1e-5)
    assert some.max() <= 1


def test_what_nobody_covered_is_black_and_has_no_say() -> None:
    plate = _seen()
    bare = plate.with_data(plate.data.copy(), noise=plate.noise.copy() if plate.noise is not None else None)
    bare.data[:, :, :80] = np.nan
    assert bare.noise is not None
    bare.noise[:, :, :80] = np.nan
    one, other = develop(plate, AUTO[1:]).plate.data, develop(bare, AUTO[1:]).plate.data
    assert other[:, :, :80].max() < 1e-3
    assert np.abs(one[:, :, 200:] - other[:, :, 200:]).mean() < 0.03


def test_a_mono_picture_goes_the_same_way() -> None:
    plate = plate_of(_seen().data[1], 3.0)
    out = develop(plate).plate
    assert picture_of(out).shape == plate.data[0].shape


def test_every_step_stands_in_the_list_with_defaults() -> None:
    for name, kind in STEPS.items():
        step = kind()
        assert step.name == name
        assert dataclasses.is_dataclass(step)
        assert not hasattr(step, "__dict__")


def test_white_may_begin_earlier_and_the_sky_stays_where_it_is() -> None:
    seen, error = scene().observed(10, 1)
    plate = Plate(seen.astype(np.float32), error)
    usual, early = (develop(plate, (Mtf(highlights=share),)).plate.data for share in (1.0, 0.2))
    assert np.median(early) == pytest.approx(np.median(usual), abs=0.01)
    assert (early >= 1).mean() > (usual >= 1).mean()
    bright = usual > 0.5
    assert early[bright].mean() > usual[bright].mean() + 0.02
    with pytest.raises(SettingsError, match="highlights"):
        Mtf(highlights=0)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_north_is_brought_up_and_east_to_the_left(quarters: int, mirrored: bool) -> None:
    """A mark in the north and one in the east, as a camera sees them that is turned, or behind a mirror."""
    seen = np.zeros((1, 41, 61), np.float32)
    seen[0, 2, 30], seen[0, 20, 5] = 1, 2  # north, east
    sky = np.array([[-1.0, 0.0], [0.0, -1.0]]) * 1e-4  # east is at less x, north at less y
    turned = np.rot90(seen, quarters, axes=(1, 2))
    turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarters)  # (x, y) → as rot90 leaves them
    sky = sky @ turn
    if mirrored:
        turned, sky = turned[:, :, ::-1], sky @ np.diag([-1, 1])
    east, north = sky
    plate = Plate(np.ascontiguousarray(turned), sky_matrix=(*east.tolist(), *north.tolist()))
    assert np.array_equal(develop(plate, (NorthUp(),)).plate.data, seen)
    with pytest.raises(SettingsError, match="solve it first"):
        develop(Plate(seen), (NorthUp(),))


def test_the_core_of_a_galaxy_keeps_its_shape_among_few_stars() -> None:
    """It covers fewer px than a picture may have of what is all white."""
    y, x = np.mgrid[:1080, :1920] - np.array([500, 900])[:, None, None]
    radius = np.hypot(x, y / 0.8)
    galaxy = 8000 * np.exp(-radius / 5)
    plate = Plate((galaxy + np.random.default_rng(1).normal(0, 5, galaxy.shape)).astype(np.float32)[None])
    shown = develop(plate, (Mtf(),)).plate.data[0]
    assert (shown >= 0.999).sum() < 60
    inner, middle, outer = (float(np.median(shown[np.abs(radius - r) < 0.7])) for r in (3, 9, 15))
    assert inner > middle + 0.003 > outer + 0.006
