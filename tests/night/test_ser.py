"""A video is a night of subs: stacked, watched, resumed, and taken apart frame by frame."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.night import sessions
from tests.night.small import N_LIGHTS
from tests.read.writing import torn, write_ser

START, SECOND = 639_029_000_000_000_000, 10_000_000
QUIET = ("--viewer", "none", "--until-idle", 3)


@pytest.fixture(scope="module")
def pictures(frames: list[Path]) -> np.ndarray:
    """The small night as (N, H, W) uint16."""
    return np.stack([fits.getdata(path) for path in frames])


def _video(path: Path, pictures: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    return write_ser(path, pictures, times=[START + 2 * i * SECOND for i in range(len(pictures))])


def _watch(folder: Path, session: Path) -> None:
    sessions.run("watch", folder, "--session", session, *QUIET)


def _names(session: Path) -> list[str]:
    return [Path(sub["path"]).name for sub in sessions.accepted(session)]


def test_a_stack_of_a_video_is_that_of_its_frames(frames: list[Path], pictures: np.ndarray, tmp_path: Path) -> None:
    """The same px from single files, given in the same order, make the same stack."""
    video = _video(tmp_path / "night.ser", pictures)
    sessions.run("stack", video, "--out", tmp_path / "video.fits", "--session", tmp_path / "s")
    taken = sessions.accepted(tmp_path / "s")
    assert _names(tmp_path / "s") == [f"night_{i:06d}.ser" for i in range(1, N_LIGHTS + 1)]
    assert len({sub["sha256"] for sub in taken}) == N_LIGHTS
    assert {sub["exposure_s"] for sub in taken} == {2.0}
    for i, picture in enumerate(pictures):
        fits.writeto(tmp_path / f"l_{i}.fits", picture, fits.Header({"EXPTIME": 2.0}))
    sessions.run("stack", *sorted(tmp_path.glob("l_*.fits")), "--order", "given", "--out", tmp_path / "files.fits")
    one, other = sessions.planes(tmp_path / "video.fits"), sessions.planes(tmp_path / "files.fits")
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.slow
def test_a_video_that_comes_into_a_watched_folder(pictures: np.ndarray, tmp_path: Path) -> None:
    """Copied slowly, it is taken when it is whole; a second start finds nothing new in it, but another video."""
    sound = _video(tmp_path / "night.ser", pictures[:5])
    folder = tmp_path / "captures"
    folder.mkdir()
    running = sessions.start("watch", folder, "--session", tmp_path / "s", *QUIET[:2], "--until-idle", 8)
    content = sound.read_bytes()
    with (folder / "night.ser").open("wb") as file:
        for at in range(0, len(content), len(content) // 7):
            file.write(content[at : at + len(content) // 7])
            file.flush()
            time.sleep(0.3)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert [sub["state"] for sub in sessions.subs(tmp_path / "s")] == ["accepted"] * 5
    _video(folder / "later.ser", np.roll(pictures[5:], 3, axis=2))
    _watch(folder, tmp_path / "s")
    n_later = N_LIGHTS - 5
    assert _names(tmp_path / "s")[5:] == [f"later_{i:06d}.ser" for i in range(1, n_later + 1)]
    assert len(sessions.subs(tmp_path / "s")) == N_LIGHTS


@pytest.mark.slow
def test_stopped_in_the_middle_of_a_video_it_goes_on(pictures: np.ndarray, tmp_path: Path) -> None:
    """Killed and resumed equals never stopped, bit for bit."""
    folder = tmp_path / "captures"
    _video(folder / "night.ser", pictures)
    _watch(folder, tmp_path / "whole")
    running = sessions.start("watch", folder, "--session", tmp_path / "s", *QUIET)
    sessions.wait_for(tmp_path / "s", "(SELECT count(*) FROM event WHERE kind = 'SubAccepted') >= 2")
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=30)
    _watch(folder, tmp_path / "s")
    sessions.assert_equal_sessions(tmp_path / "whole", tmp_path / "s")


@pytest.mark.slow
def test_a_video_that_is_there_first_may_be_skipped(pictures: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    _video(folder / "night.ser", pictures[:3])
    sessions.run("watch", folder, "--session", tmp_path / "s", "--existing", "skip", *QUIET, code=3)
    _video(folder / "later.ser", pictures[3:])
    sessions.run("watch", folder, "--session", tmp_path / "s", "--existing", "skip", *QUIET)
    assert _names(tmp_path / "s") == [f"later_{i:06d}.ser" for i in range(1, N_LIGHTS - 2)]


@pytest.mark.slow
def test_one_frame_is_dropped_and_put_back(pictures: np.ndarray, tmp_path: Path) -> None:
    session, folder = tmp_path / "s", tmp_path / "captures"
    _video(folder / "night.ser", pictures)
    _watch(folder, session)
    before = sessions.planes(sessions.products(session)[0])
    sessions.run("drop", session, "night_000003.ser")
    assert [sub["state"] for sub in sessions.subs(session)].count("dropped") == 1
    assert sessions.subs(session)[2]["state"] == "dropped"
    assert sessions.planes(sessions.products(session)[0])["COVERAGE"].max() == N_LIGHTS - 1
    sessions.run("restore", session, folder / "night.ser" / "night_000003.ser")
    after = sessions.planes(sessions.products(session)[0])
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


@pytest.mark.slow
def test_a_video_that_is_gone_or_another(pictures: np.ndarray, tmp_path: Path) -> None:
    """What was stacked from it has vanished; a copy of it elsewhere is a copy."""
    session, folder = tmp_path / "s", tmp_path / "captures"
    video = _video(folder / "night.ser", pictures)
    _watch(folder, session)
    shutil.copy2(video, folder / "copy.ser")
    _watch(folder, session)
    assert [sub["reason"] for sub in sessions.subs(session)[N_LIGHTS:]] == ["duplicate"] * N_LIGHTS
    video.unlink()
    sessions.run("drop", session, 1)
    assert {sub["reason"] for sub in sessions.subs(session)[1:N_LIGHTS]} == {"vanished"}


def test_a_video_that_is_cut_short(pictures: np.ndarray, tmp_path: Path) -> None:
    """Its whole frames are stacked, the torn one is told."""
    sound = _video(tmp_path / "night.ser", pictures)
    folder = tmp_path / "captures"
    folder.mkdir()
    shutil.move(torn(sound, 178 + pictures[0].nbytes * 5 + 1000), folder / "night.ser")
    (tmp_path / "quick.toml").write_text("[watching]\npatience_s = 1.0\n")
    options = ("--session", tmp_path / "s", "--settings", tmp_path / "quick.toml")
    said = sessions.run("watch", folder, *options, *QUIET[:2], "--until-idle", 4)
    assert "ends in frame 6 of 7" in said
    assert [sub["reason"] for sub in sessions.subs(tmp_path / "s")] == [None] * 5 + ["truncated"]


def test_darks_may_be_a_video(pictures: np.ndarray, tmp_path: Path) -> None:
    """Their mean is the master, and is taken off."""
    video = _video(tmp_path / "night.ser", pictures + np.uint16(50))
    level = np.random.default_rng(1).integers(48, 53, (4, *pictures.shape[1:])).astype("u2")
    darks = _video(tmp_path / "dark_2s.ser", level)
    for i, options in enumerate((("--masters", darks), ("--dark", darks))):
        session = tmp_path / f"s{i}"
        sessions.run("stack", video, *options, "--out", tmp_path / f"{i}.fits", "--session", session)
        matched = sessions.rows(session, "SELECT body FROM event WHERE kind = 'MastersBuilt'")
        assert '"dark"' in matched[0]["body"]
        assert matched[0]["body"].count("dark_2s_00000") == 4
    sky = [float(np.nanmedian(sessions.planes(tmp_path / f"{i}.fits")["PRIMARY"])) for i in range(2)]
    assert sky == pytest.approx([float(np.median(pictures))] * 2, abs=2)
