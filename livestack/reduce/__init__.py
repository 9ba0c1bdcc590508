"""The physics: from a raw frame to a sample in the stack. Functions over arrays; no settings, events or threads.

Compiled kernels are kept in the user's cache. A kernel's file does not tell when a kernel it calls, in another file,
has changed; so the cache is named by the sources of all of them, and of those that develop. And it is named by where
they lie, for numba keeps kernels by that: of another copy none is compiled yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import platformdirs
from numba.core.caching import IndexDataCacheFile
from numba.core.codegen import CPUCodeLibrary, get_host_cpu_features
from numba.np import linalg

from livestack.reduce.parts import KNOWN

PATIENCE_S = 10.0
"""A lock that is held so long was left by a process that is no more."""
_BUSY = (FileExistsError, PermissionError) if os.name == "nt" else (FileExistsError,)  # Windows: it is being deleted


def _sources_digest() -> str:
    folder = Path(__file__).resolve().parent
    digest = hashlib.sha256(f"{numba.__version__} {folder}".encode())
    for source in sorted([*folder.glob("*.py"), *folder.with_name("develop").glob("*.py")]):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock that is a file."""
    latest = time.monotonic() + PATIENCE_S
    while time.monotonic() < latest:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except _BUSY:
            time.sleep(0.002)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()


class _CacheFile(IndexDataCacheFile):
    """Where the variants of one kernel are kept, numbered by an index: processes that compile at once take turns.

    Two that took the same number would each leave code to the other that was compiled for other arguments.
    """

    def save(self, key: Any, data: Any) -> None:
        with _alone(Path(f"{self._index_path}.lock")):
            super().save(key, data)  # type: ignore[no-untyped-call]


def _use_wide_vectors() -> None:
    """Let AVX-512 be used to its width: LLVM keeps to half of it, which early processors with it ran faster."""
    features = get_host_cpu_features()  # type: ignore[no-untyped-call]
    if numba.config.CPU_FEATURES is None and "+avx512f" in features.split(","):  # type: ignore[attr-defined]
        numba.config.CPU_FEATURES = f"{features},-prefer-256-bit"  # type: ignore[attr-defined]


_use_wide_vectors()


def _without_blas() -> None:
    """Keep numba from loading SciPy's linear algebra, two thirds of its own time, only to see that it is there.

    No kernel calls it; one that did would find it, for it is asked for again where such a kernel is compiled.
    """
    asked, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


_without_blas()


def _without_modules() -> None:
    """Let go of the LLVM modules of kernels that come from the cache, 50 MB in all: the machine code is what runs.

    A module is for kernels yet to be compiled that call this one: then it is made from its bitcode.
    """
    libraries: Any = CPUCodeLibrary
    load, module_of = libraries._unserialize.__func__, libraries._get_module_for_linking

    def load_code(cls: Any, codegen: Any, state: tuple[str, str, Any]) -> Any:
        library = load(cls, codegen, state)
        if state[1] == "object":
            library.bitcode, library._shared_module = state[2][1], None
        return library

    def module_for_linking(library: Any) -> Any:
        bitcode: bytes | None = getattr(library, "bitcode", None)
        if bitcode is not None and library._shared_module is None:
            library._shared_module = llvm.parse_bitcode(bitcode)
        return module_of(library)

    libraries._unserialize = classmethod(load_code)
    libraries._get_module_for_linking = module_for_linking


if numba.__version__.startswith(KNOWN):
    _without_modules()
DIGEST = _sources_digest()
PREFIX = "kernels-"
"""Of the folders of the user's cache that hold kernels: one for each version, and for each place it lies in."""


def kernel_cache() -> Path:
    """Return the folder that compiled kernels are kept in."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    return Path(named) if named else platformdirs.user_cache_path("livestack", appauthor=False) / f"{PREFIX}{DIGEST}"


numba.config.CACHE_DIR = str(kernel_cache())  # type: ignore[attr-defined]
numba.core.caching.IndexDataCacheFile = _CacheFile  # type: ignore[misc]

MARK = kernel_cache() / f"all-{DIGEST}-{sys.implementation.cache_tag}"
"""There as soon as every kernel is in the cache."""
