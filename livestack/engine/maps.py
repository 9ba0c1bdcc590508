"""What a stack knows of each px beside its light, at the size of a screen: made where a screen asks for it only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from livestack.frame import Array, Picture
from livestack.product import read_noise
from livestack.reduce.preview import preview_step
from livestack.stack import Stack
from livestack.stacks.growth import Growth

Place = tuple[slice, slice, slice]


def _noise(part: Stack) -> Array:
    return _over_channels(part.squared_error())


def _coverage(part: Stack) -> Array:
    return np.asarray(part.coverage[0], np.float32)


MAPS: Final[dict[str, Callable[[Stack], Array]]] = {"noise": _noise, "coverage": _coverage}
"""By name: standard error of the mean, ADU, root mean square over the channels, NaN where fewer than two subs cover;
subs in the mean. (h, w) float32 each."""


def map_of(growth: Growth, name: str, version: int) -> Picture:
    """Make a map of a stack, on the grid of its preview: the middle px of those that a px of it shows."""
    stack = growth.shown()
    _, height, width = stack.shape
    data = np.ascontiguousarray(MAPS[name](stack.told(_middles(height, width))))
    data.flags.writeable = False
    return Picture(
        data=data,
        scale=1 / preview_step(height, width),
        version=version,
        stack=growth.name,
        n_subs=stack.n_subs,
        exposure_s=stack.exposure_s,
        noise_adu=0.0,
        row_order=growth.founding.header.row_order,
    )


def saved_map(path: Path, name: str, stack: Picture) -> Picture | None:
    """Read a map from a stack's file, where no engine makes one; None where the file has none.

    Parameters
    ----------
    stack : Picture
        The preview that the map is to lie on.
    """
    known = read_noise(path)
    if known is None:
        return None
    error, coverage = known
    place = _middles(*coverage.shape)
    data = _over_channels(error[place] ** 2) if name == "noise" else coverage[place[1:]].astype(np.float32)
    if data.shape != stack.data.shape[:2]:
        return None
    return replace(stack, data=data, n_subs=int(coverage.max()), noise_adu=0.0)


def _over_channels(squared: Array) -> Array:
    return np.asarray(np.sqrt(squared.mean(axis=0, dtype=np.float32)))


def _middles(height: int, width: int) -> Place:
    """Return where the middle px of the cells of a preview are."""
    step = preview_step(height, width)
    rows, columns = (slice(step // 2, size // step * step, step) for size in (height, width))
    return slice(None), rows, columns
