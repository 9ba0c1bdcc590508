"""A session watched over from another process than its engine's, also when that has died."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from livestack.commands.faces import stop_on_signals
from livestack.counted import count
from livestack.errors import SettingsError
from livestack.show.console import complain
from livestack.show.monitor.alerts import Alert, Change
from livestack.show.monitor.lookout import TICK_S, Lookout, is_over
from livestack.show.monitor.message import Message, Ration, quiet_hours
from livestack.show.monitor.notify import NotDelivered, check, deliver
from livestack.show.monitor.post import Post, names_of
from livestack.show.source import engine_alive, open_source
from livestack.show.status import status
from livestack.show.words import clock

Say = Callable[[str], None]
UNDELIVERED = 4
STOPPED = 130


def monitor_session(session: Path, urls: Sequence[str], quiet: str, say: Say, *, once: bool, as_json: bool) -> int:
    """Watch over a session until it has ended, or a signal comes; returns the exit code.

    Raises
    ------
    LivestackError
        It is no session, or an address cannot be meant.
    """
    for url in urls:
        check(url)
    source, stop = open_source(session), threading.Event()
    post = Post(urls, Ration(quiet_hours(quiet)), complain)
    looking = contextlib.closing(Lookout(source, post))
    with contextlib.closing(source.journal), contextlib.closing(post), looking as lookout, stop_on_signals(stop.set):
        _look(lookout, say, as_json=as_json)
        if not as_json:
            say(_present(lookout))
        while not (once or is_over(lookout.state) or stop.wait(TICK_S)):
            _look(lookout, say, as_json=as_json)
        if not once:
            lookout.tell_the_end(datetime.now(UTC))
        if lookout.state.stopped is not None and is_over(lookout.state) and not (once or as_json):
            say(lookout.state.stopped.sentence)
    return STOPPED if stop.is_set() else 0


def _look(lookout: Lookout, say: Say, *, as_json: bool) -> None:
    try:
        changes = lookout.look(datetime.now(UTC))
    except sqlite3.OperationalError as error:  # its disk may come back
        complain(f"the journal cannot be read: {error}")
        return
    for change in changes:
        _tell(change, say, as_json=as_json)


def _tell(change: Change, say: Say, *, as_json: bool) -> None:
    now = datetime.now(UTC)
    if as_json:
        say(json.dumps({"time_utc": now.isoformat(timespec="seconds"), "kind": change.kind, **_facts(change.alert)}))
    else:
        say(f"{clock(now)} {change.kind}: {change.sentence}")


def _facts(alert: Alert) -> dict[str, object]:
    return {
        "rule": alert.rule.name,
        "sentence": alert.sentence,
        "since_utc": alert.finding.since.isoformat(timespec="seconds"),
        "urgent": alert.rule.urgent,
        "times": alert.times,
    }


def _present(lookout: Lookout) -> str:
    """Say how the session is."""
    state = lookout.state
    said = status(state, datetime.now(UTC), alive=engine_alive(state))
    standing = count(len(lookout.standing.alerts), "alert") if lookout.standing.alerts else "no alert"
    return (
        f"{said.word}{f', {said.detail}' if said.detail else ''}: {count(state.n_stacked, 'sub')} stacked, {standing}."
    )


def send_test(urls: Sequence[str], say: Say, *, as_json: bool) -> int:
    """Send a test message to each address and say whether it went; returns 0 when all did.

    Raises
    ------
    SettingsError
        There is no address, or one cannot be meant.
    """
    if not urls:
        raise SettingsError(
            "monitor: --test needs an address: --notify URL, LIVESTACK_NOTIFY, or notify in the settings"
        )
    for url in urls:
        check(url)
    now = datetime.now(UTC)
    message = Message(
        "livestack: test", f"A test at {clock(now)}: alerts of the night come here.", "test", "test", "", "", now, now
    )
    failed = 0
    for url, name in zip(urls, names_of(urls), strict=True):
        why = ""
        try:
            deliver(url, message)
        except NotDelivered as error:
            why, failed = str(error), failed + 1
        if as_json:
            say(json.dumps({"address": name, "delivered": not why, "why": why}))
        else:
            say(f"{name}: {'not delivered: ' + why if why else 'delivered'}")
    return UNDELIVERED if failed else 0
