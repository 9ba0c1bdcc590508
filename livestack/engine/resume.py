"""Bringing a session back: journal and subs rebuild everything, a checkpoint only shortens it.

What the user takes out or puts back is the same thing: a fold of the remaining subs with their journaled figures.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from livestack.engine.looking import settle, vanish
from livestack.engine.session import Lane, Session
from livestack.events import (
    Event,
    StackFounded,
    StackRestacked,
    SubAccepted,
    SubDropped,
    SubRejected,
    SubRestored,
)
from livestack.frame import STAR_DTYPE, Array, Identity, Masters, Quality
from livestack.reduce.fold import REJECTORS
from livestack.reduce.measure import measure
from livestack.reduce.weigh import OVERRULED
from livestack.stack import Stack
from livestack.stacks.checkpoint import Checkpoint, load_checkpoint
from livestack.stacks.core import core_of
from livestack.stacks.founding import Founding
from livestack.stacks.growth import Growth, Look, on_grid
from livestack.stacks.knowledge import Knowledge, known_of_sub
from livestack.stacks.lean import Subs
from livestack.stacks.prepare import Prepared, header_from_json, key_of, prepare
from livestack.stacks.refold import fold_again
from livestack.stacks.replay import START_OVER, Past, Word, replay
from livestack.stacks.waiting import MAX_WAITING, Waiting

_STAYS_OUT = "It fits no stack, or its file is gone or changed: it could not be put back."


def restore(session: Session, past: Past) -> None:
    """Give a new session the state that its journal says it had."""
    for word in past.words.values():
        if word.sha256 and word.quality is not None and not _is_copy(word):
            session.seen[word.sha256] = sys.intern(word.path)
    session.names |= set(past.founded)
    session.last_no = max(past.words, default=0)
    session.tally.hear([*past.words.values(), *(SubDropped(no, "", "") for no in past.dropped)])
    by_last_sub: list[tuple[int, Growth]] = []
    order = {no: place for place, no in enumerate(past.words)}
    for founding in past.founded.values():
        subs = past.subs_of(founding.stack)
        if founding.stack not in past.closed and (subs or founding.no in past.dropped):
            by_last_sub.append((max((order[sub.no] for sub in subs), default=-1), _grown(session, past, founding)))
    for _, growth in sorted(by_last_sub, key=lambda pair: pair[0]):
        key = key_of(growth.founding.header, growth.founding.shape[0])
        session.lanes.setdefault(key, Lane([], Waiting())).growths.append(growth)
        session.latest = growth
    for growth in [growth for _, growth in by_last_sub]:
        _catch_up(session, past, growth)
    for lane in session.lanes.values():
        _wait_again(session, lane, past)


def _is_copy(word: Word) -> bool:
    return isinstance(word, SubRejected) and word.reason == "duplicate"


def _grown(session: Session, past: Past, event: StackFounded) -> Growth:
    """Found a stack again as its events say, without its subs."""
    header = header_from_json(Path(event.path), event.header)
    matched = past.matched.get(event.stack)
    height, width = event.size
    shape = (height, width) if event.cfa or event.channels == 1 else (height, width, event.channels)
    masters = session.calibration.of(matched, header, shape) if matched else Masters()
    first = past.words[event.no]
    founding = Founding(
        stack=event.stack,
        header=header,
        shape=(event.channels, height, width),
        masters=masters,
        masters_id=matched.id if matched else "",
        quality=Quality(**(first.quality or {})),
        sky_adu=tuple(event.sky_adu),
        drizzle=event.drizzle,
    )
    nothing = Knowledge("", np.zeros(0, STAR_DTYPE), np.zeros(0, np.float32))
    growth = Growth(founding, nothing, REJECTORS[event.reject], session.threads)
    growth.origin = growth.knowledge = _origin(session, growth, first, past.subs_of(event.stack))
    return growth


def _origin(session: Session, growth: Growth, first: Word, subs: Subs) -> Knowledge:
    """Return what the founding sub told, measured again; if its file is gone, what the first that is there tells."""
    candidates = [first, *subs] if isinstance(first, SubAccepted) else list(subs)
    for sub in candidates:
        if isinstance(sub, SubAccepted) and not session.captures.gone([sub]):
            frame = session.captures.until_read(functools.partial(session.captures.read, sub))
            stars = on_grid(measure(frame, growth.founding.masters)[0], sub)
            light = growth.light(frame, sub)
            return known_of_sub(f"{growth.name}:{sub.sha256[:8]}", stars, light, growth.founding.shape)
    return growth.origin


def _catch_up(session: Session, past: Past, growth: Growth) -> None:
    """Fold the journaled subs of a stack: from the checkpoint if there is one, else from the first."""
    subs = past.subs_of(growth.name)

    def fold() -> tuple[Growth, list[SubAccepted], list[Look]]:
        fresh, looks = _begun(session, growth, subs), list[Look]()
        rest = subs[len(fresh.subs) :]
        gone = session.captures.gone(rest)
        for sub in rest:
            if sub not in gone:
                fold_again(fresh, sub, looks, session.captures.read)
        return fresh, gone, looks

    fresh, gone, looks = session.captures.until_read(fold)
    if gone:
        vanish(session, gone)
    session.swap(growth, fresh)
    if looks:
        last = looks[-1]
        if (fresh.name, last.event.n_subs, last.event.knowledge) not in past.looks:
            settle(session, fresh, last)


def _begun(session: Session, growth: Growth, subs: Subs) -> Growth:
    """Return a growth that goes on from its checkpoint, or an empty one."""
    fresh = growth.fresh()
    kept = load_checkpoint(checkpoint_path(session, growth.name))
    if kept is not None and _is_prefix(kept, subs, growth):
        fresh.core = core_of(kept)
        fresh.first, fresh.subs = None, subs[: kept.stack.n_subs]
        fresh.knowledge = Knowledge(kept.knowledge_id, kept.stars, kept.sky, kept.defects)
    return fresh


def _is_prefix(kept: Checkpoint, subs: Subs, growth: Growth) -> bool:
    alike = REJECTORS[kept.judged_by] is growth.rule and (kept.stack.drops is not None) == growth.founding.is_drizzled
    return kept.subs == subs[: kept.stack.n_subs].digest and alike


def _wait_again(session: Session, lane: Lane, past: Past) -> None:
    """Let the last subs that registered on no stack of a lane wait again."""
    names = {growth.name for growth in lane.growths}
    left_out = [
        word
        for word in past.words.values()
        if isinstance(word, SubRejected)
        and word.reason == "not_registered"
        and word.stack in names
        and word.no not in past.once_accepted
    ]
    for word in left_out[-MAX_WAITING:]:
        identity = Identity(Path(word.path), word.size, word.mtime_ns, 0)
        sub = prepare(word.arrival, identity, session.masters_of, session.threads)
        if isinstance(sub, Prepared) and sub.sha256 == word.sha256:
            lane.waiting.add(dataclasses.replace(sub, no=word.no))


def checkpoint_path(session: Session, stack: str) -> Path:
    """Where the checkpoint of a stack lies."""
    return session.cache / f"{stack}.checkpoint"


def checkpoint_of(growth: Growth) -> Checkpoint | None:
    """Return what is needed to go on from a growth's stack, not copied; None before its final look, and at its end."""
    if growth.first is not None or growth.core is None or growth.judged_again:
        return None
    core = growth.core
    return Checkpoint(
        stack=core.stack,
        guide=core.guide if core.guide is not None else Stack((0, 0, 0)),
        removed=_or_nothing(core.removed),
        contrast=_or_nothing(core.contrast),
        guide_contrast=_or_nothing(core.guide_contrast),
        told_at=core.told_at,
        subs=growth.subs.digest,
        judged_by=next(name for name, rule in REJECTORS.items() if rule is growth.rule),
        knowledge_id=growth.knowledge.id,
        stars=growth.knowledge.stars,
        sky=growth.knowledge.sky,
        defects=growth.knowledge.defects,
    )


