"""An engine with its faces in one process: threads, signals, window, page, terminal."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from livestack.allocation import return_free, return_planes
from livestack.atomic import write_atomically
from livestack.commands.compiling import compiled
from livestack.commands.faces import stop_on_signals, the_page
from livestack.engine.awake import kept_awake
from livestack.engine.plan import Plan
from livestack.engine.runner import Engine
from livestack.errors import SessionError, SourceError
from livestack.frame import Identity
from livestack.garbage import collect
from livestack.journal import Journal
from livestack.priority import give_way
from livestack.sessions import Home, folder_of, lock
from livestack.settings import Settings
from livestack.show.console import Say, complain, follow
from livestack.show.source import Source, source_of
from livestack.stacks.calibration import Calibration

BROKEN = (1, 3, 4)
"""Exit codes whose sentence is said on standard error."""
_LOOK_S = 0.1
"""How soon the end of an engine is seen."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Where alerts go, and in which hours only the urgent ones."""

    urls: tuple[str, ...] = ()
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Faces:
    """What shows a session while it runs.

    Attributes
    ----------
    say : callable
        Hears of every event, in order, in a thread of its own.
    window : callable, optional
        Shows the session in a window, and returns when that is to be over: then the engine stops.
    bind : str, optional
        Where the page is served.
    exact : bool
        The address was named by the user: another port will not do.
    opening : str
        Said on standard error when it begins.
    alerts : Alerts, optional
        The session is watched over, and where alerts go; None = nobody does.
    wifi : str
        NAME:PASSWORD of the network that guests may join.
    """

    say: Say
    window: Callable[[Source], None] | None = None
    bind: str | None = None
    exact: bool = False
    opening: str = ""
    alerts: Alerts | None = None
    wifi: str = ""


def run(home: Home, plan: Plan, settings: Settings, faces: Faces, listed: Callable[[], list[Identity]] = list) -> int:
    """Run an engine on a session to its end.

    Parameters
    ----------
    listed : callable
        Files that a session which starts for the first time only lists, and never stacks.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    LivestackError
        It could not begin: settings, session, port.
    """
    return_planes()
    settings = settings.without_secrets()
    for url in faces.alerts.urls if faces.alerts else ():
        check_address(url)
    Calibration(settings.processing, home.cache)  # what was named by hand must be there before anything is made
    home.make()
    with lock(home), _log_of(home), kept_awake():
        if folder_of(home) is None:
            _list(home, listed())
        seen = faces.window is not None or faces.bind is not None
        engine = Engine(home, plan, settings, seen=seen, say=complain)
        code, sentence = _run_with_faces(engine, faces), engine.sentence
        del engine
        return_free()  # the report is made where the stacks were
        _report(home)
    if code in BROKEN:
        complain(sentence)
    return code


def check_address(url: str) -> None:
    """Look whether alerts can go there.

    Raises
    ------
    SettingsError
        Why not.
    """
    from livestack.show.monitor.notify import check

    check(url)


def _report(home: Home) -> None:
    """Leave the night's report in the session: all else is on disk by now, and goes on as it would without it."""
    from livestack.show.monitor.write import write_report

    with stop_on_signals(lambda: None):  # the night is done: its exit code stands
        try:
            write_report(home.path)
        except Exception:
            logging.getLogger(__name__).exception("the report could not be written")


def _list(home: Home, files: list[Identity]) -> None:
    """Give files a place in the journal, so that they are known and never used."""
    journal = Journal(home.journal, create=True)
    try:
        known = {identity.path for _, identity, _ in journal.arrivals()}
        journal.arrive((identity, False) for identity in files if identity.path not in known)
    finally:
        journal.close()


