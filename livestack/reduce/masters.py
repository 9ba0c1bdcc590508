"""Calibration: which frames fit a light, and masters from them. Plain means; a better one may take this door."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce.fold import colours_of

Read = Callable[[Path], Frame]

KINDS = ("bias", "dark", "flat", "darkflat", "master_bias", "master_dark", "master_flat")
EXPOSURE_TOLERANCE_S = 5.0
EXPOSURE_TOLERANCE = 0.02
TEMPERATURE_TOLERANCE_C = 3.0
FLAT_FLOOR = 0.1
"""Where a normalised flat is below this there was no light (overscan, a dead column): the px is bad."""
HOT_SIGMA = 15.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which files calibrate a stack; empty = none. ``missing`` and ``notes`` are words for the user."""

    bias: tuple[Path, ...] = ()
    dark: tuple[Path, ...] = ()
    flat: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def match(light: Header, library: Iterable[Header], by_hand: dict[str, Path]) -> Chosen:
    """Choose calibration frames for a light by header; what was named by hand wins.

    Parameters
    ----------
    library : iterable of Header
        Raw calibration frames and masters, in a fixed order.
    by_hand : dict
        bias, dark, flat → one file.
    """
    fitting = [header for header in library if _same_sensor(light, header)]
    darks = [h for h in fitting if h.kind in ("dark", "master_dark") and _same_exposure(light, h)]
    notes = []
    if darks and light.temperature_c is not None:
        off = (
            min(abs(h.temperature_c - light.temperature_c) for h in darks if h.temperature_c is not None)
            if any(h.temperature_c is not None for h in darks)
            else 0.0
        )
        if off > TEMPERATURE_TOLERANCE_C:
            notes.append(f"the nearest dark is {off:.0f} °C away from the lights")
    picked = {
        "bias": _masters_first([h for h in fitting if h.kind in ("bias", "master_bias")]),
        "dark": _masters_first(_nearest_temperature(light, darks)),
        "flat": _masters_first([h for h in fitting if h.kind in ("flat", "master_flat") and _same_filter(light, h)]),
    }
    for kind, path in by_hand.items():
        picked[kind] = (path,)
    missing = []
    if not picked["dark"]:
        exposure = f"{light.exposure_s:g} s" if light.exposure_s is not None else "this exposure"
        missing.append(f"no dark of {exposure} matches")
    if not picked["flat"]:
        missing.append(f"no flat{f' in {light.filter}' if light.filter else ''} matches")
    return Chosen(picked["bias"], picked["dark"], picked["flat"], tuple(missing), tuple(notes))


def _same_sensor(light: Header, other: Header) -> bool:
    if other.size != light.size or other.binning != light.binning:
        return False
    if light.camera and other.camera and light.camera.casefold() != other.camera.casefold():
        return False
    if other.kind in ("flat", "master_flat", "darkflat"):
        return True
    return light.gain is None or other.gain is None or abs(light.gain - other.gain) < 1e-6


def _same_exposure(light: Header, dark: Header) -> bool:
    if light.exposure_s is None or dark.exposure_s is None:
        return True
    tolerance = max(EXPOSURE_TOLERANCE_S, EXPOSURE_TOLERANCE * light.exposure_s)
    # a tolerance of 5 s must not make a 1 s dark fit a 5 s light
    return abs(light.exposure_s - dark.exposure_s) <= min(tolerance, 0.2 * light.exposure_s + 1e-3)


def _same_filter(light: Header, flat: Header) -> bool:
    return not light.filter or not flat.filter or light.filter.casefold() == flat.filter.casefold()


def _nearest_temperature(light: Header, darks: list[Header]) -> list[Header]:
    """Darks of the nearest set temperature (within 1 °C of the nearest); those that do not say stay."""
    known = [h for h in darks if h.temperature_c is not None]
    if light.temperature_c is None or not known:
        return darks
    off = min(abs((h.temperature_c or 0.0) - light.temperature_c) for h in known)
    return [h for h in known if abs((h.temperature_c or 0.0) - light.temperature_c) <= off + 1.0]


def _masters_first(headers: list[Header]) -> tuple[Path, ...]:
    masters = [h.path for h in headers if h.kind.startswith("master_")]
    return (masters[0],) if masters else tuple(h.path for h in headers)


@dataclass(frozen=True, slots=True)
class Mean:
    """Plain mean (H, W[, C]) float32 of `n` frames; name of the first, the last one; and words on those left out."""

    data: Array
    first: str
    last: Frame
    n: int
    problems: tuple[str, ...]


