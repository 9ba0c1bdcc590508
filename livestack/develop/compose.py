"""One colour picture of several stacks: LRGB, HOO, SHO, any mixture of filters.

A palette says of what each channel is made: ``R=0.6*R+0.4*Ha, G=G, B=B``, and ``L=L`` where a luminance is laid over
the colours. The stacks need not share a grid: each is registered on the one with most stars, and scaled so that its
stars are as bright.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np

from livestack.develop.background import Background
from livestack.develop.chain import Developed, Recipe, develop
from livestack.develop.colour import Neutralise
from livestack.develop.framing import Crop
from livestack.develop.kernels import relight_rows
from livestack.develop.plate import PX_ROWS, Plate
from livestack.errors import FrameError, SettingsError
from livestack.frame import Array
from livestack.reduce.bands import each_part
from livestack.reduce.measure import measure_stack
from livestack.reduce.register import register

PALETTES = {
    "RGB": "R=R, G=G, B=B",
    "LRGB": "L=L, R=R, G=G, B=B",
    "HOO": "R=Ha, G=OIII, B=OIII",
    "SHO": "R=SII, G=Ha, B=OIII",
    "HaRGB": "R=0.6*R+0.4*Ha, G=G, B=B",
    "HaLRGB": "L=L, R=0.6*R+0.4*Ha, G=G, B=B",
}
"""Palettes by name."""
FILTERS = {
    "L": ("l", "lum", "luminance", "clear", "uvir"),
    "R": ("r", "red"),
    "G": ("g", "green"),
    "B": ("b", "blue"),
    "Ha": ("ha", "halpha", "hα", "h"),
    "OIII": ("oiii", "o3", "o"),
    "SII": ("sii", "s2", "s"),
}
"""What filters are called."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Shares of filters in each of R, G, B, and in L where there is one."""

    shares: Mapping[str, Mapping[str, float]]

    @property
    def filters(self) -> set[str]:
        """Filters that are needed."""
        return {name for channel in self.shares.values() for name in channel}


def filter_named(words: str | None) -> str | None:
    """Return the usual name of a filter; a name that is not known stays."""
    if not words:
        return None
    plain = re.sub(r"[^\wα]|\d+nm$|_", "", words.lower())
    plain = re.sub(r"\d+nm$", "", plain)
    return next((name for name, known in FILTERS.items() if plain in known), words)


def palette_of(words: str) -> Palette:
    """Read a palette: its name, or what each channel is made of.

    Raises
    ------
    SettingsError
        It is neither.
    """
    known = {name.lower(): said for name, said in PALETTES.items()}
    said = known.get(words.lower(), words)
    shares: dict[str, dict[str, float]] = {}
    for part in said.split(","):
        channel, equals, terms = part.partition("=")
        name = channel.strip().upper()
        if not equals or name not in ("L", "R", "G", "B"):
            raise SettingsError(
                f"--palette: there is {', '.join(PALETTES)}, or write one: R=0.6*R+0.4*Ha, G=G, B=B; not {words!r}"
            )
        shares[name] = dict(_term(term, words) for term in terms.split("+"))
    if not {"R", "G", "B"} <= set(shares):
        raise SettingsError(f"--palette: {words!r} does not say what R, G and B are made of")
    return Palette(shares)


def _term(words: str, whole: str) -> tuple[str, float]:
    share, star, name = words.strip().rpartition("*")
    try:
        return filter_named(name.strip()) or "", float(share) if star else 1.0
    except ValueError:
        raise SettingsError(f"--palette: {share!r} in {whole!r} is no number") from None


def compose(plates: Mapping[str, Plate], palette: Palette, recipe: Recipe, threads: Executor | None) -> Developed:
    """Join stacks of several filters into a developed colour picture.

    Parameters
    ----------
    plates : mapping
        By filter, as `filter_named` calls it; a plate of three channels stands for R, G and B.

    Raises
    ------
    SettingsError
        A filter is missing, or a stack does not fit the others.
    """
    there = _split(plates)
    if missing := sorted(palette.filters - set(there)):
        raise SettingsError(f"there is no stack through {', '.join(missing)}; there are {', '.join(sorted(there))}")
    fitted = fit({name: there[name] for name in sorted(palette.filters)}, threads)
    colours = mixed([palette.shares[channel] for channel in "RGB"], fitted)
    light = mixed([palette.shares["L"]], fitted) if "L" in palette.shares else None
    if light is not None:  # one window for both
        whole = colours.with_data(colours.data, coverage=_least(colours.coverage, light.coverage))
        for step in (step for step in recipe if isinstance(step, Crop)):
            cut = step.settle(whole, threads)
            colours, light = cut(whole, threads), cut(light, threads)
        recipe = tuple(step for step in recipe if not isinstance(step, Crop))
    done = develop(colours, recipe, threads)
    if light is None:
        return done
    laid_over(done.plate, develop(light, recipe, threads).plate.data[0], threads)
    return done


