"""The sessions of a user, in lines, with what there is of each target."""

from __future__ import annotations

import json
from collections.abc import Callable

from livestack import sessions
from livestack.counted import count

_NONE = "No sessions yet. Start one: livestack watch FOLDER"


def list_sessions(say: Callable[[str], None], *, as_json: bool) -> None:
    """Say which sessions there are, newest first, a line each."""
    found = sessions.list_sessions()
    for home, stacks in found:
        words = [f"{s['stack']}: {count(s['n_subs'], 'sub')}, {(s['exposure_s'] or 0) / 60:.0f} min" for s in stacks]
        line = f"{home.path}  {'; '.join(words) or 'nothing stacked'}"
        say(json.dumps({"session": str(home.path), "stacks": stacks}) if as_json else line)
    if not found and not as_json:
        say(_NONE)


def add_up(say: Callable[[str], None], *, as_json: bool) -> None:
    """Say what all sessions have of each target and filter together, most light first, a line each."""
    totals = sessions.totals(sessions.list_sessions())
    for name, n_sessions, n_subs, exposure_s in totals:
        facts = {"target": name, "sessions": n_sessions, "n_subs": n_subs, "exposure_s": exposure_s}
        line = f"{name}: {count(n_subs, 'sub')}, {exposure_s / 3600:.1f} h in {count(n_sessions, 'session')}"
        say(json.dumps(facts) if as_json else line)
    if not totals and not as_json:
        say(_NONE)
