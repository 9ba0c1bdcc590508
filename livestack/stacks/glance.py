"""A first picture of a sub as it lies on the disk: nothing is compiled, calibrated or measured for it."""

from __future__ import annotations

import numpy as np

from livestack.frame import Array, Frame, Picture
from livestack.reduce.preview import preview_step

CELL = 2
SPARSE = 7
"""Every so many-th px of a picture, both ways, tells its sky and its grain."""


def glance(frame: Frame, version: int) -> Picture:
    """Preview of a sub: a sample per px of it, or a cell of a Bayer mosaic, above its sky; as grainy as the sub."""
    height, width = frame.header.size
    step = preview_step(height, width)
    data = frame.data
    if frame.header.cfa is not None and len(frame.header.cfa) == CELL * CELL:
        step = CELL * max(1, step // CELL)
        data = _cells(data[: height // CELL * CELL, : width // CELL * CELL], frame.header.cfa, step)
    else:
        data = data[::step, ::step].astype(np.float32)
    some = data[::SPARSE, ::SPARSE]
    data -= np.nanmedian(some, axis=(0, 1))
    differences = np.diff(data[::SPARSE], axis=1)
    noise_adu = 1.4826 * float(np.nanmedian(np.abs(differences))) / np.sqrt(2)
    data.flags.writeable = False
    return Picture(
        data=data,
        scale=1 / step,
        version=version,
        stack="",
        n_subs=1,
        exposure_s=frame.header.exposure_s or 0.0,
        noise_adu=noise_adu * step,  # as of px of which one here were the mean, as in other previews
        row_order=frame.header.row_order,
    )


def _cells(mosaic: Array, cfa: str, step: int) -> Array:
    """Colours of every so many-th cell of a Bayer mosaic, (h, w, 3) float32: the px are those of the cell."""
    px: dict[str, list[Array]] = {colour: [] for colour in "RGB"}
    for k, colour in enumerate(cfa):
        px[colour].append(mosaic[k // CELL :: step, k % CELL :: step])
    planes = [np.mean(px[colour], axis=0, dtype=np.float32) for colour in "RGB"]
    out: Array = np.stack(planes, axis=-1)
    return out
