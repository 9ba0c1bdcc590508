"""Watch a folder: files go in, finished frames come out, each once.

An event only says where to look; the scan is the truth. See `livestack.watch.settle` for when a file is finished.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from livestack.frame import Identity
from livestack.retries import FOLDER_S
from livestack.settings import Watching
from livestack.watch.known import Known
from livestack.watch.place import Source, SourceChange
from livestack.watch.scan import Stamp, Tree, is_being_written, is_remote, look, natural
from livestack.watch.settle import Patience, State, Track, judge, observe

RESCAN_S = 2.0
"""Between scans, whatever the events say."""

SHARE_OF_TIME = 120
"""A scan is repeated only after so many times the processor time it took: with all else 1.2 % of one core."""

TICK_S = 0.2
"""Longest sleep: how soon `stop` is seen."""

CALM_S = 0.05
"""Least sleep: a storm of events is taken in one go."""

_log = logging.getLogger(__name__)

_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
if sys.platform != "linux":  # there, every write would be an event, and closing is one anyway
    _EVENTS.append(FileModifiedEvent)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file was found finished.

    Attributes
    ----------
    identity : Identity
        Which bytes: path, size, time and inode.
    complete : bool
        False: it stood still for ``patience_s``, but its declared length never came. It is truncated.
    """

    identity: Identity
    complete: bool


def watch(  # noqa: PLR0913 - the one door: three questions, what is known, and how to go about it
    folder: Path,
    *,
    wanted: Callable[[Path], bool],
    complete: Callable[[Path], bool | None],
    oldest: Callable[[Path], Any],
    known: Iterable[Identity],
    settings: Watching,
    stop: threading.Event,
) -> Iterator[list[Arrival] | SourceChange]:
    """Watch a folder until `stop` is set.

    The first batch holds every finished file that is already there.

    Parameters
    ----------
    folder : Path
        Need not exist yet.
    wanted : callable
        Whether a path may be a frame, by its name; asked when it is first seen, and again when it is finished.
    complete : callable
        Whether a file has its declared length; None = it declares none.
    oldest : callable
        Sorting key of a file inside a batch; ties are in natural order of their paths.
    known : iterable of Identity
        Files that were found before and are not to come again.
    settings : Watching
        How to watch.
    stop : threading.Event
        Ends the watch within a fraction of a second.

    Yields
    ------
    list of Arrival
        Files newly found finished, oldest first.
    SourceChange
        The folder went away, or is there again.
    """
    return _Watch(str(folder.absolute()), _Questions(wanted, complete, oldest), Known(known), settings, stop).run()


@dataclass(frozen=True, slots=True)
class _Questions:
    wanted: Callable[[Path], bool]
    complete: Callable[[Path], bool | None]
    oldest: Callable[[Path], Any]


