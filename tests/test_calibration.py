"""Calibration of a session: found, chosen, built once, and the same bits ever after."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from livestack.errors import SettingsError
from livestack.events import MastersBuilt, MastersMatched
from livestack.frame import Frame
from livestack.read import open_frame, open_header
from livestack.reduce.sensor import mask_of
from livestack.settings import Processing
from livestack.simulate.fits import fits_bytes
from livestack.stacks.calibration import Calibration

SIZE = (40, 60)


def _write(path: Path, kind: str, level: int, *, size: tuple[int, int] = SIZE, **keywords: str | float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.random.default_rng(level).normal(level, 5, size).astype(np.uint16)
    path.write_bytes(fits_bytes(data, {"IMAGETYP": kind, "EXPTIME": 30.0, "GAIN": 100, **keywords}))
    return path


@pytest.fixture
def light(tmp_path: Path) -> Frame:
    return open_frame(_write(tmp_path / "light.fits", "LIGHT", 900))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three of each kind, a light and a text among them."""
    folder = tmp_path / "library"
    for k in range(3):
        _write(folder / f"bias_{k}.fits", "BIAS", 300 + k, EXPTIME=0.0)
        _write(folder / "darks" / f"dark_{k}.fits", "DARK", 330 + k)
        _write(folder / f"flat_{k}.fits", "FLAT", 20_000 + k, EXPTIME=1.0)
    _write(folder / "light_7.fits", "LIGHT", 900)
    (folder / "notes.txt").write_text("flats were taken at dusk")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def _matched(events: list[object]) -> MastersMatched:
    (found,) = (event for event in events if isinstance(event, MastersMatched))
    return found


def test_masters_are_there_before_they_are_proved_and_kept(light: Frame, library: Path, cache: Path) -> None:
    calibration = Calibration(Processing(masters=(str(library),)), cache)
    choice = calibration.begin("M 31", light)
    assert choice.masters.gain is not None
    assert not list(cache.glob("masters-*.npz"))
    again = calibration.begin("M 31", light)
    assert again.masters is choice.masters, "a light that founds no stack does not cost the next one its masters"
    told = again.told()
    calibration.close()
    assert len(list(cache.glob("masters-*.npz"))) == 1
    assert told == Calibration(Processing(masters=(str(library),)), cache).choose("M 31", light)[0]


def test_a_full_disk_costs_only_what_is_kept_of_masters(light: Frame, library: Path, tmp_path: Path) -> None:
    calibration = Calibration(Processing(masters=(str(library),)), tmp_path / "gone")
    _, masters, _ = calibration.choose("M 31", light)
    _, again, _ = calibration.choose("M 31", light)
    np.testing.assert_array_equal(masters.gain, again.gain)


def test_a_library_is_matched_and_built(light: Frame, library: Path, cache: Path) -> None:
    events, masters, identity = Calibration(Processing(masters=(str(library),)), cache).choose("M 31", light)
    built = [event for event in events if isinstance(event, MastersBuilt)]
    assert [(event.kind, event.n_frames) for event in built] == [("bias", 3), ("dark", 3), ("flat", 3)]
    assert all(event.sha256 == identity for event in built)
    matched = _matched(list(events))
    assert matched.id == identity
    assert matched.stack == "M 31"
    assert [Path(path).name for path in matched.dark] == ["dark_0.fits", "dark_1.fits", "dark_2.fits"]
    assert matched.missing == []
    assert masters.pedestal is not None
    assert masters.gain is not None
    assert masters.pedestal.mean() == pytest.approx(330.5, abs=1.5)
    assert (1 / masters.gain).mean() == pytest.approx(1, abs=1e-3)


def test_the_same_choice_gives_the_same_bits_from_the_cache_or_anew(light: Frame, library: Path, cache: Path) -> None:
    calibration = Calibration(Processing(masters=(str(library),)), cache)
    events, masters, _ = calibration.choose("M 31", light)
    matched = _matched(list(events))
    (kept,) = cache.glob("masters-*.npz")
    from_cache = Calibration(Processing(), cache).of(matched, light.header, light.data.shape)
    kept.unlink()
    anew = Calibration(Processing(), cache).of(matched, light.header, light.data.shape)
    kept.write_bytes(b"PK\x03\x04 torn")
    over_damage = Calibration(Processing(), cache).of(matched, light.header, light.data.shape)
    for other in (from_cache, anew, over_damage):
        np.testing.assert_array_equal(other.pedestal, masters.pedestal)
        np.testing.assert_array_equal(other.gain, masters.gain)
        np.testing.assert_array_equal(other.hot, masters.hot)
        assert other.provenance == masters.provenance


