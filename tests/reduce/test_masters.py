"""Calibration: what the sensor added is taken off; the right frames are chosen; what cannot be used is said."""

from __future__ import annotations

import dataclasses
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from livestack.errors import FrameError
from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce.masters import build, hot_pixels, mean_of, normalised_flat
from livestack.reduce.matching import Chosen, match
from livestack.reduce.measure import calibrated
from livestack.simulate import Night, NightOptions
from tests.reduce.fields import PHASES, frame_of, light, warped
from tests.reduce.library import LIGHT, SIZE, Library, header, paths_of


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.mark.parametrize("cfa", [None, *PHASES])
def test_bias_dark_and_flat_are_removed(cfa: str | None, library: Library) -> None:
    """A scene through a sensor and back: nothing of the pedestal, the vignette or the colour of the flat lamp stays."""
    draw = np.random.default_rng(1)
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    scene = draw.uniform(200, 4000, SIZE)
    bias = 300 + draw.normal(0, 3, SIZE[1])[None, :] + np.zeros((SIZE[0], 1))
    dark = bias + draw.uniform(0, 30, SIZE)
    response = 1 - 0.35 * ((xx - 80) ** 2 + (yy - 60) ** 2) / (100**2) + draw.normal(0, 0.01, SIZE)
    lamp = np.ones(SIZE)
    if cfa:
        for k, letter in enumerate(cfa):
            lamp[k // 2 :: 2, k % 2 :: 2] = {"R": 0.4, "G": 1.0, "B": 0.7}[letter]
    chosen = Chosen(
        bias=(library.put("bias", bias.astype(np.float32)),),
        dark=(library.put("dark", dark.astype(np.float32)),),
        flat=(library.put("flat", (20_000 * lamp * response + bias).astype(np.float32), cfa),),
    )
    masters, problems = build(chosen, library.read, LIGHT)
    assert problems == []
    assert masters.provenance == {"bias": "bias", "dark": "dark", "flat": "flat"}
    taken = (scene * response + dark).astype(np.float32)
    found = calibrated(frame_of(taken, cfa), masters)[0] / scene
    cells = [found[j::2, k::2] for j in (0, 1) for k in (0, 1)] if cfa else [found]
    for cell in cells:
        assert np.ptp(cell) / cell.mean() < 2e-3, "only a constant per colour is left"
        assert cell.mean() == pytest.approx(response.mean(), rel=0.01)


@pytest.mark.parametrize("cfa", [None, "GRBG"])
def test_a_synthetic_night_is_calibrated(cfa: str | None) -> None:
    """Real read-out: after calibration, lights of an even sky are even, hot px and vignette gone."""
    options = NightOptions(
        size=SIZE, cfa=cfa, scene="stars", n_stars=0, n_lights=1, n_satellites=0, cloud_subs=(), exposure_s=60.0,
        sky_e_per_s=20.0, hot_fraction=2e-3, flip_at=None, aircraft_at=None, torn_at=None, trailed_at=None,
    )  # fmt: skip
    night = Night(options)
    headers = {kind: Header(Path(kind), SIZE, kind=kind, cfa=cfa) for kind in ("bias", "dark", "flat")}
    take = {"bias": night.bias, "dark": night.dark, "flat": night.flat}

    def read(path: Path) -> Frame:
        kind, no = path.name.split("-")
        return Frame(take[kind](int(no)), headers[kind])

    chosen = Chosen(**{kind: tuple(Path(f"{kind}-{no}") for no in range(12)) for kind in take})
    masters, problems = build(chosen, read, LIGHT)
    assert problems == []
    read_adu = options.read_noise_e / options.e_per_adu
    assert masters.noise_adu["bias"] == pytest.approx(read_adu / np.sqrt(12), rel=0.05)
    assert masters.provenance["dark"].startswith("dark-0 (mean of 12, noise 0.")
    assert masters.n_frames == {"bias": 12, "dark": 12, "flat": 12}
    found = calibrated(Frame(night.light(0), headers["flat"]), masters)[0]
    assert np.isfinite(found).all()
    sky = night.sky_e(night.truth(0)) / options.e_per_adu
    cells = [(found / sky)[j::2, k::2] for j in (0, 1) for k in (0, 1)] if cfa else [found / sky]
    for cell in cells:
        blocks = cell[: cell.shape[0] // 10 * 10, : cell.shape[1] // 10 * 10]
        blocks = blocks.reshape(blocks.shape[0] // 10, 10, blocks.shape[1] // 10, 10).mean(axis=(1, 3))
        assert np.std(blocks) / blocks.mean() < 0.008
    hot = night.sensor.dark_e_per_s * options.exposure_s / options.e_per_adu > 150
    assert hot.sum() > 5
    assert masters.hot is not None
    assert np.isin(np.flatnonzero(hot), masters.hot).all()
    expected = (sky * 0.9)[hot]
    assert np.abs(found[hot] / expected - 1).max() < 0.3


def test_bias_stands_in_for_a_missing_dark(library: Library) -> None:
    chosen = Chosen(bias=(library.put("bias", np.full(SIZE, 250, np.uint16)),))
    masters, _ = build(chosen, library.read, LIGHT)
    np.testing.assert_array_equal(masters.pedestal, np.float32(250))
    assert masters.gain is None
    assert masters.hot is None


def test_a_master_is_the_mean_in_full_precision(library: Library) -> None:
    """60 000 ADU through hundreds of frames: the mean is right to a hundredth of an ADU."""
    data = [np.random.default_rng(k).integers(59_000, 61_000, (20, 20)).astype(np.uint16) for k in range(300)]
    paths = [library.put(f"bias-{k}", frame) for k, frame in enumerate(data)]
    found = mean_of(paths, library.read)
    assert found.combined.n == 300
    # of values that are spread evenly none stands out
    np.testing.assert_allclose(found.combined.mean, np.mean(data, axis=0), atol=0.01)


def test_twilight_flats_are_compared_at_one_level(library: Library) -> None:
    """The sky grows four times as bright while they are taken, and a star wanders through them: the flat is clean."""
    draw = np.random.default_rng(12)
    response = 1 - 0.3 * np.linspace(-1, 1, SIZE[1]) ** 2 + np.zeros((SIZE[0], 1))
    paths = []
    for k in range(10):
        lit = 8_000 * (1 + k / 3) * response
        lit = draw.poisson(lit).astype(np.float32) + 300
        lit[20 + 8 * k : 24 + 8 * k, 40:44] += 6_000
        paths.append(library.put(f"flat-{k}", lit))
    chosen = Chosen(bias=(library.put("bias", np.full(SIZE, 300, np.uint16)),), flat=tuple(paths))
    masters, problems = build(chosen, library.read, LIGHT)
    assert problems == []
    assert masters.gain is not None
    off = response.mean() / (masters.gain * response) - 1
    noise = np.sqrt(np.mean([1 / (8_000 * (1 + k / 3)) for k in range(10)]) / 10)
    assert off.std() < 1.15 * noise
    assert np.abs(off[20:96, 40:44]).max() < 6 * noise


def test_a_flat_is_one_on_average_in_each_colour() -> None:
    lit = np.random.default_rng(2).uniform(9_000, 11_000, SIZE).astype(np.float32)
    lit[::2, ::2] *= 0.4
    flat = normalised_flat(lit, "RGGB")
    for j in (0, 1):
        for k in (0, 1):
            assert flat[j::2, k::2].mean() == pytest.approx(1, abs=1e-4)
    grey = normalised_flat(lit, None)
    assert grey.mean() == pytest.approx(1, abs=1e-4)
    assert grey[::2, ::2].mean() < 0.6


@pytest.mark.parametrize("kind", ["even", "dead_columns", "gradual", "half_dark", "all_dark"])
def test_light_fell_on_what_is_above_a_tenth_of_the_median(kind: str) -> None:
    """Whichever way is taken to tell: the median of all px is not always looked for."""
    lit = np.random.default_rng(3).normal(20_000, 300, SIZE).astype(np.float32)
    if kind == "dead_columns":
        lit[:, ::9] = 30
    if kind == "gradual":
        lit *= np.linspace(0.01, 2, SIZE[1], dtype=np.float32)
    if kind == "half_dark":
        lit[:, : SIZE[1] // 2 + 5] = 900
    if kind == "all_dark":
        lit -= 20_000
    for cfa in (None, "RGGB"):
        cells = [np.s_[j::2, k::2] for j in (0, 1) for k in (0, 1)] if cfa else [np.s_[:, :]]
        wanted = lit.copy()
        for cell in cells:
            px = lit[cell]
            level = px[px > 0.1 * np.median(px)].mean(dtype=np.float64)
            wanted[cell] = px / np.float32(level) if level > 0 else np.nan
        if not np.isfinite(wanted).any():
            with pytest.raises(FrameError, match="no light"):
                normalised_flat(lit, cfa)
            continue
        wanted[~(wanted >= 0.1)] = np.nan
        np.testing.assert_array_equal(normalised_flat(lit, cfa), wanted)


@pytest.mark.parametrize("n", [1, 3])
def test_masters_made_at_once_are_those_made_one_by_one(n: int, library: Library) -> None:
    draw = np.random.default_rng(4)
    levels = {"bias": 300, "dark": 340, "darkflat": 310, "flat": 20_000}
    made = {kind: [draw.normal(level, 9, SIZE).astype(np.float32) for _ in range(n)] for kind, level in levels.items()}
    made["dark"][0][5, 7] = np.nan
    chosen = Chosen(**{kind: tuple(library.put(f"{kind}{k}", one, None) for k, one in enumerate(frames))
                       for kind, frames in made.items()})  # fmt: skip
    one_by_one, problems = build(chosen, library.read, LIGHT)
    with ThreadPoolExecutor(2) as threads:
        at_once, same = build(chosen, library.read, LIGHT, threads)
    assert same == problems
    assert any("no numbers" in words for words in problems)
    for name in ("pedestal", "gain", "hot"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(one_by_one, name))
    for name in ("provenance", "n_frames", "noise_adu"):
        assert getattr(at_once, name) == getattr(one_by_one, name)


def test_overscan_and_dead_columns_become_uncovered_not_infinite(library: Library) -> None:
    lit = np.full(SIZE, 30_000, np.uint16)
    lit[:, :12] = 250
    lit[:, 80:82] = 0
    chosen = Chosen(bias=(library.put("bias", np.full(SIZE, 250, np.uint16)),), flat=(library.put("flat", lit),))
    masters, problems = build(chosen, library.read, LIGHT)
    assert problems == []
    samples = warped(light(frame_of(np.full(SIZE, 1250, np.uint16)), masters=masters))[0]
    assert np.isnan(samples[:, :12]).all()
    assert np.isnan(samples[:, 80:82]).all()
    good = np.ones(SIZE, bool)
    good[:, :12] = good[:, 80:82] = False
    np.testing.assert_allclose(samples[good], 1000.0)


@pytest.mark.parametrize("lit", [np.zeros(SIZE, np.uint16), np.full(SIZE, np.nan, np.float32)])
def test_a_flat_without_light_is_refused_in_words(lit: Array, library: Library) -> None:
    masters, problems = build(Chosen(flat=(library.put("flat", lit),)), library.read, LIGHT)
    assert masters.gain is None
    assert "flat" not in masters.provenance
    (problem,) = problems
    assert problem.startswith("flat not used: flat has no light in it")


@pytest.mark.parametrize("kind", ["bias", "dark", "flat"])
def test_masters_of_another_size_are_refused_in_words(kind: str, library: Library) -> None:
    chosen = Chosen(**{kind: (library.put("other", np.full((60, 80), 900, np.uint16)),)})
    masters, problems = build(chosen, library.read, LIGHT)
    assert masters == Masters()
    assert problems == [f"{kind} not used: other is 80×60 px, the lights are 160×120 px"]


def test_a_flat_that_does_not_tell_its_colours_is_taken_for_the_lights(library: Library) -> None:
    lit = np.full(SIZE, 20_000, np.uint16)
    lit[::2, ::2] = 8_000
    chosen = Chosen(flat=(library.put("flat", lit),))
    masters, _ = build(chosen, library.read, dataclasses.replace(LIGHT, cfa="RGGB"))
    np.testing.assert_array_equal(masters.gain, np.float32(1))


def test_a_flat_that_does_not_fit_the_bias_is_refused_in_words(library: Library) -> None:
    chosen = Chosen(
        bias=(library.put("bias", np.full(SIZE, 250, np.uint16)),),
        flat=(library.put("flat", np.full((60, 80), 9000, np.uint16)),),
    )
    masters, problems = build(chosen, library.read, LIGHT)
    assert masters.gain is None
    assert masters.pedestal is not None
    assert problems == ["flat not used: flat is 80×60 px, not 160×120 px"]


def test_frames_of_two_sizes_are_not_averaged(library: Library) -> None:
    paths = (library.put("a", np.ones(SIZE, np.uint16)), library.put("b", np.ones((60, 80), np.uint16)))
    masters, problems = build(Chosen(dark=paths), library.read, LIGHT)
    assert masters.provenance == {"dark": "a"}
    assert problems[0] == "left out of the dark: b is 80×60 px, not 160×120 px"


def test_one_broken_frame_among_many_costs_only_itself(library: Library) -> None:
    """A torn dark among good ones is left out of the mean, in words."""
    paths = tuple(library.put(f"dark-{k}", np.full(SIZE, 300 + k, np.uint16)) for k in range(4))

    def read(path: Path) -> Frame:
        if path.name == "dark-1":
            raise FrameError("truncated", "dark-1 ends early")
        return library.read(path)

    masters, problems = build(Chosen(dark=paths), read, LIGHT)
    np.testing.assert_allclose(masters.pedestal, (300 + 302 + 303) / 3, rtol=1e-6)
    assert problems == ["left out of the dark: dark-1 ends early"]
    assert masters.n_frames["dark"] == 3


def test_hot_px_are_found_in_a_dark() -> None:
    draw = np.random.default_rng(3)
    dark = draw.normal(500, 4, SIZE).astype(np.float32)
    hot = np.zeros(SIZE, bool)
    hot[draw.integers(0, SIZE[0], 60), draw.integers(0, SIZE[1], 60)] = True
    dark[hot] += draw.uniform(100, 20_000, hot.sum()).astype(np.float32)
    found = hot_pixels(dark)
    assert found[hot].all()
    assert found.sum() == hot.sum()


def test_a_dark_of_whole_adu_is_not_all_hot() -> None:
    dark = np.full(SIZE, 256, np.float32)
    dark[::2] = 257
    assert not hot_pixels(dark).any()
    dark[3, 4] = 300
    assert hot_pixels(dark).sum() == 1


def test_amplifier_glow_is_not_hot() -> None:
    """A smooth glow in a corner, many σ high, is signal that the dark takes off."""
    draw = np.random.default_rng(4)
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    glow = 400 * np.exp(-np.hypot(xx - 160, yy - 100) / 30)
    dark = (500 + glow + draw.normal(0, 4, SIZE)).astype(np.float32)
    dark[20, 30] += 800
    dark[90, 140] += 800
    found = hot_pixels(dark)
    assert found[20, 30]
    assert found[90, 140]
    assert found.sum() == 2


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"exposure_s": 120.9}, True),
        ({"exposure_s": 90.0}, False),
        ({"exposure_s": 300.0}, False),
        ({"exposure_s": None}, True),
        ({"gain": 200.0}, False),
        ({"gain": None}, True),
        ({"size": (60, 80)}, False),
        ({"binning": (2, 2)}, False),
        ({"camera": "ASI1600"}, False),
        ({"camera": "asi2600"}, True),
        ({"camera": None}, True),
        ({"filter": "OIII"}, True),
        ({"temperature_c": None}, True),
    ],
)
def test_which_darks_fit(changes: dict[str, object], fits: bool) -> None:
    chosen = match(LIGHT, [header("dark", **changes)], {})
    assert bool(chosen.dark) == fits
    assert any("dark" in words for words in chosen.missing) == (not fits)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"filter": "ha"}, True),
        ({"filter": "OIII"}, False),
        ({"filter": None}, True),
        ({"exposure_s": 1.5}, True),
        ({"gain": 0.0}, True),
        ({"temperature_c": 20.0}, True),
        ({"binning": (2, 2)}, False),
    ],
)
def test_which_flats_fit(changes: dict[str, object], fits: bool) -> None:
    chosen = match(LIGHT, [header("flat", **changes)], {})
    assert bool(chosen.flat) == fits
    assert any("flat in Ha" in words for words in chosen.missing) == (not fits)


