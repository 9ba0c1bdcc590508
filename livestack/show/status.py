"""What the status pill and the advice line say: a pure function of the night's state and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from livestack.counted import count
from livestack.show.advice import HANDS, TRENDS, asked_for
from livestack.show.changing import changing_words
from livestack.show.state import NightState, SubRow, Word
from livestack.show.words import REASON_WORDS, THIN, about, as_sentence, clock, place, sentence_case, span
from livestack.stacks.room import NO_ROOM

LEFT_OUT_SHOWN = timedelta(seconds=8)
BACK_SHOWN = timedelta(seconds=10)
FLIP_SHOWN = TARGET_SHOWN = timedelta(seconds=60)
TRAIL_SHOWN = timedelta(seconds=30)
CLOUD_RUN, BEHIND = 3, 3
"""Subs in a row that make a cloud; that wait when stacking falls behind."""
ADVICE_STAYS = timedelta(seconds=30)
_SAID_BY_PILL = ("clouds", "no new sub", "behind")  # alerts that are states of their own
_OLD = timedelta(days=1)  # of a sub that is not of tonight, wherever the camera's clock thinks it is: none follows it
_YOUNG = 12  # subs, while it is told which masters the stack lacks
_FOLDED_AGAIN = 30  # subs that the looks of a stack fold once more: 4, 6, 8 and 12


@dataclass(frozen=True, slots=True)
class Status:
    """A state in words and shape.

    Attributes
    ----------
    icon : str
        Name of an icon.
    tone : str
        plain, good, hold (amber) or bad (coral).
    word, detail, advice : str
        The pill's two parts and the line below.
    framed : bool
        The pill's border has the tone's colour.
    """

    icon: str
    tone: str
    word: str
    detail: str
    advice: str
    framed: bool = False


def status(state: NightState, now: datetime, *, alive: bool = True) -> Status:
    """Return the state to show: the most serious that holds.

    Parameters
    ----------
    state : NightState
        After all records so far.
    now : datetime
        Timezone-aware.
    alive : bool
        Whether the engine still runs, as far as that can be known.
    """
    if state.stopped is not None:
        return _stopped(state)
    if not alive:
        return Status(
            "triangle",
            "bad",
            "Stopped",
            "session safe",
            "livestack ended without a word. Watch the same folder again: it goes on where it was.",
            framed=True,
        )
    for say in _BY_WEIGHT:
        said = say(state, now)
        if said is not None:
            return said
    return _stacking(state, now)


def _stopped(state: NightState) -> Status:
    assert state.stopped is not None
    at, sentence = state.stopped.time, state.stopped.sentence
    if state.exit_code == 0:
        done = f"{count(state.n_stacked, 'sub')}, {about(state.exposure_s)}" if state.n_stacked else ""
        removed = f" {removed_trails(state)}." if state.trails else ""
        return Status("check", "good", "Finished", done, (sentence or "The stack is saved.") + removed)
    if state.exit_code == 130:
        advice = f"Stopped at {clock(at)}. Watch the same folder again to go on; nothing is stacked twice."
        return Status("pause", "plain", "Stopped", "session saved", advice)
    return Status("triangle", "bad", "Stopped", "session safe", sentence, framed=True)


def _lost(state: NightState, now: datetime) -> Status | None:
    if state.lost is None:
        return None
    since = clock(state.lost.time)
    word = "Folder gone" if state.lost.rule == state.folder else "Disk trouble"
    advice = state.lost.sentence or (
        f"The folder {place(state.folder)} went away at {since}. Check the cable or the network. The stack is safe."
    )
    return Status("plug", "bad", word, f"since {since}, trying again", advice, framed=True)


def _paused(state: NightState, now: datetime) -> Status | None:
    if state.held is None:
        return None
    waiting = f"{count(state.n_waiting, 'sub')} wait" + ("s" if state.n_waiting == 1 else "")
    advice = f"Paused at {clock(state.held.time)}. Press R to go on: subs that come meanwhile will be stacked."
    return Status("pause", "hold", "Paused", waiting if state.n_waiting else "subs wait in line", advice, framed=True)


def _waiting(state: NightState, now: datetime) -> Status | None:
    if state.subs:
        return None
    if state.n_found:
        advice = "Getting ready for this camera. Nothing is lost, subs wait in line."
        return Status("clock", "good", "Getting ready", "a few seconds, once", advice)
    if state.silent is not None:
        return Status("ring", "plain", "Waiting for the first sub", "", state.silent.sentence)
    detail = f"watching {place(state.folder)}" if state.folder else ""
    return Status("ring", "plain", "Waiting for the first sub", detail, "The picture appears with the first sub.")


def _just_back(state: NightState, now: datetime) -> Status | None:
    if state.back is not None and now - state.back.time < BACK_SHOWN:
        return Status("check", "good", "Back", "the folder is there again", "Subs that came meanwhile are stacked now.")
    if state.resumed is not None and now - state.resumed.time < BACK_SHOWN:
        advice = "Picked up where it stopped. Nothing was stacked twice."
        return Status("check", "good", "Going on", state.resumed.sentence, advice)
    return None


def _cloud(state: NightState, now: datetime) -> Status | None:
    run: list[SubRow] = []
    for row in reversed(state.subs):
        if row.reason != "clouded":
            break
        run.append(row)
    if len(run) < CLOUD_RUN:
        return None
    since = clock(run[-1].time or run[-1].judged)
    advice = f"Cloud since {since}: {count(len(run), 'sub')} left out. Stacking resumes by itself."
    return Status("cloud", "hold", "Holding", f"cloud since {since}", advice, framed=True)


def _left_out(state: NightState, now: datetime) -> Status | None:
    last = state.last
    if last is None or last.state != "rejected" or now - last.judged > LEFT_OUT_SHOWN:
        return None
    reason = REASON_WORDS.get(last.reason or "", last.reason or "")
    return Status("cross", "hold", f"Sub {last.no} left out", reason, sentence_case(last.sentence))


def _updating(state: NightState, now: datetime) -> Status | None:
    if not state.changing.subs:
        return None
    detail = changing_words((no, out) for _, no, out in state.changing.subs)
    n_folds = state.n_stacked + _FOLDED_AGAIN
    pace = f", in about {about(state.seconds_per_sub * n_folds)}" if state.seconds_per_sub else ""
    advice = f"The picture changes when it is ready{pace}."
    why_subs_wait = [alert.sentence for alert in state.alerts if alert.rule.startswith(NO_ROOM)]
    return Status("clock", "good", "Updating", detail, " ".join([advice, *why_subs_wait]))


def falls_behind(state: NightState, least: int = BEHIND) -> bool:
    """Whether subs come faster than they are stacked, and so many wait; not those that were there before."""
    pace, cadence = state.seconds_per_sub, state.cadence_s
    late = pace is not None and cadence is not None and pace > cadence
    return late and least <= state.n_waiting < 0.5 * state.n_found


def _backlog(state: NightState, now: datetime) -> Status | None:
    waiting, pace, cadence = state.n_waiting, state.seconds_per_sub, state.cadence_s
    if waiting < BEHIND:
        return None
    if pace is not None and cadence is not None and falls_behind(state):
        advice = (
            f"Subs come every {span(cadence)}, stacking takes {pace:.1f}{THIN}s, {60 / pace:.0f} a minute. "
            f"None is dropped, {waiting} wait in line."
        )
        return Status("clock", "hold", f"Behind by {count(waiting, 'sub')}", "catching up", advice, framed=True)
    left = f"{about(pace * waiting)} left" if pace else ""
    advice = "Pictures that were already there are stacked first, new ones wait."
    return Status("clock", "good", f"Stacking {len(state.subs)} of {state.n_found}", left, advice)


def quiet_since(state: NightState) -> datetime:
    """Return when a sub came last, or livestack or the folder came back, if that was later; there are subs."""
    last, back = state.last, (word.time for word in (state.resumed, state.back) if word is not None)
    assert last is not None
    return max((last.judged, *back))


def _silent(state: NightState, now: datetime) -> Status | None:
    if state.silent is None:
        return None
    since = f"for {about((now - quiet_since(state)).total_seconds())}" if state.subs else ""
    is_alert = any(alert.rule == "no new sub" for alert in state.alerts)
    return Status("ring", "hold" if is_alert else "plain", "No new sub", since, state.silent.sentence, framed=is_alert)


def _new_target(state: NightState, now: datetime) -> Status | None:
    """Say that the telescope went elsewhere, and what became of what was stacked before."""
    if not state.target or _alerts(state):
        return None
    judged = now
    for row in reversed(state.subs):
        if row.target == state.target:
            judged = row.judged
        elif row.state == "accepted" and row.target:
            is_known = any(other.target == state.target and other.no < row.no for other in state.subs)
            goes_on = f"{state.target} goes on where it was" if is_known else "New target"
            advice = f"{goes_on}. The stack of {row.target} is saved."
            return Status("dot", "good", "Stacking", f"now {state.target}", advice)
        if now - judged >= TARGET_SHOWN:
            break
    return None


def _first(state: NightState, now: datetime) -> Status | None:
    if state.n_stacked == 0:
        why = sentence_case(state.subs[-1].sentence)
        return Status("cross", "hold", "Nothing stacked yet", f"{count(len(state.subs), 'sub')} left out", why)
    if state.n_stacked == 1:
        advice = f"Sub {_founder(state)} is on screen. One more and the stack begins."
        return Status("dot", "good", "First sub in", "stacking starts with the next", advice)
    return None


def _founder(state: NightState) -> int:
    return next(row.no for row in state.subs if row.state == "accepted" and row.stack == state.stack)


_BY_WEIGHT: tuple[Callable[[NightState, datetime], Status | None], ...] = (
    _lost,
    _paused,
    _waiting,
    _just_back,
    _updating,
    _cloud,
    _left_out,
    _backlog,
    _silent,
    _new_target,
    _first,
)


def _stacking(state: NightState, now: datetime) -> Status:
    advice = asked_for(state) or _crossed(state, now) or _uncalibrated(state) or next_gain(state)
    tone, alerts = "good", _alerts(state)
    # trends are told above, as they are now, and nobody can change the sky
    told = [alert.sentence for alert in alerts if alert.rule not in (*TRENDS, *_SAID_BY_PILL)]
    if told or any(alert.rule in HANDS for alert in alerts):
        advice, tone = told[-1] if told else advice, "hold"
    if state.flip is not None and now - state.flip.time < FLIP_SHOWN:
        turned = f"Meridian flip at {clock(state.flip.time)}. The picture keeps its direction."
        return Status("check", "good", "Stacking", "after the flip", turned)
    last = state.last
    detail = ""
    icon = "dot" if tone == "good" else "triangle"
    if last is not None and last.time is not None and last.judged - last.time > _OLD:
        detail = f"watching {place(state.folder)}" if state.folder else ""
    elif last is not None and state.cadence_s:
        left = state.cadence_s - (now - last.judged).total_seconds()
        detail = f"next sub in {span(left)}" if left >= 0.5 else "next sub any moment"
    return Status(icon, tone, "Stacking", detail, advice)


def _alerts(state: NightState) -> list[Word]:
    """Return the alerts but those of other stacks: no sub that comes now could end them."""
    others = state.grids.keys() - {state.stack}
    return [alert for alert in state.alerts if alert.rule.partition(" ")[2] not in others]


def _crossed(state: NightState, now: datetime) -> str | None:
    """Say that something crossed the last sub, while that is news."""
    last = state.last
    if last is None or now - last.judged > TRAIL_SHOWN or not any(trail.no == last.no for trail in state.trails):
        return None
    return f"A satellite crossed sub {last.no} and was taken out. {removed_trails(state)} so far."


def _uncalibrated(state: NightState) -> str | None:
    """Say what the masters lack, while the stack is young."""
    if not state.masters_missing or state.n_stacked >= _YOUNG:
        return None
    missing = state.masters_missing[0]
    after = " Hot pixels stay; dithering hides most." if missing.startswith("no dark") else ""
    return as_sentence(missing) + after


def removed_trails(state: NightState) -> str:
    """Return how many trails were taken out of the present stack: 3 trails removed."""
    return f"{count(len(state.trails), 'trail')} removed"


def calm(before: tuple[Status, datetime] | None, shown: Status, now: datetime) -> tuple[Status, datetime]:
    """Return the status to show and since when its advice stands: an advice that hurries nobody stays a while.

    Parameters
    ----------
    before : (Status, datetime), optional
        What was returned the last time.
    """
    if before is None or before[0].advice == shown.advice or shown.tone in ("hold", "bad"):
        return shown, now if before is None or before[0].advice != shown.advice else before[1]
    if before[0].word != shown.word or before[0].tone != shown.tone or now - before[1] >= ADVICE_STAYS:
        return shown, now
    return replace(shown, advice=before[0].advice), before[1]


def next_gain(state: NightState) -> str:
    """Say what more light would bring: grain falls with the square root of it."""
    if state.n_stacked < 3 or not state.exposure_s:
        return "Each sub makes the picture cleaner."
    per_sub = state.cadence_s or state.exposure_s / state.n_stacked
    seconds = (1.1**2 - 1.0) * state.n_stacked * per_sub
    if seconds >= 3600:
        return "From here each 10" + THIN + "% costs an hour or more. A good time to change target."
    return sentence_case(f"{about(seconds)} more make the picture 10{THIN}% cleaner.")
