"""The physics: from a raw frame to a sample in the stack. Functions over arrays; no settings, events or threads.

Compiled kernels are kept in the user's cache. A kernel's file does not tell when a kernel it calls, in another file,
has changed; so the cache is named by the sources of all of them.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numba
import platformdirs


def _sources_digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


if not os.environ.get("NUMBA_CACHE_DIR"):
    _cache = platformdirs.user_cache_path("livestack", appauthor=False) / f"kernels-{_sources_digest()}"
    numba.config.CACHE_DIR = str(_cache)  # type: ignore[attr-defined]
