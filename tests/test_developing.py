"""From a session or a stack file to pictures, as a user types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from livestack.develop.chain import PRESETS, recipe_of_toml
from livestack.read import open_frame
from tests.develop.scene import RESPONSE, scene
from tests.night import sessions
from tests.test_cli import livestack, refused


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack file with its noise; rows run upwards."""
    seen, error = scene().observed(40, 1)
    path = tmp_path_factory.mktemp("stack") / "m27.fits"
    primary = fits.PrimaryHDU(seen)
    primary.header.update(
        {"OBJECT": "M 27", "ROWORDER": "BOTTOM-UP", "STACKCNT": 40, "LIVETIME": 2400.0, "IMAGETYP": "Stacked Light"}
    )
    count = np.full(seen.shape, 40, np.uint16)
    parts = [fits.ImageHDU(error, name="STDERR"), fits.ImageHDU(count, name="COVERAGE")]
    fits.HDUList([primary, *parts]).writeto(path)
    return path


def test_a_stack_becomes_a_picture_the_right_way_up(stack: Path, tmp_path: Path) -> None:
    before = stack.read_bytes()
    code, said, _ = livestack("develop", stack, tmp_path / "m27.png", "--keep-recipe", tmp_path / "r.toml")
    assert code == 0
    assert [line.rsplit(None, 2)[0].strip() for line in said.splitlines()] == [
        "read", "crop", "background", "neutralise", "white balance", "undershoot", "denoise", "mtf", "saturation",
        "written",
    ]  # fmt: skip
    assert stack.read_bytes() == before
    with Image.open(tmp_path / "m27.png") as image:
        picture = np.asarray(image).astype(float)
        assert image.getexif()[270] == "M 27. 40 subs, 40 min in all"
    assert picture.shape == (640, 896, 3)
    truth = (RESPONSE * scene().truth)[1]
    bright = np.unravel_index(np.argmax(truth), truth.shape)
    assert picture[639 - bright[0], bright[1], 1] > 240
    assert recipe_of_toml((tmp_path / "r.toml").read_text()) == PRESETS["auto"]
    again = tmp_path / "again.png"
    livestack("develop", stack, again, "--recipe", tmp_path / "r.toml")
    assert again.read_bytes() == (tmp_path / "m27.png").read_bytes()


def test_a_smaller_picture_is_the_same_picture(stack: Path, tmp_path: Path) -> None:
    for name, more in (("whole.png", ()), ("small.png", ("--size", 448))):
        assert livestack("develop", stack, tmp_path / name, "--preset", "galaxy", *more)[0] == 0
    with Image.open(tmp_path / "whole.png") as whole, Image.open(tmp_path / "small.png") as small:
        assert small.size == (448, 320)
        off = np.asarray(whole.resize(small.size, Image.Resampling.BOX)).astype(float) - np.asarray(small)
    assert np.abs(off).mean() < 8


def test_a_caption_says_what_it_is_below_the_picture(stack: Path, tmp_path: Path) -> None:
    for name, more in (("bare.png", ()), ("told.png", ("--caption", "--title", "The Dumbbell Nebula"))):
        assert livestack("develop", stack, tmp_path / name, *more)[0] == 0
    with Image.open(tmp_path / "bare.png") as bare, Image.open(tmp_path / "told.png") as told:
        assert told.getexif()[270].startswith("The Dumbbell Nebula. 40 subs")
        whole, above = np.asarray(told), np.asarray(bare)
    assert np.array_equal(whole[: len(above)], above)
    strip = whole[len(above) :].max(axis=2)
    assert 0.04 < len(strip) / strip.shape[1] < 0.08
    bright = np.flatnonzero((strip > 120).any(axis=0))
    # a title on the left, words on the right, neither at the edge
    assert 10 < bright[0] < 60
    assert strip.shape[1] - 60 < bright[-1] < strip.shape[1] - 10
    assert strip.max() > 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no.fits", "out.png"), "no.fits is not there"),
        (("{stack.parent}", "out.png"), "no stack but a folder"),
        (("{stack}", "out.bmp"), "written as"),
        (("{stack}", "{stack}"), "the stack itself"),
        (("{stack}", "{stack}", "out.png"), "make one picture with --palette"),
        (("{stack}", "out.png", "--palette", "SHO"), "no stack through Ha, OIII, SII; there are B, G, R"),
        (("{stack}", "out.png", "--preset", "magic"), "no 'magic'"),
        (("{stack}", "out.png", "--recipe", "no.toml"), "no.toml cannot be read"),
        (("{stack}", "no/such/folder/out.png"), "there is no folder"),
        (("{stack}", "out.jpg", "--bits", "16"), "8 bits"),
        (("{stack}", "out.jpg", "--size", "huge"), "hd, 4k, a5, a4, a3, a2; not 'huge'"),
    ],
)
def test_what_cannot_be_is_one_line(stack: Path, arguments: tuple[str, ...], said: str) -> None:
    _, _, sentence = livestack("develop", *(word.format(stack=stack) for word in arguments))
    assert said in sentence
    assert sentence.startswith("livestack: ")
    assert sentence.count("\n") == 1


