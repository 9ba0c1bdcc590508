"""What is done in one window, one thing after the other: a folder is stacked, a past night seen, the demo played."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from livestack.allocation import return_planes
from livestack.commands.demo import night_options, run_demo
from livestack.commands.engine_room import Alerts, Faces, run
from livestack.commands.options import usual_settings
from livestack.engine.plans import lights_in, watch_plan
from livestack.errors import LivestackError
from livestack.events import Record, SessionStopped
from livestack.own import remember_folder
from livestack.sessions import Home, check_home, default_home
from livestack.settings import Settings
from livestack.show.console import say_line
from livestack.show.source import Source, open_source
from livestack.show.starts import ChooseAgain, OpenNight, StackFolder, Wish

if TYPE_CHECKING:
    from livestack.show.qt.shell import Shell

DEMO_PACE_S = 1.5


class Desk:
    """The window of a command, made when it is first needed, and what was asked for in it last."""

    def __init__(self) -> None:
        self._shell: Shell | None = None
        self._wish: Wish | None = None
        self._last_words = ""

    @property
    def shell(self) -> Shell:
        """The window."""
        if self._shell is None:
            from livestack.show.qt import open_shell

            self._shell = open_shell()
        return self._shell

    def show(self, source: Source) -> None:
        """Show a session until something else is to be done; see `livestack.commands.engine_room.Faces`."""
        self._wish = self.shell.view(source)

    def begin(self) -> int:
        """Show the start page, and do what is asked for until the window is closed; returns the last exit code."""
        self._wish = self.shell.start()
        return self.go_on(0)

    def look_at(self, session: Path, preset: str | None) -> int:
        """Show a session that runs elsewhere, or ran, and go on; returns the last exit code."""
        return_planes()
        self._look_at(session, preset)
        return self.go_on(0)

    def go_on(self, code: int) -> int:
        """Do what was asked for in the window until it is closed; returns the last exit code.

        Parameters
        ----------
        code : int
            Exit code of what was done before.
        """
        while (wish := self._wish) is not None:
            self._wish, self._last_words = None, ""
            try:
                code = self._do(wish, code)
            except LivestackError as error:
                code, self._last_words = 2, str(error).removeprefix("--")
            if self._wish is None and not self.shell.is_over:
                self._wish = ChooseAgain(self._last_words)
        return code

    def _do(self, wish: Wish, code: int) -> int:
        match wish:
            case StackFolder(folder, existing):
                settings = usual_settings().changed({"existing": existing})
                home = default_home(folder, settings, datetime.now())
                return watch_folder(home, folder, settings, self._faces(settings, f"watching {folder}"))
            case OpenNight(session):
                self._look_at(session, None)
                return 0
            case ChooseAgain(said):
                self._wish = self.shell.start(said)
                return code
            case _:
                settings = usual_settings()
                faces = replace(self._faces(settings, "a synthetic camera writes a night"), alerts=None)
                return run_demo(night_options({}), DEMO_PACE_S, settings, faces, None)

    def _look_at(self, session: Path, preset: str | None) -> None:
        source = open_source(session, preset, is_one_seldom_seen=True)
        try:
            self.show(source)
        finally:
            source.journal.close()

    def _faces(self, settings: Settings, opening: str) -> Faces:
        bind = settings.showing.bind if settings.showing.serve else None
        alerts = Alerts(settings.showing.notify, settings.showing.quiet)
        return Faces(self._hear, self.show, bind, opening=opening, alerts=alerts, wifi=settings.showing.wifi)

    def _hear(self, record: Record) -> None:
        if isinstance(record.event, SessionStopped):
            self._last_words = record.event.sentence
        say_line(record)


def watch_folder(home: Home, folder: Path, settings: Settings, faces: Faces, idle_s: float | None = None) -> int:
    """Watch a folder and stack what comes, in a session; returns the exit code.

    Raises
    ------
    LivestackError
        It could not begin.
    """
    check_home(home, str(folder), [folder])
    plan = watch_plan(folder, settings, idle_s)
    faces = replace(faces, opening=f"{faces.opening}; the session is {home.path}")
    remember_folder(folder)
    if settings.processing.existing == "skip":
        return run(home, plan, settings, faces, lambda: lights_in(folder, settings))
    return run(home, plan, settings, faces)
