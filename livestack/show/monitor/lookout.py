"""Watching over a session: its journal is followed, the rules look, and what they find is written down and sent."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from livestack.events import AlertCleared, AlertRaised, Event, SourceSilent
from livestack.show.figures import STAR_SIZE
from livestack.show.monitor.alerts import CLEARED, RAISED, Change, Standing, standing_of, step
from livestack.show.monitor.message import Message, Ration, message_of, quiet_hours
from livestack.show.monitor.post import Post
from livestack.show.monitor.postcard import in_a_line, postcard
from livestack.show.monitor.scene import Disk, Scene, Trends
from livestack.show.monitor.verdict import verdict
from livestack.show.source import Source, engine_alive, open_source
from livestack.show.state import NightState, catch_up, when
from livestack.show.words import sentence_case

log = logging.getLogger("livestack")

TICK_S = 2.0
"""How often the rules look."""
_ROOM_EVERY_S, _ROOMS = 60.0, 31
SILENT, THE_END = ("late", "no new sub", "over"), "the end"

Write = Callable[[Sequence[Event]], None]


class Rooms:
    """Measures how much room the disks of a session have, once a minute, and remembers half an hour.

    In a thread of its own: a share that is gone may not answer for minutes, and the rules must look meanwhile.
    """

    def __init__(self, session: Path) -> None:
        self._session = session
        self._known: dict[str, tuple[tuple[datetime, int], ...]] = {}
        self._folder = ""
        self._over = threading.Event()
        threading.Thread(target=self._run, name="rooms", daemon=True).start()

    def disks(self, folder: str) -> tuple[Disk, ...]:
        """Return what is known of the disk with the captures and that with the session; one where they are one."""
        self._folder = folder
        return tuple(Disk(name, rooms) for name, rooms in self._known.items())

    def close(self) -> None:
        """Measure no more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(_ROOM_EVERY_S if self._known else TICK_S):
            self._measure(datetime.now(UTC))

    def _measure(self, now: datetime) -> None:
        places, folder = {"the session": self._session}, self._folder
        if folder and Path(folder).is_dir():
            same = _device(Path(folder)) == _device(self._session)
            places = {"captures and session": self._session} if same else {"the captures": Path(folder), **places}
        known = {}
        for name, place in places.items():
            with contextlib.suppress(OSError):
                known[name] = (*self._known.get(name, ()), (now, shutil.disk_usage(place).free))[-_ROOMS:]
        self._known = known


def _device(place: Path) -> int | None:
    try:
        return place.stat().st_dev
    except OSError:
        return None