def _split(plates: Mapping[str, Plate]) -> dict[str, Plate]:
    """Plates of one channel, by filter; one in colour stands for those of its channels that are not there."""
    there = {name: plate for name, plate in plates.items() if len(plate.data) == 1}
    for plate in plates.values():
        for c, name in enumerate("RGB" if len(plate.data) == 3 else ""):
            noise = None if plate.noise is None else plate.noise[c : c + 1]
            there.setdefault(name, Plate(plate.data[c : c + 1].copy(), noise, coverage=plate.coverage))
    return there


def fit(plates: Mapping[str, Plate], threads: Executor | None) -> dict[str, Plate]:
    """Return plates on one grid, their skies at 0, their stars as bright as those of the one with most of them."""
    flat, stars = {}, {}
    for name, plate in plates.items():
        own = plate.with_data(plate.data.copy())
        for step in (Background(), Neutralise()):
            own = step.settle(own, threads)(own, threads)
        flat[name] = own
        coverage = own.coverage if own.coverage is not None else np.ones(own.shape[1:], np.uint16)
        stars[name] = measure_stack(np.nan_to_num(own.data), coverage[None], None, threads)
    reference = max(flat, key=lambda name: (len(stars[name]), name))
    shape = flat[reference].shape
    fitted = {reference: flat[reference]}
    for name, plate in flat.items():
        if name == reference:
            continue
        try:
            found = register(stars[name], stars[reference], plate.shape[1:])
        except FrameError as error:
            raise SettingsError(f"the stack through {name} does not fit that through {reference}: {error}") from None
        fitted[name] = _moved(plate, found.registration.matrix, 1 / found.scale, shape[1:])
    return fitted


def _moved(plate: Plate, matrix: Array, scale: float, size: tuple[int, int]) -> Plate:
    """Plate on another grid, and brighter."""
    h, w = size

    def warp(plane: Array, how: int, outside: float) -> Array:
        return np.asarray(cv2.warpPerspective(plane, matrix, (w, h), flags=how, borderValue=outside))

    bare = ~np.isfinite(plate.data[0])
    known = np.where(bare, np.float32(0), plate.data[0])
    data = warp(known, cv2.INTER_LANCZOS4, np.nan) * np.float32(scale)
    data[warp(bare.astype(np.float32), cv2.INTER_LINEAR, 1.0) > 0.01] = np.nan
    noise = None if plate.noise is None else warp(plate.noise[0], cv2.INTER_LINEAR, np.nan)[None] * np.float32(scale)
    coverage = None if plate.coverage is None else warp(plate.coverage, cv2.INTER_NEAREST, 0.0)
    return Plate(data[None], noise, coverage=coverage)


def mixed(channels: list[Mapping[str, float]], plates: Mapping[str, Plate]) -> Plate:
    """Plate whose channels are sums of shares of others on the same grid."""
    data, noise = [], []
    for shares in channels:
        data.append(sum(np.float32(share) * plates[name].data[0] for name, share in shares.items()))
        parts = [plates[name].noise for name in shares]
        if all(part is not None for part in parts):
            power = sum(
                np.float32(share**2) * np.square(part[0])
                for share, part in zip(shares.values(), parts, strict=True)
                if part is not None
            )
            noise.append(np.sqrt(power))
    coverage = None
    for name in {name for shares in channels for name in shares}:
        coverage = _least(coverage, plates[name].coverage)
    return Plate(np.stack(data), np.stack(noise) if len(noise) == len(channels) else None, coverage=coverage)


def _least(one: Array | None, other: Array | None) -> Array | None:
    """Coverage of what both cover, each as a share of its best in 65535ths."""
    shares = [
        (np.float32(65535) * plane / max(int(plane.max()), 1)).astype(np.uint16)
        for plane in (one, other)
        if plane is not None
    ]
    if not shares:
        return None
    return shares[0] if len(shares) == 1 else np.minimum(*shares)


def laid_over(colours: Plate, light: Array, threads: Executor | None = None) -> None:
    """Give a developed colour picture, in place, another lightness (H, W), 0…1."""
    data = colours.data
    each_part(len(light), PX_ROWS, threads, lambda y0, y1: relight_rows(data, light, (y0, y1)))
