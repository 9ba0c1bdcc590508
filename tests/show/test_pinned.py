"""Pictures that stay on disk: each is what it was when it was found, whatever the engine writes meanwhile."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from livestack.frame import Picture
from livestack.picture import write_picture
from livestack.show.pinned import pinned, with_light


def _picture(seed: int, shape: tuple[int, ...] = (264, 402, 3)) -> Picture:
    data = np.random.default_rng(seed).normal(50, 9, shape).astype(np.float32)
    data[:40, :30] = np.nan
    return Picture(data, 0.5, seed, "M_27", seed, 20.0 * seed, 9.0, "BOTTOM-UP")


@pytest.mark.parametrize("shape", [(264, 402, 3), (264, 402), (200, 400)])
@pytest.mark.parametrize("longest", [1000, 401, 200, 130])
def test_it_is_read_as_means_over_areas(tmp_path: Path, shape: tuple[int, ...], longest: int) -> None:
    picture = _picture(3, shape)
    write_picture(tmp_path / "picture.npy", picture)
    known = pinned(tmp_path / "picture.npy", longest)
    assert known is not None
    read = with_light(known)
    shrink = min(1.0, longest / shape[1])
    size = round(shape[1] * shrink), round(shape[0] * shrink)
    expected = picture.data if shrink == 1 else cv2.resize(picture.data, size, interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(read.data, expected, rtol=2e-5)
    assert known.data.shape == read.data.shape
    assert read.scale == pytest.approx(0.5 * size[0] / shape[1])
    assert (read.version, read.n_subs, read.row_order) == (3, 3, "BOTTOM-UP")
    assert max(known.data.strides) == 0, "nothing of it is in memory"


@pytest.mark.parametrize(("shape", "expected"), [((360, 480, 3), (181, 241)), ((400, 400), (209, 209))])
def test_what_is_nearer_to_a_square_takes_no_more_room(
    tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, int]
) -> None:
    write_picture(tmp_path / "picture.npy", _picture(3, shape))
    known = pinned(tmp_path / "picture.npy", 256)
    assert known is not None
    assert with_light(known).data.shape[:2] == known.data.shape[:2] == expected
    assert known.scale == pytest.approx(0.5 * expected[1] / shape[1])
    assert math.prod(expected) <= 256 * 256 / 1.5 * 1.01


def test_it_stays_when_the_engine_writes_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    write_picture(path, _picture(1))
    first = pinned(path, 402)
    write_picture(path, _picture(2))
    second = pinned(path, 402)
    path.unlink()
    assert first is not None
    assert second is not None
    for known, seed in ((first, 1), (second, 2), (first, 1)):
        np.testing.assert_array_equal(with_light(known).data, _picture(seed).data)


def test_what_is_cut_or_not_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "picture.npy"
    assert pinned(path, 400) is None
    write_picture(path, _picture(1))
    path.write_bytes(path.read_bytes()[:-2000])
    assert pinned(path, 400) is None
