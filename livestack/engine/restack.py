"""Folding a whole stack again from its subs: beside the one that is shown, or as the second pass."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from livestack.engine.looking import look_if_due, settle, vanish
from livestack.engine.session import Session
from livestack.errors import FrameError, SourceError
from livestack.events import AlertCleared, AlertRaised, StackRestacked
from livestack.retries import READ_S
from livestack.stacks.growth import Growth, Look, ReadSub
from livestack.stacks.lean import Subs
from livestack.stacks.refold import fold_again, read_sub
from livestack.stacks.replay import replay
from livestack.stacks.room import NO_ROOM, gigabytes, lacking, needs_beside
from livestack.stacks.verdicts import looked

log = logging.getLogger("livestack")

AT_ONCE = 1
"""So many subs that came while the last ones were folded are folded between two subs."""


def second_pass(growth: Growth, read: ReadSub) -> None:
    """Judge every sub against the final stack of the first pass; the result takes its place.

    A sub's registration, weight, scale and sky stay as journaled.
    """
    if not growth.rule.least or len(growth.subs) < 2:
        return
    growth.judge_again(read)


@dataclass(slots=True)
class Work:
    """A stack that is being folded again.

    Attributes
    ----------
    shown : Growth
        What goes on meanwhile: subs that come are stacked on it.
    fresh : Growth
        What takes its place. Only the thread that folds touches it, while there is one.
    wanted : Subs
        What it is to hold. Replaced, never changed, by the thread that integrates; followed by the one that folds.
    n_shown : int
        Subs of what is shown that `wanted` accounts for.
    last_no : int
        The last sub when it began: looks at later ones are the night's own.
    whys : list of str
        What it was asked for.
    looks : list of Look
        On the way of `fresh`.
    read : callable
        The raw frame of a sub.
    folding : Future, optional
        None = it has not begun, or has more to do.
    """

    shown: Growth
    fresh: Growth
    wanted: Subs
    n_shown: int
    last_no: int
    whys: list[str]
    looks: list[Look] = field(default_factory=list)
    read: ReadSub = read_sub
    folding: Future[None] | None = None

    def want(self, subs: Subs) -> None:
        """Want other subs than so far."""
        self.wanted, self.n_shown = subs, len(self.shown.subs)

    def hear(self) -> None:
        """Want the subs, too, that came since."""
        came = self.shown.subs[self.n_shown :]
        if came:
            self.want(self.wanted + came)

    @property
    def n_left(self) -> int:
        """How many subs are to be folded yet: all, where the fresh stack holds some that are not wanted any more."""
        n = len(self.fresh.subs)
        return len(self.wanted) - n if self.fresh.subs == self.wanted[:n] else len(self.wanted)

    def fold(self, given_up: threading.Event, stopped: threading.Event) -> None:
        """Fold until all that is wanted is in; what is wanted may change meanwhile.

        Raises
        ------
        FrameError, SourceError
            A file cannot be read; a disk that fails is tried again until the engine is `stopped`.
        """
        checked = Subs()
        while not given_up.is_set():
            wanted, n = self.wanted, len(self.fresh.subs)
            if wanted is not checked and self.fresh.subs != wanted[:n]:
                self._begin_anew()
                continue
            checked = wanted
            if n == len(wanted):
                return
            try:
                fold_again(self.fresh, wanted[n], self.looks, self.read)
            except SourceError:
                if len(self.fresh.subs) > n:  # in a look, which leaves nothing
                    self._begin_anew()
                if stopped.wait(READ_S):
                    raise
            except FrameError:
                self._begin_anew()
                raise

    def _begin_anew(self) -> None:
        self.fresh, self.looks = self.fresh.fresh(), []


class Restacks:
    """Stacks that are folded again, one after the other, in a thread of their own, beside those that are shown.

    Where there is no room for two stacks, the new one takes the place of the old one before it is folded, and subs wait
    until it is. For the thread that integrates.

    Parameters
    ----------
    stopped : Event
        Set when the engine is told to stop: a disk that fails is not waited for any more.
    """

    def __init__(self, session: Session, stopped: threading.Event) -> None:
        self._session = session
        self._stopped = stopped
        self._given_up = threading.Event()
        self._works: list[Work] = []
        self._thread = ThreadPoolExecutor(1, "restack")

    @property
    def are_under_way(self) -> bool:
        """Whether there is a stack that is not folded again yet."""
        return bool(self._works)

    def begin(self, stack: str, why: str) -> None:
        """Fold a stack again from the subs that the journal says are in it now; asked again meanwhile, it goes on."""
        session = self._session
        growth = next((growth for growth in session.growths() if growth.name == stack), None)
        if growth is None:
            return
        subs = replay(session.journal.follow()).subs_of(stack)
        if gone := session.captures.gone(subs):
            vanish(session, gone)
        work = next((work for work in self._works if work.shown is growth), None)
        if work is None:
            work = Work(growth, growth.fresh(), Subs(), 0, session.last_no, [], read=session.captures.read)
            self._works.append(work)
        work.whys.append(why)
        work.want(Subs(sub for sub in subs if sub not in gone))
        if lack := self._lack(growth):
            del growth  # it makes room
            self._fold_in_place(work, lack)
        else:
            self.heed()

    def heed(self) -> bool:
        """Go on where something is done; whether a stack was swapped. For between two subs."""
        for work in self._works[:1]:
            if not any(growth is work.shown for growth in self._session.growths()):
                self._leave(work)
                return False
            work.hear()
            if work.folding is None:
                work.folding = self._thread.submit(work.fold, self._given_up, self._stopped)
            elif work.folding.done():
                return self._collect(work)
        return False

    def finish(self) -> None:
        """Return when all are folded and swapped."""
        while self._works:
            if (folding := self._works[0].folding) is not None:
                wait([folding])
            self.heed()

    def look_if_due(self) -> None:
        """Look at the subs of a stack, if it is time; one that is folded again looks on its way, and is finished."""
        due = self._session.due
        if due is not None and any(work.shown is due for work in self._works):
            self._session.due = None
            self.finish()
        look_if_due(self._session)

    def close(self) -> None:
        """Give up what is not done: a resumed session folds it from its journal."""
        self._given_up.set()
        self._thread.shutdown()

    def _collect(self, work: Work) -> bool:
        """Swap a stack whose subs are all folded, or let it go on; whether it was swapped."""
        folding, work.folding = work.folding, None
        try:
            if folding is not None:
                folding.result()
            left = work.n_left
            if left > AT_ONCE or (left and work.fresh.subs_until_look() <= left):
                return False
            work.fold(self._given_up, self._stopped)
        except FrameError:
            gone = self._session.captures.gone(work.wanted, by_content=True)
            if not gone:
                raise
            vanish(self._session, gone)
            work.wanted = Subs(sub for sub in work.wanted if sub not in gone)
            return False
        except SourceError as error:
            log.warning("%s was not folded again: %s", work.shown.name, error)
            self._works.remove(work)
            return False
        self._swap(work)
        return True

    def _swap(self, work: Work) -> None:
        """Put the fresh stack in the place of the one that was shown."""
        session, fresh = self._session, work.fresh
        self._works.remove(work)
        session.swap(work.shown, fresh)
        if work.looks:
            last = work.looks[-1]
            if fresh.subs[last.event.n_subs - 1].no > work.last_no:
                settle(session, fresh, last)
            else:  # the verdicts on subs that were looked at before stay
                session.append(*looked(last, fresh.subs, fresh.founding.header))
        session.append(StackRestacked(fresh.name, len(fresh.subs), "; ".join(work.whys)))

    def _leave(self, work: Work) -> None:
        """Forget a stack that gave way to another meanwhile."""
        self._given_up.set()
        if work.folding is not None:
            wait([work.folding])
        self._given_up.clear()
        self._works.remove(work)
        for growth in self._session.growths():
            if growth.name == work.shown.name:
                self._session.append(StackRestacked(growth.name, len(growth.subs), "; ".join(work.whys)))

    def _lack(self, growth: Growth) -> str:
        """Say what there is not enough of for two stacks at once; empty = there is."""
        founding, jobs = growth.founding, self._session.running.workers
        needed = needs_beside(founding.shape, looks=bool(growth.rule.looks), jobs=jobs, drizzled=founding.is_drizzled)
        needed += self._session.bytes_of_stacks()
        allowed = lacking(needed, self._session.running.memory_mb * 1_000_000)
        return f"two stacks at once need about {gigabytes(needed)}, {allowed}" if allowed else ""

    def _fold_in_place(self, work: Work, lack: str) -> None:
        """Let the old stack go, then fold the new one, while subs wait."""
        session, rule, nothing = self._session, f"{NO_ROOM} {work.shown.name}", work.fresh.fresh()
        session.append(AlertRaised(rule, f"Subs that come wait meanwhile: {lack}."))
        session.swap(work.shown, nothing)
        work.shown, work.n_shown = nothing, 0
        self.finish()
        session.append(AlertCleared(rule))
