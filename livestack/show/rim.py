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
_WIDER, _NARROWER = 0.01, 0.02
"""A rim stays as it is where another one is wider or narrower by less: grain is seen sooner than what is cut off."""
_OFF_PX = 2.0
"""What lies so far beyond a sub is grain that nobody sees."""


@dataclass(frozen=True, slots=True)
class Rim:
    """Shares of height and width that are left off, in the order of the array."""

    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0

    def gives_way_to(self, other: Rim) -> bool:
        """Whether another one would be seen to be another."""
        wider = [b - a for a, b in zip(astuple(self), astuple(other), strict=True)]
        return bool(max(wider) > _WIDER or min(wider) < -_NARROWER)

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
    """Return which share of the subs covers each place to its least covered corner: (n, n), n places a side."""
    height, width = size
    corners = np.arange(_CELLS + 1) / _CELLS
    y, x = np.meshgrid(corners * height, corners * width, indexing="ij")
    grid = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    if not matrices:
        return np.ones((_CELLS, _CELLS))
    total = np.zeros(x.size)
    for matrix in matrices:
        u, v, w = np.linalg.inv(np.array(matrix, float)) @ grid
        total += (np.abs(2 * u / w - width) < width + 2 * _OFF_PX) & (np.abs(2 * v / w - height) < height + 2 * _OFF_PX)
    share = (total / len(matrices)).reshape(x.shape)
    return np.asarray(np.minimum.reduce([share[:-1, :-1], share[1:, :-1], share[:-1, 1:], share[1:, 1:]]))
