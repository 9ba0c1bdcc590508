"""What guests may know of a night, in plain words. No path, host, file name, place or person."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from livestack.events import Json
from livestack.frame import Picture
from livestack.show.card import card_of
from livestack.show.guests import Told, is_over, line, since, summary, told
from livestack.show.numbers import finer, of_all
from livestack.show.past import Past
from livestack.show.sky import Grid, north_up, scale_bar, upright
from livestack.show.state import NightState
from livestack.show.web.growing import listed, patches
from livestack.show.web.outreach import Outreach
from livestack.show.web.renditions import sizes_of
from livestack.show.web.seen import Seen
from livestack.show.words import clock, span
from livestack.sky.catalogue import is_designation, named

MOVING: Final = ("coming", "next_s")
"""What changes by itself as time goes: no news."""
_MOST_BARS = 160
_SCALE_PX = 800.0
"""A picture is taken to be so wide on a screen when the length of its scale bar is chosen."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is told beside a night: of the page itself, and of former nights."""

    address: str = ""
    ssid: str = ""
    slides: tuple[Past, ...] = ()
    slides_v: int = 0


def public(
    night: NightState, current: NightState, seen: Seen, outreach: Outreach, around: Around, now: datetime
) -> Json:
    """Return the public state.

    Parameters
    ----------
    night, current : NightState
        As guests are told of it: as it was when the picture was held; and as it is.
    now : datetime
        Timezone-aware.
    """
    stack, ended = seen.stack, is_over(current)
    stacks = stack.parts if stack is not None and stack.parts else (night.stack,)
    stacked = [row for row in night.subs if row.state == "accepted" and row.stack in stacks]
    words = outreach.shown.words
    own = words.name if named(words.name) is not None else None
    said = told(replace(night, target=own) if own else night, stack, seen.one, now)
    latest = stacked[-1] if stacked else None
    totals = of_all(night, stack)
    ratio = finer(totals, stack, seen.one)
    card = card_of(night, stack, seen.one, target=own, now=now)
    at = clock(latest.time or latest.judged) if latest else ""
    return {
        "version": seen.version,
        "stretch": seen.stretch,
        "lineage": _lineage(night, stack),
        "name": card["name"] if own and is_designation(own) else words.name or card["name"],
        "also": words.also or card["also"],
        "meaning": words.meaning or said.meaning,
        "caption": words.caption,
        "line": line(replace(night, stopped=current.stopped) if ended else night, ended=ended),
        "summary": summary(totals),
        "facts": [list(fact) for fact in said.facts],
        "photos": totals.n_stacked,
        "light": span(totals.exposure_s),
        "photo": span(latest.exposure_s) if latest and latest.exposure_s else "",
        "grain": f"{ratio:.1f}×" if ratio and ratio > 1.05 else "",
        "first": since(night, stack),
        "latest": at,
        **_coming(said, current, now),
        "ended": ended,
        "held": outreach.held,
        "picture": _picture(night, seen),
        "one": seen.one is not None,
        "bars": _bars([row.weight or 0.0 for row in stacked]),
        "buildup": listed(seen.steps, stack, at) if stack is not None else [],
        "card": _card(card, seen),
        "scale": _scale(night, seen),
        "slides": _slides(around),
        "present": {**asdict(outreach.screen), "wifi": outreach.screen.wifi and bool(around.ssid)},
        "address": around.address,
        "ssid": around.ssid,
        "lang": "en",
    }


def _card(card: Json, seen: Seen) -> Json:
    """Return what is told of the object, and with how many photos its patches of grain are shown."""
    grain = patches(seen.steps, seen.stack) if seen.stack is not None else []
    told_of_it = {name: card[name] for name in ("levels", "facts", "expert", "sky", "satellites")}
    return {**told_of_it, "grain": [{"photos": n} for n in grain]}


def grid_seen(night: NightState, stack: Picture | None) -> Grid | None:
    """Return how the px of a picture lie on the sky, where that is known."""
    if stack is None:
        return None
    return night.grids.get(stack.parts[0] if stack.parts else stack.stack)


def _lineage(night: NightState, stack: Picture | None) -> str:
    name = stack.stack if stack is not None else night.stack or ""
    return hashlib.sha256(f"{night.started} {name}".encode()).hexdigest()[:10]


def _coming(said: Told, current: NightState, now: datetime) -> Json:
    last = current.last
    if said.coming is None or last is None or not current.cadence_s:
        return {"coming": None, "next_s": None}
    left = current.cadence_s - (now - last.judged).total_seconds()
    return {"coming": round(said.coming, 3), "next_s": round(max(left, 0.0), 1)}


def _picture(night: NightState, seen: Seen) -> Json | None:
    stack = seen.stack
    if stack is None:
        return None
    height, width = stack.data.shape[:2]
    grid = grid_seen(night, stack)
    north, mirrored = None, False
    if grid is not None and grid.matrix is not None:
        turn, mirrored = north_up(upright(grid.matrix, stack.row_order))
        north = round(turn, 2)
    scale = grid.arcsec_per_px if grid is not None else None
    return {
        "width": round(width / stack.scale),
        "height": round(height / stack.scale),
        "sizes": sizes_of(height, width),
        "full": seen.full,
        "north_deg": north,
        "mirrored": mirrored,
        "arcsec_px": round(scale, 4) if scale else None,
    }


def _scale(night: NightState, seen: Seen) -> Json | None:
    grid = grid_seen(night, seen.stack)
    if grid is None or seen.stack is None or not grid.arcsec_per_px:
        return None
    width = seen.stack.data.shape[1] / seen.stack.scale
    length, words = scale_bar(grid.arcsec_per_px * width / _SCALE_PX)
    return {"px": round(length / _SCALE_PX, 4), "words": words}


def _slides(around: Around) -> list[Json]:
    return [{"name": past.name, "date": past.words, "photos": 0, "v": around.slides_v} for past in around.slides]


def _bars(weights: Sequence[float]) -> list[float]:
    """Return heights 0…1 of at most `_MOST_BARS` bars, in order of time."""
    if not weights:
        return []
    parts = np.array_split(np.asarray(weights), min(len(weights), _MOST_BARS))
    heights = np.array([part.mean() for part in parts])
    return [round(float(height), 2) for height in np.clip(heights / max(float(heights.max()), 1e-9), 0.2, 1.0)]
