"""The night in a guest's words: what the screen for an audience and the page say, made once and without a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from livestack.counted import count
from livestack.frame import Picture
from livestack.show.card import kind_of, name_of
from livestack.show.numbers import finer, of_all
from livestack.show.source import engine_alive
from livestack.show.state import NightState
from livestack.show.words import clock, fixed
from livestack.sky.catalogue import named

_SOON = "Starting soon"
_WORTH_TELLING = 1.05
"""From so many times finer grain on it is said."""


@dataclass(frozen=True, slots=True)
class Told:
    """What guests are told beside the picture. No path, host or file name.

    Attributes
    ----------
    name : str
        Of what is seen; "" = not known.
    meaning : str
        One line about it.
    facts : tuple of (number, what is counted)
    coming : float, optional
        Share of the time to the next photo that has passed, 0…1; None = it is not known, or none comes.
    """

    name: str
    meaning: str
    facts: tuple[tuple[str, str], ...] = ()
    coming: float | None = None


def told(state: NightState, stack: Picture | None, last: Picture | None, now: datetime) -> Told:
    """Return what is told of a session.

    Parameters
    ----------
    state : NightState
        After all records so far.
    stack, last : Picture, optional
        The newest pictures of the stack and of its last sub.
    now : datetime
        Timezone-aware.
    """
    trails = len(state.trails)
    state = of_all(state, stack)
    name, kind = name_of(state.target or ""), kind_of(named(state.target or ""))
    if not state.n_stacked:
        return Told(name or _SOON, line(state, ended=is_over(state)))
    facts = [*counted(state)]
    if trails:
        facts.append((f"{trails:,}", "satellite taken out" if trails == 1 else "satellites taken out"))
    meaning, finest = line(state, ended=is_over(state)), _grain(state, stack, last)
    if state.n_stacked > 1 and not _pauses(state):
        if kind.meaning:
            meaning, facts = kind.meaning, facts + ([(finest, "finer grain")] if finest else [])
        elif finest:
            begun = since(state, stack)
            meaning = f"{f'Light gathered since {begun}: ' if begun else ''}{finest} finer grain than a single photo"
    return Told(name, meaning, tuple(facts), _coming(state, now))


def counted(state: NightState) -> tuple[tuple[str, str], ...]:
    """Return how many photos there are, and how much light, as numbers and what they count."""
    if not state.n_stacked:
        return ()
    minutes = round(state.exposure_s / 60)
    spans = [count(minutes, "minute") if state.exposure_s >= 60 else count(round(state.exposure_s), "second")]
    if minutes >= 60:
        hours, rest = divmod(minutes, 60)
        spans = [count(hours, "hour"), *([count(rest, "minute")] if rest else [])]
    number, unit = " ".join(spans).split(" ", 1)
    photos, noun = count(state.n_stacked, "photo").split(" ")
    return ((photos, noun), (number, f"{unit} of light"))


def summary(state: NightState) -> str:
    """Say how much light there is: 112 photos, 37 minutes of light."""
    return ", ".join(f"{number} {what}" for number, what in counted(state))


def line(state: NightState, *, ended: bool) -> str:
    """Say in one sentence where the night stands."""
    if ended:
        return "This night has ended. The picture stays." if state.n_stacked else "This night has ended."
    if state.n_stacked == 0:
        return "The first photo is on its way."
    if state.n_stacked == 1:
        return "This is a single photo. Each new one makes the picture clearer."
    if state.held is not None or state.lost is not None:
        return "A short break at the telescope."
    return "The telescope adds photo after photo; faint things rise out of the grain."


def is_over(state: NightState) -> bool:
    """Whether no photo comes any more."""
    return state.stopped is not None or not engine_alive(state)


def since(state: NightState, stack: Picture | None) -> str:
    """Return when the first photo of a picture was taken, as a clock time; "" when that is not known."""
    stacks = stack.parts if stack is not None and stack.parts else (state.stack,)
    first = next((row for row in state.subs if row.state == "accepted" and row.stack in stacks), None)
    return "" if first is None else clock(first.time or first.judged)


def _pauses(state: NightState) -> bool:
    return is_over(state) or state.held is not None or state.lost is not None


def _grain(state: NightState, stack: Picture | None, last: Picture | None) -> str:
    """Return how many times finer the grain is than that of a photo, where that is worth telling."""
    ratio = finer(state, stack, last)
    return f"{fixed(ratio, 0 if ratio >= 99.95 else 1)}×" if ratio is not None and ratio >= _WORTH_TELLING else ""


def _coming(state: NightState, now: datetime) -> float | None:
    last = state.last
    if last is None or not state.cadence_s or _pauses(state):
        return None
    passed = (now - last.judged).total_seconds() / state.cadence_s
    return min(max(passed, 0.0), 1.0)
