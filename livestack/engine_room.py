"""An engine with its faces in one process: threads, signals, window, page, terminal."""

from __future__ import annotations

import logging
import logging.handlers
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from livestack.atomic import write_atomically
from livestack.errors import SettingsError
from livestack.journal import Journal
from livestack.runner import Engine, Plan
from livestack.sessions import Home, Lock
from livestack.settings import Settings
from livestack.show.console import follow
from livestack.show.source import Source


def run_with_faces(home: Home, plan: Plan, settings: Settings, *, as_json: bool) -> int:
    """Run a session with what the settings want to be shown; returns the exit code."""
    want_window = settings.showing.viewer == "qt" or (settings.showing.viewer == "auto" and has_display())
    if want_window:
        from livestack.show.qt import check_qt

        try:
            check_qt()
        except SettingsError:
            if settings.showing.viewer == "qt":
                raise
            want_window = False
    return _run(home, plan, settings, as_json=as_json, faces=_Faces(want_window, settings.showing.serve))


def run_batch(home: Home, plan: Plan, settings: Settings, out: str, *, as_json: bool) -> int:
    """Stack files that are there and put the result at `out`; returns the exit code."""
    target = Path(out).expanduser().absolute()
    to_folder = out.endswith(("/", os.sep)) or target.is_dir()
    if not to_folder and target.suffix.lower() not in (".fits", ".fit", ".fts"):
        raise SettingsError(f"--out: {out} must be a .fits file, or a folder (ending in /)")
    code = _run(home, plan, settings, as_json=as_json, faces=_Faces(False, False))
    if code != 0:
        return code
    products = sorted(home.stack.glob("*.fits"))
    if not to_folder and len(products) > 1:
        names = ", ".join(product.stem for product in products)
        raise SettingsError(f"--out: {len(products)} stacks came out ({names}): name a folder instead of one file")
    try:
        (target if to_folder else target.parent).mkdir(parents=True, exist_ok=True)
        for product in products:
            _copy(product, target / product.name if to_folder else target)
    except OSError as error:
        raise SettingsError(f"--out: {out} cannot be written: {error.strerror}") from None
    return 0


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        write_atomically(target, lambda out: shutil.copyfileobj(file, out, 1 << 20))


class _Faces:
    """What is to be shown beside the terminal's lines."""

    def __init__(self, window: bool, page: bool) -> None:
        self.window = window
        self.page = page


def _run(home: Home, plan: Plan, settings: Settings, *, as_json: bool, faces: _Faces) -> int:
    home.make()
    lock = Lock(home)
    try:
        _log_to(home.log)
        write_atomically(home.settings, lambda file: file.write(settings.to_toml().encode()))
        Journal(home.journal, create=True).close()
        engine = Engine(home, plan, settings)
        # the page's port is taken before anything starts: one line if it is not free
        return _run_engine(engine, home, settings, as_json=as_json, faces=faces)
    finally:
        lock.release()


def _run_engine(engine: Engine, home: Home, settings: Settings, *, as_json: bool, faces: _Faces) -> int:
    result: list[int] = []
    done = threading.Event()
    source = Source(home.path, Journal(home.journal), engine.picture.get, engine.last.get, engine.stop.set)
    page_stop = threading.Event()
    page = _serve(source, settings.showing.bind, page_stop) if faces.page else None

    def work() -> None:
        try:
            result.append(engine.run())
        finally:
            done.set()

    stopped_by_user = _stop_on_signals(engine.stop.set)
    console = follow(engine.mailbox, done, as_json=as_json)
    thread = threading.Thread(target=work, name="integrate")
    thread.start()
    if faces.window:
        from livestack.show.qt import run_viewer

        run_viewer(source)
        engine.stop.set()
    while not done.wait(0.5):
        pass
    thread.join()
    console.join()
    if page is not None:
        page_stop.set()
        page.thread.join(3.0)
    source.journal.close()
    stopped_by_user()
    return result[0] if result else 1


def _serve(source: Source, bind: str, stop: threading.Event) -> Any:
    from livestack.show.web.server import parse_bind, serve

    host, port, exact = parse_bind(bind)
    page = serve(source, host, port, stop, exact=exact and bind != "127.0.0.1:8577")
    if page.said:
        print(page.said, file=sys.stderr, flush=True)
    print(f"The page is at {page.url}", file=sys.stderr, flush=True)
    return page


def _stop_on_signals(stop: Callable[[], None]) -> Callable[[], None]:
    """Let SIGINT and SIGTERM finish the sub in hand, save and stop; returns what undoes this."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}

    def undo() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return undo


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("livestack")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers[:] = [handler]
    # what a library warns of is for the log, not for a user in the field
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").handlers[:] = [handler]
    logging.getLogger("py.warnings").propagate = False


def has_display() -> bool:
    """Whether a window can be shown here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def serve_until_stopped(source: Source, bind: str) -> int:
    """Serve a session's page until a signal comes."""
    stop = threading.Event()
    undo = _stop_on_signals(stop.set)
    page = _serve(source, bind, stop)
    while not stop.wait(0.5) and page.thread.is_alive():
        pass
    page.thread.join(3.0)
    undo()
    return 0


