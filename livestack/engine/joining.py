"""One colour picture of the stacks of several filters, as they grow: each is placed on the grid of the first.

It is linear, as the picture of one stack is, and developed by whoever shows it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from livestack.develop.compose import Palette, filter_named, mixed, palette_of
from livestack.develop.plate import Plate
from livestack.errors import FrameError
from livestack.frame import Array, Picture
from livestack.reduce.register import register
from livestack.stacks.growth import Growth
from livestack.stacks.verdicts import stack_name

BY_ITSELF = ("HaLRGB", "LRGB", "HaRGB", "RGB", "SHO", "HOO")
"""Palettes in the order in which one is taken whose filters are all there."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """Preview of a stack on the reference's, as bright: planes (C, h, w), and their noise; `known` = of which subs."""

    known: tuple[object, ...]
    planes: Array
    noise_adu: float


@dataclass(slots=True)
class Joining:
    """Joins the newest previews; a stack that did not change is not placed again."""

    _seen: dict[str, tuple[tuple[object, ...], Picture]] = field(default_factory=dict)
    _placed: dict[str, _Placed] = field(default_factory=dict)
    _fits: dict[str, tuple[tuple[str, str, str], tuple[Array, float] | None]] = field(default_factory=dict)

    def picture(
        self, growths: Sequence[Growth], newest: Growth, preview_of: Callable[[Growth], Picture], version: int
    ) -> Picture | None:
        """Return one picture of the newest stack and the others of its target; None where they do not make a palette.

        Parameters
        ----------
        growths : sequence of Growth
            In the order in which they were founded.
        """
        there = _by_filter(growths, newest)
        found = _palette_for(there)
        if found is None:
            return None
        name, palette = found
        used = [growth for growth in growths if any(there[one] is growth for one in palette.filters)]
        if len(used) < 2 or newest not in used:
            return None
        pictures = {growth.name: self._preview(growth, preview_of) for growth in used}
        reference = used[0]
        placed = {growth.name: self._place(growth, reference, pictures) for growth in used}
        if any(each is None for each in placed.values()):
            return None
        plates, noise = {}, {}
        for one in palette.filters:
            each = placed[there[one].name]
            if each is not None:
                plates[one] = Plate(each.planes["RGB".index(one) if len(each.planes) == 3 else 0][None])
                noise[one] = each.noise_adu
        data, noise_adu = _joined(palette, plates, noise)
        header = dataclasses.replace(reference.founding.header, filter=name)
        return dataclasses.replace(
            pictures[reference.name],
            data=data,
            version=version,
            stack=stack_name(header),
            n_subs=sum(picture.n_subs for picture in pictures.values()),
            exposure_s=sum(picture.exposure_s for picture in pictures.values()),
            noise_adu=noise_adu,
            parts=tuple(growth.name for growth in used),
        )

    def _preview(self, growth: Growth, preview_of: Callable[[Growth], Picture]) -> Picture:
        """Return a stack's preview; of one that did not change the same one."""
        state, before = _state_of(growth), self._seen.get(growth.name)
        if before is None or before[0] != state:
            before = self._seen[growth.name] = state, preview_of(growth)
        return before[1]

    def _place(self, growth: Growth, reference: Growth, pictures: Mapping[str, Picture]) -> _Placed | None:
        """Return a stack's preview on that of the reference; None where their stars do not fit."""
        picture, to = pictures[growth.name], pictures[reference.name]
        fit = self._fit(growth, reference)
        if fit is None:
            return None
        known = (reference.name, reference.knowledge.id, *_state_of(growth))
        placed = self._placed.get(growth.name)
        if placed is None or placed.known != known:
            planes = picture.data[None] if picture.data.ndim == 2 else np.moveaxis(picture.data, 2, 0)
            if growth is not reference:
                matrix = np.linalg.inv(_grid_of(to)) @ fit[0] @ _grid_of(picture)
                planes = np.stack([_warped(plane, matrix, to.data.shape[:2]) for plane in planes]) / np.float32(fit[1])
            placed = _Placed(known, planes, picture.noise_adu / fit[1])
            self._placed[growth.name] = placed
        return placed

    def _fit(self, growth: Growth, reference: Growth) -> tuple[Array, float] | None:
        """Matrix from a stack's grid to the reference's, and how much brighter its stars are."""
        if growth is reference:
            return np.eye(3), 1.0
        known = (reference.name, growth.knowledge.id, reference.knowledge.id)
        before = self._fits.get(growth.name)
        if before is None or before[0] != known:
            try:
                found = register(growth.knowledge.stars, reference.knowledge.stars, growth.founding.shape[1:])
                before = known, (found.registration.matrix, found.scale)
            except FrameError:
                before = known, None
            self._fits[growth.name] = before
        return before[1]


