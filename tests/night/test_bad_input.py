"""Whatever lies in the folder: stacked rightly, or left out with a reason and a sentence; the folder is not touched."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from livestack.errors import REASONS
from livestack.simulate import NightOptions
from livestack.simulate.night import Night
from tests.night import sessions
from tests.night.zoo import write_zoo

pytestmark = pytest.mark.slow

QUICK = '[watching]\nsettle_s = 0.3\npatience_s = 1.5\n[showing]\nviewer = "none"\n'
GROUPS = ("B_raw", "C_fits_variants", "D_efosc2", "E_peer")
# fmt: off
STACKED = {
    "astropy_m13.fits", "nomtam_m13real.fits",
    "panoptes_noheader.fits", "panoptes_solved.fits.fz", "panoptes_tiny.fits", "sep_image.fits",
    "Kocab.fits", "astride_long_trail.fits", "kanma_stars.fits", "m47_sim_stars.fits", "ngc4535-autofocus1.fits",
    "siril_star_test1.fit.fz",
}
LEFT_OUT = {
    "unreadable": {"Nikon.nef", "CanonRaw.cr2", "astropy_blank.fits", "astropy_random_groups.fits",
                   "astropy_table.fits", "astropy_zerowidth.fits"},
    "truncated": {"DNG.dng", "exiftool_FITS.fits"},
    # pictures by day, flats, hot px, and sky with less than five stars
    "too_few_stars": {"CRW.CRW", "RAW_KODAK_DC50.KDC", "photoprism_canon_eos_6d.dng", "hotpixels.fits",
                      "astropy_checksum_false.fits", "astropy_compressed_with_nan.fits", "astropy_double_ext.fits",
                      "astropy_scale.fits", "astropy_test0.fits", "kanma_color16bits.fits", "kanma_colorfloat.fits",
                      "kanma_gray32bits.fits", "kanma_gray8bits.fits", "kanma_graydouble.fits", "panoptes_pole.fits",
                      "skimage_multi.fits", "msum_maximdl_6_18_header.fit"},
    "blurred": {"tinydng_colorchart.dng"},
    # the same px, packed
    "duplicate": {"astropy_m13_gzip.fits", "astropy_m13_rice.fits"},
}
# fmt: on
NOT_LIGHTS = {"msum_aspen_trimmed.fit"}


def verdicts(session: Path) -> dict[str, str]:
    """File name → ``accepted``, or the reason it is left out for; each with a sentence."""
    found = {}
    for sub in sessions.subs(session):
        if sub["state"] == "rejected":
            assert sub["reason"] in REASONS
            assert 10 < len(sub["sentence"]) < 200, sub
        found[Path(sub["path"]).name] = sub["reason"] or "accepted"
    return found


def content(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file of a folder: time of change and checksum."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


def expected(names: set[str]) -> dict[str, str]:
    """What must become of these real files; calibration frames are no subs."""
    said = {name: reason for reason, group in LEFT_OUT.items() for name in group}
    return {
        name: said.get(name, "accepted")
        for name in names - NOT_LIGHTS
        if not name.startswith(("bias_", "flat_")) and (name in said or name in STACKED or name.startswith("light_"))
    }


@pytest.fixture(scope="module")
def everything(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with all of it at once, and what must become of each file."""
    folder = tmp_path_factory.mktemp("everything") / "captures"
    told = write_zoo(folder, real_data / "A_arp186_asi290_altaz" / "L_1.fit")
    real = [path for group in GROUPS for path in (real_data / group).iterdir()]
    for path in real:
        shutil.copy(path, folder / path.name)
    assert len(real) == len(expected({path.name for path in real})) + 8 + len(NOT_LIGHTS)
    return folder, told | expected({path.name for path in real})


