"""Memory that goes back to the system."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from livestack import allocation
from livestack.allocation import LONG_LIVED_BYTES, zeros
from livestack.planes import release_planes

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")


@pytest.mark.parametrize("n", [0, 10, LONG_LIVED_BYTES])
def test_planes_are_zeros_that_may_be_written(n: int) -> None:
    plane = zeros((1, n), np.float32)
    assert (plane.shape, plane.dtype, plane.any()) == ((1, n), np.float32, False)
    plane += 1
    assert plane.sum() == n


def test_too_large_a_plane_is_too_much_memory_not_a_failed_disk() -> None:
    with pytest.raises(MemoryError):
        zeros((1 << 46,), np.float32)


def test_where_the_system_does_not_tell_of_its_memory_none_is_let_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(allocation, "MAPPED", tmp_path / "smaps")
    allocation.return_free()


@linux
def test_a_plane_that_is_let_go_leaves_the_process() -> None:
    def held() -> int:
        return int(re.findall(r"^Rss:\s+(\d+)", Path("/proc/self/smaps_rollup").read_text(), re.M)[0])

    release_planes()  # what others have left would be taken, which is held already
    before = held()
    plane = zeros((1, 4096, 4096), np.float32)
    plane += 1
    assert held() > before + 60_000
    del plane
    release_planes()  # until then it waits for the next one
    assert held() < before + 4_000


CODE = r"""
import re
from pathlib import Path
import numpy as np
from livestack.allocation import return_free, return_planes
from livestack.reduce.boxes import box_mean
from livestack.reduce.level import tell

def held():
    text = Path("/proc/self/smaps").read_text()
    return sum(int(kb) for kb in re.findall(r" r-xp [^\n]*libllvmlite.*?\nRss:\s+(\d+)", text, re.S))

return_planes()
ones, out = np.ones((9, 9), np.float32), np.empty((9, 9), np.float32)
box_mean(ones, ones, 1, out)
before = held()
return_free()
after = held()
box_mean(ones, ones, 1, out)
levels, _ = tell(ones, 3, 1, None)  # another kernel is loaded
print(before, after, out.min(), levels.min())
"""


@linux
def test_what_loaded_the_kernels_is_let_go_and_comes_back() -> None:
    said = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout.split()
    before, after = int(said[0]), int(said[1])
    assert before > 10_000
    assert after < 1_000
    assert said[2:] == ["1.0", "1.0"]