class Lookout:
    """Watches over one session. Used by one thread.

    Parameters
    ----------
    source : Source
    post : Post
        Where messages go.
    write : callable, optional
        Has the engine of this process write events; None = it runs elsewhere, and nothing is written.
    """

    def __init__(self, source: Source, post: Post, write: Write | None = None) -> None:
        self._source, self._post, self._write = source, post, write
        self._rooms = Rooms(source.session)
        self.state = NightState()
        self.standing = Standing()
        self._trends = Trends(self.state)
        self._catch_up()
        if write is not None:
            self.standing = standing_of(self.state.alerts)
        self._begun_after = self.state.seq if write is not None else 0

    def look(self, now: datetime) -> tuple[Change, ...]:
        """Follow the journal, have the rules look once, tell what changed, and return it."""
        self._catch_up()
        self._post.send_due(now)
        if self.state.seq <= self._begun_after:
            return ()  # what the journal holds is of another run
        if self.state.subs is not self._trends.subs:
            self._trends = Trends(self.state)
        alive = self._write is not None or engine_alive(self.state)
        disks = self._rooms.disks(self.state.folder)
        scene = Scene(self.state, now, self._trends, alive, None if alive else self._last_word(), disks)
        self.standing, changes = step(self.standing, scene)
        for change in changes:
            self._tell(change, now)
        return changes

    def tell_the_end(self, now: datetime) -> None:
        """Send how the night went, where it came to its end by itself: who stopped it knows."""
        state = self.state
        if state.exit_code != 0 or state.seq <= self._begun_after or not state.subs or self._post.is_empty:
            return
        n_stacks = len({row.stack for row in state.subs if row.state == "accepted"})
        said = verdict(state, n_stacks, finer=None, running=False)
        last = ", ".join(alert.rule.title.lower() for alert in self.standing.alerts if alert.rule.sent)
        told = [said, f"Still so at the end: {last}." if last else ""]
        name, begun = self._source.session.name, state.started or now
        self._post.send(
            Message(
                title=f"{state.target or name}: the night is over",
                text="\n".join(filter(None, told)),
                rule=THE_END,
                kind=THE_END,
                session=name,
                target=state.target or "",
                since=begun,
                at=now,
                picture=postcard(self._source, state, STAR_SIZE),
            ),
            now,
        )

    def close(self) -> None:
        """Look no more."""
        self._rooms.close()

    def _catch_up(self) -> None:
        before = -1
        while before < self.state.seq:
            before = self.state.seq
            self.state = catch_up(self._source.journal, self.state)

    def _last_word(self) -> datetime | None:
        rows = self._source.journal.rows("SELECT time_utc FROM event ORDER BY seq DESC LIMIT 1")
        return when(rows[0]["time_utc"]) if rows else None

    def _tell(self, change: Change, now: datetime) -> None:
        if self._write is not None and change.alert.rule.written and (events := events_of(change, now)):
            self._write(events)
        if change.alert.rule.sent and not self._post.is_empty:
            self._post.send(self._message(change, now), now)

    def _message(self, change: Change, now: datetime) -> Message:
        figure = None if change.kind == CLEARED else change.alert.finding.figure
        course = in_a_line(self.state.subs, figure)
        picture = b"" if change.kind == CLEARED else postcard(self._source, self.state, figure)
        return message_of(change, self._source.session.name, self.state.target or "", now, course, picture)


def events_of(change: Change, now: datetime) -> list[Event]:
    """Return what goes into the journal when an alert is raised or cleared."""
    rule = change.alert.rule.name
    if change.kind == RAISED:
        silent_s = (now - change.alert.finding.since).total_seconds()
        why = sentence_case(change.sentence.partition(": ")[2])  # for how long is said beside it, as it is then
        said: list[Event] = [SourceSilent(round(silent_s, 1), why)] if rule in SILENT else []
        return said if change.alert.rule.passing else [*said, AlertRaised(rule, change.sentence)]
    return [AlertCleared(rule)] if change.kind == CLEARED else []


@contextlib.contextmanager
def watched_over(
    session: Path, urls: Sequence[str], quiet: str, write: Write, say: Callable[[str], None]
) -> Iterator[None]:
    """Watch over a session that this process runs, in a thread of its own: whatever happens there, subs are stacked."""
    over = threading.Event()

    def run() -> None:
        source = open_source(session)
        post = Post(urls, Ration(quiet_hours(quiet)), say)
        looking = contextlib.closing(Lookout(source, post, write))
        with contextlib.closing(source.journal), contextlib.closing(post), looking as lookout:
            while not over.wait(TICK_S):
                _look(lookout)
            _look(lookout)  # how it ended
            lookout.tell_the_end(datetime.now(UTC))

    def run_quietly() -> None:
        try:
            run()
        except Exception:
            log.exception("nobody watches over the night")

    thread = threading.Thread(target=run_quietly, name="lookout", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _look(lookout: Lookout) -> None:
    try:
        lookout.look(datetime.now(UTC))
    except (
        Exception
    ):  # nobody waits for it: a bug, or a disk that is full, must cost neither the night nor the next look
        log.exception("the rules could not look")


def is_over(state: NightState) -> bool:
    """Whether a session came to its end as it was told to."""
    return state.stopped is not None and state.exit_code in (0, 130)