def test_a_raw_sub_is_no_stack(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.ones((40, 60), np.uint16), fits.Header({"BAYERPAT": "RGGB"})).writeto(tmp_path / "sub.fits")
    assert "stack it first" in refused("develop", tmp_path / "sub.fits", tmp_path / "sub.png")


def test_a_session_is_exported(tmp_path: Path) -> None:
    session = tmp_path / "session"
    sessions.run("simulate", tmp_path / "night", "--lights", 4, "--size", "400x300")
    sessions.run("stack", tmp_path / "night", "--out", tmp_path / "out.fits", "--session", session, "--passes", 1)
    said = sessions.run("export", session, f"{tmp_path}/pictures/")
    names = sorted(path.suffix for path in (tmp_path / "pictures").iterdir())
    assert names == [".fits", ".jpg"]
    assert said.count("Written") == 2
    (own,) = (session / "stack").glob("*.fits")
    (copy,) = (tmp_path / "pictures").glob("*.fits")
    assert copy.read_bytes() == own.read_bytes()
    sessions.run("export", session, tmp_path / "one.tif", "--bits", 16, "--preset", "visitors")
    assert (tmp_path / "one.tif").stat().st_size > 10_000
    sessions.run("export", session, tmp_path / "one.xisf")
    assert open_frame(tmp_path / "one.xisf").data == pytest.approx(open_frame(own).data, rel=1e-5, nan_ok=True)
    assert "not a livestack session" in refused("export", tmp_path / "pictures", tmp_path / "x.png")
    assert "no stack M 1 yet" in refused("export", session, tmp_path / "x.png", "--stack", "M 1")


def filter_wheel_night(night: Path) -> None:
    """Write a night whose filters take turns; its first frame is short and shows no stars."""
    field, random = scene(), np.random.default_rng(8)
    night.mkdir()
    blank = random.normal(500, 5, (640, 896)).astype(np.uint16)
    card = fits.Header({"OBJECT": "M 27", "FILTER": "L", "IMAGETYP": "Light Frame", "EXPTIME": 0.5})
    card["DATE-OBS"] = "2026-03-14T19:59:00"
    fits.PrimaryHDU(blank, card).writeto(night / "sub_000.fits")
    gains = {"L": 2.2, "Red": 0.6, "Green": 1.0, "Blue": 0.8}
    for k in range(16):
        name, gain = list(gains.items())[k % 4]
        c = {"Red": 0, "Green": 1, "Blue": 2}.get(name)
        light = gain * ((field.truth.mean(axis=0) if c is None else field.truth[c]) + field.sky[c or 0])
        dx, dy = random.integers(-8, 9, 2)
        seen = np.roll(light, (dy, dx), (0, 1)) + 500
        data = random.poisson(np.maximum(seen, 0)).astype(np.uint16)
        card = fits.Header({"OBJECT": "M 27", "FILTER": name, "IMAGETYP": "Light Frame", "EXPTIME": 60.0})
        card["DATE-OBS"] = f"2026-03-14T20:{k:02}:00"
        fits.PrimaryHDU(data, card).writeto(night / f"sub_{k + 1:03}.fits")


def test_a_night_with_a_filter_wheel_becomes_one_colour_picture(tmp_path: Path) -> None:
    """Filters one after another, the first frame short and without stars; each founds a stack of its own."""
    night = tmp_path / "night"
    filter_wheel_night(night)
    session = tmp_path / "session"
    sessions.run("stack", night, "--out", f"{tmp_path}/stacks/", "--session", session, "--passes", 1)
    assert len(list((session / "stack").glob("*.fits"))) == 4
    out = tmp_path / "m27.png"
    assert "choose one with --stack, join them with --palette" in refused("export", session, out)
    sessions.run("export", session, out, "--palette", "LRGB")
    with Image.open(out) as image:
        picture = np.asarray(image).astype(float)
        assert "16 subs" in image.getexif()[270]
    inside = picture[280:360, 400:500].mean(axis=(0, 1))
    corner = np.median(picture[-120:-40, 40:200], axis=(0, 1))
    assert inside[0] - corner[0] > 1.5 * (inside[1] - corner[1])
    assert np.ptp(corner) < 8
