"""Kernels are compiled once, kept, and found by whoever comes next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit, typeof
from numba.core import caching

import livestack
from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce import kernels
from livestack.reduce.compile import OPTIONS
from livestack.reduce.sensor import sensor_of

SAVE = """
import sys
import numba.core.caching as caching
import livestack.reduce
folder, name = sys.argv[1:]
for n in range(60):
    caching.IndexDataCacheFile(folder, "kernel", "stamp").save((name, n), (name, n))
"""

INNER = """
import livestack.reduce
from numba import njit

@njit(cache=True)
def double(x):
    return 2 * x + 1
"""
OUTER = """
import sys
from inner import double
from numba import njit

if len(sys.argv) > 1:
    double(1)
    assert sum(double.stats.cache_misses.values()) == 1
else:
    double(1)
    assert sum(double.stats.cache_hits.values()) == 1

    @njit
    def twice(x):
        return double(double(x))

    assert twice(3) == 15
"""


def test_a_kernel_from_the_cache_can_be_compiled_into_another(tmp_path: Path) -> None:
    """Its module is not kept, and made again."""
    (tmp_path / "inner.py").write_text(INNER, encoding="utf-8")
    (tmp_path / "outer.py").write_text(OUTER, encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join((str(tmp_path), str(Path(livestack.__file__).parents[1])))
    for words in (("first",), ()):
        subprocess.run([sys.executable, str(tmp_path / "outer.py"), *words], env=environment, check=True)


def test_processes_that_compile_at_once_keep_each_its_own(tmp_path: Path) -> None:
    names = "ab"
    savers = [subprocess.Popen([sys.executable, "-c", SAVE, str(tmp_path), name]) for name in names]
    assert [saver.wait() for saver in savers] == [0] * len(names)
    kept = caching.IndexDataCacheFile(str(tmp_path), "kernel", "stamp")
    variants = [(name, n) for name in names for n in range(60)]
    assert [kept.load(variant) for variant in variants] == variants
    assert not list(tmp_path.glob("*.lock"))


@njit(**OPTIONS)
def calibrated(sensor: kernels.Sensor, y0: int, x0: int, out: Array) -> None:
    kernels.calibrate(sensor, y0, x0, out)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_whole_numbers_and_fractions_are_one_kind_of_sensor(cfa: str | None) -> None:
    """Nothing is compiled anew for a camera that writes float32, and it reads the same."""
    data = np.random.default_rng(1).integers(300, 60000, (40, 50)).astype(np.uint16)
    header = Header(Path("sub.fits"), (40, 50), cfa=cfa)
    pedestal, flat = np.full((40, 50), 301.5, np.float32), np.linspace(0.8, 1.2, 2000, dtype=np.float32).reshape(40, 50)
    masters = Masters(pedestal=pedestal, gain=flat)
    read = []
    for px in (data, data.astype(np.float32), data[:, ::-1].copy()[:, ::-1]):
        sensor = sensor_of(Frame(px, header), masters)
        read.append((typeof(sensor), np.empty((1, 48, 58), np.float32)))
        calibrated(sensor, -4, -4, read[-1][1])
    for kind, out in read[1:]:
        assert kind == read[0][0]
        np.testing.assert_array_equal(out, read[0][1])
