"""The four numbers that every face leads with, from the night's state and its newest pictures."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from statistics import median

from livestack.counted import count
from livestack.frame import Picture
from livestack.show.state import NightState
from livestack.show.words import THIN, UNKNOWN, clock, fixed, span, span_parts

Value = tuple[tuple[tuple[str, str], ...], str]
"""Numbers with their units, and the line below them."""


_OF_ONE_CHANNEL = ("L", "R", "G", "B")


def filter_of(state: NightState) -> str | None:
    """Return the filter to name: a header's that would make one channel of a colour camera's stack is no true one."""
    if not (state.colour and state.filter):
        return state.filter
    from livestack.develop.compose import filter_named

    return None if filter_named(state.filter) in _OF_ONE_CHANNEL else state.filter


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the glance bar says, and what is stacked."""

    stacked: Value
    light: Value
    grain: Value
    stars: Value
    target: str
    exposure: str

    @property
    def cells(self) -> tuple[Value, Value, Value, Value]:
        """In order from left to right."""
        return self.stacked, self.light, self.grain, self.stars


def of_all(state: NightState, picture: Picture | None) -> NightState:
    """Return the state with the totals of all stacks that a picture joins, if it joins the present one with others."""
    parts = picture.parts if picture is not None else ()
    if state.stack not in parts:
        return state
    rows = [row for row in state.subs if row.stack in parts]
    stacked = [row for row in rows if row.state == "accepted"]
    return dataclasses.replace(
        state,
        n_stacked=len(stacked),
        n_left_out=len(rows) - len(stacked),
        exposure_s=sum(row.exposure_s or 0.0 for row in stacked),
    )


def numbers(state: NightState, picture: Picture | None, last: Picture | None) -> Numbers:
    """Return what to show; – where it is not known."""
    state = of_all(state, picture)
    stacks = picture.parts if picture is not None and picture.parts else (state.stack,)
    first = next((row for row in state.subs if row.state == "accepted" and row.stack in stacks), None)
    left_out = f"{state.n_left_out:,} left out" if state.n_left_out else "none left out"
    since = f"since {clock(first.time or first.judged)}" if first else ""
    unit = "sub" if state.n_stacked == 1 else "subs"
    exposures = {row.exposure_s for row in state.subs[-9:] if row.state == "accepted" and row.exposure_s}
    return Numbers(
        stacked=(((f"{state.n_stacked:,}", unit),), left_out),
        light=(span_parts(state.exposure_s), since),
        grain=_grain(state, picture, last),
        stars=_star_size(state),
        target=state.target or "",
        exposure=span(exposures.pop()) if len(exposures) == 1 else "",
    )


def finer(state: NightState, picture: Picture | None, last: Picture | None) -> float | None:
    """Return how many times finer the stack's grain is than one sub's.

    Measured from the two pictures where there are both of one stack, for they lie on one grid; else from the weights.
    """
    if state.n_stacked < 2:
        return None
    if picture is not None and last is not None and picture.n_subs > 1 and not picture.parts:
        ratio = last.noise_adu / picture.noise_adu if picture.noise_adu > 0.0 else math.nan
        if math.isfinite(ratio) and ratio > 0.0:
            return ratio
    return math.sqrt(state.weight_sum) if state.weight_sum > 0.0 else None


def _grain(state: NightState, picture: Picture | None, last: Picture | None) -> Value:
    ratio = finer(state, picture, last)
    if ratio is None:
        return ((UNKNOWN, ""),), "from the second sub"
    return ((f"{fixed(ratio, 0 if ratio >= 99.95 else 1)}×", "finer"),), "than one sub"


def _star_size(state: NightState) -> Value:
    now = state.fwhm_px
    if now is None:
        return ((UNKNOWN, ""),), ""
    early = [row.fwhm_px for row in state.subs if row.state == "accepted" and row.fwhm_px][:9]
    before = median(early)
    steady = abs(now - before) < 0.1 * before
    below = "steady" if steady else f"{fixed(before, 1)}{THIN}px at first"
    return ((fixed(now, 1), "px"),), below if len(early) > 2 else count(len(early), "sub") + " so far"
