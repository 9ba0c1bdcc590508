"""What a user asks of a session from outside: to drop subs, to put them back, to fold all again."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from livestack.commands.engine_room import Faces, run
from livestack.engine.plans import files_plan
from livestack.errors import SessionError, SettingsError
from livestack.events import Json
from livestack.journal import Journal
from livestack.reduce.weigh import OVERRULED
from livestack.sessions import Home, folder_of, lock
from livestack.settings import from_toml
from livestack.show.console import complain, say_line

NOT_SO = {
    "drop": "is not in the stack",
    "restore": "cannot be put back: only what was dropped, clouded, trailed or blurred",
}
DONE = {"drop": "dropped", "restore": "put back"}


def ask_for_subs(session: Path, kind: str, names: tuple[str, ...]) -> int:
    """Ask a session to drop or restore subs; it is done at once when no engine runs on it, else by the engine.

    Parameters
    ----------
    kind : str
        drop or restore.
    names : tuple of str
        Numbers, file names or paths.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    SettingsError, SessionError
        A name fits no sub, or there is no such session.
    """
    home = Home(session)
    with contextlib.closing(Journal(home.journal)) as journal:
        subs = journal.rows("SELECT no, path, state, reason FROM sub")
        chosen = [sub for name in names for sub in _fitting(subs, name, session)]
        for sub in chosen:
            if not _is_askable(kind, sub):
                why_not = "is in the stack" if sub["state"] == "accepted" else NOT_SO[kind]
                complain(f"sub {sub['no']} ({Path(sub['path']).name}) {why_not}: nothing to do")
        numbers = sorted({sub["no"] for sub in chosen if _is_askable(kind, sub)})
        if not numbers:
            return 0
        journal.ask(kind, {"no": numbers})
    if _is_running(home):
        told = ", ".join(str(no) for no in numbers)
        print(f"The running session was told: sub {told} is to be {DONE[kind]}")
        return 0
    return _answer(home)


def ask_to_restack(session: Path) -> int:
    """Fold the stacks of a session again from their subs: judged twice when no engine runs on it, else by the engine.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    SessionError
        There is no such session.
    """
    home = Home(session)
    with contextlib.closing(Journal(home.journal)) as journal:
        journal.ask("restack", {})
    if _is_running(home):
        print("The running session was told: its stacks are folded again beside those that are shown")
        return 0
    return _answer(home, judges_again=True)


def _is_askable(kind: str, sub: Json) -> bool:
    """Whether a sub is where it can be asked for: in the stack, or taken out by the user or by a verdict."""
    if kind == "drop":
        return bool(sub["state"] == "accepted")
    return sub["state"] == "dropped" or (sub["state"] == "rejected" and sub["reason"] in OVERRULED)


def _fitting(subs: list[Json], name: str, session: Path) -> list[Json]:
    path = str(Path(name).expanduser().absolute())
    fitting = [sub for sub in subs if name in (str(sub["no"]), Path(sub["path"]).name) or path == sub["path"]]
    if not fitting:
        raise SettingsError(f"there is no sub {name} in {session}: see its numbers in the viewer or the report")
    return fitting


def _is_running(home: Home) -> bool:
    try:
        with lock(home):
            return False
    except SessionError as error:
        if "in use" not in str(error):
            raise
        return True


def _answer(home: Home, *, judges_again: bool = False) -> int:
    """Let an engine without any source answer the requests of a session; to drop all of it is no failure."""
    folder = folder_of(home)
    if folder is None:
        raise SessionError(f"the session {home.path} never started")
    plan = dataclasses.replace(files_plan(folder, []), judges_again=judges_again)
    code = run(home, plan, from_toml(home.settings), Faces(say_line))
    return 0 if code == 3 else code