def test_masters_kept_with_their_flat_are_read(light: Frame, library: Path, cache: Path) -> None:
    """As versions before did that kept no inverse, and a mask of the hot px."""
    events, masters, _ = Calibration(Processing(masters=(str(library),)), cache).choose("M 31", light)
    (kept,) = cache.glob("masters-*.npz")
    with np.load(kept) as arrays:
        before = {name: arrays[name] for name in arrays.files if name not in ("gain", "hot")}
        before["flat"] = 1 / arrays["gain"]
        before["bad_pixels"] = mask_of(arrays["hot"], arrays["gain"].shape)
    np.savez(kept, **before)
    again = Calibration(Processing(), cache).of(_matched(list(events)), light.header, light.data.shape)
    assert again.gain is not None
    np.testing.assert_allclose(again.gain, masters.gain, rtol=1e-6)
    np.testing.assert_array_equal(again.hot, masters.hot)
    assert again.provenance == masters.provenance


def test_the_sources_may_go_once_the_masters_are_kept(light: Frame, library: Path, cache: Path) -> None:
    events, masters, _ = Calibration(Processing(masters=(str(library),)), cache).choose("M 31", light)
    for path in library.rglob("*.fits"):
        path.unlink()
    again = Calibration(Processing(), cache).of(_matched(list(events)), light.header, light.data.shape)
    np.testing.assert_array_equal(again.pedestal, masters.pedestal)


def test_a_truncated_cache_is_built_again(light: Frame, library: Path, cache: Path) -> None:
    calibration = Calibration(Processing(masters=(str(library),)), cache)
    _, masters, _ = calibration.choose("M 31", light)
    (kept,) = cache.glob("masters-*.npz")
    kept.write_bytes(kept.read_bytes()[:-500])
    _, again, _ = calibration.choose("M 31", light)
    np.testing.assert_array_equal(again.gain, masters.gain)


def test_by_hand_wins_over_matching(light: Frame, library: Path, cache: Path, tmp_path: Path) -> None:
    """Even a dark of another exposure: whoever names it knows."""
    mine = _write(tmp_path / "mine.fits", "DARK", 500, EXPTIME=300.0)
    processing = Processing(masters=(str(library),), dark=str(mine))
    events, masters, _ = Calibration(processing, cache).choose("M 31", light)
    assert _matched(list(events)).dark == [str(mine)]
    assert masters.pedestal is not None
    assert masters.pedestal.mean() == pytest.approx(499.5, abs=1.5)


def test_one_of_another_size_by_hand_is_said_not_used(light: Frame, cache: Path, tmp_path: Path) -> None:
    mine = _write(tmp_path / "mine.fits", "DARK", 500, size=(20, 30))
    events, masters, _ = Calibration(Processing(dark=str(mine)), cache).choose("M 31", light)
    assert masters.pedestal is None
    assert _matched(list(events)).notes == ["dark not used: mine.fits is 30×20 px, the lights are 60×40 px"]


def test_what_is_not_used_is_not_said_to_be_used(light: Frame, library: Path, cache: Path, tmp_path: Path) -> None:
    """Lights in colour have no use for frames of one plane; they are stacked as they come."""
    colour = dataclasses.replace(light, data=np.repeat(light.data[..., None], 3, axis=2))
    events, masters, identity = Calibration(Processing(masters=(str(library),)), cache).choose("M 31", colour)
    matched = _matched(list(events))
    assert (matched.bias, matched.dark, matched.flat, identity) == ([], [], [], "")
    assert masters.provenance == {}
    assert "dark not used: dark_0.fits is 60×40 px, the lights are 60×40 px in colour" in matched.notes


