"""What a sub that is left out took is let go of at once, not when Python's collector comes."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path

import pytest

from livestack.errors import FrameError
from livestack.stacks.prepare import Prepared, Unusable, identity_of, prepare
from tests.nights import Told, cloud, take


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return take(tmp_path_factory.mktemp("quiet") / "captures", n_lights=6)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "session")


@pytest.mark.parametrize("transparency", [0.0, 0.15], ids=["nothing fits", "little light"])
def test_px_of_a_sub_that_is_left_out_are_let_go_of_at_once(
    transparency: float, told: Told, night: list[Path], tmp_path: Path
) -> None:
    """They are a large part of what a stack takes, and the collector comes when it likes."""
    assert not gc.isenabled()
    told.see(*night[:5])
    clouded = Path(shutil.copy(night[5], tmp_path / "clouded.fits"))
    cloud(clouded, transparency)
    item = prepare(6, identity_of(clouded), told.session.masters_of)
    assert isinstance(item, Prepared)
    px = weakref.ref(item.frame.data)
    told.session.integrate(item)
    del item
    assert px() is None
    assert told.reasons()[-1] in ("clouded", "too_few_stars")


def test_what_was_read_of_a_damaged_file_is_let_go_of_at_once(night: list[Path], tmp_path: Path) -> None:
    gc.collect()
    damaged = tmp_path / "damaged.fits"
    damaged.write_bytes(night[0].read_bytes()[:-4000])
    assert isinstance(prepare(1, identity_of(damaged), lambda _: None), Unusable)
    assert not [held for held in gc.get_objects() if isinstance(held, FrameError)]
