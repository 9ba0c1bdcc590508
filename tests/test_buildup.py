"""The steps of a stack that grew: which are kept, what is left of a picture in one, and that they cost no bit of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from livestack.develop.chain import PRESETS
from livestack.develop.live import plate_of_preview, shown, steady, whole
from livestack.engine.buildup import LONGEST_PX, BuildUp, Moment, folder_of, read_step, steps
from livestack.frame import Picture
from livestack.picture import read_picture
from livestack.settings import PRESET
from tests import nights
from tests.night import sessions

TIME = datetime(2026, 8, 20, 22, 31, tzinfo=UTC)


def _picture(n_subs: int, size: tuple[int, int] = (30, 40)) -> Picture:
    data = np.random.default_rng(n_subs).normal(0, 20 / n_subs**0.5, (*size, 3)).astype(np.float32)
    return Picture(data, 1 / 3, n_subs, "M 27", n_subs, 60.0 * n_subs, 20 / n_subs**0.5 * 3, "BOTTOM-UP")


class _Kept:
    """A build-up, written at once."""

    def __init__(self, session: Path) -> None:
        self.session = session
        (session / "cache").mkdir(exist_ok=True)
        self._writer = ThreadPoolExecutor(1)
        self._buildup = BuildUp(session / "cache", self._writer)

    def __call__(self, picture: Picture, founding: str = "one") -> list[int]:
        """Show a picture; returns which steps there are."""
        self._buildup.keep(Moment(picture, TIME.isoformat(), founding))
        self._writer.submit(lambda: None).result()
        return [step.n_subs for step in steps(self.session, picture.stack)]


def test_all_of_the_first_and_then_eight_while_they_double(tmp_path: Path) -> None:
    kept = _Kept(tmp_path)
    for n in [*range(1, 20), 21, 31, 33, *range(100, 112)]:  # where many wait, not each is shown
        found = kept(_picture(n))
    assert found == [*range(1, 17), 18, 21, 31, 33, 100, 104]


def test_what_was_dropped_or_is_of_another_stack_is_no_step_of_it(tmp_path: Path) -> None:
    kept = _Kept(tmp_path)
    for n in range(1, 12):
        kept(_picture(n))
    assert kept(_picture(9)) == [*range(1, 10)], "two were dropped"
    again = replace(_picture(9), data=np.zeros((30, 40, 3), np.float32))
    assert kept(again) == [*range(1, 10)]
    read = read_step(steps(tmp_path, "M 27")[-1])
    assert read is not None
    assert not read.data.any(), "as it was judged last"
    kept = _Kept(tmp_path)  # after a restart
    assert kept(_picture(9)) == [*range(1, 10)]
    assert kept(_picture(10)) == [*range(1, 11)]
    assert kept(_picture(3), "another sub") == [3]
    folder_of(tmp_path / "cache", "M 27").joinpath("00003.npy").unlink()
    assert steps(tmp_path, "M 27") == ()
    assert steps(tmp_path, "M 13") == ()


def test_a_step_is_the_picture_but_smaller(tmp_path: Path) -> None:
    """Stars brighter than float16 holds, sky fainter than one ADU, and what no sub covers."""
    picture = _picture(9, (1200, 1800))
    picture.data[600:604, 900:904] = 250_000.0
    picture.data[:, :90] = np.nan
    picture.data[300:500, 300:500] *= 1e-3
    _Kept(tmp_path)(picture)
    (step,) = steps(tmp_path, "M 27")
    assert step.path.stat().st_size < 2 * 3 * LONGEST_PX * 683 + 1000
    assert (step.n_subs, step.time, step.exposure_s) == (9, TIME, 540.0)
    read = read_step(step)
    assert read is not None
    assert read.data.shape == (683, LONGEST_PX, 3)
    assert (read.stack, read.n_subs, read.row_order) == ("M 27", 9, "BOTTOM-UP")
    assert np.isnan(read.data[:, :51]).all()
    assert np.isfinite(read.data[:, 52:]).all()
    assert np.nanmax(read.data) > 200_000
    small = plate_of_preview(picture, LONGEST_PX / 1800)
    mine = plate_of_preview(read)
    np.testing.assert_allclose(mine.data, small.data, rtol=2**-11, atol=1e-4)
    assert read.noise_adu * read.scale == pytest.approx(picture.noise_adu * picture.scale * LONGEST_PX / 1800)
    dim = mine.data[:, -280:-175, 175:280]
    assert 0.002 < dim.std() < 0.006
    # today's stretch
    settled = steady(None, picture, whole(PRESETS[PRESET[0]]))
    one, other = shown(read, settled), shown(picture, settled, LONGEST_PX / 1800)
    assert np.abs(one.astype(int) - other).max() <= 2


@pytest.mark.slow
def test_a_night_leaves_its_steps_and_no_bit_of_the_stack_depends_on_them(tmp_path: Path) -> None:
    """All files wait from the beginning, so that hardly a picture is shown; on one disk no step can be written."""
    captures, night, full = tmp_path / "captures", tmp_path / "night", tmp_path / "full"
    nights.take(captures, n_lights=18)
    (full / "cache").mkdir(parents=True)
    (full / "cache" / "buildup").write_bytes(b"")
    for session in (night, full):
        sessions.run("stack", captures / "LIGHT", "--session", session, "--out", tmp_path / f"{session.name}.fits")
    sessions.assert_equal_sessions(night, full)
    accepted = sessions.accepted(night)
    picture = read_picture(night / "cache" / "picture.npy")
    assert picture is not None
    found = steps(night, picture.stack)
    assert [step.n_subs for step in found] == [*range(1, 17), 18]
    times = [datetime.fromisoformat(sub["time_utc"]) for sub in accepted]
    assert [step.time for step in found] == [times[step.n_subs - 1] for step in found]
    grain = [step.noise_adu for step in found]
    assert grain[3] / grain[15] == pytest.approx(2, rel=0.25)
    now = read_step(found[-1])
    assert now is not None
    np.testing.assert_allclose(now.data, picture.data, rtol=2**-11, atol=1e-3)
    assert replace(now, data=picture.data, version=picture.version) == picture
    assert steps(full, picture.stack) == ()
