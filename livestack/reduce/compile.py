"""How every kernel is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from livestack.reduce.parts import take_parts_as_they_are

take_parts_as_they_are()

F = np.float32

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,  # no kernel is handed to C: a sixth of the time to compile them
    "fastmath": {"contract", "nsz", "arcp"},
    "_nrt": True,  # said, or a kernel takes what its caller has
}

INNER: dict[str, Any] = OPTIONS | {"no_cpython_wrapper": True}
"""Of what only kernels call."""

BORROWING: dict[str, Any] = OPTIONS | {"_nrt": False}
LEAF: dict[str, Any] = INNER | {"_nrt": False}
"""OPTIONS and INNER of what neither makes nor returns an array: rows of arrays are looked at without counting that.

The count of an array that threads share lies in one place, which they would wait for at each row, or each px.
"""

ARITHMETIC: dict[str, Any] = {name: INNER[name] for name in ("error_model", "fastmath", "no_cpython_wrapper")}
"""The same of a formula that is part of kernels, for numbers and vectors."""
