"""Threads, order, back-pressure, stop: from a stream of found files to a running session.

Files are found by one thread, prepared by a few, integrated by one, in the order they were found. What is found is
numbered in the journal first, so a killed session keeps its order.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from livestack import events
from livestack.bus import Mailbox, Slots
from livestack.counted import count
from livestack.engine import disk
from livestack.engine.ahead import Ahead
from livestack.engine.disk import Disk
from livestack.engine.pace import Pace
from livestack.engine.plan import Plan
from livestack.engine.presence import Presence
from livestack.engine.publish import Publisher
from livestack.engine.requests import Requests
from livestack.engine.restack import Restacks, second_pass
from livestack.engine.resume import restore
from livestack.engine.session import Session
from livestack.errors import SessionError, SettingsError, SourceError
from livestack.events import Event, Record, SubAccepted
from livestack.frame import Identity
from livestack.journal import Journal
from livestack.read import close_decoders, file_of
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.stacks.captures import Captures
from livestack.stacks.growth import Growth
from livestack.stacks.prepare import Prepared
from livestack.stacks.replay import Past, replay
from livestack.stacks.verdicts import why_nothing
from livestack.version import VERSION
from livestack.watch import Arrival, SourceChange

log = logging.getLogger("livestack")

TICK_S = 0.1
"""How often requests and the clock are looked at while nothing comes."""


class Engine:
    """Runs a session to its end. `run` blocks; `stop` may be set from anywhere.

    Attributes
    ----------
    mailbox : Mailbox of Record
        Every event, for a reader in this process.
    pictures : Slots
        The newest pictures, for a reader in this process.
    ready, fluent : Event
        Set, but by who has something to do before: until then subs are found, and the first one is shown as it is; or
        the first one is stacked, and others wait.

    Parameters
    ----------
    seen : bool
        Whether anybody in this process will ask for previews; for other processes they are in the cache.
    say : callable
        Hears what the journal cannot be told, because its disk does not take it.
    """

    def __init__(
        self, home: Home, plan: Plan, settings: Settings, *, seen: bool = True, say: Callable[[str], None] = log.warning
    ) -> None:
        self.home = home
        self.plan = plan
        self.settings = settings
        self.stop, self.ready, self.fluent = threading.Event(), threading.Event(), threading.Event()
        self.ready.set()
        self.fluent.set()
        self.mailbox: Mailbox[Record] = Mailbox()
        self.pictures = Slots.empty(asked=seen)
        self.sentence = ""
        self._cores = os.cpu_count() or 1
        self._jobs = settings.running.workers
        self._inbox: queue.SimpleQueue[tuple[int, Arrival] | SourceChange | Exception | None] = queue.SimpleQueue()
        self._todo: deque[tuple[int, Arrival]] = deque()
        self._disk = Disk(home.cache / "reserve", home.path, self.stop, say)
        self._pace = Pace(2 * (self._jobs + 1))
        self._source = Presence(
            plan.folder, plan.idle_s, self.stop, lambda event: self._tell(self._journal.append(event))
        )
        self._fed = False
        self._accepted: SubAccepted | None = None
        self._notes: queue.SimpleQueue[Sequence[Event]] = queue.SimpleQueue()

    def note(self, said: Sequence[Event]) -> None:
        """Have events written that somebody else found, between two subs; may be called from any thread."""
        self._notes.put(said)

    def run(self) -> int:
        """Run until told to stop or done; returns the exit code."""
        with (
            ThreadPoolExecutor(self._jobs, "prepare") as self._workers,
            ThreadPoolExecutor(self._cores, "fold") as self._threads,
        ):
            self._journal = Journal(self.home.journal, create=True, refused=self._disk.refused)
            self._publisher = Publisher(
                self.home, self._threads, self.pictures, self._disk, self.settings.showing.preset
            )
            try:
                return self._run()
            except (SettingsError, SessionError) as error:
                self.sentence = str(error)
                self.stop.set()
                self._tell(self._journal.append(self._stopped(2)))
                return 2
            except SourceError as error:
                code = 130 if self.stop.is_set() else 4
                self.sentence = str(error)
                self._tell(self._journal.append(self._stopped(code)))
                return code
            except sqlite3.DatabaseError:  # told to stop, and it cannot even be journaled
                raise
            except Exception:  # the one broad except: a bug must not cost the night
                log.exception("a bug: the session is safe")
                self.sentence = f"Something broke. The session is safe; details are in {self.home.log}."
                self.stop.set()
                self._tell(self._journal.append(self._stopped(1)))
                return 1
            finally:
                self.stop.set()
                self._publisher.close()
                self._disk.close()
                if session := getattr(self, "_session", None):
                    self._restacks.close()
                    session.calibration.close()
                close_decoders()
                self._journal.close()

    def _run(self) -> int:
        session = self._session = Session(self._journal, self.settings, self.home.cache, self._threads, self._tell)
        self._ahead = Ahead(self._workers, session, self._why_away)
        session.captures = Captures(self._why_away, self._source.wait)
        self._restacks = Restacks(session, self.stop)
        session.draw = self._draw
        self._requests = Requests(session, self._restacks, self._publisher, self._tell)
        past = replay(self._journal.follow())
        self._tell(self._journal.append(*self._opening(past)))
        while past.started and not (self.fluent.wait(TICK_S) or self.stop.is_set()):
            pass
        restore(session, past)
        self._source.is_read()
        arrivals = self._journal.arrivals()
        integrated = {word.arrival for word in past.words.values()}
        self._todo.extend(
            (no, Arrival(identity, True)) for no, identity, use in arrivals if use and no not in integrated
        )
        self._publisher.show_latest(session)
        feeder = threading.Thread(target=self._feed, args=([i for _, i, _ in arrivals],), name="find", daemon=True)
        feeder.start()
        self._loop()
        code = self._verdict()
        if code in (0, 130):
            self._finish_stacks(code)
            if code == 0 and (why := self._disk.unsaved):
                code, self.sentence = 4, why
        elif code == 4:
            self._requests.save_all()
        self.stop.set()
        feeder.join(5.0)
        self._tell(self._journal.append(self._stopped(code)))
        return code

    def _opening(self, past: Past) -> list[Event]:
        settings = self.settings.to_dict()
        started = events.SessionStarted(
            self.plan.folder, VERSION, settings, past.started, os.getpid(), socket.gethostname()
        )
        # what a session left open that was killed is raised anew if it still is so
        open_alerts = self._journal.rows("SELECT rule FROM alert WHERE cleared_utc IS NULL")
        over = [events.AlertCleared(disk.RULE)] if {"rule": disk.RULE} in open_alerts else []
        before = past.settings.get("processing")
        now = settings["processing"]
        if not past.started or before == now or not isinstance(before, dict):
            return [started, *over]
        changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        return [started, events.SettingsChanged(settings, changed), *over]

    def _feed(self, known: list[Identity]) -> None:
        """Give numbers to what is found, in the order found; runs in its own thread."""
        try:
            for batch in self.plan.batches(known, self.stop):
                if isinstance(batch, SourceChange):
                    self._inbox.put(batch)
                    continue
                self._why_away()  # where it is now, these are
                used = [(arrival, not self.plan.skip(arrival.identity)) for arrival in batch]
                numbers = self._journal.arrive((arrival.identity, use) for arrival, use in used)
                for no, (arrival, use) in zip(numbers, used, strict=True):
                    if use:
                        self._inbox.put((no, arrival))
            self._inbox.put(None)
        except Exception as error:  # carried to the thread that may end the session
            self._inbox.put(error)

    def _loop(self) -> None:
        busy_at = time.monotonic()
        while not (self.stop.is_set() or self._source.gave_up):
            worked = self._take_inbox()
            if self.ready.is_set():
                self._fill_hand()
            elif self._todo:
                self._publisher.glance([arrival.identity.path for _, arrival in self._todo])
            worked |= self._requests.answer()
            self._write_news()
            if self._restacks.heed():
                self._publisher.show_latest(self._session)
                worked = True
            self._source.look(self._why_away, tried=bool(self._ahead))
            if self._ahead and not self._requests.held and (self.fluent.is_set() or self._session.latest is None):
                self._integrate_next()
                worked = True
            if worked or not self.fluent.is_set():
                busy_at = time.monotonic()
            self._save(idle_s=time.monotonic() - busy_at)
            if not worked:
                if self._is_done(time.monotonic() - busy_at):
                    return
                self._wait()

    def _write_news(self) -> None:
        """Journal what others found, and what there is to tell of the disk."""
        news = self._disk.news()
        while not self._notes.empty():
            news += self._notes.get()
        if news:
            self._tell(self._journal.append(*news))

    def _wait(self) -> None:
        """Sleep until something is found, or a tick."""
        try:
            item = self._inbox.get(timeout=TICK_S)
        except queue.Empty:
            return
        self._take(item)

    def _take_inbox(self) -> bool:
        took = False
        while not self._inbox.empty():
            took |= self._take(self._inbox.get())
        return took

    def _take(self, item: tuple[int, Arrival] | SourceChange | Exception | None) -> bool:
        if isinstance(item, Exception):
            raise item
        if item is None:
            self._fed = True
        elif isinstance(item, SourceChange):
            self._source.hear(item)
        else:
            self._todo.append(item)
            return True
        return False

    def _why_away(self) -> str:
        return self.plan.why_away(lambda: [file_of(identity.path) for _, identity, _ in self._journal.arrivals()])

    def _fill_hand(self, n_taken: int = 0) -> None:
        """Keep as many subs prepared as there are workers, in order; none while a look takes the memory."""
        until_look = self._session.subs_until_look() - n_taken
        self._ahead.fill(self._todo, min(self._jobs, until_look))

    def _integrate_next(self) -> None:
        """Integrate the next sub; while its disk does not answer or its folder is away, keep it and try again."""
        try:
            taken = self._ahead.take()
        except SourceError as error:
            with contextlib.suppress(SourceError):  # the end: nothing is lost by it, the stack is saved
                self._source.wait(str(error))
            return
        if taken is None:
            return
        self._fill_hand(n_taken=1)  # the next one is prepared while this one is folded
        arrival, item = taken
        self._source.is_read()
        self._accepted = None
        self._publisher.let_go()
        self._session.integrate(item)
        shown = self._accepted is not None and isinstance(item, Prepared)
        del item, taken  # a look needs the room
        self._restacks.look_if_due()
        self._pace.stacked(len(self._todo) + len(self._ahead), changed=shown)
        if self._pace.may_show():
            self._publisher.show_latest(self._session, arrival)
        elif shown:
            self._publisher.keep_latest(self._session)

    def _draw(self, growth: Growth) -> None:
        """Begin the next picture while the journal is written, where there will be one now."""
        if self._pace.would_show() and not growth.look_is_due():
            self._publisher.draw(growth)

    def _is_done(self, idle_s: float) -> bool:
        if self._restacks.are_under_way or self._ahead or self._todo or not self._inbox.empty() or self._requests.held:
            return False
        if self.plan.idle_s is None:
            return False
        return self._fed if self.plan.idle_s == 0 else self._fed or idle_s >= self.plan.idle_s

    def _save(self, idle_s: float) -> None:
        if self._restacks.are_under_way:  # a file must not hold what was taken out
            return
        every_s = self._pace.save_every_s(self.settings.running.save_every_s)
        if saved := self._publisher.save_if_due(self._session, every_s, idle_s):
            self._tell(self._journal.append(*saved))

    def _finish_stacks(self, code: int) -> None:
        self._restacks.finish()
        if code == 0 and (self.plan.judges_again or self.settings.processing.passes == 2):
            for growth in self._session.growths():
                second_pass(growth, self._session.captures.read)
                self._publisher.touch(growth)
        self._requests.save_all()

    def _verdict(self) -> int:
        n = self._session.tally.n_accepted
        if self.stop.is_set():
            self.sentence = (
                f"Stopped. {count(n, 'sub')} {'is' if n == 1 else 'are'} in the stack; the session can be resumed."
            )
            return 130
        if self._source.is_away:
            self.sentence = f"The folder {self.plan.folder} is not there, or may not be read."
            return 4
        if n == 0:
            self.sentence = f"No sub could be stacked: {why_nothing(self._journal)}"
            return 3
        self.sentence = f"Done. {count(n, 'sub')} stacked, {sum(self._session.tally.n_rejected.values())} left out."
        return 0

    def _stopped(self, code: int) -> events.SessionStopped:
        session = getattr(self, "_session", None)
        stacked = session.tally.n_accepted if session else 0
        left_out = sum(session.tally.n_rejected.values()) if session else 0
        return events.SessionStopped(code, self.sentence, stacked, left_out)

    def _tell(self, records: list[Record]) -> None:
        for record in records:
            if isinstance(record.event, SubAccepted):
                self._accepted = record.event
            self.mailbox.put(record)