def test_a_bias_may_be_a_level(light: Frame, library: Path, cache: Path) -> None:
    """Of lights and of flats; the same bits when it is resumed."""
    flats = tuple(str(path) for path in sorted(library.glob("flat_*.fits")))
    processing = Processing(masters=flats, bias="=300")
    events, masters, _ = Calibration(processing, cache).choose("M 31", light)
    matched = _matched(list(events))
    assert matched.bias == ["=300"]
    assert masters.pedestal is not None
    assert (masters.pedestal == 300).all()
    assert masters.provenance["bias"] == "=300"
    other = Calibration(dataclasses.replace(processing, bias="=19000"), cache).choose("M 31", light)[1]
    assert masters.gain is not None
    assert other.gain is not None
    assert other.gain.std() > 5 * masters.gain.std(), "what is taken off the flat is the bias"
    for kept in cache.iterdir():
        kept.unlink()
    again = Calibration(processing, cache).of(matched, light.header, light.data.shape)
    assert again.pedestal is not None
    assert again.pedestal.tobytes() == masters.pedestal.tobytes()
    assert again.gain is not None
    assert again.gain.tobytes() == masters.gain.tobytes()


def test_nothing_there_is_said(light: Frame, cache: Path) -> None:
    events, masters, identity = Calibration(Processing(), cache).choose("M 31", light)
    matched = _matched(list(events))
    assert matched.missing == ["no dark of 30 s matches", "no flat matches"]
    assert identity == ""
    assert masters.pedestal is None
    assert not list(cache.iterdir())


def test_no_calibration_is_no_calibration(light: Frame, library: Path, cache: Path) -> None:
    processing = Processing(masters=(str(library),), calibration=False)
    events, masters, identity = Calibration(processing, cache).choose("M 31", light)
    assert identity == ""
    assert masters.provenance == {}
    assert _matched(list(events)).missing == []


def test_frames_found_in_the_folder_are_used_from_then_on(light: Frame, cache: Path, tmp_path: Path) -> None:
    calibration = Calibration(Processing(), cache)
    dark = _write(tmp_path / "captures" / "dark.fits", "DARK", 330)
    for _ in range(2):
        calibration.add(open_header(dark))
    calibration.add(light.header)
    events, masters, _ = calibration.choose("M 31", light)
    assert _matched(list(events)).dark == [str(dark)]
    assert masters.provenance == {"dark": "dark.fits"}


def test_what_is_gone_or_broken_by_then_is_left_out(light: Frame, library: Path, cache: Path) -> None:
    """A dark was deleted and another torn since it was found: the rest make the master, in words."""
    calibration = Calibration(Processing(masters=(str(library),)), cache)
    (library / "darks" / "dark_0.fits").unlink()
    torn = library / "darks" / "dark_1.fits"
    torn.write_bytes(torn.read_bytes()[:3000])
    events, masters, _ = calibration.choose("M 31", light)
    assert masters.provenance["dark"] == "dark_2.fits"
    torn_note, alone = _matched(list(events)).notes
    assert torn_note.startswith("left out of the dark: dark_1.fits")
    assert alone == "the dark is one frame: its noise goes into every light"


def test_what_the_reader_has_to_say_reaches_the_user(light: Frame, library: Path, cache: Path) -> None:
    calibration = Calibration(Processing(masters=(str(library),)), cache)
    events, _, _ = calibration.choose(
        "M 31", dataclasses.replace(light, header=dataclasses.replace(light.header, note="the subs are JPEG"))
    )
    assert _matched(list(events)).notes == ["the subs are JPEG"]


