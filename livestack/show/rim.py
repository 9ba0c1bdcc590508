"""What guests do not see: the rim of a picture, which few subs cover and which is all grain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from livestack.frame import Array, Picture
from livestack.show.state import SubRow

_CELLS = 64
"""A side is looked at in so many places."""
_MOST_SUBS = 200
"""So many subs tell where all of them are."""
_COVERED, _MOST = 0.5, 0.25
"""Of the subs, at least; of a side, at most."""
_BARE = 0.02
"""Of a line of places, so few may be covered less."""
_MOVES = 0.02
"""A rim that differs by less stays as it is."""


@dataclass(frozen=True, slots=True)
class Rim:
    """Shares of height and width that are left off, in the order of the array."""

    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0

    def differs(self, other: Rim) -> bool:
        """Whether another one would be seen to be another."""
        return bool(max(abs(a - b) for a, b in zip(astuple(self), astuple(other), strict=True)) > _MOVES)

    def box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return the first and the last but one row and column that stay, of an array of a size."""
        top, left = round(self.top * height), round(self.left * width)
        return top, height - round(self.bottom * height), left, width - round(self.right * width)


WHOLE = Rim()


def without(picture: Picture, rim: Rim) -> Picture:
    """Return a picture without its rim; the data are not copied."""
    if rim == WHOLE:
        return picture
    y0, y1, x0, x1 = rim.box(*picture.data.shape[:2])
    return replace(picture, data=picture.data[y0:y1, x0:x1])


def rim_of(subs: Sequence[SubRow], size: tuple[int, int]) -> Rim:
    """Return what at least half of the subs of a stack do not cover.

    Parameters
    ----------
    subs : sequence of SubRow
        Those in the stack.
    size : (int, int)
        (H, W) of a sub, and of the stack, px.
    """
    covered = _covered([row.matrix for row in subs if row.matrix][:: max(1, len(subs) // _MOST_SUBS)], size)
    y0, y1, x0, x1 = 0, _CELLS, 0, _CELLS
    while max(y0, _CELLS - y1, x0, _CELLS - x1) < _MOST * _CELLS:
        inner = covered[y0:y1, x0:x1] < _COVERED
        bare = [inner[0].mean(), inner[-1].mean(), inner[:, 0].mean(), inner[:, -1].mean()]
        worst = int(np.argmax(bare))
        if bare[worst] <= _BARE:
            break
        y0, y1, x0, x1 = y0 + (worst == 0), y1 - (worst == 1), x0 + (worst == 2), x1 - (worst == 3)
    return Rim(y0 / _CELLS, 1 - y1 / _CELLS, x0 / _CELLS, 1 - x1 / _CELLS)


def _covered(matrices: Sequence[Sequence[Sequence[float]]], size: tuple[int, int]) -> Array:
    """Return which share of the subs covers each place: (n, n), n places a side."""
    height, width = size
    places = (np.arange(_CELLS) + 0.5) / _CELLS
    y, x = np.meshgrid(places * height, places * width, indexing="ij")
    grid = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    if not matrices:
        return np.ones((_CELLS, _CELLS))
    total = np.zeros(x.size)
    for matrix in matrices:
        u, v, w = np.linalg.inv(np.array(matrix, float)) @ grid
        total += (u / w > 0) & (u / w < width) & (v / w > 0) & (v / w < height)
    return (total / len(matrices)).reshape(x.shape)