def _state_of(growth: Growth) -> tuple[object, ...]:
    """Tell what a stack's picture depends on: its subs, and how it was judged last."""
    return growth.knowledge.id, tuple(growth.subs.numbers)


def _by_filter(growths: Sequence[Growth], newest: Growth) -> dict[str, Growth]:
    """Return stacks of the newest one's target by filter, the first of each; one in colour stands for R, G and B."""
    target = (newest.founding.header.target or "").casefold()
    there: dict[str, Growth] = {}
    in_colour = []
    for growth in growths:
        header = growth.founding.header
        if (header.target or "").casefold() != target or not growth.subs:
            continue
        if growth.founding.shape[0] == 3:
            in_colour.append(growth)
        elif (name := filter_named(header.filter)) is not None:
            there.setdefault(name, growth)
    for growth in in_colour[:1]:
        for name in "RGB":
            there.setdefault(name, growth)
    return there


def _palette_for(there: Mapping[str, Growth]) -> tuple[str, Palette] | None:
    for name in BY_ITSELF:
        palette = palette_of(name)
        if palette.filters <= set(there):
            return name, palette
    return None


def _grid_of(picture: Picture) -> Array:
    """Matrix from px of a preview to those of its stack: one is the mean of step × step."""
    step = 1 / picture.scale
    middle = (step - 1) / 2
    return np.array([[step, 0, middle], [0, step, middle], [0, 0, 1.0]])


def _warped(plane: Array, matrix: Array, size: tuple[int, int]) -> Array:
    bare = ~np.isfinite(plane)
    known = np.where(bare, np.float32(0), plane)
    to = size[1], size[0]
    out = np.asarray(cv2.warpPerspective(known, matrix, to, flags=cv2.INTER_CUBIC, borderValue=np.nan))
    out[cv2.warpPerspective(bare.astype(np.float32), matrix, to, flags=cv2.INTER_LINEAR, borderValue=1.0) > 0] = np.nan
    return out


def _joined(palette: Palette, plates: Mapping[str, Plate], noise: Mapping[str, float]) -> tuple[Array, float]:
    """Return colours (h, w, 3) and their typical noise, ADU.

    A luminance is averaged with that of the colours by their noise, and what that changes is added to all three: the
    grain of the sum becomes that of both, the colours stay.
    """
    colours = mixed([palette.shares[channel] for channel in "RGB"], plates).data
    power = np.array([_power(palette.shares[channel], noise) for channel in "RGB"])
    if "L" in palette.shares:
        light = mixed([palette.shares["L"]], plates).data[0]
        own, others = _power(palette.shares["L"], noise), power.sum() / 9
        share = others / max(own + others, 1e-30)
        grey = colours.mean(axis=0)
        colours = colours + np.float32(share) * (light - grey)
        power = power * (1 - 2 * share / 3) + share**2 * (own + others)
    return np.ascontiguousarray(np.moveaxis(colours, 0, 2)), float(np.sqrt(power.mean()))


def _power(shares: Mapping[str, float], noise: Mapping[str, float]) -> float:
    return float(sum((share * noise[name]) ** 2 for name, share in shares.items()))
