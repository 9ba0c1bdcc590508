"""How every kernel is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

F = np.float32

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},
}