def run_demo(night: dict[str, Any], settings: Settings, idle_s: float | None) -> int:
    """Let a synthetic camera write a night's frames, and watch them."""
    import tempfile

    from livestack.plans import watch_plan
    from livestack.simulate import write_night

    folder = Path(tempfile.mkdtemp(prefix="livestack-demo-"))
    captures = folder / "captures"
    captures.mkdir()
    stop = threading.Event()
    options = _night_options(night)
    showing = settings.showing
    if showing.viewer == "none" or (showing.viewer == "auto" and not has_display()):
        settings = replace(settings, showing=replace(showing, serve=True))
    if idle_s is None and not has_display() and not sys.stdout.isatty():
        idle_s = 15.0
    camera = threading.Thread(
        target=write_night,
        args=(captures, options),
        kwargs={"pace_s": night["pace_s"], "stop": stop, "chunk_pause_s": 0.01},
        name="camera",
    )
    camera.start()
    try:
        home = Home(folder / "session")
        plan = watch_plan(captures, settings, is_new=True, idle_s=idle_s)
        return run_with_faces(home, plan, settings, as_json=False)
    finally:
        stop.set()
        camera.join()
        print(f"The demo's frames and session are in {folder}", flush=True)


def simulate_night(folder: Path, options: dict[str, Any]) -> None:
    """Write a synthetic night."""
    from livestack.simulate import write_night

    files = write_night(folder, _night_options(options), pace_s=options.get("pace_s"))
    print(f"{len(files)} frames written to {folder}")


def _night_options(options: dict[str, Any]) -> Any:
    from livestack.simulate import NightOptions

    chosen: dict[str, Any] = {name: options[name] for name in ("seed",) if options.get(name) is not None}
    if options.get("mono"):
        chosen["cfa"] = None
    if options.get("size"):
        try:
            width, height = (int(part) for part in str(options["size"]).lower().split("x"))
        except ValueError:
            raise SettingsError(f"--size: {options['size']!r} is not WIDTHxHEIGHT, such as 1200x900") from None
        chosen["size"] = (height, width)
    night = NightOptions(**chosen)
    return night.lasting(options["n_lights"]) if options.get("n_lights") is not None else night


def ask_for_subs(session: Path, kind: str, subs: tuple[str, ...]) -> str:
    """Leave a request about subs, named by number, path or file name; returns words.

    Raises
    ------
    SettingsError
        A name fits no sub.
    """
    journal = Journal(Home(session).journal)
    try:
        rows = journal.rows("SELECT no, path FROM sub")
        numbers = []
        for sub in subs:
            fitting = [r["no"] for r in rows if sub in (str(r["no"]), r["path"], Path(r["path"]).name)]
            if not fitting:
                raise SettingsError(f"there is no sub {sub} in {session}")
            numbers += fitting
        journal.ask(kind, {"no": sorted(set(numbers))})
    finally:
        journal.close()
    _apply_requests_if_idle(session)
    return f"{kind}: {', '.join(str(no) for no in sorted(set(numbers)))}"


def _apply_requests_if_idle(session: Path) -> None:
    """Answer requests here when no engine runs on the session."""
    from livestack.errors import SessionError
    from livestack.settings import from_toml

    home = Home(session)
    try:
        Lock(home).release()
    except SessionError:
        return
    settings = from_toml(home.settings)
    rows = Journal(home.journal).rows(
        "SELECT json_extract(body, '$.folder') AS f FROM event WHERE kind='SessionStarted'"
    )
    plan = Plan(str(rows[-1]["f"]), lambda _known, _stop: iter(()), idle_s=0.0)
    _run(home, plan, settings, as_json=False, faces=_Faces(False, False))


def list_sessions(*, as_json: bool) -> list[str]:
    """One line per session, newest first."""
    import json

    from livestack.errors import SessionError
    from livestack.sessions import sessions_folder

    lines = []
    folder = sessions_folder()
    homes = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
    for home in homes:
        try:
            journal = Journal(Home(home).journal)
        except SessionError:
            continue
        stacks = journal.rows("SELECT stack, n_subs, exposure_s FROM stack WHERE n_subs > 0")
        journal.close()
        if as_json:
            lines.append(json.dumps({"session": str(home), "stacks": stacks}))
            continue
        words = [f"{s['stack']}: {s['n_subs']} subs, {(s['exposure_s'] or 0) / 60:.0f} min" for s in stacks]
        lines.append(f"{home.name}  {'; '.join(words) or 'nothing stacked'}")
    return lines if lines or as_json else ["No sessions yet. Start one: livestack watch FOLDER"]


def examine_machine(*, warm: bool) -> int:
    """Print the checks of this machine; returns 0 when all is well enough."""
    from livestack.doctor import examine
    from livestack.sessions import sessions_folder

    checks = examine(sessions_folder())
    for check in checks:
        print(f"{'ok     ' if check.ok else 'look at'}  {check.name}: {check.sentence}")
    if warm:
        _warm()
    return 0


def _warm() -> None:
    """Compile every kernel into the cache by stacking two tiny nights."""
    import tempfile

    from livestack.plans import files_plan
    from livestack.simulate import NightOptions, write_night

    print("Getting ready: compiling, a minute or so, once.", flush=True)
    with tempfile.TemporaryDirectory(prefix="livestack-warm-") as folder:
        for cfa in ("RGGB", None):
            captures = Path(folder) / f"captures-{cfa}"
            write_night(captures, NightOptions(size=(240, 320), cfa=cfa, n_lights=5, n_darks=2, n_flats=2, n_bias=2))
            settings = Settings().changed({"viewer": "none"})
            home = Home(Path(folder) / f"session-{cfa}")
            _run(home, files_plan([captures], "oldest"), settings, as_json=True, faces=_Faces(False, False))
    print("Ready.", flush=True)
