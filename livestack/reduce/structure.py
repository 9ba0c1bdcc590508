"""How far a px of a sub may be off and still be sky: where stars are, their places, seeing and shapes are uncertain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.boxes import CELL
from livestack.reduce.compile import LEAF, F

Structure = tuple[Array, Array, Array, float]
"""How far a px may be off though it is sky: local contrast (H/2, W/2), ADU; how far the sub's stars differ on the guide
(h, w), ADU; what surrounds each cell of 3 × 3 px of that, σ; and that σ, ADU. Empty where nothing is known."""

CHANGE = 1.5
"""The guide shows a star's change diluted by its coarser px."""


@njit(**LEAF)
def structure_at(structure: Structure, y: int, x: int) -> Any:
    """Contrast and change at a px of the stack together, ADU."""
    contrast, shift, around, sigma = structure
    if contrast.shape[0] == 0:
        return F(0)
    s = contrast[y, x]
    if y < shift.shape[0] and x < shift.shape[1]:
        wide = F(sigma) * around[y // CELL, x // CELL]
        s = np.sqrt(s * s + F(CHANGE * CHANGE) * (shift[y, x] * shift[y, x] + wide * wide))
    return s


@njit(**LEAF)
def expected_variance(noise: Any, structure: Any, n: int, m2: Any, weight: Any, total: Any, nu: Any) -> Any:
    """Variance of one sample about the mean: noise model shrunk towards what the pixel itself showed."""
    model = noise + structure * structure
    own = max(n - 1, 0)
    shrunk = (nu * model + m2 / weight) / (nu + own) if own > 0 else model
    return max(shrunk, noise) * (F(1) + weight / max(total, F(1e-6)))