def test_short_darks_fit_short_lights_only() -> None:
    short = dataclasses.replace(LIGHT, exposure_s=5.0)
    assert not match(short, [header("dark", exposure_s=1.0)], {}).dark
    assert match(short, [header("dark", exposure_s=5.2)], {}).dark


def test_the_nearest_temperature_is_taken_and_a_far_one_is_said() -> None:
    darks = [header("dark", f"{t}", temperature_c=float(t)) for t in (20, 0, -9, -10, -20)]
    chosen = match(LIGHT, darks, {})
    assert paths_of(chosen)[1] == ("-9", "-10"), "within a degree of the nearest"
    assert chosen.notes == ()
    far = match(LIGHT, darks[:1], {})
    assert paths_of(far)[1] == ("20",)
    assert far.notes == ("the nearest dark is 30 °C away from the lights",)


def test_masters_come_before_raw_frames_and_by_hand_before_both() -> None:
    library = [header("dark", "a"), header("dark", "b"), header("master_dark", "m"), header("bias", "z")]
    assert paths_of(match(LIGHT, library[:2], {})) == ((), ("a", "b"), ())
    assert paths_of(match(LIGHT, library, {})) == (("z",), ("m",), ())
    by_hand = match(LIGHT, library, {"dark": Path("mine"), "flat": Path("yours")})
    assert paths_of(by_hand) == (("z",), ("mine",), ("yours",))
    assert by_hand.missing == ()


def test_darks_for_flats_are_no_darks() -> None:
    assert not match(LIGHT, [header("darkflat")], {}).dark


def test_nothing_there_is_said() -> None:
    assert match(LIGHT, [], {}).missing == ("no dark of 120 s matches", "no flat in Ha matches")


def test_flats_are_averaged_in_bounded_memory() -> None:
    """The sums take 24 bytes a px, and one flat is in hand beside them: not the one before, nor copies of it."""
    size = (1024, 1024)
    draw = np.random.default_rng(5)
    taken = [draw.poisson(20_000 + 100 * k, size).astype(np.uint16) for k in range(8)]
    flats = {Path(f"{k}"): Frame(px, Header(Path(f"{k}"), size, kind="flat")) for k, px in enumerate(taken)}
    pedestal = np.full(size, 500, np.float32)
    mean_of(list(flats)[:3], flats.__getitem__, pedestal, level=True)  # what it needs besides is loaded
    tracemalloc.start()
    mean_of(flats, flats.__getitem__, pedestal, level=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 38 * size[0] * size[1]
