"""What a stack takes in memory is said before it is begun, and refused where there is not so much."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from livestack.errors import SettingsError
from livestack.stacks.room import check_room, needs_of
from tests.nights import Told, take

COLOUR = (3, 4176, 6248)
PLANES = """
import numpy as np
from pathlib import Path
from livestack.allocation import return_planes
return_planes()
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
planes = [np.ones(8 << 20, np.uint8) for _ in range(24)]
planes.clear()
planes = [np.ones(8 << 20, np.uint8) for _ in range(24)]
before = held()
del planes[:-1]
print(before - held())
"""


def test_a_look_needs_more_than_a_sub_and_colour_more_than_mono() -> None:
    colour, mono = (needs_of((channels, *COLOUR[1:]), looks=True) for channels in (3, 1))
    assert colour.looking > colour.stacking > mono.stacking
    assert colour.peak == colour.looking
    assert "2." in colour.words and "1." in colour.words and "looks" in colour.words
    plain = needs_of(COLOUR, looks=False)
    assert plain.peak == plain.stacking == colour.stacking
    assert "looks" not in plain.words


def test_subs_prepared_ahead_take_room() -> None:
    assert needs_of(COLOUR, looks=True, jobs=8).stacking - needs_of(COLOUR, looks=True).stacking == 7 * 2 * 4176 * 6248


def test_too_little_is_refused_in_a_sentence() -> None:
    needed = needs_of(COLOUR, looks=True).peak
    check_room(COLOUR, needed, 0)
    check_room(COLOUR, needed, needed)
    with pytest.raises(SettingsError, match=r"6248×4176 px needs about 2\.\d GB, 2\.0 GB are allowed: .*--memory"):
        check_room(COLOUR, needed, 2_000_000_000)
    with pytest.raises(SettingsError, match=r"this machine has .* GB: bin the camera"):
        check_room(COLOUR, 10**16, 0)


def test_a_session_refuses_before_it_stacks(tmp_path: Path) -> None:
    told = Told(tmp_path / "small", memory_mb=200)
    with pytest.raises(SettingsError, match=r"needs about 0\.\d GB, 0\.2 GB are allowed"):
        told.see(*take(tmp_path / "captures", n_lights=1))
    assert told.events() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system tells what a process holds")
def test_planes_go_back_to_the_system() -> None:
    """Though the last one, at the end of the heap, is still in use."""
    freed = subprocess.run([sys.executable, "-c", PLANES], capture_output=True, text=True, check=True)
    assert int(freed.stdout) > 22 * (8 << 20)