def mean_of(paths: Iterable[Path], read: Read, subtract: Array | None = None) -> Mean:
    """Average frames of one size, less `subtract`; one that cannot be used costs only itself.

    Raises
    ------
    FrameError
        No frame could be used.
    """
    total: Array | None = None
    last: Frame | None = None
    used = []
    problems = []
    for path in paths:
        try:
            frame = read(path)
            shape = next((a.shape for a in (total, subtract) if a is not None), frame.data.shape)
            if frame.data.shape != shape:
                raise FrameError("mismatched", f"{path.name} is {_px(frame.data.shape)}, not {_px(shape)}")
        except FrameError as error:
            problems.append(error.sentence)
            continue
        data = frame.data.astype(np.float64)
        data = data if subtract is None else data - subtract
        total = data if total is None else total + data
        last = frame
        used.append(path.name)
    if total is None or last is None:
        raise FrameError("unreadable", "; ".join(problems) or "no calibration frame could be read")
    return Mean((total / len(used)).astype(np.float32), used[0], last, len(used), tuple(problems))


def _px(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]} px" + (" in colour" if len(shape) == 3 else "")


def build(chosen: Chosen, read: Read, light: Header) -> tuple[Masters, list[str]]:
    """Build the masters of a stack from the files chosen for it; what cannot be used is left out, in words.

    A dark holds the bias; without one the bias is the pedestal. The flat is freed of the bias and normalised per CFA
    colour.

    Parameters
    ----------
    light : Header
        Of the founding sub: size, and the CFA where a flat does not tell its own.
    """
    size = light.size
    problems: list[str] = []
    provenance: dict[str, str] = {}

    def mean(kind: str, paths: tuple[Path, ...], subtract: Array | None) -> tuple[Array | None, Frame | None]:
        if not paths:
            return None, None
        try:
            found = mean_of(paths, read, subtract)
            if found.data.shape[:2] != size:
                raise FrameError("mismatched", f"{paths[0].name} is {_px(found.data.shape)}, the lights {_px(size)}")
        except FrameError as error:
            problems.append(f"{kind} not used: {error.sentence}")
            return None, None
        problems.extend(f"left out of the {kind}: {problem}" for problem in found.problems)
        provenance[kind] = f"{found.first} (mean of {found.n})" if found.n > 1 else found.first
        return found.data, found.last

    bias, _ = mean("bias", chosen.bias, None)
    dark, _ = mean("dark", chosen.dark, None)
    lit, frame = mean("flat", chosen.flat, bias)
    flat = None
    if lit is not None and frame is not None:
        try:
            flat = normalised_flat(lit, frame.header.cfa or light.cfa)
        except FrameError as error:
            problems.append(f"flat not used: {error.sentence}")
            del provenance["flat"]
    bad = hot_pixels(dark) if dark is not None else None
    return Masters(dark if dark is not None else bias, flat, bad, provenance), problems


def hot_pixels(dark: Array) -> Array:
    """Px of a master dark that lie far above their neighbours: (H, W) bool. Glow is smooth, and no defect."""
    plane = np.ascontiguousarray(dark if dark.ndim == 2 else dark.max(axis=2), np.float32)
    above = plane - cv2.medianBlur(plane, 5)
    low = above[above <= 0]
    # the lower half has no hot px in it: its rms is the noise
    sigma = max(float(np.sqrt((low**2).mean(dtype=np.float64))) if low.size else 0.0, 0.5)
    hot: Array = above > HOT_SIGMA * sigma
    return hot


def normalised_flat(flat: Array, cfa: str | None) -> Array:
    """Divide a flat by its mean, per CFA colour; NaN where there is no light.

    Parameters
    ----------
    flat : (H, W) or (H, W, 3) float32, bias subtracted.
    """
    out = np.array(flat, np.float32)
    planes = [out] if out.ndim == 2 else [out[:, :, c] for c in range(3)]
    for plane in planes:
        for colour in _colours(plane, cfa):
            view = plane[colour]
            lit = view[view > FLAT_FLOOR * np.median(view)]
            level = float(lit.mean(dtype=np.float64)) if len(lit) else 0.0
            if level <= 0:
                raise FrameError("mismatched", "the flat has no light in it: was the cap on?")
            plane[colour] = view / np.float32(level)
    out[~(out >= FLAT_FLOOR)] = np.nan
    return out


def _colours(plane: Array, cfa: str | None) -> list[Any]:
    """Return what picks the px of each colour of a plane; both greens of a Bayer cell on their own."""
    if not cfa:
        return [np.s_[:, :]]
    cell = colours_of(cfa)
    if len(cell) == 2:
        return [np.s_[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    h, w = plane.shape
    tiled = np.tile(cell, (h // len(cell) + 1, w // len(cell) + 1))[:h, :w]
    return [tiled == colour for colour in range(3)]
