"""The sessions of a user, in lines, with what there is of each target."""

from __future__ import annotations

import json
from collections.abc import Callable

from livestack import sessions
from livestack.counted import count


def list_sessions(say: Callable[[str], None], *, as_json: bool) -> None:
    """Say which sessions there are, newest first, a line each, and what they have of each target together."""
    found = sessions.list_sessions()
    for home, stacks in found:
        words = [f"{s['stack']}: {count(s['n_subs'], 'sub')}, {(s['exposure_s'] or 0) / 60:.0f} min" for s in stacks]
        line = f"{home.path}  {'; '.join(words) or 'nothing stacked'}"
        say(json.dumps({"session": str(home.path), "stacks": stacks}) if as_json else line)
    if as_json:
        return
    if not found:
        say("No sessions yet. Start one: livestack watch FOLDER")
    if len(found) > 1:
        say("In all:")
        for name, n_sessions, n_subs, exposure_s in sessions.totals(found):
            say(f"  {name}: {count(n_subs, 'sub')}, {exposure_s / 3600:.1f} h in {count(n_sessions, 'session')}")