def test_another_content_is_another_identity(light: Frame, library: Path, cache: Path) -> None:
    _, _, one = Calibration(Processing(masters=(str(library),)), cache).choose("M 31", light)
    _write(library / "darks" / "dark_0.fits", "DARK", 360)
    _, masters, other = Calibration(Processing(masters=(str(library),)), cache).choose("M 31", light)
    assert one != other
    assert masters.pedestal is not None
    assert masters.pedestal.mean() > 331


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"masters": ("/nowhere",)}, "--masters: /nowhere is not there"),
        ({"dark": "/nowhere.fits"}, "--dark: /nowhere.fits is not there"),
        ({"flat": "{text}"}, "--flat: "),
        ({"bias": "=much"}, "--bias: =much is not there"),
        ({"dark": "=500"}, "--dark: =500 is not there"),
        ({"masters": ("{empty}",)}, "--masters: no bias, dark or flat frame was found in"),
    ],
)
def test_wrong_paths_are_one_line(settings: dict[str, object], words: str, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.fits").write_text("not a picture")
    places = {"text": str(tmp_path / "text.fits"), "empty": str(tmp_path / "empty")}
    filled = {
        name: value.format(**places) if isinstance(value, str) else tuple(v.format(**places) for v in value)  # type: ignore[attr-defined]
        for name, value in settings.items()
    }
    with pytest.raises(SettingsError) as caught:
        Calibration(Processing(**filled), cache)  # type: ignore[arg-type]
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def _with_hot_px(path: Path, kind: str, height: float, seed: int, level: int = 330, **keywords: str | float) -> Path:
    draw = np.random.default_rng(seed)
    data = draw.normal(level, 5, (120, 160))
    data.ravel()[np.random.default_rng(99).choice(data.size, 80, replace=False)] += height
    path.parent.mkdir(parents=True, exist_ok=True)
    keywords = {"IMAGETYP": kind, "EXPTIME": 30.0, "GAIN": 100, **keywords}
    path.write_bytes(fits_bytes(data.astype(np.uint16), keywords))
    return path


def test_a_dark_that_makes_it_worse_is_ignored_in_words(cache: Path, tmp_path: Path) -> None:
    """Its hot px stand four times as high as in the lights, whatever its header says."""
    light = open_frame(_with_hot_px(tmp_path / "light.fits", "LIGHT", 500, 1, 900))
    for k in range(3):
        _with_hot_px(tmp_path / "library" / f"dark_{k}.fits", "DARK", 2000, 10 + k)
        _with_hot_px(tmp_path / "library" / f"bias_{k}.fits", "BIAS", 0, 20 + k, EXPTIME=0.0)
    calibration = Calibration(Processing(masters=(str(tmp_path / "library"),)), cache)
    events, masters, identity = calibration.choose("M 31", light)
    matched = _matched(list(events))
    assert matched.dark == []
    assert any("the dark makes it worse, its hot px stand at 25 % of their height" in note for note in matched.notes)
    assert set(masters.provenance) == {"bias"}
    again = calibration.of(matched, light.header, light.data.shape)
    np.testing.assert_array_equal(again.pedestal, masters.pedestal)
    assert matched.id == identity
    mine = Processing(masters=(str(tmp_path / "library"),), dark=str(tmp_path / "library" / "dark_0.fits"))
    assert _matched(list(Calibration(mine, cache).choose("M 31", light)[0])).dark, "whoever names it knows"


def test_a_scaled_dark_is_the_same_when_resumed(cache: Path, tmp_path: Path) -> None:
    light = open_frame(_with_hot_px(tmp_path / "light.fits", "LIGHT", 500, 1, 900))
    for k in range(3):
        _with_hot_px(tmp_path / "library" / f"dark_{k}.fits", "DARK", 1000, 10 + k, EXPTIME=60.0)
        _with_hot_px(tmp_path / "library" / f"bias_{k}.fits", "BIAS", 0, 20 + k, EXPTIME=0.0)
    calibration = Calibration(Processing(masters=(str(tmp_path / "library"),)), cache)
    events, masters, _ = calibration.choose("M 31", light)
    matched = _matched(list(events))
    assert matched.dark_scale == pytest.approx(0.5)
    assert any("its current scaled by 0.5" in words for words in matched.fits)
    next(cache.glob("masters-*.npz")).unlink()
    again = Calibration(Processing(), cache).of(matched, light.header, light.data.shape)
    np.testing.assert_array_equal(again.pedestal, masters.pedestal)
    assert matched.figures["hot_before"] > 1000
    assert matched.figures["hot_after"] < 100


def test_lights_of_8_bit_are_not_darkened_by_darks_of_16(cache: Path, tmp_path: Path) -> None:
    light = open_frame(_write(tmp_path / "light.fits", "LIGHT", 90))
    dark = _write(tmp_path / "dark.fits", "DARK", 23_000)
    events, masters, _ = Calibration(Processing(masters=(str(dark),)), cache).choose("M 31", light)
    assert masters.pedestal is None
    assert _matched(list(events)).notes[0].startswith("the dark is brighter than the lights: ignored")
