"""The best and the worst subs of a night: which they are, and how their middle looks, all with one stretch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from livestack.develop.chain import PRESETS
from livestack.develop.live import Settled, steady, whole
from livestack.errors import LivestackError
from livestack.frame import Array, Picture
from livestack.read import close_decoders, open_frame
from livestack.show.reasons import cause
from livestack.show.rendition import developed, jpeg
from livestack.show.state import SubRow
from livestack.show.words import THIN, clock, fixed, percent
from livestack.stacks.glance import glance

MOST, FEWEST = 3, 8
"""Subs of each kind; of a night that has any."""
SIZE_PX = (214, 320)
"""Of what is cut out of the middle of a preview, (H, W): stars are to be seen, and how round they are."""
_QUALITY = 80
_OF_THE_SKY = ("clouded", "trailed", "blurred", "too_few_stars")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A sub: its name, what is to be said of it, and its middle as JPEG."""

    name: str
    words: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ShownSubs:
    """Those with the most weight first, and those that are worst, the worst first."""

    best: tuple[Thumbnail, ...] = ()
    worst: tuple[Thumbnail, ...] = ()


def shown_subs(rows: Sequence[SubRow], preset: str) -> ShownSubs:
    """Return the best and the worst subs of a stack whose files are there; nothing where one of both kinds is not.

    Parameters
    ----------
    rows : sequence of SubRow
        What the stack has, and what was left out of it.
    preset : str
        How pictures are developed.
    """
    best, worst = best_and_worst(rows)
    try:
        seen = list(_pictures(best))
        if not seen:
            return ShownSubs()
        first = seen[0][1]
        settled = steady(None, first, whole(PRESETS[preset]))
        others = [each for each in _pictures(worst) if each[1].data.shape == first.data.shape]
    finally:
        close_decoders()
    if not others:
        return ShownSubs()
    most = max(row.weight or 0.0 for row in best)
    shown = [[_thumbnail(row, picture, settled, most) for row, picture in some] for some in (seen, others)]
    return ShownSubs(tuple(shown[0]), tuple(shown[1]))


def best_and_worst(rows: Sequence[SubRow]) -> tuple[list[SubRow], list[SubRow]]:
    """Return the stacked subs that weigh most, and the worst: one left out for each cause, then those that weigh least.

    Both are empty in a night of few subs.
    """
    stacked = sorted((row for row in rows if row.state == "accepted" and row.weight), key=_weight, reverse=True)
    if len(stacked) < FEWEST:
        return [], []
    of_cause = {row.reason: row for row in reversed(rows) if row.state == "rejected" and row.reason in _OF_THE_SKY}
    out = sorted(of_cause.values(), key=lambda row: row.no)
    return stacked[:MOST], [*out[: MOST - 1], *reversed(stacked[-MOST:])][:MOST]


def _weight(row: SubRow) -> tuple[float, float]:
    return row.weight or 0.0, -(row.fwhm_px or 0.0)


def _pictures(rows: Sequence[SubRow]) -> Iterator[tuple[SubRow, Picture]]:
    for row in rows:
        try:
            yield row, glance(open_frame(Path(row.path)), row.no)
        except LivestackError:  # its file is gone: so is its picture
            continue


def _thumbnail(row: SubRow, picture: Picture, settled: Settled, most: float) -> Thumbnail:
    size = f"stars of {fixed(row.fwhm_px, 1)}{THIN}px" if row.fwhm_px else ""
    counts = f"weight {percent((row.weight or 0.0) / most)}" if row.state == "accepted" and most > 0 else ""
    why = "" if row.state == "accepted" else cause(row).lower()
    words = ", ".join(filter(None, (why, size, counts)))
    at = f", {clock(row.time)}" if row.time else ""
    return Thumbnail(f"Sub {row.no:,}{at}", words[:1].upper() + words[1:], jpeg(_middle(picture, settled), _QUALITY))


def _middle(picture: Picture, settled: Settled) -> Array:
    """Return the middle of a sub as it is shown, uint8."""
    image = developed(picture, settled, max(picture.data.shape[:2]))
    (height, width), (high, wide) = image.shape[:2], SIZE_PX
    top, left = max(0, (height - high) // 2), max(0, (width - wide) // 2)
    out: Array = image[top : top + high, left : left + wide].copy()
    return out
