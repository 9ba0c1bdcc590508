"""How every kernel is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

F = np.float32

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,  # no kernel is handed to C: a sixth of the time to compile them
    "fastmath": {"contract", "nsz", "arcp"},
}

ARITHMETIC: dict[str, Any] = {name: OPTIONS[name] for name in ("error_model", "fastmath")}
"""The same of a formula that is part of kernels, for numbers and vectors."""
