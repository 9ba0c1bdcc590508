"""Masters: what is taken off a light and what it is divided by, from the frames chosen for it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array, Frame, Header, Masters
from livestack.reduce.combine import Combined, combine
from livestack.reduce.flats import has_stars
from livestack.reduce.matching import Chosen
from livestack.reduce.sensor import colours_of

T = TypeVar("T")
Read = Callable[[Path], Frame]
Begun = dict[str, "Callable[[], Mean]"]

FULL_ADU = 65535.0
SATURATED, LEAST_FULL, MOST_SATURATED = 0.98, 0.9, 0.01
"""A flat whose px lie within 2 % of the top of the range, more than 1 % of them, is overexposed."""
SOME_PX = 20_000
"""So many tell about where the median of all lies."""
FLAT_FLOOR = 0.1
"""Where a normalised flat is below this there was no light (overscan, a dead column): the px is bad."""
HOT_SIGMA = 15.0
REACH = 2
"""What is about a px of a dark are those so near."""
ROWS = 64


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean of the frames that could be used, the first one's name, the last one itself, and words on those left out.

    Of flats, `n_starry` of them show stars, and `words_on_stars` says what became of these.
    """

    combined: Combined
    first: str
    last: Frame
    problems: tuple[str, ...]
    n_starry: int = 0

    @property
    def words_on_stars(self) -> str | None:
        """What the stars in flats mean for the lights; None = there are none."""
        if not self.n_starry:
            return None
        n = self.combined.n
        there = "there are stars in the flat" if n == 1 else f"there are stars in {self.n_starry} of {n} flats"
        if has_stars(self.combined.mean, self.last.header.cfa):
            return f"{there}, and they leave dark spots in the lights: move the telescope between twilight flats"
        return f"{there}: left out of their mean, where the telescope had moved between them"

    @property
    def words(self) -> str:
        """Where it is from, of how many frames, and how noisy it is."""
        if self.combined.n == 1:
            return self.first
        return f"{self.first} (mean of {self.combined.n}, noise {self.combined.noise_adu:.3g} ADU)"