class _Watch:
    """One watch: the folder's state as far as it is known."""

    def __init__(
        self, top: str, questions: _Questions, known: Known, settings: Watching, stop: threading.Event
    ) -> None:
        self._top = top
        self._ask = questions
        self._known = known
        self._settings = settings
        self._patience = Patience(settings.settle_s, settings.patience_s)
        self._stop = stop
        self._wanted: dict[str, bool] = {}
        self._tree = Tree(top, settings.recursive, self._keep)
        self._tracks: dict[str, Track] = {}
        self._source = Source(top)
        self._ears = Ears(top)
        self._remote = False
        self._first = True
        self._next_scan_s = self._next_thorough_s = 0.0

    def run(self) -> Iterator[list[Arrival] | SourceChange]:
        """Look, tell, sleep."""
        try:
            while not self._stop.is_set():
                self._offer(itertools.chain.from_iterable(map(self._tree.under, self._ears.take())))
                if time.monotonic() >= self._next_scan_s or self._ears.is_deaf():
                    if change := self._source.check():
                        yield change
                    self._rescan()
                if batch := self._finished():
                    yield batch
                self._sleep()
        finally:
            self._ears.stop()

    def _rescan(self) -> None:
        if self._source.lost:
            self._ears.stop()
            self._tracks.clear()
            self._next_scan_s = time.monotonic() + FOLDER_S
        else:
            self._listen()
            began_s, began_cpu_s = time.monotonic(), time.thread_time()
            thorough = began_s >= self._next_thorough_s
            self._offer(self._tree.scan(thorough=thorough))
            pause_s = SHARE_OF_TIME * (time.thread_time() - began_cpu_s)
            now_s = time.monotonic()
            self._next_scan_s = now_s + (self._settings.poll_s or max(RESCAN_S, 0 if thorough else pause_s))
            if thorough:
                self._next_thorough_s = now_s + pause_s
        self._first = False

    def _listen(self) -> None:
        """Have events from the folder that is there now; none where they do not come."""
        if self._source.is_new or self._ears.is_deaf():
            self._remote = is_remote(self._top)
            self._ears.stop()
            polls = self._remote or self._settings.poll_s > 0
            self._source.is_new = not polls and not self._ears.listen(self._settings.recursive)
            self._next_thorough_s = 0.0

    def _keep(self, path: str) -> bool:
        wanted = self._wanted.get(path)
        if wanted is None:
            wanted = self._wanted[sys.intern(path)] = self._ask.wanted(Path(path))
        return wanted

    def _offer(self, found: Iterator[tuple[str, Stamp]]) -> None:
        """Wait for files that are neither known nor waited for already. What is found together settles together."""
        new: dict[str, Stamp] = {}
        for path, stamp in found:
            if self._stop.is_set():
                return
            if path not in self._tracks and not self._known.has(path, stamp):
                new[path] = stamp
        now_s, now_utc_s = time.monotonic(), time.time()
        for path, stamp in new.items():
            # What was there before us stood still since its own time, where that clock is ours.
            stood_s = max(0.0, now_utc_s - stamp.mtime_ns / 1e9) if self._first and not self._remote else 0.0
            self._tracks[path] = Track(stamp, now_s - stood_s)

    def _finished(self) -> list[Arrival]:
        """Look at every file that is waited for; return those that are finished, oldest first."""
        now_s = time.monotonic()  # before the looks: a share may take seconds, and its answer is as old as the question
        keys: list[tuple[Any, list[tuple[int, str]], str, bool]] = []
        for path, track in list(self._tracks.items()):
            if self._stop.is_set():
                return []
            state = self._judge(path, track, now_s)
            if state in (State.FINISHED, State.TRUNCATED):
                with contextlib.suppress(OSError):  # gone this moment: dropped at the next look
                    keys.append((self._ask.oldest(Path(path)), natural(path), path, state is State.FINISHED))
        keys.sort(key=lambda key: key[:2])
        return [Arrival(self._known.add(path, self._tracks.pop(path).stamp), whole) for _, _, path, whole in keys]

    def _judge(self, path: str, track: Track, now_s: float) -> State:
        stamp = look(path, fresh=self._remote)
        if stamp is None or self._known.has(path, stamp):
            del self._tracks[path]
            return State.WAIT
        self._tracks[path], state = judge(
            observe(track, stamp, time.monotonic()),
            now_s,
            self._patience,
            functools.partial(self._is_complete, path),
            functools.partial(self._is_being_written, path),
        )
        if state is State.WAIT:
            return state
        self._wanted[path] = self._ask.wanted(Path(path))
        if state is State.EMPTY:
            self._known.add(path, stamp)
        elif self._wanted[path] and not self._known.was_renamed(path, stamp):
            return state
        del self._tracks[path]
        return State.WAIT

    def _is_complete(self, path: str) -> bool | None:
        """Ask whether a file is complete; OSError = it may not be read now, and is asked again."""
        os.close(os.open(path, os.O_RDONLY))
        return self._ask.complete(Path(path))

    def _is_being_written(self, path: str) -> bool:
        return not self._remote and is_being_written(path)

    def _sleep(self) -> None:
        """Until something is heard, a scan is due, or a file that is waited for may be finished."""
        until_s = self._next_scan_s
        if self._tracks:
            until_s = min(until_s, time.monotonic() + max(CALM_S, self._settings.settle_s / 4))
        self._stop.wait(CALM_S)
        while not (self._stop.is_set() or self._ears.heard.is_set() or self._ears.is_deaf()):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            self._ears.heard.wait(min(left_s, TICK_S))


class Ears(FileSystemEventHandler):
    """Events of the system: which paths to look at."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._real = top
        self._observer: BaseObserver | None = None
        self._paths: set[str] = set()
        self._lock = threading.Lock()
        self.heard = threading.Event()

    def listen(self, recursive: bool) -> bool:
        """Begin to hear of the folder. False: not now, try again. When the system cannot at all, it is said: True."""
        self._real = os.path.realpath(self._top)  # a link itself would be watched, not the folder behind it
        observer = None
        # Watchdog may see a new folder twice, and warns of itself: nothing is lost, and no user can do a thing.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
        try:
            observer = Observer()
            observer.schedule(self, self._real, recursive=recursive, event_filter=_EVENTS)
            observer.start()
        except OSError as error:
            if observer:
                observer.stop()
            if error.errno not in (errno.ENOSPC, errno.EMFILE):
                return False
            _log.warning(
                "%s: the system's limit of watched folders is reached, so no event tells of new files; "
                "looking every %g s instead (see fs.inotify.max_user_watches)",
                self._top,
                RESCAN_S,
            )
        else:
            self._observer = observer
        return True

    def stop(self) -> None:
        """Hear no more."""
        if self._observer:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def is_deaf(self) -> bool:
        """Whether events stopped coming: the emitter ends when the folder is deleted, and says nothing."""
        return self._observer is not None and not all(emitter.is_alive() for emitter in self._observer.emitters)

    def take(self) -> set[str]:
        """Return the paths heard of since the last call."""
        with self._lock:
            self.heard.clear()
            paths, self._paths = self._paths, set()
        return paths

    def on_created(self, event: FileSystemEvent) -> None:
        """Handle a file or folder made, linked or moved in."""
        self._note(event.src_path)

    def on_modified(self, event: FileSystemEvent) -> None:
        """Handle a file written to."""
        self._note(event.src_path)

    def on_closed(self, event: FileSystemEvent) -> None:
        """Handle a file closed by a writer."""
        self._note(event.src_path)

    def on_moved(self, event: FileSystemEvent) -> None:
        """Handle a new name."""
        self._note(event.dest_path)

    def _note(self, path: bytes | str) -> None:
        path = os.fsdecode(path)
        if path.startswith(self._real):
            with self._lock:
                self._paths.add(self._top + path[len(self._real) :])
                self.heard.set()
