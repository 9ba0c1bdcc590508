"""What the page shows: the night in a guest's words, and its pictures as JPEG."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np

from livestack.develop.chain import PRESETS
from livestack.develop.live import Settled, steady, whole
from livestack.events import Json
from livestack.frame import Picture
from livestack.show.guests import is_over, line, since, summary
from livestack.show.numbers import finer, of_all
from livestack.show.rendition import developed, jpeg
from livestack.show.source import Source
from livestack.show.state import NightState, catch_up
from livestack.show.words import clock, span

LONGEST_PX = 1600
_MOST_BARS = 160


@dataclass(frozen=True)
class Jpeg:
    """A rendition; the tag changes with every new one."""

    tag: str
    data: bytes


class Feed:
    """Follows a session for every guest at once; `refresh` may be called from any thread."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._settled: Settled | None = None
        self._rendered: tuple[Picture | None, Picture | None] = (None, None)
        self._version = 0
        self.night = NightState()
        self.picture: Jpeg | None = None
        self.last: Jpeg | None = None
        self.state: Json = public(self.night, None, None, 0, ended=False)

    def refresh(self) -> Json:
        """Take in what is new and return the public state."""
        with self._lock:
            while (state := catch_up(self._source.journal, self.night)).seq != self.night.seq:
                self.night = state
            stack, last = self._source.picture(), self._source.last()
            if stack is not None and (stack is not self._rendered[0] or last is not self._rendered[1]):
                self._render(stack, last)
            self.state = public(state, *self._rendered, self._version, ended=is_over(state))
            return self.state

    def _render(self, stack: Picture, last: Picture | None) -> None:
        self._settled = steady(self._settled, stack, whole(PRESETS[self._source.preset]))
        self._version += 1
        self.picture = Jpeg(f"{self._version}", jpeg(developed(stack, self._settled, LONGEST_PX)))
        if last is not None and last.data.shape == stack.data.shape:
            alike = replace(last, noise_adu=stack.noise_adu)  # all is done as to the stack: what differs is in the data
            self.last = Jpeg(f"{self._version}", jpeg(developed(alike, self._settled, LONGEST_PX)))
        self._rendered = stack, last


def public(state: NightState, stack: Picture | None, last: Picture | None, version: int, *, ended: bool) -> Json:
    """Return what guests may know. No path, host or file name; the plain words are made here, once."""
    stacks = stack.parts if stack is not None and stack.parts else (state.stack,)
    stacked = [row for row in state.subs if row.state == "accepted" and row.stack in stacks]
    state = of_all(state, stack)
    latest = stacked[-1] if stacked else None
    ratio = finer(state, stack, last)
    return {
        "name": state.target or "",
        "photos": state.n_stacked,
        "light": span(state.exposure_s),
        "summary": summary(state),
        "first": since(state, stack),
        "latest": clock(latest.time or latest.judged) if latest else "",
        "photo": span(latest.exposure_s) if latest and latest.exposure_s else "",
        "grain": f"{ratio:.1f}×" if ratio and ratio > 1.05 else "",
        "bars": _bars([row.weight or 0.0 for row in stacked]),
        "version": version,
        "line": line(state, ended=ended),
        "ended": ended,
    }


def _bars(weights: list[float]) -> list[float]:
    """Return heights 0…1 of at most `_MOST_BARS` bars, in order of time."""
    if not weights:
        return []
    parts = np.array_split(np.asarray(weights), min(len(weights), _MOST_BARS))
    heights = np.array([part.mean() for part in parts])
    return [round(float(height), 2) for height in np.clip(heights / max(float(heights.max()), 1e-9), 0.2, 1.0)]