def mean_of(
    paths: Iterable[Path],
    read: Read,
    subtract: Array | None = None,
    *,
    level: bool = False,
    ahead: Executor | None = None,
) -> Mean:
    """Average frames of one size, less `subtract`; one that cannot be used costs only itself.

    Parameters
    ----------
    level : bool
        Bring the frames to the first one's level before they are compared: the sky of twilight flats gets brighter.
    ahead : Executor, optional
        Reads the next frame while one is added.

    Raises
    ------
    FrameError
        No frame could be used.
    """
    used: list[Frame] = []
    first, n_starry = "", 0
    problems = []

    def usable() -> Iterator[Array]:
        nonlocal first, n_starry
        level_adu, shape = 0.0, subtract.shape if subtract is not None else None
        for path, taken in _read_ahead(paths, read, ahead):
            try:
                frame = taken()
                shape = shape or frame.data.shape
                if frame.data.shape != shape:
                    raise FrameError("mismatched", f"{path.name} is {_px(frame.data.shape)}, not {_px(shape)}")
                data = frame.data
                if subtract is not None and not _is_freed(frame.header):
                    data = np.subtract(data, subtract, dtype=np.float32)
                if level:
                    _refuse_saturated(path.name, frame)
                    mine = float(np.median(data.ravel()[:: max(1, data.size // 200_000)]))
                    if not mine > 0:
                        raise FrameError("mismatched", f"{path.name} has no light in it: was the cap on?")
                    level_adu = level_adu or mine
                    if mine != level_adu:
                        own = None if data is frame.data else data
                        data = np.multiply(data, np.float32(level_adu / mine), out=own)
                    n_starry += has_stars(data, frame.header.cfa)
            except FrameError as error:
                problems.append(error.sentence)
                continue
            first = first or path.name
            used[:] = [frame]
            yield data
            del data  # not beside the next one

    try:
        combined = combine(usable())
    except ValueError:
        raise FrameError("unreadable", "; ".join(problems) or "no calibration frame could be read") from None
    return Mean(combined, first, used[0], tuple(problems), n_starry)


def _read_ahead(
    paths: Iterable[Path], read: Read, ahead: Executor | None
) -> Iterator[tuple[Path, Callable[[], Frame]]]:
    """Each path, and what gives its frame or raises: the next one is being read by then."""
    if ahead is None:
        yield from ((path, functools.partial(read, path)) for path in paths)
        return
    waiting: tuple[Path, Future[Frame]] | None = None
    for path in paths:
        following = path, ahead.submit(read, path)
        if waiting:
            yield waiting[0], waiting[1].result
        waiting = following
    if waiting:
        yield waiting[0], waiting[1].result


def _is_freed(header: Header) -> bool:
    """Whether the pedestal of a flat is off already: whoever makes a master flat takes it off, or says that not."""
    if header.kind == "master_flat" and not str(header.raw.get("PROGRAM", "")).startswith("livestack"):
        return True
    return "bias" in header.calibrated


def _refuse_saturated(name: str, frame: Frame) -> None:
    """Refuse a raw flat that is at its limit: it does not show the vignette.

    Raises
    ------
    FrameError
        mismatched: more than a hundredth of its px is at the top of its range.
    """
    if frame.data.dtype != np.uint16:
        return
    some = frame.data.ravel()[:: max(1, frame.data.size // 200_000)]
    top = min(frame.header.saturation_adu or FULL_ADU, float(some.max()))
    at_top = float((some >= SATURATED * top).mean())
    if top >= LEAST_FULL * (frame.header.saturation_adu or FULL_ADU) and at_top > MOST_SATURATED:
        raise FrameError(
            "mismatched", f"{name} is overexposed ({100 * at_top:.0f} % of it): take flats at half the range"
        )


def _px(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]} px" + (" in colour" if len(shape) == 3 else "")


def build(
    chosen: Chosen,
    read: Read,
    light: Header,
    threads: Executor | None = None,
    shape: tuple[int, ...] | None = None,
) -> tuple[Masters, list[str]]:
    """Build the masters of a stack from the files chosen for it; what cannot be used is left out, in words.

    A dark holds the bias; without one the bias is the pedestal. The flat is freed of its own pedestal, unless whoever
    made a master of it did so, and normalised per CFA colour.

    Parameters
    ----------
    light : Header
        Of the founding sub: size, and the CFA where a flat does not tell its own.
    threads : Executor, optional
        Reads the next frame while one is added, and does what can be done at once.
    shape : tuple of int, optional
        Of the lights' data; (H, W) otherwise.
    """
    making = _Making(read, light, shape or light.size, threads)
    single = making.begin(bias=chosen.bias, dark=chosen.dark, darkflat=chosen.darkflat)
    bias = making.mean("bias", chosen.bias, single)
    dark = making.dark(chosen, bias, single)
    under = making.mean("darkflat", chosen.darkflat, single) if chosen.darkflat else bias
    kind, pedestal = ("dark", dark) if dark is not None else ("bias", None if "bias" in light.calibrated else bias)
    pedestal, blank = without_blanks(pedestal)
    hot = None if dark is None or pedestal is None else making.at_once(hot_pixels, pedestal)
    flat = making.flat(chosen.flat, under)
    if blank is not None:
        making.problems.append(f"{int(blank.sum())} px of the {kind} are no numbers")
    bad = blank if hot is None else hot() | (False if blank is None else blank)
    places = None if bad is None else np.flatnonzero(bad)  # few, where a mask would be a quarter of a master
    if light.pedestal_adu and flat is not None:
        pedestal = pedestal if pedestal is not None else np.zeros(making.shape, np.float32)
        pedestal = pedestal + np.float32(light.pedestal_adu)
    gain = None if flat is None else gain_of(flat)
    masters = Masters(pedestal, gain, places, making.provenance, making.n_frames, making.noise_adu)
    return masters, making.problems


class _Making:
    """Masters in the making: words on where each is from, and on what was left out."""

    def __init__(self, read: Read, light: Header, shape: tuple[int, ...], threads: Executor | None) -> None:
        self.read, self.light, self.shape, self.threads = read, light, shape, threads
        self.problems: list[str] = []
        self.provenance: dict[str, str] = {}
        self.done: dict[str, frozenset[str]] = {}
        self.n_frames: dict[str, int] = {}
        self.noise_adu: dict[str, float] = {}

    def at_once(self, work: Callable[..., T], *given: Any) -> Callable[[], T]:
        """Begin work that asks for no other; returns what gives its result, or raises."""
        return self.threads.submit(work, *given).result if self.threads else functools.partial(work, *given)

    def begin(self, **paths: tuple[Path, ...]) -> Begun:
        """Begin with masters of one file; those of many follow one after the other, for each takes 24 bytes a px."""
        return {kind: self.at_once(mean_of, files, self.read) for kind, files in paths.items() if len(files) == 1}

    def mean(self, kind: str, paths: tuple[Path, ...], begun: Begun) -> Array | None:
        """Average bias, dark or dark-flat frames; None = cannot be used."""
        found = self._found(kind, paths, begun.get(kind) or functools.partial(self._mean_of, paths))
        if found is None:
            return None
        return found.combined.mean

    def dark(self, chosen: Chosen, bias: Array | None, begun: Begun) -> Array | None:
        """Return what the dark takes off a light: bias and current, or the current alone where the bias is off."""
        dark = self.mean("dark", chosen.dark, begun)
        if dark is None:
            return None
        bare, freed = "bias" in self.done["dark"], "bias" in self.light.calibrated
        if bare == freed and chosen.dark_scale is None:
            return dark
        if bias is None and not (bare and freed):
            what = (
                "be scaled"
                if chosen.dark_scale is not None
                else "be brought to the lights, which differ from it by one"
            )
            self.problems.append(f"dark not used: without a bias it cannot {what}")
            del self.provenance["dark"]
            return None
        current = dark if bare or bias is None else dark - bias
        if chosen.dark_scale is not None:
            self.provenance["dark"] += f", its current scaled by {chosen.dark_scale:.4g}"
            current = current * np.float32(chosen.dark_scale)
        made: Array = current if freed or bias is None else current + bias
        return made

    def flat(self, paths: tuple[Path, ...], under: Array | None) -> Array | None:
        """Return the normalised flat; None = cannot be used."""
        found = self._found("flat", paths, functools.partial(self._mean_of, paths, under, level=True))
        if found is None:
            return None
        try:
            return normalised_flat(found.combined.mean, found.last.header.cfa or self.light.cfa, self.threads)
        except FrameError as error:
            self.problems.append(f"flat not used: {error.sentence}")
            del self.provenance["flat"]
            return None

    def _mean_of(self, paths: tuple[Path, ...], subtract: Array | None = None, *, level: bool = False) -> Mean:
        return mean_of(paths, self.read, subtract, level=level, ahead=self.threads)

    def _found(self, kind: str, paths: tuple[Path, ...], mean: Callable[[], Mean]) -> Mean | None:
        if not paths:
            return None
        try:
            found = mean()
            shape = found.combined.mean.shape
            if shape != self.shape:
                raise FrameError("mismatched", f"{paths[0].name} is {_px(shape)}, the lights are {_px(self.shape)}")
        except FrameError as error:
            self.problems.append(f"{kind} not used: {error.sentence}")
            return None
        self.problems += [f"left out of the {kind}: {problem}" for problem in found.problems]
        if found.combined.n == 1 and (len(paths) > 1 or found.last.header.kind == kind):
            self.problems.append(f"the {kind} is one frame: its noise goes into every light")
        if words := found.words_on_stars:
            self.problems.append(words)
        self.provenance[kind] = found.words
        self.done[kind] = found.last.header.calibrated
        if found.combined.n > 1:
            self.n_frames[kind], self.noise_adu[kind] = found.combined.n, found.combined.noise_adu
        return found


def without_blanks(master: Array | None) -> tuple[Array | None, Array | None]:
    """Return a master in numbers, and which px (H, W) held none; None = all do."""
    if master is None or np.isfinite(master).all():
        return master, None
    blank = ~np.isfinite(master if master.ndim == 2 else master.sum(axis=2))
    level = np.nanmedian(np.where(np.isfinite(master), master, np.nan))
    return np.where(np.isfinite(master), master, level).astype(np.float32), blank


def hot_pixels(dark: Array) -> Array:
    """Px of a master dark that lie far above their neighbours: (H, W) bool. Glow is smooth, and no defect."""
    plane = np.ascontiguousarray(dark if dark.ndim == 2 else dark.max(axis=2), np.float32)
    above, n, squares = np.empty_like(plane), 0, 0.0
    for top in range(0, len(plane), ROWS):  # what the processor keeps at hand
        before, rows = min(top, REACH), slice(top, top + ROWS)
        near = plane[top - before : top + ROWS + REACH]
        smooth = cv2.medianBlur(near, 2 * REACH + 1)[before:][:ROWS]
        np.subtract(plane[rows], smooth, out=above[rows])
        n += int(np.count_nonzero(above[rows] <= 0))
        squares += float(np.square(np.minimum(above[rows], 0)).sum(dtype=np.float64))
    # the lower half has no hot px in it: its rms is the noise
    sigma = max(math.sqrt(squares / n) if n else 0.0, 0.5)
    hot: Array = above > HOT_SIGMA * sigma
    return hot


def normalised_flat(flat: Array, cfa: str | None, threads: Executor | None = None) -> Array:
    """Divide a flat by its mean, per CFA colour; NaN where there is no light.

    Parameters
    ----------
    flat : (H, W) or (H, W, 3) float32, bias subtracted.
    threads : Executor, optional
        Works on the colours.
    """
    out = np.array(flat, np.float32)
    planes = [out] if out.ndim == 2 else [out[:, :, c] for c in range(3)]
    parts = [(plane, colour) for plane in planes for colour in _colours(plane, cfa)]
    list((threads.map if threads else map)(_normalise, *zip(*parts, strict=True)))
    return out


def gain_of(flat: Array) -> Array:
    """Turn a flat into what px are multiplied with, in its place: both would be two planes of the sensor."""
    with np.errstate(divide="ignore"):
        return np.reciprocal(flat, out=flat)


def _normalise(plane: Array, colour: Any) -> None:
    """Divide the px of a colour by their mean, in place."""
    px = np.ascontiguousarray(plane[colour])
    lit = px[px > _floor(px)]
    level = float(lit.mean(dtype=np.float64)) if len(lit) else 0.0
    if level <= 0:
        raise FrameError("mismatched", "the flat has no light in it: was the cap on?")
    px /= np.float32(level)
    px[~(px >= FLAT_FLOOR)] = np.nan
    plane[colour] = px


def _floor(px: Array) -> float:
    """Return what is above all px without light and below all others, as `FLAT_FLOOR` times their median is."""
    about = np.median(px.ravel()[:: max(1, px.size // SOME_PX)])
    low, high = np.float32(0.5) * about, np.float32(2) * about
    # the median of all is dear: where it is surely between two levels and no px between their floors, either will do
    if 2 * max(np.count_nonzero(px < low), np.count_nonzero(px > high)) < px.size and np.isfinite(px.sum()):
        floor = float(FLAT_FLOOR * low)
        if np.count_nonzero(px > floor) == np.count_nonzero(px > FLAT_FLOOR * high):
            return floor
    return float(FLAT_FLOOR * np.median(px))


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