def test_everything_at_once_watched(everything: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, told = everything
    before = content(folder)
    (tmp_path / "quick.toml").write_text(QUICK)
    said = sessions.run(
        "watch", folder, "--settings", tmp_path / "quick.toml", "--session", tmp_path / "s", "--until-idle", 4
    )
    assert verdicts(tmp_path / "s") == {name: word for name, word in told.items() if word != "silence"}, said
    assert content(folder) == before
    assert len(sessions.products(tmp_path / "s")) == 12


def test_everything_at_once_stacked(everything: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, told = everything
    said = sessions.run("stack", folder, "--out", f"{tmp_path}/out/", "--session", tmp_path / "s")
    # there is nothing to wait for, so an empty file is told of at once
    empty = {name: "truncated" for name in told if name.startswith("empty_")}
    assert verdicts(tmp_path / "s") == {name: word for name, word in told.items() if word != "silence"} | empty, said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        path.name for path in sessions.products(tmp_path / "s")
    }


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_alone(real_data: Path, tmp_path: Path, group: str) -> None:
    told = expected({path.name for path in (real_data / group).iterdir()})
    code = 0 if "accepted" in told.values() else 3
    sessions.run("stack", real_data / group, "--out", f"{tmp_path}/out/", "--session", tmp_path / "s", code=code)
    assert verdicts(tmp_path / "s") == told


def test_a_file_named_by_hand_may_be_anything(everything: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, _ = everything
    for name in ("pipe_1.fits", "broken.fits", "loop.fits", "zeros.fits"):
        said = sessions.run("stack", folder / name, "--out", tmp_path / "x.fits", code=2)
        assert said.count("\n") == 1 and name in said
    said = sessions.run("stack", folder / "text.fits", "--out", tmp_path / "x.fits", code=3)
    assert "text.fits is not a FITS file" in said


def test_a_file_that_may_not_be_read_is_left_out(real_data: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    shutil.copy(real_data / "A_arp186_asi290_altaz" / "L_1.fit", captures / "a.fit")
    shutil.copy(real_data / "A_arp186_asi290_altaz" / "L_2.fit", captures / "locked.fit")
    if os.geteuid():
        (captures / "locked.fit").chmod(0)
    else:  # what even root may not read: a kernel's file that can only be written
        (captures / "locked.fit").unlink()
        locked = next((p for p in Path("/sys/bus").glob("*/drivers_probe") if p.stat().st_mode & 0o777 == 0o200), None)
        if locked is None:
            pytest.skip("root may read every file here")
        (captures / "locked.fit").symlink_to(locked)
    sessions.run("stack", captures, "--out", tmp_path / "x.fits", "--session", tmp_path / "s")
    assert verdicts(tmp_path / "s") == {"a.fit": "accepted", "locked.fit": "unreadable"}


def test_files_that_vanish_while_they_are_read(real_data: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    frames = sorted((real_data / "A_arp186_asi290_altaz").glob("*.fit"))
    draw = random.Random(5)
    (tmp_path / "quick.toml").write_text(QUICK)

    def come_and_go() -> None:
        for frame in frames:
            shutil.copy2(frame, captures / frame.name)
            time.sleep(draw.uniform(0.05, 0.2))
            for other in draw.sample(sorted(captures.iterdir()), k=min(2, len(list(captures.iterdir())))):
                other.unlink()

    camera = threading.Thread(target=come_and_go)
    camera.start()
    said = sessions.start(
        "watch", captures, "--settings", tmp_path / "quick.toml", "--session", tmp_path / "s", "--until-idle", 5
    )
    text, _ = said.communicate(timeout=120)
    camera.join()
    assert said.returncode in (0, 3), text
    assert "Traceback" not in text
    assert set(verdicts(tmp_path / "s").values()) <= {"accepted", "vanished"}


def test_names_of_any_kind(real_data: Path, tmp_path: Path) -> None:
    captures = tmp_path / "Aufnahmen März 日本 'x' \"y\""
    captures.mkdir()
    names = [
        "M 31 – α.fit",
        "line\nbreak.fit",
        "per%cent{}.fit",
        "-dash.fit",
        os.fsdecode(b"latin\xe9.fit"),
        "e\u0301.FIT",
    ]
    for no, name in enumerate(names, 1):
        shutil.copy2(real_data / "A_arp186_asi290_altaz" / f"L_{no}.fit", captures / name)
    options = ("--viewer", "none", "--session", tmp_path / "s ü", "--until-idle", 2)
    assert "6 subs stacked, 0 left out" in sessions.run("watch", captures, *options)
    assert "6 subs stacked, 0 left out" in sessions.run("watch", captures, *options, "--json")


def test_one_exposure_in_two_formats_is_one_frame(real_data: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    for path in (real_data / "B_dng_from_real").iterdir():
        shutil.copy2(path, captures / path.name)
        Image.new("RGB", (1304, 976)).save(captures / f"{path.stem}.jpg")
        Image.new("RGB", (1304, 976)).save(captures / f"{path.stem}.TIF", format="TIFF")
    for way in (
        ("watch", captures, "--viewer", "none", "--until-idle", 2),
        ("stack", captures, "--out", f"{tmp_path}/o/"),
    ):
        sessions.run(*way, "--session", tmp_path / way[0])
        assert {sub["path"][-4:] for sub in sessions.subs(tmp_path / way[0])} == {".dng"}
        assert len(sessions.accepted(tmp_path / way[0])) == 3


@pytest.mark.parametrize("cfa", ["RGGB", None])
def test_a_cap_left_on_begins_no_stack(tmp_path: Path, cfa: str | None) -> None:
    night = Night(NightOptions(size=(600, 800), cfa=cfa))
    captures = tmp_path / "captures"
    captures.mkdir()
    header = fits.Header({"IMAGETYP": "Light Frame", "EXPTIME": 30.0, **({"BAYERPAT": cfa} if cfa else {})})
    for no in range(4):
        fits.PrimaryHDU(night.dark(no), header).writeto(captures / f"Light_{no}.fits")
    said = sessions.run("stack", captures, "--out", tmp_path / "x.fits", code=3)
    assert "cap" in said
    assert not (tmp_path / "x.fits").exists()


def test_cameras_filters_and_binnings_in_one_folder(real_data: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    arp, m27 = real_data / "A_arp186_asi290_altaz", real_data / "A_m27_asi224_osc"
    for path in [arp / "L_1.fit", arp / "L_2.fit", *sorted(m27.iterdir())[:2]]:
        shutil.copy2(path, captures / path.name)
    for no in (3, 4):
        with fits.open(arp / f"L_{no}.fit") as hdus:
            data, header = hdus[0].data.astype(np.float32), hdus[0].header
        ha, coarse = fits.Header(header, copy=True), fits.Header(header, copy=True)
        ha["FILTER"], coarse["XBINNING"], coarse["YBINNING"] = "Ha", 4, 4
        fits.PrimaryHDU(data, ha).writeto(captures / f"ha_{no}.fit")
        binned = data.reshape(274, 2, 272, 2).mean(axis=(1, 3)).astype(np.uint16)
        fits.PrimaryHDU(binned, coarse).writeto(captures / f"bin_{no}.fit")
    sessions.run("stack", captures, "--out", f"{tmp_path}/out/", "--session", tmp_path / "s")
    stacks: dict[str, set[str]] = {}
    for sub in sessions.accepted(tmp_path / "s"):
        stacks.setdefault(sub["stack"], set()).add(Path(sub["path"]).name)
    together = {frozenset(names) for names in stacks.values()}
    groups = [("L_1.fit", "L_2.fit"), ("ha_3.fit", "ha_4.fit"), ("bin_3.fit", "bin_4.fit")]
    assert {frozenset(group) for group in groups} | {
        frozenset(path.name for path in sorted(m27.iterdir())[:2])
    } == together