def _or_nothing(picture: Array | None) -> Array:
    return np.zeros((0, 0), np.float32) if picture is None else picture


def drop(session: Session, numbers: list[int]) -> list[Event]:
    """Return the events that take subs out of their stacks; the stacks must be folded again."""
    past = replay(session.journal.follow())
    events: list[Event] = []
    for no in numbers:
        word = past.words.get(no)
        if isinstance(word, SubAccepted) and no not in past.dropped:
            events.append(SubDropped(no, word.stack, word.path))
    return events


def put_back(session: Session, numbers: list[int]) -> list[Event]:
    """Return the events that put dropped subs back; the stacks must be folded again."""
    past = replay(session.journal.follow())
    events: list[Event] = []
    for no in numbers:
        word = past.words.get(no)
        if isinstance(word, SubAccepted) and no in past.dropped:
            events.append(SubRestored(no, word.stack, word.path))
    return events


def take_in(session: Session, numbers: list[int], look: Callable[[], None]) -> None:
    """Stack subs that a verdict left out and the user wants in; those that cannot be stay out.

    Parameters
    ----------
    look : callable
        Looks at the subs of a stack, if it is time.
    """
    past = replay(session.journal.follow())
    for no in numbers:
        word = past.words.get(no)
        if isinstance(word, SubRejected) and word.reason in OVERRULED:
            if session.take_anyway(word):
                look()
            else:
                session.append(dataclasses.replace(word, sentence=_STAYS_OUT))  # who asked waits for a word


def start_over(session: Session) -> None:
    """Close the stacks in hand: the next sub founds a new one. Nothing is deleted."""
    for lane in session.lanes.values():
        for growth in lane.growths:
            session.append(StackRestacked(growth.name, len(growth.subs), START_OVER))
        lane.growths.clear()
    session.latest = None