def _run_with_faces(engine: Engine, faces: Faces) -> int:
    home = engine.home
    done = threading.Event()
    with contextlib.closing(Journal(home.journal, create=True)) as journal:
        source = source_of(engine.pictures, home.path, journal, engine.settings.showing.preset)
        source = replace(source, stop=engine.stop.set, ended=done.is_set)
        # the port is taken before anything starts: one line if it is not free
        serving = the_page(source, faces.bind, exact=faces.exact, wifi=faces.wifi)
        with serving as page, ThreadPoolExecutor(1, "integrate") as thread:
            source = replace(source, page=None if page is None else page.url)
            _keep(home, engine.settings)
            if faces.opening:
                complain(faces.opening)
            try:
                console = follow(engine.mailbox, journal, done, faces.say)
                night = thread.submit(_work, engine, gives_way=faces.window is not None)
                night.add_done_callback(lambda _: done.set())
                with contextlib.ExitStack() as watching:
                    watching.enter_context(_watched_over(engine, faces))
                    closing = watching.close, console.join
                    source = replace(source, go_on=lambda: _without_screen(engine, night, closing))
                    _wait(engine, source, faces, night)
            finally:
                engine.stop.set()
            code = _code_of(night, home)
            console.join()
    return code


def _watched_over(engine: Engine, faces: Faces) -> contextlib.AbstractContextManager[None]:
    """Have the rules look while an engine runs, where that is wanted."""
    if faces.alerts is None:
        return contextlib.nullcontext()
    from livestack.show.monitor.lookout import watched_over

    return watched_over(engine.home.path, faces.alerts.urls, faces.alerts.quiet, engine.note, complain)


def _work(engine: Engine, *, gives_way: bool) -> int:
    if gives_way:
        give_way()
    drizzle = engine.settings.processing.drizzle
    with compiled(engine.ready, engine.fluent, engine.stop, complain, drizzle=drizzle):
        return engine.run()


def _code_of(night: Future[int], home: Home) -> int:
    """Exit code of an engine that has stopped.

    Raises
    ------
    SourceError
        It could not even journal why: the session's disk is full or gone.
    """
    try:
        return night.result()
    except (OSError, sqlite3.DatabaseError) as error:
        logging.getLogger(__name__).exception("the journal cannot be written")
        raise SourceError(f"the session {home.path} cannot be written to any more: {error}") from None


def _wait(engine: Engine, source: Source, faces: Faces, night: Future[int]) -> None:
    """Wait until the engine has stopped; signals, and the end of the window, stop it."""
    asked = threading.Event()

    def stop() -> None:
        asked.set()
        engine.stop.set()

    with stop_on_signals(stop):
        if faces.window is not None:
            faces.window(source)
            stop()
        while not night.done() and not asked.wait(_LOOK_S):
            pass
        if not night.done():
            complain("stopping: the sub in hand is finished, then the stack is saved")
        wait([night])


def _without_screen(engine: Engine, night: Future[int], closing: Iterable[Callable[[], object]]) -> int:
    """Wait for the end of a session whose screen is gone, and do what is done then; returns the exit code."""
    complain("the screen is gone: the session goes on without a window; Ctrl-C ends it, livestack view shows it again")
    with stop_on_signals(engine.stop.set):
        while not night.done():
            time.sleep(_LOOK_S)
            collect()  # no window's clock does any more
        for close in closing:
            close()
        _report(engine.home)
    try:
        code = _code_of(night, engine.home)
    except SourceError as error:
        complain(str(error))
        return 4
    if code in BROKEN:
        complain(engine.sentence)
    return code


def _keep(home: Home, settings: Settings) -> None:
    try:
        write_atomically(home.settings, lambda file: file.write(settings.to_toml().encode()))
    except OSError as error:
        raise SessionError(f"the session folder {home.path} cannot be written to: {error.strerror}") from None


@contextlib.contextmanager
def _log_of(home: Home) -> Iterator[None]:
    """Write the log, also of what libraries warn of: that is not for a user in the field."""
    try:
        handler = logging.handlers.RotatingFileHandler(home.log, maxBytes=2_000_000, backupCount=3, encoding="utf-8")
    except OSError as error:
        raise SessionError(f"the session folder {home.path} cannot be written to: {error.strerror}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logs = [logging.getLogger(name) for name in ("livestack", "py.warnings")]
    for log in logs:
        log.setLevel(logging.INFO)
        log.addHandler(handler)
    try:
        yield
    finally:
        for log in logs:
            log.removeHandler(handler)
        handler.close()
