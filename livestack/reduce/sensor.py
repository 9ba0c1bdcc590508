"""Raw px of a sub with all that makes light of them: pedestal, gain, bad px, colours."""

from __future__ import annotations

import math

import numpy as np

from livestack.frame import Array, Frame, Masters
from livestack.reduce.border import border_mask
from livestack.reduce.kernels import Sensor

COLOUR_INDEX = {"R": 0, "G": 1, "B": 2}

_NO_PLANES = np.zeros((0, 0, 0), np.float32)
NO_DEFECTS = np.zeros(0, np.int64)


def colours_of(cfa: str | None) -> Array:
    """CFA pattern as indices 0 R, 1 G, 2 B: (2, 2) Bayer, (6, 6) X-Trans; (0, 0) for none."""
    if cfa is None:
        return np.zeros((0, 0), np.int64)
    n = math.isqrt(len(cfa))
    return np.array([COLOUR_INDEX[letter] for letter in cfa], np.int64).reshape(n, n)


def planes_of(data: Array) -> Array:
    """View or copy of (H, W) or (H, W, 3) pixels as contiguous (P, H, W)."""
    return np.ascontiguousarray(data[None]) if data.ndim == 2 else np.ascontiguousarray(np.moveaxis(data, 2, 0))


def sensor_of(frame: Frame, masters: Masters, defects: Array = NO_DEFECTS) -> Sensor:
    """Join a frame and its calibration.

    Parameters
    ----------
    defects : ndarray of int
        More bad px, y · width + x.
    """
    planes, colours = planes_of(frame.data), colours_of(frame.header.cfa)
    pedestal = _NO_PLANES if masters.pedestal is None else planes_of(masters.pedestal)
    gain = _NO_PLANES if masters.gain is None else planes_of(masters.gain)
    bad = [masters.bad, defects]
    bad += [np.flatnonzero(mask) for mask in (frame.mask, border_mask(planes, pedestal, colours)) if mask is not None]
    if planes.dtype.kind == "f":
        bad.append(np.flatnonzero(~np.isfinite(planes).all(axis=0)))
    return _sealed(planes, pedestal, gain, np.concatenate(bad), colours)


def mask_of(places: Array | None, size: tuple[int, ...]) -> Array:
    """Return (H, W) bool, True at places y · width + x; None = there are none."""
    mask = np.zeros(size, np.bool_)
    if places is not None:
        mask.ravel()[places] = True
    return mask


def with_defects(sensor: Sensor, defects: Array) -> Sensor:
    """Return a sensor with more bad px, y · width + x."""
    if not defects.size:
        return sensor
    raw, pedestal, gain, (starts, columns), colours, floats = sensor
    height, width = raw.shape[1:]
    bad = np.repeat(np.arange(height) * width, np.diff(starts)) + columns
    starts, columns = by_rows(np.concatenate([bad, defects]), height, width)
    starts.flags.writeable = columns.flags.writeable = False
    return raw, pedestal, gain, (starts, columns), colours, floats


def bare(planes: Array) -> Sensor:
    """Px (P, H, W) float32 that need no calibration; what is not finite is not known."""
    return _sealed(planes, _NO_PLANES, _NO_PLANES, np.flatnonzero(~np.isfinite(planes).all(axis=0)), colours_of(None))


def _sealed(planes: Array, pedestal: Array, gain: Array, bad: Array, colours: Array) -> Sensor:
    """Read-only views of them all: each mixture of what may be written and what may not would be compiled anew.

    Planes are uint16 or float32.
    """
    raw, floats = planes, _NO_PLANES
    if planes.dtype != np.uint16:
        # never written nor read: it takes no memory
        raw, floats = np.empty(planes.shape, np.uint16), planes
    raw, floats, pedestal, gain = (array.view() for array in (raw, floats, pedestal, gain))
    starts, columns = by_rows(bad, *planes.shape[1:])
    for array in (raw, floats, pedestal, gain, starts, columns, colours):
        array.flags.writeable = False
    return raw, pedestal, gain, (starts, columns), colours, floats


def by_rows(px: Array, height: int, width: int) -> tuple[Array, Array]:
    """Px (y · width + x, in any order) as what the kernels take: where each row begins (H + 1,), and columns (N,)."""
    ordered = np.sort(px)
    ordered = ordered[np.diff(ordered, prepend=-1) > 0]
    starts = np.searchsorted(ordered, np.arange(height + 1, dtype=np.int64) * width)
    return starts.astype(np.int32), (ordered % width).astype(np.int32)
