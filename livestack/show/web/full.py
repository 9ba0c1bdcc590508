"""The picture at its full resolution, in tiles: developed one by one, by what the whole picture was settled to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path

import cv2
import numpy as np

from livestack.develop.background import Surface
from livestack.develop.chain import Act, apply
from livestack.develop.detail import Contrast
from livestack.develop.live import Settled, as_shown, plate_of_preview, smaller, upright
from livestack.develop.plate import plate_of
from livestack.events import Json
from livestack.frame import Array, Picture
from livestack.product import read_part
from livestack.show.rendition import LONGEST_PX, jpeg
from livestack.show.web.seen import Seen

TILE = 512
_QUALITY = 86
_MARGIN = 32
"""Px around a tile that are developed with it, so that no seam is seen."""
_COARSE_PX = 960


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile is: the size of its level, and its rows and columns there, with the margin and without."""

    level: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    shrink: int

    def widened(self) -> Place:
        """Return it with its margin."""
        (height, width), (y0, y1), (x0, x1) = self.level, self.rows, self.columns
        rows = max(0, y0 - _MARGIN), min(height, y1 + _MARGIN)
        return Place(self.level, rows, (max(0, x0 - _MARGIN), min(width, x1 + _MARGIN)), self.shrink)


def full_of(session: Path, seen: Seen, version: int, stretch: int) -> Json | None:
    """Return what can be seen larger than the picture is sent: None where there is nothing."""
    stack = seen.stack
    if stack is None:
        return None
    top, end, left, right = _box(seen)
    height, width = end - top, right - left
    if max(height, width) <= LONGEST_PX and stack.scale >= 1:
        return None
    if stack.scale < 1:
        if stack.parts:
            return None
        try:
            saved = (session / "stack" / f"{stack.stack}.fits").stat()
        except OSError:
            return None
        version = (saved.st_mtime_ns // 1_000_000 + stretch) % 2**50
    levels = 1 + max(0, math.ceil(math.log2(max(height, width) / LONGEST_PX)))
    return {"width": width, "height": height, "tile": TILE, "levels": levels, "version": version}


def place_of(full: Json, level: int, x: int, y: int) -> Place | None:
    """Return where a tile is; None where there is none."""
    if not 0 <= level < full["levels"]:
        return None
    shrink = 1 << (full["levels"] - 1 - level)
    height, width = full["height"] // shrink, full["width"] // shrink
    if not (0 <= x * TILE < width and 0 <= y * TILE < height):
        return None
    rows, columns = ((k * TILE, min((k + 1) * TILE, n)) for k, n in ((y, height), (x, width)))
    return Place((height, width), rows, columns, shrink)


def tile(session: Path, seen: Seen, settled: Settled, place: Place) -> bytes | None:
    """Develop a tile and pack it; None where the stack is not on disk as it is shown."""
    wide, stack = place.widened(), seen.stack
    data = None if stack is None else _linear(session, seen, wide)
    if data is None or stack is None:
        return None
    plate = plate_of(data, stack.noise_adu / place.shrink)
    acts = [_moved(act, wide) for act in settled.acts]
    bold = next((k for k, act in enumerate(acts) if isinstance(act, Contrast)), len(acts))
    plate = apply(plate, acts[:bold])
    if bold < len(acts):
        ratio = _part_of(_boldness(seen.lit_stack() or stack, settled), wide)
        plate = apply(plate.with_data(np.clip(plate.data * ratio, 0, 1)), acts[bold + 1 :])
    (y0, y1), (x0, x1) = place.rows, place.columns
    top, left = y0 - wide.rows[0], x0 - wide.columns[0]
    return jpeg(np.ascontiguousarray(as_shown(plate)[top : top + y1 - y0, left : left + x1 - x0]), _QUALITY)


def _linear(session: Path, seen: Seen, place: Place) -> Array | None:
    """Return the light of a part of a stack, upright: (h, w) or (h, w, 3) float32, in the size of its level."""
    rows, columns = (slice(place.shrink * a, place.shrink * b) for a, b in (place.rows, place.columns))
    stack, whole = seen.stack, seen.whole
    if stack is None or whole is None:
        return None
    if stack.scale >= 1:
        part = np.ascontiguousarray(upright(seen.lit_stack() or stack)[rows, columns])
    else:
        top, end, left, _ = _box(seen)
        from_below = stack.row_order == "BOTTOM-UP"
        y0, y1 = (end - rows.stop, end - rows.start) if from_below else (top + rows.start, top + rows.stop)
        across = slice(left + columns.start, left + columns.stop)
        planes = read_part(session / "stack" / f"{stack.stack}.fits", slice(y0, y1), across)
        expected = 1 if stack.data.ndim == 2 else stack.data.shape[2]
        if planes is None or len(planes) != expected:
            return None
        planes = planes[:, ::-1] if from_below else planes
        part = np.ascontiguousarray(planes[0] if expected == 1 else np.moveaxis(planes, 0, 2))
    return smaller(part, 1 / place.shrink)


def _box(seen: Seen) -> tuple[int, int, int, int]:
    """Return the first and the last but one row and column that guests see, of the stack itself."""
    whole = seen.whole
    assert whole is not None
    return seen.rim.box(*(round(n / whole.scale) for n in whole.data.shape[:2]))


def _moved(act: Act, place: Place) -> Act:
    """Return an act for a part of a picture: what varies over the whole one begins where the part does."""
    if not isinstance(act, Surface):
        return act
    (y0, y1), (x0, x1) = place.rows, place.columns
    height, width = place.level
    rows = _shifted(len(act.coefficients[0]), (y0 + y1) / (2 * height) - 0.5, (y1 - y0) / height)
    columns = _shifted(len(act.coefficients[0]), (x0 + x1) / (2 * width) - 0.5, (x1 - x0) / width)
    moved = tuple(_as_tuples(rows.T @ np.array(each) @ columns) for each in act.coefficients)
    return replace(act, coefficients=moved)


def _shifted(n: int, begin: float, slope: float) -> Array:
    """Return the matrix (n, n) that writes powers of begin + slope · t as powers of t, row by row."""
    out = np.zeros((n, n))
    for p in range(n):
        for i in range(p + 1):
            out[p, i] = comb(p, i) * begin ** (p - i) * slope**i
    return out


def _as_tuples(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def _boldness(stack: Picture, settled: Settled) -> Array:
    """Return by how much shapes are raised over their surroundings, told on the whole picture in small: (h, w)."""
    bold = next(k for k, act in enumerate(settled.acts) if isinstance(act, Contrast))
    plate = apply(plate_of_preview(stack, _COARSE_PX / max(stack.data.shape[:2])), settled.acts[:bold])
    before = np.nan_to_num(plate.data.mean(axis=0))
    after = np.nan_to_num(apply(plate, _only(settled.acts, bold)).data.mean(axis=0))
    return np.asarray((after / np.maximum(before, np.float32(1e-3))).clip(0, 4), np.float32)


def _only(acts: Sequence[Act], which: int) -> Sequence[Act]:
    return acts[which : which + 1]


def _part_of(ratio: Array, place: Place) -> Array:
    """Return a part of a small map in the size of a part of the picture."""
    (height, width), (y0, y1), (x0, x1) = place.level, place.rows, place.columns
    far, across = ratio.shape[0] / height, ratio.shape[1] / width
    matrix = np.array([[across, 0, (x0 + 0.5) * across - 0.5], [0, far, (y0 + 0.5) * far - 0.5]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(ratio, matrix, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE))
